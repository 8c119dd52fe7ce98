import math

import pandas as pd
import pytest

from csnb.formats import (
    escape,
    format_day,
    format_interval,
    format_p,
    format_period,
    format_value,
    unit_scale,
)
from csnb.strings import set_language


@pytest.fixture(autouse=True)
def chinese():
    set_language("zh")
    yield
    set_language("zh")


@pytest.mark.parametrize(
    ("value", "unit", "zh", "en"),
    [
        (0.12345, "rate", "12.3%", "12.3%"),
        (0, "rate", "0.0%", "0.0%"),
        (-0.0001, "points", "0.0 个百分点", "0.0 points"),
        (-0.021, "points", "−2.1 个百分点", "−2.1 points"),
        (1234567, "count", "1,234,567", "1,234,567"),
        (9.26, "seconds", "9.3 秒", "9.3 s"),
        (119.4, "seconds", "119 秒", "119 s"),
        (120, "seconds", "2.0 分钟", "2.0 min"),
        (7200, "seconds", "2.0 小时", "2.0 h"),
        (1.456, "ratio", "1.46", "1.46"),
        (math.nan, "rate", "—", "—"),
        (None, "count", "—", "—"),
        (pd.NA, "count", "—", "—"),
    ],
)
def test_a_number_is_written_with_its_unit_in_both_languages(value, unit, zh, en):
    assert format_value(value, unit) == zh
    set_language("en")
    assert format_value(value, unit) == en


@pytest.mark.parametrize(
    ("low", "high", "unit", "written"),
    [
        (0.121, 0.1449, "rate", "12.1–14.5%"),
        (0.021, 0.034, "points", "2.1–3.4 个百分点"),
        (-0.02, 0.01, "points", "−2.0 至 1.0 个百分点"),
        (55, 130, "seconds", "0.9–2.2 分钟"),
        (1200, 1500, "count", "1,200–1,500"),
        (0.1, math.nan, "rate", "—"),
    ],
)
def test_both_ends_of_an_interval_share_one_unit(low, high, unit, written):
    assert format_interval(low, high, unit) == written


def test_times_read_together_share_the_unit_of_the_longest():
    assert unit_scale([5, math.nan, 8000], "seconds") == (3600, "hours")


@pytest.mark.parametrize(
    ("first", "last", "zh", "en"),
    [
        ("2026-11-16", "2026-11-22", "2026年11月16日–22日", "16–22 November 2026"),
        ("2026-10-26", "2026-11-22", "2026年10月26日–11月22日", "26 October – 22 November 2026"),
        ("2026-12-28", "2027-01-03", "2026年12月28日–2027年1月3日", "28 December 2026 – 3 January 2027"),
        ("2026-11-16", "2026-11-16", "2026年11月16日", "16 November 2026"),
        (None, None, "全部数据", "all data"),
    ],
)
def test_a_period_is_written_without_saying_things_twice(first, last, zh, en):
    assert format_period(first, last) == zh
    set_language("en")
    assert format_period(first, last) == en


def test_the_day_of_sessions_without_times_is_named():
    assert format_day("unknown") == "无日期"


@pytest.mark.parametrize(("p", "written"), [(0.0005, "<0.001"), (0.049, "0.049"), (math.nan, "—")])
def test_a_p_value_has_three_decimals(p, written):
    assert format_p(p) == written


def test_escaping_leaves_nothing_that_html_reads():
    assert (
        escape("<a href='x' title=\"y\">&\x00\x1b[31m")
        == "&lt;a href=&#x27;x&#x27; title=&quot;y&quot;&gt;&amp;[31m"
    )
