"""Personal data: masked in texts, replaced in columns, turned into keyed hashes in ids.

The masks are rows of `definitions/masks.toml`; only rows that a cheap gate lets through are
searched, so that a million short messages take about a second.
"""

import re
from functools import cache
from hashlib import blake2b
from typing import NamedTuple

import polars as pl

from csnb.lookup import line_of, read_toml, wrong

_FILE = "masks.toml"
_KEYS = {"name", "placeholder", "gate", "pattern", "examples", "counter_examples"}


class Mask(NamedTuple):
    """One kind of personal data: how it is found and the mark that stands in its place."""

    name: str
    placeholder: str
    gate: str
    pattern: str
    examples: tuple
    counter_examples: tuple


def mask_text(texts, folder=None):
    """Replace personal data in texts by marks such as `<手机>`.

    Parameters
    ----------
    texts : pl.Series or pl.Expr of String
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pl.Series or pl.Expr, as given; missing texts stay missing, marks already there stay as they are

    Examples
    --------
    >>> mask_text(pl.Series(["电话13812345678,13987654321", "价格1399元", None])).to_list()
    ['电话<手机>,<手机>', '价格1399元', None]
    """
    if isinstance(texts, pl.Expr):
        return texts.map_batches(lambda series: mask_text(series, folder), return_dtype=pl.String)
    masks = read_masks(folder)
    rows = texts.str.contains(_any_gate(folder)).arg_true()
    if rows.is_empty():
        return texts
    found = texts.gather(rows)
    for mask in masks:
        found = _apply(found, mask)
    return texts.clone().scatter(rows, found)


def _apply(texts, mask):
    """Apply one mask where its gate lets it; twice, as one match consumes the next one's boundary."""
    rows = texts.str.contains(mask.gate).arg_true()
    if rows.is_empty():
        return texts
    mark = "${before}" + mask.placeholder + "${after}"
    found = texts.gather(rows).str.replace_all(mask.pattern, mark).str.replace_all(mask.pattern, mark)
    return texts.clone().scatter(rows, found)


@cache
def _any_gate(folder):
    """Join all gates into one."""
    return "|".join(f"(?:{mask.gate})" for mask in read_masks(folder))


def is_personal_header(header, folder=None):
    """Say whether a column holds nothing but who somebody is, going by its header.

    Examples
    --------
    >>> is_personal_header("收货人手机"), is_personal_header("客服昵称")
    (True, False)
    """
    plain = re.sub(r"\s", "", header).lower()
    return any(word in plain for word in _personal(folder)["headers"])


def personal_placeholder(folder=None):
    """Give the mark that replaces every value of a personal column."""
    return _personal(folder)["placeholder"]


def hash_id(ids, key):
    """Turn ids into keyed hashes: equal ids stay equal, nobody without the key can go back.

    Parameters
    ----------
    ids : pl.Series of String; missing ids stay missing
    key : bytes, at most 64, the secret of the book

    Returns
    -------
    pl.Series of String, 16 hexadecimal characters each

    Examples
    --------
    >>> hash_id(pl.Series(["tb_88", None, "tb_88"]), b"secret").to_list()
    ['e5002f99830c8a59', None, 'e5002f99830c8a59']
    """
    return _over_distinct(
        ids, lambda text: blake2b(text.encode(), key=key, digest_size=8).hexdigest(), pl.String
    )


def hash64(strings):
    """Give every string a stable 64-bit number, the same on every machine.

    Parameters
    ----------
    strings : pl.Series of String; missing strings stay missing

    Returns
    -------
    pl.Series of Int64

    Examples
    --------
    >>> hash64(pl.Series(["在吗", None])).to_list()
    [-5689501698441248615, None]
    """
    return _over_distinct(
        strings,
        lambda text: int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True),
        pl.Int64,
    )


def _over_distinct(strings, function, dtype):
    """Compute each distinct value once and put the results back in place."""
    distinct = strings.unique().drop_nulls()
    values = pl.Series([function(text) for text in distinct], dtype=dtype)
    return strings.replace_strict(distinct, values, default=None, return_dtype=dtype)


@cache
def read_masks(folder=None):
    """Read and check all masks of `definitions/masks.toml`.

    Returns
    -------
    tuple of Mask, in the order in which they are applied

    Raises
    ------
    DefinitionError
        If a key is missing or unknown, or a gate or pattern is no regular expression without
        look-around; file, line and mask are named.
    """
    tree = read_toml(_FILE, folder)
    parts = _expand_parts(tree.get("parts", {}))
    return tuple(_mask(row, parts, folder) for row in tree.get("mask", []))


def _expand_parts(parts):
    """Fill the parts into each other, so that a part may use those above it."""
    done = {}
    for name, pattern in parts.items():
        done[name] = _expand(pattern, done)
    return done


def _expand(pattern, parts):
    """Fill the parts into one pattern."""
    for name, part in parts.items():
        pattern = pattern.replace("{" + name + "}", part)
    return pattern


def _mask(row, parts, folder):
    """Check one row and make it a Mask."""
    name = row.get("name", "?")
    line = line_of(_FILE, f'"{name}"', folder)
    if set(row) != _KEYS:
        raise wrong(_FILE, line, f"mask {name}", f"needs exactly {sorted(_KEYS)}, found {sorted(row)}")
    mask = Mask(**{**row, **{key: _expand(row[key], parts) for key in ("gate", "pattern")}})
    for key, pattern in (("gate", mask.gate), ("pattern", mask.pattern)):
        try:
            pl.Series([""]).str.contains(pattern)
        except pl.exceptions.PolarsError as error:
            raise wrong(_FILE, line, f"mask {name}, {key}", str(error)) from error
    return mask


@cache
def _personal(folder):
    return read_toml(_FILE, folder)["personal"]
