"""Shares of a population of which all is scored by a machine and a random sample is labelled by people.

The arithmetic behind `csnb.shares`: arrays in, arrays out, several shares at once, so that shares which
add up to 1 are estimated so. One share with full trust in the machine is `csnb.stats.stratified_difference`.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from csnb.stats import wilson_interval
from csnb.stats.inputs import quantile_of

_NONE = 1e-12  # a variance up to here is rounding
_MOST_STRETCHED = 2  # times: coders who see less than half of a difference are beyond correction
_FEW = 5  # labels on the rarer side of a share, below which the machine is not credited with precision


class TwoPhase(NamedTuple):
    """An estimate; arrays hold one number a share.

    size, n: the population and the labels in it. machine: what the machine contributes to `estimate`.
    variance, freedom: of the estimate, and the degrees of freedom behind it. rarer: labels on the rarer
    side of the share. spread: the variance that a single label stands for.
    """

    size: int
    n: int
    estimate: np.ndarray
    machine: np.ndarray
    variance: np.ndarray
    freedom: np.ndarray
    rarer: np.ndarray
    spread: np.ndarray


def two_phase(strata, labelled, y, f, lean=1.0):
    """Estimate shares by a stratified difference estimator.

    Parameters
    ----------
    strata : array of labels, one element a conversation of the population
    labelled : array of bool: drawn at random within its stratum, and labelled
    y : array, labelled conversations x shares, what people say
    f : array, all conversations x shares, the machine's scores
    lean : float, 0 (labels only) to 1

    Returns
    -------
    TwoPhase
        Strata with fewer than two labels, unless labelled whole, are put together. A stratum whose labels
        all agree still counts as uncertain, unless it is labelled whole.

    Source
    ------
    Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, section 6.3; degrees of freedom after
    Satterthwaite (1946), Biometrics Bulletin 2:110-114.

    Examples
    --------
    >>> fit = two_phase(["all"] * 4, [True, True, False, False], [[0.0], [1.0]], [[0.1], [0.7], [0.2], [0.8]])
    >>> fit.estimate.round(2).tolist(), fit.variance.round(4).tolist()
    ([0.55], [0.02])
    """
    labelled, y, f = np.asarray(labelled, bool), np.asarray(y, float), np.asarray(f, float)
    cell = _cells(strata, labelled)
    size, n = np.bincount(cell), np.bincount(cell[labelled])
    within = pd.DataFrame(y - lean * f[labelled]).groupby(cell[labelled])
    share = size / len(f)
    machine = lean * f.mean(axis=0)
    unseen = 1 - n / size
    parts = (share**2 * unseen / n)[:, None] * _spread(within.var().fillna(0).to_numpy(), n)
    variance = parts.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = variance**2 / (parts**2 / np.maximum(n - 1, 1)[:, None]).sum(axis=0)
        spread = variance * n.sum() / (1 - n.sum() / len(f))
    return TwoPhase(
        size=len(f),
        n=int(n.sum()),
        estimate=machine + share @ within.mean().to_numpy(),
        machine=machine,
        variance=variance,
        freedom=np.where(variance > 0, freedom, max(n.sum() - 1, 1)),
        rarer=np.minimum(y.sum(axis=0), (1 - y).sum(axis=0)),
        spread=np.where(variance > 0, spread, 0.0),
    )


def _spread(seen, n):
    """Give the variance of single labels by stratum; where all labels agree, as if half a label of n + 1 did not."""
    chance = 0.5 / (n + 1)
    return np.where(seen > _NONE, seen, (chance * (1 - chance))[:, None])


def _cells(strata, labelled):
    """Number the strata, those too thin to tell a variance put together."""
    cell = pd.factorize(np.asarray(strata))[0]
    size, n = np.bincount(cell), np.bincount(cell[labelled], minlength=cell.max() + 1)
    thin = (n < 2) & (n < size)
    if thin.any() and n[thin].sum() < 2:
        thin[n.argmax()] = True
    return pd.factorize(np.where(thin[cell], -1, cell))[0]


class Correction(NamedTuple):
    """How far single coders are off: by how much, and the variance of that; one number a share."""

    estimate: np.ndarray
    variance: np.ndarray


def correct_coders(settled, coded, weight, is_compared=False):
    """Say how far coders are off on average, from conversations whose right answer is known.

    Parameters
    ----------
    settled, coded : arrays, conversations x shares: what is right, and what single coders said
    weight : array, one number a conversation: how many it stands for
    is_compared : bool, whether parts of the population are to be compared, such as weeks

    Returns
    -------
    lean : float, 0 to 1: how far to lean on single coders; 1 to 2 where parts are compared: errors shrink every
        difference between parts, and this stretches it back
    off : Correction: to be added to an estimate made from `lean` times what coders said

    Source
    ------
    Tenenbein (1970), JASA 65:1350-1361 (double sampling), written as a regression estimator. It needs neither
    equal error rates everywhere nor errors about one side that are independent of the other. Between parts: Rogan &
    Gladen (1978), American Journal of Epidemiology 107:71-76, which needs coders who err alike in all of them.

    Examples
    --------
    >>> lean, off = correct_coders([[1], [1], [0], [0]], [[1], [0], [0], [0]], [1, 1, 1, 1])
    >>> round(lean, 3), off.estimate.round(3).tolist()
    (0.667, [0.333])
    >>> correct_coders([[1], [1], [0], [0]], [[1], [0], [0], [0]], [1, 1, 1, 1], is_compared=True)[0]
    2.0
    """
    settled, coded = np.asarray(settled, float), np.asarray(coded, float)
    weight = np.asarray(weight, float)[:, None] / np.sum(weight)
    about = coded - (weight * coded).sum(axis=0)
    spread, together = (weight * about**2).sum(), (weight * about * settled).sum()
    lean = float(np.clip(together / spread, 0, 1)) if spread > 0 else 0.0
    if is_compared:
        true_spread = (weight * (settled - (weight * settled).sum(axis=0)) ** 2).sum()
        lean = 1 / float(np.clip(together / true_spread, 1 / _MOST_STRETCHED, 1)) if true_spread > 0 else 1.0
    off = settled - lean * coded
    mean, n = (weight * off).sum(axis=0), len(off)
    return lean, Correction(mean, n / (n - 1) * (weight**2 * (off - mean) ** 2).sum(axis=0))


def lean_on_machine(strata, labelled, y, f):
    """Say how far to lean on the machine, so that the variances of all shares together are smallest.

    Returns
    -------
    float, 0 to 1. For one share and one stratum it is the weight of PPI++.

    Source
    ------
    Angelopoulos, Duchi & Zrnic (2023), PPI++, arXiv:2311.01453.
    """
    labelled, y, f = np.asarray(labelled, bool), np.asarray(y, float), np.asarray(f, float)
    cell = _cells(strata, labelled)
    weight = (np.bincount(cell) / np.bincount(cell[labelled]))[cell[labelled]][:, None] / len(f)
    together = (weight * y * f[labelled]).sum(0) - (weight * y).sum(0) * (weight * f[labelled]).sum(0)
    spread = f.var(axis=0, ddof=1).sum() if len(f) > 1 else 0.0
    return float(np.clip(together.sum() / spread, 0, 1)) if spread > 0 else 0.0


def share_intervals(fit, confidence=0.95):
    """Give the Wilson intervals of shares on the effective number of labels.

    Parameters
    ----------
    fit : TwoPhase

    Returns
    -------
    value, low, high : arrays, one number a share, in [0, 1]. Where all is labelled without error they are equal.

    Source
    ------
    Franco, Little, Louis & Slud (2019), Journal of Survey Statistics and Methodology 7:334-364.
    """
    value = np.clip(fit.estimate, 0, 1)
    if fit.n == fit.size and not fit.variance.any():
        return value, value, value
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = value * (1 - value) / fit.variance
    effective = np.where((fit.variance > 0) & (effective > 0), effective, fit.n)
    effective = np.where(fit.rarer < _FEW, np.minimum(effective, fit.n), effective)
    level = quantile_of(confidence)
    effective = effective * (stats.norm.ppf(level) / stats.t.ppf(level, np.maximum(fit.freedom, 1))) ** 2
    return value, *wilson_interval(value * effective, effective, confidence)
