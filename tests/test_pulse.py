"""Pulse: each platform by its own metrics, what moved and what did not, and four weeks side by side."""

import numpy as np
import pandas as pd
import pytest
from two_weeks import two_weeks

from csnb.alerts import measure_alerts
from csnb.errors import DefinitionError
from csnb.lookup import definition_path
from csnb.pulse import find_pulse_issues, measure_core, measure_weeks, read_core
from csnb.signals import measure_control
from csnb.strings import text
from csnb.windows import find_periods, find_weeks, list_calendar

NO_SHIFTS = pd.DataFrame({"agent_id": [], "starts_at": pd.to_datetime([]), "ends_at": pd.to_datetime([])})
NO_LABELS = pd.DataFrame({"session_key": [], "code": [], "holds": []})
NO_EVENTS = pd.DataFrame({"starts_at": pd.to_datetime([]), "ends_at": pd.to_datetime([]), "kind": [], "shop": [], "note": []})  # fmt: skip


def with_facts(sessions, platform="jd"):
    """Add the facts that core metrics need; the clock of JD has no three-minute standard."""
    return sessions.assign(
        platform=platform, is_replied=True, timed_turn_count=1, reply_seconds_sum=sessions["first_response_seconds"],
        customer_message_count=2, agent_message_count=1, standard_unit="session_first", replied_in_standard_count=1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def sessions():
    """Three weeks on JD; in the last one customers became less satisfied."""
    return with_facts(two_weeks(weeks=3, rate=lambda rows: np.where(rows["is_this"], 0.7, 0.85)))


def shifts_of(sessions):
    """Make one shift of eight hours a day for agent A1."""
    days = pd.Series(sorted(sessions["day"].unique()))
    starts = pd.to_datetime(days + " 09:00").dt.tz_localize("Asia/Shanghai")
    return pd.DataFrame({"agent_id": "A1", "starts_at": starts, "ends_at": starts + pd.Timedelta(hours=8)})


def test_each_platform_has_its_own_metrics_and_the_hours_of_its_agents(sessions):
    core = measure_core(sessions, find_periods(sessions), shifts_of(sessions)).set_index("metric")
    assert core.index.to_list() == read_core()["jd"]
    assert core.loc["online_hours", ["value", "value_last", "value_before_last"]].to_list() == [56, 56, 56]
    assert core.loc["online_hours", "n"] == 7
    assert core.loc["online_hours", "movement"] is None


def test_what_moved_is_told_by_its_direction_and_the_rest_did_not(sessions):
    core = measure_core(sessions, find_periods(sessions), NO_SHIFTS).set_index("metric")
    assert core.loc["satisfaction_rate", "movement"] == "worse"
    assert core.loc["mean_response_seconds", "movement"] == "none"
    assert np.isnan(core.loc["online_hours", "value"])
    row = core.loc["satisfaction_rate"]
    assert row["difference"] == pytest.approx(row["value_this"] - row["value_last"])


def test_a_metric_without_a_better_side_goes_up_or_down(sessions):
    more = sessions.assign(
        platform="taobao", agent_message_count=np.where(sessions["period"] == "this", 3, 1)
    )
    core = measure_core(more, find_periods(more), NO_SHIFTS).set_index("metric")
    assert core.loc["answer_ask_ratio", "movement"] == "up"


def test_an_unknown_platform_takes_the_generic_metrics(sessions):
    other = sessions.assign(platform="nowhere")
    assert measure_core(other, find_periods(other), NO_SHIFTS)["metric"].to_list() == read_core()["generic"]


def test_without_a_last_period_only_this_one_is_shown(sessions):
    alone = sessions[sessions["period"] == "this"]
    core = measure_core(alone, find_periods(alone), NO_SHIFTS)
    assert core["movement"].isna().all()
    assert core["value_last"].isna().all()
    assert core.loc[core["metric"] == "reply_rate", "value_this"].item() == 1


def test_weeks_stand_side_by_side(sessions):
    weeks = measure_weeks(sessions, find_weeks(sessions), NO_SHIFTS).set_index("metric")
    satisfied = sessions.groupby("day")["is_satisfied"].mean()
    assert weeks.loc["satisfaction_rate", "value_week_0"] == pytest.approx(satisfied.iloc[-7:].mean())
    assert np.isnan(weeks.loc["satisfaction_rate", "value_week_3"])
    low, high, n = weeks.loc["satisfaction_rate", ["low", "high", "n"]]
    assert low < weeks.loc["satisfaction_rate", "value_week_0"] < high
    assert n == sessions["day"].isin(sorted(sessions["day"].unique())[-7:]).sum()
    assert measure_weeks(sessions, find_weeks(sessions).iloc[:0], NO_SHIFTS).empty


def test_an_unknown_metric_is_refused_with_its_line(tmp_path):
    (tmp_path / "pulse.toml").write_text('[core]\ngeneric = ["no_such"]\n', "utf-8")
    with pytest.raises(DefinitionError, match="no_such"):
        read_core(tmp_path)
    assert definition_path("pulse.toml").is_file()


def issues(sessions, events=NO_EVENTS):
    """Give the sentences of a pulse by their keys."""
    periods = find_periods(sessions)
    core = measure_core(sessions, periods, NO_SHIFTS)
    alerts = measure_alerts(sessions, periods, NO_LABELS)
    controls = [measure_control(sessions, "satisfaction_rate")]
    found = find_pulse_issues(core, controls, alerts, periods, list_calendar(events, sessions))
    return {
        each.key: text(
            f"finding.{each.key}", **{k: v for k, v in each.values.items() if k not in ("n", "interval")}
        )
        for each in found
    }


def test_the_pulse_says_what_moved_and_what_was_on(sessions):
    at = pd.Timestamp(sessions["day"].max() + " 20:00", tz="Asia/Shanghai")
    live = pd.DataFrame(
        {
            "starts_at": [at],
            "ends_at": [at + pd.Timedelta(hours=2)],
            "kind": "live",
            "shop": None,
            "note": None,
        }
    )
    said = issues(sessions, live)
    assert "京东满意率变差" in said["pulse_moved"]
    assert said["pulse_rest"] == "其余 2 项核心指标与上期相比无显著变化。"
    assert "直播" in said["pulse_events"]
    assert "pulse_steady" not in said


def test_a_quiet_week_is_called_steady_and_a_first_week_cannot_be_compared(sessions):
    quiet = with_facts(two_weeks(seed=3))
    said = issues(quiet)
    assert "pulse_steady" in said
    assert said["pulse_alerts_usual"] == "7 类告警都不多于平时。"
    assert "pulse_no_last" in issues(sessions[sessions["period"] == "this"])


def test_a_day_beyond_its_limits_is_named():
    sessions = with_facts(two_weeks(seed=3, weeks=3))
    bad = sessions["day"] == sessions["day"].max()
    assert "pulse_signal" in issues(sessions.assign(is_satisfied=sessions["is_satisfied"] & ~bad))
