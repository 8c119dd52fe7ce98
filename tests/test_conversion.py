"""Conversion: one inquiry a buyer, shop and day; paid by the end of the next day; young inquiries wait."""

import pandas as pd
import pytest

from csnb.conversion import add_conversion
from csnb.measures import measure


def sessions_from(*rows):
    """Make sessions of (buyer, start) in shop S, presale and counted unless a dict says otherwise."""
    plain = {
        "shop": "S",
        "stage": "presale",
        "left_out_because": None,
        "platform": "taobao",
        "rulepack": "taobao",
    }
    frame = pd.DataFrame([{**plain, "buyer_id": buyer, "started_at": at, **more} for buyer, at, more in rows])
    start = pd.to_datetime(frame["started_at"]).dt.tz_localize("Asia/Shanghai")
    return frame.assign(started_at=start, day=start.dt.strftime("%Y-%m-%d"))


def orders_from(*rows):
    """Make orders of (buyer, shop, time of payment or None); a stranger pays late, so that all windows are over."""
    frame = pd.DataFrame(
        [*rows, ("stranger", "S", "2026-03-20 12:00")], columns=["buyer_id", "shop", "paid_at"]
    )
    return frame.assign(
        paid_at=pd.to_datetime(frame["paid_at"], format="ISO8601").dt.tz_localize("Asia/Shanghai")
    )


LATER = ("x", "2026-03-20 12:00", {"stage": "aftersale"})


def told(sessions, orders):
    """Give what is told of each conversation, as a list; the last one only keeps the windows over."""
    return add_conversion(sessions, orders)["is_converted"].astype(object).to_list()[:-1]


@pytest.mark.parametrize(
    ("paid_at", "converted"),
    [("2026-03-02 10:00", True), ("2026-03-03 23:59:59", True), ("2026-03-04 00:00", False), ("2026-03-02 09:59", False)],
)  # fmt: skip
def test_an_inquiry_is_converted_if_paid_until_the_end_of_the_next_day(paid_at, converted):
    sessions = sessions_from(("b", "2026-03-02 10:00", {}), LATER)
    assert told(sessions, orders_from(("b", "S", paid_at))) == [converted]


def test_the_conversations_of_one_day_are_one_inquiry_told_on_the_last_before_payment():
    at = ["2026-03-02 10:00", "2026-03-02 12:00", "2026-03-02 18:00"]
    sessions = sessions_from(*(("b", time, {}) for time in at), LATER)
    assert told(sessions, orders_from(("b", "S", "2026-03-02 13:00"))) == [pd.NA, True, pd.NA]
    assert told(sessions, orders_from()) == [pd.NA, pd.NA, False]


def test_only_counted_presale_conversations_of_known_buyers_are_inquiries():
    others = [
        {"stage": "aftersale"},
        {"stage": "unknown"},
        {"left_out_because": "bot_only"},
        {"buyer_id": None},
    ]
    sessions = sessions_from(*(("b", "2026-03-02 10:00", more) for more in others), LATER)
    assert told(sessions, orders_from(("b", "S", "2026-03-02 13:00"))) == [pd.NA] * 4


def test_an_order_counts_in_its_own_shop_and_everywhere_if_it_names_none():
    sessions = sessions_from(("b", "2026-03-02 10:00", {}), LATER)
    assert told(sessions, orders_from(("b", "T", "2026-03-02 13:00"))) == [False]
    assert told(sessions, orders_from(("b", None, "2026-03-02 13:00"))) == [True]


def test_an_inquiry_whose_window_is_open_is_not_told():
    sessions = sessions_from(("b", "2026-03-02 10:00", {}), ("c", "2026-03-03 10:00", {}), LATER)
    orders = orders_from(("b", "S", "2026-03-02 13:00"), ("d", "S", "2026-03-03 09:00")).iloc[:2]
    assert told(sessions, orders) == [True, pd.NA]


def test_without_orders_nothing_is_known():
    sessions = sessions_from(("b", "2026-03-02 10:00", {}), LATER)
    assert told(sessions, orders_from().iloc[:0]) == [pd.NA]


def test_the_metric_counts_inquiries_and_is_missing_where_conversion_was_not_added():
    sessions = sessions_from(*((f"b{number}", "2026-03-02 10:00", {}) for number in range(8)), LATER)
    orders = orders_from(*((f"b{number}", "S", "2026-03-02 13:00") for number in range(2)))
    row = measure(add_conversion(sessions, orders), "conversion_rate").iloc[0]
    assert (row["n"], row["value"]) == (8, 0.25)
    assert measure(sessions, "conversion_rate").iloc[0]["n"] == 0
