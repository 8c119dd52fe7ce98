"""Show tables, in the lab and in a report.

It is plain HTML by our own hand: a table must sort, filter, turn dark, print and shrink to a phone by the
page's one style sheet and one script, while a table library brings its own of each with every table.
All text passes `escape` on its way in.
"""

from itertools import repeat
from typing import NamedTuple

import pandas as pd

from csnb.formats import (
    column_name,
    escape,
    format_day,
    format_interval,
    format_p,
    format_value,
    group_word,
    is_missing,
    method_words,
    metric_name,
    rulepack_words,
    sign_widths,
    word_of,
)
from csnb.outputs import lab_script, show_html
from csnb.strings import has_text, text

SMALL, LONG, SUPPRESSED = 30, 24, "suppressed"


class Shown(NamedTuple):
    """One column as it is shown: its head and its cells, all HTML."""

    head: str
    cells: list


def show_table(frame, name, columns=None, note=None, even_empty=True):
    """Show a table; in the report page it sorts, filters and downloads as CSV.

    Parameters
    ----------
    frame : DataFrame; any table, or results (schema RESULTS)
        Header words are `column.<name>` of the strings, cells of words `value.<column>.<value>`; what the estimates
        of one table are may stand in `value_of.<name of the table>`.
        Numbers are formatted by the row's `unit`, else by the end of the column's name (`_rate`,
        `_seconds`, `_count`, ...). `low` and `high` become one column `low–high` beside a drawing of
        the interval. A missing value is an em dash, a suppressed group says so, n under 30 is marked.
    name : str; names the CSV file and, as `caption.<name>`, the caption where the strings have one, and as
        `empty.<name>` what stands for a table without rows
    columns : list of str, or None for all; picks and orders
    note : str or None; one line below the table
    even_empty : bool; False shows nothing at all where there is no row, as `show_section` does

    Raises
    ------
    KeyError
        If the frame lacks one of `columns`.

    Examples
    --------
    >>> show_table(csnb.measure(book.sessions, "reply_rate", "channel"), "channels")  # doctest: +SKIP
    """
    if frame.empty and not even_empty:
        return
    html = table_html(frame, name, columns, note)
    show_html(html + lab_script(), frame.to_string(index=False, max_rows=20))


def table_html(frame, name, columns=None, note=None):
    """Give the HTML of `show_table`.

    Examples
    --------
    >>> "<td>&lt;b&gt;</td>" in table_html(pd.DataFrame({"n": [3], "shop": ["<b>"]}), "shops")
    True
    """
    if frame.empty:
        empty = f"empty.{name}" if has_text(f"empty.{name}") else "table.empty"
        return f'<p class="none">{escape(text(empty))}</p>'
    shown = _shown_columns(frame, name, columns)
    rows = zip(*(column.cells for column in shown), strict=True)
    body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    caption = f"<caption>{escape(text(f'caption.{name}'))}</caption>" if has_text(f"caption.{name}") else ""
    below = f'<p class="note">{escape(note)}</p>' if note else ""
    return (
        f'<div class="table" data-name="{escape(name)}"><div class="scroll" tabindex="0" role="group" '
        f'aria-label="{escape(text("table.region"))}"><table>{caption}'
        f"<thead><tr>{''.join(column.head for column in shown)}</tr></thead><tbody>{body}</tbody>"
        f"</table></div>{below}</div>"
    )


def _reading_order(frame):
    """Give all columns; of results n stands after the value and its interval."""
    columns = list(frame.columns)
    if not _is_results(frame):
        return columns
    rest = [column for column in columns if column != "n"]
    after = max(rest.index(column) for column in ("value", "low", "high") if column in rest)
    return [*rest[: after + 1], "n", *rest[after + 1 :]]


def _is_results(frame):
    return {"metric", "value", "n", "unit", "method"} <= set(frame.columns)


def _shown_columns(frame, name, columns):
    """Choose how each column is shown; the ends of an interval share one column, what is asked for is shown."""
    is_results, hidden = _is_results(frame), set()
    if columns is None:
        columns = _reading_order(frame)
        if is_results:
            hidden = {"unit", "method", "rulepack"}
            hidden |= {"metric"} if frame["metric"].nunique() == 1 and len(columns) > 1 else set()
    shown = []
    for column in columns:
        if column in hidden:
            shown.append(_hidden(frame, column))
        elif column == "value" and is_results:
            shown.append(_value_column(frame, name))
        elif column.endswith("low") and f"{column[:-3]}high" in columns:
            shown += _interval_columns(frame, column, f"{column[:-3]}high")
        elif column.endswith("high") and f"{column[:-4]}low" in columns:
            continue
        elif column == "n":
            shown.append(_n_column(frame))
        else:
            shown.append(_plain_column(frame, column))
    return shown


