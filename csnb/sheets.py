"""Sheets: draws as CSV or XLSX files that an analyst fills in Excel; `csnb.filled` reads them back.

One row is one case. A reason is given by the number of the message that shows it, in the column of its
code. What other people wrote never becomes a formula: XLSX cells are written as text, and a CSV cell that
begins like a formula gets an apostrophe, which is taken off again on import.
"""

import csv
import io
import re
from datetime import datetime
from pathlib import Path

import pandas as pd
import xlsxwriter

from csnb.book import read_conversations, write_bytes
from csnb.errors import ParameterError
from csnb.formats import word_of
from csnb.labelling import SECOND, checked_coders
from csnb.lookup import definition_path
from csnb.reasons import read_reasons
from csnb.strings import get_language, text

BEFORE, AFTER = ("case", "session_id", "conversation", "dissatisfied"), (
    "primary", "note", "coder", "use", "stratum", "drawn_probability",
)  # fmt: skip
_CELL = 32_000  # characters; Excel takes 32,767
_TALLEST = 409  # points; Excel has no taller row
_LINE, _WIDE = 15, 84
_WIDTHS = {"case": 9, "conversation": _WIDE, "dissatisfied": 11, "note": 30}
# what Excel would run as a formula or rewrite: long numbers, zeros in front, exponents, dates
_RISKY = re.compile(r"[=+\-@\t\r]|\d{12,}$|0\d+$|\d+[eE]\d+$|\d{1,4}[-/]\d{1,2}([-/]\d{1,4})?$")


def sheet_paths(out, coders):
    """Say where the sheets of a draw go.

    Parameters
    ----------
    out : path ending in .xlsx or .csv
    coders : names of those who label, as given to `sample_labels`

    Returns
    -------
    dict of coder to Path: one coder has `out` itself, and `second` has `<name>.second.xlsx`; several have
        `<name>.<coder>.xlsx` each

    Raises
    ------
    ParameterError
        If `out` has another ending, or a sheet is there already: one that is being filled in is not overwritten.

    Examples
    --------
    >>> {coder: path.name for coder, path in sheet_paths("november.xlsx", ["anna"]).items()}
    {'anna': 'november.xlsx', 'second': 'november.second.xlsx'}
    """
    out, coders = Path(out), checked_coders(coders)
    if out.suffix.lower() not in (".xlsx", ".csv"):
        raise ParameterError(f"a sheet ends in .xlsx or .csv; got: {out.name}")
    several = [SECOND] if len(coders) == 1 else coders
    paths = {coder: out.with_name(f"{out.stem}.{coder}{out.suffix}") for coder in several}
    paths = {coders[0]: out, **paths} if len(coders) == 1 else paths
    for path in paths.values():
        if path.exists():
            raise ParameterError(f"{path} is there already; move it away or give another name")
    return paths


def write_sheets(book, cases, paths):
    """Write the cases of a draw as one sheet a coder.

    Parameters
    ----------
    book : Book
    cases : pandas.DataFrame of `sample_labels`
    paths : dict of `sheet_paths` for the same coders

    Returns
    -------
    dict of coder to number of cases; a coder without a case has no sheet

    Examples
    --------
    >>> write_sheets(book, cases, sheet_paths("labels.xlsx", ["anna"]))  # doctest: +SKIP
    """
    said = read_conversations(book, cases["session_key"])
    counts = {}
    for coder, path in paths.items():
        own = cases[[coder in names for names in cases["coders"]]]
        if len(own):
            write = _xlsx if path.suffix.lower() == ".xlsx" else _csv
            write_bytes(path.resolve(), write(own, said, coder, book.definitions_folder))
            counts[coder] = len(own)
    return counts


