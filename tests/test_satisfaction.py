"""Sides, reasons, owners and quotes: counts of machine codes beside ratings, never mixed with them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from csnb.satisfaction import (
    count_reasons,
    count_sides,
    dissatisfied_sessions,
    largest_platform,
    measure_funnel,
    measure_scores,
    say_unsliced,
    suspected_sessions,
)
from csnb.schema import conform
from csnb.sides import code_summary


def labels_from(*rows):
    """Make labels from (session, code, p)."""
    return conform(
        pl.DataFrame(rows, schema=["session_key", "code", "p"], orient="row").with_columns(
            pl.lit("stated").alias("source"), pl.lit("model").alias("coder")
        ),
        "labels",
    )


LABELS = labels_from(
    (1, "dissatisfied", 0.9), (1, "attitude", 0.8),
    (2, "dissatisfied", 0.9), (2, "price", 0.9), (2, "ability", 0.6),
    (3, "dissatisfied", 0.8), (3, "quality", 0.7),
    (4, "dissatisfied", 0.7), (4, "unclear", 0.6),
    (5, "dissatisfied", 0.1), (5, "timeliness", 0.9),
)  # fmt: skip


@pytest.fixture
def sessions():
    """Give seven conversations: 1 to 4 rated dissatisfied, 5 rated satisfied, 6 and 7 not rated."""
    codes = code_summary(LABELS).to_pandas()
    frame = pd.DataFrame(
        {
            "session_key": [1, 2, 3, 4, 5, 6, 7],
            "session_id": list("ABCDEFG"),
            "left_out_because": None,
            "is_rated": [True] * 5 + [False] * 2,
            "is_dissatisfied": pd.array([True] * 4 + [False] + [pd.NA] * 2, "boolean"),
            "score": [1, 2, 1, 2, 5, np.nan, np.nan],
            "shop": list("SSTTTTT"),
            "platform": "jd",
        }
    )
    return frame.merge(codes, on="session_key", how="left")


def test_the_side_follows_from_all_reasons_and_the_first_is_the_primary(sessions):
    sides = sessions.set_index("session_id")["side"]
    assert sides[list("ABCD")].to_list() == ["controllable", "mixed", "uncontrollable", "unexplained"]
    assert sessions.set_index("session_id").loc["B", "primary"] == "price"


def test_a_measured_fact_alone_makes_nobody_dissatisfied(sessions):
    row = sessions.set_index("session_id").loc["E"]
    assert not row["is_suspected"]
    assert pd.isna(row["side"])


def test_dissatisfied_is_by_rating_and_suspected_only_among_the_unrated(sessions):
    frame = sessions.assign(is_suspected=[True] * 6 + [False])
    assert dissatisfied_sessions(frame)["session_id"].to_list() == list("ABCD")
    assert suspected_sessions(frame)["session_id"].to_list() == ["F"]


def test_a_dissatisfied_rating_without_a_code_is_unexplained(sessions):
    frame = sessions.assign(side=None)
    assert set(dissatisfied_sessions(frame)["side"]) == {"unexplained"}


def test_sides_are_counted_and_add_up(sessions):
    counts = count_sides(dissatisfied_sessions(sessions))
    assert counts["side"].to_list() == ["controllable", "mixed", "uncontrollable", "unexplained"]
    assert counts["value"].to_list() == [1, 1, 1, 1]
    assert counts["low"].isna().all()
    assert set(counts["method"]) == {"machine codes, unverified"}


def test_sides_by_shop_count_within_the_shop(sessions):
    counts = count_sides(dissatisfied_sessions(sessions), by="shop").groupby("shop")["n"].first()
    assert counts.to_dict() == {"S": 2, "T": 2}


def test_without_conversations_there_are_no_counts_and_no_zeros(sessions):
    assert count_sides(sessions.iloc[:0])["value"].isna().all()
    assert count_reasons(sessions.iloc[:0], LABELS.to_pandas()).empty


def test_each_reason_is_counted_once_a_conversation_with_its_owner(sessions):
    reasons = count_reasons(dissatisfied_sessions(sessions), LABELS.to_pandas()).set_index("reason")
    assert reasons["value"].to_dict() == {"attitude": 1, "ability": 1, "price": 1, "quality": 1, "unclear": 1}
    assert reasons.loc["price", "owner"] == "merchandising"
    assert set(reasons["n"]) == {4}


def test_scores_are_shares_of_the_ratings_with_their_interval(sessions):
    scores = measure_scores(sessions).set_index("score")
    assert scores.index.to_list() == ["5", "4", "3", "2", "1"]
    assert scores["value"].to_list() == [0.2, 0, 0, 0.4, 0.4]
    assert set(scores["n"]) == {5}
    assert (scores["low"] <= scores["value"]).all() and (scores["value"] <= scores["high"]).all()


def test_without_ratings_the_scores_are_missing(sessions):
    scores = measure_scores(sessions[sessions["session_id"].isin(["F", "G"])])
    assert scores["value"].isna().all()
    assert set(scores["n"]) == {0}


def test_platforms_are_never_put_together_and_the_largest_is_the_one_with_most_ratings(sessions):
    both = sessions.assign(platform=["jd", "jd", *["douyin"] * 5], is_invited=True, is_satisfied=False)
    assert set(measure_scores(both)["platform"]) == {"jd", "douyin"}
    assert set(measure_scores(both)["method"]) == {"suppressed"}  # two ratings here, three there
    funnel = measure_funnel(both).set_index(["platform", "step"])
    assert funnel.loc[("douyin", "rated"), ["reached_count", "n"]].to_list() == [3, 5]
    assert set(largest_platform(both)["platform"]) == {"douyin"}


def test_a_slice_that_an_export_leaves_out_is_named_with_its_platform():
    columns = {"shop": "甲", "team": "乙", "agent_id": "丙", "daypart": "上午", "left_out_because": None}
    both = pd.DataFrame(
        {"platform": ["taobao", "jd"], "channel": [None, "搜索"], "product": [None, "杯子"], **columns}
    )
    assert say_unsliced(both) == "有的对象列不出来，因为平台的导出里没有那一列：淘宝没有渠道、商品。"
    assert say_unsliced(both.iloc[1:]) == ""
