"""Signals: days beyond their usual range, runs on one side, and days from which the level is another."""

import numpy as np
import pandas as pd
import pytest

from csnb.signals import find_breaks, measure_control
from csnb.stats import laney_chart


def sessions_from(rates, n=200, seed=0, platform="taobao"):
    """Make `n` rated sessions a day, satisfied at a rate; a first reply of about 30 seconds."""
    chance = np.random.default_rng(seed)
    days = np.repeat(pd.date_range("2026-01-05", periods=len(rates)).strftime("%Y-%m-%d"), n)
    satisfied = chance.random(len(days)) < np.repeat(rates, n)
    return pd.DataFrame(
        {"day": days, "platform": platform, "left_out_because": None, "rulepack": "x", "is_rated": True,
         "is_satisfied": satisfied, "first_response_seconds": np.exp(3.4 + 0.5 * chance.standard_normal(len(days)))}
    )  # fmt: skip


def test_a_share_has_laneys_limits():
    sessions = sessions_from([0.8] * 20)
    control = measure_control(sessions, "satisfaction_rate")
    daily = sessions.groupby("day")["is_satisfied"].agg(["sum", "size"])
    chart = laney_chart(daily["sum"], daily["size"])
    assert control["low"].to_numpy() == pytest.approx(chart["low"].to_numpy())
    assert set(control["method"]) == {"laney"}


def test_a_bad_day_is_a_signal_and_each_platform_has_its_own_limits():
    bad = [0.8] * 20
    bad[12] = 0.5
    both = pd.concat([sessions_from(bad), sessions_from([0.5] * 20, platform="jd")])
    control = measure_control(both, "satisfaction_rate")
    assert control.loc[control["is_signal"], ["platform", "day"]].to_numpy().tolist() == [
        ["taobao", "2026-01-17"]
    ]


def test_single_values_have_the_limits_of_their_moving_range():
    """Wheeler & Chambers: mean +- 2.66 times the mean moving range (3 / 1.128), here of logarithms."""
    sessions = sessions_from([0.8] * 10)
    control = measure_control(sessions, "first_response_seconds")
    logs = np.log(sessions.groupby("day")["first_response_seconds"].median().to_numpy())
    spread = 2.6596 * np.abs(np.diff(logs)).mean()
    assert np.log(control["high"].iloc[0]) == pytest.approx(logs.mean() + spread, rel=1e-4)
    assert not control["is_signal"].any()


def test_the_eighth_day_on_one_side_is_a_run():
    control = measure_control(sessions_from([0.7] * 10 + [0.9] * 10, n=2000), "satisfaction_rate")
    assert control["is_run"].to_list()[15:] == [False, False, True, True, True]


def test_a_day_of_few_cases_is_part_of_the_limits_but_not_told():
    sessions = sessions_from([0.95] * 30)
    few = sessions[sessions["day"] == "2026-01-07"].index[4:]
    sessions = sessions.drop(few).assign(
        is_satisfied=lambda rows: rows["is_satisfied"] & (rows["day"] != "2026-01-07")
    )
    control = measure_control(sessions, "satisfaction_rate").set_index("day")
    daily = sessions.groupby("day")["is_satisfied"].agg(["sum", "size"])
    chart = laney_chart(daily["sum"], daily["size"])
    assert control["center"].to_numpy() == pytest.approx(chart["center"].to_numpy())
    assert control["low"].to_numpy() == pytest.approx(chart["low"].to_numpy())
    assert chart["signal"]["2026-01-07"]
    day = control.loc["2026-01-07"]
    assert (day["n"], day["method"], day["is_signal"]) == (4, "suppressed", False)
    assert np.isnan(day["value"])
    assert np.isnan(day["z"])
    assert not control["value"].drop("2026-01-07").isna().any()


def test_days_without_a_date_are_left_out_and_a_day_without_ratings_is_missing():
    sessions = sessions_from([0.8] * 10).astype({"is_satisfied": "boolean"})
    sessions.loc[sessions["day"] == "2026-01-07", ["is_rated", "is_satisfied"]] = [False, pd.NA]
    sessions.loc[0, "day"] = "unknown"
    control = measure_control(sessions, "satisfaction_rate").set_index("day")
    assert "unknown" not in control.index
    assert np.isnan(control.loc["2026-01-07", "value"])
    assert not control.loc["2026-01-07", "is_signal"]


def test_a_shift_is_found_on_its_day_with_both_levels():
    control = measure_control(sessions_from([0.8] * 30 + [0.6] * 30, n=500), "satisfaction_rate")
    (found,) = find_breaks(control).to_dict("records")
    assert found["day"] == "2026-02-04"
    assert found["value_earlier"] == pytest.approx(0.8, abs=0.02)
    assert found["value"] == pytest.approx(0.6, abs=0.02)
    assert found["difference"] == pytest.approx(found["value"] - found["value_earlier"])


def test_ordinary_days_seldom_break():
    """Ninety days that differ by a spread of .15 on the log odds: a false break in about one series of 200."""
    chance = np.random.default_rng(7)
    false = 0
    for _ in range(60):
        odds = np.log(0.8 / 0.2) + 0.15 * chance.standard_normal(90)
        events = chance.binomial(3000, 1 / (1 + np.exp(-odds)))
        chart = laney_chart(events, np.full(90, 3000))
        control = pd.DataFrame({"metric": "m", "platform": "p", "day": range(90), "n": 3000, "value": chart["rate"],
                                "z": chart["z"] / chart["sigma_z"], "unit": "rate"})  # fmt: skip
        false += len(find_breaks(control)) > 0
    assert false <= 2


@pytest.mark.parametrize("rates", [[0.8] * 13, [1.0] * 30])
def test_too_few_days_or_no_variation_have_no_break(rates):
    assert find_breaks(measure_control(sessions_from(rates), "satisfaction_rate")).empty
