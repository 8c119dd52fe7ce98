"""What the report on dissatisfaction says first: with labels, without, and at the edges."""

import numpy as np
import pandas as pd
import pytest
from test_audit import people, two_coders
from test_owners import NOTHING_DRAWN, human_from, labels_from, sessions_from

from csnb.bounds import bound_sides
from csnb.owners import coded_owners, count_owners, measure_owners
from csnb.reason_shares import measure_reasons, with_counts
from csnb.satisfaction_findings import find_certainty, find_handovers, find_satisfaction_issues
from csnb.shares import measure_controllable, measure_labelling_need, measure_sides, scored_sessions
from csnb.strings import LANGUAGES, set_language, text
from csnb.trust import find_label_verdict, judge_labels

CODES = (
    ["price"],
    ["ability"],
    ["bot"],
    ["logistics"],
    ["stock"],
    ["quality"],
    ["campaign"],
    ["policy"],
    ["attitude"],
    [],
)
NOBODY = judge_labels(people())


def sentences(found):
    """Say every finding in both languages; gives key to Chinese sentence."""
    for lang in reversed(LANGUAGES):
        set_language(lang)
        said = {
            each.key: text(f"finding.{each.key}", **{name: value for name, value in each.values.items()
                                                      if name not in ("n", "interval")})
            for each in found
        }  # fmt: skip
    return said


def rated(n, **columns):
    """Make n rated conversations, all dissatisfied unless told otherwise."""
    usual = {"is_satisfied": False, "is_invited": True, "is_suspected": False}
    return sessions_from(n, **(usual | columns))


def shares(sessions, labels, human=None):
    """Give the tables that the sentences are made of."""
    scored = scored_sessions(sessions, labels, NOTHING_DRAWN)
    owners = with_counts(
        measure_owners(scored, labels, human), count_owners(sessions, coded_owners(labels, sessions))
    )
    return scored, owners, measure_reasons(scored, labels, human)


def found_of(sessions, labels, human=None):
    """Give what is found on satisfaction."""
    scored = scored_sessions(sessions, labels, NOTHING_DRAWN)
    return find_satisfaction_issues(sessions, measure_controllable(scored, human))


MACHINE = labels_from(*((key, code, 0.6) for key in range(200) for code in CODES[key % 10]))


def test_without_labels_the_share_is_bounds():
    found = {each.key: each for each in found_of(rated(200), MACHINE)}
    assert found["share_bounds"].grade == "D" and "share" not in found
    assert (
        found["share_bounds"].values["n"] == "200"
    )  # the conversations that the bounds are of, not 0 labels
    low, high = bound_sides(rated(200))["any"]
    assert found["share_bounds"].values["bounds"].startswith(f"{low:.1%}"[:-1]) and high <= 1


def test_with_labels_the_share_is_an_estimate_with_interval():
    human = human_from({key: CODES[key % 10] for key in range(100)})
    found = {each.key: each for each in found_of(rated(200), MACHINE, human)}
    assert found["share"].grade == "A" and {"n", "interval"} <= set(found["share"].values)
    assert found["share"].values["value"] == "30.0%" and "200 段" in sentences(found.values())["share"]
    assert "share_bounds" not in found


def test_every_platform_says_who_was_asked_with_its_own_base():
    found = found_of(
        rated(40, is_invited=[True] * 30 + [False] * 10, platform=["jd"] * 20 + ["douyin"] * 20), MACHINE
    )
    said = {each.values["platform"]: each.values for each in found if each.key == "satisfaction"}
    assert set(said) == {"京东", "抖音"}
    assert "50.0%（29.9–70.1%，共 20 段）" in said["抖音"]["invitation"] and said["抖音"]["n"] == "20"


def test_where_nobody_knows_who_was_invited_the_ratings_are_a_part_of_all():
    found = found_of(rated(40, is_invited=None, is_rated=[True] * 10 + [False] * 30), MACHINE)
    said = {each.key: each.values for each in found}
    assert "25.0%" in said["satisfaction_uninvited"]["rating"]
    assert said["unrated"] == {"counted": "40", "unrated": "30", "suspected": "0", "n": "40"}


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"is_rated": False}, "no_ratings"),
        ({}, "all_dissatisfied"),
        ({"is_dissatisfied": False, "is_satisfied": True}, "none_dissatisfied"),
    ],
)
def test_edges_are_said_plainly(columns, key):
    sessions = rated(12, **columns)
    bad = sessions[sessions["is_dissatisfied"] & sessions["is_rated"]]
    scored = scored_sessions(bad, MACHINE, NOTHING_DRAWN)
    said = sentences(find_satisfaction_issues(sessions, measure_controllable(scored)))
    assert key in said and "unrated" not in said


