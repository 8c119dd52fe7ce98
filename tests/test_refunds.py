"""Refunds: an order counts once, what is not known stays unknown, and a sum has the interval of its number."""

import pandas as pd
import pytest

from csnb.refunds import add_refunds, measure_refunds


def test_refunds_count_each_order_once_and_unknown_orders_are_unknown():
    sessions = pd.DataFrame({"order_id": ["o1", "o1", "o2", None], "shop": "A"})
    refunds = pd.DataFrame({"order_id": ["o1", "o1", "o9"], "amount": [10.0, 5.0, 99.0]})
    told = add_refunds(sessions, refunds)
    assert told["is_refunded"].to_list()[:3] == [True, True, False] and pd.isna(told["is_refunded"].iloc[3])
    assert told["refund_amount"].to_list()[:2] == [15, 15]
    assert add_refunds(sessions, refunds[:0])["is_refunded"].isna().all()
    (row,) = measure_refunds(told, "shop").to_dict("records")
    assert (row["shop"], row["n"], row["method"]) == ("A", 1, "suppressed")


def test_the_interval_of_refunds_is_that_of_their_number_where_all_are_equal():
    """Ten events: 4.795 to 18.390 by Garwood (1936), Biometrika 28:437-442."""
    orders = pd.DataFrame(
        {
            "owner": "agent",
            "order_id": [str(place) for place in range(10)],
            "is_refunded": True,
            "refund_amount": 2.0,
        }
    )
    (row,) = measure_refunds(orders).to_dict("records")
    assert row["value"] == 20 and row["low"] == pytest.approx(2 * 4.795, abs=2e-3)
    assert row["high"] == pytest.approx(2 * 18.390, abs=2e-3)
    one_large = orders.assign(refund_amount=[11.0] + [1.0] * 9)
    (uneven,) = measure_refunds(one_large).to_dict("records")
    assert uneven["value"] == 20 and uneven["high"] > row["high"] and uneven["low"] < row["low"]
