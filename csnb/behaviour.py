"""Facts of a session that need no words of the customer: waiting, asking twice, being sent around.

What counts as such a fact, and from how many on, stands in `definitions/measured.toml`.
"""

from functools import cache

import polars as pl

from csnb.evidence import hit
from csnb.lookup import line_of, read_toml, wrong

#: every fact that can be measured, and what one row of it is
FACTS = {
    "slow_replies": "a turn answered later than the slow threshold",
    "unanswered_turns": "a turn that nobody answered",
    "left_hanging": "a question or pressing after the last answer, in a session without times",
    "repeated_questions": "a message that the customer had sent before, word for word",
    "asked_again": "a request for facts that the agent had asked for before",
    "transfers": "an agent who hands over, or another agent who takes over",
    "same_answers": "an answer that the agent had given before, word for word",
    "same_bot_answers": "an answer that the robot had given before, word for word",
}
_LEAST_LETTERS = 4  # shorter messages repeat by nature
_CLOSING = ("g_close", "g_apology")


@cache
def read_measured(folder=None):
    """Read which measured facts speak for which reason: `definitions/measured.toml`.

    Returns
    -------
    dict
        `slow_seconds`, for turns whose rule pack names no slow threshold; `asking`, a pattern of questions;
        `fillers`, signs at the ends of a message that change nothing; and `facts`: fact to
        `{"code", "from", "p"}`, a fact counting from this many occurrences on.

    Raises
    ------
    DefinitionError
        If a fact is unknown; file, line and key are named.
    """
    file = read_toml("measured.toml", folder)
    for fact in file["fact"]:
        if fact not in FACTS:
            raise wrong(
                "measured.toml",
                line_of("measured.toml", fact, folder),
                "fact",
                f"{fact!r} is not one of {list(FACTS)}",
            )
    return {**{name: file[name] for name in ("slow_seconds", "asking", "fillers")}, "facts": file["fact"]}


def measure_facts(evidence, turns=None, folder=None):
    """Measure the facts of every session.

    Parameters
    ----------
    evidence : Evidence of whole sessions, from `csnb.evidence.read_messages`
    turns : polars.DataFrame in the schema TURNS with times, or None
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    polars.DataFrame
        `session_key, fact, count, number`; one row a fact that occurs, `number` being the message that
        shows it last (missing for facts of the clock).
    """
    measured = read_measured(folder)
    said = evidence.spoken.with_columns(
        plain=pl.col("folded").str.strip_chars(measured["fillers"]),
        asks_facts=pl.Series(hit(evidence, "g_ask_facts")),
        closes=pl.Series(hit(evidence, *_CLOSING)),
        hands_over=pl.Series(hit(evidence, "g_transfer")),
    )
    is_long = pl.col("plain").str.len_chars() >= _LEAST_LETTERS
    again = (
        pl.struct("session_key", "speaker", "plain").is_duplicated()
        & ~pl.struct("session_key", "speaker", "plain").is_first_distinct()
    )
    last_answer = pl.col("number").filter(pl.col("speaker") != "customer").max().over("session_key")
    facts = {
        "repeated_questions": (pl.col("speaker") == "customer")
        & is_long
        & again
        & ~pl.col("plain").str.contains("^[□0：， ]*$"),
        "asked_again": pl.col("asks_facts") & (pl.col("asks_facts").cum_sum().over("session_key") > 1),
        "transfers": pl.col("hands_over"),
        "same_answers": (pl.col("speaker") == "agent") & is_long & again & ~pl.col("closes"),
        "same_bot_answers": (pl.col("speaker") == "bot") & is_long & again,
    }
    if turns is None:
        facts["left_hanging"] = (
            (pl.col("speaker") == "customer")
            & (pl.col("number") > last_answer.fill_null(-1))
            & pl.col("folded").str.contains(measured["asking"])
        )
    found = [
        said.filter(holds).group_by("session_key").agg(pl.len().alias("count"), pl.col("number").max()).with_columns(fact=pl.lit(fact))
        for fact, holds in facts.items()
    ]  # fmt: skip
    if turns is not None:
        found.append(_clock_facts(turns, folder))
    return pl.concat(
        [
            rows.select(
                "session_key", "fact", pl.col("count").cast(pl.Int64), pl.col("number").cast(pl.Int32)
            )
            for rows in found
        ]
    )


def _clock_facts(turns, folder):
    """Count slow and unanswered turns, graded ones only."""
    slow_after = pl.col("slow_seconds") if "slow_seconds" in turns.columns else pl.lit(None)
    slow_after = slow_after.fill_null(read_measured(folder)["slow_seconds"])
    graded = turns.filter("is_graded").with_columns(number=pl.lit(None, pl.Int32))
    return pl.concat(
        graded.filter(holds).group_by("session_key").agg(pl.len().alias("count"), pl.col("number").first()).with_columns(fact=pl.lit(fact))
        for fact, holds in (
            ("slow_replies", pl.col("raw_reply_seconds") > slow_after),
            ("unanswered_turns", pl.col("replied_at").is_null()),
        )
    )  # fmt: skip
