"""Bring export files into a book: stage, account for every row, replace what a file brought before."""

import hashlib
import shutil
from pathlib import Path
from typing import NamedTuple

import polars as pl

from csnb.book import create_book, read_key, read_manifest, write_manifest, write_parquet
from csnb.build import INDEX, build_book
from csnb.errors import BookError, ExportError, one_of
from csnb.imports import stage_file
from csnb.layouts import FILE_KINDS
from csnb.lookup import definition_names
from csnb.masks import hash64
from csnb.schema import empty


class Imported(NamedTuple):
    """What one file brought: rows read, rows staged, and rows quarantined by reason."""

    file: str
    rows_read: int
    rows_staged: int
    quarantined: dict


def import_export(files, platform, into, kind="messages", zone=None, jobs=None, progress=None):
    """Import export files of one kind into a book and build what they change.

    Parameters
    ----------
    files : path or list of paths; CSV, TSV, XLSX, JSON or JSONL, also .gz and .zip
    platform : str, the file layout: one of `csnb.list_layouts()`
    into : path of the book; made if it is not there
    kind : "messages", "ratings", "agents", "events", "official", "orders", "refunds", "tickets", "shifts"
    zone : str, the time zone of times without one; Asia/Shanghai by default
    jobs : int, worker processes; by default the number of cores
    progress : callable(done, total) for the build, or None

    Returns
    -------
    list of Imported, one a file
        A file that was imported before (same path, or same content) is replaced, not added.

    Raises
    ------
    ParameterError
        If there is no such layout or kind of file; what there is is listed.
    ExportError
        If a file cannot be read as this layout, or more than 5 % of its rows cannot; the book
        keeps what it had.

    Examples
    --------
    >>> import tempfile
    >>> file = "data/examples/generic/messages/聊天记录.csv"
    >>> import_export(file, "generic", tempfile.mkdtemp(), jobs=1)
    [Imported(file='聊天记录.csv', rows_read=28, rows_staged=28, quarantined={})]
    """
    one_of("platform", platform, definition_names("platforms", folder=_folder(into)))
    one_of("kind", kind, FILE_KINDS)
    paths = [Path(file).resolve() for file in ([files] if isinstance(files, str | Path) else files)]
    for path in paths:
        if not path.is_file():
            raise ExportError(f"there is no file {path}")
    book = create_book(into)
    imported = [_bring(book, path, platform, kind, zone) for path in paths]
    build_book(book.path, book.definitions_folder, jobs, progress)
    return imported


def _folder(into):
    """Give the user's own definitions folder beside a book that may not exist yet."""
    folder = Path(into).resolve().parent / "definitions"
    return folder if folder.is_dir() else None


def _bring(book, path, platform, kind, zone):
    """Stage one file and enter it in the manifest, in place of what the same file brought before."""
    sha256 = _file_hash(path)
    source = hashlib.blake2b(f"{path} {kind} {sha256}".encode(), digest_size=6).hexdigest()
    target = book.path / "sources" / source
    draft = book.path / "sources" / f".{source}.part"
    shutil.rmtree(draft, ignore_errors=True)
    try:
        entry = _stage(book, path, platform, kind, zone, draft)
    except Exception:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    manifest = read_manifest(book.path)
    same = [
        old for old in manifest["sources"]
        if old["kind"] == kind and (old["path"] == str(path) or old["sha256"] == sha256)
    ]  # fmt: skip
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)
    manifest["sources"] = [old for old in manifest["sources"] if old not in same] + [
        {"id": source, "file": path.name, "path": str(path), "sha256": sha256, "kind": kind,
         "platform": platform, "zone": zone, **entry}
    ]  # fmt: skip
    write_manifest(book.path, manifest)
    for old in same:
        if old["id"] != source:
            shutil.rmtree(book.path / "sources" / old["id"], ignore_errors=True)
    return Imported(path.name, entry["rows_read"], entry["rows_staged"], entry["quarantined"])


def _stage(book, path, platform, kind, zone, draft):
    """Write what one file brings into a draft folder, batch by batch; give its counts."""
    draft.mkdir(parents=True)
    read, staged, quarantined, index = 0, 0, [], []
    batches = stage_file(path, platform, kind, read_key(book.path), zone, book.definitions_folder)
    for number, batch in enumerate(batches):
        read += batch.rows_read
        staged += batch.rows.height
        quarantined.append(batch.quarantined)
        if kind == "messages":
            index.append(_write_parts(batch.rows, draft / "messages", number))
        else:
            write_parquet(draft / kind / f"{number:05}.parquet", batch.rows)
    if kind == "messages":
        write_parquet(draft / "sessions.parquet", pl.concat(index or [pl.DataFrame(schema=INDEX)]))
    bad = pl.concat([empty("quarantine"), *quarantined])
    if bad.height:
        write_parquet(draft / "quarantine" / "00000.parquet", bad)
    if read != staged + bad.height:
        raise BookError(f"{path.name}: {read} rows read, but {staged} staged and {bad.height} quarantined")
    counts = bad.group_by("reason").len().sort("reason")
    return {"rows_read": read, "rows_staged": staged, "quarantined": dict(counts.iter_rows())}


def _write_parts(rows, folder, number):
    """Write one batch by shop and day of session start, as far as the batch can tell; index it."""
    filled = rows.with_columns(
        pl.col("shop", "channel", "buyer_id").forward_fill().backward_fill().over("platform", "session_id")
    )
    shop = pl.concat_str([pl.col("platform"), pl.col("shop").fill_null("")], separator="\x1f")
    identity = filled.select(
        shop.alias("shop"), pl.concat_str([shop, "session_id"], separator="\x1f").alias("id")
    )
    keyed = filled.with_columns(
        hash64(identity["id"]).alias("session_key"),
        (hash64(identity["shop"]) % 2**32).cast(pl.String).alias("shop_key"),
    )
    sessions = keyed.group_by("session_key", maintain_order=True).agg(
        pl.col("shop_key").first(), pl.col("sent_at").min().alias("started_at"), pl.len().alias("rows")
    )
    day = pl.col("started_at").dt.date().cast(pl.String).fill_null("unknown")
    sessions = sessions.with_columns(
        pl.format("{}__{}__{}.parquet", day, "shop_key", pl.lit(f"{number:05}")).alias("part")
    )
    placed = keyed.join(sessions.select("session_key", "part"), on="session_key").drop("shop_key")
    for (part,), frame in placed.group_by("part"):
        write_parquet(folder / part, frame.drop("part"))
    return sessions.select(pl.col(name).cast(dtype) for name, dtype in INDEX.items())


def _file_hash(path):
    """Give the SHA-256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
