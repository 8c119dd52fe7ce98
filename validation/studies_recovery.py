"""Studies of recoverable satisfaction: what would be if the service had acted to standard."""

import numpy as np

from csnb.counterfactual import compare_to_standard
from csnb.recovery import compare_levers, compared_sessions, t_interval
from csnb.slices import add_slices
from csnb.world import make_world
from csnb.world.causes import BEHAVIOURS
from validation.runner import Estimate, Figure, Study

EVERYBODY_RATES = {"rating_base": 10.0}
LEVERS = list(BEHAVIOURS)
ROUTED = ("unresolved", "long_gap")


def rated_world(scenario, seed, **changes):
    """Make a world in which everybody rates; gives it and its sessions with slices."""
    world = make_world(scenario, seed, **EVERYBODY_RATES, **changes)
    return world, add_slices(world.sessions)


def compared_world(scenario, seed, **changes):
    """Make a world in which everybody rates, and its comparison."""
    world, sessions = rated_world(scenario, seed, **changes)
    compared = compared_sessions(sessions, sessions[LEVERS])
    return world, compared, compare_levers(compared)


def recoverable(seed):
    """Estimate what all levers, and single ones, would save, however causes combine."""
    for outcome in ("noisy_or", "logit"):
        world, compared, effects = compared_world("S1", seed, outcome=outcome)
        yield _all_levers(outcome, world, compared, effects)
        for lever in ("unresolved", "slow_first"):
            place = compared.levers.columns.get_loc(lever)
            truth = world.truth.recoverable((lever,), "rated")
            ends = t_interval(effects.alone[place], effects.alone_error[place], compared, 0.95)
            yield Estimate(f"{outcome}: {lever}", truth, *ends)


def _all_levers(cell, world, compared, effects):
    """Hold what all levers would save against the truth."""
    ends = t_interval(effects.joint, effects.joint_error, compared, 0.95)
    return Estimate(f"{cell}: all levers", world.truth.recoverable(among="rated"), *ends)


def nothing_to_recover(seed):
    """Estimate what levers would save in the null world, where service has no effect."""
    yield _all_levers("S0", *compared_world("S0", seed))


def routed_cases(seed):
    """Estimate what single levers would save where difficult matters go to able agents."""
    world, compared, effects = compared_world("S6", seed, weeks=2)
    for lever in ROUTED:
        place = compared.levers.columns.get_loc(lever)
        truth = world.truth.recoverable((lever,), "rated")
        ends = t_interval(effects.alone[place], effects.alone_error[place], compared, 0.95)
        yield Estimate(f"S6: {lever}", truth, *ends)


def crude_gap(seed):
    """The same without regard to case mix and other levers: does the interval miss the truth?"""
    world, sessions = rated_world("S6", seed)
    compared = compared_sessions(sessions, sessions[["long_gap"]])
    nothing = np.zeros((len(compared.y), 0))
    crude = compare_to_standard(compared.y, compared.levers, nothing, nothing, compared.cluster)
    _, low, high = t_interval(crude.joint, crude.joint_error, compared, 0.95)
    yield Figure("worlds misled", float(not low <= world.truth.recoverable(("long_gap",), "rated") <= high))


STUDIES = (
    Study("recoverable", "What levers would save is covered, whether causes work alone or add up.", recoverable, smoke=12),
    Study("nothing_to_recover", "Where service has no effect, nothing is found to recover.", nothing_to_recover),
    Study("routed_cases", "Where difficult cases go to able agents, the adjusted saving is covered.", routed_cases),
    Study("crude_gap", "The crude gap misleads there: faults come together, and with load.", crude_gap,
          {"worlds misled": (0.8, 1.0)}, smoke=16),
)  # fmt: skip
