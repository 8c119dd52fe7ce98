"""Data quality: what came in, what is missing, what agrees with the platform, what cannot be answered."""

import numpy as np
import pandas as pd
import polars as pl

from csnb.contents import check_book
from csnb.lookup import read_toml
from csnb.measures import measure
from csnb.metrics import METRICS
from csnb.ratings import unjoined_ratings


def count_rows(book):
    """Account for every row of every file: read = kept + left out + quarantined.

    Parameters
    ----------
    book : Book

    Returns
    -------
    pandas.DataFrame
        One row a file: `file, kind, rows_read, rows_kept, rows_left_out, rows_quarantined`.

    Examples
    --------
    >>> count_rows(book)[["kind", "rows_read", "rows_kept"]].values.tolist()
    [['agents', 2, 2], ['messages', 28, 28], ['ratings', 7, 7]]
    """
    return pd.DataFrame(
        [
            {
                "file": file["file"],
                "kind": file["kind"],
                "rows_read": file["rows_read"],
                "rows_kept": file["rows_kept"],
                "rows_left_out": sum(file["left_out"].values()),
                "rows_quarantined": sum(file["quarantined"].values()),
            }
            for file in check_book(book)["files"]
        ],
        columns=["file", "kind", "rows_read", "rows_kept", "rows_left_out", "rows_quarantined"],
    )


def count_left_out(book, sessions):
    """Count what is not counted, by reason.

    Parameters
    ----------
    book : Book
    sessions : pandas.DataFrame of `select_sessions`

    Returns
    -------
    pandas.DataFrame
        One row a reason: `table` (messages, sessions or quarantine), `left_out_because`, `rows`.

    Examples
    --------
    >>> list(count_left_out(book, book.sessions))
    ['table', 'left_out_because', 'rows']
    """
    messages = (
        book.messages.drop_nulls("left_out_because")
        .group_by("left_out_because")
        .len("rows")
        .collect()
        .to_pandas()
    )
    whole = (
        sessions["left_out_because"]
        .dropna()
        .value_counts()
        .rename_axis("left_out_because")
        .reset_index(name="rows")
    )
    bad = book.quarantine.groupby("reason").size().rename_axis("left_out_because").reset_index(name="rows")
    parts = [
        messages.assign(table="messages"),
        whole.assign(table="sessions"),
        bad.assign(table="quarantine"),
    ]
    return (
        pd.concat(parts, ignore_index=True)
        .sort_values(["table", "rows", "left_out_because"], ascending=[True, False, True], ignore_index=True)
        [["table", "left_out_because", "rows"]]
    )  # fmt: skip


def measure_known(sessions):
    """Measure how much of each field is there: the share of sessions in which it is known.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`

    Returns
    -------
    pandas.DataFrame
        One row a field: `field, n, share` (of sessions in which it is known). n counts the sessions of the period.

    Examples
    --------
    >>> measure_known(book.sessions).set_index("field").loc["score"].tolist()
    [8.0, 0.75]
    """
    inside = sessions[sessions["left_out_because"] != "out_of_period"]
    fields = {
        "started_at": inside["started_at"].notna(),
        "agent_id": inside["agent_id"].notna(),
        "buyer_id": inside["buyer_id"].notna(),
        "product": inside["product"].notna(),
        "channel": inside["channel"].notna(),
        "team": inside["team"].notna(),
        "score": inside["is_rated"].astype(bool),
        "stage": inside["stage"] != "unknown",
    }
    return pd.DataFrame(
        [(name, len(inside), known.mean() if len(inside) else np.nan) for name, known in fields.items()],
        columns=["field", "n", "share"],
    )


def find_silent_days(sessions):
    """List days without any session between a shop's first and last day: a gap, or a missing export.

    Parameters
    ----------
    sessions : pandas.DataFrame with `shop` and `day`

    Returns
    -------
    pandas.DataFrame
        One row a missing day: `shop, day`.

    Examples
    --------
    >>> sessions = pd.DataFrame({"shop": "A", "day": ["2026-11-16", "2026-11-19"]})
    >>> find_silent_days(sessions).values.tolist()
    [['A', '2026-11-17'], ['A', '2026-11-18']]
    """
    dated = sessions[sessions["day"] != "unknown"]
    rows = []
    for shop, part in dated.groupby("shop", dropna=False):
        present = set(part["day"])
        span = pd.date_range(min(present), max(present), freq="D").strftime("%Y-%m-%d")
        rows += [(shop, day) for day in span if day not in present]
    return pd.DataFrame(rows, columns=["shop", "day"])


