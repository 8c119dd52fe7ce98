"""File layouts: what the columns and values of an export are called, one TOML file a layout.

A layout has one or more shapes for each kind of file it knows. A shape says, canonical name by
canonical name, which headers and values the export uses; read backwards it writes such an export.
What a layout does not say, `generic.toml` says.
"""

import re
import unicodedata
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

import polars as pl

from csnb.errors import ExportError
from csnb.lookup import definition_names, line_of, read_toml, wrong
from csnb.schema import KINDS, ROLES, TABLES

FILE_KINDS = ("messages", "ratings", "agents", "events", "official", "orders", "refunds", "tickets", "shifts")
UNITS = ("seconds", "minutes", "hours", "rate", "percent", "count", "ratio", "yuan")

#: columns that are read to find others and are not kept: meaning
HELPERS = {
    "sender": "who sent the message, where the export names no role",
    "receiver": "to whom",
    "room": "the group chat the message was sent in",
    "replies_to": "message_id of the message answered",
    "replied_by": "message_ids of the answers, comma separated",
    "recalls": "message_id of the message that this one takes back",
    "block": "part of the file between two marks, such as ======",
}


NOTHING = MappingProxyType({})


class Form(NamedTuple):
    """How the bytes of a file become rows."""

    encodings: tuple = ("utf-8", "gb18030")
    delimiter: str | None = None
    names: tuple = ()
    quote: bool = True
    rest_in_last: bool = False
    rows: tuple = ()
    children: str | None = None
    line: str | None = None
    mark: str | None = None


class Shape(NamedTuple):
    """One shape of one kind of file: headers, values, and how sessions are found."""

    required: tuple
    columns: dict
    values: dict = NOTHING
    defaults: dict = NOTHING
    free: tuple = ()
    together: tuple = ()
    hashed: tuple = ()
    session: str = "column"
    silence_minutes: float | None = None
    speakers: dict = NOTHING
    rules: tuple = ()
    shop_pattern: str | None = None
    metrics: tuple = ()
    day_pattern: str | None = None


class Layout(NamedTuple):
    """One file layout: its form, its conventions, and its shapes by kind of file."""

    name: str
    describes: str
    platform: str
    zone: str
    times: tuple
    missing: tuple
    summary_rows: tuple
    masked_ids: tuple
    notice_kinds: dict
    refuse_above: float
    form: Form
    shapes: dict


def list_layouts(folder=None):
    """Give the names of all file layouts, with what each describes.

    Parameters
    ----------
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    dict of name to description

    Examples
    --------
    >>> "generic" in list_layouts()
    True
    """
    return {
        name: read_layout(name, folder).describes for name in definition_names("platforms", folder=folder)
    }


def plain_header(header):
    """Give a header without what people vary: width of brackets, spaces, case.

    Examples
    --------
    >>> plain_header(" 平均响应时长（秒) ")
    '平均响应时长(秒)'
    """
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", header)).lower()


def shapes_of(layout, kind):
    """Give the shapes of one kind of file.

    Raises
    ------
    ExportError
        If the layout has none; the kinds that it has are listed.
    """
    if kind not in layout.shapes:
        raise ExportError(
            f"layout {layout.name} has no files of kind {kind}; it has: {', '.join(layout.shapes)}. "
            "Bring the table into the documented columns and use layout generic"
        )
    return layout.shapes[kind]


@cache
def read_layout(name, folder=None):
    """Read and check one layout of `definitions/platforms/`.

    Parameters
    ----------
    name : str, such as "generic"
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    Layout

    Raises
    ------
    DefinitionError
        If there is no such layout, or a key or value is unknown; file, line, key and what is allowed
        are named.
    """
    own = read_toml(_file(name), folder)
    base = own if name == "generic" else read_toml(_file("generic"), folder)

    def fail(key, what):
        raise wrong(_file(name), line_of(_file(name), key, folder), key, what)

    _check_keys(fail, own, {"file", *_TOP, *FILE_KINDS})
    for key in ("describes", "platform"):
        if not isinstance(own.get(key), str):
            fail(key, "must be given, as text")
    top = {key: _frozen(own.get(key, base.get(key))) for key in _TOP if key != "source"}
    form = _form(fail, own.get("file", {}))
    shapes = {
        kind: tuple(_shape(fail, kind, tree, base.get(kind, [{}])[0].get("values", {})) for tree in own[kind])
        for kind in FILE_KINDS
        if kind in own
    }
    return Layout(name=name, form=form, shapes=shapes, **top)


