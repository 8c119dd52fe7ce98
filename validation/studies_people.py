"""Studies of people: who differs, whether it is everyone or someone, hints, and what is not the person's part."""

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import spearmanr

from csnb.casemix import shrunken
from csnb.faults import compare_fault_agents, compare_faults
from csnb.gaps import split_gaps
from csnb.hints import HINTS, find_parts, measure_hints
from csnb.slices import add_slices
from csnb.standing import compare_agents, compare_units, measure_reliability
from csnb.stats import shrink
from csnb.world import make_world
from csnb.world.people import TRAITS
from validation.runner import Figure, Study

WEEKS = 4
MEASURED = ["first_response_seconds", "slow_count", "unanswered_count", "transfer_count"]
OWN = {"hard cases": 0.0, "worse": 0.8, "better": -0.8, "usual": 0.0}  # planted log odds of agents
NOTHING_CODED = pd.DataFrame({"session_key": pd.Series(dtype="int64"), "code": pd.Series(dtype=str),
                              "p": pd.Series(dtype=float)})  # fmt: skip


def handled_world(scenario, seed, **changes):
    """Make four weeks; gives the world and its sessions, with `is_bad` for all that an agent handled."""
    world = make_world(scenario, seed, weeks=WEEKS, **changes)
    sessions = add_slices(world.sessions)
    bad = world.truth.sessions["is_dissatisfied"].reindex(sessions["session_id"]).to_numpy()
    return world, sessions.assign(is_bad=pd.array(bad, dtype="boolean"))


def nobody_differs(seed):
    """Run the whole comparison where agents are alike: is anybody named, is any shop or supplier set apart?"""
    world, sessions = handled_world("S0", seed)
    compared = [compare_agents(sessions, outcome, seed=seed) for outcome in ("is_bad", None)]
    faults = compare_faults(sessions, NOTHING_CODED, seed=seed)
    fault_agents = compare_fault_agents(sessions, NOTHING_CODED, faults)
    hints = measure_hints(sessions, find_parts(sessions, NOTHING_CODED, world.shifts), seed=seed)
    named = {"by outcome": compared[0], "by rating": compared[1], "by fault": fault_agents, "by hint": hints}
    found = {name: bool(table["is_named"].astype(bool).any()) for name, table in named.items()}
    for name, is_found in found.items():
        yield Figure(f"somebody named {name}", float(is_found))
    yield Figure("somebody named", float(any(found.values())))
    for by in ("shop", "supplier"):
        yield Figure(f"a {by} set apart", float(compare_units(sessions, by, "is_bad")["is_apart"].any()))


def agents_differ(seed):
    """Compare agents who do differ, in an ordinary world and in one with confounded routing."""
    for scenario in ("S1", "S6"):
        world, sessions = handled_world(scenario, seed)
        compared = compare_agents(sessions, "is_bad", seed=seed).set_index("agent_id")
        true = world.truth.agents["effect"].reindex(compared.index)
        true = true - np.average(true, weights=compared["n"])
        agents = shrunken(compared[["n", "effect", "variance"]])
        covered = (agents["shrunk"] - true).abs() <= 1.96 * np.sqrt(agents["spread"])
        yield Figure(f"{scenario}: shrunken effects covered", covered.mean())
        tau2 = shrink(agents["effect"], agents["variance"])["tau2"].iloc[0]
        yield Figure(f"{scenario}: variance found over true", tau2 / true.var())
        adjusted, crude = (spearmanr(compared[name], true).statistic for name in ("effect", "value"))
        yield Figure(f"{scenario}: adjusted rank correlation", adjusted)
        if scenario == "S6":
            yield Figure(f"{scenario}: adjusted less crude", adjusted - crude)
        held = (compared["rank_low"] <= true.rank()) & (true.rank() <= compared["rank_high"])
        yield Figure(f"{scenario}: ranks in their range", held.mean())
        named = compared["standing"].isin(["head", "tail"])
        yield Figure(f"{scenario}: agents in head or tail", float(named.sum()))
        if named.any():
            place, fifth = true.rank(), round(len(true) / 5)
            is_right = np.where(compared["standing"] == "head", place <= fifth, place > len(true) - fifth)
            yield Figure(f"{scenario}: named wrongly", 1 - is_right[named].mean())


