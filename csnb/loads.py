"""Burst or work: how much of a change is due to who came, to how busy the agents were, and to how they served.

A model of the metric given the customer's mix, the load and the agent is fitted on both periods and the weeks before.
Mix, load and work are then exchanged between the periods one by one, in every order (Shapley). An agent has a
level of their own in each period, part of the work, so that what load does is learned from the same agents at other loads.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from csnb.paired import metric_numbers, number_blocks, summed_interval
from csnb.stats import shapley_effects

FACTORS = ("mix", "load", "work")
CHANGED = ("traffic", "work", "both")
MIX = ("stage", "product", "intent", "shop", "channel", "tier")
KNOTS = (2, 4, 7)  # loads at which the metric may bend
HISTORY_DAYS = 56
SMALLEST_LEVEL = 20
RIDGE, AGENT_RIDGE, NO_RIDGE = 0.1, 5.0, 1e-9
STEPS = 25


class Split(NamedTuple):
    """A change in three factors, in the metric's unit.

    Each array holds the estimate and then how far each block moves it, for `csnb.paired.summed_interval`.
    """

    mix: np.ndarray
    load: np.ndarray
    work: np.ndarray

    @property
    def total(self):
        """The change."""
        return self.mix + self.load + self.work


def split_change(facts, sessions, metric, bursts=None):
    """Split the change of a metric into mix, load and work.

    Parameters
    ----------
    facts : csnb.paired.Paired of these sessions and this metric
    sessions : pandas.DataFrame of `label_periods`; up to eight weeks before the last period help the fit
    metric : str
    bursts : pandas.DataFrame of `find_bursts`, or None; their hours before the last period do not help

    Returns
    -------
    Split, or None where a session of either period has no load. It is about these sessions: who came and
        how busy the agents were is taken as it was, only the outcomes vary, by agent.

    Source
    ------
    Shapley (1953); the load of the other period is the one of the same rank.
    """
    if facts.rows["load_at_arrival"].isna().any():
        return None
    rows = pd.concat([facts.rows, _history(facts, sessions, metric, bursts)], ignore_index=True)
    rows["block"], _ = number_blocks(rows, facts.method)
    mix, load, place = _mix_columns(rows), rows["load_at_arrival"].to_numpy(), rows["place"].to_numpy()
    whose_level = rows["agent_id"].fillna("") + "\x1f" + rows["place"].astype(str)
    tiers, agents = _dummies(rows, "tier"), _dummies(rows.assign(agent_id=whose_level), "agent_id")
    design = np.hstack([mix, _bends(load, tiers), agents, np.eye(3)[place]])
    events, base = rows["events"].to_numpy(), rows["base"].to_numpy()
    fit = _fit(design, events, base, agents.shape[1], is_logit=facts.unit == "rate")
    pulls = np.vstack([np.zeros(design.shape[1]), _pull_of_blocks(rows, design, fit, agents.shape[1])])
    usual = [np.average(agents[place == period], axis=0, weights=base[place == period]) for period in (0, 1)]

    def mean_of(players):
        """Give the mean, and how blocks move it, with these factors from this period, the others from the last."""
        whose, busy, how = (int(name in players) for name in FACTORS)
        who = place == whose
        borne = load[who] if busy == whose else _at_ranks_of(load[who], load[place == busy])
        served = agents[who] if how == whose else np.tile(usual[how], (who.sum(), 1))
        period = np.tile(np.eye(3)[how], (who.sum(), 1))
        one = np.hstack([mix[who], _bends(borne, tiers[who]), served, period])
        value, slope = fit.predict(one)
        moves = pulls @ (one.T @ (base[who] * slope)) / base[who].sum()
        moves[0] = np.average(value, weights=base[who])
        return moves

    effects = shapley_effects(mean_of, FACTORS)
    return Split(*(facts.to_unit * effects[name] for name in FACTORS))


def _history(facts, sessions, metric, bursts):
    """Give the weeks before the last period, without their bursts, as rows of a third place."""
    first = facts.rows["day"].min()
    since = (pd.Timestamp(first) - pd.Timedelta(days=HISTORY_DAYS)).strftime("%Y-%m-%d")
    counted, events, base, _ = metric_numbers(sessions, metric)
    rows = counted.assign(events=events, base=base, place=2)
    hours = rows["started_at"].dt.floor("h")
    is_burst = hours.isin(bursts["hour_at"]) if bursts is not None and len(bursts) else False
    is_used = (
        (rows["day"] >= since) & (rows["day"] < first) & (rows["base"] > 0) & ~pd.Series(is_burst, rows.index)
    )
    return rows[is_used & rows["load_at_arrival"].notna()]


def _mix_columns(rows):
    """Give the levels of the mix as columns of 0 and 1, without the first of each."""
    return np.hstack([_dummies(rows, name)[:, 1:] for name in MIX])


def _dummies(rows, name):
    """Give the levels of one column as columns of 0 and 1; rare levels are one, and all are one without it."""
    levels = rows.get(name, pd.Series("", rows.index)).astype("string").fillna("")
    merged = levels.mask(levels.map(levels.value_counts()) < SMALLEST_LEVEL, "")
    return pd.get_dummies(merged, dtype=float).to_numpy()


def _bends(load, tiers):
    """Give the load as columns: for each tier of agents a line of its own that may bend at the knots."""
    line = np.column_stack([load, *(np.maximum(load - knot, 0) for knot in KNOTS)])
    return np.hstack([line * tier[:, None] for tier in tiers.T])


class _Fit(NamedTuple):
    """A fitted model: coefficients, information, and whether it is of log odds."""

    coefficients: np.ndarray
    information: np.ndarray
    is_logit: bool

    def predict(self, design):
        """Give the mean and its derivative by the linear predictor."""
        linear = design @ self.coefficients
        if not self.is_logit:
            return linear, np.ones_like(linear)
        value = 1 / (1 + np.exp(-linear))
        return value, value * (1 - value)


def _fit(design, events, base, agents, is_logit):
    """Fit by Newton's steps; agents bear a ridge like random levels, periods next to none, so that their means are met."""
    others = design.shape[1] - agents - 3
    penalty = np.r_[np.full(others, RIDGE), np.full(agents, AGENT_RIDGE), np.full(3, NO_RIDGE)]
    fit = _Fit(np.zeros(design.shape[1]), None, is_logit)
    for _ in range(STEPS if is_logit else 1):
        value, slope = fit.predict(design)
        information = design.T @ (design * (base * slope)[:, None]) + np.diag(penalty)
        score = design.T @ (events - base * value) - penalty * fit.coefficients
        step = np.linalg.solve(information, score)
        fit = _Fit(fit.coefficients + step, information, is_logit)
        if np.abs(step).max() < 1e-10:
            break
    return fit


