"""Why a customer is dissatisfied: external causes, the service's behaviours, and how they combine.

Every cause has its own draw, so taking a behaviour away leaves all other draws as they were.
`outcome = "noisy_or"`: each cause fires by itself and one is enough. `outcome = "logit"`: external
causes and behaviours add up in one log odds.
"""

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from csnb.world.arrivals import shock_hits
from csnb.world.draws import normals, uniforms
from csnb.world.scenarios import world_table

BEHAVIOURS = (
    "slow_first", "long_gap", "unanswered", "unresolved",
    "broken_promise", "transferred", "attitude", "emotion",
)  # fmt: skip
EXTERNAL = ("price", "campaign", "discount", "quality", "logistics", "stock", "policy", "system")
CONTROLLABLE = ("timeliness", "ability", "attitude", "emotion", "bot")
CODES = (*CONTROLLABLE, *EXTERNAL, "unclear")


def external_chances(p, seed, contacts, shops):
    """Give the chance of every external cause, and of the bot and of no cause at all: rows x causes."""
    intents = world_table("intents")
    chance = intents[list(EXTERNAL)].to_numpy()[contacts["intent"]] * p.external_weight
    chance[:, 0] *= shops["price_level"][contacts["shop"]] * np.where(contacts["has_price_flag"], 1.4, 0.8)
    chance[:, 1] *= np.where(contacts["has_campaign_flag"], 1.5, 0.7)
    chance[:, 2] *= np.where(contacts["has_coupon_flag"], 1.4, 0.5)
    if p.shock_cause != "none":
        column = EXTERNAL.index(p.shock_cause)
        hit = shock_hits(p, contacts["day"], contacts["product_line"])
        chance[:, column] = np.where(hit, chance[:, column] * p.shock_lift, chance[:, column])
    kept_in_vain = ~contacts["is_handled"] & contacts["is_unresolved"]
    bot = np.where(contacts["has_bot"], np.where(kept_in_vain, 0.4, p.bot_trouble), 0.0)
    other = np.full(len(bot), p.handling_base)
    day = p.day_spread * normals(seed, "day level", p.weeks * 7)[contacts["day"]]
    chance = np.clip(np.column_stack([chance, bot, other]), 1e-9, 0.9)
    hard = p.difficulty_weight * (contacts["difficulty"] - 0.35)
    return expit(logit(chance) + (day + hard)[:, None])


def combine(p, seed, groups, chances, acts, averted):
    """Give dissatisfaction, its probability and the causes that fired.

    Parameters
    ----------
    chances : array, rows x (external causes, bot, other)
    acts : dict of behaviour name to bool array: what the service did wrong
    averted : array, chance that training averts the dissatisfaction

    Returns
    -------
    dict of p_dissatisfied, is_dissatisfied, and one bool array for every code
    """
    rules = world_table("behaviours")
    done = np.column_stack([acts[name] for name in BEHAVIOURS])
    weight = np.clip(rules["weight"].to_numpy() * p.behaviour_weight, 0, 1)
    chance = np.column_stack([chances, done * weight])
    draws = np.column_stack([uniforms(seed, f"cause {k}", groups) for k in range(chance.shape[1])])
    fired = draws < np.round(chance, 6)
    saved = uniforms(seed, "averted by training", groups) < np.round(averted, 6)
    if p.outcome == "noisy_or":
        probability = 1 - np.prod(1 - chance, axis=1)
        dissatisfied = fired.any(axis=1)
    else:
        external = 1 - np.prod(1 - chances, axis=1)
        odds = done @ (rules["odds"].to_numpy() * p.behaviour_weight)
        probability = expit(logit(external) + odds)
        dissatisfied = uniforms(seed, "one logit", groups) < np.round(probability, 6)
        nearest = np.argmin(draws / np.maximum(chance, 1e-12), axis=1)
        fired |= (np.arange(chance.shape[1]) == nearest[:, None]) & ~fired.any(axis=1)[:, None]
    dissatisfied = dissatisfied & ~saved
    return {
        "p_dissatisfied": probability * (1 - averted),
        "is_dissatisfied": dissatisfied,
        **_codes(fired & dissatisfied[:, None], rules),
    }


def _codes(fired, rules):
    """Gather fired causes under the codes of the coding guide; `unclear` stands alone."""
    names = [*EXTERNAL, "bot", "unclear", *rules.loc[list(BEHAVIOURS), "code"]]
    codes = {
        code: fired[:, [k for k, name in enumerate(names) if name == code]].any(axis=1)
        for code in dict.fromkeys(names)
    }
    known = np.column_stack([codes[code] for code in codes if code != "unclear"]).any(axis=1)
    codes["unclear"] = codes["unclear"] & ~known
    return codes


def sides(codes):
    """Give the side of every session: none, controllable, uncontrollable, mixed or unexplained."""
    inside = np.column_stack([codes[code] for code in CONTROLLABLE]).any(axis=1)
    outside = np.column_stack([codes[code] for code in EXTERNAL]).any(axis=1)
    return np.select(
        [inside & outside, inside, outside, codes["unclear"]],
        ["mixed", "controllable", "uncontrollable", "unexplained"],
        "none",
    )


def trained_agents(p, contacts, dissatisfied, n_agents):
    """Say which agents are sent to training: the worst raw rate of the selection week."""
    chosen = np.zeros(n_agents, bool)
    count = round(p.trained_share * n_agents)
    week = contacts["is_handled"] & (contacts["week"] == p.selection_week)
    if count and week.any():
        handled = np.bincount(contacts["agent"][week], minlength=n_agents)
        bad = np.bincount(contacts["agent"][week], weights=dissatisfied[week], minlength=n_agents)
        rate = pd.Series(bad) / np.maximum(handled, 1)
        chosen[np.argsort(-rate.to_numpy(), kind="stable")[:count]] = True
    return chosen
