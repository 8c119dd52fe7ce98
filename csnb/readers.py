"""Files to rows of text: encodings, delimiters, banner rows, sheets, JSON, transcripts.

Nothing is interpreted here: every cell stays the text that the file holds, under the file's own
header, with the running number of its row. Text files are read as a stream, in constant memory.
"""

import codecs
import csv
import gzip
import io
import itertools
import json
import re
import zipfile
from pathlib import Path
from typing import NamedTuple

import fastexcel
import polars as pl
import pyarrow as pa
import pyarrow.csv
from charset_normalizer import from_bytes

from csnb.errors import ExportError
from csnb.layouts import plain_header

SHEETS, TABLES, JSON, LINES = (
    (".xlsx", ".xlsm", ".xls"),
    (".csv", ".tsv", ".txt"),
    (".json",),
    (".jsonl", ".ndjson"),
)
BLOCK_BYTES = 32 << 20
BLOCK_ROWS = 50_000
HEADER_ROWS = 30
DELIMITERS = (",", "\t", ";", "|")
DAMAGED = "\ufdd0"
_SAMPLE_BYTES = 1 << 20
_HEAD_CHARS = 1 << 18
_MOST_DAMAGE = 0.001
_BOMS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_BROKEN = {"line": pl.Int64, "value": pl.String}

codecs.register_error("csnb_damaged", lambda error: (DAMAGED, error.end))


class Raw(NamedTuple):
    """Some rows of a file: those that fit its header, and those that do not.

    `rows` has a String column for each header and `line`, the running number of the row from 1;
    `broken` has `line` and `value`, the row as it stands in the file.
    """

    rows: pl.DataFrame
    broken: pl.DataFrame


def read_raw(path, form, known=()):
    """Read a file, block by block, without interpreting its cells.

    Parameters
    ----------
    path : path of a .csv, .tsv, .txt, .xlsx, .json or .jsonl file, or a .gz or .zip of one
    form : layouts.Form, how the bytes become rows
    known : collection of str, plain headers (`layouts.plain_header`) by which the header row is found;
        rows before it are banners and left out

    Yields
    ------
    Raw
        Text files in blocks of constant size; sheets and JSON documents whole.

    Raises
    ------
    ExportError
        If the type or the encoding cannot be told, or no row holds a known header.
    """
    path = Path(path)
    suffix = _inner_name(path).suffix.lower()
    if suffix in SHEETS:
        yield from _read_sheet(path, known)
    elif suffix in JSON:
        yield from _read_json(path, form)
    elif suffix in LINES:
        with _open_text(path, form.encodings) as text:
            yield from _read_json_lines(text, form)
    elif suffix in TABLES:
        with _open_text(path, form.encodings) as text:
            yield from _read_transcript(text, form) if form.line else _read_table(path, text, form, known)
    else:
        known_types = ", ".join((*TABLES, SHEETS[0], *JSON, LINES[0]))
        raise ExportError(
            f"{path.name}: unknown type of file; known are {known_types}, and .gz or .zip of these"
        )


def _inner_name(path):
    """Give the name of the file itself, behind .gz or .zip."""
    if path.suffix.lower() == ".gz":
        return Path(path.stem)
    return Path(_zip_member(path).filename) if path.suffix.lower() == ".zip" else path


