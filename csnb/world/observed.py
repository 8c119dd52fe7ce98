"""What is seen of a world: the tables as the house builds them from an export, and nothing hidden."""

import numpy as np
import pandas as pd

from csnb.schema import ZONE
from csnb.world.causes import BEHAVIOURS
from csnb.world.draws import happens, uniforms
from csnb.world.people import on_duty
from csnb.world.scenarios import world_table

BEYOND_SCHEMA = {
    "score": "rating, 1 (worst) to 5 (best); missing: not rated",
    "is_invited": "the customer was invited to rate",
    "is_rated": "the customer rated",
    "is_satisfied": "rated 4 or 5; missing: not rated",
    "is_dissatisfied": "rated low: 1 or 2, on Douyin 1 to 3; missing: not rated",
    "slow_first": "the first reply came later than the standard, or the customer gave up waiting",
    "long_gap": "a later reply came later than the standard",
    "unanswered": "a question was never answered",
    "unresolved": "the matter was not settled, or the answer was wrong",
    "broken_promise": "a promise was not kept",
    "transferred": "handed over twice or more",
    "attitude": "the agent was cold or brushed the customer off",
    "emotion": "the agent quarrelled or lost patience",
    "is_greeted": "the agent greeted the customer",
    "is_followed_up": "the agent came back to the customer before the session closed",
    "intent": "what the customer came for (intents.tsv)",
    "product_line": "product line (product_lines.tsv)",
    "hour_block": "night, morning, afternoon or evening: six hours each from midnight",
    "weekday": "Monday 0 to Sunday 6",
    "has_price_flag": "price is a topic of the session",
    "has_campaign_flag": "a campaign is a topic, or one is on",
    "has_coupon_flag": "a coupon is a topic",
    "order_value": "value of the order or of the goods looked at, yuan",
    "order_value_band": "low, middle or high: below 100, 100 to 300, above 300 yuan",
    "buyer_tenure_days": "days since the buyer's first order",
    "buyer_tenure_band": "new, known or old: below 60, 60 to 365, above 365 days",
    "is_live": "came in from a live stream",
    "team": "team of the agent",
    "supplier": "employer of the agent",
    "tier": "level of the agent",
    "shift": "shift of the agent",
    "week": "week from 0",
    "machine_dissatisfied_p": "the machine's probability of dissatisfaction (miscalibrated, see parameters.toml)",
    "machine_controllable_p": "the machine's probability of a controllable reason",
    "machine_uncontrollable_p": "the machine's probability of an uncontrollable reason",
    **{
        f"analyst_{analyst}_{side}": f"analyst {analyst} sees {what}, with label noise"
        for analyst in ("a", "b")
        for side, what in {
            "dissatisfied": "dissatisfaction",
            "controllable": "a controllable reason",
            "uncontrollable": "an uncontrollable reason",
        }.items()
    },
}
_BLOCKS = np.array(["night", "morning", "afternoon", "evening"])
_SHOCKS = {"price": "降价", "quality": "质量事故", "policy": "规则调整", "system": "系统故障"}
_TEAMS = np.array(["售后", "售前"])
_CHANNELS = np.array(["搜索", "商品页", "订单页", "直播间"])


def at(draw, second):
    """Turn seconds from the start of the world into times; NaN stays missing."""
    start = pd.Timestamp(draw.p.starts_on, tz=ZONE).value // 10**6
    milliseconds = np.round(np.nan_to_num(second) * 1000).astype(np.int64) + start
    times = pd.Series(pd.DatetimeIndex(milliseconds.astype("datetime64[ms]"), tz="UTC").tz_convert(ZONE))
    return times.where(~np.isnan(second))


def session_ids(draw):
    """Give the id of every row: group and running number, the same whatever else changes."""
    return np.concatenate([
        np.char.add(f"S{number}", np.char.zfill(np.arange(n).astype(str), 7))
        for number, n in enumerate(draw.groups.values())
        if n
    ])  # fmt: skip


def agent_names(draw):
    """Give the serving agent of every row, None where a bot settled the matter."""
    names = draw.agents["agent_id"][draw.contacts["agent"]].astype(object)
    names[~draw.contacts["is_handled"]] = None
    return names


