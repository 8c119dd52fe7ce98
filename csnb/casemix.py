"""Case mix: what would have been expected of each agent's conversations in the hands of the other agents.

Everything that says how people differ stands on `adjust_agents`: the same columns held comparable, the same
three windows, the same allowance for weeks that were only luck.
"""

from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd

from csnb.lookup import line_of, read_toml, wrong
from csnb.stats import expected_from_others, lasting_variance, log_odds_effect, shrink

FILE = "people.toml"
GROUPS = ("mix", "load", "staffing")
WINDOWS = 3
SUPPRESSED_BELOW = 5
_TABLES = {
    "naming": ("chance", "windows", "tier_share", "fewest_peers", "fewest_agents"),
    "case_mix": (*GROUPS, "smallest_level", "most_levels"),
    "hints": ("fewest", "fewest_days", "without", "idle_below", "cases"),
    "verdict": ("wide", "narrow", "gathered"),
    "strain": ("heavy_from", "run_from", "break_minutes"),
}
_ENTRIES = {"outcome": ("metric", "fewest", "grade"), "fault": ("standard",), "hint": ("parts",)}


class Adjusted(NamedTuple):
    """What agents did beside what was expected of them.

    whole : DataFrame by agent_id: n, observed, expected (sums), effect (log odds of a rate, difference of a
        mean), variance; missing below five sessions
    windows : tuple of three such tables, one for each third of the days
    lasting, passing : variances of effects from week to week: what stays, and what goes beyond chance
    expected : Series by session, the expected outcome; baseline : Series by agent, its variance on the scale
        of effects; kind : "rate" or "mean"
    """

    whole: pd.DataFrame
    windows: tuple
    lasting: float
    passing: float
    expected: pd.Series
    baseline: pd.Series
    kind: str


def read_people(folder=None):
    """Read how people are compared: `definitions/people.toml`.

    Raises
    ------
    DefinitionError
        If a table or a key is missing; file, line and key are named.

    Examples
    --------
    >>> read_people()["naming"]["chance"]
    0.8
    """
    file = read_toml(FILE, folder)
    plain = {name: (file.get(name), keys) for name, keys in _TABLES.items()}
    entries = {f"{kind}.{name}": (entry, keys) for kind, keys in _ENTRIES.items()
               for name, entry in file.get(kind, {"": None}).items()}  # fmt: skip
    for name, (table, keys) in (plain | entries).items():
        lacking = [key for key in keys if key not in (table or {})]
        if lacking:
            raise wrong(FILE, line_of(FILE, f"[{name}", folder), name, f"lacks {', '.join(lacking)}")
    return file


def is_personal(sessions):
    """Say which sessions count where people are compared: not left out, and served by one known person.

    What comes from an account that several people share (accounts.toml) is nobody's own.

    Parameters
    ----------
    sessions : pandas.DataFrame with `left_out_because, agent_id`, and `is_shared_account` where accounts may be shared

    Returns
    -------
    pandas.Series of bool

    Examples
    --------
    >>> table = pd.DataFrame({"agent_id": ["a", "main", None], "left_out_because": None})
    >>> is_personal(table.assign(is_shared_account=[False, True, False])).to_list()
    [True, False, False]
    """
    counts = sessions["left_out_because"].isna() & sessions["agent_id"].notna()
    return counts & ~sessions["is_shared_account"] if "is_shared_account" in sessions else counts


def list_case_mix(sessions, folder=None):
    """List what is held comparable between agents, and in how many conversations it is known.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        One row a column in use: `comparable` (mix, load or staffing), `fact` (the column), `n` conversations
        of the agents who are compared, `share` in which it is known.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> csnb.list_case_mix(sessions).head(2)[["comparable", "fact", "n", "share"]].values.tolist()
    [['mix', 'platform', 8, 1.0], ['mix', 'shop', 8, 1.0]]
    """
    counted = _with_pressure(sessions[is_personal(sessions)])
    rows = [
        (group, name, len(counted), counted[name].notna().mean() if len(counted) else np.nan)
        for group in GROUPS
        for name in read_people(folder)["case_mix"][group]
        if name in counted
    ]
    return pd.DataFrame(rows, columns=["comparable", "fact", "n", "share"])


