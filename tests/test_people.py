"""Names for whom they are meant, talks that ask, findings that say what the tables say."""

import numpy as np
import pandas as pd
import pytest
from people_tables import NO_LABELS, NO_SHIFTS, team

from csnb.blocks import sheets_html
from csnb.charts_people import plot_funnel
from csnb.errors import ParameterError
from csnb.faults import compare_fault_agents, compare_faults
from csnb.gaps import split_gaps
from csnb.hints import find_parts, measure_hints
from csnb.people import (
    count_hints,
    find_people_issues,
    hide_agents,
    hide_names,
    list_hints,
    list_named,
)
from csnb.standing import compare_agents, compare_units, count_basis, measure_reliability
from csnb.strain import measure_strain
from csnb.strings import text
from csnb.tables import table_html
from csnb.talks import list_sheets, list_talks

CLEAR = [0.05] * 2 + [0.2] * 16 + [0.5] * 2


def report(sessions, audience="analyst"):
    """Run what the notebook runs; give its tables and the sentences of its findings, weightiest first."""
    compared = compare_agents(sessions)
    faults = compare_faults(sessions, NO_LABELS)
    fault_agents = compare_fault_agents(sessions, NO_LABELS, faults)
    hints = measure_hints(sessions, find_parts(sessions, NO_LABELS, NO_SHIFTS))
    units = [compare_units(sessions, "supplier")]
    strain = measure_strain(sessions, "agent_id")
    gaps = split_gaps(sessions, compared)
    basis = count_basis(sessions, compared)
    found = find_people_issues(basis, compared, faults, hints, gaps, units, strain, audience)
    found = sorted(found, key=lambda finding: -finding.weight)
    words = [
        text(f"finding.{each.key}", **{k: v for k, v in each.values.items() if k not in ("n", "interval")})
        for each in found
    ]
    return {
        "compared": compared,
        "hints": hints,
        "fault_agents": fault_agents,
        "gaps": gaps,
        "found": found,
        "words": words,
    }


def clear_team():
    """Give a team in which four agents stand apart and two leave matters unresolved."""
    plain = {
        "unresolved": False,
        "load_at_arrival": np.nan,
        "first_response_seconds": 20.0,
        "is_replied": True,
    }
    sessions = team(CLEAR, **plain)
    hit = np.random.default_rng(1).random(len(sessions)) < np.repeat([0.02] * 18 + [0.3] * 2, 400)
    return sessions.assign(unresolved=pd.array(hit, dtype="boolean"))


@pytest.fixture(scope="module")
def clear():
    """Give the report on that team for analysts."""
    return report(clear_team())


def test_analysts_see_all_leads_those_past_the_gate_and_leadership_nobody(clear):
    compared = clear["compared"]
    named = {"agent 00", "agent 01", "agent 18", "agent 19"}
    assert set(hide_names(compared, "analyst")["agent_id"]) == set(compared["agent_id"])
    assert set(list_named(compared, "lead")["agent_id"]) == named
    assert list_named(compared, "leadership").empty
    assert len(hide_names(compared, "lead")) == len(hide_names(compared, "leadership")) == 20
    with pytest.raises(ParameterError, match="analyst, lead, leadership; got: 'boss'"):
        hide_names(compared, "boss")


def test_the_order_of_hidden_rows_tells_no_names(clear):
    hidden = hide_names(clear["compared"], "leadership")
    assert hidden["value"].is_monotonic_increasing
    assert hidden["agent_id"].isna().all()


@pytest.mark.parametrize("audience", ["analyst", "lead", "leadership"])
def test_no_page_of_leadership_holds_a_name(clear, audience):
    sentences = " ".join(report(clear_team(), audience)["words"])
    figure = plot_funnel(hide_names(clear["compared"], audience)).to_json()
    assert ("agent 19" in sentences) == (audience != "leadership")
    assert "agent 05" not in sentences
    assert ("agent 19" in figure) == (audience != "leadership")
    assert ("agent 05" in figure) == (audience == "analyst")


