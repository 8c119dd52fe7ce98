"""Show headings, findings, tables, quotes, definitions and provenance, in the lab and in a report.

Every `show_` function displays and returns None; its `_html` twin gives the same HTML as a string. It
is plain HTML by our own hand: a table must sort, filter, turn dark, print and shrink to a phone by the
page's one style sheet and one script, while a table library brings its own of each with every table.
All text passes `escape` on its way in.
"""

import json
import re
from functools import cache
from importlib.metadata import version
from itertools import chain, repeat, zip_longest
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from IPython.display import display

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
    word_of,
)
from csnb.strings import has_text, text
from csnb.theme import light_variables

FACTS = "application/vnd.csnb.facts+json"
TEMPLATE = Path(__file__).parent / "templates" / "report"
SMALL, LONG, SUPPRESSED = 30, 12, "suppressed"
TABLE_WORDS = ("filter", "filter_label", "download", "show_less", "sort_by")
BASIS = ("n", "interval")
_BOLD, _END = "\ue000", "\ue001"
_BRACKETS, _NUMBER = re.compile(r"([（(][^（()）]*[)）])"), re.compile(r"\u2212?\d[\d,.]*%?")


# ---- headings, paragraphs, findings


def show_section(key, tables=None):
    """Show a heading and one line on what follows, from strings `section.<key>.title` and `.lead`.

    Parameters
    ----------
    key : str
    tables : list of DataFrame, or None
        What the section is made of: where none of them has a row, there is nothing to say and no heading.

    Raises
    ------
    StringsError
        If the language in force lacks either text.

    Examples
    --------
    >>> show_section("findings")  # doctest: +SKIP
    """
    if tables is None or any(len(table) for table in tables):
        _show(section_html(key), text(f"section.{key}.title"))


def section_html(key):
    """Give the HTML of `show_section`."""
    title, lead = (escape(text(f"section.{key}.{part}")) for part in ("title", "lead"))
    return f'<h2 class="section" id="{escape(key)}">{title}</h2><p class="lead">{lead}</p>'


def show_findings(findings):
    """Show findings as sentences, the weightiest first, each with its evidence grade, n and interval.

    Parameters
    ----------
    findings : list of Finding (`csnb.findings`): key, values, grade, weight, section
        The sentence is `finding.<key>` of the strings, filled with all values but `n` and `interval`:
        these two, where given, stand in the line below it. `section` names the section of the detail.

    Raises
    ------
    StringsError
        If a sentence lacks a value, or a value has no place in it.

    Examples
    --------
    >>> show_findings(csnb.find_response_issues(book.sessions))  # doctest: +SKIP
    """
    findings = sorted(findings, key=lambda finding: -finding.weight)
    claims = [text(f"finding.{each.key}", **_claim_values(each)) for each in findings]
    _show(findings_html(findings), "\n".join(claims), {"headline": claims[0]} if claims else {})


def findings_html(findings):
    """Give the HTML of `show_findings`, for findings in their order."""
    if not findings:
        return f'<p class="none">{escape(text("table.no_findings"))}</p>'
    cards = "".join(
        f'<li class="finding"><p class="claim">{_emphasised(f"finding.{each.key}", _claim_values(each))}</p>'
        f'<p class="basis">{_basis(each)}</p></li>'
        for each in findings
    )
    return f'<ol class="findings">{cards}</ol>'


def _claim_values(finding):
    """Give the values that belong into the sentence of a finding."""
    return {name: value for name, value in finding.values.items() if name not in BASIS}


def _basis(finding):
    """Give the line below a claim: grade, n, interval, where to read on."""
    grade = escape(text("table.evidence", grade=finding.grade))
    parts = [f'<b class="grade">{grade}</b> {escape(text(f"grade.{finding.grade}"))}']
    parts += [
        escape(text(f"table.basis_{name}", **{name: finding.values[name]}))
        for name in BASIS
        if name in finding.values
    ]
    if finding.section:
        words = text("table.see", section=text(f"section.{finding.section}.title"))
        parts.append(f'<a href="#{escape(finding.section)}">{escape(words)}</a>')
    return " ".join(f"<span>{part}</span>" for part in parts)


def _emphasised(key, values):
    """Fill a text and set the values that hold a digit in bold."""
    marked = {name: _marked(value) for name, value in values.items()}
    return escape(text(key, **marked)).replace(_BOLD, "<b>").replace(_END, "</b>")


def _marked(value):
    """Put marks around a value with a digit; they survive escaping and become tags after it.

    Of a value with brackets only the numbers outside of them are marked, if there are any.
    """
    if is_missing(value):
        return None
    plain = str(value).replace(_BOLD, "").replace(_END, "")
    parts = _BRACKETS.split(plain)
    if len(parts) > 1 and any(sign.isdigit() for part in parts[::2] for sign in part):
        marked = (_NUMBER.sub(rf"{_BOLD}\g<0>{_END}", part) for part in parts[::2])
        return "".join(chain(*zip_longest(marked, parts[1::2], fillvalue="")))
    return f"{_BOLD}{plain}{_END}" if any(sign.isdigit() for sign in plain) else plain


