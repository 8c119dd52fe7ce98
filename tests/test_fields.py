"""Cells become values, or are missing: never a wrong value."""

import polars as pl
import pytest

from csnb.fields import read_figures, read_numbers, read_times
from csnb.layouts import read_layout

FORMATS = read_layout("generic").times


def shown(text, formats=FORMATS, zone="Asia/Shanghai"):
    """A time as read, as text."""
    return read_times(pl.Series([text]), formats, zone).dt.to_string("%Y-%m-%d %H:%M:%S%.3f").item()


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02 09:05:07", "2026-3-2 9:05:07", "2026/3/2 9:05:07", "2026年3月2日 9:05:07", "20260302090507",
        "2026-03-02T09:05:07", "2026-03-02T01:05:07Z", "2026-03-02T09:05:07+08:00", "2026-03-02 01:05:07+00:00",
        "2026-03-02 01:05:07 UTC", "2026-03-02T01:05:07.000Z", "1772413507", "1772413507000", "46083.37855324074",
    ],
)  # fmt: skip
def test_one_moment_is_read_however_it_is_written(text):
    assert shown(text) == "2026-03-02 09:05:07.000"


def test_minutes_days_and_fractions_are_read():
    assert shown("2026/3/2 9:05") == "2026-03-02 09:05:00.000"
    assert shown("2026/3/2") == "2026-03-02 00:00:00.000"
    assert shown("2026-03-02 09:05:07.25") == "2026-03-02 09:05:07.250"
    assert shown("Tue Oct 31 22:10:47 +0000 2017", ["%a %b %d %H:%M:%S %z %Y"]) == "2017-11-01 06:10:47.000"


def test_a_zone_moves_only_times_that_name_none():
    assert shown("2026-03-02 01:05:07", zone="UTC") == "2026-03-02 09:05:07.000"
    assert shown("2026-03-02T01:05:07Z", zone="America/New_York") == "2026-03-02 09:05:07.000"


@pytest.mark.parametrize(
    "text", ["昨天", "2026-13-02 09:05:07", "25:99", "1", "2026-03-02 09:05:07 x", "-", None]
)
def test_what_is_no_time_is_missing(text):
    assert read_times(pl.Series([text], dtype=pl.String), FORMATS).item() is None


def test_mixed_formats_in_one_column_are_all_read():
    texts = pl.Series(["2026-03-02 09:05:07", None, "x", "2026/3/2 9:05", "1772413507"])
    assert read_times(texts, FORMATS).is_not_null().to_list() == [True, False, False, True, True]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,299.00", 1299.0),
        ("¥5", 5.0),
        ("4 星", 4.0),
        ("-0.5", -0.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("85%", 85.0),
    ],
)
def test_numbers_are_read_with_what_stands_around_them(text, number):
    assert read_numbers(pl.Series([text])).item() == number


@pytest.mark.parametrize("text", ["nan", "inf", "", "很好", "1-2", "1.2.3", None])
def test_what_is_no_number_is_missing(text):
    assert read_numbers(pl.Series([text], dtype=pl.String)).item() is None


@pytest.mark.parametrize(
    ("text", "unit", "metric", "value"),
    [
        ("1.5", "minutes", "mean_response_seconds", 90.0), ("35.5", "seconds", "mean_response_seconds", 35.5),
        ("1分5秒", "seconds", "mean_response_seconds", 65.0), ("12分钟", "seconds", "mean_response_seconds", 720.0),
        ("35秒", "minutes", "mean_response_seconds", 35.0), ("00:01:05", "seconds", "mean_response_seconds", 65.0),
        ("7小时41分52秒", "hours", "online_hours", 7 + 41 / 60 + 52 / 3600), ("1天2小时", "hours", "online_hours", 26.0),
        ("98.5%", "rate", "reply_rate", 0.985), ("0.985", "rate", "reply_rate", 0.985),
        ("98.5", "percent", "reply_rate", 0.985), ("98.5%", "percent", "reply_rate", 0.985),
        ("1,200", "count", "sessions", 1200.0), ("1.3", "ratio", "answer_ask_ratio", 1.3),
    ],
)  # fmt: skip
def test_official_figures_come_in_the_unit_of_their_metric(text, unit, metric, value):
    assert read_figures(pl.Series([text]), unit, metric).item() == pytest.approx(value)


@pytest.mark.parametrize("unit", ["seconds", "rate", "count"])
def test_a_figure_that_cannot_be_read_is_missing_and_never_zero(unit):
    assert read_figures(pl.Series(["很快", None]), unit, "x").to_list() == [None, None]