def _zip_member(path):
    """Give the one file of an archive; several or a password are refused."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [
                member for member in archive.infolist()
                if not member.is_dir() and not member.filename.startswith("__MACOSX")
            ]  # fmt: skip
    except zipfile.BadZipFile as error:
        raise ExportError(f"{path.name} is not a .zip file: {error}") from error
    if len(members) != 1:
        found = ", ".join(member.filename for member in members) or "none"
        raise ExportError(f"{path.name} must hold exactly one file; found: {found}. Unpack it first")
    if members[0].flag_bits & 1:
        raise ExportError(f"{path.name} is protected by a password; unpack it first")
    return members[0]


def _open_bytes(path):
    """Open the file itself, behind .gz or .zip."""
    if path.suffix.lower() == ".gz":
        return gzip.open(path)
    if path.suffix.lower() == ".zip":
        return zipfile.ZipFile(path).open(_zip_member(path))
    return path.open("rb")


def _open_text(path, encodings):
    """Open a text file in the encoding that a sample of it fits."""
    with _open_bytes(path) as handle:
        encoding = _find_encoding(path.name, handle.read(_SAMPLE_BYTES), encodings)
    text = io.TextIOWrapper(_open_bytes(path), encoding, errors="csnb_damaged", newline="")
    text._CHUNK_SIZE = _SAMPLE_BYTES
    return text


def _find_encoding(name, sample, encodings):
    """Choose the encoding with the fewest unreadable characters; refuse if even that has many."""
    for bom, encoding in _BOMS.items():
        if sample.startswith(bom):
            return encoding
    if b"\0" in sample:
        raise ExportError(f"{name} is no text file: it holds zero bytes; if it is a workbook, name it .xlsx")
    damage = {}
    for encoding in encodings:
        decoder = codecs.getincrementaldecoder(encoding)(errors="csnb_damaged")
        damage[encoding] = decoder.decode(sample).count(DAMAGED)
    best = min(damage, key=damage.get)
    if damage[best] > max(1, _MOST_DAMAGE * len(sample)):
        guess = from_bytes(sample[:100_000]).best()
        looks = f"; it looks like {guess.encoding}" if guess else ""
        raise ExportError(
            f"{name}: the encoding cannot be told; tried {', '.join(encodings)}{looks}. Save it as UTF-8"
        )
    return "utf-8-sig" if best == "utf-8" else best


def _read_table(path, text, form, known):
    """Read a delimited text in blocks of BLOCK_BYTES."""
    if form.names:
        names, delimiter, rest = list(form.names), form.delimiter, ""
    else:
        head = text.read(_HEAD_CHARS)
        names, delimiter, rest = _find_header(path, head, form, known)
    stream = _Stream(text, rest)
    invalid = []

    def keep(row):
        invalid.append((row.number, row.text))
        return "skip"

    try:
        reader = pa.csv.open_csv(
            pa.PythonFile(stream, mode="r"),
            pa.csv.ReadOptions(column_names=names, block_size=BLOCK_BYTES, use_threads=False),
            pa.csv.ParseOptions(
                delimiter=delimiter,
                quote_char='"' if form.quote else False,
                newlines_in_values=form.quote,
                invalid_row_handler=keep,
            ),
            pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        if stream.is_empty:
            yield Raw(
                pl.DataFrame(schema={**dict.fromkeys(names, pl.String), "line": pl.Int64}),
                pl.DataFrame(schema=_BROKEN),
            )
            return
        raise _unreadable(path, error) from error
    next_line = 1
    while True:
        try:
            rows = pl.from_arrow(reader.read_next_batch())
        except StopIteration:
            break
        except pa.ArrowInvalid as error:
            raise _unreadable(path, error) from error
        raw = _number_rows(rows, invalid, next_line, names, form)
        next_line += raw.rows.height + raw.broken.height
        del invalid[: sum(number < next_line for number, _ in invalid)]
        yield _set_damaged_apart(raw) if stream.is_damaged else raw
    if invalid:
        yield _number_rows(pl.DataFrame(schema=dict.fromkeys(names, pl.String)), invalid, None, names, form)


def _unreadable(path, error):
    """Say that a table cannot be parsed."""
    return ExportError(
        f"{path.name} cannot be read as a table; an opening quote may lack its closing quote: {error}"
    )


class _Stream:
    """A text as a stream of UTF-8 bytes, for pyarrow; it knows whether any of it was damaged."""

    closed = False

    def __init__(self, text, rest):
        self._text, self._rest = text, rest
        self.is_damaged, self.is_empty = False, True

    def read(self, size):
        chunk, self._rest = self._rest[: size // 4], self._rest[size // 4 :]
        chunk += self._text.read(size // 4 - len(chunk))
        self.is_damaged = self.is_damaged or DAMAGED in chunk
        self.is_empty = self.is_empty and not chunk.strip()
        return chunk.encode("utf-8")

    def close(self):
        self._text.close()


def _find_header(path, head, form, known):
    """Find the row with the most known headers, by any delimiter; give names, delimiter, text after it."""
    best = (0, 0, None, None)
    delimiters = (form.delimiter,) if form.delimiter else DELIMITERS
    for delimiter in delimiters:
        for row, cells in enumerate(itertools.islice(_cells(head, delimiter), HEADER_ROWS)):
            hits = sum(plain_header(cell) in known for cell in cells)
            if hits > best[0]:
                best = (hits, row, delimiter, cells)
    _, row, delimiter, cells = best
    if delimiter is None:
        first = next((cells for cells in _cells(head, delimiters[0]) if any(cells)), [])
        raise ExportError(f"{path.name}: no header row of this layout was found; {_found(first)}")
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    for _ in range(row + 1):
        next(reader)
    consumed = sum(map(len, itertools.islice(io.StringIO(head, newline=""), reader.line_num)))
    after = next(reader, [])
    extra = len(after) - len(cells) if len(after) > len(cells) and not any(after[len(cells) :]) else 0
    return unique_names(cells + [""] * extra), delimiter, head[consumed:]


def _cells(head, delimiter):
    """Split the head of a text into rows of cells, as far as it can be split."""
    try:
        yield from csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    except csv.Error:
        return


def _found(headers):
    """Say which headers were found, shortened."""
    return f"headers found: {', '.join(header.strip()[:40] for header in headers[:60]) or 'none'}"


def unique_names(headers):
    """Give the headers names that differ: an empty one is numbered, a second equal one too.

    Examples
    --------
    >>> unique_names(["备注", "", "备注"])
    ['备注', 'column 2', '备注 (3)']
    """
    names = []
    for number, header in enumerate(headers, start=1):
        name = header.strip().lstrip("\ufeff") or f"column {number}"
        names.append(f"{name} ({number})" if name in names else name)
    return names


def _number_rows(rows, invalid, first_line, names, form):
    """Number the rows of a block, leaving out the numbers of the rows that did not fit the header."""
    if first_line is None:
        here, lines = invalid, pl.Series("line", [], dtype=pl.Int64)
    else:
        here, lines = _lines_between(rows.height, invalid, first_line)
    rows = rows.with_columns(lines.alias("line"))
    if form.rest_in_last:
        repaired = [(line, _split(text, form.delimiter, len(names))) for line, text in here]
        fixed = [(*cells, line) for line, cells in repaired if len(cells) == len(names)]
        here = [row for row, (_, cells) in zip(here, repaired, strict=True) if len(cells) != len(names)]
        if fixed:
            rows = pl.concat([rows, pl.DataFrame(fixed, schema=rows.schema, orient="row")]).sort("line")
    return Raw(rows, pl.DataFrame(here, schema=_BROKEN, orient="row"))


def _lines_between(count, invalid, first_line):
    """Give the numbers of `count` good rows from `first_line` on, and the bad rows among them."""
    bad, last = 0, first_line + count - 1
    while bad < len(invalid) and invalid[bad][0] <= last:
        bad, last = bad + 1, last + 1
    lines = pl.int_range(first_line, last + 1, dtype=pl.Int64, eager=True).alias("line")
    if bad:
        lines = lines.filter(~lines.is_in([line for line, _ in invalid[:bad]]))
    return invalid[:bad], lines


def _split(text, delimiter, count):
    """Split a row whose last cell may hold the delimiter."""
    return text.split(delimiter, count - 1)


def _set_damaged_apart(raw):
    """Move rows with bytes that the encoding does not have to the broken ones."""
    cells = [name for name in raw.rows.columns if name != "line"]
    is_damaged = raw.rows.select(
        pl.any_horizontal(pl.col(cells).str.contains(DAMAGED, literal=True).fill_null(False))
    ).to_series()
    damaged = raw.rows.filter(is_damaged).select("line", pl.concat_str(cells, separator=" ").alias("value"))
    return Raw(raw.rows.filter(~is_damaged), pl.concat([raw.broken, damaged]).sort("line"))


def _read_sheet(path, known):
    """Read the sheet of a workbook whose header row holds the most known headers."""
    with _open_bytes(path) as handle:
        data = handle.read()
    try:
        book = fastexcel.read_excel(data)
        sheets = [
            book.load_sheet(name, header_row=None, dtypes="string").to_polars() for name in book.sheet_names
        ]
    except (fastexcel.FastExcelError, ValueError) as error:
        raise ExportError(
            f"{path.name} cannot be opened as a workbook (is it protected by a password?): {error}"
        ) from error
    best = (0, None, 0)
    for sheet in sheets:
        for row, cells in enumerate(sheet.head(HEADER_ROWS).iter_rows()):
            hits = sum(plain_header(cell) in known for cell in cells if cell)
            if hits > best[0]:
                best = (hits, sheet, row)
    _, sheet, row = best
    if sheet is None:
        rows = (cells for sheet in sheets for cells in sheet.head(HEADER_ROWS).iter_rows() if any(cells))
        first = [cell or "" for cell in next(rows, ())]
        raise ExportError(f"{path.name}: no header row of this layout was found; {_found(first)}")
    names = unique_names([cell or "" for cell in sheet.row(row)])
    cells = sheet.slice(row + 1).rename(dict(zip(sheet.columns, names, strict=True)))
    cells = cells.filter(~pl.all_horizontal(pl.all().is_null()))
    yield Raw(cells.with_columns(_lines(cells.height)), pl.DataFrame(schema=_BROKEN))


def _lines(count):
    """Number rows from 1."""
    return pl.int_range(1, count + 1, dtype=pl.Int64, eager=True).alias("line")


def _read_json(path, form):
    """Read a JSON document: a list of rows, or an object that holds one where `form.rows` says."""
    with _open_text(path, form.encodings) as handle:
        text = handle.read()
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            yield from _read_json_lines(io.StringIO(text), form)
            return
        raise ExportError(f"{path.name} is no JSON document: {error}") from error
    records = document if isinstance(document, list) else None
    for route in form.rows:
        records = records if records is not None else _dig(document, route.split("."))
    records = [document] if records is None else records
    rows = [row for record in records for row in _flat_rows(record, form)]
    yield Raw(_frame(rows, range(1, len(rows) + 1)), pl.DataFrame(schema=_BROKEN))


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
        return [{"value": _cell(record)}]
    children = record.get(form.children) if form.children else None
    if not isinstance(children, list):
        return [dict(_flat(record))]
    parent = dict(_flat({key: value for key, value in record.items() if key != form.children}))
    return [{**parent, **dict(_flat(child))} for child in children if isinstance(child, dict)]


def _flat(node, prefix=""):
    """Name nested values by dotted keys."""
    for key, value in node.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _cell(value)


def _cell(value):
    """Write a JSON value as the text of a cell."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    return json.dumps(value, ensure_ascii=False)


