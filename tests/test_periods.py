import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from csnb.errors import ParameterError
from csnb.periods import period_dates

WEDNESDAY = "2026-11-25"


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("2026-W47", "2026-11-16", "2026-11-22"),
        ("2026-W53", "2026-12-28", "2027-01-03"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2026-11-03", "2026-11-03", "2026-11-03"),
        ("2026-11-01..2026-11-15", "2026-11-01", "2026-11-15"),
        ("yesterday", "2026-11-24", "2026-11-24"),
        ("last-week", "2026-11-16", "2026-11-22"),
        ("last-month", "2026-10-01", "2026-10-31"),
    ],
)
def test_a_period_has_its_first_and_last_day(period, first, last):
    assert period_dates(period, as_of=WEDNESDAY) == (first, last)


@pytest.mark.parametrize("as_of", ["2026-11-23", "2026-11-29"])
def test_last_week_is_the_same_on_monday_and_on_sunday(as_of):
    assert period_dates("last-week", as_of) == ("2026-11-16", "2026-11-22")


def test_last_month_in_january_is_december_of_the_year_before():
    assert period_dates("last-month", "2026-01-31") == ("2025-12-01", "2025-12-31")


@pytest.mark.parametrize("period", [None, ""])
def test_no_period_is_the_whole_book(period):
    assert period_dates(period) == (None, None)


@pytest.mark.parametrize(
    "period", ["2026-W54", "2025-W53", "2026-13", "2026-02-30", "last-year", "20261103", "..", "2026-11-01.."]
)
def test_an_unknown_period_is_refused_with_what_is_allowed(period):
    with pytest.raises(ParameterError, match="last-week"):
        period_dates(period)


def test_a_period_in_the_wrong_order_is_refused():
    with pytest.raises(ParameterError, match="ends before it starts"):
        period_dates("2026-11-15..2026-11-01")


def test_an_as_of_that_is_no_day_is_refused_by_name():
    with pytest.raises(ParameterError, match="as_of"):
        period_dates("yesterday", as_of="tomorrow")


def test_today_is_the_day_in_china_wherever_the_machine_stands(monkeypatch):
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
        assert period_dates("yesterday") == (str(today - timedelta(days=1)),) * 2
    monkeypatch.undo()
    time.tzset()
