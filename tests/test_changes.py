"""Changes: real or not, mix or rate, traffic or work; parts add up, and turn around with the periods."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri
from two_weeks import two_weeks

from csnb.cells import REST, cell_effects, merge_cells
from csnb.changes import (
    find_change_issues,
    keep_steps,
    measure_changes,
    measure_residual,
    split_mix,
    split_traffic,
    trace_changes,
)
from csnb.errors import ParameterError
from csnb.findings import Finding
from csnb.loads import changed_metrics, split_change
from csnb.paired import draw_blocks, drawn_interval, judged_intervals, paired_facts
from csnb.pulls import measure_pulls, measure_reason_pulls, sure_pulls
from csnb.stats import decompose_change
from csnb.strings import text

SATISFACTION = "satisfaction_rate"


def as_changed(*metrics):
    """Say that metrics have changed, so that they are explained whatever their intervals say."""
    return pd.DataFrame({"metric": metrics, "judgement": "both"})


def swapped(sessions):
    """Turn the periods around."""
    other = sessions["period"].astype("object").replace({"last": "this", "this": "last"})
    return sessions.assign(period=pd.Categorical(other, ["last", "this"], ordered=True))


@pytest.fixture(scope="module")
def worse():
    """Two weeks in which product one got worse, and more of it was sold."""
    return two_weeks(
        rate=lambda rows: np.where(rows["is_this"] & (rows["product"] == "one"), 0.6, 0.8), product=(0.3, 0.5)
    )


# ---- is it real


def test_a_real_change_is_measured_with_its_interval(worse):
    (row,) = measure_changes(worse, [SATISFACTION]).to_dict("records")
    rates = worse.groupby("period", observed=True)["is_satisfied"].mean()
    assert row["difference"] == pytest.approx(rates["this"] - rates["last"], abs=1e-12)
    assert row["difference_low"] < row["difference"] < row["difference_high"] < 0
    assert row["judgement"] == "work"


def test_no_change_is_called_none_and_gets_no_story():
    quiet = two_weeks(seed=3)
    changes = measure_changes(quiet)
    assert set(changes["judgement"]) <= {"none", "no_last"}
    assert changed_metrics(changes) == []
    for explain in (split_mix, split_traffic, trace_changes):
        assert explain(quiet, changes).empty
    assert measure_pulls(quiet, changes, SATISFACTION, ["shop"]).empty
    assert measure_reason_pulls(quiet, changes, pd.DataFrame({"session_key": [], "code": []})).empty


@pytest.mark.parametrize(("per_day", "judgement"), [(4, "too_few"), (120, "none")])
def test_few_sessions_allow_no_judgement(per_day, judgement):
    row = measure_changes(two_weeks(seed=3, per_day=per_day), [SATISFACTION]).iloc[0]
    assert row["judgement"] == judgement


def test_metrics_are_judged_together_and_intervals_agree(worse):
    """One change of two is held to half the error, two of two to all of it: qt in R, 19 degrees, is 2.433440 and 2.093024."""
    typical = "typical_response_seconds"
    is_slower = np.where(worse["period"] == "this", 1.5, 1.0)
    slower = worse.assign(first_response_seconds=worse["first_response_seconds"] * is_slower)
    for sessions, real, wider in ((worse, 1, 2.433440 / 2.093024), (slower, 2, 1.0)):
        alone = measure_changes(sessions, [SATISFACTION]).iloc[0]
        both = measure_changes(sessions, [SATISFACTION, typical])
        low, high = both["difference_low"], both["difference_high"]
        assert high[0] - low[0] == pytest.approx(wider * (alone["difference_high"] - alone["difference_low"]))
        assert ((low > 0) | (high < 0)).sum() == real == len(changed_metrics(both))


def test_values_of_fewer_than_five_are_not_shown(worse):
    last, this = (worse[worse["period"] == period] for period in ("last", "this"))
    few = measure_changes(pd.concat([last.head(4), this.head(5)]), [SATISFACTION]).iloc[0]
    assert (few["n_last"], few["n"], few["judgement"]) == (4, 5, "too_few")
    assert np.isnan(few["value_last"])
    assert few["value"] == few["value_this"] == this.head(5)["is_satisfied"].mean()


def test_without_a_last_period_there_is_nothing_to_compare(worse):
    alone = worse[worse["period"] == "this"]
    row = measure_changes(alone, [SATISFACTION]).iloc[0]
    assert row["judgement"] == "no_last"
    assert np.isnan(row["difference"])


def test_a_time_is_compared_by_its_geometric_mean_in_seconds(worse):
    slower = worse.assign(
        first_response_seconds=worse["first_response_seconds"] * np.where(worse["period"] == "this", 1.5, 1.0)
    )
    row = measure_changes(slower, ["typical_response_seconds"]).iloc[0]
    means = np.exp(np.log(slower["first_response_seconds"]).groupby(slower["period"], observed=True).mean())
    assert row["difference"] == pytest.approx(means["this"] - means["last"], abs=1e-9)


def test_only_shares_are_split(worse):
    with pytest.raises(ParameterError, match="first_response_seconds is none"):
        paired_facts(worse, "first_response_seconds")


def test_few_agents_are_drawn_by_the_day_and_the_method_says_so():
    assert paired_facts(two_weeks(agents=15), SATISFACTION).method == "agent bootstrap"
    few = paired_facts(two_weeks(agents=14), SATISFACTION)
    assert (few.method, few.blocks) == ("agent-day bootstrap", 14 * 14)


def test_steps_lead_from_each_period_to_the_next():
    ways = [("before_last", "last"), ("before_last", "this"), ("last", "this")]
    trace = pd.DataFrame(
        [(metric, factor, *way) for metric in ("b", "a") for factor in ("shop", "rate") for way in ways],
        columns=["metric", "factor", "period_from", "period_to"],
    )
    steps = keep_steps(trace)
    assert steps[["metric", "period_to"]].drop_duplicates().to_numpy().tolist() == [
        ["b", "last"], ["b", "this"], ["a", "last"], ["a", "this"],
    ]  # fmt: skip
    assert steps["factor"].to_list() == ["shop", "rate"] * 4


def test_the_interval_is_that_of_t_with_one_less_than_the_blocks():
    """qt(0.975, 9) in R is 2.262157; the draws 1, 2, 3 have a standard deviation of 1."""
    value, low, high = drawn_interval(np.array([5.0, 1.0, 2.0, 3.0]), 10, 0.95)
    assert (value, low, high) == pytest.approx((5.0, 5 - 2.262157, 5 + 2.262157))


def test_estimates_judged_together_are_those_of_benjamini_and_hochberg():
    """Of the 15 p-values of Benjamini & Hochberg (1995), section 4.1, nine are below 0.05 and four are called real."""
    p = np.array([0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459,
                  0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0])  # fmt: skip
    draws = np.vstack([-ndtri(p / 2), np.full(15, -1.0), np.zeros(15), np.ones(15)])
    value, low, high = judged_intervals(draws, 10**9, 0.95)
    assert np.flatnonzero(low > 0).tolist() == [0, 1, 2, 3]
    assert high - value == pytest.approx(np.full(15, 2.474740), abs=1e-6)  # qnorm(1 - 0.05 * 4 / 15 / 2) in R


def test_no_questions_have_no_intervals():
    assert [len(part) for part in judged_intervals(np.empty((4, 0)), 40, 0.95)] == [0, 0, 0]


def test_equal_seeds_draw_alike(worse):
    facts = paired_facts(worse, SATISFACTION)
    assert (draw_blocks(facts, 1) == draw_blocks(facts, 1)).all()
    assert (draw_blocks(facts, 1) != draw_blocks(facts, 2)).any()
    assert (draw_blocks(facts, 1).sum(axis=1) == facts.blocks).all()


# ---- mix and rate


def test_cells_are_those_of_decompose_change():
    chance = np.random.default_rng(2)
    base, events = chance.integers(0, 30, (1, 2, 6)).astype(float), 0.0
    base[0, 0, 2] = base[0, 1, 4] = 0
    rates = chance.random((2, 6))
    events = base * rates
    mix, rate = cell_effects(base, events)
    tables = [pd.DataFrame({"cell": range(6), "n": base[0, place], "rate": rates[place]}) for place in (0, 1)]
    _, cells = decompose_change(*tables, "n", "rate", "cell")
    assert mix[0] == pytest.approx(cells["mix"].to_numpy(), abs=1e-12)
    assert rate[0] == pytest.approx(cells["rate"].to_numpy(), abs=1e-12)


def test_mix_and_rate_add_up_and_turn_around_and_ignore_names(worse):
    changed = as_changed(SATISFACTION)
    effects = split_mix(worse, changed).set_index("factor")["value"]
    facts = paired_facts(worse, SATISFACTION)
    assert effects.sum() == pytest.approx(facts.values[1] - facts.values[0], abs=1e-12)
    back = split_mix(swapped(worse), changed).set_index("factor")["value"]
    assert back.to_dict() == pytest.approx((-effects).to_dict(), abs=1e-12)
    renamed = worse.assign(product=worse["product"].map({"one": "zebra", "other": "ant"}))
    assert split_mix(renamed, changed).set_index("factor")["value"].to_dict() == pytest.approx(
        effects.to_dict()
    )


def test_small_cells_are_merged_from_the_last_column_on():
    rows = pd.DataFrame(
        {
            "shop": ["A"] * 50 + ["B"] * 50,
            "tier": (["x"] * 45 + ["y"] * 5) * 2,
            "place": [0, 1] * 50,
            "base": 1,
        }
    )
    labels, _, cells = merge_cells(rows, ["shop", "tier", "absent"])
    assert cells == 3
    assert set(labels.drop_duplicates().itertuples(index=False, name=None)) == {
        ("A", "x"),
        ("B", "x"),
        (REST, REST),
    }


def test_three_periods_trace_effects_that_add_up_along_the_way():
    sessions = two_weeks(
        weeks=3, product=(0.3, 0.6), rate=lambda rows: np.where(rows["product"] == "one", 0.6, 0.8)
    )
    trace = trace_changes(sessions, as_changed(SATISFACTION)).set_index(
        ["period_from", "period_to", "factor"]
    )["value"]
    first, second, both = (
        trace[pair].sort_index()
        for pair in (("before_last", "last"), ("last", "this"), ("before_last", "this"))
    )
    assert (first + second).to_dict() == pytest.approx(both.to_dict(), abs=1e-12)
    assert second["product"] == pytest.approx(-0.06, abs=0.03)


# ---- traffic or work


def busy(rows):
    """Make this period's agents hold far more conversations."""
    return np.where(rows["is_this"], 5.0, 1.0)


