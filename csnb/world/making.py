"""`make_world`: the whole chain from a seed to the observed tables and the truth behind them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from csnb.errors import ParameterError
from csnb.world.aftermath import follow_up
from csnb.world.arrivals import draw_contacts
from csnb.world.causes import BEHAVIOURS, combine, external_chances, trained_agents
from csnb.world.observed import (
    observed_agents,
    observed_events,
    observed_follow_up,
    observed_ratings,
    observed_sessions,
    observed_shifts,
)  # fmt: skip
from csnb.world.people import hire, open_shops
from csnb.world.ratings import code, rate
from csnb.world.scenarios import read_parameters
from csnb.world.service import serve
from csnb.world.truth import Truth


@dataclass(frozen=True)
class World:
    """What an analyst would see, as pandas tables of csnb.schema, and apart from it the truth."""

    sessions: pd.DataFrame
    ratings: pd.DataFrame
    agents: pd.DataFrame
    events: pd.DataFrame
    shifts: pd.DataFrame
    orders: pd.DataFrame
    refunds: pd.DataFrame
    tickets: pd.DataFrame
    truth: Truth


def make_world(scenario, seed, /, **changes):
    """Make one world: the same scenario, seed and changes give the same world.

    Parameters
    ----------
    scenario : str, a name of definitions/world/scenarios.toml: S0 to S12
    seed : int, 0 or more
    changes : parameters of definitions/world/parameters.toml by name, such as `weeks=4`

    Returns
    -------
    World
        `sessions` has the columns of csnb.schema.SESSIONS and those of csnb.world.observed;
        times are zone-aware; what a column's missing value means stands there.

    Raises
    ------
    ParameterError
        If the scenario, an argument or a value is not allowed; it is named with what is allowed.

    Examples
    --------
    >>> world = make_world("S1", 1, sessions_per_week=500, agents=6)
    >>> world.sessions["agent_id"].nunique()
    6
    >>> make_world("S1", 1, repeat_solved=-0.1)
    Traceback (most recent call last):
    csnb.errors.ParameterError: repeat_solved must be between 0 and 1; got: -0.1
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ParameterError(f"seed must be a whole number, 0 or more; got: {seed!r}")
    draw = draw_world(read_parameters(scenario, changes), int(seed))
    return World(
        sessions=observed_sessions(draw),
        ratings=observed_ratings(draw),
        agents=observed_agents(draw),
        events=observed_events(draw),
        shifts=observed_shifts(draw),
        **observed_follow_up(draw),
        truth=Truth(draw),
    )


@dataclass(frozen=True)
class Draw:
    """All arrays of one world, hidden and seen: one dict for each step of the causal chain."""

    p: object
    seed: int
    groups: dict
    shops: dict
    agents: dict
    contacts: dict
    service: dict
    chances: np.ndarray
    averted: np.ndarray
    outcome: dict
    ratings: dict
    codes: dict
    followed: dict


def draw_world(p, seed):
    """Draw the whole chain: people, contacts, service, outcome, ratings, codes, what follows."""
    shops = open_shops(p, seed)
    agents = hire(p, seed, shops)
    contacts, groups = draw_contacts(p, seed, shops, agents)
    if not len(contacts["second"]):
        raise ParameterError(
            f"sessions_per_week={p.sessions_per_week} brought nobody; allowed is what brings one"
        )
    service = serve(p, seed, groups, contacts, agents)
    chances = external_chances(p, seed, contacts, shops)
    acts = {name: service[name] for name in BEHAVIOURS}
    untrained = combine(p, seed, groups, chances, acts, np.zeros(len(chances)))
    chosen = trained_agents(p, contacts, untrained["is_dissatisfied"], p.agents)
    averted = _averted(p, contacts, chosen, untrained["p_dissatisfied"])
    outcome = combine(p, seed, groups, chances, acts, averted)
    return Draw(
        p, seed, groups, shops, {**agents, "is_trained": chosen}, contacts, service, chances, averted, outcome,
        ratings=rate(p, seed, groups, contacts, service, outcome, shops),
        codes=code(p, seed, groups, outcome),
        followed=follow_up(p, seed, groups, contacts, service, outcome, agents),
    )  # fmt: skip


def _averted(p, contacts, chosen, probability):
    """Give the chance that training averts a dissatisfaction, so that the rate falls by `training_effect`."""
    trained = contacts["is_handled"] & chosen[contacts["agent"]] & (contacts["week"] >= p.training_week)
    if not trained.any():
        return np.zeros(len(trained))
    return np.where(trained, np.minimum(p.training_effect / probability[trained].mean(), 1), 0.0)
