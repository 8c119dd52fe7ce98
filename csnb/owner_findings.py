"""What owners are told: how much of the dissatisfaction each answers for, whether it grows, and how sure that is."""

from datetime import date

import pandas as pd

from csnb.bounds import LEAST_RIGHT
from csnb.findings import Finding
from csnb.formats import format_interval, format_period, format_value, word_of
from csnb.metrics import counts_for_ratings
from csnb.owner_trends import GROWING, SHRINKING, UNCLEAR
from csnb.satisfaction import BY_MACHINE, dissatisfied_sessions
from csnb.strings import text
from csnb.trust import USABLE, cap_grades, find_label_verdict

_MOST_NAMED = 3


def find_owner_issues(sessions, owners, reasons, trends, trust):
    """Say for every owner how much of the dissatisfaction it answers for, and whose part is growing or shrinking.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    owners : pandas.DataFrame of `measure_owners`, with the counts of `with_counts`
    reasons : pandas.DataFrame of `measure_reasons`
    trends : pandas.DataFrame of `compare_owner_halves`
    trust : Trust of `judge_labels`

    Returns
    -------
    list of Finding
        With labels: every owner by its share, of the grade that the labels allow, and what these bear, first where it is a warning. Without: that nobody
        has labelled, then every owner by the machine's count with the bounds of its share, of grade D. Owners without
        a single conversation are left out. A trend only where it is more than chance, and one sentence where none is;
        each owner's own is in `find_owner_brief`. Where there are no ratings, no dissatisfied ones or no known reason it says that alone.

    Examples
    --------
    >>> import csnb
    >>> scored = csnb.scored_sessions(csnb.dissatisfied_sessions(book.sessions), book.labels, book.drawn)
    >>> counts = csnb.count_owners(scored, csnb.coded_owners(book.labels, scored))
    >>> owners = csnb.with_counts(csnb.measure_owners(scored, book.labels), counts)
    >>> reasons = csnb.measure_reasons(scored, book.labels)
    >>> trends = csnb.compare_owner_halves(book.sessions, scored, book.labels)
    >>> trust = csnb.judge_labels(csnb.select_labels(book, book.sessions))
    >>> [each.key for each in find_owner_issues(book.sessions, owners, reasons, trends, trust)][:2]
    ['owners_unverified', 'owner_counted']
    """
    nothing = _nothing(sessions, owners)
    if nothing:
        return nothing
    volumes = [_volume(row, reasons) for row in _by_size(owners).to_dict("records")]
    moved = trends[trends["trend"].isin([GROWING, SHRINKING])]
    changes = [_change(row, sessions) for row in moved.to_dict("records")]
    steady = [] if changes else _steady(trends, sessions)
    if not trust.labelled:
        right = {
            "right": format_value(LEAST_RIGHT, "rate"),
            "n": format_value(owners["sessions"].iloc[0], "count"),
        }
        basis = [Finding("owners_unverified", right, "D", 110, "owner_volume")]
    else:
        verdict = find_label_verdict(trust)[0]
        basis = [verdict._replace(weight=10 if trust.level == USABLE else 110, section=None)]
    ranked = [each._replace(weight=90 - place) for place, each in enumerate(volumes)]
    return cap_grades([*basis, *changes, *ranked, *steady], trust)


def _nothing(sessions, owners):
    """Say that there is nothing to tell: no ratings, none dissatisfied, or no known reason; empty if there is."""
    counted = counts_for_ratings(sessions)
    rated = sessions[counted & sessions["is_rated"].astype(bool)]
    base = {"n": format_value(len(rated), "count")}
    if rated.empty:
        return [Finding("owners_unrated", {"n": format_value(counted.sum(), "count")}, "C", 100)]
    if dissatisfied_sessions(rated).empty:
        return [Finding("owners_content", base, "C", 100)]
    if _by_size(owners).empty:
        return [Finding("owners_none", base, "C", 100, "owner_volume")]
    return []


def _by_size(owners):
    """Give the owners that anything is known of, the largest first."""
    known = owners[(owners["value"] > 0) | (owners["value"].isna() & (owners["coded_count"] > 0))]
    return known.sort_values(["value", "coded_count"], ascending=False, kind="stable")


