"""Studies of the honest share: labels, machine scores, errors of coders, and bounds where nobody labelled."""

import numpy as np
import pandas as pd
from scipy.stats import norm

from csnb.bounds import LEAST_RIGHT, bound_sides, measure_response_bias
from csnb.labelling import draw_sample, read_settings
from csnb.shares import measure_controllable, measure_sides
from csnb.sides import SIDES
from csnb.world import make_world
from validation.runner import Estimate, Figure, Study

CODES = {"controllable": "ability", "uncontrollable": "price"}
EVERYBODY_RATES = {"rating_base": 10.0}
FEWEST_FOR_SIDES = 100
_NOTHING_DRAWN = pd.DataFrame({"session_key": [], "session_id": [], "stratum": [], "score": [], "use": [],
                               "drawn_probability": [], "case": [], "coders": []})  # fmt: skip


def dissatisfied(scenario, seed, **changes):
    """Give the dissatisfied ratings of a world, with true sides and the machine's scores and sides."""
    world = make_world(scenario, seed, **changes)
    rated = world.sessions[world.sessions["is_dissatisfied"].fillna(False).astype(bool)].reset_index(
        drop=True
    )
    true = world.truth.sessions["side"].reindex(rated["session_id"]).to_numpy()
    p = {side: rated[f"machine_{side}_p"] for side in CODES}
    inside, outside = (p[side] >= 0.5 for side in CODES)
    side = np.select(
        [inside & outside, inside, outside], ["mixed", "controllable", "uncontrollable"], "unexplained"
    )
    return rated.assign(true=true, side=side, **{f"p_{name}": p[name] for name in CODES})


def drawn(found, n, seed):
    """Draw n labels by the house's own draw; gives `found` with `stratum`, and which rows were drawn."""
    population = found[["session_key", "session_id", "shop"]].assign(
        score=found["p_controllable"], disagreement=0.0
    )
    settings = {**read_settings(), "estimate_share": 1.0}
    frame = draw_sample(population, n, seed, _NOTHING_DRAWN, "d", settings).set_index("session_key")
    frame = frame.loc[found["session_key"]]
    return found.assign(stratum=frame["stratum"].to_numpy()), (frame["use"] == "estimate").to_numpy()


def true_flags(found):
    """Say which conversations truly have a controllable and an uncontrollable reason."""
    return {side: found["true"].isin([side, "mixed"]).to_numpy() for side in CODES}


def coded(found, coder, flags):
    """Write answers of one coder as table `human_labels`."""
    return pd.concat(
        pd.DataFrame({"session_key": found["session_key"], "coder": coder, "code": code, "holds": flags[side], "use": "estimate"})
        for side, code in CODES.items()
    )  # fmt: skip


def labelled_sides(seed):
    """Estimate the controllable share from few perfect labels, and the four sides from 100 on."""
    for scenario, n, changes in (
        ("S1", 200, EVERYBODY_RATES),
        ("S4", 200, EVERYBODY_RATES),
        ("S6", 200, {**EVERYBODY_RATES, "weeks": 1}),
        ("S8", 100, EVERYBODY_RATES),
        ("S11", 40, {**EVERYBODY_RATES, "weeks": 2}),
    ):
        found, sample = drawn(dissatisfied(scenario, seed, **changes), n, seed)
        human = coded(found[sample], "li", true_flags(found[sample]))
        yield _broad(f"{scenario}, {n} labels: any controllable", found, human)
        if n < FEWEST_FOR_SIDES:
            continue
        for row in measure_sides(found, human).itertuples():
            truth = (found["true"] == row.side).mean()
            yield Estimate(f"{scenario}, {n} labels: {row.side}", truth, row.value, row.low, row.high)


def shops(seed):
    """Estimate the controllable share of every shop, from labels drawn over all."""
    found, sample = drawn(dissatisfied("S1", seed, **EVERYBODY_RATES), 300, seed)
    human = coded(found[sample], "li", true_flags(found[sample]))
    truth = found["true"].isin(["controllable", "mixed"]).groupby(found["shop"]).mean()
    table = measure_controllable(found, human, by="shop")
    for row in table[table["metric"] == "controllable_share"].dropna(subset="value").itertuples():
        yield Estimate(row.shop, truth[row.shop], row.value, row.low, row.high)


def _broad(cell, found, human):
    """Estimate the share with any controllable reason."""
    row = measure_controllable(found, human).iloc[0]
    truth = found["true"].isin(["controllable", "mixed"]).mean()
    return Estimate(cell, truth, row["value"], row["low"], row["high"])


def saved_labels(seed):
    """Width of the controllable share's interval against that of a simple random sample of as many labels."""
    for auc in (0.82, 0.9):
        found, sample = drawn(dissatisfied("S1", seed, machine_auc=auc, **EVERYBODY_RATES), 200, seed)
        estimate = _broad("", found, coded(found[sample], "li", true_flags(found[sample])))
        unseen = 1 - sample.mean()
        simple = 2 * norm.ppf(0.975) * np.sqrt(estimate.truth * (1 - estimate.truth) / sample.sum() * unseen)
        yield Figure(f"AUC {auc}", (estimate.high - estimate.low) / simple)


