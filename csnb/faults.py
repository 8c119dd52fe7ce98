"""Everyone or someone: for each fault of service, is it the team's habit, or that of a few?

A habit of all is trained with all; a habit of one is coached with one. What a fault is stands in people.toml.
"""

import numpy as np
import pandas as pd
from scipy import stats as distributions
from scipy.special import expit, logit

from csnb.casemix import (
    SUPPRESSED_BELOW,
    adjust_agents,
    hold_claims,
    is_personal,
    known_agents,
    read_people,
    shrunken,
)
from csnb.schema import RESULT_FIGURES
from csnb.stats import adjust_pvalues, concentration, share_interval, shrink

SURE_CODE = 0.5  # the machine's probability from which its reason counts
FEWEST_HANDLED = 200  # conversations that an agent needs for a claim
FEWEST_CLUSTERS = 15  # with fewer agents, their days are the clusters
_LATENT = np.pi**2 / 3  # variance of one conversation on the log odds


def find_faults(sessions, labels, folder=None):
    """Say which conversations have which fault.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    labels : pandas.DataFrame, `book.labels`
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    faults : pandas.DataFrame
        Index of `sessions`, one yes/no column a fault of people.toml; missing where it cannot be told.
    sources : dict
        Where each fault comes from: `coded` (a column of the sessions), `clock` (a measured fact) or `machine` (a reason
        code of the machine, unverified).
    """
    found, sources = {}, {}
    for name, rule in read_people(folder)["fault"].items():
        if rule.get("column") in sessions:
            found[name], sources[name] = sessions[rule["column"]].astype("boolean"), "coded"
        elif "of" in rule and rule["of"] in sessions:
            found[name], sources[name] = _by_clock(sessions, rule), "clock"
        elif "code" in rule:
            found[name], sources[name] = _by_machine(sessions, labels, rule["code"]), "machine"
    return pd.DataFrame(found, index=sessions.index), sources


def _by_clock(sessions, rule):
    """Say where a measured fact counts."""
    hit = (sessions[rule["of"]].astype("Float64") >= rule["from"]).astype("boolean")
    if "among" not in rule:
        return hit
    return hit.where(sessions[rule["among"]].astype("Float64").fillna(0) > 0)


def _by_machine(sessions, labels, code):
    """Say where the machine codes a reason; without any labels nothing can be told."""
    if labels.empty:
        return pd.Series(pd.NA, index=sessions.index, dtype="boolean")
    coded = labels.loc[(labels["code"] == code) & (labels["p"].fillna(1) >= SURE_CODE), "session_key"]
    return sessions["session_key"].isin(coded).astype("boolean")