def conversation_lines(messages):
    """Write the messages of one session as lines a person reads, each with its number in brackets.

    Examples
    --------
    >>> rows = [{"number": 0, "sent_at": datetime(2026, 3, 2, 10, 0), "role": "customer", "kind": "text", "text": "在吗"}]
    >>> conversation_lines(rows)
    ['[0] 10:00:00 买家：在吗']
    """
    return [
        text(
            "label.line",
            number=row["number"],
            time=f"{row['sent_at']:%H:%M:%S} " if row["sent_at"] else "",
            role=word_of("role", row["role"]),
            text=said_text(row).replace("\n", "\n    "),
        )
        for row in messages
    ]


def said_text(row):
    """Give the words of a message, or what stands for an image and the like."""
    if row["text"] is not None:
        return row["text"]
    return text("label.no_text", kind=word_of("message_kind", row["kind"]))


def sheet_columns(folder):
    """Name the columns of a sheet in order."""
    return [*BEFORE, *read_reasons(folder)["code"], *AFTER]


def _records(cases, said, coder):
    """Give one dict a case: its messages, and what stands in its fixed cells."""
    by_session = {key: rows.to_dicts() for (key,), rows in said.group_by("session_key", maintain_order=True)}
    for row in cases.to_dict("records"):
        messages = by_session.get(row["session_key"], [])
        p = row["drawn_probability"]
        yield messages, {
            "case": row["case"], "session_id": row["session_id"], "coder": coder, "use": row["use"],
            "stratum": row["stratum"], "drawn_probability": "" if pd.isna(p) else f"{p:.6g}",
            "conversation": _clipped("\n".join(conversation_lines(messages))),
        }  # fmt: skip


def _clipped(words):
    """Cut what no cell of Excel can hold."""
    return words if len(words) <= _CELL else f"{words[:_CELL]}\n{text('label.clipped')}"


def _csv(cases, said, coder, folder):
    """Write a sheet as CSV that Excel opens as UTF-8."""
    page = io.StringIO()
    writer = csv.DictWriter(page, sheet_columns(folder), restval="", lineterminator="\r\n")
    writer.writeheader()
    for _, cells in _records(cases, said, coder):
        writer.writerow({name: _guarded(words) for name, words in cells.items()})
    return page.getvalue().encode("utf-8-sig")


def _guarded(words):
    """Keep a text from being read as a formula, and an id from being rounded or read as a date."""
    return f"'{words}" if _RISKY.match(words) else words


def _xlsx(cases, said, coder, folder):
    """Write a workbook: the sheet to fill in, every message in a row of its own, the guide."""
    data = io.BytesIO()
    workbook = xlsxwriter.Workbook(data, {"in_memory": True})
    workbook.set_properties({"created": datetime(2000, 1, 1)})
    looks = {
        name: workbook.add_format({"valign": "top", "font_name": "Microsoft YaHei", "font_size": 10, **more})
        for name, more in {
            "head": {"bold": True, "text_wrap": True, "bg_color": "#e8eef5", "border": 1},
            "text": {"text_wrap": True},
            "cell": {"border": 1, "border_color": "#c8c8c8", "align": "center"},
            "note": {"border": 1, "border_color": "#c8c8c8", "text_wrap": True},
            "grey": {"font_color": "#808080"},
            "link": {"font_color": "#0b5cad", "underline": 1},
        }.items()
    }
    names = [text(f"label.sheet_{part}") for part in ("answers", "messages", "guide")]
    answers, messages, guide = (workbook.add_worksheet(name) for name in names)
    records = list(_records(cases, said, coder))
    starts = _write_messages(messages, records, looks)
    _write_answers(answers, records, starts, names[1], looks, folder)
    _write_guide(guide, looks, folder)
    workbook.close()
    return data.getvalue()