def _volume(row, reasons):
    """Say how much one owner answers for: its share from labels, else the machine's count and the bounds of its share."""
    has_share = pd.notna(row["value"])
    own = reasons[reasons["owner"] == row["owner"]].set_index("reason")
    own = own["value" if has_share else "coded_count"]
    values = {
        "owner": word_of("owner", row["owner"]),
        "sessions": format_value(
            row["value"] * row["sessions"] if has_share else row["coded_count"], "count"
        ),
        "total": format_value(row["sessions"], "count"),
        "reasons": _listed(own[own > 0], "reason"),
        "n": format_value(row["n"] if has_share else row["sessions"], "count"),
    }
    if not has_share:
        if pd.isna(row["low"]):  # fewer labels than a share needs
            return Finding("owner_counted", values, "D", 0, f"owner_{row['owner']}")
        values["bounds"] = format_interval(row["low"], row["high"], "rate")
        return Finding("owner_coded", values, "D", 0, f"owner_{row['owner']}")
    values |= {
        "value": format_value(row["value"], "rate"),
        "interval": format_interval(row["low"], row["high"], "rate"),
    }
    return Finding("owner_share", values, "A", 0, f"owner_{row['owner']}")


def _listed(values, column):
    """Name the largest groups in words."""
    first = values.sort_values(ascending=False, kind="stable").head(_MOST_NAMED).index
    return text("word.list_separator").join(word_of(column, name) for name in first)


def _steady(trends, sessions):
    """Say that no owner's part can be told to grow or shrink, where all could be compared."""
    if trends.empty or set(trends["trend"]) != {UNCLEAR}:
        return []
    row = trends.iloc[0]
    values = {half: _days(row[half], sessions) for half in ("before", "after")}
    n = format_value(row["n_before"] + row["n"], "count")
    grade = "D" if row["method"] == BY_MACHINE else "A"
    return [Finding("owners_steady", {**values, "n": n}, grade, 80, "owner_volume")]


def _days(weeks, sessions):
    """Write the days of some weeks, such as "2026-W10 – 2026-W11", from Monday to Sunday but within the days of the sessions."""
    ends = weeks.split(" – ")
    days = sessions.loc[counts_for_ratings(sessions) & sessions["day"].ne("unknown"), "day"].dropna()
    monday, sunday = (
        date.fromisoformat(f"{week}-{day}").isoformat() for week, day in ((ends[0], 1), (ends[-1], 7))
    )
    return format_period(max(monday, days.min()), min(sunday, days.max()))


def _change(row, sessions):
    """Say whether the part of one owner grows or shrinks, or why that cannot be told."""
    owner, section = {"owner": word_of("owner", row["owner"])}, f"owner_{row['owner']}"
    if not row["before"]:
        return Finding("owner_one_week", {**owner, "n": format_value(row["n"], "count")}, "C", 0, section)
    n = format_value(row["n_before"] + row["n"], "count")
    if pd.isna(row["difference"]):
        return Finding("owner_trend_unknown", {**owner, "n": n}, "C", 0, section)
    values = {
        **owner,
        "before": _days(row["before"], sessions),
        "after": _days(row["after"], sessions),
        "first": format_value(row["value_before"], "rate"),
        "value": format_value(row["value"], "rate"),
        "n": n,
        "interval": format_interval(row["difference_low"], row["difference_high"], "points"),
    }
    return Finding(f"owner_{row['trend']}", values, "D" if row["method"] == BY_MACHINE else "A", 100, section)


def find_owner_brief(owner, sessions, owners, reasons, trends, trust):
    """Say the two things that an owner's own page begins with: how much, and whether it is growing.

    Parameters
    ----------
    owner : str, such as "logistics"
    sessions, owners, reasons, trends, trust : as in `find_owner_issues`

    Returns
    -------
    list of Finding
        Where nothing is known of the owner it says so; none where there is nothing to tell at all, which
        `find_owner_issues` says once for all.

    Examples
    --------
    >>> find_owner_brief("logistics", sessions, owners, reasons, trends, trust)  # doctest: +SKIP
    """
    if _nothing(sessions, owners):
        return []
    own = _by_size(owners[owners["owner"] == owner])
    if own.empty:
        values = {"owner": word_of("owner", owner), "n": format_value(owners["sessions"].iloc[0], "count")}
        return [Finding("owner_untouched", values, "D", 1)]
    (row,), (trend,) = own.to_dict("records"), trends[trends["owner"] == owner].to_dict("records")
    found = [_volume(row, reasons)._replace(weight=2), _change(trend, sessions)._replace(weight=1)]
    return cap_grades([each._replace(section=None) for each in found], trust)
