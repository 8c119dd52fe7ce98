"""What follows a conversation: orders, refunds and tickets."""

import numpy as np
import pandas as pd
from scipy.special import expit

from csnb.world.draws import happens, normals, uniforms
from csnb.world.scenarios import world_table


def order_chances(p, contacts, agents, acts):
    """Give the chance that a presale contact ends in a paid order, given what the service did."""
    skill = agents["presale_selling"][contacts["agent"]] * contacts["is_handled"]
    odds = (
        p.order_base
        + 0.3 * skill
        - 0.35 * acts["slow_first"]
        - 0.8 * acts["unanswered"]
        - 0.3 * acts["unresolved"]
        + 0.4 * acts["is_followed_up"]
        - 0.5 * contacts["is_live"]
        - 0.35 * np.log(contacts["order_value"] / 150)
        - 0.3 * contacts["has_price_flag"]
    )
    return np.where(contacts["is_presale"], expit(odds), 0.0)


def follow_up(p, seed, groups, contacts, service, outcome, agents):
    """Give three frames: orders, refunds and tickets; `row` says from which contact.

    Times are seconds from the start of the world; what has not happened by its end is NaN.
    """
    end = p.weeks * 7 * 86400.0
    ordered = happens(seed, "order", groups, order_chances(p, contacts, agents, service))
    bought = ordered | ~contacts["is_presale"]
    wait = np.where(
        contacts["is_presale"],
        1800 * np.exp(normals(seed, "order delay", groups)),
        -86400 * (1 + 6 * uniforms(seed, "order age", groups)),
    )
    orders = _rows(bought, {
        "ordered_second": contacts["second"] + wait,
        "paid_second": contacts["second"] + wait + 120,
        "amount": contacts["order_value"],
        "is_presale": contacts["is_presale"],
    })  # fmt: skip
    orders = orders[orders["ordered_second"] < end].reset_index(drop=True)
    asks = happens(
        seed, "refund", groups, 0.03 + 0.15 * outcome["is_dissatisfied"] + 0.35 * outcome["quality"]
    )
    asked = contacts["second"] + 3600 * 6 * np.exp(0.8 * normals(seed, "refund delay", groups))
    paid = asked + 3600 * 40 * np.exp(0.6 * normals(seed, "refund time", groups))
    refunds = _rows(asks & ~contacts["is_presale"] & (asked < end), {
        "requested_second": asked,
        "refunded_second": np.where(paid < end, paid, np.nan),
        "amount": contacts["order_value"],
        "reason": np.where(outcome["quality"], "质量问题", np.where(outcome["logistics"], "物流太慢", "七天无理由")),
    })  # fmt: skip
    opens = contacts["is_handled"] & ~contacts["is_presale"]
    opens &= happens(seed, "ticket", groups, p.ticket_share * (0.5 + contacts["difficulty"] * 1.4))
    hard = contacts["difficulty"] > 0.5
    hours = (
        p.ticket_hours
        * np.where(hard, p.ticket_backlog, 1)
        * np.exp(0.9 * normals(seed, "ticket time", groups))
    )
    opened = contacts["second"] + 900
    closed = opened + 3600 * hours
    tickets = _rows(opens & (opened < end), {
        "kind": world_table("intents")["name"].to_numpy()[contacts["intent"]],
        "opened_second": opened,
        "closed_second": np.where(closed < end, closed, np.nan),
        "hours": hours,
    })  # fmt: skip
    return {"orders": orders, "refunds": refunds, "tickets": tickets}


def _rows(chosen, columns):
    """Keep the chosen rows of some columns."""
    return pd.DataFrame(
        {"row": np.flatnonzero(chosen), **{name: values[chosen] for name, values in columns.items()}}
    )
