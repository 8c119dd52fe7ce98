"""A file's columns to the columns of a table: names, missing marks, values, figures, and the rest.

Every function takes and gives a frame with three columns more: `_column`, `_value` and `_reason`
say why a row cannot be read; they are missing while it can.
"""

from typing import NamedTuple

import polars as pl

from csnb.errors import ExportError
from csnb.fields import read_figures, read_times
from csnb.layouts import Layout, Shape, plain_header
from csnb.masks import is_personal_header, mask_text, personal_placeholder
from csnb.schema import TABLES, TIME

ALWAYS_HASHED = ("buyer_id", "order_id")
RANGES = {"score": (1, 5)}
_SUMMED_BY = ("session_id", "agent_id", "day", "shop")
_PERSONS = ("sender", "receiver", "room")
_FIGURE, _RULE = "figure ", "rule "


class Job(NamedTuple):
    """What every step of reading one file needs to know."""

    file: str
    kind: str
    layout: Layout
    shape: Shape
    key: bytes
    zone: str
    folder: str | None

    @property
    def table(self):
        """Name of the table that the file becomes."""
        return "staged" if self.kind == "messages" else self.kind


def column(frame, name, dtype=pl.String):
    """Give a column as an expression, or missing values where the frame has none."""
    return pl.col(name) if name in frame.columns else pl.lit(None, dtype)


def flag(frame, is_bad, name, found, reason):
    """Mark rows as unreadable, unless they are marked already.

    Parameters
    ----------
    is_bad : pl.Series of Boolean, missing is false
    name : str, the canonical column to blame
    found : pl.Series, what was found there
    reason : str
    """
    is_bad = is_bad.fill_null(False) & frame["_reason"].is_null()
    if not is_bad.any():
        return frame
    return frame.with_columns(
        frame["_reason"].set(is_bad, reason),
        frame["_column"].set(is_bad, name),
        found.cast(pl.String).zip_with(is_bad, frame["_value"]).alias("_value"),
    )


def name_columns(rows, job):
    """Give the columns of a file their canonical names.

    Parameters
    ----------
    rows : pl.DataFrame of String columns under the file's headers, and `line`
    job : Job

    Returns
    -------
    pl.DataFrame
        Canonical and helper columns that the file has, cells trimmed, marks for missing made missing;
        `figure <header>` for each metric of a wide export; `rule <n>` true where a rule of the layout
        applies; for messages `extra`, all other columns as one masked JSON object a row.
    """
    shape = job.shape
    headers = {plain_header(header): header for header in reversed(rows.columns) if header != "line"}
    named = {name: _present(headers, known, name in shape.together) for name, known in shape.columns.items()}
    cells = {
        name: pl.coalesce(_trim(header, job, name) for header in found)
        for name, found in named.items()
        if found
    }
    defaults = {name: pl.lit(value) for name, value in shape.defaults.items() if name not in cells}
    figures = {
        f"{_FIGURE}{row[0]}": _trim(*found, job)
        for row in shape.metrics
        if (found := _present(headers, row[:1]))
    }
    rules = {
        f"{_RULE}{number}": _trim(*found, job).str.to_lowercase().is_in(_lower(rule["is"]))
        for number, rule in enumerate(shape.rules)
        if (found := _present(headers, [rule["header"]]))
    }
    frame = rows.select(
        "line",
        *(pl.lit(None, pl.String).alias(name) for name in ("_column", "_value", "_reason")),
        *(expression.alias(name) for name, expression in {**cells, **defaults, **figures, **rules}.items()),
    )
    if job.kind != "messages":
        return frame
    used = {header for found in named.values() for header in found}
    others = [header for header in rows.columns if header not in used and header != "line"]
    return frame.with_columns(_pack(rows, others, job))


def _present(headers, known, is_together=False):
    """Give the first known header that the file has, or all of them."""
    found = [headers[plain_header(header)] for header in known if plain_header(header) in headers]
    return found if is_together else found[:1]


def _trim(header, job, name=""):
    """Trim a cell; empty and the layout's marks become missing, in a message's text only empty."""
    cell = pl.col(header).str.strip_chars()
    if name == "text":
        return pl.when(cell != "").then(cell)
    cell = pl.when(cell.str.starts_with('="')).then(cell.str.strip_chars('="')).otherwise(cell)
    return pl.when(~cell.str.to_lowercase().is_in(["", *_lower(job.layout.missing)])).then(cell)


def _lower(words):
    """Give words in lower case, as cells are compared."""
    return [word.lower() for word in words]


