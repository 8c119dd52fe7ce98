"""What owners are told: how much of the dissatisfaction each answers for, and how sure that is."""

import pandas as pd

from csnb.bounds import LEAST_RIGHT
from csnb.findings import Finding
from csnb.formats import format_interval, format_value, word_of
from csnb.strings import text

_MOST_NAMED = 3


def find_owner_issues(owners, counts, shares):
    """Say for every owner how much of the dissatisfaction it answers for.

    Parameters
    ----------
    owners : pandas.DataFrame of `count_owners`
    counts : pandas.DataFrame of `count_reason_owners`
    shares : pandas.DataFrame of `measure_owners`

    Returns
    -------
    list of Finding
        One an owner, the most conversations first: of grade A with the share from labels, else of grade D with the
        machine's count and its bounds; and one that says so where nobody has labelled, or nothing is coded.

    Examples
    --------
    >>> import csnb
    >>> bad = csnb.dissatisfied_sessions(book.sessions)
    >>> owned = csnb.coded_owners(book.labels, bad)
    >>> shares = csnb.measure_owners(csnb.scored_sessions(bad, book.labels, book.drawn), book.labels)
    >>> found = find_owner_issues(csnb.count_owners(bad, owned), csnb.count_reason_owners(bad, owned), shares)
    >>> [each.key for each in found][:2]
    ['owners_unverified', 'owner_coded']
    """
    if owners.empty:
        return [Finding("owners_none", {}, "C", 100, "owner_volume")]
    found, known = [], shares.set_index("owner")
    if known["value"].isna().all():
        right = {
            "right": format_value(LEAST_RIGHT, "rate"),
            "n": format_value(owners["n"].iloc[0], "count"),
        }
        found.append(Finding("owners_unverified", right, "D", 50, "owner_volume"))
    for place, row in enumerate(owners.to_dict("records")):
        share = known.loc[row["owner"]]
        has_share = pd.notna(share["value"])
        values = {
            "owner": word_of("owner", row["owner"]),
            "sessions": format_value(row["value"], "count"),
            "reasons": _listed(
                counts[counts["owner"] == row["owner"]].set_index("reason")["value"], "reason"
            ),
            "n": format_value(share["n"] if has_share else row["n"], "count"),
            "interval": format_interval(share["low"], share["high"], "rate"),
        }
        if has_share:
            values["value"] = format_value(share["value"], "rate")
        key = "owner_share" if has_share else "owner_coded"
        found.append(Finding(key, values, "A" if has_share else "D", 100 - place, f"owner_{row['owner']}"))
    return found


def _listed(values, column):
    """Name the largest groups in words."""
    first = values.sort_values(ascending=False, kind="stable").head(_MOST_NAMED).index
    return text("word.list_separator").join(word_of(column, name) for name in first)
