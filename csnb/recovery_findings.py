"""What levers say: how many dissatisfied ratings fewer, which lever first, and on what assumption."""

import pandas as pd

from csnb.findings import Finding
from csnb.formats import format_estimate, format_interval, format_value, word_of
from csnb.strings import text
from csnb.trust import USABLE

_ONE = 0.5  # ratings: a lower end that is read as one or more


def find_recoverable(whole, parts, ceilings, trust):
    """Say what could be recovered, which lever comes first, and what mending the faults left out could bring at most.

    Parameters
    ----------
    whole : pandas.DataFrame of `measure_recoverable`
    parts : pandas.DataFrame of `measure_levers`
    ceilings : pandas.DataFrame of `measure_ceilings`
    trust : Trust of `judge_labels`

    Returns
    -------
    list of Finding
        One, of grade B: an association among comparable conversations, and the sentence says so. A lever is named
        where it is clear by itself. Where nothing can be compared, or the interval starts below one rating, it says
        that instead. The faults left out are named, with their ceilings where the labels can be used.

    Examples
    --------
    >>> import csnb
    >>> levers = csnb.find_levers(book.sessions, book.labels)
    >>> whole, parts = csnb.measure_recoverable(book.sessions, levers), csnb.measure_levers(book.sessions, levers)
    >>> scored = csnb.scored_sessions(csnb.dissatisfied_sessions(book.sessions), book.labels, book.drawn)
    >>> ceilings = csnb.measure_ceilings(scored, book.labels, levers)
    >>> trust = csnb.judge_labels(csnb.select_labels(book, scored))
    >>> find_recoverable(whole, parts, ceilings, trust)[0].key
    'recoverable_unknown'
    """
    fewer, share = (whole.set_index("metric").loc[f"recoverable_{name}"] for name in ("sessions", "share"))
    if pd.isna(fewer["value"]):
        reason = text(f"recovery.{fewer['method'].replace(' ', '_')}")
        return [Finding("recoverable_unknown", {"reason": reason}, "C", 60)]
    values = {
        "bad": format_value(share["n"], "count"),
        "n": format_value(fewer["n"], "count"),
        "interval": format_interval(fewer["low"], fewer["high"], "count"),
        "beyond": _beyond(ceilings, trust),
    }
    if fewer["value"] < _ONE:
        return [Finding("recoverable_none", values, "B", 107, "recovery")]
    values["sessions"] = format_value(fewer["value"], "count")
    if not fewer["low"] >= _ONE:
        return [Finding("recoverable_unclear", values, "B", 107, "recovery")]
    clear = parts[parts["low"] >= _ONE]
    if clear.empty:
        return [Finding("recoverable_together", values, "B", 107, "recovery")]
    return [Finding("recoverable", {**values, "levers": _listed(clear)}, "B", 107, "recovery")]


def _beyond(ceilings, trust):
    """Name the faults that cannot be compared, with how many ratings mending them could spare at most."""
    if ceilings.empty or not ceilings["sessions"].iloc[0]:
        return ""
    known = ceilings[ceilings["value"].notna()]
    if known.empty or trust.level != USABLE:
        names = text("word.list_separator").join(word_of("fault", name) for name in ceilings["fault"])
        return text("recovery.left_out", levers=names)
    labelled = format_value(known["n"].iloc[0], "count")
    return text("recovery.at_most", levers=_listed(known), labelled=labelled)


def _listed(parts):
    """Name levers with the ratings each would recover."""
    return text("word.list_separator").join(
        text("recovery.part", lever=word_of("fault", row["fault"]), fewer=format_estimate(row))
        for row in parts.to_dict("records")
    )
