"""Put numbers, intervals and days into a reader's words: one place, so that a table, a chart and a
sentence never show the same number in two ways. `escape` is the one place where text becomes HTML.
"""

import html
from datetime import date

import pandas as pd

from csnb.strings import has_text, text

MINUS, DASH = "\u2212", "\u2013"
_FIRST_DAY = "2000-01-01"  # a rule pack of this day holds for all data there are
_UNSAFE = {code: None for code in (*range(9), 11, 12, *range(14, 32), 127)}


def escape(value):
    """Make any value safe inside HTML, in a text as well as in a quoted attribute.

    Chat text is hostile input. Control characters, which HTML does not allow, are dropped.

    Examples
    --------
    >>> escape("<b onclick='x'>")
    '&lt;b onclick=&#x27;x&#x27;&gt;'
    """
    return html.escape(str(value).translate(_UNSAFE), quote=True)


def is_missing(value):
    """Say whether a single value is missing (None, NaN, NaT, NA)."""
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def format_value(value, unit):
    """Write one number with its unit in the language in force.

    Parameters
    ----------
    value : float; a rate is a proportion (0.123), a time is in seconds
    unit : "rate", "points" (a difference of rates), "seconds", "count", "ratio", "hours" or "number"

    Returns
    -------
    str; a missing value is an em dash

    Examples
    --------
    >>> format_value(0.1234, "rate"), format_value(1234, "count"), format_value(float("nan"), "rate")
    ('12.3%', '1,234', '—')
    >>> format_value(42, "seconds"), format_value(210, "seconds")
    ('42 秒', '3.5 分钟')
    """
    if is_missing(value):
        return text("table.missing")
    return _written(value, unit, unit_scale([value], unit))


def format_interval(low, high, unit):
    """Write an interval as `low–high` with one unit; an em dash where an end is missing.

    Examples
    --------
    >>> format_interval(0.121, 0.1449, "rate")
    '12.1–14.5%'
    >>> format_interval(-0.02, 0.01, "points")
    '−2.0 至 1.0 个百分点'
    """
    if is_missing(low) or is_missing(high):
        return text("table.missing")
    factor, word = unit_scale([low, high], unit)
    ends = [_digits(end / factor, unit, word, max(abs(low), abs(high)) / factor) for end in (low, high)]
    joined = text("table.interval_to", low=ends[0], high=ends[1]) if low < 0 else DASH.join(ends)
    return text(f"unit.{word}", value=joined)


def format_estimate(row):
    """Write the value of a row of results with its interval behind it.

    Parameters
    ----------
    row : mapping with `value, low, high, unit`; without an interval the value stands alone

    Examples
    --------
    >>> format_estimate({"value": 0.13, "low": 0.121, "high": 0.1449, "unit": "rate"})
    '13.0%（12.1–14.5%）'
    """
    value = format_value(row["value"], row["unit"])
    if is_missing(row["low"]) or is_missing(row["high"]):
        return value
    return text("table.estimate", value=value, interval=format_interval(row["low"], row["high"], row["unit"]))


def unit_scale(values, unit):
    """Choose the unit in which some values are read together: what to divide by, and its word's key.

    Times are read in seconds up to two minutes, in minutes up to two hours, else in hours.

    Examples
    --------
    >>> unit_scale([30, 300], "seconds")
    (60, 'minutes')
    """
    if unit in ("rate", "points"):
        return 0.01, unit
    if unit != "seconds":
        return 1, unit
    known = [abs(value) for value in values if not is_missing(value)]
    largest = max(known, default=0)
    return (1, "seconds") if largest < 120 else (60, "minutes") if largest < 7200 else (3600, "hours")


def _written(value, unit, scale):
    factor, word = scale
    return text(f"unit.{word}", value=_digits(value / factor, unit, word, abs(value) / factor))


def _digits(value, unit, word, size):
    """Round for reading: one decimal for rates, none for counts, long seconds and many hours, else by size."""
    if unit == "count" or (word == "seconds" and size >= 10) or (unit == "hours" and size >= 100):
        decimals = 0
    elif unit in ("rate", "points", "seconds", "hours"):
        decimals = 1
    else:
        decimals = 2 if size < 100 else 0
    rounded = round(float(value), decimals) + 0.0
    return f"{rounded:,.{decimals}f}".replace("-", MINUS)


