"""A book: a folder of Parquet tables with one manifest.

book/manifest.json            what was imported and what was built from it
book/key                      secret of the keyed hashes; without it ids cannot be joined again
book/sources/<source>/        what one file brought, by kind, in partitions
book/messages/ texts/ turns/ facts/ labels/ chances/   one file a partition, made by build
book/sessions/                one file a day, made by build
book/drawn/ human_labels/     which sessions people label, and what they answered (csnb.labelling)
book/llm_labels/              what the user's own language model answered (csnb.llm)
definitions/                  beside the book: the user's own definitions, if any
"""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from csnb.accounts import mark_shared
from csnb.errors import BookError, ParameterError, one_of
from csnb.ratings import rated_sessions
from csnb.rulepacks import load_rulepacks
from csnb.schema import ZONE, conform, empty
from csnb.sides import code_summary
from csnb.slices import add_slices

BUILT = ("messages", "texts", "turns", "labels", "chances", "sessions")
IMPORTED = ("ratings", "agents", "events", "official", "orders", "refunds", "tickets", "shifts")


@dataclass(frozen=True)
class Book:
    """One book, read-only. Tables are read anew at each access; keep what you use.

    `messages` and `texts` are lazy Polars frames; all others are pandas DataFrames with the
    columns of `csnb.schema`, and `sessions` also has what `rated_sessions` adds.

    Examples
    --------
    >>> book = open_book("data/books/demo")            # doctest: +SKIP
    >>> book.sessions.groupby("shop").size()           # doctest: +SKIP
    """

    path: Path

    def __repr__(self):
        sources = self.manifest["sources"]
        return f"<csnb book {self.path.name}: {len(sources)} files, {len(self.partitions)} partitions>"

    @property
    def manifest(self):
        """What was imported and built, as a dict."""
        return read_manifest(self.path)

    @property
    def partitions(self):
        """Names of the built partitions, sorted."""
        return sorted(self.manifest["partitions"])

    @property
    def definitions_folder(self):
        """The user's own definitions beside the book, or None."""
        folder = self.path.parent / "definitions"
        return folder if folder.is_dir() else None

    @property
    def messages(self):
        """One row a message, as a lazy Polars frame."""
        return self.scan("messages")

    @property
    def texts(self):
        """One row a distinct masked text with its count, as a lazy Polars frame."""
        return self.scan("texts").group_by("text_id").agg(pl.col("text").first(), pl.col("count").sum())

    @property
    def turns(self):
        """One row a question and its first valid reply."""
        return self._frame("turns").sort("asked_at", "session_key", "turn", nulls_last=True).to_pandas()

    @property
    def labels(self):
        """One row a reason on one session, with its evidence."""
        return self._frame("labels").to_pandas()

    @property
    def chances(self):
        """One row a reason that the machine does not rule out on one session, decided or not."""
        return self._frame("chances").to_pandas()

    @property
    def drawn(self):
        """One row a session of the populations that labels were drawn from, as of the latest draw."""
        drawn = self._frame("drawn").unique(["population", "session_key"], keep="last", maintain_order=True)
        return drawn.to_pandas()

    @property
    def human_labels(self):
        """One row an answer of an analyst on one code of one session, with how the session was drawn."""
        drawn = pl.from_pandas(self.drawn).select("case", "population", "stratum", "drawn_probability", "use")
        answers = self._frame("human_labels").drop("population", "stratum", "drawn_probability", "use")
        labels = answers.join(drawn.drop_nulls("case"), on="case", how="left", maintain_order="left")
        return conform(labels.with_columns(pl.col("use").fill_null("train")), "human_labels").to_pandas()

    @property
    def llm_labels(self):
        """One row a reason on one session by the user's own language model; empty if none was asked."""
        return self.scan("llm_labels", "labels").collect().to_pandas()

    @property
    def sessions(self):
        """One row a conversation with its facts, rating, agent's attributes, reasons and slices.

        `is_shared_account` is true where several people use the account that served it (accounts.toml).
        Its `attrs` hold the path of the book, for the labeller.
        """
        rated = rated_sessions(
            self._frame("sessions"),
            self._imported("ratings"),
            self._imported("agents"),
            load_rulepacks(self.definitions_folder),
        )
        codes = code_summary(self._frame("labels"), self.definitions_folder).to_pandas()
        sessions = add_slices(rated.merge(codes, on="session_key", how="left"), self.definitions_folder)
        sessions = mark_shared(sessions, self.definitions_folder)
        sessions.attrs["book"] = str(self.path)
        return sessions

    @property
    def ratings(self):
        """One row a rating or an unanswered invitation."""
        return self._imported("ratings").to_pandas()

    @property
    def agents(self):
        """One row an agent account."""
        return self._imported("agents").to_pandas()

    @property
    def events(self):
        """One row an event of the calendar, in order of time."""
        return self._imported("events").sort("starts_at", "line").to_pandas()

    @property
    def official(self):
        """One row a metric as the platform reported it."""
        return self._imported("official").to_pandas()

    @property
    def orders(self):
        """One row an order."""
        return self._imported("orders").to_pandas()

    @property
    def refunds(self):
        """One row a refund."""
        return self._imported("refunds").to_pandas()

    @property
    def tickets(self):
        """One row a ticket."""
        return self._imported("tickets").to_pandas()

    @property
    def shifts(self):
        """One row a spell of an agent on duty."""
        return self._imported("shifts").to_pandas()

    @property
    def quarantine(self):
        """One row a row that could not be read."""
        return self._imported("quarantine").to_pandas()

    def scan(self, table, shape=None):
        """Scan any built table as a lazy Polars frame, as it stands in its files; without files it is empty.

        Its columns are those of the table `shape` of `csnb.schema` where they are not its own.
        """
        files = sorted((self.path / table).glob("*.parquet"))
        return pl.scan_parquet(files) if files else empty(shape or table).lazy()

    def _frame(self, table):
        """Read a built table as a Polars frame."""
        return self.scan(table).collect()

    def _imported(self, kind):
        """Read all that the imports of one kind brought, in order of import."""
        return read_imported(self.path, kind)