def harmed_by_load(rows):
    """Make a busy agent's customers less satisfied."""
    return 0.9 - 0.08 * np.minimum(rows["load_at_arrival"], 8)


def test_a_burst_is_called_traffic_and_worse_work_is_called_work():
    burst = two_weeks(load=busy, rate=harmed_by_load)
    worse = two_weeks(rate=lambda rows: np.where(rows["is_this"], 0.6, 0.8))
    assert measure_changes(burst, [SATISFACTION])["judgement"].to_list() == ["traffic"]
    assert measure_changes(worse, [SATISFACTION])["judgement"].to_list() == ["work"]


def test_half_of_each_is_not_told_apart():
    def rate(rows):
        return 0.9 - 0.03 * np.minimum(rows["load_at_arrival"], 8) - np.where(rows["is_this"], 0.12, 0.0)

    assert measure_changes(two_weeks(load=busy, rate=rate), [SATISFACTION])["judgement"].to_list() == ["both"]


def test_mix_load_and_work_add_up_and_turn_around():
    sessions = two_weeks(load=busy, rate=harmed_by_load, product=(0.3, 0.5))
    for metric in (SATISFACTION, "typical_response_seconds"):
        facts, back = paired_facts(sessions, metric), paired_facts(swapped(sessions), metric)
        split, other = split_change(facts, sessions, metric), split_change(back, swapped(sessions), metric)
        assert split.total[0] == pytest.approx(facts.values[1] - facts.values[0], abs=1e-9)
        assert (other.mix[0], other.load[0], other.work[0]) == pytest.approx(
            (-split.mix[0], -split.load[0], -split.work[0]), abs=1e-6
        )