def format_p(value):
    """Write a p-value: three decimals, `<0.001` below.

    Examples
    --------
    >>> format_p(0.0412), format_p(1e-9)
    ('0.041', '<0.001')
    """
    if is_missing(value):
        return text("table.missing")
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def format_day(day):
    """Write an ISO day; `unknown` and other texts stay as they are in words.

    Examples
    --------
    >>> format_day("2026-11-03")
    '2026年11月3日'
    """
    try:
        when = date.fromisoformat(str(day))
    except ValueError:
        return word_of("day", day)
    return text("date.day", year=when.year, month=text(f"month.{when.month}"), day=when.day)


def format_short_day(day):
    """Write an ISO day without its year, for the ticks of an axis.

    Examples
    --------
    >>> format_short_day("2026-11-03")
    '11/3'
    """
    when = date.fromisoformat(str(day))
    return text("date.short", month=text(f"month_short.{when.month}"), day=when.day)


def format_period(date_from, date_to):
    """Write a period of whole days, both ends included; without ends it is the whole book.

    Examples
    --------
    >>> format_period("2026-11-16", "2026-11-22")
    '2026年11月16日–22日'
    >>> format_period(None, None)
    '全部数据'
    """
    if not date_from or not date_to:
        return text("date.whole")
    first, last = date.fromisoformat(str(date_from)), date.fromisoformat(str(date_to))
    if first == last:
        return format_day(first)
    same = "same_month" if (first.year, first.month) == (last.year, last.month) else "same_year"
    if first.year != last.year:
        return text("date.any", first=format_day(first), last=format_day(last))
    words = {
        "year": first.year, "month": text(f"month.{first.month}"), "day": first.day, "last_day": last.day,
    }  # fmt: skip
    if same == "same_year":
        words["last_month"] = text(f"month.{last.month}")
    return text(f"date.{same}", **words)


def word_of(column, value):
    """Give the reader's word for a value of a column, such as a side, a reason or a stage.

    The word is `value.<column>.<value>` of the strings; a value without one, such as the name of a
    shop, stays as it is. A missing value is an em dash.

    Examples
    --------
    >>> word_of("side", "controllable"), word_of("shop", "旗舰店")
    ('可控', '旗舰店')
    """
    if is_missing(value):
        return text("table.missing")
    key = f"value.{column}.{value}"
    return text(key) if has_text(key) else str(value)


def rulepack_words(rulepacks):
    """Name rule packs in words: the platform, and since when the pack holds.

    Parameters
    ----------
    rulepacks : list of str, such as those of `csnb.list_rulepacks`

    Examples
    --------
    >>> rulepack_words(["douyin 2026-09-29", "taobao 2000-01-01"])
    '抖音（2026年9月29日起）、淘宝（一直有效）'
    """
    words = []
    for pack in rulepacks:
        platform, _, day = str(pack).partition(" ")
        key = "pack_always" if day <= _FIRST_DAY else "pack_since"
        since = {} if day <= _FIRST_DAY else {"day": format_day(day)}
        words.append(text(f"provenance.{key}", platform=word_of("platform", platform), **since))
    return text("word.list_separator").join(words) or text("provenance.none")


def method_words(method):
    """Say how an interval was made, or why there is none: `value.method.<part>` of the strings for each part.

    Parameters
    ----------
    method : str of results; parts are parted by a comma, such as "wilson, weighted"

    Examples
    --------
    >>> method_words("wilson, weighted")
    'Wilson 区间、加权'
    """
    return text("word.list_separator").join(word_of("method", part) for part in str(method).split(", "))


def sign_widths(words):
    """Give the width of every sign of a text: a Chinese one is as wide as two others.

    Examples
    --------
    >>> sign_widths("共 7")
    [2, 1, 1]
    """
    return [2 if sign > "\u2e80" else 1 for sign in words]


def group_word(dimension, group):
    """Give the reader's word for a group of a column that itself stands in the table.

    Examples
    --------
    >>> group_word("channel", "live"), group_word("channel", "rest")
    ('直播间', '其余')
    """
    return word_of("group" if has_text(f"value.group.{group}") else dimension, group)


def metric_name(metric):
    """Give the reader's name of a metric: `metric.<id>.name` of the strings, else its id.

    Examples
    --------
    >>> metric_name("not_a_metric")
    'not_a_metric'
    """
    key = f"metric.{metric}.name"
    return text(key) if has_text(key) else str(metric)


def column_name(column):
    """Give the reader's name of a column: `column.<name>` of the strings, else its own name.

    Examples
    --------
    >>> column_name("shop")
    '店铺'
    """
    key = f"column.{column}"
    return text(key) if has_text(key) else str(column)
