"""Findings: ranked statements with their numbers; the words are in the strings, filled strictly.

Each `find_` function answers one report's question from the same results its tables show.
"""

from typing import NamedTuple

import pandas as pd

from csnb.formats import format_day, format_interval, format_value, metric_name, word_of
from csnb.measures import compare_groups, measure
from csnb.metrics import METRICS
from csnb.strings import text


class Finding(NamedTuple):
    """One statement.

    key: the sentence is `finding.<key>` of the strings. values: already formatted texts, one for
    each placeholder; `n` and `interval`, where given, stand in the line below the sentence.
    grade: A probability sample or randomised, B adjusted association, C description, D unverified
    machine code. weight: larger comes first. section: the section of the detail, or None.

    Examples
    --------
    >>> finding = Finding("satisfaction", {"value": "80 %", "n": "120", "interval": "72–86 %"}, "C", 90, "scores")
    >>> finding.grade
    'C'
    """

    key: str
    values: dict
    grade: str
    weight: float
    section: str | None = None


def find_data_issues(rows, limits, silent_days, reconciled, unjoined):
    """Say whether the data can be trusted, from the tables of `csnb.quality`.

    Parameters
    ----------
    rows : pandas.DataFrame of `count_rows`
    limits : pandas.DataFrame of `list_limits`
    silent_days : pandas.DataFrame of `find_silent_days`
    reconciled : pandas.DataFrame of `reconcile`
    unjoined : int of `count_unjoined_ratings`

    Returns
    -------
    list of Finding

    Examples
    --------
    >>> import csnb
    >>> limits = csnb.list_limits(book, book.sessions)
    >>> found = find_data_issues(csnb.count_rows(book), limits, csnb.find_silent_days(book.sessions),
    ...     csnb.reconcile(book.sessions, book.official), csnb.count_unjoined_ratings(book))
    >>> found[0].key, found[0].values
    ('rows_close', {'read': '37', 'kept': '37', 'left_out': '0', 'quarantined': '0'})
    """
    total = rows[["rows_read", "rows_kept", "rows_left_out", "rows_quarantined"]].sum()
    found = [
        Finding(
            "rows_close",
            {
                "read": format_value(total["rows_read"], "count"),
                "kept": format_value(total["rows_kept"], "count"),
                "left_out": format_value(total["rows_left_out"], "count"),
                "quarantined": format_value(total["rows_quarantined"], "count"),
            },
            "C", 90, "rows",
        )
    ]  # fmt: skip
    for verdict, weight in (("no", 100), ("partly", 80)):
        questions = limits.loc[limits["verdict"] == verdict, "question"]
        if len(questions):
            words = text("word.list_separator").join(text(f"limit.{key}") for key in questions)
            found.append(Finding(f"cannot_answer_{verdict}", {"questions": words}, "C", weight, "limits"))
    if (limits["verdict"] == "yes").all():
        found.append(Finding("can_answer_all", {}, "C", 100, "limits"))
    if len(silent_days):
        values = {
            "days": format_value(len(silent_days), "count"),
            "first": format_day(silent_days["day"].iloc[0]),
        }
        found.append(Finding("silent_days", values, "C", 85, "coverage"))
    if unjoined:
        found.append(
            Finding("unjoined_ratings", {"ratings": format_value(unjoined, "count")}, "C", 60, "coverage")
        )
    compared = reconciled.dropna(subset=["is_within"])
    if len(compared):
        agree = int(compared["is_within"].sum())
        key = "reconciled" if agree == len(compared) else "not_reconciled"
        values = {"agree": format_value(agree, "count"), "compared": format_value(len(compared), "count")}
        found.append(Finding(key, values, "C", 95, "reconciliation"))
    return found


def find_response_issues(sessions, confidence=0.95):
    """Say how fast each platform's customers are answered, and where it is slowest.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    confidence : float

    Returns
    -------
    list of Finding
        One on the clock of each platform that has one, one on unanswered questions, and the shop or
        hour that stands out most where the difference holds after adjusting for all comparisons.

    Examples
    --------
    >>> find_response_issues(book.sessions)[0].values["n"]
    '14'
    """
    clock = measure(sessions, "mean_response_seconds", "platform", confidence)
    found = [_of_result("response_mean", row, 100, "platforms", platform=word_of("platform", row["platform"]))
             for row in clock.to_dict("records") if pd.notna(row["value"])]  # fmt: skip
    if not found:
        found.append(Finding("no_clock", {}, "C", 100, "platforms"))
    unanswered = measure(sessions, "unanswered_rate", None, confidence).iloc[0]
    if pd.notna(unanswered["value"]):
        found.append(_of_result("unanswered", unanswered, 80, "unanswered"))
    for by in ("shop", "hour"):
        found += _worst(
            sessions, "slow_response_rate", by, confidence, "hours" if by == "hour" else "platforms"
        )
    return found


def _of_result(key, row, weight, section, grade="C", **values):
    """Make a finding of one row of results."""
    values |= {
        "value": format_value(row["value"], row["unit"]),
        "n": format_value(row["n"], "count"),
        "interval": format_interval(row["low"], row["high"], row["unit"]),
    }
    return Finding(key, values, grade, weight, section)


def _worst(sessions, metric, by, confidence, section):
    """Name the group that is worst against all others, platform by platform, where that holds."""
    found = []
    for platform, part in sessions.groupby("platform"):
        if part[by].nunique() < 2:
            continue
        compared = compare_groups(part, metric, by, confidence)
        sign = 1 if METRICS[metric].better == "lower" else -1
        worse = compared[(compared["difference"] * sign > 0) & (compared["p_adjusted"] < 1 - confidence)]
        if len(worse):
            row = worse.loc[(worse["difference"] * sign).idxmax()]
            values = {
                "platform": word_of("platform", platform),
                "group": text(f"group.{by}", value=word_of(by, row[by])),
                "metric": metric_name(metric),
                "others": format_value(row["value_before"], row["unit"]),
            }
            found.append(_of_result("worst_group", row, 70, section, **values))
    return found