def _write_answers(page, records, starts, messages_name, looks, folder):
    """Write the sheet to fill in: frozen head, wrapped conversation, checked cells."""
    at = {name: place for place, name in enumerate(sheet_columns(folder))}
    codes = read_reasons(folder)["code"].to_list()
    _write_head(page, at, codes, looks, folder)
    for row, ((said, cells), start) in enumerate(zip(records, starts, strict=True), start=1):
        lines = cells["conversation"].splitlines()
        page.set_row(row, min(_TALLEST, _LINE * max(2, sum(1 + _width(line) // _WIDE for line in lines))))
        page.write_url(
            row, at["case"], f"internal:'{messages_name}'!A{start + 1}", looks["link"], cells["case"]
        )
        page.write_string(row, at["conversation"], cells["conversation"], looks["text"])
        for name in ("session_id", "coder", "use", "stratum"):
            page.write_string(row, at[name], cells[name], looks["grey"])
        if cells["drawn_probability"]:
            page.write_number(row, at["drawn_probability"], float(cells["drawn_probability"]), looks["grey"])
        for name in ("dissatisfied", *codes, "primary", "note"):
            page.write_blank(row, at[name], None, looks["note" if name == "note" else "cell"])
        if said:
            hint = _between(said[0]["number"], said[-1]["number"])
            page.data_validation(row, at[codes[0]], row, at[codes[-1]], hint)
    for name, values in (("dissatisfied", ["1", "0"]), ("primary", codes)):
        page.data_validation(
            1, at[name], max(1, len(records)), at[name], _one_of(values, f"label.hint_{name}")
        )
    page.autofilter(0, 0, max(1, len(records)), len(at) - 1)


def _write_head(page, at, codes, looks, folder):
    """Write the head, name over word, and set the widths."""
    words = dict(read_reasons(folder).select("code", get_language()).iter_rows())
    for name, place in at.items():
        word = words.get(name) or text(f"label.column_{name}")
        page.write_string(0, place, f"{name}\n{word}", looks["head"])
        page.set_column(place, place, 10 if name in codes else _WIDTHS.get(name, 12))
    page.set_row(0, 4 * _LINE)
    page.freeze_panes(1, at["conversation"] + 1)


def _width(line):
    """Give the width of a line in columns: a Chinese sign takes two."""
    return sum(2 if ord(sign) > 0x2E80 else 1 for sign in line)


def _between(low, high):
    """Let a cell hold the number of one of the messages."""
    hint = text("label.hint_reason", low=low, high=high)
    return {
        "validate": "integer", "criteria": "between", "minimum": low, "maximum": high,
        "input_message": hint, "error_message": hint,
    }  # fmt: skip


def _one_of(values, key):
    """Let a cell hold one of a list."""
    return {"validate": "list", "source": values, "input_message": text(key), "error_message": text(key)}


def _write_messages(page, records, looks):
    """Write every message in a row of its own; give the row at which each case begins."""
    names = ("case", "number", "time", "role", "text")
    for place, (name, width) in enumerate(zip(names, (9, 8, 10, 10, 110), strict=True)):
        page.write_string(0, place, text(f"label.column_{name}"), looks["head"])
        page.set_column(place, place, width)
    page.freeze_panes(1, 0)
    row, starts = 1, []
    for said, cells in records:
        starts.append(row)
        for message in said:
            page.write_string(row, 0, cells["case"], looks["grey"])
            page.write_number(row, 1, message["number"], looks["text"])
            page.write_string(
                row, 2, f"{message['sent_at']:%H:%M:%S}" if message["sent_at"] else "", looks["text"]
            )
            page.write_string(row, 3, word_of("role", message["role"]), looks["text"])
            page.write_string(row, 4, _clipped(said_text(message)), looks["text"])
            row += 1
    return starts


def _write_guide(page, looks, folder):
    """Write the coding guide, line by line."""
    page.set_column(0, 0, 150)
    for row, line in enumerate(definition_path(_guide_name(), folder).read_text("utf-8").splitlines()):
        page.write_string(row, 0, line, looks["head"] if line.startswith("#") else looks["text"])


def _guide_name():
    """Name the coding guide in the language in force."""
    return "coding_guide.zh.md" if get_language() == "zh" else "coding_guide.md"
