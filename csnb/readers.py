"""Files to rows of text: encodings, delimiters, banner rows, sheets, JSON, transcripts.

Nothing is interpreted here: every cell stays the text that the file holds, under the file's own
header, with the running number of its row. Text files are read as a stream, in constant memory.
"""

import codecs
import csv
import gzip
import io
import itertools
import zipfile
from pathlib import Path

import fastexcel
import polars as pl
import pyarrow as pa
import pyarrow.csv
from charset_normalizer import from_bytes

from csnb.errors import ExportError
from csnb.layouts import plain_header
from csnb.masks import mask_text
from csnb.records import BROKEN, Raw, read_json, read_json_lines, read_transcript

SHEETS, TABLES, JSON, LINES = (
    (".xlsx", ".xlsm", ".xls"),
    (".csv", ".tsv", ".txt"),
    (".json",),
    (".jsonl", ".ndjson"),
)
BLOCK_BYTES = 32 << 20
HEADER_ROWS = 30
DELIMITERS = (",", "\t", ";", "|")
DAMAGED = "\ufdd0"
SWALLOWED_ROWS = 5
_SAMPLE_BYTES = 1 << 20
_HEAD_CHARS = 1 << 18
_MOST_DAMAGE = 0.001
_BOMS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

codecs.register_error("csnb_damaged", lambda error: (DAMAGED, error.end))


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
        return
    if suffix not in (*TABLES, *JSON, *LINES):
        types = ", ".join((*TABLES, SHEETS[0], *JSON, LINES[0]))
        raise ExportError(f"{path.name}: unknown type of file; known are {types}, and .gz or .zip of these")
    with _open_text(path, form.encodings) as text:
        if suffix in JSON:
            raws = read_json(path.name, text.read(), form)
        elif suffix in LINES:
            raws = read_json_lines(text, form)
        elif form.line:
            raws = read_transcript(text, form)
        else:
            raws = _read_table(path, text, form, known)
        yield from map(_set_damaged_apart, raws)


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
        names, delimiter, rest = _find_header(path, text.read(_HEAD_CHARS), form, known)
    invalid, next_line = [], 1
    for rows in _parse(path, _Stream(text, rest), names, delimiter, form.quote, invalid):
        here = pl.int_range(next_line, next_line + rows.height + len(invalid), dtype=pl.Int64, eager=True)
        lines = here.filter(~here.is_in([row.number for row in invalid])).head(rows.height)
        next_line = max(next_line, (lines.last() or 0) + 1)
        before = [row for row in invalid if row.number < next_line]
        del invalid[: len(before)]
        yield _block(path, rows.with_columns(lines.alias("line")), before, delimiter, form)
    if invalid or next_line == 1:
        nothing = pl.DataFrame(schema={**dict.fromkeys(names, pl.String), "line": pl.Int64})
        yield _block(path, nothing, invalid, delimiter, form)


def _parse(path, stream, names, delimiter, quote, invalid):
    """Parse a table block by block; rows that do not fit the header go to `invalid`."""

    def keep(row):
        invalid.append(row)
        return "skip"

    parse = pa.csv.ParseOptions(
        delimiter=delimiter, quote_char=quote and '"', newlines_in_values=quote, invalid_row_handler=keep
    )
    read = pa.csv.ReadOptions(column_names=names, block_size=BLOCK_BYTES, use_threads=False)
    convert = pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    try:
        yield from map(pl.from_arrow, pa.csv.open_csv(pa.PythonFile(stream, mode="r"), read, parse, convert))
    except pa.ArrowInvalid as error:
        if not stream.is_empty:
            raise ExportError(
                f"{path.name} cannot be read as a table; an opening quote may lack its closing quote: {error}"
            ) from error