def test_the_noise_of_earlier_weeks_widens_what_they_help_to_tell():
    sessions = two_weeks(load=busy, rate=harmed_by_load, weeks=5)
    left = sessions["period"].isna() & sessions["agent_id"].isin(["A0", "A1"])
    sessions["agent_id"] = sessions["agent_id"].mask(left, "gone " + sessions["agent_id"])
    facts = paired_facts(sessions, SATISFACTION)
    split = split_change(facts, sessions, SATISFACTION)
    estimate, *moves = split.load
    assert len(moves) == facts.blocks + 2
    assert estimate < 0
    assert np.count_nonzero(moves) == len(moves)


def test_a_few_sessions_without_a_load_are_taken_as_usual(worse):
    """Nobody knows how busy an agent was whose name is missing; one in fifty is no reason to tell nothing."""
    changes = measure_changes(worse, [SATISFACTION])
    some = worse.assign(load_at_arrival=worse["load_at_arrival"].mask(np.arange(len(worse)) % 50 == 7))
    parts, whole = (split_traffic(rows, changes)["value"].to_numpy() for rows in (some, worse))
    assert parts == pytest.approx(whole, abs=0.01)
    many = worse.assign(load_at_arrival=worse["load_at_arrival"].mask(np.arange(len(worse)) % 10 == 7))
    assert split_traffic(many, changes).empty