def reconcile(sessions, official, folder=None):
    """Compare our numbers with those the platform reported, within a tolerance.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    official : pandas.DataFrame, table `official`
    folder : path of the user's own definitions folder, or None; `reconciliation.toml` holds the tolerances

    Returns
    -------
    pandas.DataFrame
        One row a reported figure of a metric that csnb knows: `metric, day, shop, agent_id, n, value`
        (ours), `official`, `difference`, `tolerance` (absolute, in the metric's unit), `is_within`
        (missing where either side is).

    Examples
    --------
    >>> official = pd.DataFrame({"metric": ["sessions"], "day": ["2026-11-16"], "shop": ["旗舰店"], "agent_id": [None],
    ...     "value": [3.0]})
    >>> reconcile(book.sessions, official)[["value", "official", "difference", "is_within"]].values.tolist()
    [[2.0, 3.0, -1.0, False]]
    """
    columns = [
        "metric",
        "day",
        "shop",
        "agent_id",
        "n",
        "value",
        "official",
        "difference",
        "tolerance",
        "is_within",
        "unit",
    ]
    known = official[official["metric"].isin(METRICS)]
    if known.empty:
        return pd.DataFrame(columns=columns)
    parts = []
    for metric, reported in known.groupby("metric"):
        for level, rows in reported.groupby(reported["agent_id"].notna()):
            by = ["day", *(["shop"] if rows["shop"].notna().any() else []), *(["agent_id"] if level else [])]
            ours = measure(sessions, metric, by, smallest_group=1)
            parts.append(
                rows.rename(columns={"value": "official"}).merge(ours, on=["metric", *by], how="left")
            )
    both = pd.concat(parts, ignore_index=True)
    limits = read_toml("reconciliation.toml", folder)
    tolerance = [
        max(
            limits[METRICS[row.metric].unit]["absolute"],
            limits[METRICS[row.metric].unit]["relative"] * abs(row.official),
        )
        for row in both.itertuples()
    ]
    gap = both["value"] - both["official"]
    within = (gap.abs() <= np.array(tolerance)).astype("boolean").mask(gap.isna())
    compared = both.assign(
        difference=gap,
        tolerance=tolerance,
        is_within=within,
        unit=[METRICS[name].unit for name in both["metric"]],
    )
    return compared[columns].sort_values(["metric", "day", "shop", "agent_id"], ignore_index=True)


def list_limits(book, sessions):
    """Say which questions these data cannot answer, and what is missing for each.

    Parameters
    ----------
    book : Book
    sessions : pandas.DataFrame of `select_sessions`

    Returns
    -------
    pandas.DataFrame
        One row a question: `question` (key of strings `limit.<key>`), `n` (sessions that could tell),
        `share` of the sessions of the period, `verdict` (`yes`, `partly` from 5 %, or `no`).

    Examples
    --------
    >>> list_limits(book, book.sessions).set_index("question").loc["orders", "verdict"]
    'no'
    """
    inside = sessions[sessions["left_out_because"] != "out_of_period"]
    has_clock = inside["started_at"].notna()
    able = {
        "clock": has_clock,
        "satisfaction": inside["is_rated"].astype(bool),
        "invitation": inside["is_invited"].notna(),
        "reasons": inside["p_dissatisfied"].notna(),
        "agents": inside["agent_id"].notna(),
        "teams": inside["team"].notna(),
        "repeat": inside["is_repeat_72h"].notna(),
        "load": inside["load_at_arrival"].notna(),
        "trend": has_clock & (inside.loc[has_clock, "day"].nunique() >= 7),
        "shops": inside["shop"].notna(),
        "orders": pd.Series(len(book.orders) > 0, index=inside.index),
        "reconciliation": pd.Series(len(book.official) > 0, index=inside.index),
    }
    rows = [(key, int(known.sum()), known.mean() if len(inside) else np.nan) for key, known in able.items()]
    frame = pd.DataFrame(rows, columns=["question", "n", "share"])
    verdict = np.select([frame["share"] >= 0.95, frame["share"] >= 0.05], ["yes", "partly"], "no")
    return frame.assign(verdict=verdict)


def count_unjoined_ratings(book):
    """Count the ratings that belong to no conversation, or to more than one.

    Parameters
    ----------
    book : Book

    Returns
    -------
    int

    Examples
    --------
    >>> count_unjoined_ratings(book)
    0
    """
    ratings = book.ratings
    if ratings.empty:
        return 0
    keys = pl.from_pandas(book.sessions[["session_key", "session_id", "platform", "shop"]])
    return unjoined_ratings(keys, pl.from_pandas(ratings))
