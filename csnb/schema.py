"""The tables of a book: what one row means, and every column's type, unit and missing value.

The tables are the only things that pass between the stages, so this page is the contract of
the whole house. `empty` makes a table without rows; `conform` gives a frame exactly these columns.
"""

from typing import NamedTuple

import polars as pl

from csnb.errors import BookError

ZONE = "Asia/Shanghai"
TIME = pl.Datetime("ms", ZONE)

ROLES = ("customer", "agent", "bot", "assist", "auto", "notice")
KINDS = (
    "text", "image", "voice", "card", "recall",
    "assigned", "transfer", "transfer_to_human", "close", "reopen",
)  # fmt: skip
LEFT_OUT = (
    "duplicate", "recalled", "notice", "one_way", "bot_only", "out_of_period",
    "ungraded_day", "no_time", "test_account", "internal",
)  # fmt: skip


class Column(NamedTuple):
    """One column: its type, what a value means, and what a missing value means."""

    dtype: pl.DataType
    meaning: str
    missing: str = "never missing"


class Table(NamedTuple):
    """One table: what a row is, and its columns in order."""

    row: str
    columns: dict


_KEY = Column(pl.Int64, "hash of platform, shop and session id; joins messages, turns, labels and sessions")
_SESSION = Column(pl.String, "the session id of the export (a keyed hash where it is personal)")
_PLATFORM = Column(pl.String, "taobao, jd, douyin, pinduoduo, kuaishou or generic: chooses the clocks")
_SHOP = Column(pl.String, "shop name as exported", "the export names no shop")
_AGENT = Column(
    pl.String, "agent account as exported; on a customer's message, the agent addressed", "unknown"
)

STAGED = Table(
    "one message as a file brought it: canonical names, personal data masked, nothing judged yet",
    {
        "session_id": _SESSION,
        "platform": _PLATFORM,
        "shop": _SHOP,
        "channel": Column(pl.String, "where the customer came in, as exported", "not exported"),
        "buyer_id": Column(pl.String, "keyed hash of the buyer", "not exported or masked by the platform"),
        "sent_at": Column(TIME, "when the message was sent", "the export holds no time"),
        "role": Column(pl.String, "who speaks: " + " ".join(ROLES)),
        "kind": Column(pl.String, "what it is: " + " ".join(KINDS)),
        "agent_id": _AGENT,
        "text": Column(pl.String, "masked text", "no text, such as an image"),
        "message_id": Column(pl.String, "id of the message in the export", "not exported"),
        "order_id": Column(pl.String, "keyed hash of the order number", "not exported"),
        "product": Column(pl.String, "product as exported", "not exported"),
        "recalled": Column(pl.Boolean, "the sender took the message back"),
        "extra": Column(pl.String, "all other columns of the file, masked, as one JSON object", "none"),
        "line": Column(pl.Int64, "running number of the row in its file, from 1"),
    },
)

MESSAGES = Table(
    "one message, its text by `text_id`",
    {
        "session_key": _KEY,
        "number": Column(pl.Int32, "running number in the session, from 0, by time and then by file order"),
        "sent_at": STAGED.columns["sent_at"],
        "role": STAGED.columns["role"],
        "kind": STAGED.columns["kind"],
        "agent_id": _AGENT,
        "text_id": Column(pl.Int64, "joins `texts`", "no text"),
        "message_id": STAGED.columns["message_id"],
        "extra": STAGED.columns["extra"],
        "left_out_because": Column(pl.String, "why the message is not counted", "it is counted"),
        "source": Column(pl.String, "which import brought it; joins the sources of the manifest"),
        "line": STAGED.columns["line"],
    },
)

TEXTS = Table(
    "one distinct masked text",
    {
        "text_id": Column(pl.Int64, "hash of the text"),
        "text": Column(pl.String, "the masked text"),
        "count": Column(pl.Int64, "messages that hold it"),
    },
)

TURNS = Table(
    "a customer's question and the first valid reply, by the platform's own clock",
    {
        "session_key": _KEY,
        "session_id": _SESSION,
        "turn": Column(pl.Int32, "running number of the turn in the session, from 1"),
        "asked_at": Column(TIME, "when the first message of the question was sent"),
        "replied_at": Column(TIME, "when the first valid reply was sent", "nobody replied"),
        "reply_seconds": Column(
            pl.Float64,
            "seconds that the platform counts, after cap and penalty",
            "no reply and no penalty in the rule pack",
        ),
        "raw_reply_seconds": Column(pl.Float64, "seconds as measured", "nobody replied"),
        "is_graded": Column(pl.Boolean, "the platform counts this turn"),
        "agent_id": Column(pl.String, "the agent who owed the reply", "unknown"),
        "replied_by": Column(pl.String, "role of the reply: agent, assist or bot", "nobody replied"),
        "rulepack": Column(pl.String, "rule pack that set the clock: platform and date"),
    },
)

