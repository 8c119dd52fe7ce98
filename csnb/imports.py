"""Raw files to staged rows: canonical names and values, masked and hashed, every row accounted for.

`stage_file` reads a file by its layout (`definitions/platforms/`). Each row of the file comes out
either as a row of the kind's table (schema.py) or as a row of `quarantine` with its reason.
"""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import polars as pl

from csnb.errors import ExportError, one_of
from csnb.fields import read_figures, read_numbers, read_times
from csnb.layouts import FILE_KINDS, plain_header, read_layout, shapes_of
from csnb.masks import hash_id, is_personal_header, mask_text, personal_placeholder
from csnb.readers import read_raw
from csnb.schema import TABLES, TIME, conform, empty
from csnb.threads import cut_by_silence, link_threads

ALWAYS_HASHED = ("buyer_id", "order_id")
FREE_TEXTS = ("text", "note", "reason")
SUMMARY_COLUMNS = ("session_id", "agent_id", "day", "shop")
SPEAKING = ("agent", "bot", "assist", "auto")
UNLIKE_SHARE = 0.5
_VALUE_CHARS = 200


class Batch(NamedTuple):
    """Some rows of a file: those staged, those quarantined, and how many were read."""

    rows: pl.DataFrame
    quarantined: pl.DataFrame
    rows_read: int


def stage_file(path, platform, kind="messages", key=b"", zone=None, folder=None):
    """Read one export file into staged rows.

    Parameters
    ----------
    path : path of a .csv, .tsv, .txt, .xlsx, .json or .jsonl file, or a .gz or .zip of one
    platform : str, the file layout, one of `layouts.list_layouts()`
    kind : str, what the file holds: messages, ratings, agents, events, official, orders, refunds,
        tickets or shifts
    key : bytes, at most 64, the secret of the book, for the hashes of ids
    zone : str, the time zone of times that name none; by default the layout's
    folder : path of the user's own definitions folder, or None

    Yields
    ------
    Batch
        `rows` with the columns of the kind's table (messages: STAGED), in file order, `quarantined`
        with those of QUARANTINE; rows_read is the number of both together. Delimited text and JSON
        lines are read in constant memory, except for layouts that make sessions by thread or silence;
        sheets and JSON documents are read whole. In a wide official export every figure is a row.

    Raises
    ------
    ExportError
        If the layout has no files of this kind, a required column is missing (the headers found are
        listed), the encoding cannot be told, most of the first block cannot be read, or, after the
        last batch, if more than 5 % of all rows were quarantined. Summary rows do not count to it.
    """
    one_of("kind", kind, FILE_KINDS)
    layout = read_layout(platform, folder)
    shapes = shapes_of(layout, kind)
    path = Path(path)
    known = {plain_header(header) for shape in shapes for header in _headers_of(shape)}
    raws = read_raw(path, layout.form, known)
    if any(shape.session != "column" for shape in shapes):
        raws = _in_one(raws)
    shape, rows_read, bad, examples = None, 0, Counter(), {}
    for raw in raws:
        if shape is None:
            shape = _choose_shape(path.name, layout, kind, shapes, raw.rows.columns)
        job = _Job(path.name, kind, layout, shape, key, zone or layout.zone, folder)
        batch = _stage(raw, job)
        is_first, rows_read = rows_read == 0, rows_read + batch.rows_read
        bad.update(batch.quarantined["reason"].to_list())
        examples = {
            **{row["reason"]: row for row in batch.quarantined.unique("reason").to_dicts()},
            **examples,
        }
        if is_first:
            _refuse(path.name, layout.name, rows_read, bad, examples, UNLIKE_SHARE)
        yield batch
    _refuse(path.name, layout.name, rows_read, bad, examples, layout.refuse_above)


class _Job(NamedTuple):
    """What every step of the staging of one file needs to know."""

    file: str
    kind: str
    layout: tuple
    shape: tuple
    key: bytes
    zone: str
    folder: str | None

    @property
    def table(self):
        return "staged" if self.kind == "messages" else self.kind


def _headers_of(shape):
    """Give all headers that a shape knows."""
    return [header for headers in shape.columns.values() for header in headers] + [
        row[0] for row in shape.metrics
    ]


