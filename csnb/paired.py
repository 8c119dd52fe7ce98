"""Paired facts: one metric in the last period and in this one, with a bootstrap that draws both together.

Conversations of one agent are alike, so agents are drawn, each with both periods. With fewer than 15
agents their days are drawn instead.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats as distributions

from csnb.errors import ParameterError
from csnb.metrics import metric_of
from csnb.schema import RESULT_FIGURES
from csnb.stats import adjust_pvalues

DRAWS, FEWEST_AGENTS = 500, 15
TYPICAL = "typical_response_seconds"
PERIODS = ("last", "this")


class Paired(NamedTuple):
    """One metric in two periods.

    rows: the sessions that count, with `place` (0 last, 1 this), `events` and `base`, whose sums
    divided are the metric (for seconds: its mean logarithm), and `block`, the number of the agent (or of the
    agent's day). blocks: how many there are. unit: of the metric. to_unit: what an effect is
    multiplied by to be in that unit. method: which blocks are drawn.
    """

    rows: pd.DataFrame
    blocks: int
    unit: str
    to_unit: float
    method: str

    @property
    def n(self):
        """How many the metric is over, last and this."""
        return np.bincount(self.rows["place"], self.rows["base"], minlength=2)

    @property
    def means(self):
        """The mean of events, last and this; missing where there are none."""
        with np.errstate(invalid="ignore"):
            return np.bincount(self.rows["place"], self.rows["events"], minlength=2) / self.n

    @property
    def values(self):
        """The metric, last and this, in its unit."""
        return np.exp(self.means) if self.unit == "seconds" else self.means


def paired_facts(sessions, metric, by_day=False):
    """Take the facts of a metric in both periods.

    Parameters
    ----------
    sessions : pandas.DataFrame of `label_periods`
    metric : str, a share of the catalogue, or `typical_response_seconds`, the geometric mean of the first
        response
    by_day : bool, draw the days of agents however many agents there are

    Returns
    -------
    Paired

    Raises
    ------
    ParameterError
        If the metric is no share: only sums of sessions can be split.
    """
    counted, events, base, unit = metric_numbers(sessions, metric)
    rows = counted.assign(
        events=events, base=base, place=counted["period"].astype("object").map({"last": 0, "this": 1})
    )
    rows = rows[rows["place"].notna() & (rows["base"] > 0)].astype({"place": int})
    is_by_day = by_day or rows["agent_id"].nunique(dropna=False) < FEWEST_AGENTS
    method = "agent-day bootstrap" if is_by_day else "agent bootstrap"
    codes, names = number_blocks(rows, method)
    facts = Paired(rows.assign(block=codes), len(names), unit, 1.0, method)
    return facts._replace(to_unit=_logarithmic_mean(*facts.values)) if unit == "seconds" else facts


def number_blocks(rows, method):
    """Give each row the number of its agent, or of its agent's day, as `Paired.method` says; and what is numbered."""
    agents = rows["agent_id"].fillna("")
    return pd.factorize(agents + "\x1f" + rows["day"] if method == "agent-day bootstrap" else agents)


def metric_numbers(sessions, metric):
    """Give the sessions that count for a metric, its events, its base and its unit.

    Raises
    ------
    ParameterError
        If the metric is no share of sessions or turns.
    """
    if metric == TYPICAL:
        is_known = sessions["left_out_because"].isna() & sessions["first_response_seconds"].notna()
        counted = sessions[is_known]
        return counted, np.log(counted["first_response_seconds"].clip(lower=1)), 1.0, "seconds"
    entry = metric_of(metric)
    if entry.unit != "rate" or entry.by_buyer:
        raise ParameterError(f"a change is split for shares of sessions or turns only; {metric} is none")
    reasons = sessions["left_out_because"]
    counted = sessions[reasons.isna() | reasons.isin(entry.also_counts)]
    events, base = (_as_numbers(of(counted)) for of in (entry.numerator, entry.denominator))
    return counted, events.where(base > 0, 0), base, entry.unit


def _as_numbers(column):
    """Turn facts into numbers; what is missing counts 0."""
    return column.astype("Float64").fillna(0).astype(float)


def _logarithmic_mean(one, other):
    """Give the mean that turns a difference of logarithms into one of values."""
    return one if one == other else (other - one) / (np.log(other) - np.log(one))


def block_sums(facts, cell, cells, column):
    """Add up a column by block, period and cell: an array of that shape."""
    place = (facts.rows["block"] * 2 + facts.rows["place"]) * cells + cell
    return np.bincount(place, facts.rows[column], minlength=facts.blocks * 2 * cells).reshape(
        facts.blocks, 2, cells
    )


def draw_blocks(facts, seed):
    """Draw how often each block counts: an array, draws x blocks, the first row all ones."""
    drawn = np.random.default_rng(seed).multinomial(
        facts.blocks, np.full(facts.blocks, 1 / facts.blocks), DRAWS
    )
    return np.vstack([np.ones(facts.blocks), drawn])


def drawn_interval(values, blocks, confidence):
    """Give estimate, low and high from values whose first is the estimate and the others are draws.

    Parameters
    ----------
    values : array, 1 + draws along the first axis
    blocks : int, how many blocks were drawn from; the interval is that of t with one less. Or an array of them
    confidence : float

    Examples
    --------
    >>> float(drawn_interval(np.array([2.0, 1.0, 2.0, 3.0]), 40, 0.95)[0])
    2.0
    """
    half = distributions.t.ppf((1 + confidence) / 2, np.maximum(blocks - 1, 1)) * _spread(values)
    return values[0], values[0] - half, values[0] + half


def _spread(values):
    """Give the standard deviation of the draws."""
    return np.std(values[1:], axis=0, ddof=1)


def judged_intervals(values, blocks, confidence):
    """Give estimates and intervals of one family: those leave out 0 that Benjamini and Hochberg's rule calls real.

    Parameters
    ----------
    values : array, 1 + draws x questions
    blocks : int, or an array of one a question
    confidence : float, of the family: of the estimates called real, at most 1 - confidence are luck

    Returns
    -------
    estimate, low, high : arrays, one element a question; empty where there is none

    Source
    ------
    Benjamini & Hochberg (1995) for what is real; the intervals are those of Benjamini & Yekutieli (2005), JASA 100:71-81,
    at k / m of the error for k real estimates of m (for one, where none is), so that interval and judgement agree.

    Examples
    --------
    >>> draws = np.array([[2.5, 0.0], [-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]])
    >>> [float(judged_intervals(draws[:, :m], 40, 0.95)[1][0].round(2)) for m in (1, 2)]
    [0.48, 0.17]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(values[0]) / _spread(values)
    p = np.nan_to_num(2 * distributions.t.sf(distance, np.maximum(blocks - 1, 1)), nan=1.0)
    real = max(int((adjust_pvalues(p) < 1 - confidence).sum()), 1)
    return drawn_interval(values, blocks, 1 - (1 - confidence) * real / max(len(p), 1))


def summed_interval(moves, confidence):
    """Give estimate, low and high from an estimate and how far each block moves it.

    Parameters
    ----------
    moves : array, the estimate and then one number a block, as of a jackknife
    confidence : float

    Returns
    -------
    estimate, low, high : float; by t, with fewer degrees of freedom the fewer blocks the moves come from

    Source
    ------
    Satterthwaite (1946), Biometrics Bulletin 2:110-114: 2 / the squared coefficient of variation of the variance, here
    2 K / (kurtosis - 1) of K moves; at most K - 1.

    Examples
    --------
    >>> even, uneven = np.array([1.0, *[0.1, -0.1] * 20]), np.array([1.0, 0.4, -0.4, *[0.0] * 38])
    >>> [round(float(summed_interval(moves, 0.95)[2]), 2) for moves in (even, uneven)]
    [2.26, 2.52]
    """
    estimate, moves = moves[0], moves[1:]
    blocks, squares = len(moves), moves**2
    if blocks < 2 or not squares.sum():
        return estimate, np.nan, np.nan
    kurtosis = blocks * (squares**2).sum() / squares.sum() ** 2
    degrees = np.clip(2 * blocks / max(kurtosis - 1, 1e-9), 1, blocks - 1)
    half = distributions.t.ppf((1 + confidence) / 2, degrees) * np.sqrt((blocks - 1) / blocks * squares.sum())
    return estimate, estimate - half, estimate + half


def effect_row(metric, keys, facts, value, low, high):
    """Make one row of a table of effects, in the shape of results."""
    unit = "points" if facts.unit == "rate" else facts.unit
    return {"metric": metric, **keys, "n": int(facts.n[1]), "value": value, "low": low, "high": high,
            "unit": unit, "method": facts.method, "rulepack": ""}  # fmt: skip


def effect_table(rows, keys):
    """Put rows of effects into a table; it may be empty."""
    columns = ["metric", *keys, *RESULT_FIGURES]
    return pd.DataFrame(rows, columns=columns)
