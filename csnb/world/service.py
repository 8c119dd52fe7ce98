"""How the customer is served: load, reply times, giving up, and what the service does wrong."""

import numpy as np
from scipy.special import expit

from csnb.world.draws import happens, normals, uniforms
from csnb.world.scenarios import world_table

LONGEST_SECONDS = 4 * 3600.0


def serve(p, seed, groups, contacts, agents, load=None):
    """Give load, turns and behaviours of every contact, as arrays; one row a session.

    `load` puts another load in the place of the observed one (an intervention). Turns stand in a flat array:
    `turn_first` says where those of a session begin, `turn_delay_seconds` is NaN where nobody replied.
    """
    pace = _pace(seed, groups, contacts)
    observed = open_at_arrival(contacts, pace["nominal_seconds"])
    load = observed if load is None else np.broadcast_to(load, observed.shape)
    speed = _speed(p, contacts, agents, load)
    turns = _turns(p, seed, groups, contacts, pace, speed)
    acts = _behaviours(p, seed, groups, contacts, agents, load, turns)
    turns |= _leave_open(seed, groups, pace["turn_count"], turns, acts["unanswered"])
    later = np.where(turns["turn_is_first"], 0.0, np.nan_to_num(turns["turn_delay_seconds"]))
    acts["long_gap"] = np.maximum.reduceat(later, turns["turn_first"]) > p.gap_standard_seconds
    return {"load": load, **pace, **turns, **acts}


def _pace(seed, groups, contacts):
    """Draw how many questions the customer has and how long they think in between."""
    mean = world_table("intents")["turns"].to_numpy()[contacts["intent"]]
    count = np.round(mean * np.exp(0.45 * normals(seed, "turns", groups)))
    count = np.clip(count + contacts["is_unresolved"], 1, 14).astype(int)
    think = 200.0 * np.exp(0.7 * normals(seed, "thinking", groups))
    return {
        "turn_count": count,
        "think_seconds": think,
        "nominal_seconds": np.minimum(count * (think + 60), LONGEST_SECONDS),
    }


def open_at_arrival(contacts, nominal_seconds):
    """Count the agent's other conversations open at each arrival."""
    agent = np.where(contacts["is_handled"], contacts["agent"], contacts["agent"].max() + 1)
    start = contacts["second"]
    order = np.lexsort((start, agent))
    position = np.arange(len(agent)) - np.searchsorted(agent[order], agent[order])
    far = start.max() + nominal_seconds.max() + 1 if len(start) else 1
    ends = np.sort(agent * far + start + nominal_seconds)
    gone = np.searchsorted(ends, (agent * far + start)[order], side="right") - np.searchsorted(
        ends, agent[order] * far
    )
    load = np.empty(len(agent))
    load[order] = position - gone
    return np.where(contacts["is_handled"], load, np.nan)


def _speed(p, contacts, agents, load):
    """Give the median reply time of every session: base, load, knot, capacity, and idling."""
    capacity, willingness = (agents["traits"][trait][contacts["agent"], contacts["week"]] for trait in (2, 1))
    knot = world_table("tiers")["knot"].to_numpy()[agents["tier"][contacts["agent"]]]
    busy = (1 + p.load_slope * load) * (1 + p.knot_slope * np.maximum(load + 1 - knot, 0))
    idle = p.idle_delay_seconds * np.exp(-0.6 * willingness) * (load < 2)
    line = np.maximum(load + 1 - p.load_cap, 0) * 90.0
    return {"median": p.base_delay_seconds * busy * np.exp(-0.25 * capacity) + idle, "line_seconds": line}


def _turns(p, seed, groups, contacts, pace, speed):
    """Draw the delay of every turn, who gives up before the first reply, and whether the first reply was slow."""
    count, handled = pace["turn_count"], contacts["is_handled"]
    session = np.repeat(np.arange(len(count)), count)
    first = np.cumsum(count) - count
    rows = _rows_by_group(groups, count)
    delay = speed["median"][session] * np.exp(0.6 * normals(seed, "reply", rows))
    is_first = np.zeros(len(session), bool)
    is_first[first] = True
    work = np.exp(0.35 + 0.55 * normals(seed, "looking up", rows))
    delay = np.where(is_first, delay + speed["line_seconds"][session], delay * work)
    delay = np.round(np.clip(delay, 1, LONGEST_SECONDS), 3)
    patience = -60 * p.patience_minutes * np.log1p(-np.minimum(uniforms(seed, "patience", groups), 1 - 1e-12))
    gave_up = handled & (delay[first] > patience)
    delay = np.where(handled[session] & ~gave_up[session], delay, np.nan)
    return {
        "turn_delay_seconds": delay,
        "turn_first": first,
        "turn_is_first": is_first,
        "gave_up": gave_up,
        "slow_first": handled & (gave_up | (np.nan_to_num(delay[first]) > p.first_standard_seconds)),
    }


def _rows_by_group(groups, count):
    """Give the number of turns of every group."""
    ends = np.cumsum(list(groups.values()))
    totals = np.concatenate([[0], np.cumsum(count)])
    starts = np.concatenate([[0], ends[:-1]]).astype(int)
    return dict(zip(groups, totals[ends] - totals[starts], strict=True))


def _leave_open(seed, groups, count, turns, unanswered):
    """Leave one turn of every session with an unanswered question open: a later one where there is one."""
    turn = 1 + np.floor(uniforms(seed, "open turn", groups) * (count - 1)).astype(int)
    turn = np.where(count == 1, 0, turn)
    delay = turns["turn_delay_seconds"].copy()
    delay[(turns["turn_first"] + turn)[unanswered]] = np.nan
    return {"turn_delay_seconds": delay}


def _behaviours(p, seed, groups, contacts, agents, load, turns):
    """Draw the behaviours that are not reply times, by the log odds of behaviours.tsv."""
    rules, handled = world_table("behaviours"), contacts["is_handled"]
    traits = agents["traits"][:, contacts["agent"], contacts["week"]]
    acts = {}
    for name in ("unanswered", "broken_promise", "transferred", "attitude", "emotion"):
        rule = rules.loc[name]
        odds = (
            rule["base"]
            + rule["load"] * np.nan_to_num(load)
            + rule["slow"] * turns["slow_first"]
            + rule["ability"] * traits[0]
            + rule["willingness"] * traits[1]
            + rule["difficulty"] * (contacts["difficulty"] - 0.35)
            + rule["anger"] * contacts["anger"]
        )
        acts[name] = handled & happens(seed, name, groups, expit(odds))
    acts["unanswered"] |= turns["gave_up"]
    acts["unresolved"] = handled & contacts["is_unresolved"]
    handed_once = handled & happens(seed, "handed over once", groups, np.full(len(handled), 0.06))
    acts |= _courtesies(seed, groups, handled, traits[1])
    acts["transfer_count"] = np.where(acts["transferred"], 2, handed_once.astype(int))
    return acts


def _courtesies(seed, groups, handled, willingness):
    """Draw the steps that need no skill: a greeting, and coming back to a customer who went silent."""
    return {
        "is_greeted": handled & happens(seed, "greeted", groups, expit(1.8 + 0.6 * willingness)),
        "is_followed_up": handled & happens(seed, "followed up", groups, expit(0.2 + 0.6 * willingness)),
    }