def test_talks_ask_about_what_was_found_and_lists_those_first(clear):
    talks = list_talks(clear["compared"], clear["hints"], clear["fault_agents"], "analyst")
    assert len(talks) == 20
    first = talks.iloc[0]
    assert first["agent_id"] in ("agent 18", "agent 19")
    assert (first["hint"], first["state"], first["standing"]) == ("ability", "hint", "tail")
    assert first["question"] == text("talk.ability")
    assert text("value.fault.unresolved") in first["faults"]
    calm = talks.set_index("agent_id").loc["agent 05"]
    assert calm["question"] == text("talk.open")
    assert pd.isna(calm["hint"]) and pd.isna(calm["sure_share"]) and pd.isna(calm["standing"])
    assert set(talks.loc[talks["is_named"], "agent_id"]) == {"agent 00", "agent 01", "agent 18", "agent 19"}


def test_a_hint_that_is_likely_but_does_not_hold_is_no_label_for_analysts_either(clear):
    doubted = clear["hints"].assign(state="open", is_named=False, sure_share=0.99)
    talks = list_talks(clear["compared"], doubted, clear["fault_agents"], "analyst")
    assert talks["hint"].isna().all() and talks["sure_share"].isna().all()
    assert (talks["state"] == "open").all() and (talks["question"] == text("talk.open")).all()
    parts = (clear["compared"], doubted, clear["fault_agents"], clear["gaps"])
    assert "hint" not in list_sheets(talks, *parts, "analyst")["line"].to_list()


def test_talks_are_for_leads_past_the_gate_and_for_leadership_none(clear):
    """The two heads are named, too: what comes easily to them can be taught to others."""
    talks = list_talks(clear["compared"], clear["hints"], clear["fault_agents"], "lead")
    assert set(talks["agent_id"]) == {"agent 00", "agent 01", "agent 18", "agent 19"}
    assert list_talks(clear["compared"], clear["hints"], clear["fault_agents"], "leadership").empty


def sheets(clear, audience):
    """Write the sheets for an audience."""
    parts = [clear[name] for name in ("compared", "hints", "fault_agents")]
    return list_sheets(list_talks(*parts, audience), *parts, clear["gaps"], audience)


def test_a_sheet_says_what_was_found_with_n_and_interval_and_asks(clear):
    sheet = sheets(clear, "analyst").set_index("agent_id").loc["agent 18"]
    assert sheet["line"].to_list() == ["standing", "hint", "fault", "gap", "rule_out", "ask", "agree"]
    found = sheet.loc[sheet["line"].isin(["standing", "hint", "fault"]), "said"]
    assert found.str.contains("区间").all()
    assert found.str.contains("样本量 400").all()
    assert text("talk.ability") in sheet["said"].to_list()
    calm = sheets(clear, "analyst").set_index("agent_id").loc["agent 05"]
    assert calm["line"].to_list() == ["standing", "gap", "ask", "agree"]


def test_sheets_of_leads_hold_what_is_past_the_gate_and_leadership_has_none(clear):
    for_lead = sheets(clear, "lead")
    assert set(for_lead["agent_id"]) == {"agent 00", "agent 01", "agent 18", "agent 19"}
    assert set(for_lead.loc[for_lead["line"] == "hint", "agent_id"]) == {"agent 18", "agent 19"}
    assert sheets(clear, "leadership").empty


def test_a_sheet_is_folded_away_and_its_words_are_plain(clear):
    html = sheets_html(sheets(clear, "lead").assign(said="<b>x</b>"))
    assert html.count("<details>") == 4
    assert "<b>" not in html


def test_hints_are_counted_and_laid_out(clear):
    counts = count_hints(clear["hints"]).set_index("hint")
    assert counts.loc["ability", ["agents_count", "hint_count", "few_count"]].to_list() == [20, 2, 0]
    assert counts.loc["capacity", "few_count"] == 20
    shown = list_hints(clear["hints"], "lead").dropna(subset=["value"])
    assert set(shown["agent_id"]) == {"agent 18", "agent 19"}
    assert list_hints(clear["hints"], "leadership")["value"].isna().all()


def test_the_first_finding_says_how_many_stand_apart(clear):
    assert clear["found"][0].key == "standings"
    assert clear["found"][0].values["head"] == "2"
    keys = [each.key for each in clear["found"]]
    assert {"named_head", "named_tail", "faults_individual", "hints_to_talk"} <= set(keys)
    assert all(each.grade in "ABCD" and each.values["n"] != "0" for each in clear["found"])