# ---- tables


class Shown(NamedTuple):
    """One column as it is shown: its head and its cells, all HTML."""

    head: str
    cells: list


def show_table(frame, name, columns=None, note=None, even_empty=True):
    """Show a table; in the report page it sorts, filters and downloads as CSV.

    Parameters
    ----------
    frame : DataFrame; any table, or results (schema RESULTS)
        Header words are `column.<name>` of the strings, cells of words `value.<column>.<value>`.
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
    _show(html + lab_script(), frame.to_string(index=False, max_rows=20))


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
    shown = _shown_columns(frame, columns)
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


def _shown_columns(frame, columns):
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
            shown.append(_value_column(frame))
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


def _value_column(frame):
    """Show the estimates of results in the unit of their rows; where one is missing, why."""
    words = [
        _why_missing(method) if is_missing(value) else escape(format_value(value, unit))
        for value, unit, method in zip(frame["value"], frame["unit"], frame["method"], strict=True)
    ]
    return Shown(_head("value", True), _number_cells(frame["value"], words, frame["unit"]))


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
    """Give the unit of each row; whole numbers such as ranks are counts, the difference of two rates is in points."""
    if pd.api.types.is_integer_dtype(frame[column]):
        return pd.Series(["count"] * len(frame), index=frame.index)
    if "unit" not in frame:
        return pd.Series(["number"] * len(frame), index=frame.index)
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
    kind = ' class="long"' if len(word) > LONG else ""
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


# ---- quotes


def show_quotes(frame, by="reason", even_empty=True):
    """Show masked messages with the evidence marked, folded away until the reader opens them.

    Parameters
    ----------
    frame : DataFrame, one row a message, in reading order
        `session_id` and `text`; `role` (who speaks; a customer where it is absent), `quote` (the part
        of the text to mark; missing: none), and the column `by`, where present, to group by
    by : str; groups are folded together, and a bar of the same column in a chart leads to its group
    even_empty : bool; False shows nothing at all where there is no message

    Examples
    --------
    >>> show_quotes(csnb.list_quotes(book, csnb.dissatisfied_sessions(book.sessions)))  # doctest: +SKIP
    """
    if len(frame) or even_empty:
        _show(quotes_html(frame, by), f"{frame['session_id'].nunique()}")


def quotes_html(frame, by="reason"):
    """Give the HTML of `show_quotes`."""
    if frame.empty:
        return f'<p class="none">{escape(text("table.quotes_none"))}</p>'
    groups = frame.groupby(by, sort=False) if by in frame else [(None, frame)]
    return f'<div class="quotes">{"".join(_fold(by, value, group) for value, group in groups)}</div>'


def _fold(by, value, group):
    """Fold all conversations of one group, or of no group."""
    sessions = group["session_id"].nunique()
    count = (
        text("table.quote_one")
        if sessions == 1
        else text("table.quote_count", count=format_value(sessions, "count"))
    )
    mark = "" if value is None else f' data-drill="{escape(by)}={escape(value)}"'
    name = "" if value is None else f"{escape(word_of(by, value))} "
    return (
        f'<details{mark}><summary>{name}<span class="muted">{escape(count)}</span></summary>'
        f"{_conversations(group)}</details>"
    )


def _conversations(frame):
    """Set conversations one below the other."""
    return "".join(
        f'<article class="chat"><h3>{escape(text("table.session", session=session))}</h3>'
        f"{''.join(map(_said, rows.to_dict('records')))}</article>"
        for session, rows in frame.groupby("session_id", sort=False)
    )


def _said(message):
    """Set one message: who speaks, and the words with the evidence marked."""
    role = message.get("role") or "customer"
    words, quote = message["text"], message.get("quote")
    words = "" if is_missing(words) else str(words)
    if is_missing(quote) or not quote or quote not in words:
        inner = escape(words)
    else:
        before, after = words.split(quote, 1)
        inner = f"{escape(before)}<mark>{escape(quote)}</mark>{escape(after)}"
    who = escape(word_of("role", role))
    return (
        f'<p class="said {escape(role)}"><span class="who">{who}</span><bdi class="words">{inner}</bdi></p>'
    )


# ---- sheets


def show_sheets(frame, by="agent_id"):
    """Show one sheet a group, folded away until the reader opens it; nothing where there is none.

    Parameters
    ----------
    frame : DataFrame, one row a line: the column `by`, `line` (a word: `value.line.<line>`) and `said`
    by : str

    Examples
    --------
    >>> show_sheets(csnb.list_sheets(talks, compared, hints, fault_agents, gaps, "lead"))  # doctest: +SKIP
    """
    if len(frame):
        _show(sheets_html(frame, by), f"{frame[by].nunique()}")


def sheets_html(frame, by="agent_id"):
    """Give the HTML of `show_sheets`."""
    sheets = "".join(
        f"<details><summary>{escape(word_of(by, name))}</summary>"
        f'<dl class="definitions">{"".join(map(_line_of_sheet, rows["line"], rows["said"]))}</dl></details>'
        for name, rows in frame.groupby(by, sort=False)
    )
    return f'<div class="quotes">{sheets}</div>'


def _line_of_sheet(line, said):
    return f"<dt>{escape(word_of('line', line))}</dt><dd>{escape(said)}</dd>"


# ---- definitions and provenance


def show_definitions(*metrics):
    """Show what metrics mean: `metric.<id>.name` and `metric.<id>.meaning` of the strings.

    Raises
    ------
    StringsError
        If a metric has no words in the language in force.

    Examples
    --------
    >>> show_definitions("reply_rate", "satisfaction_rate")  # doctest: +SKIP
    """
    _show(definitions_html(*metrics), "\n".join(metric_name(metric) for metric in metrics))


def definitions_html(*metrics):
    """Give the HTML of `show_definitions`."""
    return f'<dl class="definitions">{"".join(map(_definition, metrics))}</dl>'


def _definition(metric):
    """Give one metric's name and meaning."""
    name, meaning = (escape(text(f"metric.{metric}.{part}")) for part in ("name", "meaning"))
    return f"<dt>{name}</dt><dd>{meaning}</dd>"