def _frame(rows, lines):
    """Make one text column of each key."""
    names = list(dict.fromkeys(key for row in rows for key in row))
    columns = {name: pl.Series([row.get(name) for row in rows], dtype=pl.String) for name in names}
    return pl.DataFrame({**columns, "line": pl.Series(lines, dtype=pl.Int64)})


def _read_json_lines(text, form):
    """Read one JSON record a line, in blocks of BLOCK_ROWS lines."""
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
                broken.append((number, line.strip()))
                continue
            rows += found
            lines += range(number + 1, number + 1 + len(found))
            number += len(found)
        yield Raw(_frame(rows, lines), pl.DataFrame(broken, schema=_BROKEN, orient="row"))


def _read_transcript(text, form):
    """Read messages that begin with a line of `form.line`; the lines below belong to the message."""
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
            broken.append((number, line))
    yield _transcript_rows(rows, lines, broken, begins)


def _transcript_rows(rows, lines, broken, begins):
    """Make a block of a transcript; blank lines around a message are not part of it."""
    schema = dict.fromkeys([*begins.groupindex, "session_id", "block"], pl.String)
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        pl.col("text").str.strip_chars(), pl.Series("line", lines, dtype=pl.Int64)
    )
    return Raw(frame, pl.DataFrame(broken, schema=_BROKEN, orient="row"))
