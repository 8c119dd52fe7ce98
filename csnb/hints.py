"""Hints of willingness, ability and capacity: what to talk about with one person, never a verdict.

Can somebody not do it (ability), not keep up when it is busy (capacity), or could do it and does not
(willingness)? Each hint joins parts that point the same way; network, breaks, several shops at once and long
answers can look the same, so that a hint only opens a conversation.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats as distributions

from csnb.casemix import (
    Adjusted,
    adjust_rows,
    case_mix,
    hold_claims,
    is_personal,
    known_agents,
    read_people,
    shrunken,
)
from csnb.faults import find_faults
from csnb.stats import shrink, tier_chances

HINTS = ("willingness", "ability", "capacity")
LONGEST_BREAK_SECONDS = 3600
LARGEST_LOAD = 8  # at more open conversations all are alike: customers wait in line


class Part(NamedTuple):
    """One part of a hint.

    rows : `agent_id, day, y` (larger is worse); `session_key` of a row, where there is one, leads to its conversation
    adjusted : Adjusted, the agents' rows beside what the others would have made of them
    fewest : rows that an agent needs
    """

    rows: pd.DataFrame
    adjusted: Adjusted
    fewest: int


def measure_hints(sessions, parts, confidence=0.95, seed=0, folder=None):
    """Measure hints of willingness, ability and capacity for each agent.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    parts : dict of `find_parts`
    confidence : float
    seed : int
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        Results, one row an agent and `hint`: `value` in standard deviations of the team with its interval, 0
        is the team's mean and larger is worse; `n` cases behind it, conversations and days on duty; `part_count` parts
        that could be measured; `sure_share` the chance to be truly among the worst fifth; `state`: hint (it holds by the rule for
        naming people), open, or too_few cases; `is_named`. Missing where the book has no fact for it.

    Source
    ------
    Random intercepts by empirical Bayes; parts are weighed like items of one factor (Spearman 1904).

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> hints = csnb.measure_hints(sessions, csnb.find_parts(sessions, book.labels, book.shifts))
    >>> hints[["hint", "agent_id", "state"]].values[0].tolist()
    ['willingness', '小丽', 'too_few']
    """
    found = [_hint_rows(hint, parts[hint], sessions, confidence, seed, folder) for hint in parts]
    return pd.concat(found, ignore_index=True)


def find_parts(sessions, labels, shifts, folder=None):
    """Find the parts of each hint that a book has facts for.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    labels, shifts : pandas.DataFrames, `book.labels` and `book.shifts`; either may be empty
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    dict of hint to dict of part name to Part

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> csnb.find_parts(sessions, book.labels, book.shifts)["willingness"]  # nothing varies in eight conversations
    {}
    """
    settings = read_people(folder)
    faults, _ = find_faults(sessions, labels, folder)
    counted = is_personal(sessions)
    facts = Facts(sessions[counted], faults[counted], shifts, settings["hints"], folder)
    return {
        hint: {name: part for name in entry["parts"] if (part := _PARTS[name](facts)) is not None}
        for hint, entry in settings["hint"].items()
    }


class Facts(NamedTuple):
    """What parts are made from: counted sessions, their faults, shifts and settings."""

    sessions: pd.DataFrame
    faults: pd.DataFrame
    shifts: pd.DataFrame
    settings: dict
    folder: str | None


def _reply_seconds(facts, is_busy):
    """Give log first replies of conversations that began while the agent was busy, or was not."""
    load, wait = facts.sessions["load_at_arrival"], facts.sessions["first_response_seconds"]
    chosen = (load >= facts.settings["idle_below"]) if is_busy else (load < facts.settings["idle_below"])
    sessions = facts.sessions[chosen & wait.notna()]
    rows = _rows(sessions, np.log(wait[sessions.index].clip(lower=1)))
    return rows, _mix(facts, sessions)


def _busy_reply(facts):
    """Capacity: how long the first reply takes under load, beside the same load on the same tier."""
    rows, mix = _reply_seconds(facts, is_busy=True)
    sessions = facts.sessions.loc[rows.index]
    if "tier" in sessions:
        bands = pd.get_dummies(sessions["load_at_arrival"].clip(upper=LARGEST_LOAD).astype(int), dtype=float)
        for tier in sorted(sessions["tier"].dropna().unique())[1:]:
            for load in bands:
                mix[("load", f"{load} on tier", tier)] = bands[load].where(sessions["tier"] == tier, 0.0)
    return _part(rows, mix, "mean", facts.settings["fewest"])


def _idle_reply(facts):
    """Willingness: how long the first reply takes with nothing else to do, beside the agent's own pace under load."""
    rows, mix = _reply_seconds(facts, is_busy=False)
    busy = _busy_reply(facts)
    if busy is None or rows.empty:
        return None
    pace = shrunken(busy.adjusted.whole)["shrunk"]
    mix[("load", "own pace", "")] = rows["agent_id"].map(pace).fillna(0.0)
    return _part(rows, mix, "mean", facts.settings["fewest"])


