"""Worlds show what their scenario says, over many seeds, and interventions change nothing but what they name."""

import time

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, kstest, norm, spearmanr

from csnb.schema import SESSIONS
from csnb.world import make_world
from csnb.world.causes import BEHAVIOURS
from csnb.world.observed import BEYOND_SCHEMA


def seen_with_truth(world):
    """Join the sessions an agent handled with the truth about them."""
    truth = world.truth.sessions[["is_handled", "agent", "is_dissatisfied"]].add_prefix("true_")
    joined = world.sessions.merge(truth, left_on="session_id", right_index=True)
    return joined[joined["true_is_handled"]]


def test_same_arguments_give_the_same_world():
    one, two = (make_world("S4", 7, sessions_per_week=800) for _ in range(2))
    for table in ("sessions", "ratings", "agents", "events", "shifts", "orders", "refunds", "tickets"):
        pd.testing.assert_frame_equal(getattr(one, table), getattr(two, table))


def test_another_seed_gives_another_world():
    one, two = (make_world("S1", seed, sessions_per_week=800).sessions["started_at"] for seed in (1, 2))
    assert not set(one) & set(two)


def test_sessions_have_the_columns_of_the_schema_and_the_documented_ones():
    sessions = make_world("S1", 1, sessions_per_week=300).sessions
    assert set(sessions.columns) == set(SESSIONS.columns) | set(BEYOND_SCHEMA)


def test_a_week_of_six_thousand_sessions_takes_a_fifth_of_a_second():
    spent = []
    for _ in range(5):
        start = time.process_time()
        make_world("S1", 1, sessions_per_week=6000, agents=40)
        spent.append(time.process_time() - start)
    assert min(spent) <= 0.2


def test_s0_agents_differ_no_more_than_chance_over_200_worlds():
    """The chi-square of agents' crude rates is uniform in its p-value."""
    p_values = []
    for seed in range(200):
        handled = seen_with_truth(make_world("S0", seed, sessions_per_week=1500, agents=15))
        groups = handled.groupby("true_agent")["true_is_dissatisfied"].agg(["sum", "size"])
        rate = groups["sum"].sum() / groups["size"].sum()
        z = (groups["sum"] - groups["size"] * rate) / np.sqrt(groups["size"] * rate * (1 - rate))
        p_values.append(chi2.sf((z**2).sum(), len(groups) - 1))
    assert kstest(p_values, "uniform").pvalue > 0.005
    assert np.mean(np.array(p_values) < 0.05) <= 0.10


def test_s0_behaviours_and_agents_have_no_effect():
    truth = make_world("S0", 1).truth
    assert truth.recoverable() == 0
    assert truth.tau2 == pytest.approx(0, abs=1e-12)


def test_s2_bursts_stand_out_on_their_days_for_every_seed():
    for seed in range(20):
        started = make_world("S2", seed).sessions["started_at"]
        counts = started.dt.floor("30min").value_counts()
        start = pd.Timestamp("2026-03-02", tz="Asia/Shanghai")
        bursts = {start + pd.Timedelta(days=day, hours=20) for day in (8, 12)}
        assert set(counts.nlargest(2).index) == bursts


def test_s2_load_explains_part_of_the_burst_days_and_parts_add_up():
    parts = pd.concat([make_world("S2", seed).truth.change([1, 5], [8, 12]) for seed in range(5)], axis=1)
    assert (parts.loc["load"] > 0.005).all()
    assert np.allclose(parts.loc[["load", "shock", "rest"]].sum(), parts.loc["total"])


def test_s3_shock_explains_the_incident():
    parts = pd.concat(
        [make_world("S3", seed).truth.change(range(7), range(7, 14)) for seed in range(5)], axis=1
    )
    assert parts.loc["shock"].mean() > abs(parts.loc["load"].mean())


