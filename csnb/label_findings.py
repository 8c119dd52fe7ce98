"""What the audit of labels says: how far the labels carry, who errs where, what to label next."""

import pandas as pd

from csnb.audit import ENOUGH
from csnb.findings import Finding
from csnb.formats import format_interval, format_value, metric_name, word_of
from csnb.learning import LEAST_SESSIONS
from csnb.trust import find_label_verdict


def find_label_issues(human, trust, accuracy, gap, drift, margins, disputes, confidence=0.95):
    """Say how far the labels carry, where coders and machine err, and what to label next.

    Parameters
    ----------
    human : pandas.DataFrame of `select_labels`
    trust : Trust of `judge_labels`
    accuracy, gap, drift, margins, disputes : tables of `measure_accuracy`, `measure_gap`, `measure_drift`,
        `plan_margins` and `list_disputes`
    confidence : float

    Returns
    -------
    list of Finding
        Without labels it says so, and how many are worth drawing.

    Examples
    --------
    >>> find_label_issues(human, trust, accuracy, gap, drift, margins, disputes)  # doctest: +SKIP
    """
    own = human[human["population"] != "suspected"]
    labelled, learnt = (own.loc[own["use"] == use, "session_key"].nunique() for use in ("estimate", "train"))
    found = [_of_margins(margins, labelled)] if len(margins) > 1 else []
    if not labelled:
        return [Finding("labels_none", {}, "D", 100, "next_labels"), *found]
    counts = {"random": format_value(labelled, "count"), "learning": format_value(learnt, "count")}
    found.append(Finding("labels_counted", counts, "A", 90, "labels"))
    found += find_label_verdict(trust)
    if learnt < LEAST_SESSIONS:
        lessons = {"learning": counts["learning"], "needed": format_value(LEAST_SESSIONS, "count")}
        found.append(Finding("labels_lessons", lessons, "C", 65, "labels"))
    found += _of_gap(gap)
    found += _of_accuracy(accuracy)
    found += _of_drift(drift, confidence)
    if len(disputes):
        count = format_value(disputes["session_id"].nunique(), "count")
        found.append(Finding("labels_disputed", {"sessions": count}, "C", 60, "disputes"))
    return found


def _of_margins(margins, labelled):
    """Say what the next hundred labels bring, or the largest step there is room for."""
    steps = margins.set_index("more_count")
    more = 100 if 100 in steps.index else int(steps.index.max())
    values = {"more": format_value(more, "count"), "margin": format_value(steps.at[more, "value"], "points")}
    if not labelled or pd.isna(steps.at[0, "value"]):
        return Finding("labels_first", values, "D", 95, "next_labels")
    return Finding(
        "labels_next", {**values, "now": format_value(steps.at[0, "value"], "points")}, "A", 70, "next_labels"
    )


def _of_gap(gap):
    """Say how far off the controllable share of the machine alone would be, where that is more than chance."""
    for row in gap[gap["side"] == "controllable"].to_dict("records"):
        if row["low"] > 0 or row["high"] < 0:
            values = {
                "value": format_value(abs(row["value"]), "points"), "n": format_value(row["n"], "count"),
                "interval": format_interval(*sorted((abs(row["low"]), abs(row["high"]))), "points"),
            }  # fmt: skip
            yield Finding("machine_low" if row["value"] > 0 else "machine_high", values, "A", 78, "drift")


def _of_accuracy(accuracy):
    """Name the code that the machine gets wrong most often, among those with enough labels."""
    known = accuracy[accuracy["value"].notna() & (accuracy["population"] == "dissatisfied")]
    known = known[
        ~known["coder"].isin(["rules", "text_rules"]) | (known["metric"] == "precision")
    ]  # rules alone need not find all
    found = []
    for metric in ("precision", "recall"):
        own = known[known["metric"] == metric]
        if own.empty:
            continue
        row = own.loc[own["value"].idxmin()]
        values = {
            "coder": word_of("coder", row["coder"]), "code": word_of("code", row["code"]), "metric": metric_name(metric),
            "value": format_value(row["value"], "rate"), "n": format_value(row["n"], "count"),
            "interval": format_interval(row["low"], row["high"], "rate"),
        }  # fmt: skip
        found.append(Finding("machine_weakest", values, "A", 75, "accuracy"))
    return found or [
        Finding("machine_unknown", {"enough": format_value(ENOUGH, "count")}, "D", 75, "accuracy")
    ]


def _of_drift(drift, confidence):
    """Name the week in which the machine fits least, where that is more than chance; nothing without weeks."""
    if drift["p_adjusted"].isna().all():
        return []
    apart = drift[drift["p_adjusted"] < 1 - confidence]
    if apart.empty:
        weeks = format_value(drift["week"].nunique(), "count")
        return [Finding("drift_none", {"weeks": weeks}, "A", 50, "drift")]
    row = apart.loc[apart["p_adjusted"].idxmin()]
    values = {
        "week": row["week"], "side": word_of("side", row["side"]), "value": format_value(row["value"], "points"),
        "n": format_value(row["n"], "count"), "interval": format_interval(row["low"], row["high"], "points"),
    }  # fmt: skip
    return [Finding("drift_week", values, "A", 96, "drift")]