def test_handovers_name_every_owner_of_weight_the_largest_first():
    _, owners, reasons = shares(rated(200), MACHINE)
    said = sentences(find_handovers(owners, reasons))
    assert list(said) == ["own_reasons", "handed_over"]
    assert said["handed_over"].startswith("要交给其他部门的：商品 40 段（价格、库存）；")
    assert all(name in said["handed_over"] for name in ("运营", "品控", "仓储物流", "平台"))


def test_owners_of_little_are_counted_and_the_sentence_says_how_many():
    labels = labels_from(
        *((key, "price", 0.9) for key in range(198)), (198, "quality", 0.9), (199, "stock", 0.9)
    )
    _, owners, reasons = shares(rated(200), labels)
    said = sentences(find_handovers(owners, reasons))
    assert list(said) == ["handed_over"]
    assert "品控" not in said["handed_over"] and "另有 1 个部门" in said["handed_over"]


def test_with_labels_handovers_are_shares_and_where_nothing_is_coded_there_are_none():
    human = human_from({key: CODES[key % 10] for key in range(100)})
    _, owners, reasons = shares(rated(200), MACHINE, human)
    found = find_handovers(owners, reasons)
    assert [(each.key, each.grade) for each in found] == [
        ("own_reasons_share", "A"),
        ("handed_over_share", "A"),
    ]
    assert "商品 20.0%（" in sentences(found)["handed_over_share"]
    _, owners, reasons = shares(rated(5), labels_from())
    assert find_handovers(owners, reasons) == []


@pytest.mark.parametrize(
    ("labelled", "key"), [(0, "sure_unverified"), (20, "sure_more"), (600, "sure_enough")]
)
def test_certainty_is_said_with_the_labels_that_are_missing(labelled, key):
    labels = labels_from(*((number, "price", 0.5) for number in range(600)))
    scored = scored_sessions(rated(600), labels, NOTHING_DRAWN)
    human = human_from({number: ["price" if number % 2 else "ability"] for number in range(labelled)})
    given = human if labelled else None
    found = find_certainty(
        measure_controllable(scored, given),
        measure_labelling_need(scored, given),
        judge_labels(two_coders(40, 0)) if labelled else NOBODY,
    )
    (said,) = sentences(found).items()
    assert said[0] == key and {"n"} <= set(found[0].values)
    assert ("双标 40 段" in said[1] and "标注误差已校正" in said[1]) == bool(labelled)
    nothing = find_certainty(measure_controllable(scored[:0]), measure_labelling_need(scored[:0]), NOBODY)
    assert nothing == []


def test_a_few_conversations_are_to_be_read_and_not_counted():
    scored = scored_sessions(rated(12), MACHINE, NOTHING_DRAWN)
    found = find_certainty(measure_controllable(scored), measure_labelling_need(scored), NOBODY)
    assert "只有 12 段" in sentences(found)["sure_few"]
    assert not {"share", "share_bounds"} & {each.key for each in found_of(rated(4), MACHINE)}  # suppressed


def test_labels_that_cannot_be_used_are_named_right_below_the_share():
    trust = judge_labels(two_coders(40, 20))
    scored = scored_sessions(rated(40), MACHINE, NOTHING_DRAWN)
    human = human_from({key: CODES[key % 10] for key in range(40)})
    found = find_certainty(measure_controllable(scored, human), measure_labelling_need(scored, human), trust)
    verdict = max(found, key=lambda each: each.weight)
    assert (verdict.key, verdict.grade, verdict.section) == (find_label_verdict(trust)[0].key, "D", "band")
    assert 108 < verdict.weight < 110
    assert len(found) == 2 and "双标" not in sentences(found)["sure_enough"]


def test_the_first_screen_answers_in_order():
    """Share, what service can mend, what to hand to whom, how sure; only then how customers rated."""
    human = human_from({key: CODES[key % 10] for key in range(100)})
    scored, owners, reasons = shares(rated(200), MACHINE, human)
    sure = find_certainty(
        measure_controllable(scored, human),
        measure_labelling_need(scored, human),
        judge_labels(two_coders(40, 0)),
    )
    found = [*found_of(rated(200), MACHINE, human), *find_handovers(owners, reasons), *sure]
    ranked = sorted(found, key=lambda each: -each.weight)
    assert [each.key for each in ranked] == [
        "share", "own_reasons_share", "handed_over_share", "sure_enough", "all_dissatisfied", "satisfaction",
    ]  # fmt: skip


def test_suppressed_shares_leave_no_number():
    found = {each.key for each in found_of(rated(60), MACHINE, human_from({0: ["price"], 1: ["price"]}))}
    assert not {"share", "share_bounds"} & found
    assert np.isnan(
        pd.Series([measure_sides(scored_sessions(rated(60), MACHINE, NOTHING_DRAWN))["value"].iloc[0]]).iloc[
            0
        ]
    )
