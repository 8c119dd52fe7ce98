"""How far to trust what levers would recover: second estimates, hidden factors, controls that must find nothing."""

import numpy as np
import pandas as pd
from scipy.special import expit

from csnb.counterfactual import FAINT, compare_to_standard, fit_logit
from csnb.formats import column_name, word_of
from csnb.recovery import MODIFIERS, compare_levers, compared_sessions, finished, t_interval
from csnb.schema import RESULT_FIGURES
from csnb.sensitivity import TRIM, saved_by_independent_causes, saved_by_weighting
from csnb.stats import e_value
from csnb.strings import text

_ESTIMATES = ("alone", "weighted", "independent", "crude")
_CHECKS = [
    "fault", "n", "off_count", *(f"{name}{end}" for name in _ESTIMATES for end in ("", "_low", "_high")),
    "agrees", "risk_ratio", "risk_ratio_low", "risk_ratio_high", "e_value", "e_value_low", "strongest_known",
    "times_strongest",
]  # fmt: skip
_OVERLAP = ["fault", "n", "off_count", "cells", "shared_cells", "shared_count", "trimmed_count"]
_NOT_KNOWN = ("", "unknown", "other")  # levels that name nothing
_COMMON = 0.05  # a known column with fewer sessions is no yardstick for hidden ones


