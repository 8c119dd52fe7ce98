"""Owners over time: week by week, and whether an owner's part of the ratings is growing or shrinking.

A rate here is of all rated conversations: dissatisfied, with a reason of this owner. With labels it is the rate of
dissatisfied ratings times the owner's share of them by the labels; without, it counts the machine's codes.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from csnb.human import corrected_values
from csnb.measures import SMALLEST_GROUP
from csnb.metrics import counts_for_ratings
from csnb.owners import coded_flags, estimate_shares, owner_answers, owner_chances
from csnb.satisfaction import BY_MACHINE, dissatisfied_sessions
from csnb.schema import RESULT_FIGURES
from csnb.shares import CORRECTED, TWO_PHASE
from csnb.stats import difference_interval, wilson_interval
from csnb.two_phase import Correction, lean_on_machine, share_intervals

GROWING, SHRINKING, UNCLEAR, UNKNOWN = "growing", "shrinking", "unclear", "unknown"
_WEEKS = ["metric", "owner", "week", *RESULT_FIGURES]
_HALVES = [
    "metric", "owner", "before", "after", "n_before", "value_before", *RESULT_FIGURES,
    "difference", "difference_low", "difference_high", "trend",
]  # fmt: skip
_ENDS = ["value", "low", "high"]


def measure_owner_weeks(sessions, scored, machine, human=None, confidence=0.95, folder=None, chances=None):
    """Measure week by week in which part of the rated conversations each owner has a reason of dissatisfaction.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    scored, machine, human, confidence, folder, chances : as in `measure_owners`

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `owner_rate`, by `owner` and `week`; n are the ratings of the week. With labels the
        interval holds what they leave open and chance; without it holds chance only, more of it where days differ more than
        chance (Pearson), and the method says that codes are unverified. Below 5 ratings, or labels of the week, suppressed.
        No rows where no rating is dissatisfied.

    Examples
    --------
    >>> import csnb
    >>> scored = csnb.scored_sessions(csnb.dissatisfied_sessions(book.sessions), book.labels, book.drawn)
    >>> csnb.measure_owner_weeks(book.sessions, scored, book.labels)[["owner", "n", "value"]].round(3).values.tolist()[0]
    ['agent', 6, 0.167]
    """
    seen = _look(sessions, scored, machine, human, folder, chances)
    weeks = _told_weeks(seen)
    rows = [
        {"metric": "owner_rate", "owner": owner, "week": week, "unit": "rate", "rulepack": "", **cells}
        for week in weeks
        for owner, cells in _rates(seen, [week], confidence).items()
    ]
    return pd.DataFrame(rows, columns=_WEEKS).sort_values(["owner", "week"], kind="stable", ignore_index=True)


def compare_owner_halves(sessions, scored, machine, human=None, confidence=0.95, folder=None, chances=None):
    """Compare the later half of the weeks with the earlier: is an owner's part of the ratings growing or shrinking?

    Parameters
    ----------
    sessions, scored, machine, human, confidence, folder, chances : as in `measure_owner_weeks`

    Returns
    -------
    pandas.DataFrame
        Results by `owner`, metric `owner_rate`: `before, after` (the weeks; the middle one of an odd number is in neither),
        `n_before, value_before`, then n, value, low and high of the later half, `difference, difference_low,
        difference_high` and `trend`: growing or shrinking where the interval of the difference says so, unclear where it covers 0,
        unknown with one week or too few ratings or labels. No rows where no rating is dissatisfied. These intervals hold for all owners together
        (Bonferroni); coders are taken to err alike in both halves.
        Weeks are compared whole, so weekdays match but for a week that the period cuts.

    Source
    ------
    Newcombe (1998) and Zou & Donner (2008), as `csnb.stats.difference_interval`; coders' errors by Rogan & Gladen (1978), as
    `csnb.two_phase.correct_coders`.

    Examples
    --------
    >>> import csnb
    >>> scored = csnb.scored_sessions(csnb.dissatisfied_sessions(book.sessions), book.labels, book.drawn)
    >>> set(csnb.compare_owner_halves(book.sessions, scored, book.labels)["trend"])   # one week only
    {'unknown'}
    """
    seen = _look(sessions, scored, machine, human, folder, chances)
    weeks = _told_weeks(seen)
    if not weeks:
        return pd.DataFrame(columns=_HALVES)
    half = len(weeks) // 2
    halves = (weeks[:half], weeks[len(weeks) - half :])
    together = 1 - (1 - confidence) / (seen.coded.shape[1] - 1)
    later = pd.DataFrame(_rates(seen, halves[1], confidence)).T
    alike = seen._replace(off=seen.off and seen.off._replace(variance=0 * seen.off.variance))
    wide = [pd.DataFrame(_rates(alike, part, together)).loc[_ENDS].to_numpy(float) for part in halves]
    low, high = difference_interval(*wide)
    difference = wide[1][0] - wide[0][0]
    trend = np.select([np.isnan(low), low > 0, high < 0], [UNKNOWN, GROWING, SHRINKING], UNCLEAR)
    names = [f"{part[0]} – {part[-1]}" if len(part) > 1 else "".join(part) for part in halves]
    table = later.rename_axis("owner").reset_index().assign(
        metric="owner_rate", before=names[0], after=names[1], n_before=seen.rated["week"].isin(halves[0]).sum(),
        value_before=wide[0][0], unit="rate", rulepack="", difference=difference, difference_low=low, difference_high=high,
        trend=trend,
    )  # fmt: skip
    return table[_HALVES].astype({"n": int, "n_before": int, **dict.fromkeys(_ENDS, float)})


class _Seen(NamedTuple):
    """What rates are made of: the ratings, which of them the machine codes to whom, what people say (or None), what to add
    for the errors of single coders, the machine's chances, how far to lean on them, and how much more days differ than by chance."""

    rated: pd.DataFrame
    coded: pd.DataFrame
    said: pd.DataFrame | None
    off: Correction | None
    drawn: pd.DataFrame
    chances: pd.DataFrame | None
    lean: float
    spread: pd.Series


