"""Who taught the machine, so that no conversation is scored by what its own label taught.

A share is estimated from how far the machine is off where chance sent people. It knows by heart what it learnt
from, and chance may meet such a conversation, or its buyer, later on. Learning therefore also writes `unseen/` into the
user's definitions: `taught.tsv` says who taught, in folds that keep a buyer's conversations together, and
`unseen/<fold>/` holds what all other folds taught. A build codes the conversations of a fold by that.
"""

import hashlib
from pathlib import Path

import polars as pl

from csnb.lookup import UNSEEN, read_rows

_FOLDS = 5
_TAUGHT, _COLUMNS = f"{UNSEEN}/taught.tsv", ("whose", "fold")
_NOTE = "# Whose conversations taught: buyers, or sessions without one. Written by learning."


def give_folds(sessions):
    """Give every session a fold; sessions of one buyer share it, whatever else is in the table.

    Parameters
    ----------
    sessions : polars.DataFrame
        One row a session with `session_key`, and optionally `buyer_id`.

    Returns
    -------
    polars.DataFrame
        `session_key`, `whose` (the buyer, else the session, as text) and `fold`, 0 to 4.

    Examples
    --------
    >>> folds = give_folds(pl.DataFrame({"session_key": [1, 2, 3], "buyer_id": ["b7", "b7", None]}))
    >>> folds["whose"].to_list(), bool(folds["fold"][0] == folds["fold"][1])
    (['b7', 'b7', '3'], True)
    """
    buyer = pl.col("buyer_id") if "buyer_id" in sessions.columns else pl.lit(None, pl.String)
    whose = sessions.select("session_key", whose=pl.coalesce(buyer, pl.col("session_key").cast(pl.String)))
    digests = (hashlib.sha256(name.encode()).digest()[:4] for name in whose["whose"])
    folds = pl.Series("fold", [int.from_bytes(digest) % _FOLDS for digest in digests], pl.Int64)
    return whose.with_columns(folds)


def fold_folder(folder, fold):
    """Give the folder of what the other folds taught; its definitions stand on those of `folder`."""
    return Path(folder) / UNSEEN / str(fold)


def write_taught(folder, folds):
    """Write who taught, from rows of `give_folds`."""
    lines = folds.select("whose", "fold").unique().sort("fold", "whose")
    lines = lines.select(pl.concat_str("whose", "fold", separator="\t")).to_series()
    (Path(folder) / _TAUGHT).write_text("\n".join([_NOTE, "\t".join(_COLUMNS), *lines]) + "\n", "utf-8")


def read_taught(folder=None):
    """Read who taught, as a dict of buyer or session to fold; empty where nothing was learnt.

    Examples
    --------
    >>> read_taught()
    {}
    """
    if folder is None or not (Path(folder) / _TAUGHT).is_file():
        return {}
    return {row["whose"]: int(row["fold"]) for row in read_rows(_TAUGHT, _COLUMNS, folder)}


def split_by_teacher(sessions, taught, folder):
    """Say which definitions each session is coded by: those that learnt nothing from it, nor from its buyer.

    Parameters
    ----------
    sessions : polars.DataFrame with `session_key, buyer_id`
    taught : dict of `read_taught`
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    list of (folder, session_key)
        A folder, as text, and a Series of the sessions that it codes; together they are all sessions.

    Examples
    --------
    >>> sessions = pl.DataFrame({"session_key": [1, 2, 3], "buyer_id": ["b7", "b8", None]})
    >>> [(folder, keys.to_list()) for folder, keys in split_by_teacher(sessions, {"b8": 4}, "own")]
    [('own', [1, 3]), ('own/unseen/4', [2])]
    """
    whose = pl.coalesce("buyer_id", pl.col("session_key").cast(pl.String))
    folds = sessions.select(
        "session_key", fold=whose.replace_strict(taught, default=None, return_dtype=pl.Int64)
    )
    parts = folds.partition_by("fold", as_dict=True)
    return [
        (folder if fold is None else fold_folder(folder, fold).as_posix(), part["session_key"])
        for (fold,), part in sorted(parts.items(), key=lambda item: -1 if item[0][0] is None else item[0][0])
    ]
