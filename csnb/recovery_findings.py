"""What levers say: how many dissatisfied ratings fewer, which lever first, and on what assumption."""

import pandas as pd

from csnb.findings import Finding
from csnb.formats import format_estimate, format_interval, format_value, word_of
from csnb.strings import text

_ONE = 0.5  # ratings: a lower end that is read as one or more


def find_recoverable(whole, parts):
    """Say what could be recovered, and which lever comes first.

    Parameters
    ----------
    whole : pandas.DataFrame of `measure_recoverable`
    parts : pandas.DataFrame of `measure_levers`

    Returns
    -------
    list of Finding
        Of grade B: an association among comparable conversations, and the sentence says so; then what each
        lever has in it, which add up, and which of them is clear by itself. Where nothing can be compared, or
        the interval starts below one rating, it says that instead: where it starts, as the interval shows it.

    Examples
    --------
    >>> import csnb
    >>> levers = csnb.find_levers(book.sessions, book.labels)
    >>> whole, parts = csnb.measure_recoverable(book.sessions, levers), csnb.measure_levers(book.sessions, levers)
    >>> find_recoverable(whole, parts)[0].key
    'recoverable_unknown'
    """
    fewer, share = (whole.set_index("metric").loc[f"recoverable_{name}"] for name in ("sessions", "share"))
    if pd.isna(fewer["value"]):
        reason = text(f"recovery.{fewer['method'].replace(' ', '_')}")
        return [Finding("recoverable_unknown", {"reason": reason}, "C", 60)]
    values = {
        "sessions": format_value(fewer["value"], "count"),
        "bad": format_value(share["n"], "count"),
        "n": format_value(fewer["n"], "count"),
        "interval": format_interval(fewer["low"], fewer["high"], "count"),
    }
    if not fewer["low"] >= _ONE:
        low = format_value(fewer["low"], "count")
        return [Finding("recoverable_unclear", {**values, "low": low}, "B", 104, "recovery")]
    return [
        Finding("recoverable", {**values, "share": format_estimate(share)}, "B", 104, "recovery"),
        _of_parts(parts[parts["value"].notna()], values),
    ]


def find_ceilings(ceilings):
    """Say which faults are not in the comparison, and what mending them could recover at most.

    Parameters
    ----------
    ceilings : pandas.DataFrame of `csnb.measure_ceilings`

    Returns
    -------
    list of Finding
        Of grade A with people's labels; without, that they are left out and why. None where nothing is left out.

    Examples
    --------
    >>> import csnb
    >>> scored = csnb.scored_sessions(csnb.dissatisfied_sessions(book.sessions), book.labels, book.drawn)
    >>> levers = csnb.find_levers(book.sessions, book.labels)
    >>> find_ceilings(csnb.measure_ceilings(scored, book.labels, levers))[0].key
    'left_out'
    """
    if ceilings.empty or not ceilings["sessions"].iloc[0]:
        return []
    known = ceilings[ceilings["value"].notna()]
    if known.empty:
        names = text("word.list_separator").join(word_of("fault", name) for name in ceilings["fault"])
        return [Finding("left_out", {"levers": names}, "D", 61, "recovery")]
    said = {"levers": _listed(known), "n": format_value(known["n"].iloc[0], "count")}
    return [Finding("left_out_at_most", said, "A", 102.5, "recovery")]


def _of_parts(parts, values):
    """Say what each lever has in it, all of them, and which is clear by itself."""
    clear = parts[parts["low"] >= _ONE]
    said = {"n": values["n"], "sessions": values["sessions"], "parts": _listed(parts)}
    if clear.empty:
        return Finding("recoverable_parts", said, "B", 103, "recovery")
    return Finding("recoverable_lever", {**said, "levers": _listed(clear)}, "B", 103, "recovery")


def _listed(parts):
    """Name levers with the ratings each would recover."""
    return text("word.list_separator").join(
        text("recovery.part", lever=word_of("fault", row["fault"]), fewer=format_estimate(row))
        for row in parts.to_dict("records")
    )
