"""Studies of owners: the share of dissatisfaction that each answers for, and whether its part of the ratings changes.

Worlds carry no codes of a machine, so readers make them here from the truth: each misses some of the reasons that hold
and sees some that do not, reason by reason. A coder errs in the same way, less often.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from csnb.owner_trends import GROWING, SHRINKING, compare_owner_halves
from csnb.owners import assign_owners, measure_owners
from csnb.reasons import read_owners
from csnb.satisfaction import dissatisfied_sessions
from csnb.shares import scored_sessions
from csnb.world import make_world
from csnb.world.causes import CODES, EXTERNAL
from validation.runner import Estimate, Figure, Study
from validation.studies_changes import ALIKE, LARGE
from validation.studies_shares import EVERYBODY_RATES, drawn

OWNERS = tuple(read_owners())
MACHINE, CODER = {"misses": 0.3, "invents": 0.03}, {"misses": 0.1, "invents": 0.01}
SCORE = 0.8  # the machine's probability of every reason that it sees, right or not
TWICE = 60  # conversations that two coders read, and that are settled
STEADY = {"weeks": 2, "week_spread": 0.0, **EVERYBODY_RATES}  # agents keep their form
WORLDS = {
    "S1": STEADY,  # weeks alike
    "S3": {**STEADY, **ALIKE, "shock_lift": 10.0},  # an incident in the second, as large in every world
}
EACH = 1 - 0.05 * len(OWNERS)  # confidence for all owners together at which each interval is one of 95 %
_NOTHING_DRAWN = pd.DataFrame({"session_key": [], "stratum": []})


class Labelled(NamedTuple):
    """A world as the reports see it: all sessions, the dissatisfied with scores and strata, the machine's codes of these,
    answers by how good they are; and which reasons truly hold, by session_key of the dissatisfied."""

    sessions: pd.DataFrame
    scored: pd.DataFrame
    machine: pd.DataFrame
    answers: dict
    true: pd.DataFrame


def labelled(scenario, seed, n, **changes):
    """Make a world; the machine reads all who are dissatisfied, people n of them and some twice."""
    world, luck = make_world(scenario, seed, **changes), np.random.default_rng(seed)
    sessions = world.sessions.assign(week="W" + world.sessions["week"].astype(str), side=None)
    bad = dissatisfied_sessions(sessions)
    true = world.truth.sessions.loc[bad["session_id"], list(CODES)].set_axis(bad["session_key"])
    seen = read(true, **MACHINE, luck=luck)
    sessions["primary"] = sessions["session_key"].map(seen.idxmax(axis=1).where(seen.any(axis=1)))
    machine = listed(seen).query("holds").assign(p=SCORE, source="stated")
    scored = scored_sessions(dissatisfied_sessions(sessions), machine, _NOTHING_DRAWN)
    scored, sample = drawn(scored, n, seed)
    chance = pd.Series(sample).groupby(scored["stratum"].to_numpy()).transform("mean")
    chance = chance.set_axis(scored["session_key"])
    right = true.loc[scored.loc[sample, "session_key"]]
    twice = right.sample(TWICE, random_state=seed)
    once, again = (read(part, **CODER, luck=luck) for part in (right, twice))
    answers = {
        "right": answered({"li": right}, chance),
        "erring": answered({"li": once, "wu": again, "final": twice}, chance),
    }
    return Labelled(sessions, scored, machine, answers, true)


def read(true, misses, invents, luck):
    """Give what a reader sees: not all that holds, and some that does not."""
    draws = luck.random(true.shape)
    return pd.DataFrame(np.where(true, draws >= misses, draws < invents), true.index, true.columns)


def listed(seen):
    """List reasons that are seen or not: `session_key, code, holds`."""
    return seen.rename_axis("session_key").rename_axis("code", axis=1).stack().rename("holds").reset_index()


def answered(said, chance):
    """Write what each coder sees as table `human_labels`; `chance` is that of being drawn."""
    table = pd.concat(listed(seen).assign(coder=coder, use="estimate") for coder, seen in said.items())
    return table.assign(drawn_probability=table["session_key"].map(chance))


def owner_shares(seed):
    """Estimate each owner's share from 200 labels, all right or by coders who err."""
    case = labelled("S1", seed, 200, **EVERYBODY_RATES)
    held = assign_owners(listed(case.true).query("holds"), case.scored)
    truth = held.groupby("owner")["session_key"].nunique().reindex(OWNERS, fill_value=0) / len(case.scored)
    for how, human in case.answers.items():
        for row in measure_owners(case.scored, case.machine, human).itertuples():
            yield Estimate(f"{how}: {row.owner}", truth[row.owner], row.value, row.low, row.high)


def owner_trends(seed):
    """Estimate from 300 labels how each owner's rate changes from a week to the next, which brings an incident."""
    case = labelled("S3", seed, 300, **WORLDS["S3"])
    truth = {**dict.fromkeys(OWNERS, 0.0), "product_quality": _true_incident()}
    for how, human in case.answers.items():
        table = compare_owner_halves(case.sessions, case.scored, case.machine, human, EACH)
        for row in table.itertuples():
            ends = row.difference, row.difference_low, row.difference_high
            yield Estimate(f"{how}: {row.owner}", truth[row.owner], *ends)


@cache
def _true_incident():
    """Give how much more often quality fails somebody in the second week: by the chances of a large world."""
    draw = make_world("S3", 0, **WORLDS["S3"], **LARGE).truth.draw
    rated, week = draw.ratings["is_rated"], draw.contacts["week"]
    chance = draw.chances[:, EXTERNAL.index("quality")]
    return chance[rated & (week == 1)].mean() - chance[rated & (week == 0)].mean()


def owner_alarms(seed):
    """Call trends where weeks are alike, and in an incident: by 300 labels of coders who err, and by codes alone."""
    for scenario, changes in WORLDS.items():
        case = labelled(scenario, seed, 300, **changes)
        for how, human in {"labels": case.answers["erring"], "codes": None}.items():
            table = compare_owner_halves(case.sessions, case.scored, case.machine, human)
            trend = table.set_index("owner")["trend"]
            if scenario == "S1":
                yield Figure(f"S1, {how}: any trend", float(trend.isin([GROWING, SHRINKING]).any()))
            else:
                yield Figure(f"S3, {how}: quality grows", float(trend["product_quality"] == GROWING))


ALARMS = {
    "S1, labels: any trend": (0.0, 0.06),
    "S1, codes: any trend": (0.0, 0.06),
    "S3, labels: quality grows": (0.5, 1.0),
    "S3, codes: quality grows": (0.9, 1.0),
}
STUDIES = (
    Study("owner_shares", "Each owner's share is covered, by labels that are right and by coders who err.", owner_shares),
    Study("owner_trends", "The change of each owner's rate is covered, through an incident that is one owner's.", owner_trends, smoke=8),
    Study("owner_alarms", "Where nothing changes no owner grows or shrinks; where a product line fails, product quality grows.", owner_alarms,
          ALARMS, worlds=100, smoke=8),
)  # fmt: skip
