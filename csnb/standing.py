"""Who really differs: agents, shops and suppliers under comparable conditions, tiers, and how sure all this is.

A larger effect is worse: every outcome is something that should be rare. Nobody is named on chance.
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
from csnb.formats import format_interval
from csnb.stats import (
    adjust_pvalues,
    funnel,
    rank_intervals,
    sessions_for_reliability,
    shrink,
    tau2_interval,
    tier_chances,
    wilson_interval,
)

STANDINGS = ("head", "middle", "tail", "watch", "too_few")
RELIABLE = 0.7  # part of the variety that must last for a team's view
USUAL = {"fewest": 200, "grade": "B"}


def pick_outcome(sessions, folder=None):
    """Pick what agents can be compared by: ratings where enough agents have enough of them, else codes.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    str
        The column of sessions by which most agents have enough conversations (`fewest` of people.toml), or
        any at all; of equals the first one there.
    """
    counted = sessions[is_personal(sessions)]
    outcomes = read_people(folder)["outcome"]
    reached = {}
    for name in set(outcomes) & set(counted):
        n = counted[counted[name].notna()].groupby("agent_id").size()
        reached[name] = [
            int((n >= fewest).sum()) for fewest in (outcomes[name]["fewest"], SUPPRESSED_BELOW, 1)
        ]
    return max(outcomes, key=lambda name: reached.get(name, [-1]))


def outcome_rule(outcome, folder=None):
    """Give metric, fewest conversations and evidence grade of an outcome; any yes/no column may be one."""
    return {"metric": outcome, **USUAL, **read_people(folder)["outcome"].get(outcome, {})}


def compare_agents(sessions, outcome=None, confidence=0.95, seed=0, folder=None):
    """Compare agents under comparable conditions.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    outcome : str, a yes/no column of sessions; None picks one (`pick_outcome`)
    confidence : float
    seed : int
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        Results, one row an agent: `n` and `value` as observed with Wilson's interval, then
            expected_rate : what the other agents would have reached with these conversations
            adjusted_rate, adjusted_rate_low, adjusted_rate_high : the rate at the whole team's case mix, drawn toward
                the team by as much as chance explains
            effect, variance : its log odds before drawing, and how sure they are
            rank, rank_low, rank_high : 1 is the lowest adjusted rate; the ranks that may be true, and in words
                `rank_range`
            z, tau2, low95_od to high998_od : funnel, with limits that allow for ordinary variety
            head, middle, tail : chance to be truly among the best fifth, between, among the worst fifth
            standing : head, middle or tail where it holds by the rule for naming people (people.toml), else
                watch, or too_few conversations; `is_named` says whether it holds
        Missing below five conversations, and with one agent: there is nobody to compare with.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> compared = csnb.compare_agents(sessions)  # two agents with six rated conversations
    >>> compared[["agent_id", "n", "standing", "is_named"]].values.tolist()
    [['小丽', 2, 'too_few', False], ['小美', 4, 'too_few', False]]
    """
    outcome = outcome or pick_outcome(sessions, folder)
    rule = outcome_rule(outcome, folder)
    adjusted = adjust_agents(sessions, sessions[outcome], folder=folder)
    agents = shrunken(adjusted.whole)
    few = agents["n"] < SUPPRESSED_BELOW
    chances, _, named = hold_claims(adjusted, tiers_of(seed, folder), rule["fewest"], folder)
    rate = (agents["observed"] / agents["n"]).mask(few)
    low, high = wilson_interval(agents["observed"].fillna(0), agents["n"], confidence)
    ranks = rank_intervals(-agents["effect"], agents["variance"], confidence, seed)
    table = pd.DataFrame(
        {
            "metric": rule["metric"], "agent_id": agents.index,
            "team": known_agents(sessions).reindex(agents.index), "n": agents["n"], "value": rate,
            "low": pd.Series(low, agents.index).mask(few), "high": pd.Series(high, agents.index).mask(few),
            "unit": "rate", "method": np.where(few, "suppressed", "adjusted"), "rulepack": "",
            "expected_rate": (agents["expected"] / agents["n"]).mask(few),
            **_at_team_mix(agents, confidence),
            "effect": agents["effect"], "variance": agents["variance"], **ranks,
            **_funnel(agents), **chances, "standing": _standing(agents["n"], named, rule["fewest"]),
            "is_named": named.any(axis=1),
        }
    )  # fmt: skip
    words = [
        format_interval(*pair, "count") for pair in zip(table["rank_low"], table["rank_high"], strict=True)
    ]
    return table.assign(rank_range=words).reset_index(drop=True)


def tiers_of(seed, folder=None):
    """Give the function from a shrunken table to the chances of head, middle and tail."""
    share = read_people(folder)["naming"]["tier_share"]

    def chances(table):
        found = tier_chances(table["shrunk"], table["spread"], share, seed)
        rest = 1 - found["highest"] - found["lowest"]
        return pd.DataFrame({"head": found["lowest"], "middle": rest, "tail": found["highest"]})

    return chances


def _at_team_mix(agents, confidence):
    """Give the shrunken effects as rates at the team's own level."""
    team = agents["observed"].sum() / max(1, agents["n"].sum())
    base = logit(np.clip(team, 1e-9, 1 - 1e-9))
    half = distributions.norm.ppf((1 + confidence) / 2) * np.sqrt(agents["spread"])
    return {
        "adjusted_rate": expit(base + agents["shrunk"]),
        "adjusted_rate_low": expit(base + agents["shrunk"] - half),
        "adjusted_rate_high": expit(base + agents["shrunk"] + half),
    }


