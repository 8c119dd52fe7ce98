"""Turns: a customer's question and the first valid reply, by the platform's own clock.

The clock is a walk over six kinds of events. `ask` opens a turn unless one is open. `reply` (an
agent or an assist bot) and `bot` close it; `close` ends it unanswered. `transfer` ends the turn of
the agent who hands over and opens one for the next agent. `restart` (handed to a human, or reopened)
starts the clock anew if the customer still waits for a human. Automatic replies are no events.
"""

import polars as pl

from csnb.schema import conform

NOTICE_EVENTS = {
    "transfer": "transfer",
    "close": "close",
    "reopen": "restart",
    "transfer_to_human": "restart",
}
ROLE_EVENTS = {"customer": "ask", "agent": "reply", "assist": "reply", "bot": "bot"}
_EMOJI_CODE = r"#E-s\[?\w*\]?|\[[^\]]{1,6}\]|/:\S{1,3}"
_PUNCTUATION = r"[\s\p{P}\p{S}]+"


def build_turns(messages, sessions):
    """Walk the clock over whole sessions.

    Parameters
    ----------
    messages : polars.DataFrame
        One row a message: `session_key, number, sent_at, role, kind, agent_id, text,
        left_out_because`, sorted by session_key and number. Messages that are left out do not
        move the clock, except notices, which carry transfers, closings and reopenings.
    sessions : polars.DataFrame
        One row a session: `session_key, session_id, started_at` and the columns of
        `packs_in_force`.

    Returns
    -------
    polars.DataFrame
        Table `turns`, plus what session facts need of the clock: the pack's `standard_seconds` and
        `slow_seconds`, `segment` (turns of one session with the same segment have no closing
        or restart between them) and `is_bot_stage` (a bot spoke and no human stage ever began: the
        customer's words to the bot wait for nobody).
    """
    events = _mark_turns(_events(messages, sessions))
    turns = (
        events.filter("is_start", pl.col("next_event").fill_null("end") != "restart")
        .join(sessions, on="session_key", how="left", maintain_order="left")
        .with_columns(
            pl.col("sent_at").alias("asked_at"),
            pl.when(pl.col("next_event").is_in(["reply", "bot"])).then("next_at").alias("replied_at"),
            pl.when(pl.col("next_event").is_in(["reply", "bot"])).then("next_role").alias("replied_by"),
            pl.when(pl.col("next_event").is_in(["reply", "transfer"]))
            .then(pl.coalesce("next_agent", "addressed"))
            .when(pl.col("next_event").fill_null("end") != "bot")
            .then("addressed")
            .alias("agent_id"),
            pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("session_key").alias("turn"),
        )
        .with_columns(_seconds_between("asked_at", "replied_at").alias("raw_reply_seconds"))
        .with_columns(_reply_seconds(), _is_graded())
    )
    return conform(turns, "turns").hstack(
        turns.select("standard_seconds", "slow_seconds", "segment", "is_bot_stage")
    )


def _events(messages, sessions):
    """Keep the messages that move the clock, each with its `event` and the agent in charge."""
    pace = messages.join(
        sessions.select("session_key", "rulepack", "perfunctory"),
        on="session_key",
        how="left",
        maintain_order="left",
    )
    is_notice = pl.col("role") == "notice"
    event = (
        pl.when(is_notice & (pl.col("kind") == "transfer") & pl.col("agent_id").is_null())
        .then(None)
        .when(is_notice)
        .then(pl.col("kind").replace_strict(NOTICE_EVENTS, default=None))
        .when(pl.col("left_out_because").is_null())
        .then(pl.col("role").replace_strict(ROLE_EVENTS, default=None))
    )
    in_charge = pl.when((pl.col("role") != "bot") & ~(is_notice & (pl.col("kind") == "transfer"))).then(
        "agent_id"
    )
    return (
        pace.with_columns(
            pl.when(_is_perfunctory(sessions)).then(None).otherwise(event).alias("event"),
            in_charge.forward_fill().over("session_key").alias("addressed"),
        )
        .filter(pl.col("event").is_not_null())
        .select("session_key", "number", "sent_at", "role", "agent_id", "addressed", "event")
    )