def open_book(path):
    """Open a book for reading.

    Parameters
    ----------
    path : path of the book's folder

    Returns
    -------
    Book

    Raises
    ------
    BookError
        If the folder holds no manifest; the message says how to make a book.

    Examples
    --------
    >>> open_book(book.path)
    <csnb book shop: 3 files, 6 partitions>
    """
    path = Path(path).resolve()
    if not (path / "manifest.json").is_file():
        raise BookError(
            f"{path} is not a book; make one with: csnb import FILES --platform P --into {path.name}"
        )
    return Book(path)


def create_book(path):
    """Make the folder of a book unless it is there, and open it.

    The key of the hashes is drawn once; the environment variable CSNB_KEY (hex) sets it instead,
    so that several books give the same buyer the same hash.

    Raises
    ------
    BookError
        If the path is a file, or a folder that holds other things.
    """
    path = Path(path).resolve()
    if path.exists() and not path.is_dir():
        raise BookError(f"{path} is a file; a book is a folder")
    if path.is_dir() and not (path / "manifest.json").is_file() and any(path.iterdir()):
        raise BookError(f"{path} holds other files and no manifest; give an empty or new folder")
    if not (path / "manifest.json").is_file():
        path.mkdir(parents=True, exist_ok=True)
        write_bytes(path / "key", os.environ.get("CSNB_KEY", secrets.token_hex(32)).encode())
        (path / "key").chmod(0o600)
        write_manifest(path, {"zone": ZONE, "sources": [], "partitions": {}})
    return Book(path)


def read_manifest(path):
    """Read the manifest of a book as a dict."""
    return json.loads((path / "manifest.json").read_text("utf-8"))


def write_manifest(path, manifest):
    """Write the manifest of a book, whole or not at all."""
    write_bytes(path / "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1).encode())


def read_key(path):
    """Read the secret of a book's keyed hashes."""
    return bytes.fromhex((path / "key").read_text().strip())


def write_bytes(path, data):
    """Write a file so that readers see the old one or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(data)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_parquet(path, frame):
    """Write a Parquet file so that readers see the old one or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    frame.write_parquet(draft, compression="zstd", compression_level=3)
    os.replace(draft, path)


def read_imported(path, kind):
    """Read all rows that the imports of one kind brought, in order of import.

    Rows of a kind keep the order of import and file, so that a later import wins where one row a
    session (or an agent) is wanted.
    """
    files = [
        file
        for source in read_manifest(path)["sources"]
        for file in sorted((path / "sources" / source["id"] / kind).glob("*.parquet"))
    ]
    return pl.concat([pl.read_parquet(file) for file in files]) if files else empty(kind)


def select_sessions(book, date_from=None, date_to=None, shops=None):
    """Give the sessions a report is about.

    Parameters
    ----------
    book : Book
    date_from, date_to : "YYYY-MM-DD" or None, days of session start, both included
    shops : list of str or None; None is all shops

    Returns
    -------
    pandas.DataFrame
        `book.sessions` of these shops. Sessions outside the days keep their row and are left out
        as `out_of_period`; sessions without a day stay in.

    Raises
    ------
    ParameterError
        If a shop is unknown, or no session lies in the period; what the book holds is named.

    Examples
    --------
    >>> sessions = select_sessions(book, "2026-11-18", "2026-11-22")
    >>> sessions["left_out_because"].value_counts().to_dict()
    {'out_of_period': 4}
    """
    sessions = book.sessions
    for shop in shops or []:
        one_of("shop", shop, sorted(sessions["shop"].dropna().unique()))
    if shops:
        sessions = sessions[sessions["shop"].isin(shops)]
    dated = sessions["day"] != "unknown"
    outside = dated & ~sessions["day"].between(date_from or "0000", date_to or "9999")
    if len(sessions) and outside.all():
        first, last = sessions.loc[dated, "day"].agg(["min", "max"])
        raise ParameterError(f"no session from {date_from} to {date_to}; the book holds {first} to {last}")
    return sessions.assign(left_out_because=sessions["left_out_because"].mask(outside, "out_of_period"))


def read_conversations(book, session_keys):
    """Read the masked messages of some conversations: all that count, in order.

    Parameters
    ----------
    book : Book
    session_keys : sequence of int

    Returns
    -------
    polars.DataFrame
        One row a message: `session_key, number, sent_at, role, kind, text` (missing for an image and the like).

    Examples
    --------
    >>> said = read_conversations(book, book.sessions["session_key"].head(1))
    >>> said["text"][0]
    '请问今天拍下能发货吗'
    """
    wanted = pl.LazyFrame({"session_key": list(session_keys)}, schema={"session_key": pl.Int64}).unique()
    return (
        book.messages.filter(pl.col("left_out_because").is_null())
        .join(wanted, on="session_key", how="semi")
        .join(book.texts.select("text_id", "text"), on="text_id", how="left")
        .select("session_key", "number", "sent_at", "role", "kind", "text")
        .sort("session_key", "number")
        .collect()
    )
