"""People: who may be named to whom, and what all this says.

`analyst` sees every agent, `lead` those whom the rule for naming people allows (people.toml), `leadership` nobody.
"""

import re

import numpy as np
import pandas as pd

from csnb.casemix import read_people
from csnb.errors import one_of
from csnb.findings import Finding
from csnb.formats import format_interval, format_value, metric_name, word_of
from csnb.hints import HINTS
from csnb.standing import count_standings, measure_reliability, outcome_rule
from csnb.strings import AUDIENCES, text

RELIABLE = 0.7  # part of the variety that must last for a team's view


def hide_names(table, audience):
    """Take out the names that an audience may not see, and their teams, which might tell; every row stays.

    Parameters
    ----------
    table : pandas.DataFrame with `agent_id` and `is_named`
    audience : "analyst", "lead" or "leadership"

    Returns
    -------
    pandas.DataFrame
        The same rows; for others than analysts in the order of `value`, so that the order does not tell names
        either.

    Examples
    --------
    >>> table = pd.DataFrame({"agent_id": ["a", "b"], "value": [0.2, 0.1], "is_named": [True, False]})
    >>> hide_names(table, "lead")["agent_id"].to_list()
    [None, 'a']
    """
    if one_of("audience", audience, AUDIENCES) == "analyst":
        return table
    may_see = table["is_named"].astype(bool) & (audience == "lead")
    hidden = {
        name: table[name].astype(object).where(may_see, None)
        for name in ("agent_id", "team")
        if name in table
    }
    return table.assign(**hidden).sort_values("value", kind="stable", ignore_index=True)


def hide_agents(quotes, book, audience, seen=None):
    """Take agents' names out of what was said: they greet with them, and customers repeat them.

    Parameters
    ----------
    quotes : pandas.DataFrame with `text`, and `quote` where a part of it is marked
    book : Book; names are those of table `agents`, and the agents of its sessions, with what follows their last colon
    audience : "analyst", "lead" or "leadership"; analysts read what was said
    seen : pandas.Series by row of `quotes`: the agent whose name may stand in it; None is nobody

    Returns
    -------
    pandas.DataFrame
        The same rows; each name of two signs or more is replaced by a word for some agent.

    Examples
    --------
    >>> import csnb
    >>> quotes = pd.DataFrame({"text": ["我是小美，您请讲"]})
    >>> csnb.hide_agents(quotes, book, "leadership")["text"].to_list()
    ['我是[客服]，您请讲']
    """
    if one_of("audience", audience, AUDIENCES) == "analyst" or quotes.empty:
        return quotes
    ids = pd.concat([book.agents["agent_id"], book.sessions["agent_id"].astype(object)]).dropna().unique()
    names = {name for known in ids for name in _parts_of(known)} | set(book.agents["name"].dropna())
    names = sorted((name for name in names if len(name) > 1), key=len, reverse=True)
    if not names:
        return quotes
    pattern, some = re.compile("|".join(map(re.escape, names))), text("word.some_agent")
    seen = [None] * len(quotes) if seen is None else seen
    own = [_parts_of(known) if isinstance(known, str) else () for known in seen]

    def hidden(column):
        return [
            pattern.sub(lambda found, kept=kept: found[0] if found[0] in kept else some, said)
            if isinstance(said, str)
            else said
            for said, kept in zip(quotes[column], own, strict=True)
        ]

    return quotes.assign(**{name: hidden(name) for name in ("text", "quote") if name in quotes})


def _parts_of(agent_id):
    """Give an agent's id and what follows its last colon, the name that customers read."""
    return (agent_id, agent_id.rsplit(":", 1)[-1])


def list_named(table, audience):
    """List the rows of the agents whom an audience may see, those named by the rule first.

    Examples
    --------
    >>> table = pd.DataFrame({"agent_id": ["a", "b"], "value": [0.2, 0.1], "is_named": [False, True]})
    >>> list_named(table, "analyst")["agent_id"].to_list(), list_named(table, "leadership")["agent_id"].to_list()
    (['b', 'a'], [])
    """
    shown = hide_names(table, audience).dropna(subset=["agent_id"])
    return shown.sort_values("is_named", ascending=False, kind="stable", ignore_index=True)


