"""Learn the weights of the sum from coded sessions: those shipped, and those fitted to a user's own labels.

Few numbers are learnt, so few labels suffice: ridge logistic regression that starts from given weights and
leaves them only as far as the labels say.
"""

import numpy as np
from scipy.optimize import minimize

from csnb.evidence import CODES
from csnb.reasons import GENERAL, PER_CODE, log_odds, read_combination, sides, weighted

_STIFFNESS = {"dissatisfied": 5.0, "reason": 5.0, "offset": 3.5}


def learn_combination(scores, dissatisfied, given, start=None, folder=None):
    """Fit the weights of `combination.toml` to coded sessions.

    Parameters
    ----------
    scores : csnb.reasons.Scores of the sessions
    dissatisfied : array of 0 and 1, one a session of `scores`
    given : array of 0 and 1, sessions x CODES: which codes a coder gave
    start : dict shaped like `combination.toml` to start from, or None for the one in force
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    dict
        Shaped like `combination.toml`.
    """
    start = start or read_combination(folder)
    learnt = {"decision": dict(start["decision"])}
    prior = _as_array(start["dissatisfied"], GENERAL)
    fitted = fit_ridge(_with_one(scores.general), np.asarray(dissatisfied), prior, _STIFFNESS["dissatisfied"])
    learnt["dissatisfied"] = _as_dict(fitted, GENERAL)
    chance = 1 / (1 + np.exp(-weighted(scores.general, GENERAL, learnt["dissatisfied"])))
    per_code = scores.per_code.copy()
    per_code[:, :, PER_CODE.index("displeased")] = log_odds(chance)[:, None]
    learnt["offset"] = {}
    for side in ("controllable", "uncontrollable"):
        columns = [CODES.index(code) for code, of in sides(folder).items() if of == side]
        rows = np.concatenate(
            [
                np.c_[_with_one(per_code[:, column]), np.tile(np.eye(len(columns))[k], (len(per_code), 1))]
                for k, column in enumerate(columns)
            ]
        )
        prior = np.r_[
            _as_array(start[side], PER_CODE), [start["offset"][CODES[column]] for column in columns]
        ]
        stiffness = np.r_[
            np.full(len(PER_CODE) + 1, _STIFFNESS["reason"]), np.full(len(columns), _STIFFNESS["offset"])
        ]
        fitted = fit_ridge(rows, np.asarray(given)[:, columns].T.ravel(), prior, stiffness)
        learnt[side] = _as_dict(fitted, PER_CODE)
        learnt["offset"] |= {
            CODES[column]: float(value)
            for column, value in zip(columns, fitted[len(PER_CODE) + 1 :], strict=True)
        }
    return learnt


def fit_ridge(features, holds, prior, stiffness):
    """Fit a logistic regression whose weights are drawn to `prior`, by L-BFGS.

    `stiffness` is the weight of one squared step away from the prior, against one log-likelihood.

    Examples
    --------
    >>> rows = np.array([[1.0, -1], [1, 0], [1, 1], [1, 2]])
    >>> bool(fit_ridge(rows, np.array([0, 0, 1, 1]), np.zeros(2), 0.1)[1] > 1)
    True
    """
    sign = 2 * np.asarray(holds) - 1

    def loss(weights):
        margins = sign * (features @ weights)
        step = weights - prior
        slope = -features.T @ (sign / (1 + np.exp(np.clip(margins, -30, 30)))) + stiffness * step
        return np.logaddexp(0, -margins).sum() + (stiffness * step**2).sum() / 2, slope

    return minimize(loss, prior.astype(float), jac=True, method="L-BFGS-B").x


def _with_one(features):
    """Put the column of the intercept last."""
    return np.c_[features, np.ones(len(features))]


def _as_array(weights, names):
    return np.array([weights[name] for name in (*names, "intercept")])


def _as_dict(weights, names):
    return {name: float(value) for name, value in zip((*names, "intercept"), weights, strict=False)}


def as_toml(weights, note):
    """Write weights as the text of `combination.toml`, a comment above them.

    Examples
    --------
    >>> print(as_toml({"decision": {"likely": 0.3}}, "By hand."))
    # By hand.
    <BLANKLINE>
    [decision]
    likely = 0.3
    """
    tables = (
        "\n".join([f"[{name}]", *(f"{key} = {round(value, 3)}" for key, value in table.items())])
        for name, table in weights.items()
    )
    return "\n\n".join([f"# {note}", *tables])