def test_s6_crude_ranking_is_nearly_lost():
    crude = []
    for seed in range(20):
        world = make_world("S6", seed)
        rate = seen_with_truth(world).groupby("true_agent")["true_is_dissatisfied"].mean()
        crude.append(spearmanr(rate, world.truth.agents["effect"].to_numpy()[rate.index]).statistic)
    assert np.mean(crude) < 0.4


def test_s1_crude_ranking_is_not_lost():
    crude = []
    for seed in range(5):
        world = make_world("S1", seed, weeks=4)
        rate = seen_with_truth(world).groupby("true_agent")["true_is_dissatisfied"].mean()
        crude.append(spearmanr(rate, world.truth.agents["effect"].to_numpy()[rate.index]).statistic)
    assert np.mean(crude) > 0.5


def test_s7_changes_only_who_answers():
    answers = {"score", "is_rated", "is_satisfied", "is_dissatisfied"}
    for seed in range(10):
        changed = make_world("S7", seed, sessions_per_week=1500)
        steady = make_world("S7", seed, sessions_per_week=1500, rating_dissatisfied_after=0.6)
        others = [name for name in changed.sessions.columns if name not in answers]
        pd.testing.assert_frame_equal(changed.sessions[others], steady.sessions[others])
        first_week = changed.sessions["week"] == 0
        assert changed.sessions.loc[first_week, "score"].equals(steady.sessions.loc[first_week, "score"])


def test_s7_rated_figures_move_and_the_truth_does_not():
    rated, true = [], []
    for seed in range(10):
        handled = seen_with_truth(make_world("S7", seed))
        rated.append(handled.groupby("week")["is_dissatisfied"].mean().diff().iloc[-1])
        true.append(handled.groupby("week")["true_is_dissatisfied"].mean().diff().iloc[-1])
    assert np.mean(rated) > 0.1
    assert abs(np.mean(true)) < 0.02


def test_s5_without_effect_the_trained_recover_by_themselves():
    """The worst of a noisy week come back towards the mean although training does nothing."""
    falls = []
    for seed in range(10):
        world = make_world("S5", seed, sessions_per_week=3000)
        trained = world.truth.agents["is_trained"].to_numpy()
        handled = seen_with_truth(world)
        rate = handled[trained[handled["true_agent"]]].groupby("week")["true_is_dissatisfied"].mean()
        falls.append(rate[1] - rate[4:].mean())
    assert np.mean(falls) > 0.02


@pytest.mark.parametrize("effect", [0.0, 0.04])
def test_s5_training_lowers_the_rate_by_its_effect(effect):
    truth = make_world("S5", 1, training_effect=effect).truth
    untrained = make_world("S5", 1, training_effect=0.0).truth
    sessions = truth.sessions
    trained = truth.agents["is_trained"].to_numpy()[sessions["agent"]]
    after = sessions["is_handled"] & trained & (sessions["week"] >= 4)
    fall = (untrained.sessions["p_dissatisfied"] - sessions["p_dissatisfied"])[after].mean()
    assert fall == pytest.approx(effect, abs=1e-9)


def test_s9_bot_keeps_more_from_the_second_week_on():
    shares = [
        make_world("S9", seed).sessions.groupby("week")["left_out_because"].count() for seed in range(5)
    ]
    assert all(share[1] > 1.3 * share[0] for share in shares)


def test_s10_closed_tickets_mislead():
    for seed in range(5):
        world = make_world("S10", seed)
        true = world.truth.draw.followed["tickets"]["hours"].mean()
        seen = (world.tickets["closed_at"] - world.tickets["opened_at"]).dt.total_seconds() / 3600
        assert seen.mean() < 0.8 * true
        assert world.tickets["closed_at"].isna().mean() > 0.05