def compare_faults(sessions, labels, confidence=0.95, seed=0, folder=None):
    """Judge each fault: common to the team, individual, mixed, or within its standard.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    labels : pandas.DataFrame, `book.labels`
    confidence : float
    seed : int
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        Results, one row a `fault`: `value` the team's share of conversations with its interval (clustered by agent),
            standard_rate : what people.toml allows
            agents_count : agents with five conversations or more
            over_share : part of them whose adjusted rate is over the standard with a chance of .8
            held_share, usual_share : part of all cases on the fifth of agents with the most, and by chance
            p_adjusted : of that concentration, given each agent's case mix (Benjamini-Hochberg over faults)
            icc_share : how much of it lies between agents (latent scale)
            judged : common (the team is over, most agents are, none more than usual: train all), individual
                (gathered on few who are over: coach them), mixed (over or gathered, but neither: do both), within,
                or unclear with fewer than four agents; the thresholds stand in people.toml. Gathered is a
                concentration beyond chance that is also large: with many cases every team differs a little
            source, grade : see `find_faults`; D where the machine codes it

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> csnb.compare_faults(sessions, book.labels)[["fault", "value", "standard_rate", "judged"]].values[0].tolist()
    ['late_first', 0.375, 0.2, 'unclear']
    """
    faults, sources = find_faults(sessions, labels, folder)
    standards = read_people(folder)["fault"]
    rows = [
        _fault_row(name, sessions, faults[name], standards[name]["standard"], confidence, seed, folder)
        | {"source": sources[name], "grade": "D" if sources[name] == "machine" else "B"}
        for name in faults
    ]
    columns = ["metric", "fault", *RESULT_FIGURES, "standard_rate", "agents_count",
               "over_share", "held_share", "usual_share", "p_value", "icc_share", "source", "grade"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    table["p_adjusted"] = adjust_pvalues(table["p_value"].to_numpy(float))
    rule = read_people(folder)["verdict"]
    table["judged"] = [_verdict(row, rule, confidence) for row in table.to_dict("records")]
    return table


def _fault_row(name, sessions, fault, standard, confidence, seed, folder):
    """Give the figures of one fault."""
    adjusted = adjust_agents(sessions, fault, folder=folder)
    known = adjusted.whole[adjusted.whole["n"] >= SUPPRESSED_BELOW]
    sums = adjusted.whole
    n, seen = int(sums["n"].sum()), sums["observed"].sum()
    low, high, method = _clustered(sessions.loc[adjusted.expected.index], fault, confidence)
    held, usual, p_value = np.nan, np.nan, np.nan
    over, icc = np.nan, np.nan
    agents = shrunken(known[known["effect"].notna()])
    if len(agents) > 3:
        held, usual, p_value = concentration(agents["observed"], agents["expected"], agents["n"], seed=seed)
        chance = chance_over(agents, seen / n, standard)
        over = (chance >= read_people(folder)["naming"]["chance"]).mean()
        tau2 = shrink(agents["effect"], agents["variance"])["tau2"].iloc[0]
        icc = tau2 / (tau2 + _LATENT)
    return {
        "metric": "fault_rate", "fault": name, "n": n, "value": seen / n if n else np.nan,
        "low": low, "high": high, "unit": "rate", "method": method, "rulepack": "",
        "standard_rate": standard, "agents_count": len(known), "over_share": over, "held_share": held,
        "usual_share": usual, "p_value": p_value, "icc_share": icc,
    }  # fmt: skip


def _clustered(sessions, fault, confidence):
    """Give the interval of a share over agents, or over their days where there are few, and the name of its method."""
    hits = fault[sessions.index].astype(float)
    is_many = sessions["agent_id"].nunique() >= FEWEST_CLUSTERS
    sums = hits.groupby([sessions[name] for name in (["agent_id"] if is_many else ["agent_id", "day"])]).agg(
        ["sum", "size"]
    )
    method = "wilson by agent" if is_many else "wilson by agent and day"
    return *share_interval(sums["sum"], sums["size"], confidence), method


def chance_over(agents, team_rate, standard):
    """Give each agent's chance that the rate at the team's case mix is over a standard."""
    gap = logit(np.clip(team_rate, 1e-9, 1 - 1e-9)) + agents["shrunk"] - logit(standard)
    return pd.Series(distributions.norm.cdf(gap / np.sqrt(agents["spread"])), agents.index)


def _verdict(row, rule, confidence):
    """Judge one fault by its figures."""
    if pd.isna(row["over_share"]):
        return "unclear"
    is_over = row["low"] > row["standard_rate"]
    is_large = row["held_share"] >= rule["gathered"] * row["usual_share"]
    is_gathered = is_large and row["p_adjusted"] < 1 - confidence and row["over_share"] > 0
    if is_over and row["over_share"] >= rule["wide"] and not is_gathered:
        return "common"
    if is_gathered and row["over_share"] <= rule["narrow"]:
        return "individual"
    return "mixed" if is_over or is_gathered else "within"


def compare_fault_agents(sessions, labels, faults, confidence=0.95, folder=None):
    """Show for faults that are no habit of all which agents have them more often than standard and team.

    Parameters
    ----------
    sessions, labels, confidence, folder : as in `compare_faults`
    faults : pandas.DataFrame of `compare_faults`; those judged individual or mixed are looked at

    Returns
    -------
    pandas.DataFrame
        Results by `fault` and `agent_id`: `n`, `value` the adjusted rate with its interval (drawn toward the
        team), `bar_rate` the standard or the team's rate, whichever is larger, `sure_share` the chance to be
        over it, `is_named` by the rule for naming people.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> faults = csnb.compare_faults(sessions, book.labels)
    >>> len(csnb.compare_fault_agents(sessions, book.labels, faults))  # no fault is somebody's
    0
    """
    found, _ = find_faults(sessions, labels, folder)
    rows = [
        _fault_agents(row, sessions, found[row["fault"]], confidence, folder)
        for row in faults[faults["judged"].isin(["individual", "mixed"])].to_dict("records")
    ]
    columns = ["metric", "fault", "agent_id", "team", *RESULT_FIGURES,
               "bar_rate", "sure_share", "is_named"]  # fmt: skip
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)


