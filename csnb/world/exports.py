"""Worlds as files: chat exports and the tables beside them, in a platform's own column layout."""

import gzip
import io
from pathlib import Path

import numpy as np
import polars as pl

from csnb.schema import TIME
from csnb.world.making import make_world
from csnb.world.observed import at, session_ids
from csnb.world.talk import talk

TABLES = ("ratings", "agents", "events", "orders", "refunds", "tickets", "shifts")


def simulate(scenario, weeks, seed, platforms, out, truth=None, **changes):
    """Write one world as exports, ready for `csnb import`, and its truth apart if asked.

    Parameters
    ----------
    scenario, weeks, seed, platforms, changes : as in `make_world`
    out : folder of the exports
    truth : folder of the truth, or None

    Returns
    -------
    list of paths written
    """
    world = make_world(scenario, seed, weeks=weeks, platforms=platforms, **changes)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    written = [write_table(messages_table(world), out / "messages.csv.gz")]
    for name in TABLES:
        table = pl.from_pandas(getattr(world, name))
        if table.height:
            written.append(write_table(table, out / f"{name}.csv.gz"))
    if truth is not None:
        Path(truth).mkdir(parents=True, exist_ok=True)
        written.append(
            write_table(pl.from_pandas(world.truth.sessions.reset_index()), Path(truth) / "sessions.csv.gz")
        )
    return written


def messages_table(world):
    """Give all messages of a world in the generic layout, in order of time."""
    draw = world.truth.draw
    rows, seconds, roles, agents, kinds, texts = [], [], [], [], [], []
    for session in talk(draw):
        for message in session:
            rows.append(message.row)
            seconds.append(message.second)
            roles.append(message.role)
            agents.append(message.agent)
            kinds.append(message.kind)
            texts.append(message.text)
    rows, agents = np.array(rows), np.array(agents)
    c = draw.contacts
    names = np.append(draw.agents["agent_id"].astype(object), None)
    seen = world.sessions.set_index("session_id").reindex(session_ids(draw))
    table = pl.DataFrame({
        "session_id": session_ids(draw)[rows],
        "sent_at": pl.Series(at(draw, np.round(np.array(seconds)))).cast(TIME),
        "role": roles,
        "text": texts,
        **{name: pl.Series(seen[name].to_numpy(dtype=object)[rows].tolist(), dtype=pl.String) for name in ("platform", "shop", "channel", "buyer_id")},
        "agent_id": pl.Series(names[agents].tolist(), dtype=pl.String),
        "kind": kinds,
        "order_id": pl.Series([None if order != order else order for order in seen["order_id"].to_numpy(dtype=object)[rows].tolist()], dtype=pl.String),
        "product": pl.Series(seen["product"].to_numpy(dtype=object)[rows].tolist(), dtype=pl.String),
    })  # fmt: skip
    order = np.lexsort((np.arange(len(rows)), np.array(seconds), c["second"][rows]))
    return table[order]


def write_table(table, path):
    """Write one CSV, gzipped without a clock time where the name ends in .gz."""
    times = [name for name, dtype in table.schema.items() if dtype == TIME or isinstance(dtype, pl.Datetime)]
    table = table.with_columns(pl.col(name).dt.to_string("%Y-%m-%d %H:%M:%S") for name in times)
    buffer = io.BytesIO()
    table.write_csv(buffer)
    data = buffer.getvalue()
    if path.suffix == ".gz":
        data = gzip.compress(data, compresslevel=9, mtime=0)
    path.write_bytes(data)
    return path