def erring_coders(seed):
    """Estimate from coders who miss a tenth and invent 7 %, 60 conversations coded twice and settled."""
    found, sample = drawn(dissatisfied("S1", seed, **EVERYBODY_RATES), 200, seed)
    read = found[sample]
    twice = read.sample(60, random_state=seed)
    seen = {
        who: {side: table[f"analyst_{who}_{side}"].to_numpy() for side in CODES}
        for who, table in (("a", read), ("b", twice))
    }
    human = pd.concat([
        coded(read, "a", seen["a"]),
        coded(twice, "b", seen["b"]),
        coded(twice, "final", true_flags(twice)),
    ])  # fmt: skip
    yield _broad("any controllable", found, human)
    for row in measure_sides(found, human).itertuples():
        if row.side in ("controllable", "uncontrollable"):
            yield Estimate(row.side, (found["true"] == row.side).mean(), row.value, row.low, row.high)


def uncorrected_coders(seed):
    """The same without a second coder: how often does the interval hold the truth?"""
    found, sample = drawn(dissatisfied("S1", seed, **EVERYBODY_RATES), 200, seed)
    read = found[sample]
    one = _broad("", found, coded(read, "a", {side: read[f"analyst_a_{side}"].to_numpy() for side in CODES}))
    yield Figure("worlds misled", float(not one.low <= one.truth <= one.high))


def unlabelled(seed):
    """Bound all shares without labels, by machines that are right about as seldom as the bounds allow."""
    for name, shift in (("blind", -1.05), ("rash", 1.05)):
        found = dissatisfied("S1", seed, machine_auc=0.9, machine_shift=shift, **EVERYBODY_RATES)
        is_inside = all(right >= LEAST_RIGHT for right in rightness(found))
        yield Figure(f"{name} machine: right in {LEAST_RIGHT:.0%}", float(is_inside))
        if is_inside:
            yield Figure(f"{name} machine: of these, bounds that hold the truth", float(bounds_hold(found)))


def rightness(found):
    """Give how often the machine finds each side where it is, and clears it where it is not."""
    for side, has_reason in true_flags(found).items():
        is_seen = found["side"].isin([side, "mixed"])
        yield from (is_seen[has_reason].mean(), 1 - is_seen[~has_reason].mean())


def bounds_hold(found):
    """Say whether the bounds of every share, drawn from the machine's sides alone, hold the truth."""
    shares = {side: (found["true"] == side).mean() for side in SIDES}
    shares["any"] = shares["controllable"] + shares["mixed"]
    bounds = bound_sides(found)
    return all(bounds[name][0] <= share <= bounds[name][1] for name, share in shares.items())


def silent_customers(seed):
    """Bound the satisfaction of all customers while those who rate change."""
    world = make_world("S7", seed)
    handled = world.sessions["left_out_because"].isna()
    truth = (
        1 - world.truth.sessions["is_dissatisfied"].reindex(world.sessions.loc[handled, "session_id"]).mean()
    )
    table = measure_response_bias(world.sessions).set_index("assumption").loc["any"]
    neutral = (
        world.sessions["score"] == 3
    ).sum() / handled.sum()  # content in truth, and not counted as satisfied
    yield Figure("bounds that hold the truth", float(table["low"] <= truth <= table["high"] + neutral))


UNLABELLED = {
    f"{name} machine: {cell}": bounds
    for name in ("blind", "rash")
    for cell, bounds in (
        (f"right in {LEAST_RIGHT:.0%}", (0.3, 1.0)),
        ("of these, bounds that hold the truth", (1.0, 1.0)),
    )
}
STUDIES = (
    Study("labelled_sides", "Few labels and a machine score cover every side of dissatisfaction.", labelled_sides, smoke=12),
    Study("shops", "Every shop's controllable share is covered by labels drawn over all shops.", shops),
    Study("saved_labels", "The better the machine, the fewer labels: the interval against one without a machine.", saved_labels,
          {"AUC 0.82": (0.0, 0.9), "AUC 0.9": (0.0, 0.78)}, smoke=16),
    Study("erring_coders", "Coders' errors are corrected by conversations coded twice.", erring_coders),
    Study("uncorrected_coders", "Left uncorrected, coders' errors mislead.", uncorrected_coders, {"worlds misled": (0.1, 1.0)}, smoke=16),
    Study("unlabelled", "Without labels the bounds always hold the truth if the machine errs no more than assumed.", unlabelled, UNLABELLED, smoke=16),
    Study("silent_customers", "Whatever the silent think, the bounds hold it.", silent_customers, {"bounds that hold the truth": (1.0, 1.0)}),
)  # fmt: skip
