"""The metric catalogue: a metric is a noun declared over session columns, one entry each.

A new metric is one entry here and its words in `definitions/strings/` (`metric.<id>.name`,
`.meaning`). A fact that does not exist yet goes to `sessions.py` first. Platform rules are not
here but in `definitions/rulepacks/`.
"""

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from csnb.errors import one_of


class Metric(NamedTuple):
    """One metric.

    shape: `rate` (yes/no facts), `ratio` (sum over sum), `median`, `count` (sum), `distinct`.
    numerator, denominator: functions of the sessions table; the denominator is what n counts.
    unit: rate, seconds, ratio, count. better: "higher", "lower" or None (not good or bad).
    also_counts: reasons in `left_out_because` that do not leave a session out of this metric.
    per_platform: the platforms define it differently, so it is never pooled over platforms.
    by_buyer: on platforms whose standard counts buyers, a buyer's sessions are added up first.
    """

    shape: str
    numerator: Callable
    denominator: Callable
    unit: str
    better: str | None
    source: str
    also_counts: tuple = ()
    per_platform: bool = False
    by_buyer: bool = False


def _every(sessions):
    """Count every session."""
    return pd.Series(True, index=sessions.index)


def _column(name):
    """Take a column as it is."""
    return lambda sessions: sessions[name]


def _added(name):
    """Take a yes/no column that not every table has; without it nothing is known."""
    return lambda sessions: sessions.get(name, pd.Series(pd.NA, sessions.index, "boolean"))


def _known(name):
    """Say where a column is known."""
    return lambda sessions: sessions[name].notna()


def _in_standard(sessions):
    """Count what met the platform's standard: turns, or sessions (buyers) without a late turn."""
    met, graded = sessions["replied_in_standard_count"], sessions["graded_turn_count"]
    return met.where(sessions["standard_unit"] == "turn", (met == graded) & (graded > 0))


def _to_standard(sessions):
    """Count what the three-minute standard is held against; JD has none."""
    graded = sessions["graded_turn_count"]
    counted = graded.where(sessions["standard_unit"] == "turn", graded > 0)
    return counted.where(sessions["standard_unit"] != "session_first", 0)


_ALWAYS = ("bot_only", "ungraded_day")
_RATED = ("ungraded_day",)


def counts_for_ratings(sessions):
    """Say of which sessions a rating counts: of all that count, and of those on days without grades.

    Parameters
    ----------
    sessions : pandas.DataFrame with `left_out_because`

    Returns
    -------
    pandas.Series of bool

    Examples
    --------
    >>> counts_for_ratings(pd.DataFrame({"left_out_because": [None, "ungraded_day", "one_way"]})).tolist()
    [True, True, False]
    """
    return sessions["left_out_because"].isna() | sessions["left_out_because"].isin(_RATED)


METRICS = {
    "sessions": Metric("count", _every, _every, "count", None, "csnb", _ALWAYS),
    "buyers": Metric("distinct", _column("buyer_id"), _known("buyer_id"), "count", None, "csnb", _ALWAYS),
    "messages": Metric("count", _column("message_count"), _every, "count", None, "csnb", _ALWAYS),
    "satisfaction_rate": Metric(
        "rate", _column("is_satisfied"), _column("is_rated"), "rate", "higher", "旺旺满意度; CSAT", _RATED
    ),
    "dissatisfaction_rate": Metric(
        "rate", _column("is_dissatisfied"), _column("is_rated"), "rate", "lower", "会话不满意率; DSAT", _RATED, True
    ),
    "lowest_score_rate": Metric(
        "rate", lambda s: s["score"] == 1, _column("is_rated"), "rate", "lower", "csnb", _RATED
    ),
    "invitation_rate": Metric(
        "rate", _column("is_invited"), _known("is_invited"), "rate", None, "邀评率", _RATED
    ),
    "rating_rate": Metric(
        "rate", _column("is_rated"), lambda s: s["is_invited"].fillna(False), "rate", None, "参评率", _RATED
    ),
    "first_response_seconds": Metric(
        "median", _column("first_response_seconds"), _known("first_response_seconds"), "seconds", "lower", "首次响应时长"
    ),
    "mean_response_seconds": Metric(
        "ratio", lambda s: s["reply_seconds_sum"].fillna(0), _column("timed_turn_count"), "seconds", "lower",
        "平均响应时长", per_platform=True,
    ),
    "reply_rate": Metric("rate", _column("is_replied"), _every, "rate", "higher", "回复率"),
    "reply_rate_3min": Metric(
        "ratio", _in_standard, _to_standard, "rate", "higher", "3分钟人工响应率; 3分钟回复率",
        per_platform=True, by_buyer=True,
    ),
    "answer_30s_rate": Metric(
        "rate", lambda s: s["first_response_seconds"] <= 30, lambda s: s["graded_turn_count"] > 0, "rate", "higher",
        "咚咚首次30秒应答率",
    ),
    "unanswered_rate": Metric(
        "ratio", _column("unanswered_count"), _column("human_turn_count"), "rate", "lower", "csnb"
    ),
    "slow_response_rate": Metric(
        "ratio", _column("slow_count"), _column("graded_turn_count"), "rate", "lower", "慢响应", per_platform=True
    ),
    "answer_ask_ratio": Metric(
        "ratio", _column("agent_message_count"), _column("customer_message_count"), "ratio", None, "答问比"
    ),
    "transfer_rate": Metric("rate", lambda s: s["transfer_count"] > 0, _every, "rate", "lower", "转接率"),
    "repeat_rate_24h": Metric(
        "rate", _column("is_repeat_24h"), _known("is_repeat_24h"), "rate", "lower", "重复进线率", ("bot_only",)
    ),
    "repeat_rate_48h": Metric(
        "rate", _column("is_repeat_48h"), _known("is_repeat_48h"), "rate", "lower", "重复进线率", ("bot_only",)
    ),
    "repeat_rate_72h": Metric(
        "rate", _column("is_repeat_72h"), _known("is_repeat_72h"), "rate", "lower", "重复进线率", ("bot_only",)
    ),
    "refund_rate": Metric(
        "rate", _added("is_refunded"), lambda s: _added("is_refunded")(s).notna(), "rate", "lower", "csnb.add_refunds"
    ),
    "conversion_rate": Metric(
        "rate", _added("is_converted"), lambda s: _added("is_converted")(s).notna(), "rate", "higher",
        "询单转化率（次日付款）; csnb.add_conversion",
    ),
    "bot_share": Metric(
        "rate", lambda s: s["left_out_because"] == "bot_only", _every, "rate", None, "机器人独立接待占比", ("bot_only",)
    ),
}  # fmt: skip


def metric_of(name):
    """Give one entry of the catalogue.

    Raises
    ------
    ParameterError
        If there is no such metric; all ids are listed.

    Examples
    --------
    >>> metric_of("reply_rate").better
    'higher'
    """
    return METRICS[one_of("metric", name, METRICS)]


def list_metrics():
    """Give the catalogue of metrics.

    Returns
    -------
    pandas.DataFrame
        One row a metric: `metric, shape` (how it is added up), `unit`, `better` (higher, lower or None), `per_platform`
        (platforms define it differently, so it is never pooled) and `source`.

    Examples
    --------
    >>> list_metrics().set_index("metric").loc["reply_rate", "better"]
    'higher'
    """
    return pd.DataFrame(
        [
            {"metric": name, "shape": entry.shape, "unit": entry.unit, "better": entry.better,
             "per_platform": entry.per_platform, "source": entry.source}
            for name, entry in METRICS.items()
        ]
    )  # fmt: skip
