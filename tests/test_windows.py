"""Windows: the same weekdays, whole weeks, one calendar of events and rules, and hours with a burst."""

import pandas as pd
import pytest

from csnb.windows import (
    event_days,
    find_bursts,
    find_periods,
    find_weeks,
    in_days,
    keep_periods,
    label_periods,
    list_calendar,
    list_periods,
    without_event_days,
)

PACK = "taobao 2000-01-01"


def sessions_on(first, last, **columns):
    """Make one counted session a day."""
    days = pd.date_range(first, last).strftime("%Y-%m-%d")
    return pd.DataFrame(
        {"day": days, "left_out_because": None, "platform": "taobao", "rulepack": PACK, **columns}
    )


def events_from(*rows):
    """Make events of (start, end, kind, shop, note)."""
    frame = pd.DataFrame(rows, columns=["starts_at", "ends_at", "kind", "shop", "note"])
    times = {
        name: pd.to_datetime(frame[name], format="ISO8601").dt.tz_localize("Asia/Shanghai")
        for name in ("starts_at", "ends_at")
    }
    return frame.assign(**times)


def spans(periods):
    """Give the periods as a dict of name to first and last day."""
    return {row.period: (row.first_day[5:], row.last_day[5:]) for row in periods.itertuples()}


@pytest.mark.parametrize(
    ("date_from", "date_to", "expected"),
    [
        ("2026-03-24", "2026-03-24", {"before_last": ("03-10", "03-10"), "last": ("03-17", "03-17"), "this": ("03-24", "03-24")}),
        ("2026-03-23", "2026-03-29", {"before_last": ("03-09", "03-15"), "last": ("03-16", "03-22"), "this": ("03-23", "03-29")}),
        ("2026-03-14", "2026-03-29", {"last": ("03-02", "03-15"), "this": ("03-16", "03-29")}),
        ("2026-03-02", "2026-03-29", {"before_last": ("03-09", "03-15"), "last": ("03-16", "03-22"), "this": ("03-23", "03-29")}),
        (None, "2026-03-22", {"before_last": ("03-02", "03-08"), "last": ("03-09", "03-15"), "this": ("03-16", "03-22")}),
        ("2026-03-02", "2026-03-06", {"this": ("03-02", "03-06")}),
    ],
)  # fmt: skip
def test_a_period_is_compared_on_the_same_weekdays(date_from, date_to, expected):
    assert spans(find_periods(sessions_on("2026-03-02", "2026-03-29"), date_from, date_to)) == expected


def test_a_month_is_cut_to_whole_weeks_at_its_end():
    periods = find_periods(sessions_on("2026-01-01", "2026-03-31"), "2026-03-01", "2026-03-31")
    assert spans(periods)["this"] == ("03-04", "03-31")
    assert spans(periods)["last"] == ("02-04", "03-03")


def test_without_known_days_there_are_no_periods():
    unknown = sessions_on("2026-03-02", "2026-03-03").assign(day="unknown")
    assert find_periods(unknown).empty
    assert find_weeks(unknown).empty
    assert label_periods(unknown, find_periods(unknown))["period"].isna().all()


def test_days_after_the_report_do_not_count():
    sessions = sessions_on("2026-03-02", "2026-03-29")
    later = sessions.assign(left_out_because=[None] * 21 + ["out_of_period"] * 7)
    assert spans(find_periods(later))["this"] == ("03-16", "03-22")


def test_four_weeks_end_with_the_last_day_and_a_week_that_began_before_the_data_is_not_there():
    weeks = find_weeks(sessions_on("2026-03-05", "2026-03-29"))
    assert spans(weeks) == {
        "week_2": ("03-09", "03-15"),
        "week_1": ("03-16", "03-22"),
        "week_0": ("03-23", "03-29"),
    }