def test_without_loads_traffic_is_not_told_from_work(worse):
    unknown = worse.assign(load_at_arrival=np.nan)
    assert measure_changes(unknown, [SATISFACTION])["judgement"].to_list() == ["both"]
    assert split_traffic(unknown, as_changed(SATISFACTION)).empty


# ---- who pulled it


def test_pulls_add_up_in_every_dimension_and_name_the_product(worse):
    pulls = measure_pulls(
        worse, as_changed(SATISFACTION), SATISFACTION, ["shop", "product", "agent_id", "absent"]
    )
    facts = paired_facts(worse, SATISFACTION)
    totals = pulls.groupby("dimension")["value"].sum()
    assert sorted(totals.index) == ["agent_id", "product", "shop"]
    assert totals.to_numpy() == pytest.approx(facts.values[1] - facts.values[0], abs=1e-12)
    top = pulls[pulls["dimension"] == "product"].iloc[0]
    assert top["group"] == "one"
    assert top["high"] < 0
    assert pulls["value"].to_numpy() == pytest.approx(
        (pulls["difference_mix"] + pulls["difference_rate"]).to_numpy()
    )


def test_of_many_groups_that_are_alike_none_is_named():
    """Where nothing differs, three of four tables of 30 groups would name one if each group stood for itself."""
    names = []
    for seed in range(12):
        chance, quiet = np.random.default_rng(seed), two_weeks(seed, per_day=300)
        many = quiet.assign(shop=chance.integers(0, 30, len(quiet)).astype(str))
        pulls = measure_pulls(many, as_changed(SATISFACTION), SATISFACTION, ["shop"])
        assert pulls["value"].sum() == pytest.approx(
            np.diff(paired_facts(many, SATISFACTION).values)[0], abs=1e-12
        )
        names += sure_pulls(pulls)["group"].to_list()
    assert len(names) <= 1


def test_reasons_are_judged_together(worse):
    """One reason alone is held to the whole error; beside four of no weight, to a fifth of it."""
    bad = worse.loc[~worse["is_satisfied"], "session_key"]
    quality = pd.DataFrame({"session_key": bad, "code": "quality"})
    rare = [pd.DataFrame({"session_key": bad.iloc[[n]], "code": code})
            for n, code in enumerate(("logistics", "price", "attitude"))]  # fmt: skip
    one, many = (
        measure_reason_pulls(worse, as_changed(SATISFACTION), labels).set_index("reason")
        for labels in (quality, pd.concat([quality, *rare]))
    )
    widths = [(table["high"] - table["low"])["quality"] for table in (one, many)]
    assert widths[1] > 1.1 * widths[0]