_COUNT = "of the session, left-out messages not counted"
SESSIONS = Table(
    "one conversation with its facts",
    {
        "session_key": _KEY,
        "session_id": _SESSION,
        "platform": _PLATFORM,
        "shop": _SHOP,
        "channel": STAGED.columns["channel"],
        "day": Column(pl.String, "day of session start, YYYY-MM-DD; `unknown` without times"),
        "started_at": Column(TIME, "time of the first message", "the export holds no time"),
        "ended_at": Column(TIME, "time of the last message", "the export holds no time"),
        "buyer_id": STAGED.columns["buyer_id"],
        "agent_id": Column(pl.String, "the last serving agent", "no agent is known"),
        "product": STAGED.columns["product"],
        "order_id": STAGED.columns["order_id"],
        "stage": Column(pl.String, "presale, aftersale or unknown, by orders where known, else by words"),
        "message_count": Column(pl.Int32, f"messages {_COUNT}"),
        "customer_message_count": Column(pl.Int32, f"customer messages {_COUNT}"),
        "agent_message_count": Column(pl.Int32, f"messages of role agent {_COUNT}"),
        "bot_message_count": Column(pl.Int32, f"messages of role bot {_COUNT}"),
        "answer_ask_ratio": Column(pl.Float64, "agent messages per customer message", "no customer message"),
        "turn_count": Column(pl.Int32, "turns, graded or not"),
        "human_turn_count": Column(pl.Int32, "turns of the human stage"),
        "graded_turn_count": Column(pl.Int32, "turns that the platform counts"),
        "reply_seconds_sum": Column(
            pl.Float64, "sum of reply_seconds over graded turns that have one", "no such turn"
        ),
        "timed_turn_count": Column(pl.Int32, "graded turns with reply_seconds: what the sum is over"),
        "standard_unit": Column(
            pl.String, "what the platform's standard counts: turn, session, session_first or buyer"
        ),
        "replied_in_standard_count": Column(
            pl.Int32, "graded turns answered within the platform's standard (180 s; 30 s on JD)"
        ),
        "first_response_seconds": Column(
            pl.Float64, "raw seconds from the start of the human stage to the first valid reply", "no reply"
        ),
        "mean_response_seconds": Column(
            pl.Float64, "mean reply_seconds over graded turns", "no graded turn with a time"
        ),
        "max_response_seconds": Column(pl.Float64, "largest raw_reply_seconds", "no reply"),
        "unanswered_count": Column(pl.Int32, "turns of the human stage that nobody answered"),
        "slow_count": Column(pl.Int32, "graded turns slower than the pack's slow threshold"),
        "transfer_count": Column(pl.Int32, "hand-overs from one agent to another"),
        "is_replied": Column(pl.Boolean, "an agent (or an assist bot) answered at least once"),
        "has_bot": Column(pl.Boolean, "a bot spoke"),
        "is_handed_off": Column(pl.Boolean, "a bot spoke and an agent after it"),
        "load_at_arrival": Column(
            pl.Float64, "other conversations open at the agent when this one started", "no time or no agent"
        ),
        "is_repeat_24h": Column(pl.Boolean, "the same buyer came again within 24 h", "not fully observed"),
        "is_repeat_48h": Column(pl.Boolean, "the same buyer came again within 48 h", "not fully observed"),
        "is_repeat_72h": Column(pl.Boolean, "the same buyer came again within 72 h", "not fully observed"),
        "rulepack": TURNS.columns["rulepack"],
        "left_out_because": Column(pl.String, "why no session metric counts the session", "it is counted"),
    },
)

LABELS = Table(
    "one reason, rule hit or human code on one conversation, with its evidence",
    {
        "session_key": _KEY,
        "session_id": _SESSION,
        "code": Column(pl.String, "a code of reasons.toml, or `dissatisfied`"),
        "number": Column(pl.Int32, "running number of the message that shows it", "no single message"),
        "quote": Column(pl.String, "exact substring of that message", "the evidence is a measured fact"),
        "source": Column(pl.String, "stated (the customer says so), measured (from behaviour), human or llm"),
        "coder": Column(pl.String, "who says so: rules, model, llm or an analyst's name"),
        "p": Column(pl.Float64, "probability that the code holds", "a human code"),
    },
)

