"""Case mix, standings and units: comparable conditions, nobody named on chance, small groups hidden."""

import numpy as np
import pandas as pd
import pytest
from people_tables import team
from scipy.special import expit, logit

from csnb.casemix import adjust_agents, case_mix, list_case_mix, read_people
from csnb.errors import DefinitionError
from csnb.lookup import SHIPPED
from csnb.standing import (
    compare_agents,
    compare_units,
    count_basis,
    count_standings,
    measure_reliability,
    pick_outcome,
)

CLEAR = [0.05] * 2 + [0.2] * 16 + [0.5] * 2


def routed(seed=0):
    """Two kinds of cases; good agents get the hard ones, so that all crude rates are alike."""
    draw = np.random.default_rng(seed)
    sessions = team([0.0] * 20, each=600)
    agent = np.repeat(np.arange(20), 600)
    is_hard = draw.random(len(agent)) < np.where(agent < 10, 0.9, 0.1)
    rate = np.where(is_hard, 0.5, 0.2) * np.where(agent < 10, 0.6, 1.2)
    return sessions.assign(
        stage=np.where(is_hard, "aftersale", "presale"),
        is_dissatisfied=pd.array(draw.random(len(agent)) < rate, dtype="boolean"),
    )


def test_case_mix_tells_frequent_values_and_keeps_missing_ones_apart():
    sessions = pd.DataFrame(
        {"stage": ["presale"] * 30 + ["aftersale"] * 40 + [None] * 25 + ["odd"] * 3, "shop": "A"}
    )
    table = case_mix(sessions)
    assert list(table) == [("mix", "stage", "presale"), ("mix", "stage", ""), ("mix", "stage", "other")]
    assert table.sum().to_list() == [30, 25, 3]
    assert case_mix(sessions, without=["stage"]).shape == (98, 0)


def test_difficult_cases_are_taken_into_account():
    found = compare_agents(routed())
    assert abs(found["value"][:10].mean() - found["value"][10:].mean()) < 0.02
    adjusted = found.set_index("agent_id")["adjusted_rate"]
    assert adjusted.iloc[:10].max() < adjusted.iloc[10:].min()
    assert (found["expected_rate"][:10].min() > found["expected_rate"][10:].max()).all()


def test_clear_differences_are_named_with_their_tier():
    found = compare_agents(team(CLEAR)).set_index("agent_id")["standing"]
    assert set(found[found == "head"].index) == {"agent 00", "agent 01"}
    assert set(found[found == "tail"].index) == {"agent 18", "agent 19"}


def test_equal_agents_are_not_named_and_their_ranks_are_open():
    found = compare_agents(team([0.2] * 20, seed=3))
    assert not found["is_named"].any()
    assert (found["standing"] == "watch").all()
    assert (found["rank_high"] - found["rank_low"]).min() > 10


def test_one_bad_week_does_not_name_anybody():
    """Agent 19 is at .2 like all others, but for one of the three windows."""
    sessions = team([0.2] * 20, each=600, seed=1)
    bad = (sessions["agent_id"] == "agent 19") & (sessions["day"] < "2026-03-11")
    sessions.loc[bad, "is_dissatisfied"] = np.random.default_rng(5).random(bad.sum()) < 0.7
    found = compare_agents(sessions).set_index("agent_id")
    assert found.loc["agent 19", "value"] > 0.3
    assert not found.loc["agent 19", "is_named"]


@pytest.mark.parametrize(("each", "standing"), [(59, "too_few"), (60, "tail")])
def test_nobody_is_named_on_fewer_ratings_than_the_rule_asks_for(each, standing):
    rates = [0.1] * 16 + [0.95] * 4
    found = compare_agents(team(rates, each=each)).set_index("agent_id")["standing"]
    assert found["agent 19"] == standing


def test_four_agents_are_too_few_to_name_one():
    assert not compare_agents(team([0.05, 0.2, 0.2, 0.9]))["is_named"].any()


