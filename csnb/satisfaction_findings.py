"""What the report on dissatisfaction says first: how large the controllable share is, what service answers for
itself, what it hands to whom, and how sure that is.

Every function reads the tables that the page shows. Where people labelled a sample it gives shares with their
interval, of grade A; else the machine's counts, of grade D. `csnb.trust.cap_grades` lowers an A that the labels do not bear.
"""

import pandas as pd

from csnb.bounds import LEAST_RIGHT
from csnb.findings import Finding
from csnb.formats import format_estimate, format_interval, format_value, word_of
from csnb.measures import PLAIN, measure
from csnb.owners import AGENT, MANAGEMENT, SERVICE
from csnb.satisfaction import dissatisfied_sessions, measure_funnel, suspected_sessions
from csnb.strings import text
from csnb.trust import USABLE, find_label_verdict

_MOST_NAMED = 3  # reasons named beside an owner
_MATERIAL = 0.02  # of the conversations: owners of less are only counted


def find_satisfaction_issues(sessions, controllable, confidence=0.95):
    """Say how satisfied the rated customers were, and which share of the rest is controllable.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    controllable : pandas.DataFrame of `measure_controllable`, not grouped
    confidence : float

    Returns
    -------
    list of Finding
        The controllable share first, of grade A where people labelled a sample, else its bounds, of grade D; then the
        satisfaction of every platform, and how many did not rate. Without ratings it says so, and only suspected
        dissatisfaction is counted.

    Examples
    --------
    >>> find_satisfaction_issues(sessions, measure_controllable(scored))  # doctest: +SKIP
    """
    counted = sessions[sessions["left_out_because"].isna()]
    silent = {"counted": len(counted), "suspected": len(suspected_sessions(sessions)), "n": len(counted)}
    rated = int(measure(sessions, "satisfaction_rate")["n"].iloc[0])
    if not rated:
        return [Finding("no_ratings", _counts(silent), "D", 100, "suspected")]
    found = [*_of_share(controllable), *_of_extremes(sessions, rated), *_of_platforms(sessions, confidence)]
    unrated = int((~counted["is_rated"].astype(bool)).sum())
    if unrated:
        found.append(Finding("unrated", _counts({**silent, "unrated": unrated}), "D", 40, "suspected"))
    return found


def _counts(numbers):
    """Write counts."""
    return {name: format_value(number, "count") for name, number in numbers.items()}


def _of_platforms(sessions, confidence):
    """Say of every platform how satisfied who rated was, and who was asked and answered."""
    rated = measure(sessions, "satisfaction_rate", "platform", confidence)
    steps = measure_funnel(sessions, confidence).set_index(["platform", "step"])
    for row in rated[rated["value"].notna()].to_dict("records"):
        asked = steps.loc[row["platform"]]
        values = {"platform": word_of("platform", row["platform"]), "rating": _share_of(asked.loc["rated"])}
        key = "satisfaction_uninvited"
        if pd.notna(asked.loc["invited", "value"]):
            key, values["invitation"] = "satisfaction", _share_of(asked.loc["invited"])
        yield Finding(
            key, {"value": format_value(row["value"], "rate"), **values, **_basis(row)}, "C", 90, "scores"
        )


def _share_of(row):
    """Write a share with its interval and what it is a share of."""
    value, interval = format_value(row["value"], "rate"), format_interval(row["low"], row["high"], "rate")
    return text("finding.share_of", value=value, interval=interval, n=format_value(row["n"], "count"))


def _basis(row):
    """Give what stands below a sentence."""
    return {
        "n": format_value(row["n"], "count"),
        "interval": format_interval(row["low"], row["high"], row["unit"]),
    }


def _of_extremes(sessions, rated):
    """Doubt ratings that are all dissatisfied, or none."""
    bad = len(dissatisfied_sessions(sessions))
    if bad in (0, rated):
        key = "all_dissatisfied" if bad else "none_dissatisfied"
        yield Finding(key, _counts({"n": rated}), "C", 95, "scores")


def _of_share(controllable):
    """Give the controllable share from labels, or its bounds without any."""
    row = controllable[controllable["metric"] == "controllable_share"].iloc[0]
    if pd.notna(row["value"]):
        values = {
            "value": format_value(row["value"], "rate"),
            **_counts({"bad": row["sessions"]}),
            **_basis(row),
        }
        return [Finding("share", values, "A", 110, "sides")]
    if pd.isna(row["low"]):
        return []
    values = {
        "bounds": format_interval(row["low"], row["high"], "rate"),
        "right": format_value(LEAST_RIGHT, "rate"),
        "n": format_value(row["sessions"], "count"),
    }
    return [Finding("share_bounds", values, "D", 110, "sides")]


