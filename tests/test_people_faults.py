"""Faults: everyone or someone, by the standard, beyond what the cases explain."""

import numpy as np
import pandas as pd
import pytest
from people_tables import NO_LABELS, team

from csnb.faults import compare_fault_agents, compare_faults, find_faults, measure_faults


def judged(rates, each=400, **columns):
    """Judge the fault `unresolved` (standard .05) of agents with these rates."""
    sessions = team(rates, each=each)
    sessions = sessions.rename(columns={"is_dissatisfied": "unresolved"}).assign(**columns)
    return sessions, compare_faults(sessions, NO_LABELS).set_index("fault")


def test_a_fault_of_nearly_all_is_common():
    _, found = judged([0.12] * 20)
    row = found.loc["unresolved"]
    assert row["judged"] == "common"
    assert (row["over_share"], row["standard_rate"], row["agents_count"]) == (1.0, 0.05, 20)
    assert row["low"] < row["value"] < row["high"]


def test_a_fault_of_two_is_individual_and_they_are_named():
    sessions, found = judged([0.03] * 18 + [0.2] * 2)
    assert found.loc["unresolved", "judged"] == "individual"
    assert found.loc["unresolved", "held_share"] > found.loc["unresolved", "usual_share"]
    agents = compare_fault_agents(sessions, NO_LABELS, found.reset_index()).set_index("agent_id")
    assert sorted(agents.index[agents["is_named"].astype(bool)]) == ["agent 18", "agent 19"]
    assert agents.loc["agent 00", "sure_share"] < 0.3


def test_over_the_standard_and_uneven_is_both():
    sessions, found = judged([0.06] * 10 + [0.4] * 10)
    assert found.loc["unresolved", "judged"] == "mixed"
    agents = compare_fault_agents(sessions, NO_LABELS, found.reset_index())
    assert agents["bar_rate"].iloc[0] == pytest.approx(found.loc["unresolved", "value"])
    assert set(agents.loc[agents["is_named"].astype(bool), "agent_id"]) == {
        f"agent {n}" for n in range(10, 20)
    }


def test_within_the_standard_there_is_nothing_to_do():
    _, found = judged([0.03] * 20)
    assert found.loc["unresolved", "judged"] == "within"


def test_three_agents_are_too_few_to_judge():
    _, found = judged([0.2] * 3)
    assert found.loc["unresolved", "judged"] == "unclear"


def test_hard_cases_are_no_concentration():
    """Two agents have only hard cases; the others have some, and fail in them as often."""
    draw = np.random.default_rng(4)
    sessions = team([0.0] * 20)
    agent = np.repeat(np.arange(20), 400)
    is_hard = (agent >= 18) | (draw.random(len(agent)) < 0.15)
    hit = draw.random(len(agent)) < np.where(is_hard, 0.3, 0.02)
    columns = {
        "stage": np.where(is_hard, "aftersale", "presale"),
        "unresolved": pd.array(hit, dtype="boolean"),
    }
    found = compare_faults(sessions.assign(**columns), NO_LABELS).set_index("fault").loc["unresolved"]
    assert found["held_share"] > 0.4
    assert found["p_adjusted"] > 0.05
    plain = compare_faults(sessions.assign(unresolved=columns["unresolved"]), NO_LABELS).set_index("fault")
    assert plain.loc["unresolved", "p_adjusted"] < 0.01


def test_faults_come_from_columns_then_the_clock_then_the_machine():
    sessions = team(
        [0.1] * 2, each=5, unresolved=True, unanswered_count=1, human_turn_count=[0] * 5 + [2] * 5
    )
    labels = pd.DataFrame({"session_key": [0, 1], "code": "attitude", "p": [0.9, 0.2]})
    faults, sources = find_faults(sessions, labels)
    assert sources == {
        "late_first": "clock",
        "unanswered": "clock",
        "unresolved": "coded",
        "attitude": "machine",
        "emotion": "machine",
    }
    assert faults["unanswered"].isna().tolist() == [True] * 5 + [False] * 5
    assert faults["attitude"].tolist() == [True] + [False] * 9


def test_without_labels_the_machine_says_nothing():
    faults, _ = find_faults(team([0.1], each=5), NO_LABELS)
    assert faults["attitude"].isna().all()
    found = compare_faults(team([0.1] * 6, each=50), NO_LABELS).set_index("fault")
    assert found.loc["attitude", "judged"] == "unclear"
    assert np.isnan(found.loc["attitude", "value"])


def test_a_group_with_two_agents_is_suppressed():
    sessions = team([0.1] * 8, each=50, unresolved=True)
    supplier = np.repeat(["own", "tiny"], [300, 100])
    found = measure_faults(sessions.assign(supplier=supplier), NO_LABELS, "supplier")
    found = found[found["fault"] == "unresolved"].set_index("supplier")
    assert found["method"].to_dict() == {"own": "wilson by agent and day", "tiny": "suppressed"}
    assert found["value"].tolist()[0] == 1.0
    assert np.isnan(found.loc["tiny", "value"])


def test_a_little_variety_beyond_chance_leaves_a_fault_common():
    rates = np.linspace(0.16, 0.24, 20)
    sessions = team([0.2] * 20, each=1500)
    hit = np.random.default_rng(2).random(len(sessions)) < np.repeat(rates, 1500)
    found = compare_faults(sessions.assign(unresolved=pd.array(hit, "boolean")), NO_LABELS).set_index("fault")
    assert found.loc["unresolved", "p_adjusted"] < 0.05
    assert found.loc["unresolved", "judged"] == "common"