def case_mix(sessions, groups=GROUPS, without=(), folder=None):
    """Give the case mix of sessions as columns of 0 and 1, one a value.

    Parameters
    ----------
    sessions : pandas.DataFrame
    groups : of "mix", "load", "staffing"
    without : names of columns to leave out, such as the one that is compared
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        Columns named (group, column, value), the index of `sessions`. Rare values are one, a missing
        value is a value, and a column with a single value is left out.

    Examples
    --------
    >>> table = case_mix(pd.DataFrame({"stage": ["presale"] * 30 + ["aftersale"] * 40, "shop": "A"}))
    >>> list(table)
    [('mix', 'stage', 'presale')]
    """
    settings = read_people(folder)["case_mix"]
    sessions = _with_pressure(sessions)
    columns = {
        (group, name, level): values
        for group in groups
        for name in settings[group]
        if name in sessions and name not in without
        for level, values in _levels(sessions[name], settings)
    }
    return pd.DataFrame(columns, index=sessions.index, dtype=float)


def _levels(column, settings):
    """Give one array of 0 and 1 for each value but the most frequent one."""
    values = column.astype("string").fillna("")
    counts = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    frequent = counts[counts >= settings["smallest_level"]].index[: settings["most_levels"]]
    codes = pd.Index(frequent).get_indexer(values)
    for code, level in enumerate(frequent):
        if code:
            yield level, (codes == code).astype(float)
    if len(frequent) and (codes < 0).any():
        yield "other", (codes < 0).astype(float)


def _with_pressure(sessions):
    """Add how many customers came for each agent at work, shop by shop and hour by hour, in four bands."""
    if not {"shop", "started_at", "agent_id"} <= set(sessions):
        return sessions
    hour = sessions["started_at"].dt.floor("h")
    groups = sessions.groupby([sessions["shop"].fillna(""), hour])["agent_id"]
    pressure = groups.transform("size") / groups.transform("nunique").where(lambda agents: agents > 0)
    bands = pd.qcut(pressure.rank(method="average"), 4, labels=False, duplicates="drop")
    return sessions.assign(pressure_band=bands.astype("Int64"))


def adjust_agents(sessions, outcome, kind="rate", groups=GROUPS, without=(), folder=None):
    """Compare each agent's conversations with what the others would have made of them.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`; those of `is_personal` count
    outcome : Series by session: true or false for a rate, a number for a mean; missing sessions do not count
    kind : "rate" or "mean"
    groups, without : as in `case_mix`
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    Adjusted
        The variance of an effect is chance, plus what weeks vary by beyond chance, plus what is uncertain of
        the expected value. With one agent effects are missing: there is nobody to compare with.
    """
    is_counted = is_personal(sessions) & outcome.notna()
    counted = sessions[is_counted]
    rows = counted[["agent_id", "day"]].assign(y=outcome[is_counted].astype(float))
    return adjust_rows(rows, case_mix(counted, groups, without, folder), kind)