def _funnel(agents):
    """Give z and the limits of the funnel that allow for ordinary variety."""
    known = agents["effect"].notna()
    columns = ["z", "tau2", "low95_od", "high95_od", "low998_od", "high998_od"]
    seen, due, n = (agents[name].where(known) for name in ("observed", "expected", "n"))
    return dict(funnel(seen, due, n)[columns])


def _standing(n, named, fewest):
    """Give the standing that holds, else whether there are too few conversations or it stays open."""
    held = named.apply(lambda row: next((name for name in row.index if row[name]), "watch"), axis=1)
    return held.where(n >= fewest, "too_few") if len(held) else pd.Series(dtype=object)


def count_basis(sessions, compared):
    """Count who is compared, from all accounts that served down to the agents with enough conversations.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    compared : pandas.DataFrame of `compare_agents`

    Returns
    -------
    pandas.DataFrame
        One row a `basis`, `agents_count` accounts or agents and their `n` conversations: `served` (all accounts),
        `shared` (of those, accounts that several people use: left out), `people` (the others, one person each),
        `compared` (people with conversations in which the outcome is known, and those only), `enough`
        (of those, people with as many as a claim about one of them needs).

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> basis = csnb.count_basis(sessions, csnb.compare_agents(sessions))
    >>> basis[["basis", "agents_count", "n"]].values.tolist()[2:]
    [['people', 2, 8], ['compared', 2, 6], ['enough', 0, 0]]
    """
    served = sessions[sessions["left_out_because"].isna() & sessions["agent_id"].notna()]
    is_own = is_personal(served)
    groups = {"served": served, "shared": served[~is_own], "people": served[is_own]}
    rows = [(step, group["agent_id"].nunique(), len(group)) for step, group in groups.items()]
    enough = compared[compared["standing"] != "too_few"]
    rows += [
        (step, len(table), int(table["n"].sum()))
        for step, table in (("compared", compared), ("enough", enough))
    ]
    return pd.DataFrame(rows, columns=["basis", "agents_count", "n"])