def test_what_to_do_first_follows_from_the_faults_and_the_names(clear):
    (steps,) = [each.values["steps"] for each in clear["found"] if each.key == "people_next"]
    assert text("talk.step_coach", fault=text("value.fault.unresolved")) in steps
    assert text("talk.step_talk", count="2") in steps  # the two at the tail are the two with a hint
    calm = report(team([0.2] * 20, seed=3))
    (steps,) = [each.values["steps"] for each in calm["found"] if each.key == "people_next"]
    assert steps == text("talk.step_alone")


def test_equal_agents_give_no_names_and_no_ranking():
    found = report(team([0.2] * 20, seed=3))
    keys = [each.key for each in found["found"]]
    assert keys[0] == "nobody_stands_apart"
    assert not {"named_head", "named_tail", "hints_to_talk"} & set(keys)


@pytest.mark.parametrize(
    ("sessions", "key"),
    [
        (team([0.2] * 6, each=30).assign(agent_id=None), "no_agents"),
        (team([0.2] * 6, each=30).iloc[:0], "no_agents"),
        (team([0.2], each=30), "one_agent"),
        (team([0.2] * 4, each=30), "few_agents"),
    ],
)
def test_too_little_to_compare_is_said_and_nothing_else_about_people(sessions, key):
    found = report(sessions)["found"]
    assert found[0].key == key
    assert not {each.key for each in found} & {"standings", "nobody_stands_apart", "gaps", "hints_none"}


def test_without_ratings_codes_are_compared_and_the_grade_is_d():
    sessions = team([0.2] * 8, each=220)
    sessions = sessions.assign(
        is_suspected=sessions["is_dissatisfied"].astype(bool),
        is_dissatisfied=pd.array([pd.NA] * len(sessions), "boolean"),
    )
    found = {each.key: each for each in report(sessions)["found"]}
    assert found["people_basis_machine"].grade == "D"
    assert found["nobody_stands_apart"].grade == "D"


def test_hints_made_of_machine_codes_are_of_their_grade(clear):
    sessions = clear_team()
    bad = sessions["unresolved"].astype(bool)
    codes = pd.DataFrame({"session_key": sessions.loc[bad, "session_key"], "code": "ability", "p": 0.9})
    plain = sessions.drop(columns="unresolved")
    compared, faults = compare_agents(plain), compare_faults(plain, codes)
    hints = measure_hints(plain, find_parts(plain, codes, NO_SHIFTS))
    tables = (compared, faults, hints, split_gaps(plain, compared), [], measure_strain(plain, "agent_id"))
    found = find_people_issues(count_basis(plain, compared), *tables, "analyst")
    assert {each.key: each.grade for each in found}["hints_to_talk"] == "D"
    assert {each.key: each.grade for each in clear["found"]}["hints_to_talk"] == "B"


def test_every_count_of_agents_has_one_base(clear):
    values = {each.key: each.values for each in clear["found"]}
    assert values["people_basis"]["people"] == values["people_basis"]["agents"] == "20"
    numbers = values["standings"]
    assert sum(int(numbers[name]) for name in ("head", "middle", "tail", "watch", "too_few")) == 20
    assert numbers["agents"] == values["gaps"]["known"] == values["hints_to_talk"]["agents"] == "20"


def test_whether_ranks_can_be_trusted_is_said_with_its_interval():
    few, some, equal = (
        {each.key: each.values for each in report(team(rates, each=each_has, seed=2))["found"]}
        for rates, each_has in (
            (np.linspace(0.17, 0.27, 12), 60),
            (np.linspace(0.12, 0.32, 8), 120),
            ([0.2] * 12, 60),
        )
    )
    reliability = few.get("not_reliable") or few.get("maybe_reliable") or few["nothing_lasts"]
    assert "–" in reliability["interval"] and reliability["agents"] == "12"
    assert "maybe_reliable" in some
    assert {"nothing_lasts", "not_reliable"} & set(equal)


def test_ranks_are_called_chance_only_where_the_interval_says_so():
    sessions = team([0.2] * 5, each=40, seed=1)
    measured = measure_reliability(compare_agents(sessions)).iloc[0]
    assert measured["reliability_share"] == 0 and measured["reliability_share_high"] > 0.7
    found = {each.key: each.values for each in report(sessions)["found"]}
    assert "nothing_lasts" not in found
    assert found["maybe_lasts"]["sessions"] == "40" and "needed" not in found["maybe_lasts"]
    low = team([0.2] * 5, each=40, seed=0)
    assert measure_reliability(compare_agents(low))["reliability_share_high"].item() < 0.7
    assert "nothing_lasts" in {each.key for each in report(low)["found"]}