CHANCES = Table(
    "one reason on one conversation that the machine does not rule out, decided or not",
    {
        "session_key": _KEY,
        "code": Column(pl.String, "a code of reasons.toml"),
        "p": Column(
            pl.Float32,
            "probability by the machine that the code holds, rounded to three places; below 0.02 there is no row",
        ),
    },
)

DRAWN = Table(
    "one session of the population that labels were drawn from, drawn or not",
    {
        "session_key": _KEY,
        "session_id": _SESSION,
        "population": Column(
            pl.String, "dissatisfied (rated so) or suspected (unrated, dissatisfied by the machine)"
        ),
        "stratum": Column(pl.String, "labels are a simple random sample of the sessions of one stratum"),
        "score": Column(pl.Float64, "probability of a controllable reason by the machine, at the draw"),
        "use": Column(pl.String, "estimate (drawn at random) or train (chosen to learn from)", "not drawn"),
        "drawn_probability": Column(
            pl.Float64, "probability of being drawn, all draws together", "not drawn at random"
        ),
        "case": Column(pl.String, "draw and running number, such as d1-007", "not drawn"),
        "coders": Column(pl.String, "who was asked to code it, comma separated", "not drawn"),
    },
)

HUMAN_LABELS = Table(
    "one answer of one analyst: does this code hold for this session",
    {
        "session_key": _KEY,
        "session_id": _SESSION,
        "coder": Column(pl.String, "the analyst's name; `final` is the settled answer of a dispute"),
        "code": LABELS.columns["code"],
        "holds": Column(pl.Boolean, "the analyst says that the code holds"),
        "number": Column(pl.Int32, "number of the message that shows it", "the code does not hold"),
        "quote": Column(pl.String, "the beginning of that message", "no text, or the code does not hold"),
        "is_primary": Column(pl.Boolean, "the reason that weighs most"),
        "note": Column(pl.String, "remark on the session", "none"),
        "case": Column(pl.String, "draw and running number, or `own-` and the session key"),
        "population": DRAWN.columns["population"]._replace(missing="not drawn"),
        "stratum": DRAWN.columns["stratum"]._replace(missing="not drawn"),
        "drawn_probability": DRAWN.columns["drawn_probability"],
        "use": Column(pl.String, "estimate (drawn at random) or train"),
    },
)

RATINGS = Table(
    "one rating, or an invitation without an answer",
    {
        "session_id": _SESSION,
        "platform": _PLATFORM._replace(missing="the file names none"),
        "shop": _SHOP,
        "score": Column(pl.Float64, "1 (worst) to 5 (best)", "invited but not rated"),
        "invited_at": Column(TIME, "when the customer was invited", "unknown"),
        "invited_by": Column(pl.String, "agent or auto", "unknown"),
        "rated_at": Column(TIME, "when the customer rated", "unknown"),
        "line": STAGED.columns["line"],
    },
)

AGENTS = Table(
    "one agent account",
    {
        "agent_id": Column(pl.String, "agent account"),
        "name": Column(pl.String, "name shown to those who may see it", "unknown"),
        "team": Column(pl.String, "team or group", "unknown"),
        "supplier": Column(pl.String, "own, or the outsourcer's name", "unknown"),
        "tier": Column(pl.String, "level", "unknown"),
        "hired_on": Column(pl.Date, "first day", "unknown"),
        "alias_of": Column(pl.String, "agent_id this account belongs to", "it stands for itself"),
        "line": STAGED.columns["line"],
    },
)

EVENTS = Table(
    "one event of the calendar",
    {
        "starts_at": Column(TIME, "start"),
        "ends_at": Column(TIME, "end", "a single moment"),
        "kind": Column(pl.String, "campaign, live, price, quality, policy or outage"),
        "shop": Column(pl.String, "shop", "all shops"),
        "note": Column(pl.String, "what happened", "none"),
        "line": STAGED.columns["line"],
    },
)

OFFICIAL = Table(
    "one metric as the platform reported it, for reconciliation",
    {
        "day": Column(pl.String, "day reported on, YYYY-MM-DD"),
        "shop": _SHOP,
        "agent_id": Column(pl.String, "agent account", "the figure is the shop's"),
        "metric": Column(pl.String, "metric id, such as mean_response_seconds"),
        "value": Column(pl.Float64, "the reported value, in the metric's unit", "reported as missing"),
        "line": STAGED.columns["line"],
    },
)

