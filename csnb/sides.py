"""Sides: whether a conversation's reasons were the service team's to prevent, somebody else's, or both."""

import polars as pl

from csnb.reasons import read_reasons

SIDES = ("controllable", "mixed", "uncontrollable", "unexplained")


def code_summary(labels, folder=None):
    """Sum up the machine's codes of each conversation.

    Parameters
    ----------
    labels : polars.DataFrame, table `labels` in the order in which they were made
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    polars.DataFrame
        One row a conversation: `session_key`, `p_dissatisfied`, `is_suspected` (from 0.5 on), `primary`
        (the reason that weighs most), `side` (controllable, mixed, uncontrollable, unexplained);
        `primary` and `side` are missing where the machine sees no dissatisfaction.
    """
    reasons = read_reasons(folder).select("code", reason_side="side")
    overall = labels.filter(pl.col("code") == "dissatisfied").select(
        "session_key", p_dissatisfied="p", is_suspected=pl.col("p") >= 0.5
    )
    has = {name: (pl.col("reason_side") == name).any() for name in SIDES if name != "mixed"}
    coded = (
        labels.join(reasons, on="code", how="inner", maintain_order="left")
        .join(overall.filter("is_suspected"), on="session_key", how="semi", maintain_order="left")
        .group_by("session_key", maintain_order=True)
        .agg(
            pl.col("code").first().alias("primary"),
            pl.when(has["controllable"] & has["uncontrollable"])
            .then(pl.lit("mixed"))
            .when(has["controllable"])
            .then(pl.lit("controllable"))
            .when(has["uncontrollable"])
            .then(pl.lit("uncontrollable"))
            .otherwise(pl.lit("unexplained"))
            .alias("side"),
        )
    )
    return overall.join(coded, on="session_key", how="left")