_TOP = (
    "describes", "source", "platform", "zone", "times", "missing", "summary_rows", "masked_ids",
    "notice_kinds", "refuse_above",
)  # fmt: skip


def _file(name):
    """Give the path of a layout among the definitions."""
    return f"platforms/{name}.toml"


def _check_keys(fail, tree, known):
    """Refuse keys that nobody reads."""
    for key in tree:
        if key not in known:
            fail(key, f"unknown key; known are {sorted(known)}")


def _frozen(value):
    """Turn lists into tuples."""
    return tuple(value) if isinstance(value, list) else value


def _form(fail, tree):
    """Check how the bytes become rows."""
    _check_keys(fail, tree, Form._fields)
    for key in ("line", "mark"):
        try:
            re.compile(tree.get(key, ""))
        except re.error as error:
            fail(key, f"no regular expression: {error}")
    return Form(**{key: _frozen(value) for key, value in tree.items()})


def _shape(fail, kind, tree, shared):
    """Check one shape; words that it does not list are `shared`, those of the generic layout."""
    _check_keys(fail, tree, Shape._fields)
    columns = {
        name: tuple(_header(fail, entry) for entry in known)
        for name, known in tree.get("columns", {}).items()
    }
    values = {**shared, **tree.get("values", {})}
    shape = Shape(
        **{
            **{key: _frozen(value) for key, value in tree.items()},
            "required": tuple(tree.get("required", ())),
            "columns": columns,
            "values": values,
        }
    )
    _check_columns(fail, kind, shape)
    _check_values(fail, kind, shape)
    _check_speakers(fail, shape)
    if shape.session not in ("column", "threads", "silence"):
        fail("session", "must be column, threads or silence")
    if shape.session == "silence" and not shape.silence_minutes:
        fail("silence_minutes", "must be given where sessions are cut by silence")
    for row in shape.metrics:
        if len(row) != 3 or row[2] not in UNITS:
            fail(row[0], f"a metric is [header, metric, unit], the unit one of {UNITS}")
    return shape


def _header(fail, entry):
    """Take a header: a text, or a table of it with a note and the dates at which it was used."""
    if isinstance(entry, str):
        return entry
    _check_keys(fail, entry, {"header", "since", "until", "note"})
    return entry["header"]


def _check_columns(fail, kind, shape):
    """Refuse names that are no columns of the table and no helpers."""
    table = TABLES["staged" if kind == "messages" else kind].columns
    known = {*table, *HELPERS}
    for name in (*shape.columns, *shape.defaults, *shape.hashed, *shape.free, *shape.together):
        if name not in known:
            fail(name, f"unknown column; known are {sorted(known)}")
    for name in shape.required:
        if name not in shape.columns:
            fail(name, f"required, but not among the columns {sorted(shape.columns)}")
    for rule in shape.rules:
        if set(rule) != {"header", "is", "to"} or not set(rule["to"]) <= set(table):
            fail("rules", "a rule is {header = ..., is = [...], to = {column = value}}")


def _check_values(fail, kind, shape):
    """Refuse canonical values that are not listed for their column."""
    allowed = {"recalled": ("true", "false"), "invited_by": ("agent", "auto")}
    if kind == "messages":
        allowed |= {"role": ROLES, "kind": KINDS}
    for name, words in shape.values.items():
        for value in words:
            if value not in allowed.get(name, words):
                fail(value, f"{name} must be one of {allowed[name]}")


def _check_speakers(fail, shape):
    """Refuse roles that are none and patterns that are no regular expression."""
    for role, patterns in shape.speakers.items():
        if role not in ROLES:
            fail(role, f"a role must be one of {ROLES}")
        for pattern in patterns:
            try:
                pl.Series([""]).str.contains(pattern)
            except pl.exceptions.PolarsError as error:
                fail(role, f"{pattern!r} is no regular expression: {error}")