def test_reasons_share_a_conversation_and_add_up_to_the_change(worse):
    bad = worse.loc[~worse["is_satisfied"], "session_key"]
    labels = pd.concat(
        [pd.DataFrame({"session_key": bad, "code": code}) for code in ("quality", "logistics")]
        + [pd.DataFrame({"session_key": bad, "code": "dissatisfied"})]
    )
    pulls = measure_reason_pulls(worse, as_changed(SATISFACTION), labels).set_index("reason")["value"]
    facts = paired_facts(worse, SATISFACTION)
    assert pulls.sum() == pytest.approx(facts.values[1] - facts.values[0], abs=1e-12)
    assert pulls["quality"] == pytest.approx(pulls["logistics"])
    assert pulls["unclear"] == pytest.approx(0, abs=1e-12)


# ---- findings

CALENDAR = pd.DataFrame(
    {
        "first_day": ["2026-03-11"],
        "last_day": ["2026-03-11"],
        "event": ["rules"],
        "shop": [None],
        "note": ["京东（2026年3月11日起）"],
    }
)
PERIODS = pd.DataFrame({"period": ["last", "this"], "first_day": ["2026-03-02", "2026-03-09"],
                        "last_day": ["2026-03-08", "2026-03-15"]})  # fmt: skip


def sentences(found):
    """Fill the sentences of findings, which fails where a value lacks or has no place."""
    assert all(isinstance(each, Finding) for each in found)
    return {
        each.key: text(
            f"finding.{each.key}", **{k: v for k, v in each.values.items() if k not in ("n", "interval")}
        )
        for each in found
    }


def test_findings_explain_what_is_real_and_warn_of_new_rules(worse):
    changes = measure_changes(worse)
    pulls = [measure_pulls(worse, changes, SATISFACTION, ["product"])]
    asking = measure_changes(
        worse.assign(is_rated=worse["period"].eq("this") | (worse["session_key"] % 2 == 0)), ["rating_rate"]
    )
    said = sentences(
        find_change_issues(changes, pulls, asking.assign(judgement="both"), changes, CALENDAR, PERIODS)
    )
    assert "工作为主" in said["change_work"]
    assert "商品「one」" in said["change_pulls"]
    assert "京东（2026年3月11日起）" in said["change_rules"]
    assert "参评率" in said["change_asking"]
    assert "无显著变化" in said["change_none"]


def test_what_has_not_changed_says_how_small_a_change_would_show():
    changes = measure_changes(two_weeks(seed=3), [SATISFACTION])
    (found,) = find_change_issues(changes, [], changes, changes, CALENDAR.iloc[:0], PERIODS)
    margin = 100 * (changes["difference_high"] - changes["difference_low"]).item() / 2
    assert found.values["n"] == f"{changes['n'].item()}"
    assert f"{margin:.1f} 个百分点" in found.values["metrics"]


def test_without_an_event_there_is_nothing_to_set_aside(worse):
    live = CALENDAR.assign(first_day="2026-03-11", last_day="2026-03-11", event="live")
    assert measure_residual(worse, PERIODS, CALENDAR).empty
    row = measure_residual(worse, PERIODS, live).set_index("metric").loc[SATISFACTION]
    assert row["n"] == (worse["period"].eq("this") & worse["day"].ne("2026-03-11")).sum()


def test_a_change_that_shrinks_without_events_is_said_so(worse):
    changes = measure_changes(worse, [SATISFACTION])
    nothing = measure_changes(two_weeks(seed=3), [SATISFACTION])
    grown = nothing.assign(difference=changes["difference"])
    empty = CALENDAR.iloc[:0]
    said = sentences(find_change_issues(changes, [], nothing.iloc[:0], nothing, empty, PERIODS))
    assert (
        f"{100 * nothing['difference'].item():.1f} 个百分点（区间".replace("-", "−")
        in said["change_residual"]
    )
    assert "change_residual" not in sentences(
        find_change_issues(changes, [], nothing.iloc[:0], grown, empty, PERIODS)
    )
