"""Session ids for exports that have none: by links of reply, or by silence."""

import polars as pl

from csnb.masks import hash_id

_FLOAT_END = r"\.0$"


def link_threads(messages):
    """Name the thread of every message: all messages joined by links of reply, directly or not.

    Parameters
    ----------
    messages : pl.DataFrame with the text column `message_id` and those of `replies_to` (id of the
        message answered) and `replied_by` (ids of the answers, comma separated) that the export has;
        ids written as floats are read

    Returns
    -------
    pl.Series of String
        Of all message ids in the thread that the file holds, the smallest (shortest first).

    Examples
    --------
    >>> rows = {"message_id": ["3", "1", "7"], "replies_to": ["1.0", None, None], "replied_by": [None, "3", None]}
    >>> link_threads(pl.DataFrame(rows)).to_list()
    ['1', '1', '7']
    """
    ids = messages["message_id"].str.replace(_FLOAT_END, "")
    parents = {}
    for name in [name for name in ("replies_to", "replied_by") if name in messages.columns]:
        for message_id, others in zip(ids, messages[name], strict=True):
            for other in (others or "").split(","):
                if message_id and other.strip():
                    _join(parents, message_id, other.strip().removesuffix(".0"))
    roots = [_root(parents, message_id) for message_id in ids]
    threads = pl.DataFrame({"id": ids, "root": roots})
    first = (
        threads.sort(pl.col("id").str.len_chars(), "id")
        .group_by("root")
        .agg(pl.col("id").first().alias("thread"))
    )
    return threads.join(first, on="root", how="left", maintain_order="left", nulls_equal=True)["thread"]


def _root(parents, item):
    """Find the name of an item's group, shortening the way for the next search."""
    while parents.get(item, item) != item:
        parents[item] = parents.get(parents[item], parents[item])
        item = parents[item]
    return item


def _join(parents, one, other):
    """Make two groups one."""
    parents[_root(parents, one)] = _root(parents, other)


def cut_by_silence(messages, minutes, key):
    """Cut conversations into sessions where nobody wrote for some time.

    Parameters
    ----------
    messages : pl.DataFrame with `sent_at` (no missing values), `sender`, `line`, and those of `receiver`,
        `room` and `block` that the export has: a conversation is a room, or the two who write to each
        other, within one block of the file
    minutes : float, a longer silence ends the session
    key : bytes, the book's secret: who writes is personal, so the id is a keyed hash

    Returns
    -------
    pl.Series of String
        A session id made of who talks, and who began when: the same in every import.
    """
    changes = pl.col("conversation") != pl.col("conversation").shift()
    rests = pl.col("sent_at").diff() > pl.duration(seconds=round(minutes * 60))
    first = pl.concat_str(
        "conversation", pl.col("sent_at").dt.epoch("ms"), pl.col("sender").fill_null(""), separator="|"
    )
    ordered = messages.with_columns(_conversation(messages.columns).alias("conversation")).sort(
        "conversation", "sent_at", "line"
    )
    named = ordered.select(
        "line", pl.when(changes.fill_null(True) | rests).then(first).forward_fill().alias("session")
    )
    return hash_id(named.sort("line")["session"], key)


def _conversation(columns):
    """Name the conversation of a message: block of the file, and room or the pair who write."""
    pair = pl.concat_list(pl.col(name).fill_null("") for name in ("sender", "receiver") if name in columns)
    both = pair.list.sort().list.join("|") if "receiver" in columns else pl.lit("")
    who = pl.coalesce("room", both) if "room" in columns else both
    return pl.concat_str(pl.col("block") if "block" in columns else pl.lit(""), who, separator="|")
