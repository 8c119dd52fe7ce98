"""Burst or work: how much of a change is due to who came, to how busy the agents were, and to how they served.

A model of the metric given the customer's mix and the load is fitted on both periods and the weeks before.
Mix, load and work are then exchanged between the periods one by one, in every order (Shapley).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from csnb.paired import draw_blocks, drawn_interval, metric_numbers
from csnb.stats import shapley_effects

FACTORS = ("mix", "load", "work")
CHANGED = ("traffic", "work", "both")
MIX = ("stage", "product", "intent", "shop", "channel", "tier")
KNOTS = (2, 4, 7)  # loads at which the metric may bend
HISTORY_DAYS = 56
SMALLEST_LEVEL = 20
RIDGE = 0.1
STEPS = 25


class Split(NamedTuple):
    """A change in three factors; each array holds the estimate and then its draws, in the metric's unit."""

    mix: np.ndarray
    load: np.ndarray
    work: np.ndarray

    @property
    def total(self):
        """The change."""
        return self.mix + self.load + self.work


def split_change(facts, sessions, metric, bursts=None, seed=0):
    """Split the change of a metric into mix, load and work.

    Parameters
    ----------
    facts : csnb.paired.Paired of these sessions and this metric
    sessions : pandas.DataFrame of `label_periods`; up to eight weeks before the last period help the fit
    metric : str
    bursts : pandas.DataFrame of `find_bursts`, or None; their hours before the last period do not help
    seed : int

    Returns
    -------
    Split, or None where a session of either period has no load

    Source
    ------
    Shapley (1953); the load of the other period is the one of the same rank.
    """
    if facts.rows["load_at_arrival"].isna().any():
        return None
    rows = pd.concat([facts.rows, _history(facts, sessions, metric, bursts)], ignore_index=True)
    mix, times = _mix_columns(rows), np.eye(3)[rows["place"].to_numpy()]
    design = _design(mix, rows["load_at_arrival"].to_numpy(), times)
    penalty = np.r_[np.full(design.shape[1] - 3, RIDGE), np.zeros(3)]
    fit = _fit(design, rows["events"].to_numpy(), rows["base"].to_numpy(), penalty, facts.unit == "rate")
    drawn = draw_blocks(facts, seed)
    moved = (drawn - 1) @ _pull_of_blocks(facts, design, fit)

    places = rows["place"].to_numpy()
    loads = [rows["load_at_arrival"].to_numpy()[places == place] for place in (0, 1)]

    def mean_of(players):
        """Give the mean with the factors of `players` from this period, the others from the last, and its draws."""
        whose, busy, how = (int(name in players) for name in FACTORS)
        who = places == whose
        load = loads[whose] if busy == whose else _at_ranks_of(loads[whose], loads[busy])
        one = _design(mix[who], load, np.tile(np.eye(3)[how], (who.sum(), 1)))
        value, slope = fit.predict(one)
        base = rows.loc[who, "base"].to_numpy()
        block = facts.rows.loc[facts.rows["place"].to_numpy() == whose, "block"]
        weights = drawn @ np.bincount(block, base, minlength=facts.blocks)
        sums = drawn @ np.bincount(block, value * base, minlength=facts.blocks)
        return sums / weights + moved @ ((slope * base) @ one / base.sum())

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
    """Give the levels of the mix as columns of 0 and 1; a rare level joins the others that are rare."""
    columns = []
    for name in MIX:
        if name in rows:
            levels = rows[name].astype("string").fillna("")
            counts = levels.map(levels.value_counts())
            dummies = pd.get_dummies(levels.mask(counts < SMALLEST_LEVEL, ""), dtype=float)
            columns.append(dummies.to_numpy()[:, 1:])
    return np.hstack([np.zeros((len(rows), 0)), *columns])


def _design(mix, load, times):
    """Put mix, load (a line that may bend at the knots) and period side by side."""
    return np.column_stack([mix, load, *(np.maximum(load - knot, 0) for knot in KNOTS), times])


class _Fit(NamedTuple):
    """A fitted model: coefficients, inverse information, and whether it is of log odds."""

    coefficients: np.ndarray
    inverse: np.ndarray
    is_logit: bool

    def predict(self, design):
        """Give the mean and its derivative by the linear predictor."""
        linear = design @ self.coefficients
        if not self.is_logit:
            return linear, np.ones_like(linear)
        value = 1 / (1 + np.exp(-linear))
        return value, value * (1 - value)


def _fit(design, events, base, penalty, is_logit):
    """Fit by Newton's steps; without a penalty on the periods their means are met exactly."""
    rate = events / base
    fit = _Fit(np.zeros(design.shape[1]), None, is_logit)
    for _ in range(STEPS if is_logit else 1):
        value, slope = fit.predict(design)
        information = design.T @ (design * (base * slope)[:, None]) + np.diag(penalty)
        score = design.T @ (base * (rate - value)) - penalty * fit.coefficients
        inverse = np.linalg.pinv(information)
        step = inverse @ score
        fit = _Fit(fit.coefficients + step, inverse, is_logit)
        if np.abs(step).max() < 1e-10:
            break
    return fit


def _pull_of_blocks(facts, design, fit):
    """Say how the coefficients move when a block counts once more: blocks x coefficients.

    The rows of `facts` stand first in the design; the history behind them is the same in every draw.
    """
    block, events, base = (facts.rows[name].to_numpy() for name in ("block", "events", "base"))
    own = design[: len(block)]
    total = np.zeros((facts.blocks, design.shape[1]))
    np.add.at(total, block, own * (events - base * fit.predict(own)[0])[:, None])
    return total @ fit.inverse


def _at_ranks_of(values, others):
    """Give each value the one of the others that holds its rank."""
    rank = (np.argsort(np.argsort(values, kind="stable"), kind="stable") + 0.5) / len(values)
    return np.quantile(others, rank, method="inverted_cdf")


def name_judgement(split, blocks, confidence):
    """Name what a significant change is mostly due to.

    Parameters
    ----------
    split : Split, or None
    blocks : int, how many blocks were drawn from
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
        beyond_half = direction * (part - split.total / 2)
        if drawn_interval(beyond_half, blocks, confidence)[1] > 0:
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