def _block(path, rows, invalid, delimiter, form):
    """Make a block of rows; those whose last cell holds the delimiter are put back where it may."""
    width = rows.width - 1
    _refuse_swallowed(path, rows, invalid, delimiter)
    split = {row.number: row.text.split(delimiter, width - 1) if form.rest_in_last else [] for row in invalid}
    mended = [(*cells, number) for number, cells in split.items() if len(cells) == width]
    broken = [
        (row.number, f"cells: {row.actual_columns}, headers: {width}")
        for row in invalid
        if len(split[row.number]) != width
    ]
    if mended:
        rows = pl.concat([rows, pl.DataFrame(mended, schema=rows.schema, orient="row")]).sort("line")
    return Raw(rows, pl.DataFrame(broken, schema=BROKEN, orient="row"))


def _refuse_swallowed(path, rows, invalid, delimiter):
    """Refuse a table in which one cell holds whole rows: its opening quote was never closed."""
    texts, width = pl.col(pl.String), rows.width - 1
    has_lines = pl.any_horizontal(texts.str.count_matches("\n", literal=True) >= SWALLOWED_ROWS)
    suspects = [(line, cells) for line, *cells in rows.filter(has_lines).select("line", texts).iter_rows()]
    for line, cells in [*suspects, *((row.number, [row.text]) for row in invalid)]:
        inside = [
            part for cell in cells for part in cell.split("\n")[1:] if part.count(delimiter) == width - 1
        ]
        if width > 2 and len(inside) >= SWALLOWED_ROWS:
            raise ExportError(
                f"{path.name}: in row {line} a quote is opened and not closed, and {len(inside)} rows would be "
                "lost in one cell. Mend it, or say quote = false under [file] in a copy of the layout"
            )


class _Stream:
    """A text as a stream of UTF-8 bytes, for pyarrow; it knows whether there was any."""

    closed = False

    def __init__(self, text, rest):
        self._text, self._rest = text, rest
        self.is_empty = True

    def read(self, size):
        chunk, self._rest = self._rest[: size // 4], self._rest[size // 4 :]
        chunk += self._text.read(size // 4 - len(chunk))
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
    masked = mask_text(pl.Series([header.strip()[:40] for header in headers[:60]], dtype=pl.String))
    return f"headers found: {', '.join(masked) or 'none'}"


def unique_names(headers):
    """Give the headers names that differ: an empty one is numbered, a second equal one and `line` too.

    Examples
    --------
    >>> unique_names(["备注", "", "备注"])
    ['备注', 'column 2', '备注 (3)']
    """
    names = []
    for number, header in enumerate(headers, start=1):
        name = header.strip().lstrip("\ufeff") or f"column {number}"
        names.append(f"{name} ({number})" if name in (*names, "line") else name)
    return names


def _set_damaged_apart(raw):
    """Move rows with bytes that the encoding does not have to the broken ones, naming the columns."""
    is_damaged = {
        name: pl.col(name).str.contains(DAMAGED, literal=True).fill_null(False)
        for name in raw.rows.columns
        if name != "line"
    }
    damaged = raw.rows.filter(pl.any_horizontal(*is_damaged.values(), False))
    if damaged.is_empty():
        return raw
    names = pl.concat_str(
        [pl.when(test).then(pl.lit(name)) for name, test in is_damaged.items()],
        separator=", ",
        ignore_nulls=True,
    )
    broken = damaged.select("line", pl.format("unreadable bytes in {}", names).alias("value"))
    good = raw.rows.join(damaged, on="line", how="anti", maintain_order="left")
    return Raw(good, pl.concat([raw.broken, broken]).sort("line"))


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
            f"{path.name} cannot be opened as a workbook: {error}. If it has a password or is a web page named "
            ".xls, open it in Excel and save it as .xlsx"
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
    is_blank = pl.all_horizontal(pl.exclude("line").is_null())
    yield Raw(cells.with_columns(_lines(cells.height)).filter(~is_blank), pl.DataFrame(schema=BROKEN))


def _lines(count):
    """Number rows from 1."""
    return pl.int_range(1, count + 1, dtype=pl.Int64, eager=True).alias("line")
