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
from csnb.standing import RELIABLE, count_standings, measure_reliability, outcome_rule
from csnb.strings import AUDIENCES, text


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

    Raises
    ------
    ParameterError
        If there is no such audience.

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

    Raises
    ------
    ParameterError
        If there is no such audience.

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

    Parameters
    ----------
    table : pandas.DataFrame with `agent_id`, `is_named` and `value`
    audience : "analyst", "lead" or "leadership"

    Returns
    -------
    pandas.DataFrame
        Some rows of `table`; none for leadership.

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


def find_people_issues(
    basis, compared, faults, hints, gaps, units, strain, audience, outcome=None, confidence=0.95, folder=None
):
    """Say who differs, whether it is everyone or someone, and what to do with it.

    Parameters
    ----------
    basis : pandas.DataFrame of `count_basis`
    compared, faults, hints, gaps : pandas.DataFrames of `compare_agents`, `compare_faults`, `measure_hints`,
        `split_gaps`
    units : list of pandas.DataFrame of `compare_units`
    strain : pandas.DataFrame of `measure_strain`
    audience : "analyst", "lead" or "leadership"; names stand in the sentences for the first two only
    outcome : str, what `compared` is about; None finds it by its metric
    confidence : float, as in the tables
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    list of Finding

    Raises
    ------
    ParameterError
        If there is no such audience.

    Examples
    --------
    >>> find_people_issues(basis, compared, faults, hints, gaps, [shops], strain, "lead")  # doctest: +SKIP
    """
    one_of("audience", audience, AUDIENCES)
    shared = _of_shared(basis)
    if compared.empty:
        is_all = any(each.key == "only_shared" for each in shared)
        return shared if is_all else [Finding("no_agents", {}, "C", 100, "basis"), *shared]
    rule, n = _rule_of(compared, outcome, folder), format_value(compared["n"].sum(), "count")
    if len(compared) == 1:
        return [Finding("one_agent", {"sessions": n, "n": n}, "C", 100, "basis"), *shared]
    if len(compared) < read_people(folder)["naming"]["fewest_peers"]:
        agents = format_value(len(compared), "count")
        found = [Finding("few_agents", {"agents": agents, "n": n}, "C", 100, "basis")]
    else:
        found = [_of_basis(basis, rule), *_of_standings(compared, rule, audience, confidence)]
        found += _of_hints(hints, faults, audience, folder) + _of_gaps(gaps, rule)
        found.append(_of_next(compared, faults, hints, audience, folder))
    return found + shared + _of_units(units, rule) + _of_faults(faults) + _of_strain(strain)


def _rule_of(compared, outcome, folder):
    """Find the rule of the outcome that was compared."""
    metric = compared["metric"].iloc[0]
    known = {entry["metric"]: name for name, entry in read_people(folder)["outcome"].items()}
    return outcome_rule(outcome or known.get(metric, metric), folder)


def _of_basis(basis, rule):
    """Say by what agents are compared, and how many have enough of it."""
    agents, n = (basis.set_index("basis")[name] for name in ("agents_count", "n"))
    values = {
        "metric": metric_name(rule["metric"]),
        "people": format_value(agents["people"], "count"),
        "agents": format_value(agents["compared"], "count"),
        "enough": format_value(agents["enough"], "count"),
        "fewest": format_value(rule["fewest"], "count"),
        "n": format_value(n["compared"], "count"),
    }
    key = "people_basis_machine" if rule["grade"] == "D" else "people_basis"
    return Finding(key, values, rule["grade"], 78, "basis")


def _of_shared(basis):
    """Say how many accounts are left out because several people use them, if any are."""
    counts = basis.set_index("basis")
    shared = counts.loc["shared"]
    if not shared["agents_count"]:
        return []
    n = format_value(shared["n"], "count")
    values = {"accounts": format_value(shared["agents_count"], "count"), "sessions": n, "n": n}
    is_all = counts.loc["people", "agents_count"] == 0
    return [
        Finding("only_shared" if is_all else "shared_accounts", values, "C", 100 if is_all else 77, "basis")
    ]


def _of_standings(compared, rule, audience, confidence):
    """Say who stands apart, and whether this period can tell agents apart at all."""
    counts = count_standings(compared).set_index("standing")["agents_count"]
    agents, n = (format_value(count, "count") for count in (counts.sum(), compared["n"].sum()))
    if counts["head"] + counts["tail"] == 0:
        values = {"agents": agents, "metric": metric_name(rule["metric"]), "n": n}
        found = [Finding("nobody_stands_apart", values, rule["grade"], 100, "standings")]
    else:
        values = {name: format_value(count, "count") for name, count in counts.items()}
        found = [Finding("standings", {**values, "agents": agents, "n": n}, rule["grade"], 100, "standings")]
        found += [_names(compared, standing, rule) for standing in ("head", "tail")
                  if audience != "leadership" and counts[standing]]  # fmt: skip
    return found + _of_reliability(compared, rule, confidence)