def count_hints(hints):
    """Count the agents with a hint, without names.

    Parameters
    ----------
    hints : pandas.DataFrame of `measure_hints`

    Returns
    -------
    pandas.DataFrame
        One row a `hint`: `agents_count`, and how many of them are in which state: `hint_count` (it holds), `open_count`,
        `few_count` (too few cases).

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> hints = csnb.measure_hints(sessions, csnb.find_parts(sessions, book.labels, book.shifts))
    >>> csnb.count_hints(hints)[["hint", "agents_count", "few_count"]].values[0].tolist()
    ['willingness', 2, 2]
    """
    columns = ["agents_count", "hint_count", "open_count", "few_count"]
    counts = {
        hint: [len(part), *(int((part["state"] == state).sum()) for state in ("hint", "open", "too_few"))]
        for hint, part in hints.groupby("hint", sort=False)
    }
    table = pd.DataFrame.from_dict(counts, orient="index", columns=columns)
    return table.rename_axis("hint").reset_index()


def list_hints(hints, audience):
    """Lay out how likely each hint is for each agent whom an audience may see.

    Parameters
    ----------
    hints : pandas.DataFrame of `measure_hints`
    audience : "analyst", "lead" or "leadership"

    Returns
    -------
    pandas.DataFrame
        Results by `hint` and `agent_id`, metric `hint_chance`: `value` the chance to be truly among the worst
        fifth; missing where there are too few cases and for agents who are not shown. In order of names.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> hints = csnb.measure_hints(sessions, csnb.find_parts(sessions, book.labels, book.shifts))
    >>> csnb.list_hints(hints, "leadership")[["hint", "agent_id", "n"]].values[0].tolist()
    ['willingness', None, 0]
    """
    whom = hints.groupby("agent_id")["is_named"].transform("any")
    shown = hide_names(hints.assign(is_named=whom), audience).sort_values("agent_id", kind="stable")
    order = pd.Categorical(shown["hint"], HINTS, ordered=True)
    return pd.DataFrame(
        {"metric": "hint_chance", "hint": order, "agent_id": shown["agent_id"], "n": shown["n"],
         "value": shown["sure_share"].where(shown["agent_id"].notna()), "low": np.nan, "high": np.nan, "unit": "rate", "method": shown["method"],
         "rulepack": ""}
    ).reset_index(drop=True)  # fmt: skip


# ---- findings


def find_people_issues(compared, faults, hints, gaps, units, strain, audience, outcome=None, folder=None):
    """Say who differs, whether it is everyone or someone, and what to do with it.

    Parameters
    ----------
    compared, faults, hints, gaps : pandas.DataFrames of `compare_agents`, `compare_faults`, `measure_hints`,
        `split_gaps`
    units : list of pandas.DataFrame of `compare_units`
    strain : pandas.DataFrame of `measure_strain`
    audience : "analyst", "lead" or "leadership"; names stand in the sentences for the first two only
    outcome : str, what `compared` is about; None finds it by its metric
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    list of Finding

    Examples
    --------
    >>> find_people_issues(compared, faults, hints, gaps, [shops], strain, "lead")  # doctest: +SKIP
    """
    one_of("audience", audience, AUDIENCES)
    if compared.empty:
        return [Finding("no_agents", {}, "C", 100, "case_mix")]
    rule, n = _rule_of(compared, outcome, folder), format_value(compared["n"].sum(), "count")
    if len(compared) == 1:
        return [Finding("one_agent", {"sessions": n, "n": n}, "C", 100, "case_mix")]
    if len(compared) < read_people(folder)["naming"]["fewest_peers"]:
        found = [
            Finding(
                "few_agents", {"agents": format_value(len(compared), "count"), "n": n}, "C", 100, "case_mix"
            )
        ]
    else:
        found = [_of_basis(compared, rule), *_of_standings(compared, rule, audience)]
        found += _of_hints(hints, audience) + _of_gaps(gaps, rule)
        found.append(_of_next(compared, faults, hints, audience))
    found += [finding for table in units for finding in _of_units(table, rule)]
    return found + _of_faults(faults) + _of_strain(strain)


