"""Studies of the coder that ships, which reads what simulated customers say: in words of the bank, and in new ones."""

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import polars as pl

from csnb.audit import measure_drift
from csnb.build import build_partition, read_rules
from csnb.schema import conform
from csnb.shares import measure_controllable, scored_sessions
from csnb.sides import code_summary
from csnb.world import make_world
from csnb.world.exports import messages_table
from csnb.world.truth import Truth
from validation.runner import Figure, Study
from validation.studies_shares import EVERYBODY_RATES, bounds_hold, coded, drawn, true_flags

WEEKS, LABELS = 3, 300
NOT_DRAWN = pd.DataFrame({"session_key": [], "stratum": []})
NEW_WORDS = {"known words": 0.0, "half new": 0.5, "all new": 1.0}  # share of displeasure said in new words


def talking_world(seed):
    """Make three weeks in which everybody rates; gives the world and its dissatisfied sessions."""
    world = make_world("S12", seed, weeks=WEEKS, sessions_per_week=3000, **EVERYBODY_RATES)
    is_bad = world.sessions["is_dissatisfied"].fillna(False).astype(bool)
    return world, world.sessions[is_bad].reset_index(drop=True)


def read_talk(world, rated, drift):
    """Let the coder that ships read some sessions, in a build as of any book.

    Parameters
    ----------
    world : World
    rated : DataFrame, some of `world.sessions`
    drift : float, share of displeasure that is said in words that no model has seen

    Returns
    -------
    DataFrame
        `rated` with the columns of `scored_sessions`, the machine's `side` and the `true` one.
    """
    truth = world.truth
    told = replace(truth.draw, p=SimpleNamespace(**{**vars(truth.draw.p), "drift": drift}))
    rows = truth.sessions.index.get_indexer(rated["session_id"])
    messages, _ = messages_table(replace(world, truth=Truth(told)), rows)
    keys = pl.from_pandas(rated[["session_id", "session_key"]])
    staged = conform(messages.with_row_index("line", 1).with_columns(recalled=False), "staged")
    built = build_partition(
        staged.join(keys, on="session_id").with_columns(source=pl.lit("talk")), read_rules(b"key")
    )
    labels, chances = (built[name].to_pandas() for name in ("labels", "chances"))
    sides = code_summary(built["labels"]).to_pandas().set_index("session_key")["side"]
    read = rated.assign(
        side=sides.reindex(rated["session_key"]).fillna("unexplained").to_numpy(),
        true=truth.sessions["side"].reindex(rated["session_id"]).to_numpy(),
    )
    return scored_sessions(read, labels, NOT_DRAWN, chances=chances)


def new_words(seed):
    """Label three weeks, in the last of which customers use words that no model has seen: none, half, all.

    With half of the words new the coder loses too little for 300 labels to tell the week by as a rule. With all of them new it may be
    right less often than the bounds allow: they are not put to it.
    """
    world, rated = talking_world(seed)
    is_last = rated["week"] == rated["week"].max()
    before, last = read_talk(world, rated[~is_last], 0.0), rated[is_last]
    heard = {name: read_talk(world, last, drift) for name, drift in NEW_WORDS.items()}
    usual = heard["known words"]["p_controllable"].mean()
    for name, read in heard.items():
        found, sample = drawn(pd.concat([before, read], ignore_index=True), LABELS, seed)
        human = _labelled(found, sample)
        drift = measure_drift(human, found)
        is_named = (drift["week"] == str(last["week"].iloc[0])) & (drift["p_adjusted"] < 0.05)
        yield Figure(f"{name}: audit names the last week", float(is_named.any()))
        share = measure_controllable(found, human).iloc[0]
        truth, machine = true_flags(found)["controllable"].mean(), found["p_controllable"].mean()
        yield Figure(f"{name}: share holds the truth", float(share["low"] <= truth <= share["high"]))
        is_outside = not share["low"] <= machine <= share["high"]
        yield Figure(f"{name}: machine alone is outside", float(is_outside))
        if name != "all new":
            yield Figure(f"{name}: bounds without labels hold the truth", float(bounds_hold(found)))
        if name != "known words":
            yield Figure(f"{name}: machine's mean over the usual", read["p_controllable"].mean() / usual)


def _labelled(found, sample):
    """Label what was drawn without error; gives table `human_labels` with what the audit needs."""
    chance = pd.Series(sample).groupby(found["stratum"]).transform("mean")
    read = found.assign(drawn_probability=chance)[sample]
    human = coded(read, "li", true_flags(read)).assign(population="dissatisfied")
    return human.merge(read[["session_key", "drawn_probability"]], on="session_key")


AUDIT = {
    "known words: audit names the last week": (0.0, 0.1),
    "half new: audit names the last week": (0.05, 1.0),
    "all new: audit names the last week": (0.5, 1.0),
    "known words: bounds without labels hold the truth": (0.95, 1.0),
    "half new: bounds without labels hold the truth": (0.9, 1.0),
    "half new: machine's mean over the usual": (0.0, 0.9),
    "all new: machine's mean over the usual": (0.0, 0.8),
    **{f"{name}: share holds the truth": (0.92, 1.0) for name in NEW_WORDS},
    **{f"{name}: machine alone is outside": (0.9, 1.0) for name in NEW_WORDS},
}
STUDIES = (
    Study("new_words", "Labels hold the truth whatever words customers use, and the audit names most weeks in which all are new.", new_words,
          AUDIT, worlds=200, smoke=4),
)  # fmt: skip
