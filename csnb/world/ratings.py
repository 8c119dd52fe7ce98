"""What is seen of satisfaction: invitations, ratings, the machine's scores and the analysts' codes."""

import numpy as np
from scipy.special import expit, logit, ndtri

from csnb.world.causes import CONTROLLABLE, EXTERNAL
from csnb.world.draws import happens, normals, uniforms
from csnb.world.scenarios import world_table


def rate(p, seed, groups, contacts, service, outcome, shops):
    """Give invitation, response and score; all missing for sessions that no agent answered."""
    rules = world_table("platforms").loc[shops["platform"][contacts["shop"]]]
    can_rate = contacts["is_handled"] & ~service["gave_up"]
    invited = can_rate & happens(seed, "invited", groups, rules["invited"].to_numpy())
    by_agent = uniforms(seed, "invited by", groups) < rules["by_agent"].to_numpy()
    bad = outcome["is_dissatisfied"]
    quick = ~(service["slow_first"] | service["long_gap"])
    delight = np.where(quick, 0.3, 0.1)
    delighted = ~bad & happens(seed, "delighted", groups, delight)
    bias = np.where(
        (p.rating_change_day >= 0) & (contacts["day"] >= p.rating_change_day),
        p.rating_dissatisfied_after, p.rating_dissatisfied,
    )  # fmt: skip
    odds = p.rating_base + rules["response"].to_numpy() + p.rating_invited * invited
    responds = np.where(bad, expit(odds + bias), expit(odds + p.rating_delighted * delighted))
    mixed = delight * expit(odds + p.rating_delighted) + (1 - delight) * expit(odds)
    rated = can_rate & happens(seed, "rated", groups, responds)
    has_neutral = (rules["neutral"] == "yes").to_numpy()
    level = uniforms(seed, "score", groups)
    worse = np.where(
        has_neutral, np.where(level < 0.55, 1, 2), np.where(level < 0.45, 1, np.where(level < 0.7, 2, 3))
    )
    better = np.where(delighted | (level < 0.6), 5, np.where(has_neutral & (level > 0.9), 3, 4))
    return {
        "is_invited": invited,
        "invited_by_agent": invited & by_agent,
        "is_rated": rated,
        "score": np.where(rated, np.where(bad, worse, better), np.nan),
        "p_rated_if_dissatisfied": np.where(can_rate, expit(odds + bias), 0.0),
        "p_rated_if_satisfied": np.where(can_rate, mixed, 0.0),
        "has_neutral": has_neutral,
    }


def code(p, seed, groups, outcome):
    """Give machine scores of a stated area under the curve and two analysts' codes with label noise.

    The machine's scores are those of two normal distributions apart by the distance that the area
    asks for, then shifted by `machine_shift` on the log odds: they rank well and are miscalibrated.
    """
    columns = {}
    bad = outcome["is_dissatisfied"]
    facts = {
        "dissatisfied": bad,
        "controllable": np.column_stack([outcome[c] for c in CONTROLLABLE]).any(axis=1),
        "uncontrollable": np.column_stack([outcome[c] for c in EXTERNAL]).any(axis=1),
    }
    apart = np.sqrt(2) * ndtri(p.machine_auc)
    for side, fact in facts.items():
        base = 0.25 if side == "dissatisfied" else 0.5
        signal = normals(seed, f"machine {side}", groups) + apart * fact
        columns[f"machine_{side}_p"] = np.round(
            expit(logit(base) + apart * (signal - apart / 2) + p.machine_shift), 6
        )
        for analyst in ("a", "b"):
            draw = uniforms(seed, f"analyst {analyst} {side}", groups)
            seen = np.where(fact, draw < p.analyst_sensitivity, draw < 1 - p.analyst_specificity)
            columns[f"analyst_{analyst}_{side}"] = seen
    return columns