def _mix(facts, sessions):
    """Give the case mix of conversations without what hardly varies for one person."""
    return case_mix(sessions, without=facts.settings["without"], folder=facts.folder)


def _not_done(column):
    """Willingness: a step that needs no skill and was skipped."""

    def part(facts):
        if column not in facts.sessions:
            return None
        return _of_sessions(facts, ~facts.sessions[column].astype("boolean"))

    return part


def _off_line(facts):
    """Willingness: minutes off line inside a shift, day by day."""
    if facts.shifts.empty or facts.sessions.empty:
        return None
    shifts = facts.shifts[facts.shifts["agent_id"].isin(facts.sessions["agent_id"])]
    shifts = shifts.sort_values(["agent_id", "starts_at"], kind="stable")
    gap = (shifts["starts_at"] - shifts.groupby("agent_id")["ends_at"].shift()).dt.total_seconds()
    is_new = ~(gap <= LONGEST_BREAK_SECONDS)
    spells = shifts.assign(spell=is_new.cumsum(), gap=gap.mask(is_new).fillna(0.0)).groupby("spell").agg(
        agent_id=("agent_id", "first"), starts_at=("starts_at", "first"), ends_at=("ends_at", "max"), gap=("gap", "sum")
    )  # fmt: skip
    days = facts.sessions.loc[facts.sessions["day"] != "unknown", "day"]
    day = spells["starts_at"].dt.strftime("%Y-%m-%d")
    spells = (
        spells.assign(day=day)[day.between(days.min(), days.max())]
        if len(days)
        else spells.iloc[:0].assign(day="")
    )
    hours = (spells["ends_at"] - spells["starts_at"]).dt.total_seconds() / 3600
    rows = spells[["agent_id", "day"]].assign(y=spells["gap"] / 60 / hours.clip(lower=1), session_key=pd.NA)
    return _part(rows, pd.DataFrame(index=rows.index), "mean", facts.settings["fewest_days"])


def _unresolved(facts):
    """Ability: wrong or unresolved, whatever the load."""
    return _of_sessions(facts, facts.faults["unresolved"]) if "unresolved" in facts.faults else None


_PARTS = {
    "idle_reply": _idle_reply,
    "greeting": _not_done("is_greeted"),
    "follow_up": _not_done("is_followed_up"),
    "off_line": _off_line,
    "unresolved": _unresolved,
    "busy_reply": _busy_reply,
}


def _of_sessions(facts, outcome):
    """Make a part of a yes/no fact of conversations."""
    sessions = facts.sessions[outcome.notna()]
    rows = _rows(sessions, outcome[outcome.notna()].astype(float))
    return _part(rows, _mix(facts, sessions), "rate", facts.settings["fewest"])