def _in_one(raws):
    """Join all blocks of a file."""
    raws = list(raws)
    if raws:
        rows = pl.concat([raw.rows for raw in raws], how="diagonal").sort("line")
        yield type(raws[0])(rows, pl.concat([raw.broken for raw in raws]))


def _choose_shape(file, layout, kind, shapes, headers):
    """Choose the first shape whose required columns, and one of whose metrics, the file has."""
    have = {plain_header(header) for header in headers}
    lacking = []
    for shape in shapes:
        absent = [name for name in shape.required if not _present(shape.columns[name], have)]
        if shape.metrics and not _present([row[0] for row in shape.metrics], have):
            absent.append("a figure such as " + shape.metrics[0][0])
        if not absent:
            return shape
        lacking.append(
            ", ".join(f"{name} ({' / '.join(shape.columns.get(name, ())[:3])})" for name in absent)
        )
    found = ", ".join(header[:40] for header in headers if header != "line")
    raise ExportError(
        f"{file} is no {kind} file of layout {layout.name}: missing {' or '.join(lacking)}; "
        f"headers found: {found}. Rename the columns, or add their headers to platforms/{layout.name}.toml"
    )


def _present(headers, have):
    """Say whether one of the headers is there."""
    return any(plain_header(header) in have for header in headers)


def _refuse(file, layout, rows_read, bad, examples, share):
    """Refuse a file of which too large a share could not be read."""
    counted = {reason: count for reason, count in bad.most_common() if reason != "summary_row"}
    if rows_read and sum(counted.values()) > share * (rows_read - bad["summary_row"]):
        reasons = "; ".join(
            f"{reason} {count} (line {examples[reason]['line']}, {examples[reason]['column']}: "
            f"{(examples[reason]['value'] or 'empty')[:60]!r})"
            for reason, count in list(counted.items())[:5]
        )
        raise ExportError(
            f"{file} does not read as layout {layout}: {sum(counted.values())} of {rows_read} rows cannot be "
            f"used: {reasons}. Check the layout, or fix these rows"
        )


def _stage(raw, job):
    """Stage one block: name, read, find speakers and sessions, mask, and set unreadable rows apart."""
    broken = _quarantine(
        job,
        raw.broken["line"],
        "row",
        raw.broken["value"],
        pl.repeat("broken_row", raw.broken.height, eager=True),
    )
    if not raw.rows.height:
        return Batch(empty(job.table), broken, broken.height)
    frame = _name_columns(raw.rows, job)
    frame = _set_summaries_apart(frame, job)
    frame = _unpivot(frame, job) if job.shape.metrics else frame
    frame = _read_cells(frame, job)
    if job.kind == "messages":
        frame = _find_speakers(frame, job)
        frame = _find_kinds(frame, job)
        frame = _find_sessions(frame, job)
    frame = _fill(frame, job)
    frame = _hash_and_mask(frame, job)
    frame = _require(frame, job)
    is_bad = frame["reason"].is_not_null()
    bad = frame.filter(is_bad)
    quarantined = pl.concat(
        [broken, _quarantine(job, bad["line"], bad["bad_column"], bad["bad_value"], bad["reason"])]
    )
    rows = conform(frame.filter(~is_bad), job.table)
    return Batch(rows, quarantined, rows.height + quarantined.height)


def _quarantine(job, lines, columns, values, reasons):
    """Make quarantine rows; the value found is masked and shortened."""
    rows = pl.DataFrame({"line": lines, "value": mask_text(values.cast(pl.String), job.folder)})
    return conform(
        rows.with_columns(
            pl.lit(job.file).alias("file"),
            (pl.lit(columns) if isinstance(columns, str) else columns).alias("column"),
            pl.col("value").str.slice(0, _VALUE_CHARS),
            reasons.alias("reason"),
        ),
        "quarantine",
    )


def _flag(frame, is_bad, column, values, reason):
    """Mark rows as unreadable, unless they are marked already."""
    is_bad = is_bad.fill_null(False) & frame["reason"].is_null()
    if not is_bad.any():
        return frame
    return frame.with_columns(
        frame["reason"].set(is_bad, reason),
        frame["bad_column"].set(is_bad, column),
        values.cast(pl.String).zip_with(is_bad, frame["bad_value"]).alias("bad_value"),
    )