def ranks_trusted(seed):
    """Measure how far ranks can be trusted where agents differ, beside what the true effects say."""
    world, sessions = handled_world("S1", seed)
    compared = compare_agents(sessions, "is_bad", seed=seed).set_index("agent_id")
    true = world.truth.agents["effect"].reindex(compared.index).var()
    reliability = true / (true + compared["variance"].mean())
    found = measure_reliability(compared).iloc[0]
    low, high = found["reliability_share_low"], found["reliability_share_high"]
    yield Figure("reliability in its interval", float(low <= reliability <= high))
    yield Figure("reliability found less true", found["reliability_share"] - reliability)
    yield Figure("width of its interval", high - low)


def hints(seed):
    """Measure hints of ability, willingness and capacity where agents differ in all three."""
    world, sessions = handled_world("S1", seed)
    found = measure_hints(sessions, find_parts(sessions, NOTHING_CODED, world.shifts), seed=seed)
    values = found.pivot(index="agent_id", columns="hint", values="value")
    traits = world.truth.agents.reindex(values.index)
    found_in = {
        (hint, trait): -spearmanr(values[hint], traits[trait], nan_policy="omit").statistic
        for hint in HINTS
        for trait in TRAITS
    }
    for hint in HINTS:
        yield Figure(hint, found_in.pop((hint, hint)))
    yield Figure("with other traits", np.mean(list(found_in.values())))
    named = found[found["is_named"].astype(bool)]
    low = {name: traits[name].rank() <= round(len(traits) / 5) for name in TRAITS}
    if len(named):
        right = np.mean([low[row.hint][row.agent_id] for row in named.itertuples()])
        yield Figure("named wrongly", 1 - right)


def faults(seed):
    """Judge planted faults: one of all, one of a few, one within its standard."""
    _, sessions = handled_world("S0", seed)
    draw = np.random.default_rng(seed)
    handled = sessions["agent_id"].notna()
    names = np.array(sorted(sessions.loc[handled, "agent_id"].unique()))
    few = draw.choice(names, 4, replace=False)
    alike = pd.Series(0.3 * draw.standard_normal(len(names)), names)
    intents = sorted(sessions["intent"].unique())
    by_intent = sessions["intent"].map(
        dict(zip(intents, 0.5 * draw.standard_normal(len(intents)), strict=True))
    )
    log_odds = {
        "unresolved": alike + logit(0.02) + np.where(np.isin(names, few), np.log(8), 0.0),
        "attitude": alike + logit(0.04),
        "emotion": alike + logit(0.002),
    }
    for name, odds in log_odds.items():
        chance = expit(sessions["agent_id"].map(odds) + by_intent).fillna(0)
        sessions[name] = pd.array(draw.random(len(sessions)) < chance, dtype="boolean")
    plain = sessions.drop(columns=MEASURED)
    found = compare_faults(plain, NOTHING_CODED, seed=seed)
    judged = found.set_index("fault")["judged"]
    for name, verdict in (("unresolved", "individual"), ("attitude", "common"), ("emotion", "within")):
        yield Figure(f"{verdict} called so", float(judged[name] == verdict))
    agents = compare_fault_agents(plain, NOTHING_CODED, found)
    named = agents[agents["is_named"].astype(bool) & (agents["fault"] == "unresolved")]
    yield Figure("of the few, named", np.isin(few, named["agent_id"]).mean())
    true = {name: expit(odds + by_intent[handled]).mean() for name, odds in log_odds["unresolved"].items()}
    wrong = named["agent_id"].map(true) <= named["bar_rate"]
    if len(named):
        yield Figure("named wrongly", wrong.mean())


