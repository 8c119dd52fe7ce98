"""Session facts: what one conversation tells by itself, and what it tells beside its neighbours.

`build_sessions` looks at one conversation at a time. `link_sessions` adds what needs the
conversations around it: repeat contact, load at arrival and the stage by orders.
"""

import numpy as np
import polars as pl

from csnb.lookup import read_toml
from csnb.schema import conform

REPEAT_HOURS = (24, 48, 72)


def build_sessions(messages, turns, sessions, accounts, stage_words):
    """Gather the facts of each conversation from its messages and turns.

    Parameters
    ----------
    messages : polars.DataFrame
        One row a message, sorted by session_key and number: `session_key, sent_at, role, kind,
        agent_id, text, product, order_id, channel, buyer_id, left_out_because`.
    turns : polars.DataFrame
        What `build_turns` gave for these messages.
    sessions : polars.DataFrame
        One row a session: `session_key, session_id, platform, shop, day, started_at, ended_at`
        and the columns of `packs_in_force`.
    accounts : dict of `csnb.accounts.read_accounts`, listed buyers as keyed hashes
    stage_words : dict of `read_stage_words`

    Returns
    -------
    polars.DataFrame
        Table `sessions`; the columns of `link_sessions` are still missing, `stage` is by words.
    """
    facts = (
        sessions.join(_message_facts(messages, stage_words), on="session_key", how="left")
        .join(_turn_facts(turns), on="session_key", how="left")
        .join(_first_responses(turns), on="session_key", how="left")
        .with_columns(
            pl.col("^.*_count$").fill_null(0),
            pl.col("is_replied", "has_bot", "is_handed_off", "is_bot_stage").fill_null(False),
        )
        .with_columns(
            (pl.col("agent_message_count") / pl.col("customer_message_count")).alias("_ratio"),
            (pl.col("reply_seconds_sum") / pl.col("timed_turn_count")).alias("mean_response_seconds"),
        )
        .with_columns(
            pl.when(pl.col("customer_message_count") > 0).then("_ratio").alias("answer_ask_ratio"),
            _left_out(accounts).alias("left_out_because"),
        )
    )
    return conform(facts, "sessions")


def _message_facts(messages, stage_words):
    """Count who spoke, who served, and what the conversation was about."""
    counted = pl.col("left_out_because").is_null()
    role = {name: counted & (pl.col("role") == name) for name in ("customer", "agent", "bot", "assist")}
    served = role["agent"] | role["assist"]
    asked = pl.col("text").filter(role["customer"])
    handover = (pl.col("role") == "notice") & (pl.col("kind") == "transfer")
    position = pl.int_range(pl.len())
    before, after = (
        asked.str.count_matches("|".join(stage_words[side])).sum() for side in ("presale", "aftersale")
    )
    return (
        messages.group_by("session_key", maintain_order=True)
        .agg(
            counted.sum().alias("message_count"),
            role["customer"].sum().alias("customer_message_count"),
            role["agent"].sum().alias("agent_message_count"),
            role["bot"].sum().alias("bot_message_count"),
            role["bot"].any().alias("has_bot"),
            (role["bot"].any() & (position.filter(served).max() > position.filter(role["bot"]).min())).alias(
                "is_handed_off"
            ),
            pl.coalesce(
                pl.col("agent_id").filter(served).drop_nulls().last(),
                pl.col("agent_id").filter(pl.col("role") != "bot").drop_nulls().last(),
            ).alias("agent_id"),
            handover.sum().alias("_handovers"),
            (pl.col("agent_id").filter(served).drop_nulls().rle_id().max()).alias("_changes"),
            *(pl.col(name).drop_nulls().first() for name in ("channel", "buyer_id", "product", "order_id")),
            pl.when(before > after)
            .then(pl.lit("presale"))
            .when(after > before)
            .then(pl.lit("aftersale"))
            .otherwise(pl.lit("unknown"))
            .alias("stage"),
        )
        .with_columns(
            pl.max_horizontal("_handovers", pl.col("_changes").fill_null(0)).alias("transfer_count")
        )
    )


def _turn_facts(turns):
    """Sum the turns of each session."""
    graded = pl.col("is_graded")
    timed = graded & pl.col("reply_seconds").is_not_null()
    human = pl.col("replied_by").is_in(["agent", "assist"])
    return turns.group_by("session_key").agg(
        pl.len().alias("turn_count"),
        ((pl.col("replied_by").fill_null("none") != "bot") & ~pl.col("is_bot_stage"))
        .sum()
        .alias("human_turn_count"),
        graded.sum().alias("graded_turn_count"),
        timed.sum().alias("timed_turn_count"),
        pl.when(timed.any()).then(pl.col("reply_seconds").filter(timed).sum()).alias("reply_seconds_sum"),
        (graded & human & (pl.col("raw_reply_seconds") <= pl.col("standard_seconds"))).sum()
        .alias("replied_in_standard_count"),
        (graded & (pl.col("raw_reply_seconds").fill_null(np.inf) > pl.col("slow_seconds"))).sum()
        .alias("slow_count"),
        (pl.col("replied_by").is_null() & ~pl.col("is_bot_stage")).sum().alias("unanswered_count"),
        pl.col("raw_reply_seconds").filter(human).max().alias("max_response_seconds"),
        human.any().alias("is_replied"),
        pl.col("is_bot_stage").any(),
    )  # fmt: skip