def _rule_of(compared, outcome, folder):
    """Find the rule of the outcome that was compared."""
    metric = compared["metric"].iloc[0]
    known = {entry["metric"]: name for name, entry in read_people(folder)["outcome"].items()}
    return outcome_rule(outcome or known.get(metric, metric), folder)


def _of_basis(compared, rule):
    """Say by what agents are compared, and how many have enough of it."""
    values = {
        "metric": metric_name(rule["metric"]),
        "agents": format_value(len(compared), "count"),
        "enough": format_value((compared["n"] >= rule["fewest"]).sum(), "count"),
        "fewest": format_value(rule["fewest"], "count"),
        "n": format_value(compared["n"].sum(), "count"),
    }
    key = "people_basis_machine" if rule["grade"] == "D" else "people_basis"
    return Finding(key, values, rule["grade"], 78, "case_mix")


def _of_standings(compared, rule, audience):
    """Say who stands apart, and whether this period can tell agents apart at all."""
    counts = count_standings(compared).set_index("standing")["value"]
    numbers = {name: format_value(counts[name], "count") for name in ("head", "tail", "watch", "too_few")}
    numbers |= {"agents": format_value(len(compared), "count")}
    n = format_value(compared["n"].sum(), "count")
    found = []
    if counts["head"] + counts["tail"] == 0:
        found.append(
            Finding(
                "nobody_stands_apart", {"agents": numbers["agents"], "n": n}, rule["grade"], 100, "standings"
            )
        )
    else:
        found.append(Finding("standings", {**numbers, "n": n}, rule["grade"], 100, "standings"))
        found += [_names(compared, standing, rule) for standing in ("head", "tail")
                  if audience != "leadership" and counts[standing]]  # fmt: skip
    reliability = measure_reliability(compared).iloc[0]
    share, needed = reliability["reliability_share"], reliability["needed_count"]
    if share < RELIABLE:
        values = {"share": format_value(share, "rate"), "enough": format_value(RELIABLE, "rate"), "n": n}
        if pd.notna(needed):
            values |= {
                "needed": format_value(needed, "count"),
                "sessions": format_value(reliability["sessions_count"], "count"),
            }
        found.append(
            Finding(
                "not_reliable" if pd.notna(needed) else "nothing_lasts",
                values,
                rule["grade"],
                80,
                "standings",
            )
        )
    return found


def _names(compared, standing, rule):
    """Name the agents of one tier, in order of their names."""
    those = compared[compared["standing"] == standing].sort_values("agent_id")
    names, n = text("word.list_separator").join(those["agent_id"]), format_value(those["n"].sum(), "count")
    return Finding(
        f"named_{standing}",
        {"names": names, "n": n},
        rule["grade"],
        98,
        "standings",
    )


def _of_faults(faults):
    """Say which faults are everyone's and which are somebody's."""
    found = []
    for verdict, weight in (("common", 95), ("individual", 94), ("mixed", 93)):
        part = faults[faults["judged"] == verdict]
        if len(part):
            listed = [
                text("talk.fault", fault=word_of("fault", row.fault), value=format_value(row.value, "rate"),
                     interval=format_interval(row.low, row.high, "rate"), n=format_value(row.n, "count"),
                     standard=format_value(row.standard_rate, "rate"))
                for row in part.itertuples()
            ]  # fmt: skip
            grade = max(part["grade"])
            values = {
                "faults": text("word.list_separator").join(listed),
                "n": format_value(part["n"].max(), "count"),
            }
            found.append(Finding(f"faults_{verdict}", values, grade, weight, "faults"))
    if not found and (faults["judged"] == "within").any():
        n = format_value(faults.loc[faults["judged"] == "within", "n"].max(), "count")
        found.append(Finding("faults_within", {"n": n}, "B", 92, "faults"))
    return found


