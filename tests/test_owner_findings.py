"""What owners are told, in both languages: how much, whether it grows, and what is not known."""

import pandas as pd
import pytest
from test_owner_trends import rated
from test_owners import NOTHING_DRAWN, human_from, labels_from

from csnb.owner_findings import find_owner_brief, find_owner_issues
from csnb.owner_trends import compare_owner_halves
from csnb.owners import coded_owners, count_owners, measure_owners
from csnb.reason_shares import measure_reasons, with_counts
from csnb.reasons import read_owners
from csnb.shares import scored_sessions
from csnb.strings import LANGUAGES, set_language, text
from csnb.trust import judge_labels

WEEKS = ["2026-W10", "2026-W11"]


def told(sessions, labels, human=None):
    """Give what a page on owners is made of."""
    bad = sessions[sessions["is_dissatisfied"] & sessions["is_rated"]]
    scored = scored_sessions(bad, labels, NOTHING_DRAWN)
    owners = with_counts(measure_owners(scored, labels, human), count_owners(bad, coded_owners(labels, bad)))
    trends = compare_owner_halves(sessions, scored, labels, human)
    said = human_from({0: []}, use="train") if human is None else human
    asked = said.drop_duplicates(["session_key", "coder"]).assign(code="dissatisfied", holds=True)
    trust = judge_labels(pd.concat([asked, said]).assign(is_primary=False))
    return sessions, owners, measure_reasons(scored, labels, human), trends, trust


def prices(sessions):
    """Let the machine code price on all that are dissatisfied."""
    return labels_from(
        *((key, "price", 0.9) for key in sessions.loc[sessions["is_dissatisfied"], "session_key"])
    )


def sentences(found):
    """Say every finding in both languages; gives the keys."""
    for lang in LANGUAGES:
        set_language(lang)
        for each in found:
            claim = {name: value for name, value in each.values.items() if name not in ("n", "interval")}
            assert text(f"finding.{each.key}", **claim)
    return [each.key for each in found]


def test_without_labels_owners_are_told_counts_and_bounds_of_the_lowest_grade_and_no_interval():
    sessions = rated(WEEKS, [40, 40])
    found = find_owner_issues(*told(sessions, prices(sessions)))
    assert sentences(found) == ["owners_unverified", "owner_coded", "owners_steady"]
    assert {each.grade for each in found} == {"D"}
    assert found[1].values["sessions"] == "80" and "bounds" in found[1].values
    assert "interval" not in found[1].values


def test_with_labels_owners_are_told_their_share_and_nothing_of_the_machine_after_what_the_labels_bear():
    sessions = rated(WEEKS, [40, 40])
    keys = sessions.loc[sessions["is_dissatisfied"], "session_key"]
    human = human_from({key: ["logistics"] if key % 4 == 0 else ["price"] for key in keys})
    found = find_owner_issues(*told(sessions, prices(sessions), human))
    assert sentences(found) == ["labels_unknown", "owner_share", "owner_share", "owners_steady"]
    assert [each.values["value"] for each in found[1:3]] == ["75.0%", "25.0%"]
    assert found[1].values["sessions"] == "60" and "interval" in found[1].values
    assert {each.grade for each in found} == {"C"}  # one coder: with care


def test_too_few_labels_or_conversations_give_no_share():
    sessions = rated(WEEKS, [40, 40])
    found = find_owner_issues(*told(sessions, prices(sessions), human_from({0: ["price"], 1: ["price"]})))
    assert sentences(found)[:2] == ["labels_few", "owner_counted"]
    few = rated(WEEKS, [1, 1])
    assert sentences(find_owner_issues(*told(few, prices(few))))[:2] == ["owners_unverified", "owner_counted"]


@pytest.mark.parametrize(("bad", "key"), [([10, 90], "owner_growing"), ([90, 10], "owner_shrinking")])
def test_a_trend_beyond_chance_stands_among_the_findings_and_in_the_owners_brief(bad, key):
    given = told(sessions := rated(WEEKS, bad), prices(sessions))
    assert key in sentences(find_owner_issues(*given))
    assert sentences(find_owner_brief("merchandising", *given)) == ["owner_coded", key]


@pytest.mark.parametrize(("weeks", "key"), [(WEEKS, "owner_unclear"), (WEEKS[:1], "owner_one_week")])
def test_what_cannot_be_told_is_said_in_the_owners_brief_only(weeks, key):
    given = told(sessions := rated(weeks, [40] * len(weeks)), prices(sessions))
    said = sentences(find_owner_issues(*given))
    assert key not in said and ("owners_steady" in said) == (key == "owner_unclear")
    assert sentences(find_owner_brief("merchandising", *given))[1] == key


def test_weeks_that_the_period_cuts_are_named_by_the_days_of_the_sessions():
    whole = rated(WEEKS, [40, 40])  # Monday 2 to Sunday 15 March
    cut = whole.assign(left_out_because=None)
    cut.loc[~cut["day"].between("2026-03-04", "2026-03-13"), "left_out_because"] = "out_of_period"
    for sessions, days in ((whole, ("2日–8日", "9日–15日")), (cut, ("4日–8日", "9日–13日"))):
        said = find_owner_issues(*told(sessions, prices(sessions)))[-1].values
        assert (said["before"], said["after"]) == tuple(f"2026年3月{part}" for part in days)


def test_an_owner_of_whom_nothing_is_known_is_told_so():
    given = told(sessions := rated(WEEKS, [40, 40]), prices(sessions))
    assert sentences(find_owner_brief("logistics", *given)) == ["owner_untouched"]


@pytest.mark.parametrize(
    ("changes", "labelled", "key"),
    [
        ({"is_rated": False}, True, "owners_unrated"),
        ({"is_dissatisfied": False}, True, "owners_content"),
        ({}, False, "owners_none"),
    ],
)
def test_where_there_is_nothing_to_tell_it_says_why_once(changes, labelled, key):
    sessions = rated(WEEKS, [40, 40])
    given = told(sessions.assign(**changes), prices(sessions) if labelled else labels_from())
    assert sentences(find_owner_issues(*given)) == [key]
    assert [find_owner_brief(owner, *given) for owner in read_owners()] == [[]] * len(read_owners())
