"""Dirt in the exports, and a record of every speck: what cleaning must find is known."""

import random

import numpy as np
import polars as pl

from csnb.lookup import read_toml
from csnb.world.draws import happens, stream
from csnb.world.grammar import parse, say

COLUMNS = ("kind", "session_id", "detail")


def soil(messages, world):
    """Put the faults of a world's parameters into its messages.

    Parameters
    ----------
    messages : polars.DataFrame, as `exports.messages_table` gives it
    world : World

    Returns
    -------
    messages, faults : polars.DataFrame
        `faults` has one row for each fault: kind (personal, merged_session, missing_agent, clock_skew,
        duplicate), session id as exported, and what was done.
    """
    p, seed = world.truth.draw.p, world.truth.draw.seed
    steps = (_give_away, _merge_sessions, _forget_agents, _slow_clocks, _write_twice)
    found = []
    for step in steps:
        messages, faults = step(messages, world, p, seed)
        found.append(as_faults(faults))
    return messages, pl.concat(found)


def as_faults(rows):
    """Make the table of faults from (kind, session_id, detail)."""
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String), orient="row")


def _give_away(messages, world, p, seed):
    """Let customers write down personal data."""
    can = (messages["role"] == "customer") & (messages["kind"] == "text")
    chosen = happens(seed, "personal data", messages.height, p.personal_share) & can.to_numpy()
    chance = random.Random(int(stream(seed, "personal words").integers(2**53)))
    lists = {
        name: tuple(map(parse, lines)) for name, lines in read_toml("world/personal.toml")["say"].items()
    }
    texts, faults = messages["text"].to_list(), []
    ids = messages["session_id"]
    for row in np.flatnonzero(chosen).tolist():
        said, tokens = _personal(lists, chance)
        texts[row] = f"{texts[row]} {said}"
        faults += [("personal", ids[row], token) for token in tokens]
    return messages.with_columns(pl.Series("text", texts)), faults


def _personal(lists, chance):
    """Make up one piece of personal data: the sentence, and the tokens no reader may ever see."""
    tokens = {
        name: say(lists[name][int(chance.random() * len(lists[name]))], lists, {}, chance)
        for name in lists
        if name != "sentence"
    }
    line = lists["sentence"][int(chance.random() * len(lists["sentence"]))]
    said = say(line, lists, tokens, chance)
    return said, [token for name, token in tokens.items() if name in _SECRET and token in said]


_SECRET = ("mobile", "landline", "id_card", "bank_card", "email", "address", "recipient", "order_number")


def _merge_sessions(messages, world, p, seed):
    """Write some repeat contacts under the id of the buyer's first session in the shop."""
    sessions = world.sessions[["session_id", "buyer_id", "shop", "started_at"]].sort_values("started_at")
    first = sessions.groupby(["buyer_id", "shop"])["session_id"].transform("first")
    again = sessions[sessions["session_id"] != first].assign(first=first)
    again = again[happens(seed, "merged", len(again), p.merged_share)]
    renamed = dict(zip(again["session_id"], again["first"], strict=True))
    faults = [("merged_session", new, old) for old, new in renamed.items()]
    return messages.with_columns(pl.col("session_id").replace(renamed)), faults


def _forget_agents(messages, world, p, seed):
    """Leave out the agent's id in whole sessions."""
    ids = messages["session_id"].unique(maintain_order=True)
    chosen = ids.filter(pl.Series(happens(seed, "missing agent", len(ids), p.missing_agent_share)))
    hit = pl.col("session_id").is_in(chosen.implode())
    cleaned = messages.with_columns(pl.when(hit).then(None).otherwise(pl.col("agent_id")).alias("agent_id"))
    return cleaned, [("missing_agent", name, None) for name in chosen]


def _slow_clocks(messages, world, p, seed):
    """Set the agent's clock back in whole sessions."""
    ids = messages["session_id"].unique(maintain_order=True)
    chosen = ids.filter(pl.Series(happens(seed, "clock skew", len(ids), p.skew_share)))
    hit = pl.col("session_id").is_in(chosen.implode()) & (pl.col("role") == "agent")
    late = pl.col("sent_at") - pl.duration(seconds=p.skew_seconds)
    soiled = messages.with_columns(pl.when(hit).then(late).otherwise(pl.col("sent_at")).alias("sent_at"))
    return soiled, [("clock_skew", name, f"agent {p.skew_seconds:g} s slow") for name in chosen]


def _write_twice(messages, world, p, seed):
    """Write some messages twice, the copy right below."""
    twice = happens(seed, "duplicate", messages.height, p.duplicate_share)
    rows = np.repeat(np.arange(messages.height), 1 + twice)
    faults = [("duplicate", name, None) for name in messages["session_id"].filter(pl.Series(twice))]
    return messages[rows], faults