def _of_next(compared, faults, hints, audience):
    """Say what to do first: train all, coach a few, talk with those who may be named, or leave single agents alone."""
    over = faults.assign(times=faults["value"] / faults["standard_rate"]).sort_values(
        "times", ascending=False
    )
    steps, grades = [], ["B"]
    for step, verdicts in (("train", ["common", "mixed"]), ("coach", ["individual"])):
        worst = over[over["judged"].isin(verdicts)].head(1)
        steps += [text(f"talk.step_{step}", fault=word_of("fault", name)) for name in worst["fault"]]
        grades += worst["grade"].to_list()
    persons = set(hints.loc[hints["is_named"].astype(bool), "agent_id"])
    persons |= set(compared.loc[compared["standing"] == "tail", "agent_id"])
    if persons:
        step = "delegate" if audience == "leadership" else "talk"
        steps.append(text(f"talk.step_{step}", count=format_value(len(persons), "count")))
    else:
        steps.append(text("talk.step_alone"))
    has_sheets = audience == "analyst" or (audience == "lead" and persons)
    section = "talks" if has_sheets else "faults"
    values = {"steps": text("talk.then").join(steps), "n": format_value(compared["n"].sum(), "count")}
    return Finding("people_next", values, max(grades), 90, section)


def _of_hints(hints, audience):
    """Say how many agents have a hint of what."""
    counts = count_hints(hints).set_index("hint")
    if not (counts["hint_count"] + counts["open_count"]).sum():
        return [Finding("hints_unknown", {}, "C", 60, "hints")]
    n = format_value(hints.loc[hints["state"] != "too_few", "n"].sum(), "count")
    counts = counts[counts["hint_count"] > 0]
    if counts.empty:
        return [Finding("hints_none", {"n": n}, "B", 72, "hints")]
    n = format_value(
        hints.loc[hints["hint"].isin(counts.index) & (hints["state"] != "too_few"), "n"].sum(), "count"
    )
    listed = [
        text("talk.count", hint=word_of("hint", hint), count=format_value(count, "count"))
        for hint, count in counts["hint_count"].items()
    ]
    key = "hints_counted" if audience == "leadership" else "hints_to_talk"
    return [Finding(key, {"hints": text("word.list_separator").join(listed), "n": n}, "B", 80, "hints")]


def _of_gaps(gaps, rule):
    """Say how much of the distance between agents is not the person."""
    known = gaps[gaps["value"].notna()]
    if known.empty:
        return []
    objective = (known["value"] - known["difference_rest"]).abs().mean()
    enough = (known["origin"] != "too_few").sum()
    values = {
        "objective": format_value(objective, "points"),
        "rest": format_value(known["difference_rest"].abs().mean(), "points"),
        "n": format_value(known["n"].sum(), "count"),
    }
    if enough:
        values["agents"] = format_value((known["origin"] == "objective").sum(), "count")
        values["enough"] = format_value(enough, "count")
    return [Finding("gaps" if enough else "gaps_small", values, rule["grade"], 74, "gaps")]


def _of_units(table, rule):
    """Say whether the shops, teams or suppliers differ under comparable conditions."""
    known = table[table["adjusted_rate"].notna()]
    if len(known) < 2:
        return []
    by = table.columns[1]
    apart = known[known["is_apart"]]
    if apart.empty:
        values = {"by": text(f"talk.by_{by}"), "n": format_value(known["n"].sum(), "count")}
        return [Finding("units_alike", values, rule["grade"], 66, "units")]
    worst = apart.loc[apart["adjusted_rate"].idxmax()]
    values = {
        "unit": word_of(by, worst[by]), "metric": metric_name(rule["metric"]), "value": format_value(worst["adjusted_rate"], "rate"),
        "n": format_value(worst["n"], "count"),
        "interval": format_interval(worst["adjusted_rate_low"], worst["adjusted_rate_high"], "rate"),
    }  # fmt: skip
    return [Finding("unit_apart", values, rule["grade"], 68, "units")]


def _of_strain(strain):
    """Say where most heavy conversations fall on one person's hour."""
    known = strain.dropna(subset=["value"])
    if known.empty or not known["heavy_count"].sum():
        return []
    values = {
        "count": format_value(known["heavy_count"].sum(), "count"),
        "hours": format_value(known["work_hours"].sum(), "count"),
        "run": format_value(known["run_count"].max(), "count"),
        "n": format_value(known["n"].sum(), "count"),
    }
    return [Finding("strain", values, "D", 50, "strain")]