def _name_columns(rows, job):
    """Give columns their canonical names; the others become `extra`, one JSON object a row."""
    shape = job.shape
    by_plain = {plain_header(header): header for header in reversed(rows.columns) if header != "line"}
    chosen, used = {}, set()
    for canonical, headers in shape.columns.items():
        present = [by_plain[plain_header(header)] for header in headers if plain_header(header) in by_plain]
        present = present if canonical in shape.together else present[:1]
        if present:
            chosen[canonical] = pl.coalesce([_clean(name, job, canonical == "text") for name in present])
            used.update(present)
    ids = {
        header
        for name in (*ALWAYS_HASHED, *shape.hashed, *_who(shape))
        for header in shape.columns.get(name, ())
    }
    extra = [name for name in rows.columns if name not in used and name != "line"]
    frame = rows.select(
        "line",
        *(expression.alias(canonical) for canonical, expression in chosen.items()),
        *(pl.lit(None, pl.String).alias(name) for name in ("reason", "bad_column", "bad_value")),
        *(_clean(row[0], job).alias(f"figure {plain_header(row[0])}") for row in _figures(shape, by_plain)),
        *(pl.lit(value).alias(name) for name, value in shape.defaults.items() if name not in chosen),
        *(_set_value(by_plain, rule, job) for rule in shape.set if plain_header(rule["header"]) in by_plain),
    )
    if job.kind == "messages":
        frame = frame.with_columns(_pack(rows, extra, {plain_header(header) for header in ids}, job))
    return frame


def _who(shape):
    """Give the helper columns that name a person."""
    return [name for name in ("sender", "receiver", "room") if name in shape.columns]


def _figures(shape, by_plain):
    """Give the metrics of a wide export that this file has, under the file's own headers."""
    rows = [(by_plain.get(plain_header(row[0])), *row[1:]) for row in shape.metrics]
    return [row for row in rows if row[0]]


def _set_value(by_plain, rule, job):
    """Say where a rule of the layout applies."""
    words = [str(word).lower() for word in rule["is"]]
    name = by_plain[plain_header(rule["header"])]
    return (
        _clean(name, job)
        .str.to_lowercase()
        .is_in(words)
        .fill_null(False)
        .alias(f"rule {job.shape.set.index(rule)}")
    )


def _clean(name, job, is_text=False):
    """Trim a cell; empty and the layout's words for missing become missing, in a text only empty."""
    trimmed = pl.col(name).str.strip_chars()
    if is_text:
        return pl.when(trimmed != "").then(trimmed)
    plain = pl.when(trimmed.str.starts_with('="')).then(trimmed.str.strip_chars('="')).otherwise(trimmed)
    gone = ["", *(word.lower() for word in job.layout.missing)]
    return pl.when(~plain.str.to_lowercase().is_in(gone)).then(plain)


def _pack(rows, names, ids, job):
    """Pack columns into one JSON object a row, masked; columns that name a person are replaced."""
    pieces, hidden = [], personal_placeholder(job.folder)
    for name in names:
        is_personal = plain_header(name) in ids or is_personal_header(name, job.folder)
        cells = _clean(name, job)
        value = (
            pl.when(cells.is_not_null()).then(pl.lit(hidden)) if is_personal else mask_text(cells, job.folder)
        )
        pair = pl.struct(value.alias(name)).struct.json_encode()
        pieces.append(pl.when(cells.is_not_null()).then(pair.str.strip_prefix("{").str.strip_suffix("}")))
    if not pieces:
        return pl.lit(None, pl.String).alias("extra")
    inside = rows.select(pl.concat_str(pieces, separator=",", ignore_nulls=True)).to_series()
    return pl.Series("extra", "{" + inside + "}").set(inside == "", None)


def _set_summaries_apart(frame, job):
    """Mark the rows that sum up others, such as 汇总 or 平均值."""
    words = [word.lower() for word in job.layout.summary_rows]
    for name in SUMMARY_COLUMNS:
        if name in frame.columns:
            frame = _flag(
                frame, frame[name].str.to_lowercase().is_in(words), name, frame[name], "summary_row"
            )
    return frame