def test_sessions_are_labelled_in_order_of_time_and_counted():
    sessions = sessions_on("2026-03-02", "2026-03-29")
    periods = find_periods(sessions)
    labelled = label_periods(sessions, periods)
    assert keep_periods(labelled)["period"].value_counts(sort=False).to_dict() == {
        "before_last": 7,
        "last": 7,
        "this": 7,
    }
    assert labelled["period"].max() == "this"
    calendar = list_calendar(events_from(("2026-03-24", "2026-03-26", "campaign", None, None)), sessions)
    listed = list_periods(sessions, periods, calendar).set_index("period")
    assert listed["event_day_count"].to_dict() == {"this": 2, "last": 0, "before_last": 0}
    assert in_days(sessions, ("2026-03-02", "2026-03-03"))["day"].to_list() == ["2026-03-02", "2026-03-03"]


def test_like_events_on_days_in_a_row_are_one_and_rule_changes_are_marked():
    sessions = sessions_on("2026-03-02", "2026-03-15").assign(
        rulepack=[PACK] * 9 + ["taobao 2026-03-11"] * 5, platform="taobao"
    )
    events = events_from(
        ("2026-03-04", "2026-03-05", "campaign", None, "A"),
        ("2026-03-05", "2026-03-06", "campaign", None, "A"),
        ("2026-03-08 20:00", None, "live", "S", None),
        ("2026-01-01", "2026-01-02", "campaign", None, "A"),
    )
    calendar = list_calendar(events, sessions)
    assert calendar[["first_day", "last_day", "event"]].to_numpy().tolist() == [
        ["2026-03-04", "2026-03-05", "campaign"],
        ["2026-03-08", "2026-03-08", "live"],
        ["2026-03-11", "2026-03-11", "rules"],
    ]
    assert calendar["note"].iloc[-1] == "淘宝（2026年3月11日起）"
    assert event_days(calendar) == ["2026-03-04", "2026-03-05", "2026-03-08"]


def test_an_event_day_leaves_with_its_counterparts():
    sessions = sessions_on("2026-03-02", "2026-03-22")
    periods = find_periods(sessions)
    calendar = list_calendar(events_from(("2026-03-18", "2026-03-19", "live", None, None)), sessions)
    left = without_event_days(label_periods(sessions, periods), periods, calendar)
    gone = sorted(set(sessions["day"]) - set(left["day"]))
    assert gone == ["2026-03-04", "2026-03-11", "2026-03-18"]
    earlier = list_calendar(events_from(("2026-03-04", "2026-03-05", "live", None, None)), sessions)
    assert len(without_event_days(label_periods(sessions, periods), periods, earlier)) == len(sessions)


def arrivals(per_hour, extra_at=None, extra=0):
    """Make a week of arrivals at two agents, so many an hour from 9 to 11, and more of them in one hour."""
    hours = [f"2026-03-{day:02d} {hour:02d}" for day in range(2, 9) for hour in (9, 10, 11)]
    starts = [
        f"{at}:{minute:02d}" for at in hours for minute in range(per_hour + (extra if at == extra_at else 0))
    ]
    start = pd.to_datetime(pd.Series(starts)).dt.tz_localize("Asia/Shanghai")
    agents = ["A", "B"] * len(starts)
    return pd.DataFrame({"started_at": start, "agent_id": agents[: len(starts)], "left_out_because": None})


def test_an_hour_with_far_more_arrivals_is_a_burst():
    found = find_bursts(arrivals(20, "2026-03-05 10", 40))
    assert found[["day", "hour", "session_count"]].to_numpy().tolist() == [["2026-03-05", 10, 60]]
    assert find_bursts(arrivals(20)).empty


def test_few_arrivals_are_no_burst_and_more_agents_on_line_make_less_of_one():
    assert find_bursts(arrivals(2, "2026-03-05 10", 10)).empty
    on_duty = pd.DataFrame(
        {"agent_id": ["A", "B"] * 3,
         "starts_at": pd.Timestamp("2026-03-05 10:00", tz="Asia/Shanghai"),
         "ends_at": pd.Timestamp("2026-03-05 11:00", tz="Asia/Shanghai")}
    )  # fmt: skip
    assert find_bursts(arrivals(20, "2026-03-05 10", 40), on_duty).empty