def list_lever_checks(sessions, levers, confidence=0.95, folder=None):
    """Hold what each lever saves by itself against other ways to estimate it.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    levers : pandas.DataFrame of `find_levers`
    confidence : float
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        One row a lever that can be compared; dissatisfied ratings fewer, each with its interval.
            alone : what this lever alone saves, by g-computation
            weighted : the same by AIPW; `agrees` if within one standard error
            independent : the same if every cause works by itself (noisy-or)
            crude : the same with nothing adjusted
            risk_ratio : among conversations off standard, risk as it was over risk at standard
            e_value, e_value_low : a hidden factor must raise both the chance of the fault and of dissatisfaction so
                many times to explain the ratio, or its lower end, away
            strongest_known, times_strongest : the column of the case mix that raises the risk most, and how
                many times its excess a hidden factor of `e_value` would have
        Empty where nothing can be compared.

    Examples
    --------
    >>> import csnb
    >>> len(list_lever_checks(book.sessions, csnb.find_levers(book.sessions, book.labels)))
    0
    """
    compared = compared_sessions(sessions, levers, folder)
    effects = compare_levers(compared)
    if effects is None:
        return pd.DataFrame(columns=_CHECKS)
    y, off, known, cluster, n = compared.y, compared.levers, compared.known, compared.cluster, len(compared.y)
    strongest, excess = _strongest_known(compared)
    independent, its_error = saved_by_independent_causes(y, off, known, cluster)
    rows = []
    for place, name in enumerate(off):
        is_off = off[name].to_numpy() == 1
        others = np.column_stack([known, off.drop(columns=name)])
        saved, error, _ = saved_by_weighting(y, is_off, others, cluster)
        nothing = np.zeros((n, 0))
        crude = compare_to_standard(y, off[[name]], nothing, nothing, cluster)
        estimates = (
            (effects.alone[place], effects.alone_error[place]), (saved, error), (independent[place], its_error[place]),
            (crude.joint, crude.joint_error),
        )  # fmt: skip
        ratio = np.exp(
            t_interval(effects.log_ratio[place], effects.log_ratio_error[place], compared, confidence)
        )
        strength, least = e_value(*ratio)
        rows.append((
            name, n, int(is_off.sum()),
            *(n * end for estimate in estimates for end in t_interval(*estimate, compared, confidence)),
            abs(effects.alone[place] - saved) <= effects.alone_error[place], *ratio, strength, least,
            strongest, (strength - 1) / excess if excess else np.nan,
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=_CHECKS)


def compare_estimates(checks):
    """Set the ways to estimate what one lever saves side by side.

    Parameters
    ----------
    checks : pandas.DataFrame of `list_lever_checks`

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `recoverable_alone` (dissatisfied ratings fewer), by `fault` and `estimate`: `alone`
        (g-computation), `weighted` (AIPW), `independent` (noisy-or) and `crude`.

    Examples
    --------
    >>> import csnb
    >>> checks = csnb.list_lever_checks(book.sessions, csnb.find_levers(book.sessions, book.labels))
    >>> len(compare_estimates(checks))
    0
    """
    rows = [
        {"metric": "recoverable_alone", "fault": row["fault"], "estimate": name, "n": row["n"], "value": row[name],
         "low": row[f"{name}_low"], "high": row[f"{name}_high"], "unit": "count", "method": name, "rulepack": ""}
        for row in checks.to_dict("records")
        for name in _ESTIMATES
    ]  # fmt: skip
    columns = ["metric", "fault", "estimate", *RESULT_FIGURES]
    return pd.DataFrame(rows, columns=columns)


def _strongest_known(compared):
    """Name the common column of the case mix with the largest risk ratio, and what that exceeds 1 by."""
    x = np.column_stack([np.ones(len(compared.y)), compared.known, compared.levers])
    ridge = np.full(x.shape[1], FAINT)
    beta, _ = fit_logit(x, compared.y, ridge)
    best, excess = None, 0.0
    for place, column in enumerate(compared.known, start=1):
        if not _COMMON <= x[:, place].mean() <= 1 - _COMMON or column[2] in _NOT_KNOWN:
            continue
        without, held = x @ beta - x[:, place] * beta[place], beta[place]
        ratio = expit(without + held).mean() / expit(without).mean()
        if max(ratio, 1 / ratio) - 1 > excess:
            best, excess = column[1:], max(ratio, 1 / ratio) - 1
    if best is None:
        return None, excess
    return text("table.named", name=column_name(best[0]), value=word_of(*best)), excess


def list_overlap(sessions, levers, folder=None):
    """Say for each lever whether comparable conversations exist on both sides (positivity).

    Parameters
    ----------
    sessions, levers, folder : as in `list_lever_checks`

    Returns
    -------
    pandas.DataFrame
        One row a lever that can be compared: `cells` of intent, stage, channel and campaign, as far as known;
        `shared_cells` with conversations both at and off standard; `shared_count`, the conversations (of n) in
        these; `trimmed_count`, those whose modelled chance of being off standard is below 2 % or above 98 %.

    Examples
    --------
    >>> import csnb
    >>> len(list_overlap(book.sessions, csnb.find_levers(book.sessions, book.labels)))
    0
    """
    compared = compared_sessions(sessions, levers, folder)
    if compared.reason:
        return pd.DataFrame(columns=_OVERLAP)
    names = [name for name in MODIFIERS if name in compared.sessions]
    cell = (
        compared.sessions[names].astype("string").fillna("unknown").agg(" ".join, axis=1)
        if names
        else pd.Series("", compared.levers.index)
    )
    rows = []
    for name, is_off in compared.levers.items():
        is_shared = is_off.groupby(cell).transform("nunique") > 1
        others = np.column_stack([compared.known, compared.levers.drop(columns=name)])
        chance = saved_by_weighting(compared.y, is_off, others, compared.cluster)[2]
        rows.append((
            name, len(cell), int(is_off.sum()), cell.nunique(), cell[is_shared].nunique(), int(is_shared.sum()),
            int(((chance <= TRIM) | (chance >= 1 - TRIM)).sum()),
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=_OVERLAP)


def measure_negative_controls(sessions, levers, confidence=0.95, folder=None):
    """Look for effects where there can be none: what is found there is hidden difference between conversations.

    Parameters
    ----------
    sessions, levers, confidence, folder : as in `list_lever_checks`; `sessions` needs `started_at, side` too

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `negative_control` (dissatisfied ratings fewer), by `control`, plus `is_clean`.
        `previous`: what the lever that saves most would save in the agent's next conversation; clean if the interval holds
        0. `uncontrollable`: how many fewer would be dissatisfied for reasons outside the service alone; clean
        unless it lies above 0 (it may lie a little below: who has a second reason is not counted). Empty
        where nothing can be compared.

    Examples
    --------
    >>> import csnb
    >>> levers = csnb.find_levers(book.sessions, book.labels)
    >>> len(measure_negative_controls(book.sessions, levers))
    0
    """
    compared = compared_sessions(sessions, levers, folder)
    effects = compare_levers(compared)
    rows = []
    for control in _CONTROLS if effects is not None else ():
        ends = _CONTROLS[control](sessions, levers, compared, effects, confidence) * len(compared.y)
        is_clean = (
            pd.NA if np.isnan(ends[1]) else bool(ends[1] <= 0 and (control != "previous" or ends[2] >= 0))
        )
        rows.append({"metric": "negative_control", "control": control, "n": len(compared.y), "value": ends[0],
                     "low": ends[1], "high": ends[2], "unit": "count", "is_clean": is_clean})  # fmt: skip
    return finished(rows, compared, ["control"], ["is_clean"]).astype({"is_clean": "boolean"})


def _previous(sessions, levers, compared, effects, confidence):
    """Compare by the fault in the agent's previous conversation, everything of this one held as it was."""
    name = compared.levers.columns[int(np.nanargmax(effects.part))]
    handled = sessions[sessions["left_out_because"].isna()].sort_values("started_at", kind="stable")
    fault = levers.loc[handled.index, name].astype("boolean").fillna(False).astype(float)
    before = fault.groupby(handled["agent_id"]).shift().reindex(compared.levers.index).fillna(0.0)
    known = np.column_stack([compared.known, compared.levers])
    found = compare_to_standard(
        compared.y, before.to_numpy()[:, None], known, compared.modifiers, compared.cluster
    )
    return t_interval(found.joint, found.joint_error, compared, confidence)


def _uncontrollable(sessions, levers, compared, effects, confidence):
    """Compare the dissatisfaction that the machine puts down to causes outside the service alone."""
    outside = compared.y * (compared.sessions["side"] == "uncontrollable").to_numpy(float)
    if not 0 < outside.sum() < len(outside):
        return np.full(3, np.nan)
    found = compare_to_standard(
        outside, compared.levers, compared.known, compared.modifiers, compared.cluster
    )
    return t_interval(found.joint, found.joint_error, compared, confidence)


_CONTROLS = {"previous": _previous, "uncontrollable": _uncontrollable}
