"""Raw files to staged rows: canonical names and values, masked and hashed, every row accounted for.

`stage_file` reads a file by its layout (`definitions/platforms/`). Each row of the file comes out
either as a row of the kind's table (schema.py) or as a row of `quarantine` with its reason.
"""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl

from csnb.columns import (
    ALWAYS_HASHED,
    Job,
    apply_rules,
    column,
    flag,
    name_columns,
    read_cells,
    set_summaries_apart,
    unpivot_figures,
)
from csnb.errors import ExportError, ParameterError, one_of
from csnb.layouts import FILE_KINDS, plain_header, read_layout, shapes_of
from csnb.masks import hash_id, mask_text
from csnb.readers import read_raw
from csnb.records import Raw
from csnb.schema import TABLES, conform
from csnb.threads import cut_by_silence, link_threads

FREE_TEXTS = ("text", "note", "reason")
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
        with those of QUARANTINE; `rows_read` is the number of both together. Delimited text and JSON
        lines are read in constant memory, except for layouts that make sessions by thread or silence;
        sheets and JSON documents are read whole. In a wide official export every figure is a row.

    Raises
    ------
    ParameterError
        If the kind or the zone is unknown.
    ExportError
        If the layout has no files of this kind, a required column is missing (the headers found are
        listed), the encoding cannot be told, most of the first block cannot be read, or, after the
        last batch, more rows were quarantined than the layout allows (5 %). Summary rows, such as
        汇总, are quarantined but do not count to it.
    """
    one_of("kind", kind, FILE_KINDS)
    layout, path = read_layout(platform, folder), Path(path)
    zone = _check_zone(zone or layout.zone)
    shapes = shapes_of(layout, kind)
    raws = read_raw(path, layout.form, {plain_header(name) for shape in shapes for name in _headers(shape)})
    if any(shape.session != "column" for shape in shapes):
        raws = _in_one(raws)
    job, rows_read, tally = None, 0, {}
    for raw in raws:
        if is_first := job is None:
            shape = _choose_shape(path.name, kind, layout, shapes, raw.rows.columns)
            job = Job(path.name, kind, layout, shape, key, zone, folder)
        batch = _stage(raw, job)
        rows_read += batch.rows_read
        tally = _tally(tally, batch.quarantined)
        if is_first:
            _refuse_above(UNLIKE_SHARE, job, rows_read, tally)
        yield batch
    if job:
        _refuse_above(layout.refuse_above, job, rows_read, tally)


def _check_zone(zone):
    """Refuse a time zone that nobody knows."""
    try:
        pl.Series([datetime(2000, 1, 1)]).dt.replace_time_zone(zone)
    except pl.exceptions.PolarsError as error:
        raise ParameterError(f"zone must be a time zone such as Asia/Shanghai; got: {zone!r}") from error
    return zone


def _headers(shape):
    """Give all headers that a shape knows."""
    return [
        *(header for known in shape.columns.values() for header in known),
        *(row[0] for row in shape.metrics),
    ]


def _in_one(raws):
    """Join all blocks of a file."""
    raws = list(raws)
    if raws:
        rows = pl.concat([raw.rows for raw in raws], how="diagonal")
        yield Raw(rows, pl.concat([raw.broken for raw in raws]))


def _choose_shape(file, kind, layout, shapes, headers):
    """Choose the first shape whose required columns, and one of whose metrics, the file has."""
    have = {plain_header(header) for header in headers}
    lacking = []
    for shape in shapes:
        needed = {name: shape.columns[name] for name in shape.required}
        if shape.metrics:
            needed["a figure"] = [row[0] for row in shape.metrics]
        absent = {name: known for name, known in needed.items() if not have & set(map(plain_header, known))}
        if not absent:
            return shape
        lacking.append(", ".join(f"{name} ({' / '.join(known[:3])})" for name, known in absent.items()))
    found = ", ".join(header[:40] for header in headers if header != "line")
    raise ExportError(
        f"{file} is no {kind} file of layout {layout.name}: missing {'; or else '.join(lacking)}. "
        f"Headers found: {found}. Rename the columns, or add these headers to platforms/{layout.name}.toml"
    )


def _tally(tally, quarantined):
    """Add the reasons of a batch to those before: reason to its count and its first row."""
    tally = dict(tally)
    for row in quarantined.group_by("reason", maintain_order=True).agg(pl.len(), pl.all().first()).to_dicts():
        count, first = tally.get(row["reason"], (0, row))
        tally[row["reason"]] = (count + row["len"], first)
    return tally


def _refuse_above(share, job, rows_read, tally):
    """Refuse a file of which a larger share could not be read; rows that sum up others do not count."""
    counted = {reason: found for reason, found in tally.items() if reason != "summary_row"}
    bad = sum(count for count, _ in counted.values())
    summaries = tally.get("summary_row", (0, None))[0]
    if bad <= share * (rows_read - summaries):
        return
    reasons = "; ".join(
        f"{reason} {count} (first in line {first['line']}, {first['column']}: {(first['value'] or 'empty')[:60]})"
        for reason, (count, first) in sorted(counted.items(), key=lambda item: -item[1][0])
    )
    raise ExportError(
        f"{job.file} does not read as a {job.kind} file of layout {job.layout.name}: {bad} of {rows_read} rows "
        f"cannot be used, more than {share:.0%}: {reasons}. Choose another layout, or mend these rows"
    )


def _stage(raw, job):
    """Stage one block: name, read, find speakers and sessions, hide persons, set bad rows apart."""
    frame = set_summaries_apart(name_columns(raw.rows, job), job)
    frame = read_cells(unpivot_figures(frame, job), job)
    if job.kind == "messages":
        frame = _find_sessions(_find_kinds(_find_speakers(frame, job), job), job)
    frame = _require(_hide_persons(_fill_platform(frame, job), job), job)
    is_bad = frame["_reason"].is_not_null()
    broken = raw.broken.select(
        "line",
        pl.lit("row").alias("_column"),
        pl.col("value").alias("_value"),
        pl.lit("broken_row").alias("_reason"),
    )
    bad = pl.concat([broken, frame.filter(is_bad).select(broken.columns)]).sort("line", maintain_order=True)
    rows = conform(frame.filter(~is_bad), job.table)
    return Batch(rows, _quarantine(bad, job), rows.height + bad.height)


def _quarantine(bad, job):
    """Make quarantine rows; what was found is masked and shortened."""
    value = mask_text(bad["_value"], job.folder).str.slice(0, _VALUE_CHARS)
    rows = bad.select(
        "line", pl.lit(job.file).alias("file"), value.alias("value"), column="_column", reason="_reason"
    )
    return conform(rows, "quarantine")


def _find_speakers(frame, job):
    """Find role, agent and buyer from who wrote to whom, where the export does not say them."""
    if "sender" not in frame.columns:
        return frame
    buyer, sender = column(frame, "buyer_id"), pl.col("sender")
    if "role" not in frame.columns:
        role = pl.when((sender == buyer).fill_null(False)).then(pl.lit("customer"))
        for name, patterns in job.shape.speakers.items():
            role = role.when(sender.str.contains("|".join(patterns))).then(pl.lit(name))
        role = role.when(buyer.is_null()).then(pl.lit("customer")).otherwise(pl.lit("agent"))
        frame = frame.with_columns(role.alias("role"))
    receiver = column(frame, "receiver")
    receiver = pl.when(~receiver.str.contains(",")).then(receiver)
    speaks, is_customer = pl.col("role").is_in(SPEAKING), pl.col("role") == "customer"
    agent = pl.when(speaks).then(sender).when(is_customer).then(receiver)
    other = pl.when(is_customer).then(sender).when(speaks).then(receiver)
    return frame.with_columns(
        pl.coalesce(column(frame, "agent_id"), agent).alias("agent_id"),
        pl.coalesce(buyer, other).alias("buyer_id"),
    )


def _find_kinds(frame, job):
    """Apply the layout's rules, find what kind of message it is, and mark what was taken back."""
    frame = apply_rules(frame, job)
    kind = pl.when(column(frame, "kind").is_not_null()).then(column(frame, "kind"))
    for name, words in job.layout.notice_kinds.items():
        is_told = pl.any_horizontal(column(frame, "text").str.contains(word, literal=True) for word in words)
        kind = kind.when((column(frame, "role") == "notice") & is_told).then(pl.lit(name))
    recalled = column(frame, "recalled", pl.Boolean).fill_null(False)
    if "recalls" in frame.columns:
        recalled |= pl.col("message_id").is_in(frame["recalls"].drop_nulls().to_list())
    return frame.with_columns(kind.otherwise(pl.lit("text")).alias("kind"), recalled.alias("recalled"))


