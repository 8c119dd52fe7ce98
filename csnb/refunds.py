"""Refunds: which conversations' orders were refunded, and how much that is."""

import numpy as np
import pandas as pd
from scipy import stats as distributions

from csnb.measures import SMALLEST_GROUP
from csnb.schema import RESULT_FIGURES


def add_refunds(sessions, refunds):
    """Say of every conversation whether its order was refunded, and how much.

    Parameters
    ----------
    sessions : pandas.DataFrame with `order_id`
    refunds : pandas.DataFrame, `book.refunds`

    Returns
    -------
    pandas.DataFrame
        The rows of `sessions` with `is_refunded` (missing where no order is known, or the book holds no
        refunds) and `refund_amount` (yuan, all refunds of the order; missing without one).

    Examples
    --------
    >>> import csnb
    >>> csnb.add_refunds(book.sessions, book.refunds)["is_refunded"].notna().sum()
    np.int64(0)
    """
    amounts = refunds.groupby("order_id")["amount"].sum(min_count=1)
    known = sessions["order_id"].notna() & bool(len(refunds))
    is_refunded = sessions["order_id"].isin(refunds["order_id"]).astype("boolean").where(known)
    return sessions.assign(
        is_refunded=is_refunded, refund_amount=sessions["order_id"].map(amounts).astype(float)
    )


def measure_refunds(sessions, by="owner", confidence=0.95):
    """Add up what was refunded on the orders of some conversations, each order once in a group.

    Parameters
    ----------
    sessions : pandas.DataFrame of `add_refunds` and `owned_sessions`
    by : str, column to group by
    confidence : float

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `refund_amount` in yuan, by `by`; n is the number of refunded orders, suppressed below 5.
        The interval says how far such a sum varies by chance from one period to the next, if refunds come one by one;
        a refund need not be due to the conversation.

    Source
    ------
    Fay & Feuer (1997), Statistics in Medicine 16:791-801: gamma interval of a weighted sum of Poisson counts.

    Examples
    --------
    >>> import csnb
    >>> measure_refunds(csnb.add_refunds(book.sessions, book.refunds), "shop")["n"].sum()
    0
    """
    orders = sessions[sessions["is_refunded"].fillna(False).astype(bool)].drop_duplicates([by, "order_id"])
    rows = []
    for group, amounts in orders.groupby(by)["refund_amount"]:
        is_few = len(amounts) < SMALLEST_GROUP
        value, low, high = (
            (np.nan,) * 3 if is_few else _sum_interval(amounts.fillna(0).to_numpy(), confidence)
        )
        rows.append({"metric": "refund_amount", by: group, "n": len(amounts), "value": value, "low": low, "high": high,
                     "unit": "yuan", "method": "suppressed" if is_few else "gamma", "rulepack": ""})  # fmt: skip
    return pd.DataFrame(rows, columns=["metric", by, *RESULT_FIGURES])


def _sum_interval(amounts, confidence):
    """Give a sum of amounts that come by chance, and its gamma interval."""
    total, squares, largest = amounts.sum(), (amounts**2).sum(), amounts.max()
    tail = (1 - confidence) / 2
    if not total > 0:
        return 0.0, np.nan, np.nan
    more, more_squares = total + largest, squares + largest**2
    low = squares / (2 * total) * distributions.chi2.ppf(tail, 2 * total**2 / squares)
    high = more_squares / (2 * more) * distributions.chi2.ppf(1 - tail, 2 * more**2 / more_squares)
    return total, low, high
