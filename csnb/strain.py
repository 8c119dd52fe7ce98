"""Emotional load: how many dissatisfied customers one person meets, how many in a row, and what follows.

For breaks, rosters and care. It never counts in any score.
"""

import numpy as np
import pandas as pd

from csnb.casemix import is_personal, read_people
from csnb.schema import RESULT_FIGURES
from csnb.stats import ratio_interval


def measure_strain(sessions, by, confidence=0.95, folder=None):
    """Measure emotional load by agent, team or hour.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    by : str, the column to group by
    confidence : float
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        Results by `by`: `value` heavy conversations (the machine is sure of dissatisfaction) per hour of work, with an
        interval over days of agents; n conversations. `heavy_count`; `work_hours` (spells of conversations without a
        break); `run_count` the longest run of heavy ones in a spell; `late_share` conversations answered late, and
        `late_after_share` the same straight after a run. Suppressed below five conversations, and groups
        other than agents with fewer agents than people.toml asks for.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> csnb.measure_strain(sessions, "agent_id")[["agent_id", "n", "method"]].values.tolist()
    [['小丽', 4, 'suppressed'], ['小美', 4, 'suppressed']]
    """
    rows = find_spells(sessions, folder)
    rule = read_people(folder)
    groups = rows.groupby(by) if by in rows else []
    fewest = 1 if by == "agent_id" else rule["naming"]["fewest_agents"]
    found = [_strain_row(by, name, part, fewest, confidence) for name, part in groups]
    columns = ["metric", by, *RESULT_FIGURES, "heavy_count", "work_hours",
               "run_count", "late_share", "late_after_share"]  # fmt: skip
    return pd.DataFrame(found, columns=columns)


def find_spells(sessions, folder=None):
    """Find each agent's spells of work and the runs of heavy conversations in them.

    Returns
    -------
    pandas.DataFrame
        The sessions of single persons (`is_personal`) with times, in order, with `spell` (a number; a new one after a
        break), `is_heavy`, `run` (heavy conversations in a row up to and with this one), `is_after_run`,
        `is_late` (first reply after 30 s), and `spell_hours`, the time this session adds to its spell.
    """
    rule = read_people(folder)["strain"]
    rows = sessions[is_personal(sessions) & sessions["started_at"].notna()]
    rows = rows.sort_values(["agent_id", "started_at", "session_id"], kind="stable")
    until = rows.groupby("agent_id")["ended_at"].cummax()
    before = until.groupby(rows["agent_id"]).shift()
    is_new = ~((rows["started_at"] - before).dt.total_seconds() <= rule["break_minutes"] * 60)
    start = rows["started_at"].where(is_new | (rows["started_at"] > before), before)
    start = start.where(is_new, before)
    added = (until - start).dt.total_seconds().clip(lower=0) / 3600
    heavy = (
        rows["p_dissatisfied"].ge(rule["heavy_from"])
        if "p_dissatisfied" in rows
        else pd.Series(False, rows.index)
    )
    spell = is_new.cumsum()
    stretch = (~heavy | is_new).cumsum()
    run = heavy.astype(int).groupby(stretch).cumsum()
    after = run.groupby(spell).shift(fill_value=0) >= rule["run_from"]
    return rows.assign(
        spell=spell, is_heavy=heavy, run=run, is_after_run=after, spell_hours=added,
        is_late=(rows["first_response_seconds"] > 30).where(rows["first_response_seconds"].notna()).astype("boolean"),
    )  # fmt: skip


def _strain_row(by, name, part, fewest, confidence):
    """Give the row of one group."""
    row = {"metric": "heavy_per_hour", by: name, "n": len(part), "unit": "number", "rulepack": ""}
    if len(part) < 5 or part["agent_id"].nunique() < fewest:
        return {**row, "method": "suppressed"}
    hours = part["spell_hours"].sum()
    days = part.groupby(["agent_id", "day"])[["is_heavy", "spell_hours"]].sum().astype(float)
    low, high = ratio_interval(days["is_heavy"], days["spell_hours"], confidence)
    after = part[part["is_after_run"]]
    return {
        **row, "value": part["is_heavy"].sum() / hours if hours else np.nan, "low": low, "high": high,
        "method": "ratio by agent-day", "heavy_count": int(part["is_heavy"].sum()), "work_hours": hours,
        "run_count": int(part["run"].max()), "late_share": part["is_late"].mean(),
        "late_after_share": after["is_late"].mean() if len(after) >= 5 else np.nan,
    }  # fmt: skip
