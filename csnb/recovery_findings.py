"""What levers say: how many dissatisfied ratings fewer, which lever first, and on what assumption."""

import pandas as pd

from csnb.findings import Finding
from csnb.formats import format_interval, format_value, word_of
from csnb.strings import text

_MOST_NAMED = 3


def find_recoverable(whole, parts):
    """Say what could be recovered, and which lever comes first.

    Parameters
    ----------
    whole : pandas.DataFrame of `measure_recoverable`
    parts : pandas.DataFrame of `measure_levers`

    Returns
    -------
    list of Finding
        Of grade B: an association among comparable conversations, and the sentence says so. Where nothing can
        be compared, or the interval holds 0, it says that instead.

    Examples
    --------
    >>> import csnb
    >>> levers = csnb.find_levers(book.sessions, book.labels)
    >>> whole, parts = csnb.measure_recoverable(book.sessions, levers), csnb.measure_levers(book.sessions, levers)
    >>> find_recoverable(whole, parts)[0].key
    'recoverable_unknown'
    """
    rows = whole.set_index("metric")
    rate, sessions, share = (rows.loc[f"recoverable_{name}"] for name in ("rate", "sessions", "share"))
    if pd.isna(rate["value"]):
        reason = text(f"recovery.{rate['method'].replace(' ', '_')}")
        return [Finding("recoverable_unknown", {"reason": reason}, "C", 60, "recovery")]
    basis = {"n": format_value(rate["n"], "count")}
    if not rate["low"] > 0:
        basis["interval"] = format_interval(rate["low"], rate["high"], "points")
        return [Finding("recoverable_unclear", basis, "B", 60, "recovery")]
    helping = parts[parts["value"] > 0]
    named = text("word.list_separator").join(
        word_of("fault", name) for name in helping["fault"].head(_MOST_NAMED)
    )
    values = {
        "levers": named,
        "sessions": format_value(sessions["value"], "count"),
        "share": format_value(share["value"], "rate"),
        "interval": format_interval(sessions["low"], sessions["high"], "count"),
    }
    return [Finding("recoverable", {**basis, **values}, "B", 104, "recovery"), *_first_lever(helping, basis)]


def _first_lever(helping, basis):
    """Name the lever that recovers most, if that much is sure."""
    first = helping[helping["low"] > 0].head(1)
    return [
        Finding(
            "recoverable_lever",
            {
                **basis,
                "lever": word_of("fault", row["fault"]),
                "off": format_value(row["off_share"], "rate"),
                "value": format_value(row["value"], "points"),
                "interval": format_interval(row["low"], row["high"], "points"),
            },
            "B", 103, "recovery",
        )
        for row in first.to_dict("records")
    ]  # fmt: skip