def count_standings(compared):
    """Count agents by standing, without names.

    Parameters
    ----------
    compared : pandas.DataFrame of `compare_agents`

    Returns
    -------
    pandas.DataFrame
        One row a `standing` in the order of STANDINGS: `agents_count`, and `n` their conversations.

    Examples
    --------
    >>> import csnb
    >>> counts = csnb.count_standings(csnb.compare_agents(csnb.select_sessions(book)))
    >>> counts.set_index("standing").loc["too_few"].to_list()
    [2, 6]
    """
    found = compared.groupby("standing")["n"].agg(["size", "sum"]).reindex(STANDINGS, fill_value=0)
    return pd.DataFrame(
        {
            "standing": list(STANDINGS),
            "agents_count": found["size"].to_numpy(int),
            "n": found["sum"].to_numpy(int),
        }
    )


def measure_reliability(compared, confidence=0.95):
    """Measure how well this period can tell agents apart.

    Parameters
    ----------
    compared : pandas.DataFrame of `compare_agents`
    confidence : float

    Returns
    -------
    pandas.DataFrame
        One row: `metric`, `agents_count` with five conversations or more, `sessions_count` of the middle one,
        `reliability_share` (true differences in the variance of effects: .7 is enough for a team's view, .8 for pay) and
        `needed_count`, the conversations an agent needs for .7, each with its interval over what the true differences may
        be (`tau2_interval`); missing where nothing lasts, or, as the end of an interval, where nothing may last.

    Examples
    --------
    >>> import csnb
    >>> measured = csnb.measure_reliability(csnb.compare_agents(csnb.select_sessions(book)))
    >>> measured["agents_count"].item()  # two and four conversations are too few to tell
    0
    """
    known = compared[compared["effect"].notna()]
    lasting = (np.nan, np.nan, np.nan)
    if len(known) > 3:
        found = shrink(known["effect"], known["variance"])["tau2"].iloc[0]
        lasting = (found, *tau2_interval(known["effect"], known["variance"], confidence))
    share, low, high = (tau2 / (tau2 + known["variance"].mean()) for tau2 in lasting)
    rate = (compared["value"] * compared["n"]).sum() / max(1, compared["n"].sum())
    needed, most, least = (_needed(tau2, rate) for tau2 in lasting)
    return pd.DataFrame(
        {
            "metric": compared["metric"].head(1).to_list() or [None],
            "agents_count": [len(known)], "sessions_count": [known["n"].median()],
            "reliability_share": [share], "reliability_share_low": [low], "reliability_share_high": [high],
            **{name: pd.array([count], "Int64")
               for name, count in (("needed_count", needed), ("needed_count_low", least), ("needed_count_high", most))},
        }
    )  # fmt: skip


def _needed(lasting, rate):
    """Give the conversations an agent needs for a ranking, if agents truly vary by so much."""
    if not (lasting > 0 and 0 < rate < 1):
        return pd.NA
    return sessions_for_reliability(RELIABLE, within=1 / (rate * (1 - rate)), between=lasting)