def test_standard_behaviour_is_common_random_numbers():
    truth = make_world("S1", 3, sessions_per_week=1500).truth
    seen, better = truth.do(), truth.do(behaviour="standard")
    touched = truth.draw.service
    any_behaviour = np.column_stack([touched[name] for name in BEHAVIOURS]).any(axis=1)
    assert (seen["p_dissatisfied"] == better["p_dissatisfied"]).to_numpy()[~any_behaviour].all()
    assert (seen["is_dissatisfied"] | ~better["is_dissatisfied"]).all()
    assert better["is_dissatisfied"].mean() < seen["is_dissatisfied"].mean()


def test_the_observed_load_put_back_changes_nothing():
    truth = make_world("S1", 3, sessions_per_week=800).truth
    again = truth.do(load=truth.draw.service["load"])
    pd.testing.assert_frame_equal(again, truth.do())


def test_taking_away_a_burst_leaves_all_other_customers_as_they_were():
    with_burst = make_world("S2", 3, sessions_per_week=1500).sessions.set_index("session_id")
    without = make_world("S2", 3, sessions_per_week=1500, burst_days=[]).sessions.set_index("session_id")
    same = ["started_at", "buyer_id", "intent", "product", "order_value", "agent_id", "unresolved"]
    pd.testing.assert_frame_equal(with_burst.loc[without.index, same], without[same])
    assert len(with_burst) > len(without)


@pytest.mark.parametrize("outcome", ["noisy_or", "logit"])
def test_drawn_rates_agree_with_their_probabilities(outcome):
    truth = make_world("S1", 5, weeks=2, outcome=outcome).truth.sessions
    p, y = truth["p_dissatisfied"], truth["is_dissatisfied"]
    assert abs((y - p).sum() / np.sqrt((p * (1 - p)).sum())) < norm.ppf(0.9999)


def test_sides_of_the_dissatisfied_add_up_and_causes_stand_behind_them():
    world = make_world("S1", 5)
    sessions, shares = world.truth.sessions, world.truth.shares()
    assert shares[["controllable", "mixed", "uncontrollable", "unexplained"]].sum() == pytest.approx(1)
    assert (sessions["is_dissatisfied"] == (sessions["side"] != "none")).all()


def test_machine_scores_rank_as_well_as_they_are_told_to():
    for auc in (0.82, 0.9, 0.96):
        world = make_world("S1", 5, weeks=4, machine_auc=auc)
        sessions = world.sessions.set_index("session_id").join(world.truth.sessions[["side"]])
        dissatisfied = sessions[sessions["side"] != "none"]
        inside = dissatisfied["side"].isin(["controllable", "mixed"])
        ranks = dissatisfied["machine_controllable_p"].rank()
        found = (ranks[inside].mean() - (inside.sum() + 1) / 2) / (~inside).sum()
        assert found == pytest.approx(auc, abs=0.02)


def test_analysts_err_as_often_as_they_are_told_to():
    world = make_world("S1", 5, weeks=4)
    true = world.truth.sessions["is_dissatisfied"].reindex(world.sessions["session_id"]).to_numpy()
    for analyst in ("a", "b"):
        said = world.sessions[f"analyst_{analyst}_dissatisfied"]
        assert said[true].mean() == pytest.approx(0.90, abs=0.02)
        assert (~said[~true]).mean() == pytest.approx(0.93, abs=0.02)


def test_traits_have_the_stated_correlation_over_many_teams():
    found = [
        np.corrcoef(make_world("S1", seed, sessions_per_week=60, agents=200).truth.draw.agents["lasting"])[
            np.triu_indices(3, 1)
        ].mean()
        for seed in range(10)
    ]
    assert np.mean(found) == pytest.approx(0.2, abs=0.06)


def test_repeats_of_the_last_days_are_missing_not_false():
    sessions = make_world("S1", 1).sessions
    last = sessions["started_at"] > pd.Timestamp("2026-03-08", tz="Asia/Shanghai")
    assert not (sessions.loc[last, "is_repeat_72h"] == False).any()  # noqa: E712
    assert sessions.loc[~last, "is_repeat_24h"].notna().all()
