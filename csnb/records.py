"""Rows from text that is no table: JSON documents, JSON lines, transcripts.

What all readers give is a `Raw`: cells as the file holds them, nothing interpreted.
"""

import io
import itertools
import json
import re
from typing import NamedTuple

import polars as pl

from csnb.errors import ExportError

BLOCK_ROWS = 50_000
BROKEN = {"line": pl.Int64, "value": pl.String}


class Raw(NamedTuple):
    """Some rows of a file: those that fit its header, and those that do not.

    `rows` has a String column for each header and `line`, the running number of the row from 1;
    `broken` has `line` and `value`, what is wrong with the row; not the row itself, it may name persons.
    """

    rows: pl.DataFrame
    broken: pl.DataFrame


def read_json(name, text, form):
    """Read a JSON document: a list of rows, or an object that holds one where `form.rows` says.

    Parameters
    ----------
    name : str, name of the file, for errors
    text : str
    form : layouts.Form

    Yields
    ------
    Raw
        Nested values under dotted headers, such as `text.content`; lists of texts comma separated.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            yield from read_json_lines(io.StringIO(text), form)
            return
        raise ExportError(f"{name} is no JSON document: {error}") from error
    records = document if isinstance(document, list) else None
    for route in form.rows:
        records = records if records is not None else _dig(document, route.split("."))
    records = [document] if records is None else records
    rows = [row for record in records for row in _flat_rows(record, form)]
    yield Raw(_frame(rows, range(1, len(rows) + 1)), pl.DataFrame(schema=BROKEN))


def _dig(node, route):
    """Follow a route of keys to a list; at a list, into each of its items; None if it leads nowhere."""
    if not route:
        return node if isinstance(node, list) else None
    if isinstance(node, list):
        found = [item[route[0]] for item in node if isinstance(item, dict) and route[0] in item]
        return _dig(found, route[1:]) if found else None
    return _dig(node[route[0]], route[1:]) if isinstance(node, dict) and route[0] in node else None


def _flat_rows(record, form):
    """Give the rows of one JSON record: itself, or its children with what the parent says of them all."""
    if not isinstance(record, dict):
        return [{"value": json.dumps(record, ensure_ascii=False)}]
    children = record.get(form.children) if form.children else None
    if not isinstance(children, list):
        return [_flat(record)]
    parent = _flat({key: value for key, value in record.items() if key != form.children})
    return [{**parent, **_flat(child)} for child in children if isinstance(child, dict)]


def _flat(node, prefix=""):
    """Name nested values by dotted keys."""
    cells = {}
    for key, value in node.items():
        if isinstance(value, dict):
            cells.update(_flat(value, f"{prefix}{key}."))
        else:
            cells[prefix + key] = value if isinstance(value, str) else _cell(value)
    return cells


def _cell(value):
    """Write a JSON value that is no text as the text of a cell."""
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    return json.dumps(value, ensure_ascii=False)


def _frame(rows, lines):
    """Make one text column of each key."""
    names = list(dict.fromkeys(key for row in rows for key in row))
    cells = pl.from_dicts(rows, schema=dict.fromkeys(names, pl.String)) if rows else pl.DataFrame()
    cells = cells.rename({"line": "line (1)"}, strict=False)
    return cells.with_columns(pl.Series("line", lines, dtype=pl.Int64))


def read_json_lines(text, form):
    """Read one JSON record a line, in blocks of BLOCK_ROWS lines.

    Parameters
    ----------
    text : iterable of str, the lines
    form : layouts.Form

    Yields
    ------
    Raw
        As in `read_json`; a line that is no JSON is a broken row.
    """
    number = 0
    while block := list(itertools.islice(text, BLOCK_ROWS)):
        rows, lines, broken = [], [], []
        for line in block:
            if not line.strip():
                continue
            try:
                found = _flat_rows(json.loads(line), form)
            except json.JSONDecodeError:
                number += 1
                broken.append((number, "no JSON record"))
                continue
            rows += found
            lines += range(number + 1, number + 1 + len(found))
            number += len(found)
        yield Raw(_frame(rows, lines), pl.DataFrame(broken, schema=BROKEN, orient="row"))


def read_transcript(text, form):
    """Read messages that begin with a line of `form.line`; the lines below belong to the message.

    Parameters
    ----------
    text : iterable of str, the lines
    form : layouts.Form; `line` names the columns by its groups, a line of `mark` begins another block
        and may name its `session_id`

    Yields
    ------
    Raw
        The columns of `line`, `session_id` and `block`; lines before the first message are broken rows.
    """
    begins, mark = re.compile(form.line), re.compile(form.mark)
    rows, broken, lines, number, block, session_id = [], [], [], 0, 0, None
    for line in text:
        line = line.rstrip("\r\n")
        if found := mark.match(line):
            block, session_id = block + 1, found.groupdict().get("session_id")
        elif found := begins.match(line):
            if len(rows) >= BLOCK_ROWS:
                yield _transcript_rows(rows, lines, broken, begins)
                rows, broken, lines = [], [], []
            number += 1
            rows.append({**found.groupdict(), "session_id": session_id, "block": str(block)})
            lines.append(number)
        elif rows:
            rows[-1]["text"] += f"\n{line}"
        elif line.strip():
            number += 1
            broken.append((number, "text before the first message"))
    yield _transcript_rows(rows, lines, broken, begins)


def _transcript_rows(rows, lines, broken, begins):
    """Make a block of a transcript; blank lines around a message are not part of it."""
    schema = dict.fromkeys([*begins.groupindex, "session_id", "block"], pl.String)
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        pl.col("text").str.strip_chars(), pl.Series("line", lines, dtype=pl.Int64)
    )
    return Raw(frame, pl.DataFrame(broken, schema=BROKEN, orient="row"))