def _fault_agents(row, sessions, fault, confidence, folder):
    """Give the agents of one fault, the likeliest first."""
    adjusted = adjust_agents(sessions, fault, folder=folder)
    team_rate, bar = row["value"], max(row["value"], row["standard_rate"])

    def chances(table):
        return chance_over(table, team_rate, bar).to_frame("over")

    chance, _, named = hold_claims(adjusted, chances, FEWEST_HANDLED, folder)
    agents = shrunken(adjusted.whole)
    base = logit(np.clip(team_rate, 1e-9, 1 - 1e-9)) + agents["shrunk"]
    half = distributions.norm.ppf((1 + confidence) / 2) * np.sqrt(agents["spread"])
    table = pd.DataFrame(
        {
            "metric": "fault_rate", "fault": row["fault"], "agent_id": agents.index,
            "team": known_agents(sessions).reindex(agents.index), "n": agents["n"], "value": expit(base),
            "low": expit(base - half), "high": expit(base + half), "unit": "rate",
            "method": np.where(agents["effect"].isna(), "suppressed", "adjusted"), "rulepack": "",
            "bar_rate": bar, "sure_share": chance["over"], "is_named": named["over"],
        }
    )  # fmt: skip
    return table.reset_index(drop=True).sort_values(["is_named", "agent_id"], ascending=[False, True])


def measure_faults(sessions, labels, by, folder=None):
    """Measure the faults by a column, such as the supplier, as observed.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    labels : pandas.DataFrame, `book.labels`
    by : str, the column to group by
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        Results by `fault` and `by`, with intervals clustered by agent (by their days with fewer than 15); a group with fewer agents than
        people.toml asks for is suppressed.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> csnb.measure_faults(sessions, book.labels, "shop")[["fault", "n", "method"]].values[0].tolist()
    ['late_first', 8, 'suppressed']
    """
    faults, _ = find_faults(sessions, labels, folder)
    fewest = read_people(folder)["naming"]["fewest_agents"]
    groups = sessions[is_personal(sessions)].groupby(by) if by in sessions else []
    rows = [
        _measured(name, by, group, part[faults.loc[part.index, name].notna()], faults[name], fewest)
        for name in faults
        for group, part in groups
    ]
    columns = ["metric", "fault", by, *RESULT_FIGURES]
    return pd.DataFrame(rows, columns=columns)


def _measured(name, by, group, part, fault, fewest):
    """Give one fault in one group."""
    row = {"metric": "fault_rate", "fault": name, by: group, "n": len(part), "value": np.nan, "low": np.nan,
           "high": np.nan, "unit": "rate", "method": "suppressed", "rulepack": ""}  # fmt: skip
    if part["agent_id"].nunique() < fewest:
        return row
    low, high, method = _clustered(part, fault, 0.95)
    return {**row, "value": fault[part.index].mean(), "low": low, "high": high, "method": method}