def _first_responses(turns):
    """Give the seconds from the start of the human stage to the first valid reply of an agent."""
    human = turns.filter(pl.col("replied_by").fill_null("none") != "bot")
    first_reply = (
        human.filter(pl.col("replied_by").is_not_null())
        .group_by("session_key")
        .agg(pl.col("segment").first(), pl.col("replied_at").first())
    )
    start = human.group_by("session_key", "segment").agg(pl.col("asked_at").min())
    return first_reply.join(start, on=["session_key", "segment"]).select(
        "session_key",
        ((pl.col("replied_at") - pl.col("asked_at")).dt.total_milliseconds() / 1000).alias(
            "first_response_seconds"
        ),
    )


def _left_out(accounts):
    """Say why a session is not counted; the first reason that holds wins."""
    pattern = "|".join(accounts["test_agents"]) or "$^"
    return (
        pl.when(pl.col("agent_id").str.contains(pattern))
        .then(pl.lit("test_account"))
        .when(pl.col("buyer_id").is_in(accounts["internal_buyers"]))
        .then(pl.lit("internal"))
        .when(pl.col("customer_message_count") == 0)
        .then(pl.lit("one_way"))
        .when("is_bot_stage")
        .then(pl.lit("bot_only"))
        .when(pl.col("is_ungraded_day"))
        .then(pl.lit("ungraded_day"))
    )


def link_sessions(sessions, orders):
    """Add what needs the conversations around each: repeat contact, load at arrival, stage by orders.

    Parameters
    ----------
    sessions : polars.DataFrame
        Table `sessions` of all shops over the days D-3 to D+3; rows of D are right in the result.
    orders : polars.DataFrame
        Table `orders`; may be empty.

    Returns
    -------
    polars.DataFrame
        The same rows in the same order. A repeat is the next conversation of the same buyer in
        the same shop, started after this one ended; it is missing where the hours after the end
        are not fully covered by data. The load counts conversations of the same agent that had
        begun and not ended. A buyer who ordered in the 15 days before the start is `aftersale`.
    """
    linked = (
        sessions.drop("load_at_arrival", *(f"is_repeat_{hours}h" for hours in REPEAT_HOURS))
        .join(_repeats(sessions), on="session_key", how="left", maintain_order="left")
        .join(_loads(sessions), on="session_key", how="left", maintain_order="left")
        .join(_recent_buyers(sessions, orders), on="session_key", how="left", maintain_order="left")
        .with_columns(pl.when("has_order").then(pl.lit("aftersale")).otherwise("stage").alias("stage"))
    )
    return conform(linked, "sessions")


def _repeats(sessions):
    """Say whether the same buyer came again within 24, 48 and 72 hours of the end."""
    group = ["platform", "shop", "buyer_id"]
    next_start = pl.col("started_at").shift(-1).over(group)
    covered_until = pl.col("ended_at").max().over("platform", "shop")
    return (
        sessions.filter(pl.col("customer_message_count") > 0, pl.col("started_at").is_not_null())
        .with_columns(covered_until.alias("covered_until"))
        .filter(pl.col("buyer_id").is_not_null())
        .sort("started_at", "session_key")
        .with_columns(
            (next_start - pl.col("ended_at")).alias("gap"),
            (pl.col("covered_until") - pl.col("ended_at")).alias("seen"),
        )
        .select(
            "session_key",
            *(
                pl.when(pl.col("seen") >= pl.duration(hours=hours))
                .then(
                    ((pl.col("gap") > pl.duration()) & (pl.col("gap") <= pl.duration(hours=hours)))
                    .fill_null(False)
                )
                .alias(f"is_repeat_{hours}h")
                for hours in REPEAT_HOURS
            ),
        )
    )  # fmt: skip


def _loads(sessions):
    """Count the agent's other conversations that were open when each one started."""
    timed = sessions.filter(pl.col("agent_id").is_not_null(), pl.col("started_at").is_not_null())
    starts = timed.select("agent_id", "session_key", at="started_at", step=pl.lit(1))
    ends = timed.select(
        "agent_id", "session_key", at=pl.col("ended_at") + pl.duration(milliseconds=1), step=pl.lit(-1)
    )
    return (
        pl.concat([starts, ends])
        .sort("agent_id", "at", "step", "session_key")
        .with_columns((pl.col("step").cum_sum().over("agent_id") - 1).alias("load_at_arrival"))
        .filter(pl.col("step") == 1)
        .select("session_key", pl.col("load_at_arrival").cast(pl.Float64))
    )


def _recent_buyers(sessions, orders):
    """Say which sessions have an order of the same buyer in the 15 days before they started."""
    return (
        sessions.filter(pl.col("buyer_id").is_not_null())
        .select("session_key", "buyer_id", "started_at")
        .join(orders.select("buyer_id", "ordered_at"), on="buyer_id")
        .filter(
            pl.col("ordered_at") < pl.col("started_at"),
            pl.col("ordered_at") > pl.col("started_at") - pl.duration(days=15),
        )
        .select("session_key", has_order=pl.lit(True))
        .unique("session_key")
    )


def read_stage_words(folder=None):
    """Read stages.toml: the words of the customer that tell presale from aftersale."""
    return read_toml("stages.toml", folder)
