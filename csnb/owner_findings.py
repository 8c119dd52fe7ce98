"""What owners are told: what the service team answers for itself, what it hands over, and how sure that is."""

import pandas as pd

from csnb.bounds import LEAST_RIGHT
from csnb.findings import Finding
from csnb.formats import format_interval, format_value, word_of
from csnb.measures import PLAIN
from csnb.owners import AGENT, MANAGEMENT, SERVICE
from csnb.strings import text

_MOST_NAMED = 3


def find_handovers(counts, owners):
    """Say what the service team answers for itself, and what it must hand to whom.

    Parameters
    ----------
    counts : pandas.DataFrame of `count_reason_owners`
    owners : pandas.DataFrame of `count_owners`

    Returns
    -------
    list of Finding
        Both count the machine's codes, of grade D. None where there is nothing to count.

    Examples
    --------
    >>> import csnb
    >>> bad = csnb.dissatisfied_sessions(book.sessions)
    >>> owned = csnb.coded_owners(book.labels, bad)
    >>> counts, owners = csnb.count_reason_owners(bad, owned), csnb.count_owners(bad, owned)
    >>> [finding.key for finding in find_handovers(counts, owners)]
    ['own_reasons', 'handed_over']
    """
    is_own = owners["owner"].isin(SERVICE)
    found = []
    if is_own.any():
        own = owners[is_own].set_index("owner")["value"]
        values = {
            "agent": format_value(own.get(AGENT, 0), "count"),
            "management": format_value(own.get(MANAGEMENT, 0), "count"),
            "reasons": _listed(
                counts[counts["owner"].isin(SERVICE)].groupby("reason")["value"].sum(), "reason"
            ),
            "n": format_value(owners["n"].iloc[0], "count"),
        }
        found.append(Finding("own_reasons", values, "D", 96, "duties"))
    if (~is_own).any():
        named = [
            text("finding.handed_to", owner=word_of("owner", row["owner"]), sessions=format_value(row["value"], "count"),
                 reasons=_listed(counts[counts["owner"] == row["owner"]].set_index("reason")["value"], "reason"))
            for row in owners[~is_own].head(_MOST_NAMED).to_dict("records")
        ]  # fmt: skip
        values = {
            "owners": text("word.list_separator").join(named),
            "n": format_value(owners["n"].iloc[0], "count"),
        }
        found.append(Finding("handed_over", values, "D", 102, "owners"))
    return found


def _listed(values, column):
    """Name the largest groups in words."""
    first = values.sort_values(ascending=False, kind="stable").head(_MOST_NAMED).index
    return text("word.list_separator").join(word_of(column, name) for name in first)


def find_certainty(controllable, need):
    """Say how sure the controllable share is, and how many labels would make it so.

    Parameters
    ----------
    controllable : pandas.DataFrame of `measure_controllable`, not grouped
    need : pandas.DataFrame of `measure_labelling_need`

    Returns
    -------
    list of Finding

    Examples
    --------
    >>> import csnb
    >>> scored = csnb.scored_sessions(csnb.dissatisfied_sessions(book.sessions), book.labels, book.drawn)
    >>> [each.key for each in find_certainty(csnb.measure_controllable(scored), csnb.measure_labelling_need(scored))]
    ['sure_unverified']
    """
    if controllable.empty or pd.isna(need["value"].iloc[0]):
        return []
    row, more = controllable.iloc[0], need["value"].iloc[0]
    basis = {"n": format_value(row["sessions"], "count")}
    if pd.isna(row["value"]):
        first = {"more": format_value(max(more, PLAIN), "count")}
        return [Finding("sure_unverified", {**first, **basis}, "D", 101, "sides")]
    wanted = {"more": format_value(more, "count")} if more > 0 else {}
    basis["interval"] = format_interval(row["low"], row["high"], "rate")
    labelled = {"labelled": format_value(row["n"], "count")}
    key = "sure_more" if wanted else "sure_enough"
    return [Finding(key, {**labelled, **wanted, **basis}, "A", 101, "band")]


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