def show_provenance(data_hash, rulepacks, rows, parameters):
    """Show on what data a report stands; the run's manifest and the page's footer take it from here.

    Parameters
    ----------
    data_hash : str; the fingerprint of the book
    rulepacks : list of str; rule packs in force, with their dates
    rows : dict; name of a table -> number of rows used
    parameters : dict; the notebook's parameters. Of the book only the folder's name is shown, so that
        the page does not depend on where the book lies.

    Examples
    --------
    >>> rulepacks, rows = csnb.list_rulepacks(book.sessions), csnb.count_table_rows(book)  # doctest: +SKIP
    >>> show_provenance(csnb.data_hash(book), rulepacks, rows, {"shops": None})  # doctest: +SKIP
    """
    facts = {
        "version": version("csnb"),
        "data_hash": str(data_hash),
        "rulepacks": [str(pack) for pack in rulepacks],
        "rows": {str(table): int(count) for table, count in rows.items()},
        "parameters": {
            name: _portable(name, value) for name, value in parameters.items() if value is not None
        },
    }
    _show(provenance_html(facts), f"csnb {facts['version']} {data_hash}", {"provenance": facts})


def provenance_html(facts):
    """Give the HTML of `show_provenance`."""
    none = text("provenance.none")
    lines = {
        "data_hash": facts["data_hash"],
        "rulepacks": rulepack_words(facts["rulepacks"]),
        "rows": " · ".join(
            f"{word_of('table', t)} {format_value(n, 'count')}" for t, n in facts["rows"].items()
        )
        or none,
        "parameters": " · ".join(f"{name} = {value}" for name, value in facts["parameters"].items()) or none,
        "version": facts["version"],
    }
    body = "".join(
        f"<dt>{escape(text(f'provenance.{key}'))}</dt><dd>{escape(v)}</dd>" for key, v in lines.items()
    )
    return f'<dl class="provenance">{body}</dl>'


def _portable(name, value):
    """Write a parameter so that it reads the same on every machine."""
    if name == "book" and value:
        return Path(str(value)).name
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


# ---- display


def _show(html, plain, facts=None):
    """Display HTML with its style for the lab; facts travel beside it to the run."""
    bundle = {"text/html": f'{lab_style()}<div class="csnb">{html}</div>', "text/plain": plain}
    display({**bundle, FACTS: facts} if facts else bundle, raw=True)


def lab_script():
    """Give the script that makes a table sort and filter in the lab; a report page has its own."""
    words = {key: text(f"page.{key}") for key in TABLE_WORDS}
    words["show_all"] = text("page.show_all", count="{count}")
    start = f"equipTables(document.currentScript.parentElement, {json.dumps(words, ensure_ascii=False)})"
    return f"<script>(() => {{ {_script()} {start} }})()</script>"


@cache
def _script():
    return (TEMPLATE / "tables.js").read_text("utf-8")


@cache
def lab_style():
    """Give the style sheet of an output in the lab, light in any theme; a report page leaves it out.

    The lab styles lists and tables of every output itself, so the rules name their class three times to outweigh it.
    """
    own = f".csnb{{{light_variables()}background:var(--paper);color:var(--ink);padding:2px 16px}}"
    blocks = (TEMPLATE / "blocks.css").read_text("utf-8").replace(".csnb ", ".csnb.csnb.csnb ")
    return f"<style>{own}{blocks}</style>"
