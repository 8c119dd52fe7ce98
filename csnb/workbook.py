"""The tables of a report as one Excel workbook: a sheet that lists them, then a sheet a table.

The workbook is read off the page itself, so that page, CSV and workbook cannot say different things:
the same heads and words, and for every number the raw one with a format of its unit. What other people
wrote never becomes a formula, and equal pages give equal bytes.
"""

import io
import re
from datetime import date, datetime
from typing import NamedTuple

import xlsxwriter
from bs4 import BeautifulSoup

from csnb.strings import text

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONGEST = 32_000  # characters; a cell of Excel takes 32,767
NAME = 31  # characters of a sheet's name
NARROW, WIDE = 9, 56
FORBIDDEN = re.compile(r"[\[\]:*?/\\']")  # in a sheet's name
RISKY = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
PATTERNS = {"rate": "0.0%", "points": "0.0%", "count": "#,##0", "p": "0.000"}


class Table(NamedTuple):
    """One table of a page: where it stands, what it is called, its heads, its rows of (value, unit).

    `hidden` are the places of the columns that the page keeps out of sight, such as the method.
    """

    section: str
    title: str
    note: str
    heads: list
    rows: list
    hidden: tuple = ()


def page_tables(body):
    """Give the tables of a page in reading order, those behind its charts included.

    Parameters
    ----------
    body : str, HTML of `show_table` and `chart_html`

    Returns
    -------
    list of Table; a cell is (value, unit): a float with its unit, a date, a text, or None where it is
        missing. Unit is None but for floats. An interval is two columns.

    Examples
    --------
    >>> from csnb.tables import table_html
    >>> import pandas as pd
    >>> page_tables(table_html(pd.DataFrame({"shop": ["A"], "reply_rate": [0.25]}), "shops"))[0].rows
    [[('A', None), (0.25, 'rate')]]
    """
    tables, section = [], ""
    for block in BeautifulSoup(body, "html.parser").select("h2.section, figure.chart, .table"):
        if block.name == "h2":
            section = block.get_text()
        elif block.find("table") and not block.find_parent("figure"):
            tables.append(_table(block, section))
    return tables


def _table(block, section):
    """Read one table, or the one behind a chart."""
    named = block.find(["figcaption", "caption"])
    note = block.find(class_="note")
    if named and named.find(class_="axis"):
        note = named.find(class_="axis").extract()
    all_heads = block.select("thead :is(th, td)")
    kept = [place for place, head in enumerate(all_heads) if "drawn" not in head.get("class", [])]
    heads = [
        (name, head.has_attr("hidden"))
        for head in map(all_heads.__getitem__, kept)
        for name in _head_names(head)
    ]
    rows = [row.find_all("td") for row in block.select("tbody tr")]
    return Table(
        section,
        named.get_text().strip() if named else section,
        note.get_text() if note else "",
        [name for name, _ in heads],
        [[value for place in kept for value in _cell_values(row[place])] for row in rows],
        tuple(place for place, (_, is_hidden) in enumerate(heads) if is_hidden),
    )


def _head_names(head):
    """Give the names of a column; one of intervals is two."""
    return head["data-head"].split("|") if head.has_attr("data-head") else [head.get_text()]


def _cell_values(cell):
    """Give what a cell holds; an interval is two values."""
    if not cell.has_attr("data-unit"):
        return [(_word(cell.get("data-v") or cell.get_text()), None)]
    numbers = [(float(raw) if raw else None, cell["data-unit"]) for raw in cell["data-v"].split("|")]
    if len(numbers) == 1 and numbers[0][0] is None:
        return [(_word(cell.get_text()), None)]
    return numbers