def _is_perfunctory(sessions):
    """Say of each agent message whether its pack lists it as no valid reply."""
    plain = pl.col("text").str.replace_all(_EMOJI_CODE, "").str.replace_all(_PUNCTUATION, "")
    packs = sessions.select("rulepack", "perfunctory").drop_nulls().unique("rulepack", maintain_order=True)
    hits = [(pl.col("rulepack") == name) & plain.is_in(list(phrases)) for name, phrases in packs.iter_rows()]
    return (pl.col("role") == "agent") & pl.any_horizontal(hits) if hits else pl.lit(False)


def _mark_turns(events):
    """Mark where a turn starts and give each start the event that ends it."""
    is_first = (pl.col("session_key") != pl.col("session_key").shift(1)).fill_null(True)
    is_event = {
        name: pl.col("event") == name for name in ("ask", "reply", "bot", "transfer", "close", "restart")
    }

    def before(column):
        """Give the state just before the event: false at the start of a session."""
        return pl.when(is_first).then(False).otherwise(pl.col(column).shift(1))

    def carried(state):
        """Carry a state forward within its session; where a session starts without one it is false."""
        return pl.when(is_first & state.is_null()).then(False).otherwise(state).forward_fill()

    awaits = pl.when(is_event["ask"]).then(True).when(is_event["reply"]).then(False)
    is_open = (
        pl.when(is_event["ask"])
        .then(True)
        .when(is_event["reply"] | is_event["bot"] | is_event["close"])
        .then(False)
        .when(is_event["restart"])
        .then("awaited")
    )
    is_last = (pl.col("session_key") != pl.col("session_key").shift(-1)).fill_null(True)

    def following(column):
        """Give the next event's value within the session."""
        return pl.when(~is_last).then(pl.col(column).shift(-1))

    return (
        events.with_columns(carried(awaits).alias("awaits"))
        .with_columns(before("awaits").alias("awaited"))
        .with_columns(carried(is_open).alias("is_open"))
        .with_columns(before("is_open").alias("was_open"))
        .with_columns(
            (is_event["bot"].any() & ~(is_event["reply"] | is_event["restart"] | is_event["transfer"]).any())
            .over("session_key")
            .alias("is_bot_stage"),
            (
                (is_event["ask"] & ~pl.col("was_open"))
                | (is_event["transfer"] & pl.col("was_open"))
                | (is_event["restart"] & pl.col("awaited"))
            ).alias("is_start"),
            (is_event["close"] | is_event["restart"]).cum_sum().alias("segment"),
        )
        .filter(~(is_event["ask"] & pl.col("was_open")))
        .with_columns(
            following("event").alias("next_event"),
            following("sent_at").alias("next_at"),
            following("role").alias("next_role"),
            following("agent_id").alias("next_agent"),
        )
    )


def _seconds_between(start, end):
    """Give the seconds from one time to another."""
    return (pl.col(end) - pl.col(start)).dt.total_milliseconds() / 1000


def _reply_seconds():
    """Give the seconds that the platform counts: capped, or the penalty where nobody replied."""
    capped = pl.min_horizontal("raw_reply_seconds", "cap_seconds")
    return (
        pl.when(pl.col("asked_at").is_null() | (pl.col("replied_by") == "bot"))
        .then(None)
        .when(pl.col("replied_by").is_null())
        .then("unanswered_seconds")
        .otherwise(capped)
        .alias("reply_seconds")
    )


def _is_graded():
    """Say whether the platform counts the turn: human, in the graded hours, on a graded day."""
    start = pl.when(pl.col("window_of") == "turn").then("asked_at").otherwise("started_at")
    clock = start.dt.hour().cast(pl.Int32) * 3600 + start.dt.minute().cast(pl.Int32) * 60 + start.dt.second()
    return (
        (
            pl.col("asked_at").is_not_null()
            & (pl.col("replied_by").fill_null("none") != "bot")
            & ~pl.col("is_bot_stage")
            & clock.is_between(pl.col("window_from"), pl.col("window_to"), closed="left")
            & ~pl.col("is_ungraded_day")
        )
        .fill_null(False)
        .alias("is_graded")
    )