def observed_sessions(draw):
    """Give the sessions table: SESSIONS of csnb.schema and the columns of BEYOND_SCHEMA, by start."""
    c, s, r = draw.contacts, draw.service, draw.ratings
    handled, rated = c["is_handled"], r["is_rated"]
    facts = {**_identity(draw), **_clock_facts(draw), **_contact_facts(draw)}
    seen = {
        "score": r["score"],
        "is_invited": r["is_invited"],
        "is_rated": rated,
        "is_satisfied": _where(rated, r["score"] >= 4),
        "is_dissatisfied": _where(rated, r["score"] <= np.where(r["has_neutral"], 2, 3)),
        **{name: s[name] for name in (*BEHAVIOURS, "is_greeted", "is_followed_up")},
        "intent": world_table("intents").index.to_numpy()[c["intent"]],
        "product_line": world_table("product_lines").index.to_numpy()[c["product_line"]],
        "hour_block": _BLOCKS[((c["second"] % 86400) // 21600).astype(int)],
        "weekday": c["day"] % 7,
        "order_value": c["order_value"],
        "order_value_band": np.array(["low", "middle", "high"])[np.digitize(c["order_value"], [100, 300])],
        "buyer_tenure_days": c["buyer_tenure_days"],
        "buyer_tenure_band": np.array(["new", "known", "old"])[
            np.digitize(c["buyer_tenure_days"], [60, 365])
        ],
        **{
            name: c[name]
            for name in ("has_price_flag", "has_campaign_flag", "has_coupon_flag", "is_live", "week")
        },
        **{name: _where(handled, values) for name, values in _agent_facts(draw).items()},
        **draw.codes,
    }
    frame = pd.DataFrame({**facts, **seen})
    return frame.iloc[np.argsort(c["second"], kind="stable")].reset_index(drop=True)


def _where(known, values):
    """Give values where known, else a missing value."""
    if values.dtype == bool:
        return pd.array(np.where(known, values, None), dtype="boolean")
    return np.where(known, values, None)


def _identity(draw):
    """Give what says which session a row is."""
    c = draw.contacts
    ids = session_ids(draw)
    return {
        "session_key": np.arange(len(ids), dtype=np.int64),
        "session_id": ids,
        "platform": draw.shops["platform"][c["shop"]],
        "shop": draw.shops["shop"][c["shop"]],
        "channel": _CHANNELS[c["channel"]],
        "day": _day_names(draw)[c["day"]],
        "buyer_id": np.char.add("B", c["buyer"].astype(str)),
        "agent_id": agent_names(draw),
        "product": world_table("product_lines")["name"].to_numpy()[c["product_line"]],
        "order_id": _where(~c["is_presale"], np.char.add("O", ids)),
        "stage": np.where(c["is_presale"], "presale", "aftersale"),
    }


def _day_names(draw):
    """Give the name of every day of the world."""
    return pd.date_range(draw.p.starts_on, periods=draw.p.weeks * 7).strftime("%Y-%m-%d").to_numpy()


def _clock_facts(draw):
    """Give times, counts and reply facts as the generic clock counts them: all day, no cap."""
    c, s = draw.contacts, draw.service
    delay, first = s["turn_delay_seconds"], s["turn_first"]
    replied = np.add.reduceat(~np.isnan(delay), first)
    total = np.add.reduceat(np.nan_to_num(delay), first)
    largest = np.maximum.reduceat(np.nan_to_num(delay), first)
    handled = c["is_handled"]
    turns = np.where(handled, np.where(s["gave_up"], 1, s["turn_count"]), 0)
    talk = np.where(handled, total + (turns - 1).clip(0) * s["think_seconds"], 40.0)
    asked = turns + np.where(handled, (s["turn_count"] * 0.4).astype(int), 2)
    bot = np.where(c["has_bot"], 2, 0)
    return {
        "started_at": at(draw, c["second"]),
        "ended_at": at(draw, np.round(c["second"] + talk, 3)),
        "message_count": asked + replied + bot,
        "customer_message_count": asked,
        "agent_message_count": replied,
        "bot_message_count": bot,
        "answer_ask_ratio": replied / asked,
        "turn_count": turns,
        "human_turn_count": turns,
        "graded_turn_count": turns,
        "reply_seconds_sum": np.where(replied > 0, total, np.nan),
        "timed_turn_count": replied,
        "standard_unit": "turn",
        "replied_in_standard_count": np.add.reduceat(np.nan_to_num(delay, nan=np.inf) <= 180, first),
        "first_response_seconds": delay[first],
        "mean_response_seconds": np.where(replied > 0, total / np.maximum(replied, 1), np.nan),
        "max_response_seconds": np.where(replied > 0, largest, np.nan),
        "unanswered_count": turns - replied,
        "slow_count": np.add.reduceat(np.nan_to_num(delay) > draw.p.gap_standard_seconds, first),
        "transfer_count": s["transfer_count"],
        "is_replied": replied > 0,
    }


def _contact_facts(draw):
    """Give bot, load and repeat facts."""
    c = draw.contacts
    return {
        "has_bot": c["has_bot"],
        "is_handed_off": c["has_bot"] & c["is_handled"],
        "load_at_arrival": draw.service["load"],
        **{f"is_repeat_{hours}h": repeats(draw, hours) for hours in (24, 48, 72)},
        "rulepack": "generic",
        "left_out_because": np.where(c["is_handled"], None, "bot_only"),
    }


def repeats(draw, hours):
    """Say whether the buyer wrote again within some hours; missing where the world ended before."""
    c = draw.contacts
    order = np.lexsort((c["second"], c["buyer"], c["shop"]))
    same = (np.diff(c["buyer"][order]) == 0) & (np.diff(c["shop"][order]) == 0)
    gap = np.where(same, np.diff(c["second"][order]), np.inf)
    again = np.zeros(len(order), bool)
    again[order[:-1]] = gap <= hours * 3600
    observed = c["second"] + hours * 3600 <= draw.p.weeks * 7 * 86400
    return _where(observed | again, again)


def _agent_facts(draw):
    """Give what is known of the serving agent."""
    a, who = draw.agents, draw.contacts["agent"]
    return {
        "team": _TEAMS[a["is_presale_team"][who].astype(int)],
        "supplier": suppliers(draw)[a["supplier"][who]],
        "tier": world_table("tiers")["name"].to_numpy()[a["tier"][who]],
        "shift": world_table("shifts")["name"].to_numpy()[a["shift"][who]],
    }


def suppliers(draw):
    """Give the names of the employers: the own team first."""
    return np.array(["自营", *(f"外包{letter}" for letter in "ABCDEFGH")])[: draw.p.suppliers]


def observed_ratings(draw):
    """Give the ratings table: one row for every invitation or rating."""
    c, r = draw.contacts, draw.ratings
    rows = np.flatnonzero(r["is_invited"] | r["is_rated"])
    rows = rows[np.argsort(c["second"][rows], kind="stable")]
    s = draw.service
    talk = np.add.reduceat(np.nan_to_num(s["turn_delay_seconds"]), s["turn_first"])[rows]
    end = c["second"][rows] + talk + s["turn_count"][rows] * s["think_seconds"][rows]
    by = np.where(r["invited_by_agent"][rows], "agent", "auto").astype(object)
    return pd.DataFrame({
        "session_id": session_ids(draw)[rows],
        "platform": draw.shops["platform"][c["shop"][rows]],
        "shop": draw.shops["shop"][c["shop"][rows]],
        "score": r["score"][rows],
        "invited_at": at(draw, np.where(r["is_invited"][rows], np.round(end + 30), np.nan)),
        "invited_by": np.where(r["is_invited"][rows], by, None),
        "rated_at": at(draw, np.where(r["is_rated"][rows], np.round(end + 90), np.nan)),
    })  # fmt: skip


def observed_agents(draw):
    """Give the agents table."""
    a = draw.agents
    start = pd.Timestamp(draw.p.starts_on)
    return pd.DataFrame({
        "agent_id": a["agent_id"],
        "name": a["name"],
        "team": _TEAMS[a["is_presale_team"].astype(int)],
        "supplier": suppliers(draw)[a["supplier"]],
        "tier": world_table("tiers")["name"].to_numpy()[a["tier"]],
        "hired_on": (start - pd.to_timedelta(a["tenure_days"], unit="D")).date,
        "alias_of": None,
        "shift": world_table("shifts")["name"].to_numpy()[a["shift"]],
    })  # fmt: skip


def observed_events(draw):
    """Give the calendar: campaigns, bursts and shocks as the team knows them."""
    p = draw.p
    kinds = {"price": "price", "quality": "quality", "policy": "policy", "system": "outage"}
    spells = [(*run, 0.0, 24.0, "campaign", "大促") for run in _runs(p.campaign_days)]
    spells += [
        (day, day, p.burst_hour, min(p.burst_hour + 2, 24), "live", "直播专场") for day in p.burst_days
    ]
    if p.shock_cause in kinds:
        line = "" if p.shock_line == "all" else world_table("product_lines").loc[p.shock_line, "name"]
        spells += [
            (*run, 0.0, 24.0, kinds[p.shock_cause], line + _SHOCKS[p.shock_cause])
            for run in _runs(p.shock_days)
        ]
    first, last, starts, ends, kind, note = zip(*spells, strict=True) if spells else ((),) * 6
    first, last = (np.array(days, float) * 86400 for days in (first, last))
    return pd.DataFrame({
        "starts_at": at(draw, first + np.array(starts, float) * 3600),
        "ends_at": at(draw, last + np.array(ends, float) * 3600),
        "kind": list(kind),
        "shop": None,
        "note": list(note),
    })  # fmt: skip


def _runs(days):
    """Give the first and the last day of every run of days."""
    days = sorted(set(days))
    firsts = [day for day in days if day - 1 not in days]
    return list(zip(firsts, [day for day in days if day + 1 not in days], strict=True))


def observed_shifts(draw):
    """Give every spell on line: rosters, cut where an agent left the desk (the unwilling more often)."""
    duty = np.tile(on_duty(draw.p, draw.agents), draw.p.weeks)
    edges = np.diff(np.pad(duty.astype(int), ((0, 0), (1, 1))), axis=1)
    agent, starts = np.nonzero(edges == 1)
    starts, ends = starts * 1800.0, np.nonzero(edges == -1)[1] * 1800.0
    agent, starts, ends = _with_breaks(draw, agent, starts, ends)
    return pd.DataFrame({
        "agent_id": draw.agents["agent_id"][agent],
        "starts_at": at(draw, starts),
        "ends_at": at(draw, ends),
    })  # fmt: skip


def _with_breaks(draw, agent, starts, ends, tries=4):
    """Cut out breaks: `tries` chances a spell, each taken with a probability that falls with willingness."""
    willingness = draw.agents["lasting"][1][agent]
    n, cuts = len(agent), []
    for k in range(tries):
        taken = happens(draw.seed, f"break {k}", n, 0.35 * np.exp(-0.5 * willingness).clip(0, 2.5))
        minutes = 4 + 12 * uniforms(draw.seed, f"break length {k}", n)
        begin = starts + (ends - starts) * (k + uniforms(draw.seed, f"break place {k}", n)) / tries
        stop = np.minimum(begin + 60 * minutes, starts + (ends - starts) * (k + 1) / tries)
        cuts.append((np.where(taken, begin, np.nan), np.where(taken, stop, np.nan)))
    begins = np.column_stack([starts, *(stop for _, stop in cuts)])
    stops = np.column_stack([*(begin for begin, _ in cuts), ends])
    who = np.repeat(agent, tries + 1)
    begins, stops = begins.ravel(), stops.ravel()
    keep_begin, keep_stop = ~np.isnan(begins), ~np.isnan(stops)
    return who[keep_begin], np.round(begins[keep_begin]), np.round(stops[keep_stop])


def observed_follow_up(draw):
    """Give orders, refunds and tickets."""
    ids, c = session_ids(draw), draw.contacts
    buyer = np.char.add("B", c["buyer"].astype(str))
    shop = draw.shops["shop"][c["shop"]]
    product = world_table("product_lines")["name"].to_numpy()[c["product_line"]]
    orders, refunds, tickets = (draw.followed[name] for name in ("orders", "refunds", "tickets"))
    return {
        "orders": pd.DataFrame({
            "order_id": np.char.add("O", ids[orders["row"]]),
            "buyer_id": buyer[orders["row"]],
            "session_id": np.where(orders["is_presale"], ids[orders["row"]], None),
            "shop": shop[orders["row"]],
            "product": product[orders["row"]],
            "ordered_at": at(draw, orders["ordered_second"].to_numpy()),
            "paid_at": at(draw, orders["paid_second"].to_numpy()),
            "amount": orders["amount"],
        }),
        "refunds": pd.DataFrame({
            "order_id": np.char.add("O", ids[refunds["row"]]),
            "requested_at": at(draw, refunds["requested_second"].to_numpy()),
            "refunded_at": at(draw, refunds["refunded_second"].to_numpy()),
            "amount": refunds["amount"],
            "reason": refunds["reason"],
        }),
        "tickets": pd.DataFrame({
            "ticket_id": np.char.add("T", ids[tickets["row"]]),
            "session_id": ids[tickets["row"]],
            "kind": tickets["kind"],
            "opened_at": at(draw, tickets["opened_second"].to_numpy()),
            "closed_at": at(draw, tickets["closed_second"].to_numpy()),
        }),
    }  # fmt: skip
