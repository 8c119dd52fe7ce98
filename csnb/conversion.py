"""Conversion (询单转化率): which inquiries were followed by a paid order.

The unit is one buyer in one shop on one day of asking before a purchase. Tools differ in the window and in
whom they credit, so both are arguments here and are printed with the metric.
"""

import numpy as np
import pandas as pd

UNIT = ["shop", "buyer_id", "day"]


def add_conversion(sessions, orders, days=1):
    """Say of each inquiry whether a paid order followed.

    Parameters
    ----------
    sessions : pandas.DataFrame with `buyer_id, shop, day, started_at, stage, left_out_because`
    orders : pandas.DataFrame, `book.orders`; an order without a shop counts in every shop
    days : int, an order counts until the end of this many days after the inquiry

    Returns
    -------
    pandas.DataFrame
        `sessions` and the column `is_converted`. An inquiry is one buyer in one shop on one day with a
        counted presale conversation. It is told on its last conversation before the payment (the agent
        who is credited), or on its last one if nothing was paid; on all other conversations the value is
        missing. It is also missing for inquiries whose window the orders do not yet cover, and for
        all of them where there are no orders.

    Examples
    --------
    >>> at = pd.to_datetime(["2026-03-02 10:00", "2026-03-03 10:00"])
    >>> sessions = pd.DataFrame({"shop": "S", "buyer_id": ["b", "c"], "day": ["2026-03-02", "2026-03-03"],
    ...     "started_at": at, "stage": "presale", "left_out_because": None})
    >>> orders = pd.DataFrame({"buyer_id": ["b", "d"], "shop": "S", "paid_at": at + pd.Timedelta("1h")})
    >>> add_conversion(sessions, orders)["is_converted"].to_list()
    [True, <NA>]
    """
    inquiries = _inquiries(sessions, orders, days)
    paid = _first_payment(inquiries, orders, days)
    credited = (
        inquiries[paid.isna() | (inquiries["started_at"] <= paid)]
        .sort_values("started_at", kind="stable")
        .drop_duplicates(UNIT, keep="last")
    )
    told = pd.Series(pd.NA, index=sessions.index, dtype="boolean")
    told[credited.index] = paid[credited.index].notna().to_numpy()
    return sessions.assign(is_converted=told)


def _inquiries(sessions, orders, days):
    """Give the presale conversations whose window the orders cover."""
    asks = sessions[
        sessions["left_out_because"].isna()
        & (sessions["stage"] == "presale")
        & sessions["buyer_id"].notna()
        & sessions["started_at"].notna()
    ]
    paid = orders["paid_at"].dropna()
    known = sessions.loc[sessions["started_at"].notna(), "started_at"]
    if paid.empty or known.empty:
        return asks.iloc[:0]
    last = min(paid.max(), known.max()).normalize()
    return asks[asks["started_at"].dt.normalize() + pd.Timedelta(days=days) <= last]


def _first_payment(inquiries, orders, days):
    """Give each conversation the first payment after its unit began and inside the window, or NaT."""
    begins = inquiries.groupby(UNIT, sort=False, dropna=False)["started_at"].transform("min")
    asked = inquiries[["shop", "buyer_id"]].assign(row=np.arange(len(inquiries)), begins=begins)
    asked["ends"] = begins.dt.normalize() + pd.Timedelta(days=days + 1)
    paid = orders.loc[orders["paid_at"].notna(), ["buyer_id", "shop", "paid_at"]]
    pairs = asked.merge(paid.dropna(subset="buyer_id"), on="buyer_id", suffixes=("", "_sold_in"))
    same_shop = (pairs["shop"] == pairs["shop_sold_in"]) | pairs["shop"].isna() | pairs["shop_sold_in"].isna()
    in_time = (pairs["paid_at"] >= pairs["begins"]) & (pairs["paid_at"] < pairs["ends"])
    first = pairs[same_shop & in_time].groupby("row")["paid_at"].min()
    return first.reindex(asked["row"]).set_axis(inquiries.index)
