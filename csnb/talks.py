"""Talks: what to speak about with one person, from which conversations. Questions, never a verdict.

One sheet an agent: where they stand, what the hints say and how sure that is, what is not their part, what to rule
out and ask first, and room for what both agree on.
"""

import pandas as pd

from csnb.book import read_conversations
from csnb.casemix import read_people
from csnb.formats import format_interval, format_value, metric_name, word_of
from csnb.people import hide_agents, list_named
from csnb.strings import text

FIGURES = ["hint", "sure_share"]


def list_talks(compared, hints, fault_agents, audience):
    """List whom to talk with first: one row an agent, with the hint that holds and the faults over the standard.

    Parameters
    ----------
    compared : pandas.DataFrame of `compare_agents`
    hints : pandas.DataFrame of `measure_hints`
    fault_agents : pandas.DataFrame of `compare_fault_agents`
    audience : "analyst", "lead" or "leadership"

    Returns
    -------
    pandas.DataFrame
        One row an agent: `agent_id, team, standing, hint, state, sure_share`, `faults` (in words), `question` and
        `is_named`, true where the rule for naming people holds for any of these; those
        with a hint first, then those named by the rule for any other of these, then by name. A hint stands
        there where it holds by the rule for naming people, for analysts too, and so does a standing; else `state`
        says that the hint stays open, or that there are too few cases.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> compared, faults = csnb.compare_agents(sessions), csnb.compare_faults(sessions, book.labels)
    >>> fault_agents = csnb.compare_fault_agents(sessions, book.labels, faults)
    >>> hints = csnb.measure_hints(sessions, csnb.find_parts(sessions, book.labels, book.shifts))
    >>> csnb.list_talks(compared, hints, fault_agents, "analyst")[["agent_id", "state"]].values.tolist()
    [['小丽', 'too_few'], ['小美', 'too_few']]
    >>> len(csnb.list_talks(compared, hints, fault_agents, "leadership"))
    0
    """
    over = fault_agents[fault_agents["is_named"].astype(bool)]
    faults = over.groupby("agent_id")["fault"].agg(
        lambda names: text("word.list_separator").join(word_of("fault", name) for name in names)
    )
    standing = compared.set_index("agent_id")[["standing", "is_named"]]
    ranked = hints.assign(likely=hints["sure_share"].fillna(-1)).sort_values(
        ["agent_id", "is_named", "likely"], ascending=[True, False, False], kind="stable"
    )
    first = ranked.drop_duplicates("agent_id").astype({"hint": object})
    first["holds"] = first["is_named"].astype(bool)
    first[FIGURES] = first[FIGURES].where(first["holds"])
    whose = standing.reindex(first["agent_id"])
    first = first.assign(
        standing=whose["standing"].where(whose["is_named"].eq(True)).to_numpy(),
        faults=first["agent_id"].map(faults),
        question=[text(f"talk.{row.hint if row.is_named else row.state}") for row in first.itertuples()],
        is_named=first["holds"]
        | first["agent_id"].isin(faults.index)
        | whose["is_named"].eq(True).to_numpy(),
    )
    listed = list_named(first.sort_values("holds", ascending=False, kind="stable"), audience)
    columns = [
        "agent_id",
        "team",
        "standing",
        "hint",
        "state",
        "sure_share",
        "faults",
        "question",
        "is_named",
    ]
    return listed[columns]


def list_sheets(talks, compared, hints, fault_agents, gaps, audience):
    """Write a sheet for the talk with each agent of `list_talks`, line by line.

    Parameters
    ----------
    talks : pandas.DataFrame of `list_talks` for the same audience
    compared, hints, fault_agents, gaps : as there, and the pandas.DataFrame of `split_gaps`
    audience : "analyst", "lead" or "leadership"; hints and faults are those that hold by the rule for naming people

    Returns
    -------
    pandas.DataFrame
        One row a line, in the order of `talks`: `agent_id`, `line` (standing, hint, fault, gap, rule_out, ask or
        agree) and `said`, with n and interval. Every sheet asks and leaves room to agree; what is not known is left out.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> compared, faults = csnb.compare_agents(sessions), csnb.compare_faults(sessions, book.labels)
    >>> fault_agents = csnb.compare_fault_agents(sessions, book.labels, faults)
    >>> hints = csnb.measure_hints(sessions, csnb.find_parts(sessions, book.labels, book.shifts))
    >>> talks = csnb.list_talks(compared, hints, fault_agents, "analyst")
    >>> sheets = csnb.list_sheets(talks, compared, hints, fault_agents, csnb.split_gaps(sessions, compared), "analyst")
    >>> sheets["line"].to_list()
    ['ask', 'agree', 'ask', 'agree']
    """
    tables = {
        "standing": compared[compared["adjusted_rate"].notna()],
        "hint": _past_the_gate(hints),
        "fault": _past_the_gate(fault_agents),
        "gap": gaps[gaps["origin"] != "too_few"],
    }
    team = (compared["value"] * compared["n"]).sum() / max(1, compared["n"].sum())
    rows = []
    for talk in talks.to_dict("records"):
        agent = talk["agent_id"]
        own = {line: table[table["agent_id"] == agent].to_dict("records") for line, table in tables.items()}
        said = [(line, _SAY[line](row, team)) for line in tables for row in own[line]]
        asked = [row["hint"] for row in own["hint"]]
        questions = [text(f"talk.{hint}") for hint in asked] or [talk["question"]]
        said += [("rule_out", text("talk.rule_out"))] * bool(asked)
        said += [("ask", question) for question in questions] + [("agree", text("talk.agree"))]
        rows += [(agent, line, words) for line, words in said]
    return pd.DataFrame(rows, columns=["agent_id", "line", "said"])