def _pull_of_blocks(rows, design, fit, agents):
    """Say how far each block moves the coefficients: blocks x coefficients.

    Each block is held against a fit without it, as in a jackknife, for few agents may bear most of the load; of an
    agent left out the level of the last period is kept, the form of this one is not.
    """
    names = ("block", "events", "base", "place")
    block, events, base, place = (rows[name].to_numpy() for name in names)
    order = np.argsort(block, kind="stable")
    pulls = []
    for of_block in np.split(order, np.flatnonzero(np.diff(block[order])) + 1):
        own = design[of_block]
        value, slope = fit.predict(own)
        left = fit.information - own.T @ (own * (base[of_block] * slope)[:, None])
        score = own.T @ (events[of_block] - base[of_block] * value)
        level = design.shape[1] - 3 - agents + np.argmax(own[np.argmin(place[of_block]), -3 - agents : -3])
        left[level], score[level] = fit.information[level], 0.0
        pulls.append(np.linalg.solve(left, score))
    return np.array(pulls)


def _at_ranks_of(values, others):
    """Give each value the one of the others that holds its rank; equal values are ranked by lot, not by the clock."""
    lot = np.random.default_rng(0).permutation(len(values))
    rank = (np.argsort(np.lexsort((lot, values)), kind="stable") + 0.5) / len(values)
    return np.quantile(others, rank, method="inverted_cdf")


def name_judgement(split, confidence):
    """Name what a significant change is mostly due to.

    Parameters
    ----------
    split : Split, or None
    confidence : float

    Returns
    -------
    str: `traffic` if more than half of the change is load, with confidence; `work` if more than half is
        work; else `both`, which is also said where there is no load to tell by
    """
    if split is None:
        return "both"
    direction = np.sign(split.total[0])
    for name, part in (("traffic", split.load), ("work", split.work)):
        if summed_interval(direction * (part - split.total / 2), confidence)[1] > 0:
            return name
    return "both"


def changed_metrics(changes):
    """Name the metrics whose change is real, in the order of `changes` (of `csnb.measure_changes`).

    Examples
    --------
    >>> changed_metrics(pd.DataFrame({"metric": ["a", "b"], "judgement": ["none", "work"]}))
    ['b']
    """
    return changes.loc[changes["judgement"].isin(CHANGED), "metric"].to_list()