def _word(words):
    """Give a text, a day as a date, or None for the sign of a missing value."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", words):
        return date.fromisoformat(words)
    return None if words in ("", text("table.missing")) else words


def workbook_bytes(tables, title, about):
    """Write tables as a workbook, in the language in force.

    Parameters
    ----------
    tables : list of Table
    title : str
    about : list of str; lines below the title on the first sheet

    Returns
    -------
    bytes of an .xlsx file; it holds no clock time

    Examples
    --------
    >>> workbook_bytes([Table("Waiting", "Shops", "", ["shop"], [[("=1+1", None)]])], "Response", [])[:2]
    b'PK'
    """
    data = io.BytesIO()
    workbook = xlsxwriter.Workbook(data, {"in_memory": True})
    workbook.set_properties({"title": title, "created": datetime(2000, 1, 1)})
    units = {unit for table in tables for row in table.rows for _, unit in row if unit}
    looks = _looks(workbook, sorted({*units, "count"}))
    names = [_sheet_name(number, table.title) for number, table in enumerate(tables, start=1)]
    first = workbook.add_worksheet(text("workbook.contents"))
    for name, table in zip(names, tables, strict=True):
        _write_table(workbook.add_worksheet(name), table, looks)
    _write_contents(first, tables, names, title, about, looks)
    workbook.close()
    return data.getvalue()


def _sheet_name(number, title):
    """Give a name that Excel takes; the number tells tables of one title apart."""
    return f"{number} {FORBIDDEN.sub(' ', title)}"[:NAME].strip()


def _looks(workbook, units):
    """Make the formats: of heads, of texts, of a date, and of a number in each unit."""
    patterns = {unit: PATTERNS.get(unit) or _pattern(unit) for unit in units}
    looks = {unit: workbook.add_format({"num_format": pattern}) for unit, pattern in patterns.items()}
    return looks | {
        "head": workbook.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom"}),
        "title": workbook.add_format({"bold": True, "font_size": 16}),
        "link": workbook.add_format({"font_color": "#0b5cad", "underline": 1}),
        "date": workbook.add_format({"num_format": "yyyy-mm-dd", "align": "left"}),
        "text": workbook.add_format({}),
        "risky": workbook.add_format({"quote_prefix": True}),
    }


def _pattern(unit):
    """Give Excel's pattern of a number with its unit's word."""
    digits = "0.0" if unit in ("seconds", "hours") else "0.00"
    before, after = (f'"{word}"' if word else "" for word in text(f"unit.{unit}", value="\0").split("\0"))
    return f"{before}{digits}{after}"


def _write_table(sheet, table, looks):
    """Write one table: frozen heads that filter, columns as wide as they need, the first one in sight kept there."""
    for place, head in enumerate(table.heads):
        sheet.write_string(0, place, head, looks["head"])
    for number, row in enumerate(table.rows, start=1):
        for place, (value, unit) in enumerate(row):
            _write_cell(sheet, number, place, value, unit, looks)
    for place, head in enumerate(table.heads):
        words = [head, *(_shown(*row[place]) for row in table.rows)]
        width = max(sum(2 if sign > "\u2e80" else 1 for sign in word) for word in words)
        sheet.set_column(
            place, place, min(WIDE, max(NARROW, width + 3)), None, {"hidden": place in table.hidden}
        )
    sheet.freeze_panes(1, 1 + min(set(range(len(table.heads))) - set(table.hidden)))
    sheet.autofilter(0, 0, max(1, len(table.rows)), len(table.heads) - 1)


def _write_cell(sheet, row, column, value, unit, looks):
    """Write a number, a date or a text; nothing where a value is missing."""
    if isinstance(value, float):
        sheet.write_number(row, column, value, looks[unit])
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, looks["date"])
    elif value is not None:
        look = looks["risky" if RISKY.match(value) else "text"]
        sheet.write_string(row, column, value[:LONGEST], look)


def _shown(value, unit):
    """Give about what a cell shows, for its width."""
    return f"{value:,.1f}{unit}" if isinstance(value, float) else str(value or "")


def _write_contents(sheet, tables, names, title, about, looks):
    """Write the first sheet: what the report is, and every table with a link to its sheet."""
    sheet.write_string(0, 0, title, looks["title"])
    for row, line in enumerate(about, start=1):
        sheet.write_string(row, 0, line)
    top = len(about) + 2
    for place, (head, width) in enumerate((("table", 48), ("section", 28), ("rows", 9), ("note", 60))):
        sheet.write_string(top, place, text(f"workbook.{head}"), looks["head"])
        sheet.set_column(place, place, width)
    for row, (table, name) in enumerate(zip(tables, names, strict=True), start=top + 1):
        sheet.write_url(row, 0, f"internal:'{name}'!A1", looks["link"], name)
        sheet.write_string(row, 1, table.section)
        sheet.write_number(row, 2, len(table.rows), looks["count"])
        sheet.write_string(row, 3, table.note)
