"""Hints, gaps and strain: what is the person, what is the work, and what it asks of the person."""

import numpy as np
import pandas as pd
import pytest
from people_tables import NO_LABELS, NO_SHIFTS, team
from scipy.stats import spearmanr

from csnb.gaps import measure_gap_parts, split_gaps
from csnb.hints import find_parts, measure_hints
from csnb.slices import add_slices
from csnb.standing import compare_agents
from csnb.strain import find_spells, measure_strain
from csnb.world import make_world


@pytest.fixture(scope="module")
def world():
    """Give an ordinary month of forty agents."""
    return make_world("S1", 7, weeks=4)


@pytest.fixture(scope="module")
def hints(world):
    """Give the hints of that month."""
    sessions = add_slices(world.sessions)
    return measure_hints(sessions, find_parts(sessions, NO_LABELS, world.shifts))


@pytest.mark.parametrize(("trait", "least"), [("willingness", 0.7), ("ability", 0.85), ("capacity", 0.6)])
def test_hints_rank_agents_like_their_true_traits(world, hints, trait, least):
    found = hints[hints["hint"] == trait].set_index("agent_id")["value"]
    truth = world.truth.agents[trait].reindex(found.index)
    assert spearmanr(-found, truth).statistic >= least - 0.1


def test_hints_lie_around_0_with_intervals_and_few_are_named(hints):
    assert hints.groupby("hint")["value"].mean().abs().max() < 0.1
    assert ((hints["low"] < hints["value"]) & (hints["value"] < hints["high"])).all()
    assert hints.groupby("hint")["is_named"].sum().between(0, 8).all()
    assert (hints.loc[hints["is_named"], "state"] == "hint").all()
    assert hints["sure_share"].between(0, 1).all()


def test_agents_who_are_alike_get_no_hint():
    world = make_world("S0", 3, weeks=4)
    sessions = add_slices(world.sessions)
    assert not measure_hints(sessions, find_parts(sessions, NO_LABELS, world.shifts))["is_named"].any()


def test_a_book_without_the_facts_has_no_hints_and_says_so():
    sessions = team([0.2] * 6, each=50)
    found = measure_hints(sessions, find_parts(sessions, NO_LABELS, NO_SHIFTS))
    assert len(found) == 18
    assert found["value"].isna().all()
    assert set(found["state"]) == {"too_few"}
    assert not found["is_named"].any()


def test_slow_only_when_idle_is_willingness_and_slow_only_when_busy_is_capacity():
    draw = np.random.default_rng(2)
    sessions = team([0.2] * 20, each=300)
    agent = np.repeat(np.arange(20), 300)
    load = np.tile(np.arange(300) % 6, 20)
    wait = np.exp(2.5 + 0.2 * load + 0.3 * draw.standard_normal(len(agent)))
    wait = wait * np.where((agent == 0) & (load < 2), 3, 1) * np.where((agent == 1) & (load >= 2), 3, 1)
    sessions = add_slices(
        sessions.assign(
            load_at_arrival=load.astype(float), first_response_seconds=wait, customer_message_count=4
        )
    )
    found = measure_hints(sessions, find_parts(sessions, NO_LABELS, NO_SHIFTS)).set_index(
        ["hint", "agent_id"]
    )
    assert found["value"].xs("willingness").idxmax() == "agent 00"
    assert found["value"].xs("capacity").idxmax() == "agent 01"
    assert found.loc[("capacity", "agent 00"), "value"] < 1
    assert found.loc[("willingness", "agent 01"), "value"] < 1


def test_minutes_off_line_inside_a_shift_count_and_nights_between_shifts_do_not():
    sessions = team([0.2] * 8, each=60)
    days = pd.to_datetime(sessions["day"].unique()).tz_localize("Asia/Shanghai")
    rows = []
    for agent in sorted(sessions["agent_id"].unique()):
        pause = 40 if agent == "agent 03" else int(agent[-1])
        for day in days:
            noon = day + pd.Timedelta(hours=12)
            rows.append((agent, day + pd.Timedelta(hours=8), noon))
            rows.append((agent, noon + pd.Timedelta(minutes=pause), day + pd.Timedelta(hours=17)))
    shifts = pd.DataFrame(rows, columns=["agent_id", "starts_at", "ends_at"])
    parts = find_parts(sessions, NO_LABELS, shifts)["willingness"]
    minutes = parts["off_line"].rows.groupby("agent_id")["y"].mean()
    assert minutes["agent 03"] == pytest.approx(40 / 9)
    assert minutes["agent 01"] == pytest.approx(1 / 9)
    found = measure_hints(sessions, {"willingness": parts})
    assert found.set_index("agent_id")["value"].idxmax() == "agent 03"