def _hidden(frame, column):
    """Keep a column out of sight; the downloads still have it, in words."""
    write = {
        "metric": metric_name,
        "unit": lambda unit: word_of("unit", unit),
        "method": method_words,
        "rulepack": lambda packs: rulepack_words(packs.split(", ")),
    }.get(column, str)
    cells = ["" if is_missing(value) or value == "" else escape(write(value)) for value in frame[column]]
    return Shown(
        f"<th hidden>{escape(column_name(column))}</th>", [f"<td hidden>{cell}</td>" for cell in cells]
    )


def _value_column(frame, name):
    """Show the estimates of results in the unit of their rows; where one is missing, why."""
    words = [
        _why_missing(method) if is_missing(value) else escape(format_value(value, unit))
        for value, unit, method in zip(frame["value"], frame["unit"], frame["method"], strict=True)
    ]
    head = text(f"value_of.{name}") if has_text(f"value_of.{name}") else column_name("value")
    return Shown(
        f'<th scope="col" class="number">{escape(head)}</th>',
        _number_cells(frame["value"], words, frame["unit"]),
    )


def _why_missing(method):
    """Say in a word why there is no value, where the strings have one for the method."""
    if method == SUPPRESSED:
        return _muted(text("table.suppressed"))
    key = f"table.why_{str(method).replace(' ', '_')}"
    return _muted(text(key)) if has_text(key) else escape(text("table.missing"))


def _interval_columns(frame, low, high):
    """Show both ends of an interval in one column and, from three rows up, as a drawing in another."""
    units = _row_units(frame, low)
    triples = list(zip(frame[low], frame[high], units, strict=True))
    names = f' data-head="{escape(column_name(low))}|{escape(column_name(high))}"'
    cells = [
        f'<td class="number interval" data-v="{_raw(a)}|{_raw(b)}" data-unit="{escape(unit)}">'
        f"{escape(format_interval(a, b, unit))}</td>"
        for a, b, unit in triples
    ]
    column = Shown(f'<th scope="col" class="number"{names}>{escape(_interval_word(frame, low))}</th>', cells)
    if frame[[low, high]].isna().all(axis=None):
        return [_hidden(frame, low), _hidden(frame, high)]
    drawable = [not is_missing(a) and not is_missing(b) for a, b, _ in triples]
    middle = low[:-3].rstrip("_") or "value"
    if sum(drawable) < 3 or middle not in frame or frame.get("metric", units).nunique() > 1:
        return [column]
    return [column, Shown('<td class="drawn"></td>', _drawings(frame, low, high, middle))]


def _interval_word(frame, low):
    """Name an interval: control limits are none, and say so by their method (strings `interval.<method>`)."""
    methods = set(frame["method"].dropna()) if low == "low" and "method" in frame else set()
    words = {text(key) for key in (f"interval.{method}" for method in methods) if has_text(key)}
    return words.pop() if len(words) == 1 else text("table.interval")


def _drawings(frame, low, high, middle):
    """Draw the intervals of a column on one scale, as small pictures beside their numbers."""
    left, right = frame[low].min(), frame[high].max()
    wide = (right - left) or 1
    cells = []
    for a, b, value in zip(frame[low], frame[high], frame[middle], strict=True):
        if is_missing(a) or is_missing(b):
            cells.append('<td class="drawn"></td>')
            continue
        x1, x2 = (4 + 88 * (end - left) / wide for end in (a, b))
        dot = (
            "" if is_missing(value) else f'<circle cx="{4 + 88 * (value - left) / wide:.1f}" cy="7" r="3.5"/>'
        )
        line = f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="7" y2="7"/>'
        cells.append(
            f'<td class="drawn"><svg width="96" height="14" aria-hidden="true">{line}{dot}</svg></td>'
        )
    return cells


def _n_column(frame):
    """Show n, marked where it is too small to lean on."""
    words = [
        escape(format_value(n, "count"))
        + (f' <span class="tag">{escape(text("table.indicative"))}</span>' if _is_indicative(n, row) else "")
        for n, row in zip(frame["n"], frame.to_dict("records"), strict=True)
    ]
    return Shown(_head("n", True), _number_cells(frame["n"], words, repeat("count", len(frame))))


