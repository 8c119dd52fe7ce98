"""Recoverable satisfaction: how many dissatisfied customers fewer, had the service acted to standard.

A lever is a fault of service that can be seen without the customer's words (people.toml): a late reply, an
unanswered question. Every rated conversation is compared with itself at standard, among conversations
with a like case mix. This is an association under comparable conditions, not an experiment.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats as distributions

from csnb.bounds import packs_of
from csnb.casemix import case_mix
from csnb.counterfactual import compare_to_standard
from csnb.faults import find_faults
from csnb.metrics import counts_for_ratings
from csnb.schema import RESULT_FIGURES
from csnb.stats.inputs import quantile_of

FEWEST_AGENTS = 15  # with fewer, days of agents are the clusters
FEWEST_RATED, FEWEST_OF_EACH = 100, 10
MODIFIERS = ("intent", "stage", "channel", "has_campaign_flag")
_SAID_FINER = {"stage": "intent", "platform": "shop"}  # where the finer one is known the other adds nothing
BY_AGENT, BY_DAY = "g-computation, by agent", "g-computation, by agent and day"


class Compared(NamedTuple):
    """The rated conversations as they enter every comparison.

    sessions, y (0-1), levers (frame of 0-1, those that vary), known (case mix), modifiers, cluster.
    `reason` says why nothing can be compared, or is None.
    """

    sessions: pd.DataFrame
    y: np.ndarray
    levers: pd.DataFrame
    known: pd.DataFrame
    modifiers: np.ndarray
    cluster: np.ndarray
    by: str
    reason: str | None


def find_levers(sessions, labels, folder=None):
    """Say in which conversations the service was off standard, lever by lever.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    labels : pandas.DataFrame, `book.labels`
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        Index of `sessions`, one yes/no column a fault of people.toml that is measured or coded by people.
        Faults that only the machine codes are no levers: it reads them from the customer's displeasure.

    Examples
    --------
    >>> find_levers(book.sessions, book.labels).sum().to_dict()
    {'late_first': 3, 'slow': 4, 'unanswered': 2, 'transferred': 0}
    """
    faults, sources = find_faults(sessions, labels, folder)
    return faults[[name for name, source in sources.items() if source != "machine"]]


def compared_sessions(sessions, levers, folder=None):
    """Give the rated conversations that an agent handled, ready to be compared.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    levers : pandas.DataFrame of `find_levers`
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    Compared
        Levers off standard (or at it) in fewer than 10 conversations are left out. `reason` is `too few
        ratings`, `none dissatisfied`, `all dissatisfied`, `no lever varies` or None.
    """
    counted = counts_for_ratings(sessions)
    rated = sessions[counted & sessions["is_rated"].astype(bool) & sessions["is_dissatisfied"].notna()]
    y = rated["is_dissatisfied"].astype(float).to_numpy()
    off = levers.loc[rated.index].astype("boolean").fillna(False).astype(float)
    count = off.sum()
    off = off.loc[:, (count >= FEWEST_OF_EACH) & (len(off) - count >= FEWEST_OF_EACH)]
    twice = [name for name, finer in _SAID_FINER.items() if finer in rated and rated[finer].notna().any()]
    known = case_mix(rated, ("mix", "load"), twice, folder)
    modifiers = known[[column for column in known if column[1] in MODIFIERS]].to_numpy()
    agent = rated["agent_id"].astype("string").fillna("")
    by = BY_AGENT if agent.nunique() >= FEWEST_AGENTS else BY_DAY
    cluster = agent if by == BY_AGENT else agent + " " + rated["day"].astype("string").fillna("")
    return Compared(rated, y, off, known, modifiers, cluster.to_numpy(), by, _reason(y, off))


def _reason(y, levers):
    """Say why nothing can be compared, or None."""
    if len(y) < FEWEST_RATED:
        return "too few ratings"
    if y.all() or not y.any():
        return "all dissatisfied" if y.all() else "none dissatisfied"
    if min(y.sum(), len(y) - y.sum()) < FEWEST_OF_EACH:
        return "too few ratings"
    return None if levers.shape[1] else "no lever varies"


def compare_levers(compared):
    """Run the comparison; None where there is nothing to compare."""
    if compared.reason:
        return None
    return compare_to_standard(
        compared.y, compared.levers, compared.known, compared.modifiers, compared.cluster
    )


def measure_recoverable(sessions, levers, confidence=0.95, folder=None):
    """Measure what would be recovered if all levers were at standard.

    Parameters
    ----------
    sessions, levers, folder : as in `compared_sessions`
    confidence : float

    Returns
    -------
    pandas.DataFrame
        Table `results` with metrics `recoverable_sessions` (dissatisfied ratings fewer; n is the number of ratings)
        and `recoverable_share` (part of the dissatisfied ratings, of which n is the number). Each rating is
        dissatisfied by its own platform's rule, so these are counted over platforms; a rate would not be.
        Where nothing can be compared the values are missing and `method` says why.

    Examples
    --------
    >>> levers = find_levers(book.sessions, book.labels)
    >>> measure_recoverable(book.sessions, levers)[["metric", "n", "method"]].values.tolist()[0]
    ['recoverable_sessions', 6, 'too few ratings']
    """
    compared = compared_sessions(sessions, levers, folder)
    effects = compare_levers(compared)
    fewer = np.full(3, np.nan)
    if effects is not None:
        fewer = t_interval(effects.joint, effects.joint_error, compared, confidence) * len(compared.y)
    bad = int(compared.y.sum())
    rows = [
        {"metric": "recoverable_sessions", "n": len(compared.y), **_ends(fewer), "unit": "count"},
        {"metric": "recoverable_share", "n": bad, **_ends(fewer / (bad or 1)), "unit": "rate"},
    ]
    return finished(rows, compared, [])


def _ends(values):
    """Name a value and its interval."""
    return dict(zip(("value", "low", "high"), values, strict=True))


def measure_levers(sessions, levers, confidence=0.95, folder=None):
    """Share what would be recovered out among the levers.

    Parameters
    ----------
    sessions, levers, folder, confidence : as in `measure_recoverable`

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `recoverable_sessions` (dissatisfied ratings fewer), by `fault`, the largest first,
        plus `off_count` (ratings off standard, of n). The values add up to that of `measure_recoverable`: what
        two levers save only together is halved between them (Shapley). Below 0 the data show no gain.
        Levers that hardly vary have no value, and method `too rare` or `always off`.

    Examples
    --------
    >>> levers = find_levers(book.sessions, book.labels)
    >>> list(measure_levers(book.sessions, levers)["fault"])
    ['late_first', 'slow', 'unanswered', 'transferred']
    """
    compared = compared_sessions(sessions, levers, folder)
    effects = compare_levers(compared)
    off = levers.loc[compared.sessions.index].astype("boolean").fillna(False)
    rows = []
    for name in levers:
        fewer, row = np.full(3, np.nan), {"metric": "recoverable_sessions", "fault": name, "unit": "count"}
        if name not in compared.levers:
            row["method"] = "always off" if 2 * off[name].sum() > len(off) else "too rare"
        elif effects is not None:
            place = list(compared.levers).index(name)
            part = t_interval(effects.part[place], effects.part_error[place], compared, confidence)
            fewer = part * len(off)
        rows.append({**row, "n": len(off), **_ends(fewer), "off_count": int(off[name].sum())})
    table = finished(rows, compared, ["fault"], ["off_count"])
    return table.sort_values("value", ascending=False, kind="stable", ignore_index=True)


def list_recoverable(whole, parts):
    """List what each lever would recover, and below them what they add up to.

    Parameters
    ----------
    whole : pandas.DataFrame of `measure_recoverable`
    parts : pandas.DataFrame of `measure_levers`

    Returns
    -------
    pandas.DataFrame
        The rows of `parts`, then the row of `recoverable_sessions` with fault `all`. Empty where nothing can be compared.

    Examples
    --------
    >>> levers = find_levers(book.sessions, book.labels)
    >>> whole, parts = measure_recoverable(book.sessions, levers), measure_levers(book.sessions, levers)
    >>> len(list_recoverable(whole, parts))
    0
    """
    total = (
        whole[whole["metric"] == "recoverable_sessions"].assign(fault="all").reindex(columns=parts.columns)
    )
    listed = pd.concat([parts, total], ignore_index=True).astype({"off_count": "Int64"})
    return listed if total["value"].notna().any() else listed[:0]


def t_interval(value, error, compared, confidence):
    """Give a value with its t interval over the clusters."""
    freedom = max(len(np.unique(compared.cluster)) - 1, 1)
    margin = distributions.t.ppf(quantile_of(confidence), freedom) * error
    return np.array([value, value - margin, value + margin])


def finished(rows, compared, by, more=()):
    """Give rows the shape of results; what cannot be compared says why."""
    usual = compared.reason or compared.by
    said = [row | {"method": compared.reason or row.get("method", usual)} for row in rows]
    frame = pd.DataFrame(said, columns=["metric", *by, *RESULT_FIGURES, *more])
    return frame.assign(rulepack=packs_of(compared.sessions))
