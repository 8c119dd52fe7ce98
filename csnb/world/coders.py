"""Made-up coders: they label a sample of a world's exports as two people would, from the truth with small errors.

The loop is the one that analysts go: the exports become a book, `sample_labels` draws from it, the sheets are
filled in. Beside the exports then lie `labels.csv.gz`, a filled sheet as `csnb label import` reads it, and
`drawn.parquet`, the draw, which a book made anew needs before it can take the sheet: a draw goes by the
machine's codes of its day, and these change with every rule.
"""

import csv
import gzip
import io
import shutil
import tempfile
from pathlib import Path

import polars as pl

from csnb.book import open_book, read_conversations
from csnb.human import FINAL
from csnb.labelling import sample_labels
from csnb.lookup import read_toml
from csnb.reasons import UNCLEAR
from csnb.sheets import sheet_columns, sheet_paths, write_sheets
from csnb.sources import import_export
from csnb.world.draws import stream

LABELS, DRAWN = "labels.csv.gz", "drawn.parquet"


def label_exports(out, reasons, n, seed):
    """Draw a sample of dissatisfied conversations from exports, label it, and write it beside them.

    Parameters
    ----------
    out : folder of `write_exports`
    reasons : polars.DataFrame of `messages_table`: session_id, code, quote
    n : int, conversations to label
    seed : int

    Returns
    -------
    dict of coder to number of answers; where two coders differ there is a third answer, by `final`

    Raises
    ------
    ParameterError
        As `sample_labels`: where there is nothing to draw from.

    Examples
    --------
    >>> label_exports("exports", reasons, n=200, seed=1)  # doctest: +SKIP
    """
    out, manners = Path(out), read_toml("world/coders.toml")
    with tempfile.TemporaryDirectory() as folder:
        book = _book_of(out, Path(folder) / "book")
        cases = sample_labels(book, book.sessions, n, seed, coders=manners["names"])
        shown = _shown(book, cases, reasons)
        sheets = sheet_paths(Path(folder) / "labels.csv", manners["names"])
        write_sheets(book, cases, sheets)
        rows = [
            {**row, **_answer(_as_seen(shown[row["session_id"]], manners, seed, row["case"], coder))}
            for coder, sheet in sheets.items()
            for row in csv.DictReader(io.StringIO(sheet.read_text("utf-8-sig")))
        ]
        rows += [{**row, **_answer(shown[row["session_id"]]), "coder": FINAL} for row in _disputed(rows)]
        shutil.copyfile(book.path / "drawn" / "0001.parquet", out / DRAWN)
    (out / LABELS).write_bytes(gzip.compress(_sheet(rows), mtime=0))
    coders = [row["coder"] for row in rows]
    return {coder: coders.count(coder) for coder in dict.fromkeys(coders)}


def _book_of(out, path):
    """Import what a draw goes by, messages and ratings, into a book."""
    for file, layout, kind, _ in pl.read_csv(out / "exports.csv").iter_rows():
        if kind in ("messages", "ratings"):
            import_export(out / file, layout, path, kind)
    return open_book(path)


def _shown(book, cases, reasons):
    """Give every drawn session its true reasons, each with the number of the first message that shows it."""
    said = read_conversations(book, cases["session_key"]).drop_nulls("text")
    named = said.join(pl.from_pandas(cases[["session_key", "session_id"]]), on="session_key")
    found = named.join(reasons, left_on=["session_id", "text"], right_on=["session_id", "quote"])
    first = found.sort("session_id", "number").unique(
        ["session_id", "code"], keep="first", maintain_order=True
    )
    shown = {session: {} for session in cases["session_id"]}
    for session, code, number in first.select("session_id", "code", "number").iter_rows():
        shown[session][code] = number
    return shown


def _as_seen(reasons, manners, seed, case, coder):
    """Give the reasons as one coder sees them: some missed, some taken for others."""
    chance, seen = stream(seed, f"{coder} reads {case}"), {}
    for code, number in reasons.items():
        lot, which = chance.random(2)
        if lot < manners["misses"]:
            continue
        taken_for = manners["taken_for"].get(code, [code])
        is_mistaken = lot < manners["misses"] + manners["mistakes"]
        seen.setdefault(taken_for[int(which * len(taken_for))] if is_mistaken else code, number)
    return seen if len(seen) == 1 else {code: number for code, number in seen.items() if code != UNCLEAR}


def _answer(reasons):
    """Write reasons into the cells of a row; the first one shown weighs most."""
    return {"dissatisfied": int(bool(reasons)), "primary": next(iter(reasons), ""), **reasons}


def _disputed(rows):
    """Give the empty rows of the cases on which two coders differ."""
    fixed = ("case", "session_id", "use", "stratum", "drawn_probability")
    said = {}
    for row in rows:
        answer = {name: value for name, value in row.items() if name not in ("coder", "note") and value != ""}
        said.setdefault(row["case"], []).append(answer)
    for first, *others in said.values():
        if any(other != first for other in others):
            yield {name: first.get(name, "") for name in fixed}


def _sheet(rows):
    """Write the rows as one sheet, without the conversations: these stand in the exports."""
    page = io.StringIO()
    columns = [name for name in sheet_columns(None) if name != "conversation"]
    writer = csv.DictWriter(page, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: (row["case"], row["coder"] == FINAL, row["coder"])))
    return page.getvalue().encode()