def _is_indicative(n, row):
    """Say whether a row stands on fewer than 30 and still shows a value."""
    return not is_missing(n) and n < SMALL and not is_missing(row.get("value"))


def _plain_column(frame, column):
    """Show any other column: numbers by the end of its name, days, truth values, words."""
    values, unit = frame[column], _unit_of(column, frame[column])
    if column == "metric":
        return Shown(_head(column, False), [_word_cell(metric_name(value)) for value in values])
    if column.startswith(("difference", "value_")) and "unit" in frame:
        units = _row_units(frame, column)
        words = [escape(format_value(a, b)) for a, b in zip(values, units, strict=True)]
        return Shown(_head(column, True), _number_cells(values, words, units))
    if unit:
        write = format_p if unit == "p" else lambda value: format_value(value, unit)
        words = [escape(write(value)) for value in values]
        return Shown(_head(column, True), _number_cells(values, words, repeat(unit, len(values))))
    if column == "quote":
        return Shown(_head(column, False), [_quoted_cell(value) for value in values])
    if pd.api.types.is_bool_dtype(values):
        return Shown(_head(column, False), [_word_cell(_yes_or_no(value)) for value in values])
    if column == "group" and "dimension" in frame:
        words = [group_word(a, b) for a, b in zip(frame["dimension"], values, strict=True)]
        return Shown(_head(column, False), [_word_cell(word) for word in words])
    is_day = column == "day" or column.endswith(("_on", "_day"))
    write = format_day if is_day else lambda value: word_of(column, value)
    return Shown(_head(column, False), [_word_cell(write(_whole_second(value)), value) for value in values])


def _yes_or_no(value):
    """Write a truth value in words; a missing one as other missing words are."""
    return word_of("", value) if is_missing(value) else text(f"table.{'yes' if value else 'no'}")


def _unit_of(column, values):
    """Give the unit that a column's name tells, or None for words and for numbers that have words, such as weekdays."""
    is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if not is_number or any(has_text(f"value.{column}.{value}") for value in values):
        return None
    if column == "p_value":
        return "p"
    if column in ("n", "rows") or column.endswith("_count"):
        return "count"
    for end, unit in (("rate", "rate"), ("share", "rate"), ("seconds", "seconds"), ("hours", "hours")):
        if column.endswith(end):
            return unit
    return "count" if pd.api.types.is_integer_dtype(values) else "number"


def _row_units(frame, column):
    """Give the unit of each row, else that of the column's name; whole numbers such as ranks are counts, differences of rates are in points."""
    if pd.api.types.is_integer_dtype(frame[column]):
        return pd.Series(["count"] * len(frame), index=frame.index)
    if "unit" not in frame:
        unit = _unit_of(column.removesuffix("_low").removesuffix("_high"), frame[column]) or "number"
        return pd.Series([unit] * len(frame), index=frame.index)
    return frame["unit"].replace({"rate": "points"}) if column.startswith("difference") else frame["unit"]


def _whole_second(value):
    """Write a time without fractions and zone, for reading."""
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, pd.Timestamp) else value


def _head(column, is_number):
    kind = ' class="number"' if is_number else ""
    return f'<th scope="col"{kind}>{escape(column_name(column))}</th>'


def _number_cells(values, words, units):
    """Make cells of numbers: what is read, and beside it the raw number and its unit for the downloads."""
    return [
        f'<td class="number" data-v="{_raw(value)}" data-unit="{escape(unit)}">{word}</td>'
        for value, word, unit in zip(values, words, units, strict=True)
    ]


def _word_cell(word, value=None):
    """Make a cell of words; a time or a day keeps its sortable form beside its words."""
    raw = (
        f' data-v="{escape(value)}"'
        if value is not None and str(value)[:1].isdigit() and word != value
        else ""
    )
    kind = ' class="long"' if sum(sign_widths(word)) > LONG else ""
    return f"<td{raw}{kind}>{escape(word)}</td>"


def _quoted_cell(value):
    """Make a cell of what a customer wrote, in whatever language."""
    return (
        _word_cell(text("table.missing"))
        if is_missing(value)
        else f'<td class="long"><q>{escape(value)}</q></td>'
    )


def _raw(value):
    """Give a number for sorting and for the CSV, unrounded; nothing where it is missing."""
    return "" if is_missing(value) else f"{float(value):.12g}"


def _muted(word):
    return f'<span class="muted">{escape(word)}</span>'