def _rows(sessions, y):
    """Give the rows of a part."""
    return pd.DataFrame(
        {
            "agent_id": sessions["agent_id"],
            "day": sessions["day"],
            "y": y,
            "session_key": sessions["session_key"],
        }
    )


def _part(rows, mix, kind, fewest):
    """Make a part; without rows, or where nothing varies, there is none."""
    if rows.empty or rows["y"].nunique() < 2:
        return None
    return Part(rows, adjust_rows(rows, mix, kind), fewest)


def _hint_rows(hint, parts, sessions, confidence, seed, folder):
    """Give the rows of one hint, one an agent."""
    rule, teams = read_people(folder)["naming"], known_agents(sessions)
    columns = {"metric": "hint_strength", "hint": hint, "agent_id": teams.index, "team": teams.to_numpy()}
    plain = {"unit": "number", "method": "random intercepts", "rulepack": "", "part_count": len(parts)}
    joined = _join(parts.values(), teams.index)
    if joined is None:
        missing = {"n": 0, "value": np.nan, "low": np.nan, "high": np.nan, "sure_share": np.nan}
        return pd.DataFrame({**columns, **missing, **plain, "state": "too_few", "is_named": False})

    def chances(table):
        return tier_chances(table["shrunk"], table["spread"], rule["tier_share"], seed)[["highest"]]

    chance, _, named = hold_claims(joined, chances, 1, folder)
    agents = shrunken(joined.whole)
    half = distributions.norm.ppf((1 + confidence) / 2) * np.sqrt(agents["spread"])
    is_hint = named["highest"]
    state = np.select([agents["effect"].isna(), is_hint], ["too_few", "hint"], "open")
    figures = {
        "n": agents["n"],
        "value": agents["shrunk"],
        "low": agents["shrunk"] - half,
        "high": agents["shrunk"] + half,
    }
    figures |= {"sure_share": chance["highest"], "is_named": is_hint}
    return pd.DataFrame(
        {**columns, **{name: column.to_numpy() for name, column in figures.items()}, **plain, "state": state}
    )


def _join(parts, agents):
    """Join parts on one scale, the team's standard deviation; None where no part tells agents apart."""
    found = []
    for part in parts:
        adjusted = part.adjusted
        known = adjusted.whole[adjusted.whole["effect"].notna()]
        tau2 = shrink(known["effect"], known["variance"])["tau2"].iloc[0] if len(known) > 3 else 0.0
        if tau2 > 0:
            found.append(
                (adjusted, part.fewest, np.sqrt(tau2) / (tau2 + known["variance"].mean()), np.sqrt(tau2))
            )
    if not found:
        return None
    enough = [(adjusted.whole["n"].reindex(agents).fillna(0) >= fewest) for adjusted, fewest, _, _ in found]
    weights, loads = ([row[place] for row in found] for place in (2, 3))
    return found[0][0]._replace(
        whole=_weighed([row[0].whole for row in found], enough, weights, loads),
        windows=tuple(
            _weighed([row[0].windows[number] for row in found], enough, weights, loads)
            for number in range(len(found[0][0].windows))
        ),
        lasting=np.nan, passing=np.nan, kind="mean",
    )  # fmt: skip


def _weighed(tables, enough, weights, loads):
    """Add up the parts that an agent has enough of, each by its weight, in standard deviations of what they share."""
    effect, variance, scale, n = 0.0, 0.0, 0.0, 0
    for table, has, weight, load in zip(tables, enough, weights, loads, strict=True):
        table = table.reindex(has.index)
        known = has & table["effect"].notna()
        effect = effect + (weight * table["effect"]).where(known, 0.0)
        variance = variance + (weight**2 * table["variance"]).where(known, 0.0)
        scale = scale + weight * load * known
        n = n + table["n"].where(known, 0)
    scale = scale.where(scale > 0)
    return pd.DataFrame({"n": n.astype(int), "effect": effect / scale, "variance": variance / scale**2})