def _find_sessions(frame, job):
    """Find the session of a message where the export has none, and the shop in the agent's name."""
    shape = job.shape
    frame = frame.with_columns(column(frame, name).alias(name) for name in ("session_id", "shop"))
    if shape.session != "column":
        timed = frame.filter(pl.col("_reason").is_null() & pl.col("sent_at").is_not_null())
        ids = (
            link_threads(timed)
            if shape.session == "threads"
            else cut_by_silence(timed, shape.silence_minutes, job.key)
        )
        found = timed.select("line", ids.alias("found"))
        frame = frame.join(found, on="line", how="left", maintain_order="left").with_columns(
            pl.coalesce("session_id", "found").alias("session_id")
        )
    if shape.shop_pattern:
        named = column(frame, "agent_id").str.extract(shape.shop_pattern).sort_by("sent_at", nulls_last=True)
        frame = frame.with_columns(
            pl.coalesce("shop", named.drop_nulls().first().over("session_id")).alias("shop")
        )
    return frame


def _fill_platform(frame, job):
    """Fill in the platform of the layout; only messages that name none are generic."""
    platform = job.layout.platform
    if "platform" not in TABLES[job.table].columns or (platform == "generic" and job.kind != "messages"):
        return frame
    return frame.with_columns(column(frame, "platform").fill_null(pl.lit(platform)).alias("platform"))


def _hide_persons(frame, job):
    """Hash the ids of persons and mask free texts; an id that the platform masked is missing."""
    for name in (*ALWAYS_HASHED, *job.shape.hashed):
        if name in frame.columns:
            is_masked = pl.any_horizontal(
                pl.col(name).str.contains(mark, literal=True) for mark in job.layout.masked_ids
            )
            frame = frame.with_columns(
                hash_id(frame.select(pl.when(~is_masked).then(name))[name], job.key).alias(name)
            )
    texts = [name for name in FREE_TEXTS if name in frame.columns]
    return frame.with_columns(mask_text(frame[name], job.folder).alias(name) for name in texts)


def _require(frame, job):
    """Mark rows that lack what their table never lacks."""
    nothing = pl.repeat(None, frame.height, dtype=pl.String, eager=True)
    for name, spec in TABLES[job.table].columns.items():
        if spec.missing == "never missing":
            found = frame[name] if name in frame.columns else nothing
            frame = flag(frame, found.is_null(), name, nothing, f"missing_{name}")
    return frame