def _pack(rows, headers, job):
    """Pack columns into one JSON object a row, masked; a column that names a person is hidden."""
    persons = {
        plain_header(header)
        for name in (*ALWAYS_HASHED, *job.shape.hashed, *_PERSONS)
        for header in job.shape.columns.get(name, ())
    }
    pieces = []
    for header in headers:
        cell = _trim(header, job)
        if plain_header(header) in persons or is_personal_header(header, job.folder):
            value = pl.lit(personal_placeholder(job.folder))
        else:
            value = mask_text(cell, job.folder)
        pair = pl.struct(value.alias(header)).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")
        pieces.append(pl.when(cell.is_not_null()).then(pair))
    if not pieces:
        return pl.lit(None, pl.String).alias("extra")
    inside = rows.select(pl.concat_str(pieces, separator=",", ignore_nulls=True)).to_series()
    return ("{" + inside + "}").set(inside == "", None).alias("extra")


def set_summaries_apart(frame, job):
    """Mark the rows that sum up others, such as 汇总 or 平均值."""
    marks = _lower(job.layout.summary_rows)
    for name in _SUMMED_BY:
        if name in frame.columns:
            frame = flag(frame, frame[name].str.to_lowercase().is_in(marks), name, frame[name], "summary_row")
    return frame


def unpivot_figures(frame, job):
    """Turn a wide official export, one row an agent, into one row a figure; a summary row stays one."""
    if not job.shape.metrics:
        return frame
    if "day" not in frame.columns:
        frame = frame.with_columns(pl.lit(_day_of_file(job)).alias("day"))
    keep = frame.select(~pl.selectors.starts_with(_FIGURE)).columns
    is_marked = frame["_reason"].is_not_null()
    parts, rest = [frame.filter(is_marked).select(keep)], frame.filter(~is_marked)
    for header, metric, unit in job.shape.metrics:
        if f"{_FIGURE}{header}" in frame.columns:
            found = rest[f"{_FIGURE}{header}"]
            value = read_figures(found, unit, metric, job.folder).alias("value")
            part = rest.select(*keep, pl.lit(metric).alias("metric"), value)
            parts.append(flag(part, value.is_null() & found.is_not_null(), metric, found, "bad_value"))
    return pl.concat(parts, how="diagonal").sort("line", maintain_order=True)


def _day_of_file(job):
    """Find the one day that the file name tells."""
    name, pattern = pl.Series([job.file]), job.shape.day_pattern or "$^"
    days = {_join_date(text, pattern) for text in name.str.extract_all(pattern).item()}
    if len(days) != 1:
        raise ExportError(
            f"{job.file} has no column for the day, and its name must tell exactly one; found: "
            f"{', '.join(sorted(days)) or 'none'}. Export one day a file, or add a column for the day"
        )
    return days.pop()


def _join_date(text, pattern):
    """Write a date found in a file name as YYYY-MM-DD."""
    return "-".join(pl.Series([text]).str.extract_groups(pattern).struct.unnest().row(0))


def read_cells(frame, job):
    """Read every column into the type and the canonical values of its table, marking what cannot be.

    A cell that cannot be read gets the reason bad_time, bad_date, unknown_<column> or bad_<column>.
    """
    for name, spec in TABLES[job.table].columns.items():
        if name in frame.columns and frame[name].dtype == pl.String:
            found = frame[name]
            values, reason = _read_column(found, name, spec.dtype, job)
            frame = flag(frame, values.is_null() & found.is_not_null(), name, found, reason)
            frame = frame.with_columns(values.alias(name))
    return frame


def _read_column(found, name, dtype, job):
    """Read one column; give its values and the reason for those that are missing now."""
    if dtype == TIME:
        return read_times(found, job.layout.times, job.zone), "bad_time"
    if dtype == pl.Date or name == "day":
        dates = read_times(found, job.layout.times, job.zone).dt.date()
        return (dates.cast(pl.String) if name == "day" else dates), "bad_date"
    if words := job.shape.values.get(name):
        found = _translate(found, words, is_free=dtype == pl.Float64 or name in job.shape.free)
    if dtype == pl.Float64:
        numbers = read_figures(found, "rate", name, job.folder)
        low, high = RANGES.get(name, (float("-inf"), float("inf")))
        return numbers.set(~numbers.is_between(low, high), None), f"bad_{name}"
    return (found == "true" if dtype == pl.Boolean else found), f"unknown_{name}"


def _translate(found, words, is_free):
    """Translate the words of an export; words that are not listed stay where any may stand."""
    canonical = {word.lower(): value for value, listed in words.items() for word in listed}
    others = found if is_free else None
    return found.str.to_lowercase().replace_strict(canonical, default=others, return_dtype=pl.String)


def apply_rules(frame, job):
    """Set what the rules of the layout say, where they apply."""
    for number, rule in enumerate(job.shape.rules):
        if f"{_RULE}{number}" in frame.columns:
            frame = frame.with_columns(
                pl.when(f"{_RULE}{number}").then(pl.lit(value)).otherwise(column(frame, name)).alias(name)
                for name, value in rule["to"].items()
            )
    return frame