def test_a_lone_agent_has_a_rate_and_nobody_to_be_compared_with():
    row = compare_agents(team([0.2])).iloc[0]
    assert row["value"] == pytest.approx(0.2, abs=0.06)
    assert row[["expected_rate", "adjusted_rate", "effect"]].isna().all()
    assert not row["is_named"]


def test_fewer_than_five_conversations_are_suppressed():
    sessions = pd.concat([team([0.2] * 6), team([0.2], each=4).assign(agent_id="new")])
    row = compare_agents(sessions).set_index("agent_id").loc["new"]
    assert (row["n"], row["method"]) == (4, "suppressed")
    assert row[["value", "low", "expected_rate", "adjusted_rate"]].isna().all()


def test_sessions_that_do_not_count_change_nothing():
    sessions = team(CLEAR, each=80)
    extra = sessions.head(50).assign(left_out_because="bot_only", session_key=-1)
    nobody = sessions.head(50).assign(agent_id=None, session_key=-2)
    shared = sessions.head(50).assign(agent_id="main", session_key=-3, is_shared_account=True)
    everything = pd.concat(
        [sessions.assign(is_shared_account=False), extra, nobody, shared], ignore_index=True
    )
    everything["is_shared_account"] = everything["is_shared_account"].eq(True)
    pd.testing.assert_frame_equal(compare_agents(everything), compare_agents(sessions))


def test_sessions_without_a_day_count_but_name_nobody():
    found = compare_agents(team(CLEAR).assign(day="unknown", started_at=pd.NaT))
    assert found["n"].sum() == 20 * 400
    assert not found["is_named"].any()


def test_standings_are_counted_without_names():
    counts = count_standings(compare_agents(team(CLEAR))).set_index("standing")
    agents = counts["agents_count"]
    assert (agents["head"], agents["tail"], agents.sum()) == (2, 2, 20)
    assert counts.loc["head", "n"] == 800 and counts["n"].sum() == 20 * 400


def test_the_base_is_counted_from_all_accounts_down_to_those_with_enough():
    sessions = team([0.2] * 4, each=80)
    is_shared = sessions["agent_id"] == "agent 03"
    rated = sessions["is_dissatisfied"].where(
        ~((sessions["agent_id"] == "agent 02") & (sessions.index % 2 == 0))
    )
    marked = sessions.assign(is_shared_account=is_shared, is_dissatisfied=rated)
    basis = count_basis(marked, compare_agents(marked)).set_index("basis")
    assert basis["agents_count"].to_dict() == {
        "served": 4,
        "shared": 1,
        "people": 3,
        "compared": 3,
        "enough": 2,
    }
    assert basis["n"].to_list() == [320, 80, 240, 200, 160]
    assert (basis.loc["people"] + basis.loc["shared"]).to_list() == basis.loc["served"].to_list()


def test_reliability_grows_with_conversations():
    rates = np.linspace(0.15, 0.3, 20)
    few, many = (measure_reliability(compare_agents(team(rates, each=each))).iloc[0] for each in (100, 900))
    assert few["reliability_share"] < many["reliability_share"] <= 1
    assert many["needed_count"] > 0
    assert np.isnan(measure_reliability(compare_agents(team([0.2])))["reliability_share"].iloc[0])


def test_reliability_stands_between_the_ends_of_its_interval():
    compared = compare_agents(team(np.linspace(0.15, 0.3, 20), each=300))
    measured = measure_reliability(compared).iloc[0]
    assert (
        0
        < measured["reliability_share_low"]
        < measured["reliability_share"]
        < measured["reliability_share_high"]
        < 1
    )
    assert measured["needed_count_low"] < measured["needed_count"] < measured["needed_count_high"]
    narrow = measure_reliability(compared, confidence=0.5).iloc[0]
    assert narrow["reliability_share_low"] > measured["reliability_share_low"]
    equal = measure_reliability(compare_agents(team([0.2] * 20, seed=3))).iloc[0]
    assert equal["reliability_share_low"] == 0 and pd.isna(equal["needed_count_high"])