ORDERS = Table(
    "one order",
    {
        "order_id": Column(pl.String, "keyed hash of the order number"),
        "buyer_id": STAGED.columns["buyer_id"],
        "session_id": Column(pl.String, "conversation the order is credited to", "not exported"),
        "shop": _SHOP,
        "product": STAGED.columns["product"],
        "ordered_at": Column(TIME, "when it was placed"),
        "paid_at": Column(TIME, "when it was paid", "not paid"),
        "amount": Column(pl.Float64, "amount paid, yuan", "not exported"),
        "line": STAGED.columns["line"],
    },
)

REFUNDS = Table(
    "one refund",
    {
        "order_id": ORDERS.columns["order_id"],
        "requested_at": Column(TIME, "when it was asked for"),
        "refunded_at": Column(TIME, "when it was paid back", "still open"),
        "amount": Column(pl.Float64, "amount, yuan", "not exported"),
        "reason": Column(pl.String, "reason as exported", "not exported"),
        "line": STAGED.columns["line"],
    },
)

TICKETS = Table(
    "one ticket (work order)",
    {
        "ticket_id": Column(pl.String, "ticket number"),
        "session_id": Column(pl.String, "conversation it came from", "not exported"),
        "kind": Column(pl.String, "type as exported", "not exported"),
        "opened_at": Column(TIME, "when it was opened"),
        "closed_at": Column(TIME, "when it was closed", "still open"),
        "line": STAGED.columns["line"],
    },
)

SHIFTS = Table(
    "one spell of an agent on duty",
    {
        "agent_id": Column(pl.String, "agent account"),
        "starts_at": Column(TIME, "start"),
        "ends_at": Column(TIME, "end"),
        "line": STAGED.columns["line"],
    },
)

QUARANTINE = Table(
    "one row of a file that could not be read",
    {
        "file": Column(pl.String, "file name"),
        "line": STAGED.columns["line"],
        "column": Column(pl.String, "canonical column"),
        "value": Column(pl.String, "what was found, masked"),
        "reason": Column(pl.String, "bad_time, unknown_role, missing_session_id, bad_score, ..."),
    },
)

RESULTS = Table(
    "one group x metric; the columns to group by stand between `metric` and `n`",
    {
        "metric": Column(pl.String, "metric id"),
        "n": Column(pl.Int64, "what the value is over: its denominator"),
        "value": Column(pl.Float64, "the estimate", "n is 0, or the group is suppressed"),
        "low": Column(pl.Float64, "lower end of the interval", "no interval"),
        "high": Column(pl.Float64, "upper end of the interval", "no interval"),
        "unit": Column(pl.String, "rate, seconds, count, ratio or hours"),
        "method": Column(pl.String, "how the interval was made, or `suppressed`"),
        "rulepack": Column(pl.String, "rule packs behind the value, comma separated", "none"),
    },
)

#: the columns of `results` behind `metric` and what they are grouped by
RESULT_FIGURES = [*RESULTS.columns][1:]

TABLES = {
    "staged": STAGED, "messages": MESSAGES, "texts": TEXTS, "turns": TURNS, "sessions": SESSIONS,
    "labels": LABELS, "chances": CHANCES, "drawn": DRAWN, "human_labels": HUMAN_LABELS, "ratings": RATINGS, "agents": AGENTS,
    "events": EVENTS, "official": OFFICIAL, "orders": ORDERS, "refunds": REFUNDS, "tickets": TICKETS, "shifts": SHIFTS,
    "quarantine": QUARANTINE, "results": RESULTS,
}  # fmt: skip


def dtypes(name):
    """Give the Polars schema of a table as a dict.

    Examples
    --------
    >>> list(dtypes("texts"))
    ['text_id', 'text', 'count']
    """
    return {column: spec.dtype for column, spec in TABLES[name].columns.items()}


def empty(name):
    """Make a table without rows.

    Examples
    --------
    >>> empty("turns").height
    0
    """
    return pl.DataFrame(schema=dtypes(name))


def conform(frame, name):
    """Give a frame exactly the columns of a table, in order and of the right types.

    Columns that the frame lacks are added as missing values; columns that the table lacks are dropped.

    Raises
    ------
    BookError
        If a column cannot be cast; table and column are named.
    """
    have = set(frame.collect_schema().names())
    columns = [
        (pl.col(column) if column in have else pl.lit(None)).cast(dtype).alias(column)
        for column, dtype in dtypes(name).items()
    ]
    try:
        return frame.select(columns)
    except pl.exceptions.PolarsError as error:
        raise BookError(f"table {name} does not fit its schema: {error}") from error