def adjust_rows(rows, x, kind):
    """Do the same for rows that are no sessions: columns `agent_id, day, y`, and their case mix."""
    y = rows["y"].to_numpy()
    expected = expected_from_others(x.to_numpy(), y, rows["agent_id"].to_numpy(), kind)
    names = sorted(rows["agent_id"].unique())
    agent = pd.Index(names).get_indexer(rows["agent_id"])
    spread = np.var(y - expected.values, ddof=1) if kind == "mean" and len(y) > 1 else np.nan
    day = pd.to_datetime(rows["day"], errors="coerce")
    days = (day - day.min()).dt.days.fillna(-1).to_numpy()
    length = days.max(initial=0) + 1
    block = min(7.0, length / WINDOWS)

    def effects(place, count):
        """Add up rows by agent and place: one table a place; rows of place -1 are left out."""
        cell = (agent * count + place)[place >= 0].astype(int)
        n, observed, due = (
            np.bincount(cell, values[place >= 0], len(names) * count).reshape(-1, count)
            for values in (np.ones(len(y)), y, expected.values)
        )
        return [_effects(names, n[:, at], observed[:, at], due[:, at], kind, spread) for at in range(count)]

    by_week = effects(np.floor(days / block), int(np.ceil(length / block)))
    lasting, varied = lasting_variance(np.column_stack([week["effect"] for week in by_week]))
    chance = np.column_stack([week["variance"] for week in by_week])
    chance = chance[~np.isnan(chance)].mean() if (~np.isnan(chance)).any() else np.nan
    passing = max(0.0, varied - chance) if varied > chance else 0.0
    weeks = sum(week["effect"].notna() for week in by_week).clip(lower=1)
    baseline = expected.variance.reindex(names)
    (whole,) = effects(np.zeros(len(y)), 1)
    windows = effects(np.floor(days * WINDOWS / length), WINDOWS)
    return Adjusted(
        whole.assign(variance=whole["variance"] + baseline + passing / weeks),
        tuple(
            window.assign(variance=window["variance"] + baseline + passing * block * WINDOWS / length)
            for window in windows
        ),
        lasting, passing, pd.Series(expected.values, index=rows.index), baseline, kind,
    )  # fmt: skip


def _effects(names, n, observed, expected, kind, spread):
    """Give one table of agents: n, observed, expected, effect and the variance of chance."""
    index = pd.Index(names, name="agent_id")
    if kind == "rate":
        found = log_odds_effect(observed, np.minimum(expected, n), n).set_index(index)
    else:
        base = np.where(n > 0, n, np.nan)
        found = pd.DataFrame({"effect": (observed - expected) / base, "variance": spread / base}, index=index)
    table = pd.DataFrame({"n": n.astype(int), "observed": observed, "expected": expected}, index=index)
    return table.join(found[n >= SUPPRESSED_BELOW])


def shrunken(table):
    """Add `shrunk`, how far an agent stands from the team, and `spread`, its variance, to a table of `Adjusted`.

    The team is the mean of all agents, weighed by n.

    Examples
    --------
    >>> table = pd.DataFrame({"n": 10, "effect": [0.9, 0.1, -0.2, -0.8], "variance": 0.1})
    >>> shrunken(table)["shrunk"].round(2).to_list()
    [0.84, 0.09, -0.19, -0.75]
    """
    found = shrink(table["effect"], table["variance"])
    n = table["n"].where(found["shrunk"].notna(), 0)
    team = (found["shrunk"].fillna(0) * n).sum() / max(1, n.sum())
    return table.assign(shrunk=found["shrunk"] - team, spread=found["variance"])


def hold_claims(adjusted, chances_of, fewest, folder=None):
    """Say which claims about agents are sure enough to name somebody.

    Parameters
    ----------
    adjusted : Adjusted
    chances_of : function from a table of `shrunken` to a DataFrame by agent, one column a claim: how likely
        it is
    fewest : int, sessions that an agent needs
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    chances, held, named : DataFrames by agent, one column a claim
        How likely it is over the whole period; in how many of the three windows it is likely enough; and
        whether the agent may be named: likely enough in whole and in enough windows, with enough sessions,
        among enough agents.
    """
    rule = read_people(folder)["naming"]
    chances = chances_of(shrunken(adjusted.whole))
    held = sum((chances_of(shrunken(window)) >= rule["chance"]).astype(int) for window in adjusted.windows)
    has_peers = adjusted.whole["effect"].notna().sum() >= rule["fewest_peers"]
    enough = pd.DataFrame({name: adjusted.whole["n"] >= fewest for name in chances}, index=chances.index)
    return chances, held, (chances >= rule["chance"]) & (held >= rule["windows"]) & enough & has_peers


def known_agents(sessions):
    """Give the agents of the sessions that count and the team each served in most: a Series by agent_id."""
    counted = sessions[is_personal(sessions)]
    if "team" not in counted:
        return pd.Series(
            None, index=pd.Index(sorted(counted["agent_id"].unique()), name="agent_id"), dtype=object
        )
    teams = counted.groupby("agent_id")["team"].agg(lambda names: next(chain(names.mode(), [None])))
    return teams.rename("team")