def _past_the_gate(table):
    """Give the rows that hold by the rule for naming people, the likeliest first."""
    return table[table["is_named"].astype(bool)].sort_values("sure_share", ascending=False, kind="stable")


def _standing_line(row, team):
    """Say where an agent stands under comparable conditions."""
    return text(
        "talk.sheet_standing", metric=metric_name(row["metric"]), value=format_value(row["adjusted_rate"], "rate"),
        interval=format_interval(row["adjusted_rate_low"], row["adjusted_rate_high"], "rate"), n=format_value(row["n"], "count"),
        team=format_value(team, "rate"), standing=word_of("standing", row["standing"]),
    )  # fmt: skip


def _hint_line(row, team):
    """Say how strong a hint is, and how sure."""
    return text(
        "talk.sheet_hint", hint=word_of("hint", row["hint"]), value=format_value(row["value"], "number"),
        interval=format_interval(row["low"], row["high"], "number"), n=format_value(row["n"], "count"),
        sure=format_value(row["sure_share"], "rate"), state=word_of("state", row["state"]),
    )  # fmt: skip


def _fault_line(row, team):
    """Say how often a fault occurs beside its bar."""
    return text(
        "talk.sheet_fault", fault=word_of("fault", row["fault"]), value=format_value(row["value"], "rate"),
        interval=format_interval(row["low"], row["high"], "rate"), n=format_value(row["n"], "count"),
        bar=format_value(row["bar_rate"], "rate"),
    )  # fmt: skip


def _gap_line(row, team):
    """Say how much of the distance from the others is not the person's."""
    parts = {
        name: format_value(row[f"difference_{name}"], "points")
        for name in ("mix", "load", "staffing", "rest")
    }
    return text(
        "talk.sheet_gap", value=format_value(row["value"], "points"), origin=word_of("origin", row["origin"]),
        interval=format_interval(row["difference_rest_low"], row["difference_rest_high"], "points"), **parts,
    )  # fmt: skip


_SAY = {"standing": _standing_line, "hint": _hint_line, "fault": _fault_line, "gap": _gap_line}


def list_cases(book, sessions, parts, hints, audience):
    """List the conversations to talk about: those that weigh most in a hint, from its parts.

    Parameters
    ----------
    book : Book
    sessions : pandas.DataFrame of `select_sessions`
    parts : dict of `find_parts`
    hints : pandas.DataFrame of `measure_hints`
    audience : "analyst", "lead" or "leadership"; of hints that hold, for leadership none

    Returns
    -------
    pandas.DataFrame
        One row a message with text: `case` (agent and hint, in words), `session_id, role, text`. For others than
        analysts no other agent's name stands in it.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> parts = csnb.find_parts(sessions, book.labels, book.shifts)
    >>> hints = csnb.measure_hints(sessions, parts)
    >>> list(csnb.list_cases(book, sessions, parts, hints, "analyst"))
    ['case', 'session_id', 'role', 'text']
    """
    shown = list_named(hints, audience)
    shown = shown[shown["is_named"].astype(bool)]
    count = read_people(book.definitions_folder)["hints"]["cases"]
    weighed = (
        shown[["agent_id", "hint"]].reset_index(names="place").merge(_weigh(parts), on=["agent_id", "hint"])
    )
    keys = (
        weighed.sort_values(["place", "rest"], ascending=[True, False], kind="stable")
        .drop_duplicates(["place", "session_key"])
        .groupby("place")
        .head(count)
    )
    keys = keys.assign(
        place=range(len(keys)),
        case=[
            text("talk.case", agent=row.agent_id, hint=word_of("hint", row.hint)) for row in keys.itertuples()
        ],
    ).merge(sessions[["session_key", "session_id"]], on="session_key")
    said = read_conversations(book, keys["session_key"]).drop_nulls("text")
    said = said.select("session_key", "number", "role", "text").to_pandas()
    joined = keys.merge(said, on="session_key").sort_values(["place", "number"], ignore_index=True)
    return hide_agents(joined, book, audience, joined["agent_id"])[["case", "session_id", "role", "text"]]


def _weigh(parts):
    """Say how far each conversation lies above what was expected, in standard deviations of its part."""
    rows = [
        part.rows.assign(hint=hint, rest=(rest := part.rows["y"] - part.adjusted.expected) / rest.std())
        for hint, entries in parts.items()
        for part in entries.values()
    ]
    columns = ["agent_id", "hint", "session_key", "rest"]
    found = pd.concat(rows)[columns] if rows else pd.DataFrame(columns=columns)
    return found[found["session_key"].notna() & (found["rest"] > 0)]
