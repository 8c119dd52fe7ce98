"""What a book holds: its rows accounted for, its tables counted, its fingerprint, its tables as CSV."""

import hashlib

import pandas as pd
import polars as pl

from csnb.book import BUILT, IMPORTED, read_imported
from csnb.schema import TABLES


def check_book(book):
    """Account for every row that came in: read = kept + left out + quarantined, by reason and file.

    Parameters
    ----------
    book : Book

    Returns
    -------
    dict
        `rows_read, rows_kept, left_out, quarantined` over all files, and `files`: the same for
        each file with its kind. Reasons map to numbers of rows.

    Examples
    --------
    >>> counts = check_book(book)
    >>> counts["rows_read"], counts["rows_kept"], counts["left_out"], counts["quarantined"]
    (37, 37, {}, {})
    """
    left_out = (
        book.messages.filter(pl.col("left_out_because").is_not_null())
        .group_by("source", "left_out_because")
        .len()
        .sort("source", "left_out_because")
        .collect()
    )
    files = []
    for source in book.manifest["sources"]:
        out = dict(left_out.filter(source=source["id"]).select("left_out_because", "len").iter_rows())
        quarantined = source["quarantined"]
        files.append(
            {
                "file": source["file"],
                "kind": source["kind"],
                "rows_read": source["rows_read"],
                "rows_kept": source["rows_read"] - sum(out.values()) - sum(quarantined.values()),
                "left_out": out,
                "quarantined": quarantined,
            }
        )
    return {
        "rows_read": sum(file["rows_read"] for file in files),
        "rows_kept": sum(file["rows_kept"] for file in files),
        "left_out": _added(file["left_out"] for file in files),
        "quarantined": _added(file["quarantined"] for file in files),
        "files": files,
    }


def _added(counts):
    """Add up dicts of counts."""
    total = pd.DataFrame(list(counts)).sum().astype(int)
    return {str(reason): int(number) for reason, number in total.items()}


def book_table(name):
    """Give the meaning of a table's row and columns as a DataFrame, for help and docs.

    Parameters
    ----------
    name : str, a table of docs/tables.md

    Returns
    -------
    pandas.DataFrame
        One row a column of the table: `column, dtype, meaning, missing` (what a missing value means).

    Examples
    --------
    >>> book_table("texts")["column"].to_list()
    ['text_id', 'text', 'count']
    """
    table = TABLES[name]
    return pd.DataFrame(
        [(column, str(spec.dtype), spec.meaning, spec.missing) for column, spec in table.columns.items()],
        columns=["column", "dtype", "meaning", "missing"],
    )


def data_hash(book):
    """Give the fingerprint of what a book was made from: its files' content, the definitions, and people's labels.

    Parameters
    ----------
    book : Book

    Returns
    -------
    str, 12 hex characters; equal for equal files, definitions and labels, wherever the book lies

    Examples
    --------
    >>> len(data_hash(book))
    12
    """
    manifest = book.manifest
    parts = sorted(f"{source['kind']} {source['sha256']}" for source in manifest["sources"])
    parts.append(manifest.get("definitions", ""))
    for table in ("drawn", "human_labels", "llm_labels"):
        for file in sorted((book.path / table).glob("*.parquet")):
            parts.append(f"{table} {hashlib.blake2b(file.read_bytes(), digest_size=8).hexdigest()}")
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=6).hexdigest()


def count_table_rows(book):
    """Count the rows of every table of a book that has any.

    Parameters
    ----------
    book : Book

    Returns
    -------
    dict of table to number of rows

    Examples
    --------
    >>> count_table_rows(book)
    {'messages': 28, 'texts': 28, 'turns': 14, 'labels': 14, 'chances': 14, 'sessions': 8, 'ratings': 7, 'agents': 2}
    """
    built = {name: book.scan(name).select(pl.len()).collect().item() for name in (*BUILT, "human_labels")}
    imported = {kind: read_imported(book.path, kind).height for kind in (*IMPORTED, "quarantine")}
    return {name: rows for name, rows in (built | imported).items() if rows}


def list_rulepacks(sessions):
    """Name the rule packs in force in some sessions.

    Parameters
    ----------
    sessions : pandas.DataFrame with `rulepack`

    Returns
    -------
    list of str, sorted

    Examples
    --------
    >>> list_rulepacks(book.sessions)
    ['taobao 2000-01-01']
    """
    return sorted(sessions["rulepack"].dropna().unique())


def csv_bytes(book, name):
    """Give a built table as CSV: true/false, ISO times with offset, empty for missing.

    Parameters
    ----------
    book : Book
    name : "sessions" or "turns"
    """
    order = {"sessions": ["started_at", "session_id"], "turns": ["session_id", "session_key", "turn"]}[name]
    table = book.scan(name).sort(order, nulls_last=True).drop("session_key").collect()
    times = [column for column, dtype in table.schema.items() if isinstance(dtype, pl.Datetime)]
    return table.with_columns(pl.col(times).dt.strftime("%Y-%m-%dT%H:%M:%S%.f%:z")).write_csv().encode()