def _of_reliability(compared, rule, confidence):
    """Say how far ranks of this period can be trusted, unless they surely can."""
    measured = measure_reliability(compared, confidence).iloc[0]
    low, high = measured["reliability_share_low"], measured["reliability_share_high"]
    if pd.isna(low) or low >= RELIABLE:
        return []
    values = {
        "share": format_value(measured["reliability_share"], "rate"),
        "enough": format_value(RELIABLE, "rate"),
        "agents": format_value(measured["agents_count"], "count"),
        "interval": format_interval(low, high, "rate"),
        "n": format_value(compared.loc[compared["effect"].notna(), "n"].sum(), "count"),
    }
    is_needed_known = pd.notna(measured["needed_count"])
    if high < RELIABLE:
        key = "not_reliable" if is_needed_known else "nothing_lasts"
    else:
        key = "maybe_reliable" if is_needed_known else "maybe_lasts"
    if key != "nothing_lasts":
        values["sessions"] = format_value(measured["sessions_count"], "count")
    if is_needed_known:
        values["needed"] = format_value(measured["needed_count"], "count")
        values["range"] = _range_of_needed(measured["needed_count_low"], measured["needed_count_high"])
    return [Finding(key, values, rule["grade"], 80, "reliability")]


def _range_of_needed(low, high):
    """Write the interval of the conversations needed; it is open where agents might not differ at all."""
    if pd.isna(high):
        return text("talk.at_least", value=format_value(low, "count"))
    return format_interval(low, high, "count")


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


def _of_next(compared, faults, hints, audience, folder):
    """Say what to do first: train all, coach a few, talk with those who may be named, or leave single agents alone."""
    over = faults.assign(times=faults["value"] / faults["standard_rate"]).sort_values(
        "times", ascending=False
    )
    steps, grades = [], ["B"]
    for step, verdicts in (("train", ["common", "mixed"]), ("coach", ["individual"])):
        worst = over[over["judged"].isin(verdicts)].head(1)
        steps += [text(f"talk.step_{step}", fault=word_of("fault", name)) for name in worst["fault"]]
        grades += worst["grade"].to_list()
    held = hints[hints["is_named"].astype(bool)]
    grades.append(_grade_of(held["hint"], faults, folder))
    persons = set(held["agent_id"])
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


def _of_hints(hints, faults, audience, folder):
    """Say how many agents have a hint of what."""
    counts = count_hints(hints).set_index("hint")
    if not (counts["hint_count"] + counts["open_count"]).sum():
        return [Finding("hints_unknown", {}, "C", 60, "hints")]
    cases = hints[hints["state"] != "too_few"].groupby("hint")["n"].sum()
    agents = format_value(counts["agents_count"].max(), "count")
    counts = counts[counts["hint_count"] > 0]
    if counts.empty:
        values = {"agents": agents, "n": format_value(cases.max(), "count")}
        return [Finding("hints_none", values, "B", 72, "hints")]
    listed = [
        text("talk.count", hint=word_of("hint", hint), count=format_value(count, "count"))
        for hint, count in counts["hint_count"].items()
    ]
    key = "hints_counted" if audience == "leadership" else "hints_to_talk"
    n = format_value(cases[counts.index].max(), "count")
    values = {"agents": agents, "hints": text("word.list_separator").join(listed), "n": n}
    return [Finding(key, values, _grade_of(counts.index, faults, folder), 80, "hints")]


def _grade_of(hints, faults, folder):
    """Give the evidence grade of hints: that of the faults they are made of, such as the machine's codes."""
    parts = [part for hint in hints for part in read_people(folder)["hint"][hint]["parts"]]
    return max(["B", *faults.loc[faults["fault"].isin(parts), "grade"]])


def _of_gaps(gaps, rule):
    """Say how much of the distance between agents is not the person."""
    known = gaps[gaps["value"].notna()]
    if known.empty:
        return []
    objective = (known["value"] - known["difference_rest"]).abs().mean()
    enough = (known["origin"] != "too_few").sum()
    values = {
        "known": format_value(len(known), "count"),
        "objective": format_value(objective, "points"),
        "rest": format_value(known["difference_rest"].abs().mean(), "points"),
        "n": format_value(known["n"].sum(), "count"),
    }
    if enough:
        values["agents"] = format_value((known["origin"] == "objective").sum(), "count")
        values["enough"] = format_value(enough, "count")
    return [Finding("gaps" if enough else "gaps_small", values, rule["grade"], 74, "gaps")]


def _of_units(units, rule):
    """Say whether the shops, teams or suppliers differ under comparable conditions, those that do not in one line."""
    known = [table[table["adjusted_rate"].notna()] for table in units]
    known = [table for table in known if len(table) > 1]
    alike = [table for table in known if not table["is_apart"].any()]
    found = [_unit_apart(table, rule) for table in known if table["is_apart"].any()]
    if alike:
        names = text("talk.between").join(text(f"talk.by_{table.columns[1]}") for table in alike)
        n = format_value(max(table["n"].sum() for table in alike), "count")
        found.append(Finding("units_alike", {"by": names, "n": n}, rule["grade"], 66, "units"))
    return found


def _unit_apart(known, rule):
    """Name the unit that stands worst of those that differ."""
    by, apart = known.columns[1], known[known["is_apart"]]
    worst = apart.loc[apart["adjusted_rate"].idxmax()]
    values = {
        "unit": word_of(by, worst[by]), "metric": metric_name(rule["metric"]), "value": format_value(worst["adjusted_rate"], "rate"),
        "n": format_value(worst["n"], "count"),
        "interval": format_interval(worst["adjusted_rate_low"], worst["adjusted_rate_high"], "rate"),
    }  # fmt: skip
    return Finding("unit_apart", values, rule["grade"], 68, "units")


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