def compare_units(sessions, by, outcome=None, confidence=0.95, folder=None):
    """Compare shops, teams or suppliers by the same rules as agents.

    Parameters
    ----------
    sessions, outcome, confidence, folder : as in `compare_agents`
    by : str, the column to compare, such as "supplier"; it is not part of the case mix then

    Returns
    -------
    pandas.DataFrame
        Results, one row a unit: `n`, `value` as observed, `agents_count`, `expected_rate`,
        `adjusted_rate, adjusted_rate_low, adjusted_rate_high` (at the whole team's case mix; the interval is over the
        unit's agents, t), `p_adjusted` against all other units (Benjamini-Hochberg), `is_apart`. A unit
        with fewer agents than people.toml asks for is suppressed: it would show a person.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> csnb.compare_units(sessions, "shop")[["shop", "n", "agents_count", "method"]].values.tolist()
    [['旗舰店', 6, 2, 'suppressed']]
    """
    outcome = outcome or pick_outcome(sessions, folder)
    rule = outcome_rule(outcome, folder)
    units = sessions.assign(**{by: sessions.get(by)})
    whose = units.assign(agent_id=units["agent_id"].astype("string") + "\x1f" + units[by].astype("string"))
    agents = adjust_agents(whose, whose[outcome], without=(by,), folder=folder).whole
    agents = agents.assign(unit=[name.split("\x1f")[1] for name in agents.index])
    known = agents[agents["effect"].notna()]
    within = known["effect"] - known.groupby("unit")["effect"].transform("mean")
    tau2 = shrink(within, known["variance"])["tau2"].iloc[0] if len(known) else 0.0
    weight = 1 / (known["variance"] + tau2)
    rows = [
        _unit_row(name, part, weight, known, confidence) for name, part in agents.groupby("unit", sort=True)
    ]
    fewest = read_people(folder)["naming"]["fewest_agents"]
    return _unit_results(rows, by, rule["metric"], agents, fewest, confidence)


def _unit_row(name, part, weight, known, confidence):
    """Give one unit: sums, its effect with the interval over its agents, and the test against the others."""
    row = {"unit": name, "n": int(part["n"].sum()), "agents_count": len(part),
           "observed": part["observed"].sum(), "expected": part["expected"].sum()}  # fmt: skip
    is_own = known["unit"] == name
    own, own_weight = known[is_own], weight[is_own]
    if len(own) < 2:
        return {**row, "effect": np.nan, "half": np.nan, "p_value": np.nan}
    others, others_weight = known[~is_own], weight[~is_own]
    mean, variance = _weighted(own["effect"], own_weight)
    spread = distributions.t.ppf((1 + confidence) / 2, len(own) - 1)
    p_value = np.nan
    if len(others) > 1:
        other_mean, other_variance = _weighted(others["effect"], others_weight)
        distance = abs(mean - other_mean) / np.sqrt(variance + other_variance)
        p_value = 2 * distributions.t.sf(distance, min(len(own), len(others)) - 1)
    return {**row, "effect": mean, "half": spread * np.sqrt(variance), "p_value": p_value}


def _weighted(effect, weight):
    """Give a weighted mean and its variance."""
    return (effect * weight).sum() / weight.sum(), 1 / weight.sum()


def _unit_results(rows, by, metric, agents, fewest, confidence):
    """Turn the rows of units into results."""
    columns = ["unit", "n", "agents_count", "observed", "expected", "effect", "half", "p_value"]
    table = pd.DataFrame(rows, columns=columns).astype({name: float for name in columns[3:]})
    few = (table["agents_count"] < fewest) | (table["n"] < SUPPRESSED_BELOW)
    low, high = wilson_interval(table["observed"], table["n"], confidence)
    team = agents["observed"].sum() / max(1, agents["n"].sum())
    base = logit(np.clip(team, 1e-9, 1 - 1e-9))
    p_adjusted = pd.Series(adjust_pvalues(table["p_value"].mask(few).to_numpy(float)), table.index)
    return pd.DataFrame(
        {
            "metric": metric, by: table["unit"], "n": table["n"], "value": (table["observed"] / table["n"]).mask(few),
            "low": pd.Series(low).mask(few), "high": pd.Series(high).mask(few), "unit": "rate",
            "method": np.where(few, "suppressed", "adjusted"), "rulepack": "", "agents_count": table["agents_count"],
            "expected_rate": (table["expected"] / table["n"]).mask(few),
            "adjusted_rate": expit(base + table["effect"]).mask(few),
            "adjusted_rate_low": expit(base + table["effect"] - table["half"]).mask(few),
            "adjusted_rate_high": expit(base + table["effect"] + table["half"]).mask(few),
            "p_adjusted": p_adjusted, "is_apart": (p_adjusted < 1 - confidence).to_numpy(bool),
        }
    )  # fmt: skip