def _unpivot(frame, job):
    """Turn a wide official export into one row a figure; a summary row stays one row."""
    figures = {f"figure {plain_header(row[0])}": row for row in job.shape.metrics}
    keep = [name for name in frame.columns if not name.startswith("figure ")]
    if "day" not in keep:
        frame = frame.with_columns(pl.lit(_day_of_file(job)).alias("day"))
        keep.append("day")
    parts = [frame.filter(pl.col("reason").is_not_null()).select(keep)]
    rest = frame.filter(pl.col("reason").is_null())
    for name in [name for name in frame.columns if name.startswith("figure ")]:
        _, metric, unit = figures[name]
        part = rest.select(*keep, pl.lit(metric).alias("metric"), pl.col(name).alias("found"))
        value = read_figures(part["found"], unit, metric)
        part = part.with_columns(value.alias("value"))
        is_bad = value.is_null() & part["found"].is_not_null()
        parts.append(_flag(part, is_bad, metric, part["found"], "bad_value").drop("found"))
    return pl.concat(parts, how="diagonal").sort("line", maintain_order=True)


def _day_of_file(job):
    """Find the one day that the file name tells."""
    pattern = job.shape.day_pattern or ""
    groups = pl.Series([job.file]).str.extract_all(pattern).item() if pattern else []
    days = sorted({"-".join(_parts(pattern, text)) for text in groups})
    if len(days) != 1:
        raise ExportError(
            f"{job.file} has no column for the day, and its name must tell exactly one; found: {days or 'none'}. "
            "Export one day a file, or add a column"
        )
    return days[0]


def _parts(pattern, text):
    """Give the year, month and day of one date in a file name."""
    return pl.Series([text]).str.extract_groups(pattern).struct.unnest().row(0)


def _read_cells(frame, job):
    """Read every column into the type and the values of its table, marking what cannot be read."""
    for name, spec in TABLES[job.table].columns.items():
        if name not in frame.columns or name == "line" or frame[name].dtype != pl.String:
            continue
        cells = frame[name]
        values, reason = cells, None
        if words := job.shape.values.get(name):
            values, reason = _translate(cells, words, name, spec.dtype, job), f"unknown_{name}"
        if spec.dtype == TIME:
            values, reason = read_times(cells, job.layout.times, job.zone), "bad_time"
        elif spec.dtype == pl.Date or name == "day":
            values, reason = read_times(cells, job.layout.times, job.zone).dt.date(), "bad_date"
            values = values.dt.to_string("%Y-%m-%d") if name == "day" else values
        elif spec.dtype == pl.Float64:
            values, reason = read_numbers(values), f"bad_{name}"
            if name == "score":
                values = values.set(~values.is_between(1, 5), None)
            elif name == "value":
                values = read_figures(cells, "rate", "")
        elif spec.dtype == pl.Boolean:
            values = values == "true"
        if reason:
            frame = _flag(frame, values.is_null() & cells.is_not_null(), name, cells, reason)
        frame = frame.with_columns(values.alias(name))
    return frame


def _translate(cells, words, name, dtype, job):
    """Translate the words of an export; words not listed stay where numbers or free words may stand."""
    canonical = {word.lower(): value for value, listed in words.items() for word in listed}
    plain = cells.str.to_lowercase()
    others = cells if dtype == pl.Float64 or name in job.shape.free else None
    return plain.replace_strict(canonical, default=others, return_dtype=pl.String)


def _find_speakers(frame, job):
    """Find role, agent and buyer of a message from who sent it, where the export names no role."""
    columns, shape = frame.columns, job.shape
    if "sender" in columns:
        if "role" not in columns:
            is_buyer = pl.col("sender") == pl.col("buyer_id") if "buyer_id" in columns else pl.lit(False)
            role = pl.when(is_buyer.fill_null(False)).then(pl.lit("customer"))
            for name, patterns in shape.speakers.items():
                role = role.when(pl.col("sender").str.contains("|".join(patterns))).then(pl.lit(name))
            other = (
                pl.when(pl.col("buyer_id").is_null()).then(pl.lit("customer")).otherwise(pl.lit("agent"))
                if "buyer_id" in columns
                else pl.lit("customer")
            )
            frame = frame.with_columns(role.otherwise(other).alias("role"))
        speaks, is_customer = pl.col("role").is_in(SPEAKING), pl.col("role") == "customer"
        one = (
            pl.when(~pl.col("receiver").str.contains(",")).then("receiver")
            if "receiver" in columns
            else pl.lit(None, pl.String)
        )
        named = {
            "agent_id": pl.when(speaks).then("sender").when(is_customer).then(one),
            "buyer_id": pl.when(is_customer).then("sender").when(speaks).then(one),
        }
        frame = frame.with_columns(
            (pl.coalesce(name, found) if name in columns else found).alias(name)
            for name, found in named.items()
        )
    return frame


