"""Who writes when, about what, and to whom: arrivals, customers, bot, routing and repeat contacts."""

import numpy as np
from scipy.special import expit

from csnb.world.draws import choose, happens, normals, stream, uniforms
from csnb.world.people import on_duty
from csnb.world.scenarios import world_table

HALF_HOUR = 1800.0
_BY_HOUR = (
    1.2, .7, .4, .3, .3, .5, 1.0, 2.0, 3.6, 5.2, 6.2, 5.6, 4.6, 4.8, 5.6, 5.8, 5.6, 5.0, 4.6, 5.4, 7.0, 7.4, 5.8, 3.0,
)  # fmt: skip
_BY_WEEKDAY = (1.06, 1.02, 1.0, 0.98, 1.0, 1.02, 0.92)


def draw_contacts(p, seed, shops, agents):
    """Give all contacts as a dict of arrays, one row a session, and the groups they are drawn in.

    First the usual arrivals, then those that a campaign and a burst add, then repeat contacts of
    earlier ones (two rounds). Which agent a session reaches and whether the matter is settled are drawn here, because
    repeats follow from them.
    """
    rates = _rates(p, shops)
    rounds, groups = [], {}
    for group, rate in rates.items():
        arrivals = _arrive(p, seed, group, rate)
        groups[group] = len(arrivals["second"])
        rounds.append(_meet(p, seed, {group: groups[group]}, arrivals, shops, agents))
    earlier, among = _stack(rounds), dict(groups)
    for group in ("repeat", "second repeat"):
        arrivals = _come_again(p, seed, among, earlier)
        among = {group: len(arrivals["second"])}
        earlier = _meet(p, seed, among, arrivals, shops, agents)
        groups |= among
        rounds.append(earlier)
    return _stack(rounds), groups


def _stack(rounds):
    """Put the rounds below one another."""
    return {name: np.concatenate([part[name] for part in rounds]) for name in rounds[0]}


def _rates(p, shops):
    """Give expected arrivals for every group: half hours x shops."""
    slot = np.arange(p.weeks * 7 * 48)
    day, hour = slot // 48, (slot % 48) / 2
    shape = np.take(_BY_HOUR, hour.astype(int)) * np.take(_BY_WEEKDAY, day % 7)
    usual = p.sessions_per_week * p.weeks * np.outer(shape / shape.sum(), shops["traffic"])
    campaign = np.isin(day, p.campaign_days) * (p.campaign_lift - 1)
    start = np.where(np.isin(day, p.burst_days), p.burst_hour, np.inf)
    minutes = (hour - start) * 60
    halved = np.where(minutes >= 0, 0.5 ** (np.maximum(minutes, 0) / p.burst_decay_minutes), 0)
    burst = (p.burst_lift - 1) * halved
    return {"usual": usual, "campaign": usual * campaign[:, None], "burst": usual * burst[:, None]}


def _arrive(p, seed, group, rate):
    """Draw negative-binomial counts and place the arrivals inside their half hours."""
    chance = stream(seed, f"arrivals/{group}")
    rate = np.round(rate, 6)
    if p.dispersion:
        rate = rate * chance.gamma(1 / p.dispersion, p.dispersion, rate.shape)
    counts = chance.poisson(rate)
    slot, shop = np.repeat(np.argwhere(counts >= 0), counts.ravel(), axis=0).T
    n = len(slot)
    place = uniforms(seed, "place in half hour", {group: n})
    return {
        "second": np.round(slot * HALF_HOUR + place * HALF_HOUR, 3),
        "shop": shop,
        "is_live": np.full(n, group == "burst"),
        "is_repeat": np.zeros(n, bool),
        "buyer": np.floor(uniforms(seed, "buyer", {group: n}) * 1e9).astype(np.int64),
        "intent": np.full(n, -1),
        "product_line": np.full(n, -1),
    }


def _come_again(p, seed, groups, earlier):
    """Draw who writes again about the same matter, and when."""
    chance = np.where(earlier["is_unresolved"], p.repeat_unresolved, p.repeat_solved)
    again = happens(seed, "repeat", groups, chance)
    lag = 3600 * 9 * np.exp(1.1 * normals(seed, "repeat lag", groups))
    second = np.round(earlier["second"] + 1800 + lag, 3)
    keep = again & (second < p.weeks * 7 * 86400)
    kept = {name: earlier[name][keep] for name in ("shop", "buyer", "intent", "product_line")}
    return {
        **kept,
        "second": second[keep],
        "is_live": np.zeros(keep.sum(), bool),
        "is_repeat": np.ones(keep.sum(), bool),
    }


def _meet(p, seed, groups, arrivals, shops, agents):
    """Draw what the customers of one group bring along, whom they meet and whether it gets settled."""
    contacts = {**arrivals, **_customers(p, seed, groups, arrivals, shops)}
    contacts |= _bot(p, seed, groups, contacts)
    contacts |= _route(p, seed, groups, contacts, agents)
    contacts["is_unresolved"] = draw_unresolved(p, seed, groups, contacts, agents)
    return contacts


def draw_unresolved(p, seed, groups, contacts, agents):
    """Draw whether the matter stays unsettled: by the agent's ability and the difficulty, or by the bot."""
    ability = agents["traits"][0][contacts["agent"], contacts["week"]]
    rule = world_table("behaviours").loc["unresolved"]
    odds = rule["base"] + rule["ability"] * ability + rule["difficulty"] * (contacts["difficulty"] - 0.35)
    chance = np.where(contacts["is_handled"], expit(odds), p.bot_unresolved)
    return happens(seed, "unresolved", groups, chance)