def _look(sessions, scored, machine, human, folder, chances):
    """Gather what rates are made of."""
    counted = counts_for_ratings(sessions)
    rated = sessions[counted & sessions["is_rated"].astype(bool) & sessions["week"].notna()]
    bad = dissatisfied_sessions(rated)
    coded = coded_flags(bad, machine, folder).reindex(rated["session_key"], fill_value=0)
    coded["is_bad"] = rated["session_key"].isin(bad["session_key"]).to_numpy().astype(int)
    spread = pd.Series({name: _overdispersion(rated, coded[name].to_numpy()) for name in coded})
    said = owner_answers(scored, human, folder)
    drawn = said.drawn
    if said.flags is None:
        return _Seen(rated, coded, None, None, drawn, None, 1.0, spread)
    p = owner_chances(drawn, machine if chances is None else chances, folder)
    y, off = corrected_values(said.flags, said.weight, is_compared=True)
    labelled = drawn["session_key"].isin(y.index).to_numpy()
    lean = lean_on_machine(drawn["stratum"], labelled, y.loc[drawn["session_key"][labelled]], p)
    return _Seen(rated, coded, y, off, drawn, p, lean, spread)


def _told_weeks(seen):
    """Give the weeks with ratings, in order; none where no rating is dissatisfied, for then there is nothing to tell."""
    return sorted(seen.rated["week"].unique()) if seen.coded["is_bad"].any() else []


def _overdispersion(rated, hits):
    """Say how many times more the days of a week differ than by chance; at least 1 (Pearson's chi-square by freedom)."""
    days = pd.DataFrame({"week": rated["week"].to_numpy(), "day": rated["day"].to_numpy(), "hit": hits})
    by_day = days.groupby(["week", "day"])["hit"].agg(["sum", "size"])
    weeks = by_day.groupby(level="week").transform("sum")
    p = weeks["sum"] / weeks["size"]
    expected, variance = by_day["size"] * p, by_day["size"] * p * (1 - p)
    freedom = len(by_day) - by_day.index.get_level_values("week").nunique()
    squares = ((by_day["sum"] - expected) ** 2 / variance.where(variance > 0)).sum()
    return max(1.0, squares / freedom) if freedom > 0 else 1.0


def _rates(seen, weeks, confidence):
    """Give every owner's rate in some weeks: n, value, low, high, method."""
    keep = seen.rated["week"].isin(weeks).to_numpy()
    coded, n = seen.coded[keep], int(keep.sum())
    owners = [name for name in coded if name != "is_bad"]
    ends, method = np.full((3, len(owners)), np.nan), "suppressed"
    if n >= SMALLEST_GROUP and seen.said is None:
        ends, method = (
            np.array([_chance(coded[owner], seen.spread[owner], confidence) for owner in owners]).T,
            BY_MACHINE,
        )
    elif n >= SMALLEST_GROUP:
        drawn = seen.drawn[seen.drawn["session_key"].isin(coded.index)]
        y = seen.said[seen.said.index.isin(drawn["session_key"])]
        if len(y) >= SMALLEST_GROUP:
            fit = estimate_shares(drawn, y, seen.chances.loc[drawn["session_key"]], seen.off, seen.lean)
            shares = share_intervals(fit, confidence)
            ends, method = _of_ratings(coded["is_bad"], seen.spread["is_bad"], shares, confidence), TWO_PHASE
            method += f", {CORRECTED}" if seen.off else ""
    return {
        owner: {"n": n, "value": value, "low": low, "high": high, "method": method}
        for owner, (value, low, high) in zip(owners, ends.T, strict=True)
    }


def _chance(hits, spread, confidence):
    """Give a share of ratings with Wilson's interval, widened where days differ more than by chance."""
    return hits.mean(), *_wilson(hits.mean(), len(hits) / spread, confidence)


def _wilson(value, effective, confidence):
    """Give Wilson's interval of a share on an effective number of ratings."""
    return wilson_interval(value * effective, effective, confidence)


def _of_ratings(is_bad, spread, shares, confidence):
    """Turn shares of the dissatisfied into rates of all ratings: what labels leave open, and the chance of a rating being so.

    Shares are of the conversations there are; another week of the same kind would differ from them by chance.
    """
    part = is_bad.mean()
    value, low, high = (part * end for end in shares)
    chance_low, chance_high = _wilson(value, len(is_bad) / spread, confidence)
    off = np.hypot(value - low, value - chance_low), np.hypot(high - value, chance_high - value)
    return np.array([value, np.maximum(value - off[0], 0), value + off[1]])