def find_handovers(owners, reasons):
    """Say what the service team answers for itself, and what it must hand to whom.

    Parameters
    ----------
    owners : pandas.DataFrame of `measure_owners`, with counts (`with_counts`)
    reasons : pandas.DataFrame of `measure_reasons`

    Returns
    -------
    list of Finding
        Shares of grade A where people labelled, else counts of the machine of grade D. Every owner with at least 2 % of
        the conversations is named, the largest first; how many others there are is said. None where there is
        nothing to count.

    Examples
    --------
    >>> import csnb
    >>> bad = csnb.dissatisfied_sessions(book.sessions)
    >>> scored = csnb.scored_sessions(bad, book.labels, book.drawn)
    >>> counts = csnb.count_owners(bad, csnb.coded_owners(book.labels, bad))
    >>> owners = csnb.with_counts(csnb.measure_owners(scored, book.labels), counts)
    >>> [finding.key for finding in find_handovers(owners, csnb.measure_reasons(scored, book.labels))]
    ['own_reasons', 'handed_over']
    """
    is_known = bool(owners["value"].notna().all())
    size = owners["value"] if is_known else owners["coded_count"] / owners["sessions"].clip(lower=1)
    ranked = owners.assign(size=size).sort_values("size", ascending=False, kind="stable")
    named, is_own = ranked[ranked["size"] > 0], ranked["owner"].isin(SERVICE)
    n = _counts({"n": owners["n"].iloc[0] if is_known else owners["sessions"].iloc[0]})
    grade, suffix = ("A", "_share") if is_known else ("D", "")
    found = []
    if named["owner"].isin(SERVICE).any():
        own = {row["owner"]: _size(row) for row in ranked[is_own].to_dict("records")}
        values = {
            "agent": own[AGENT],
            "management": own[MANAGEMENT],
            "reasons": _first(reasons, SERVICE),
            **n,
        }
        found.append(Finding(f"own_reasons{suffix}", values, grade, 108, "duties"))
    others = named[~named["owner"].isin(SERVICE)]
    if len(others):
        large = others[others["size"] >= _MATERIAL]
        said = [_handed(row, reasons) for row in large.to_dict("records")]
        rest = len(others) - len(large)
        if rest:
            said.append(text("finding.handed_rest", count=format_value(rest, "count")))
        found.append(
            Finding(
                f"handed_over{suffix}",
                {"owners": text("word.clause_separator").join(said), **n},
                grade,
                106,
                "owners",
            )
        )
    return found


def _handed(row, reasons):
    """Name an owner with its share or count, and its first reasons."""
    said = {"owner": word_of("owner", row["owner"]), "reasons": _first(reasons, [row["owner"]])}
    if pd.isna(row["value"]):
        return text("finding.handed_to", size=_size(row), **said)
    ends = format_interval(row["low"], row["high"], row["unit"])
    return text(
        "finding.handed_to_share", value=format_value(row["value"], row["unit"]), interval=ends, **said
    )


def _size(row):
    """Write a share with its interval, or how many conversations the machine counts."""
    if pd.notna(row["value"]):
        return format_estimate(row)
    return text("finding.coded", sessions=format_value(row["coded_count"], "count"))


def _first(reasons, owners):
    """Name the largest reasons of some owners."""
    own = reasons[reasons["owner"].isin(owners)]
    named = own.loc[(own["value"] > 0) | (own["coded_count"] > 0), "reason"].unique()[:_MOST_NAMED]
    return text("word.list_separator").join(word_of("reason", name) for name in named)


def find_certainty(controllable, need, trust):
    """Say how sure the controllable share is, and how many labels would make it so.

    Parameters
    ----------
    controllable : pandas.DataFrame of `measure_controllable`, not grouped
    need : pandas.DataFrame of `measure_labelling_need`
    trust : Trust of `csnb.judge_labels`

    Returns
    -------
    list of Finding
        One, with labels also on whether coders agree and their errors are corrected; labels that cannot simply be used
        have a warning of their own, right below the share.

    Examples
    --------
    >>> import csnb
    >>> scored = csnb.scored_sessions(csnb.dissatisfied_sessions(book.sessions), book.labels, book.drawn)
    >>> trust = csnb.judge_labels(csnb.select_labels(book, scored))
    >>> need = csnb.measure_labelling_need(scored)
    >>> [each.key for each in find_certainty(csnb.measure_controllable(scored), need, trust)]
    ['sure_few']
    """
    row, more = controllable.iloc[0], need["value"].iloc[0]
    if pd.isna(more):
        return []
    verdict = find_label_verdict(trust)[:1] if trust.level != USABLE else []
    warning = [each._replace(section="band", weight=109) for each in verdict]
    if row["sessions"] < PLAIN:
        return [Finding("sure_few", _counts({"bad": row["sessions"]}), "C", 109.5, "band"), *warning]
    if pd.isna(row["value"]):
        missing = _counts({"more": max(more, PLAIN - row["n"]), "n": row["sessions"]})
        return warning or [Finding("sure_unverified", missing, "D", 105, "sides")]
    values = {
        **_counts({"labelled": row["n"], "bad": row["sessions"]}),
        **_basis(row),
        "coders": _coders(trust),
    }
    if not more > 0:
        return [Finding("sure_enough", values, "A", 105, "band"), *warning]
    return [Finding("sure_more", {**values, **_counts({"more": more})}, "A", 105, "band"), *warning]


def _coders(trust):
    """Say how far coders agree, where that is enough, and whether their errors are corrected."""
    agreed = ""
    if trust.level == USABLE:
        agreed = text(
            "finding.sure_agreed",
            value=format_value(trust.agreement, "number"),
            interval=format_interval(trust.low, trust.high, "number"),
            twice=format_value(trust.twice, "count"),
        )
    return agreed + text(f"finding.sure_{'' if trust.is_corrected else 'un'}corrected")
