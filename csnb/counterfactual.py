"""What the outcome would be if the service had acted to standard: the arithmetic behind `csnb.recovery`.

Arrays in, numbers out. `levers` are 0-1 columns of what the service did against the standard, `known` the
columns of what it could not choose, `modifiers` those of the latter that may change what a lever does.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from csnb.stats import shapley_effects

RIDGE = 0.1  # on products: more of it draws what levers save towards 0
FAINT = 1e-3  # on everything else: keeps a column that separates the outcomes finite
_STEPS, _SMALL = 50, 1e-9


class Effects(NamedTuple):
    """Estimates with their standard errors; arrays hold one number a lever.

    joint: fall of the mean risk if all levers were at standard. part: the share of each lever in it
    (Shapley), which add up to it. alone: the fall if this lever alone were at standard. log_ratio:
    among the sessions off standard, the log of their risk over their risk at standard.
    """

    joint: float
    joint_error: float
    part: np.ndarray
    part_error: np.ndarray
    alone: np.ndarray
    alone_error: np.ndarray
    log_ratio: np.ndarray
    log_ratio_error: np.ndarray


def compare_to_standard(y, levers, known, modifiers, cluster):
    """Estimate what bringing levers to standard would save, by logistic g-computation.

    The model holds every known column and every lever, the product of every lever with every modifier
    and of every two levers; products are drawn towards 0 a little (ridge 0.1).

    Parameters
    ----------
    y : array of 0 and 1, one element a session
    levers, known, modifiers : arrays, sessions x columns
    cluster : array of labels: sessions of one cluster may be alike

    Returns
    -------
    Effects
        Standard errors come from the sums of the scores by cluster, each enlarged by its leverage: the
        sessions are those that were, so their case mix adds no uncertainty.

    Source
    ------
    Robins (1986), Mathematical Modelling 7:1393-1512 (g-computation); MacKinnon & White (1985), Journal of
    Econometrics 29:305-325 (leverage, HC3); Shapley (1953) for the parts.
    """
    y, levers, known, modifiers = (np.asarray(part, float) for part in (y, levers, known, modifiers))
    x, ridge = _design(levers, known, modifiers)
    beta, spread = fit_logit(x, y, ridge)
    risk = expit(x @ beta)
    functionals, gradients = _functionals(levers, known, modifiers, beta)
    pull = gradients @ spread  # functionals x columns
    fitted = ((x @ spread) * x).sum(axis=1) * risk * (1 - risk)
    rest = (y - risk) / (1 - np.minimum(fitted, 0.99))
    errors = clustered_error((x @ pull.T) * rest[:, None], cluster)
    j = levers.shape[1]
    return Effects(
        functionals[0], errors[0], functionals[1 : j + 1], errors[1 : j + 1],
        functionals[j + 1 : 2 * j + 1], errors[j + 1 : 2 * j + 1],
        functionals[2 * j + 1 :], errors[2 * j + 1 :],
    )  # fmt: skip


def _design(levers, known, modifiers):
    """Put the columns of the model side by side, with the ridge on each."""
    j = levers.shape[1]
    products = [levers[:, [a]] * modifiers for a in range(j)]
    pairs = [levers[:, [a]] * levers[:, [b]] for a in range(j) for b in range(a + 1, j)]
    plain = [np.ones((len(levers), 1)), known, levers]
    x = np.hstack([*plain, *products, *pairs])
    ridge = np.full(x.shape[1], RIDGE)
    ridge[: 1 + known.shape[1] + j] = FAINT
    ridge[0] = 0.0
    return x, ridge


def fit_logit(x, y, ridge):
    """Fit a ridge logistic regression by Newton's method.

    Parameters
    ----------
    x : array, sessions x columns, the first of them 1
    y : array of 0 and 1
    ridge : array, penalty on each coefficient (half its square, times this)

    Returns
    -------
    beta : array; spread : array, the inverse of the information
    """
    beta = np.zeros(x.shape[1])
    beta[0] = np.log((y.mean() + _SMALL) / (1 - y.mean() + _SMALL))
    loss = _loss(beta, x, y, ridge)
    for _ in range(_STEPS):
        risk = expit(x @ beta)
        information = (x * (risk * (1 - risk))[:, None]).T @ x + np.diag(ridge)
        step = np.linalg.solve(information, x.T @ (y - risk) - ridge * beta)
        while (tried := _loss(beta + step, x, y, ridge)) > loss + _SMALL:
            step = step / 2
        beta, loss = beta + step, tried
        if np.abs(step).max() < 1e-8:
            break
    return beta, np.linalg.inv(information)


def _loss(beta, x, y, ridge):
    """Give the penalised negative log likelihood."""
    odds = x @ beta
    return np.logaddexp(0, odds).sum() - y @ odds + ridge @ beta**2 / 2


def clustered_error(parts, cluster):
    """Give the standard error of a sum whose parts come in clusters; missing with fewer than two.

    Parameters
    ----------
    parts : array, one row an observation; a column for each sum
    cluster : array of labels
    """
    groups = np.unique(cluster, return_inverse=True)[1]
    k = groups.max() + 1
    if k < 2:
        return np.full(parts.shape[1:], np.nan)
    sums = np.zeros((k, *parts.shape[1:]))
    np.add.at(sums, groups, parts)
    return np.sqrt(k / (k - 1) * np.square(sums).sum(axis=0))


def _functionals(levers, known, modifiers, beta):
    """Give joint, parts, alone and log ratios, and their gradients in the coefficients.

    A session with a set of levers differs from itself only where one of this set is taken away, so all
    subsets of the set are tried, and no others.
    """
    n, j = levers.shape
    weights, rows, kept = _subsets(levers)
    x, _ = _design(kept, known[rows], modifiers[rows])
    risk = expit(x @ beta)
    slope = risk * (1 - risk)
    values = weights.T @ risk / n
    gradients = (weights * slope[:, None]).T @ x / n
    # the last 2 j rows are the sums of risk with and without the lever, among sessions that have it
    plain, (seen, without) = 2 * j + 1, np.split(values[2 * j + 1 :], 2)
    seen_slope, without_slope = np.split(gradients[plain:], 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio = np.log(seen / without)
        ratio_slope = seen_slope / seen[:, None] - without_slope / without[:, None]
    return (
        np.concatenate([values[:plain], log_ratio]),
        np.vstack([gradients[:plain], np.nan_to_num(ratio_slope)]),
    )


def _subsets(levers):
    """List every session with every subset of its levers kept, and what each counts in every functional.

    Returns weights (listed x functionals), the session of each, and the levers kept.
    """
    j = levers.shape[1]
    patterns, which = np.unique(levers, axis=0, return_inverse=True)
    weights, rows, kept = [], [], []
    for number, pattern in enumerate(patterns):
        has = np.flatnonzero(pattern).tolist()
        if not has:
            continue
        members = np.flatnonzero(which.ravel() == number)
        subsets = [
            frozenset(a for place, a in enumerate(has) if code >> place & 1) for code in range(2 ** len(has))
        ]
        unit = dict(zip(subsets, np.eye(len(subsets)), strict=True))
        whole = unit[frozenset(has)]
        table = np.zeros((len(subsets), 4 * j + 1))
        table[:, 0] = whole - unit[frozenset()]
        parts = shapley_effects(
            lambda gone, whole=whole, unit=unit, has=has: whole - unit[frozenset(has) - gone], has
        )
        for a in has:
            table[:, 1 + a] = parts[a]
            table[:, 1 + j + a] = whole - unit[frozenset(has) - {a}]
            table[:, 1 + 2 * j + a] = whole
            table[:, 1 + 3 * j + a] = unit[frozenset(has) - {a}]
        for place, subset in enumerate(subsets):
            rows.append(members)
            kept.append(np.tile([float(a in subset) for a in range(j)], (len(members), 1)))
            weights.append(np.tile(table[place], (len(members), 1)))
    if not rows:
        return np.zeros((0, 4 * j + 1)), np.zeros(0, int), np.zeros((0, j))
    return np.vstack(weights), np.concatenate(rows), np.vstack(kept)
