"""Objective or personal: how much of an agent's distance from the team is cases, load and staffing.

What is left is the person's part, and whatever the book does not know.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats as distributions

from csnb.casemix import GROUPS, SUPPRESSED_BELOW, adjust_agents, known_agents
from csnb.standing import outcome_rule, pick_outcome
from csnb.stats import shapley_effects

_MOSTLY = 0.6  # part of a gap from which one side is mostly it


def split_gaps(sessions, compared, outcome=None, confidence=0.95, folder=None):
    """Split each agent's gap to the other agents into case mix, load, staffing and the rest.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    compared : pandas.DataFrame of `compare_agents`: who may be named
    outcome : str, a yes/no column of sessions; None picks one (`pick_outcome`)
    confidence : float
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        Results in points, one row an agent: `value` the gap (more is worse) with its interval, `difference_mix,
        difference_load, difference_staffing` (Shapley values over what is expected with and without each) and
        `difference_rest` with its interval, which add up to the gap; `objective_share` of the first three in it; `origin`: objective (the
        rest may be 0 and the first three are mostly it), personal (the rest is not 0 and mostly it), both, none (no
        gap beyond chance) or too_few; `is_named` as in `compared`. Intervals are over the agent's days (t).

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> csnb.split_gaps(sessions, csnb.compare_agents(sessions))[["agent_id", "n", "origin"]].values.tolist()
    [['小丽', 2, 'too_few'], ['小美', 4, 'too_few']]
    """
    outcome = outcome or pick_outcome(sessions, folder)
    rule = outcome_rule(outcome, folder)
    found = {
        frozenset(groups): adjust_agents(sessions, sessions[outcome], groups=groups, folder=folder)
        for size in range(len(GROUPS) + 1)
        for groups in combinations(GROUPS, size)
    }
    full = found[frozenset(GROUPS)]
    n = full.whole["n"]
    parts = shapley_effects(lambda groups: found[groups].whole["expected"] / n, GROUPS)
    seen = full.whole["observed"] / n
    usual, due = (found[groups].whole["expected"] / n for groups in (frozenset(), frozenset(GROUPS)))
    gap, rest = (
        _by_days(sessions, outcome, found[frozenset()], confidence),
        _by_days(sessions, outcome, full, confidence),
    )
    few = n < SUPPRESSED_BELOW
    table = pd.DataFrame(
        {
            "metric": rule["metric"], "agent_id": n.index, "team": known_agents(sessions).reindex(n.index), "n": n,
            "value": seen - usual, "low": seen - usual - gap, "high": seen - usual + gap, "unit": "points",
            "method": "shapley", "rulepack": "", **{f"difference_{name}": part for name, part in parts.items()},
            "difference_rest": seen - due, "difference_rest_low": seen - due - rest, "difference_rest_high": seen - due + rest,
            "objective_share": (due - usual).abs() / ((due - usual).abs() + (seen - due).abs()),
        }
    )  # fmt: skip
    figures = [
        name
        for name in table
        if name not in ("metric", "agent_id", "team", "n", "unit", "method", "rulepack")
    ]
    table[figures] = table[figures].mask(few)
    table["method"] = table["method"].mask(few, "suppressed")
    table["origin"] = [_origin(row, rule["fewest"]) for row in table.to_dict("records")]
    named = compared.loc[compared["is_named"], "agent_id"]
    return table.assign(is_named=table["agent_id"].isin(named)).reset_index(drop=True)


def _by_days(sessions, outcome, adjusted, confidence):
    """Give the half width of each agent's observed less expected rate, over days, with the expected one's own."""
    rows = sessions.loc[adjusted.expected.index, ["agent_id", "day"]]
    rest = sessions.loc[adjusted.expected.index, outcome].astype(float) - adjusted.expected
    days = rows.assign(rest=rest).groupby(["agent_id", "day"])["rest"].agg(["sum", "size"]).reset_index("day")
    n = days.groupby("agent_id")["size"].sum()
    mean = days.groupby("agent_id")["sum"].sum() / n
    residual = days["sum"] - mean.reindex(days.index) * days["size"]
    count = days.groupby("agent_id").size()
    variance = (residual**2).groupby("agent_id").sum() / n**2 * count / (count - 1).where(count > 1)
    rate = adjusted.whole["observed"] / adjusted.whole["n"]
    expected = adjusted.baseline.reindex(n.index) * (rate * (1 - rate)) ** 2
    return distributions.t.ppf((1 + confidence) / 2, (count - 1).where(count > 1)) * np.sqrt(
        variance + expected
    )


def _origin(row, fewest):
    """Judge one agent's gap."""
    if row["n"] < fewest or pd.isna(row["difference_rest_low"]):
        return "too_few"
    if row["low"] <= 0 <= row["high"]:
        return "none"
    rest_may_be_0 = row["difference_rest_low"] <= 0 <= row["difference_rest_high"]
    if rest_may_be_0 and row["objective_share"] >= _MOSTLY:
        return "objective"
    if not rest_may_be_0 and row["objective_share"] <= 1 - _MOSTLY:
        return "personal"
    return "both"


def measure_gap_parts(gaps):
    """Measure how large each part of the gaps is in the whole team, without names.

    Parameters
    ----------
    gaps : pandas.DataFrame of `split_gaps`

    Returns
    -------
    pandas.DataFrame
        Results by `part` (mix, load, staffing, rest): `value` the mean absolute points over `agents_count` agents with
        five conversations or more, n conversations. Chance makes a part larger, too: absolute values do not cancel.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> gaps = csnb.split_gaps(sessions, csnb.compare_agents(sessions))
    >>> csnb.measure_gap_parts(gaps)["part"].to_list()
    ['mix', 'load', 'staffing', 'rest']
    """
    known = gaps[gaps["value"].notna()]
    rows = [
        {"metric": "gap_part", "part": part, "agents_count": len(known), "n": int(known["n"].sum()), "value": known[f"difference_{part}"].abs().mean(),
         "low": np.nan, "high": np.nan, "unit": "points", "method": "mean over agents", "rulepack": ""}
        for part in (*GROUPS, "rest")
    ]  # fmt: skip
    return pd.DataFrame(rows)