def _customers(p, seed, groups, arrivals, shops):
    """Draw the case mix: intent, product, value, tenure, flags, mood."""
    intents, lines = world_table("intents"), world_table("product_lines")
    day = (arrivals["second"] // 86400).astype(int)
    line = choose(uniforms(seed, "product line", groups), shops["line_weights"][arrivals["shop"]])
    line = np.where(arrivals["product_line"] >= 0, arrivals["product_line"], line)
    intent = choose(uniforms(seed, "intent", groups), _intent_weights(p, arrivals, day, line))
    intent = np.where(arrivals["intent"] >= 0, arrivals["intent"], intent)
    value = lines["value"].to_numpy()[line] * shops["price_level"][arrivals["shop"]]
    is_campaign = np.isin(day, p.campaign_days)
    channel = choose(uniforms(seed, "channel", groups), np.array([[0.3, 0.35, 0.25, 0.1]]))
    return {
        "day": day,
        "week": day // 7,
        "intent": intent,
        "product_line": line,
        "is_presale": (intents["stage"] == "presale").to_numpy()[intent],
        "channel": np.where(arrivals["is_live"], 3, channel),
        "order_value": np.round(value * np.exp(0.5 * normals(seed, "order value", groups)), 2),
        "buyer_tenure_days": np.round(900 * uniforms(seed, "buyer tenure", groups) ** 2).astype(int),
        "has_price_flag": happens(seed, "price flag", groups, np.where(np.isin(intent, _about("price")), 0.8, 0.08)),
        "has_campaign_flag": is_campaign | happens(seed, "campaign flag", groups, np.where(np.isin(intent, _about("campaign")), 0.8, 0.05)),
        "has_coupon_flag": happens(seed, "coupon flag", groups, np.where(np.isin(intent, _about("discount")), 0.85, 0.1)),
        "anger": normals(seed, "anger", groups) + 0.8 * arrivals["is_repeat"],
        "difficulty": np.clip(intents["difficulty"].to_numpy()[intent] + lines["difficulty"].to_numpy()[line], 0, 1),
    }  # fmt: skip


def _intent_weights(p, arrivals, day, line):
    """Give the weight of every intent for each customer: the hour, a live stream and a shock all pull."""
    intents = world_table("intents")
    block = ((arrivals["second"] % 86400) // 21600).astype(int)
    side = np.where(intents["stage"] == "presale", -1, 1)
    weights = (
        intents["weight"].to_numpy() * np.exp(p.mix_spread * np.outer([0.3, 0.1, 0.0, -0.25], side))[block]
    )
    weights = np.where(arrivals["is_live"][:, None], weights * intents["live"].to_numpy(), weights)
    weights *= _belongs()[line]
    if p.shock_cause != "none":
        hit = shock_hits(p, day, line)
        weights[np.ix_(hit, _about(p.shock_cause))] *= np.sqrt(p.shock_lift)
    return weights


def _belongs():
    """Say which intents belong to which product line: lines x intents."""
    lines, only = world_table("product_lines").index, world_table("intents")["only"]
    return np.array([[kept == "all" or line in kept.split(",") for kept in only] for line in lines])


def shock_hits(p, day, line):
    """Say which customers a shock hits: on its days, with its product line."""
    lines = list(world_table("product_lines").index)
    return np.isin(day, p.shock_days) & (p.shock_line == "all" or line == lines.index(p.shock_line))


def _about(cause):
    """Give the numbers of the intents that are about a cause."""
    return np.flatnonzero(world_table("intents")[cause] >= 0.07)


def _bot(p, seed, groups, contacts):
    """Draw who meets the bot first and whom it keeps."""
    keeps = np.where(
        (p.bot_change_day >= 0) & (contacts["day"] >= p.bot_change_day), p.containment_after, p.containment
    )
    chance = np.clip(world_table("intents")["contained"].to_numpy()[contacts["intent"]] * keeps, 0, 0.98)
    has_bot = happens(seed, "bot", groups, p.bot_share)
    contained = has_bot & happens(seed, "contained", groups, chance)
    return {"has_bot": has_bot, "is_handled": ~contained}


def _route(p, seed, groups, contacts, agents):
    """Draw the agent: on duty, of the shop and the stage where there is one, pulled by `routing`."""
    uniform, duty = uniforms(seed, "agent", groups), on_duty(p, agents)
    blocks = np.split(np.arange(len(uniform)), range(_BLOCK, len(uniform), _BLOCK))
    return {
        "agent": np.concatenate(
            [_choose_agent(p, rows, uniform[rows], contacts, agents, duty) for rows in blocks]
        )
    }


_BLOCK = 20_000


def _choose_agent(p, rows, uniform, contacts, agents, duty):
    """Choose agents for some rows; a wish that nobody fulfils is dropped."""
    here = duty[:, ((contacts["second"][rows] // HALF_HOUR) % 336).astype(int)].T
    own_shop = agents["shop"][None, :] == contacts["shop"][rows, None]
    stage = agents["is_presale_team"][None, :] == contacts["is_presale"][rows, None]
    level = (agents["tier"] - agents["tier"].mean())[None, :]
    weights = np.exp(p.routing * level * (contacts["difficulty"][rows, None] - 0.35) * 2)
    for wish in (here, own_shop, stage) if p.team_split else (here, own_shop):
        kept = weights * wish
        weights = np.where(kept.any(axis=1, keepdims=True), kept, weights)
    return choose(uniform, weights)