def test_people_of_unknown_outcome_beside_a_shared_account_are_not_passed_over():
    sessions = team([0.2] * 3, each=10)
    sessions["is_shared_account"] = sessions["agent_id"] == "agent 00"
    sessions["is_dissatisfied"] = sessions["is_dissatisfied"].where(sessions["is_shared_account"])
    assert [each.key for each in report(sessions)["found"]] == ["no_agents", "shared_accounts"]


def test_shops_and_suppliers_that_are_alike_share_one_line():
    sessions = team([0.2] * 20, each=50).assign(shop=np.resize(["A", "B"], 1000), supplier="x")
    sessions.loc[sessions.index % 4 < 2, "supplier"] = "y"
    units = [compare_units(sessions, by).assign(is_apart=False) for by in ("shop", "supplier")]
    compared = compare_agents(sessions)
    parts = (
        compare_faults(sessions, NO_LABELS),
        measure_hints(sessions, find_parts(sessions, NO_LABELS, NO_SHIFTS)),
        split_gaps(sessions, compared),
    )
    basis, strain = count_basis(sessions, compared), measure_strain(sessions, "agent_id")
    found = find_people_issues(basis, compared, *parts, units, strain, "lead")
    (alike,) = [each for each in found if each.key == "units_alike"]
    assert alike.values["by"] == text("talk.between").join([text("talk.by_shop"), text("talk.by_supplier")])


def test_no_sentence_claims_a_cause(clear):
    for words in clear["words"]:
        assert not any(cause in words for cause in ("导致", "造成", "因为"))


def test_the_funnel_holds_every_agent_and_marks_those_outside(clear):
    figure = plot_funnel(clear["compared"])
    dots = figure.data[-1]
    assert len(dots.x) == 20
    assert len(set(dots.marker.color)) == 2
    assert len(figure.layout.meta["rows"]["data"]) == 20
    assert plot_funnel(compare_agents(team([0.2]))).layout.annotations[0].text == text("chart.empty")


def test_whose_name_is_hidden_has_no_team_either():
    table = pd.DataFrame(
        {"agent_id": ["a", "b"], "team": "x", "value": [0.1, 0.2], "is_named": [True, False]}
    )
    assert hide_names(table, "lead")["team"].to_list() == ["x", None]
    assert hide_names(table, "leadership")["team"].isna().all()


def test_a_table_of_nobody_says_that_this_page_names_nobody():
    compared = pd.DataFrame({"agent_id": [], "standing": []})
    assert text("empty.compared") in table_html(compared, "compared")


class Known:
    """What `hide_agents` asks of a book: who is known by name, and who served."""

    agents = pd.DataFrame({"agent_id": ["甲店:小美", "甲店:A"], "name": ["王美丽", None]})
    sessions = pd.DataFrame({"agent_id": ["甲店:小美", "乙店:小丽01", None]})


QUOTES = pd.DataFrame(
    {
        "text": ["甲店客服小美接待您", "小丽01说好今天发，王美丽也说了", "A 款和 B 款有什么区别", None],
        "quote": [None, "小丽01说好今天发", None, None],
    }
)


@pytest.mark.parametrize("audience", ["lead", "leadership"])
def test_names_of_agents_are_taken_out_of_what_was_said(audience):
    hidden = hide_agents(QUOTES, Known, audience)
    assert hidden["text"].to_list()[:3] == [
        "甲店客服[客服]接待您",
        "[客服]说好今天发，[客服]也说了",
        "A 款和 B 款有什么区别",
    ]
    assert hidden["quote"][1] == "[客服]说好今天发"
    assert hidden["text"].isna().to_list() == [False, False, False, True]
    assert hide_agents(QUOTES, Known, "analyst") is QUOTES


def test_who_may_be_named_stays_in_the_own_conversations_only():
    seen = pd.Series(["甲店:小美"] * 3 + [None])
    hidden = hide_agents(QUOTES, Known, "lead", seen)
    assert hidden["text"].to_list()[:2] == ["甲店客服小美接待您", "[客服]说好今天发，[客服]也说了"]