def test_reliability_is_the_squared_correlation_with_the_truth():
    """Over many teams the share found is, on average, the squared correlation of effects and true rates."""
    found, true = [], []
    for seed in range(12):
        rates = expit(logit(0.2) + 0.3 * np.random.default_rng(seed).standard_normal(30))
        compared = compare_agents(team(rates, each=150, seed=seed + 50))
        found.append(measure_reliability(compared)["reliability_share"].iloc[0])
        true.append(np.corrcoef(compared["effect"], logit(rates))[0, 1] ** 2)
    assert np.mean(found) == pytest.approx(np.mean(true), abs=0.1)


def test_ratings_are_compared_where_there_are_enough_else_codes():
    sessions = team([0.2] * 6, each=250).assign(is_suspected=False)
    assert pick_outcome(sessions) == "is_dissatisfied"
    rated = sessions["is_dissatisfied"].where(np.arange(len(sessions)) % 10 == 0)
    assert pick_outcome(sessions.assign(is_dissatisfied=rated)) == "is_suspected"


def test_suppliers_apart_are_found_over_their_agents_and_small_ones_are_hidden():
    rates = [0.15] * 10 + [0.35] * 10 + [0.9] * 2
    sessions = team(rates, each=150)
    supplier = np.repeat(["own", "other", "tiny"], [1500, 1500, 300])
    found = compare_units(sessions.assign(supplier=supplier), "supplier").set_index("supplier")
    assert found.loc["other", "adjusted_rate_low"] > found.loc["own", "adjusted_rate_high"]
    assert found.loc[["own", "other"], "is_apart"].all()
    assert (found.loc["tiny", "method"], found.loc["tiny", "agents_count"]) == ("suppressed", 2)
    assert found.loc["tiny", ["value", "adjusted_rate", "p_adjusted"]].isna().all()


def test_equal_suppliers_are_not_apart_and_an_unknown_column_gives_nothing():
    sessions = team(np.linspace(0.1, 0.4, 20), each=150)
    supplier = np.tile(np.repeat(["own", "other"], 150), 10)
    assert not compare_units(sessions.assign(supplier=supplier), "supplier")["is_apart"].any()
    assert compare_units(sessions, "supplier").empty


def test_the_case_mix_in_use_is_listed_with_what_is_known_of_it():
    sessions = team([0.2] * 5, each=20, stage=None, shop="A")
    found = list_case_mix(sessions).set_index("fact")
    assert found.loc["stage", "share"] == 0
    assert found.loc["shop", ["comparable", "n"]].to_list() == ["mix", 100]
    assert "intent" not in found.index


def test_weeks_that_vary_widen_the_variance():
    calm = team([0.2] * 20, seed=2)
    week = pd.to_datetime(calm["day"]).dt.isocalendar().week.astype(int)
    swing = np.where((week + calm["agent_id"].str[-1].astype(int)) % 2, 0.05, 0.35)
    varied = calm.assign(is_dissatisfied=np.random.default_rng(1).random(len(calm)) < swing)
    found = [adjust_agents(sessions, sessions["is_dissatisfied"]) for sessions in (calm, varied)]
    assert found[1].passing > 10 * found[0].passing
    assert found[1].whole["variance"].mean() > 2 * found[0].whole["variance"].mean()


def test_a_table_without_its_key_is_refused_with_its_line(tmp_path):
    words = (SHIPPED / "people.toml").read_text("utf-8").replace("tier_share", "tear_share")
    (tmp_path / "people.toml").write_text(words, "utf-8")
    with pytest.raises(DefinitionError, match=r"people\.toml, line .*naming: lacks tier_share"):
        read_people(tmp_path)