def _find_kinds(frame, job):
    """Apply the layout's rules, find what kind of message it is, and mark what was taken back."""
    for number, rule in enumerate(job.shape.set):
        if f"rule {number}" in frame.columns:
            frame = frame.with_columns(
                pl.when(f"rule {number}").then(pl.lit(value)).otherwise(_column(frame, name)).alias(name)
                for name, value in rule["to"].items()
            )
    kind = pl.when(_column(frame, "kind").is_not_null()).then(_column(frame, "kind"))
    for name, words in job.layout.notice_kinds.items():
        told = pl.any_horizontal(_column(frame, "text").str.contains(word, literal=True) for word in words)
        kind = kind.when((pl.col("role") == "notice") & told).then(pl.lit(name))
    recalled = _column(frame, "recalled", pl.Boolean).fill_null(False)
    if "recalls" in frame.columns:
        recalled |= pl.col("message_id").is_in(frame["recalls"].drop_nulls().to_list())
    return frame.with_columns(kind.otherwise(pl.lit("text")).alias("kind"), recalled.alias("recalled"))


def _column(frame, name, dtype=pl.String):
    """Give a column, or missing values where the file has none."""
    return pl.col(name) if name in frame.columns else pl.lit(None, dtype)


def _find_sessions(frame, job):
    """Find session ids where the export has none, and the shop where it stands in the agent's name."""
    shape = job.shape
    frame = frame.with_columns(_column(frame, name).alias(name) for name in ("session_id", "shop"))
    usable = (
        frame.filter(pl.col("reason").is_null() & pl.col("sent_at").is_not_null())
        if shape.session != "column"
        else frame
    )
    if shape.session == "threads":
        links = usable.with_columns(
            _column(usable, name).alias(name) for name in ("replies_to", "replied_by")
        )
        found = usable.select("line").with_columns(link_threads(links).alias("found"))
    elif shape.session == "silence":
        found = usable.select("line").with_columns(
            cut_by_silence(usable, shape.silence_minutes, job.key).alias("found")
        )
    if shape.session != "column":
        frame = frame.join(found, on="line", how="left", maintain_order="left").with_columns(
            pl.coalesce("session_id", "found").alias("session_id")
        )
    if shape.shop_pattern:
        shop = pl.coalesce("shop", pl.col("agent_id").str.extract(shape.shop_pattern))
        frame = frame.with_columns(shop.alias("shop"))
    if shape.session == "threads":
        frame = frame.with_columns(
            pl.col("shop").sort_by("sent_at", nulls_last=True).drop_nulls().first().over("session_id")
        )
    return frame


def _fill(frame, job):
    """Fill in what the layout knows of every row."""
    if "platform" not in TABLES[job.table].columns:
        return frame
    platform = job.layout.platform
    if job.kind != "messages" and platform == "generic":
        return frame
    return frame.with_columns(_column(frame, "platform").fill_null(pl.lit(platform)).alias("platform"))


def _hash_and_mask(frame, job):
    """Hash the ids of persons and mask free texts; an id that the platform masked is missing."""
    for name in {*ALWAYS_HASHED, *job.shape.hashed} & set(frame.columns):
        ids = frame[name]
        is_masked = pl.any_horizontal(ids.str.contains(mark, literal=True) for mark in job.layout.masked_ids)
        ids = frame.select(pl.when(~is_masked).then(ids).alias(name)).to_series()
        frame = frame.with_columns(hash_id(ids, job.key).alias(name))
    return frame.with_columns(
        mask_text(frame[name], job.folder).alias(name) for name in FREE_TEXTS if name in frame.columns
    )


def _require(frame, job):
    """Mark rows that lack what the table never lacks."""
    for name, spec in TABLES[job.table].columns.items():
        if spec.missing == "never missing" and name != "line":
            cells = frame[name] if name in frame.columns else pl.repeat(None, frame.height, eager=True)
            frame = _flag(
                frame,
                cells.is_null(),
                name,
                pl.repeat(None, frame.height, dtype=pl.String, eager=True),
                f"missing_{name}",
            )
    return frame