# ---- objective or personal


def gaps_of(rates, is_hard):
    """Split the gaps of agents with these rates, whose hard cases have a rate of .5."""
    draw = np.random.default_rng(6)
    sessions = team(rates, each=400)
    hit = draw.random(len(sessions)) < np.where(is_hard, 0.5, np.repeat(rates, 400))
    sessions = sessions.assign(
        stage=np.where(is_hard, "aftersale", "presale"), is_dissatisfied=pd.array(hit, dtype="boolean")
    )
    return split_gaps(sessions, compare_agents(sessions)).set_index("agent_id")


def test_a_gap_by_hard_cases_is_objective_and_one_by_the_person_is_not():
    draw = np.random.default_rng(5)
    agent = np.repeat(np.arange(12), 400)
    is_hard = draw.random(len(agent)) < np.where(agent == 0, 0.7, 0.2)
    found = gaps_of([0.1] * 11 + [0.4], is_hard)
    assert found["origin"].loc[["agent 00", "agent 11"]].to_list() == ["objective", "personal"]
    assert found.loc["agent 00", "difference_mix"] > 0.1


def test_the_parts_of_a_gap_add_up():
    found = gaps_of(np.linspace(0.1, 0.3, 8), np.arange(3200) % 3 == 0)
    parts = found[["difference_mix", "difference_load", "difference_staffing", "difference_rest"]].sum(axis=1)
    assert parts.to_numpy() == pytest.approx(found["value"].to_numpy(), abs=1e-12)
    sizes = measure_gap_parts(found).set_index("part")["value"]
    assert sizes["load"] == 0
    assert sizes["rest"] == pytest.approx(found["difference_rest"].abs().mean())


def test_a_gap_on_few_conversations_is_not_judged():
    sessions = team([0.2] * 6, each=50)
    assert set(split_gaps(sessions, compare_agents(sessions))["origin"]) == {"too_few"}


# ---- emotional load


def spell(minutes, heavy, agent="a"):
    """Give one agent's conversations of ten minutes that start at these minutes, heavy where told."""
    start = pd.Timestamp("2026-03-02 09:00", tz="Asia/Shanghai") + pd.to_timedelta(minutes, unit="min")
    return pd.DataFrame(
        {"session_id": [f"{agent}{m}" for m in minutes], "agent_id": agent, "team": "t", "left_out_because": None,
         "day": "2026-03-02", "started_at": start, "ended_at": start + pd.Timedelta(minutes=10),
         "p_dissatisfied": np.where(heavy, 0.9, 0.1), "first_response_seconds": 20.0}
    )  # fmt: skip


def test_a_break_ends_a_run_and_is_no_work():
    rows = find_spells(spell([0, 5, 60, 70, 80], [1, 1, 1, 1, 0]))
    assert rows["run"].to_list() == [1, 2, 1, 2, 0]
    assert rows["spell"].nunique() == 2
    assert rows["spell_hours"].sum() == pytest.approx((15 + 30) / 60)


def test_what_follows_three_heavy_ones_in_a_row_is_marked():
    rows = find_spells(spell([0, 10, 20, 30, 40], [1, 1, 1, 0, 0]))
    assert rows["is_after_run"].to_list() == [False, False, False, True, False]


def test_strain_is_heavy_conversations_an_hour_with_the_longest_run():
    row = measure_strain(spell([0, 10, 20, 30, 40, 50], [1, 1, 1, 0, 0, 1]), "agent_id").iloc[0]
    assert (row["heavy_count"], row["run_count"]) == (4, 3)
    assert (row["value"], row["work_hours"]) == pytest.approx((4, 1))


def test_strain_of_a_team_with_two_agents_or_five_conversations_is_suppressed():
    two = pd.concat([spell([0, 10, 20, 30], [0, 1, 0, 1], agent=agent) for agent in "ab"])
    assert measure_strain(two, "team")["method"].to_list() == ["suppressed"]
    assert measure_strain(two, "agent_id")["method"].to_list() == ["suppressed"] * 2
    assert measure_strain(two, "supplier").empty