def gaps(seed):
    """Split gaps of agents who get hard cases, who do worse or better themselves, and who do neither."""
    _, sessions = handled_world("S0", seed)
    draw = np.random.default_rng(seed)
    handled = sessions["agent_id"].notna()
    names = draw.permutation(sorted(sessions.loc[handled, "agent_id"].unique()))
    kind_of = pd.Series("usual", names)
    kind_of.iloc[:12] = np.repeat(["hard cases", "worse", "better"], 4)
    kind = sessions["agent_id"].map(kind_of)
    intents = draw.permutation(sorted(sessions["intent"].unique()))
    hard = sorted(intents[: len(intents) // 3])
    is_sent = (kind == "hard cases") & (draw.random(len(sessions)) < 0.7)
    sessions.loc[is_sent, "intent"] = draw.choice(hard, is_sent.sum())
    cases = logit(0.12) + 1.2 * sessions["intent"].isin(hard)
    chance = expit(cases + kind.map(OWN))
    sessions["is_bad"] = pd.array(draw.random(len(sessions)) < chance.fillna(0), dtype="boolean")
    split = split_gaps(sessions, compare_agents(sessions, "is_bad", seed=seed), "is_bad").set_index(
        "agent_id"
    )
    origins = split["origin"].groupby(kind_of)
    for name, origin in CALLED:
        yield Figure(f"{name} called {origin}", (origins.get_group(name) == origin).mean())
    truth = _true_rest(cases, kind, sessions["agent_id"]).reindex(split.index)
    yield Figure(
        "rest covered", truth.between(split["difference_rest_low"], split["difference_rest_high"]).mean()
    )


def _true_rest(cases, kind, agent):
    """Give, by agent, how much worse their conversations went than in the hands of the others."""
    weights = kind.groupby(agent).size().groupby(kind.groupby(agent).first()).sum()
    rest = {}
    for name, rows in cases.groupby(agent):
        own = kind[rows.index[0]]
        others = weights - len(rows) * (weights.index == own)
        usual = sum(count * expit(rows + OWN[other]) for other, count in others.items()) / others.sum()
        rest[name] = (expit(rows + OWN[own]) - usual).mean()
    return pd.Series(rest)


SELDOM, MOSTLY = (0.0, 0.05), (0.8, 1.0)
CALLED = {
    ("hard cases", "objective"): (0.7, 1.0),
    ("hard cases", "personal"): SELDOM,
    ("worse", "personal"): MOSTLY,
    ("worse", "objective"): SELDOM,
    ("better", "personal"): MOSTLY,
    ("better", "objective"): SELDOM,
}
NULL = {
    "somebody named by outcome": SELDOM,
    "somebody named by rating": SELDOM,
    "somebody named by fault": SELDOM,
    "somebody named by hint": SELDOM,
    "somebody named": SELDOM,
    "a shop set apart": SELDOM,
    "a supplier set apart": SELDOM,
}
DIFFER = {
    "S6: adjusted less crude": (0.25, 2.0),
    **{
        f"{scenario}: {cell}": bounds
        for scenario in ("S1", "S6")
        for cell, bounds in (
            ("shrunken effects covered", (0.93, 1.0)),
            ("variance found over true", (0.7, 1.3)),
            ("adjusted rank correlation", (0.65, 1.0)),
            ("ranks in their range", (0.95, 1.0)),
            ("agents in head or tail", (1.0, 16.0)),
            ("named wrongly", (0.0, 0.1)),
        )
    },
}
TRUSTED = {
    "reliability in its interval": (0.93, 1.0),
    "reliability found less true": (-0.05, 0.05),
    "width of its interval": (0.0, 0.4),
}
RECOVERED = {"willingness": 0.7, "ability": 0.85, "capacity": 0.6}
HINTED = {
    **{name: (least, 1.0) for name, least in RECOVERED.items()},
    "with other traits": (-0.2, 0.2),  # the traits themselves share as much
    "named wrongly": (0.0, 0.1),
}
JUDGED = {
    **{f"{verdict} called so": (0.9, 1.0) for verdict in ("individual", "common", "within")},
    "of the few, named": (0.7, 1.0),
    "named wrongly": (0.0, 0.1),
}
SPLIT = {
    **{f"{name} called {origin}": bounds for (name, origin), bounds in CALLED.items()},
    "rest covered": (0.93, 1.0),
}
STUDIES = (
    Study("nobody_differs", "Where agents are alike, nobody is named and no shop is set apart.", nobody_differs, NULL, worlds=200, smoke=2),
    Study("agents_differ", "Where they differ, it is found behind mix and luck, and few are named wrongly.", agents_differ, DIFFER, worlds=200, smoke=3),
    Study("ranks_trusted", "How far ranks can be trusted is told with an interval that holds.", ranks_trusted, TRUSTED, worlds=200, smoke=3),
    Study("hints", "Hints recover willingness, ability and capacity, and keep them apart.", hints, HINTED, worlds=200, smoke=5),
    Study("faults", "A fault of all, one of a few and one within its standard are told apart.", faults, JUDGED, worlds=200, smoke=5),
    Study("gaps", "A gap from hard cases is told from a gap of one's own.", gaps, SPLIT, worlds=200, smoke=3),
)  # fmt: skip
