"""Measures: one shape, an interval beside every value, and nothing where nothing is known."""

import numpy as np
import pandas as pd
import pytest

from csnb.errors import ParameterError
from csnb.measures import compare_groups, compare_periods, measure
from csnb.metrics import METRICS, list_metrics
from csnb.stats import wilson_interval
from csnb.strings import has_text, set_language


def sessions_from(**columns):
    """Make a small sessions table; what is not given is a plain replied session on 2026-03-02."""
    plain = {"platform": "taobao", "shop": "S", "rulepack": "taobao 2000-01-01", "left_out_because": None,
             "day": "2026-03-02", "is_replied": True, "buyer_id": None, "message_count": 2}  # fmt: skip
    n = max(len(values) for values in columns.values())
    return pd.DataFrame({**{name: [value] * n for name, value in plain.items()}, **columns})


def test_results_have_one_shape():
    results = measure(sessions_from(shop=list("AABBB") * 3), ["reply_rate", "sessions"], by="shop")
    assert list(results) == ["metric", "shop", "n", "value", "low", "high", "unit", "method", "rulepack"]
    assert results["n"].to_list() == [6, 9, 6, 9]


def test_a_rate_carries_wilsons_interval_and_its_n():
    row = measure(sessions_from(is_replied=[True] * 8 + [False] * 2), "reply_rate").iloc[0]
    assert (row["n"], row["value"], row["method"]) == (10, 0.8, "wilson")
    assert (row["low"], row["high"]) == pytest.approx(wilson_interval(8, 10))


def test_nothing_rated_is_missing_and_never_zero():
    frame = sessions_from(is_rated=[False] * 6, is_satisfied=pd.array([pd.NA] * 6, "boolean"))
    row = measure(frame, "satisfaction_rate").iloc[0]
    assert row["n"] == 0
    assert np.isnan(row["value"])


def test_no_sessions_at_all_give_one_row_without_a_value():
    row = measure(sessions_from(shop=["S"]).iloc[:0], "reply_rate").iloc[0]
    assert row["n"] == 0 and np.isnan(row["value"])


@pytest.mark.parametrize(("n", "method"), [(4, "suppressed"), (5, "wilson")])
def test_groups_under_five_keep_their_row_without_a_value(n, method):
    row = measure(sessions_from(is_replied=[True] * n), "reply_rate").iloc[0]
    assert row["n"] == n
    assert row["method"] == method
    assert np.isnan(row["value"]) == (method == "suppressed")


def test_left_out_sessions_are_counted_only_where_the_metric_says_so():
    frame = sessions_from(
        left_out_because=[None] * 6 + ["bot_only"] * 4 + ["one_way"] * 9, is_replied=[True] * 19
    )
    results = measure(frame, ["reply_rate", "bot_share", "sessions"]).set_index("metric")
    assert results["n"].to_dict() == {"reply_rate": 6, "bot_share": 10, "sessions": 10}
    assert results.loc["bot_share", "value"] == 0.4


def test_groups_add_up_to_the_whole():
    frame = sessions_from(shop=list("AABBCC") * 5, is_replied=[True, False, True, True, True, False] * 5)
    parts, whole = measure(frame, "reply_rate", by="shop"), measure(frame, "reply_rate")
    assert parts["n"].sum() == whole["n"].iloc[0]
    assert (parts["n"] * parts["value"]).sum() == pytest.approx(whole["n"].iloc[0] * whole["value"].iloc[0])


def test_what_platforms_define_differently_is_never_pooled():
    frame = sessions_from(
        platform=["taobao", "jd"] * 5, reply_seconds_sum=[10.0] * 10, timed_turn_count=[1] * 10
    )
    assert measure(frame, "mean_response_seconds")["method"].to_list() == ["mixed platforms"]
    assert measure(frame, "mean_response_seconds", by="platform")["value"].to_list() == [10, 10]


def test_ratings_5_4_3_3_1_by_each_platforms_rule(rated):
    """旺旺满意度 40 %; 抖音不满意率 60 %; dissatisfied by 1 and 2 of 5, 20 %."""
    scores = [5, 4, 3, 3, 1]
    assert measure(rated("taobao", scores), "satisfaction_rate")["value"].to_list() == [0.4]
    assert measure(rated("douyin", scores), "dissatisfaction_rate")["value"].to_list() == [0.6]
    assert measure(rated("taobao", scores), "dissatisfaction_rate")["value"].to_list() == [0.2]


@pytest.fixture
def rated():
    """Make sessions rated by a platform's rule in force."""
    from csnb.rulepacks import load_rulepacks

    def made(platform, scores):
        pack = load_rulepacks().filter(platform=platform).row(-1, named=True)
        return sessions_from(
            platform=[platform] * len(scores),
            is_rated=[True] * len(scores),
            is_satisfied=[score in pack["satisfied_scores"] for score in scores],
            is_dissatisfied=[score in pack["dissatisfied_scores"] for score in scores],
        )

    return made


def test_mean_seconds_are_weighted_by_turns_and_clustered_by_session():
    frame = sessions_from(reply_seconds_sum=[10.0, 300.0], timed_turn_count=[1, 9])
    row = measure(frame, "mean_response_seconds").iloc[0]
    assert (row["n"], row["value"], row["method"]) == (10, 31, "ratio by session")
    assert row["low"] < 31 < row["high"]


def test_the_interval_of_a_ratio_equals_the_t_interval_when_every_session_weighs_the_same():
    """scipy.stats.t.interval(0.95, 4, loc=3, scale=sem([1, 2, 3, 4, 5])) is (1.0367568385, 4.9632431615)."""
    frame = sessions_from(reply_seconds_sum=[1.0, 2, 3, 4, 5], timed_turn_count=[1] * 5)
    row = measure(frame, "mean_response_seconds").iloc[0]
    assert (row["low"], row["high"]) == pytest.approx((1.0367568385, 4.9632431615))


def test_a_median_carries_the_interval_of_order_statistics():
    """For n = 10 the 2nd and 9th values hold the median with 97.9 % (Conover 1999, table A3)."""
    row = measure(sessions_from(first_response_seconds=list(range(1, 11))), "first_response_seconds").iloc[0]
    assert (row["value"], row["low"], row["high"]) == (5.5, 2, 9)


def test_unknown_metric_and_unknown_column_are_refused_with_what_is_known():
    with pytest.raises(ParameterError, match="reply_rate"):
        measure(sessions_from(shop=["S"]), "csat")
    with pytest.raises(ParameterError, match="platform"):
        measure(sessions_from(shop=["S"]), "reply_rate", by="colour")


def test_two_periods_are_compared_with_newcombes_interval():
    """56/70 against 48/80: 0.2 with 0.0524 to 0.3339 (Newcombe 1998, Statistics in Medicine 17:873, table II)."""
    frame = sessions_from(
        day=["2026-03-02"] * 80 + ["2026-03-09"] * 70,
        is_replied=[True] * 48 + [False] * 32 + [True] * 56 + [False] * 14,
    )
    row = compare_periods(
        frame, "reply_rate", ("2026-03-02", "2026-03-08"), ("2026-03-09", "2026-03-15")
    ).iloc[0]
    assert row["difference"] == pytest.approx(0.2)
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_swapping_the_periods_flips_the_sign():
    frame = sessions_from(
        day=["2026-03-02"] * 20 + ["2026-03-09"] * 20, is_replied=[True] * 30 + [False] * 10
    )
    first, second = ("2026-03-02", "2026-03-02"), ("2026-03-09", "2026-03-09")
    forth, back = (
        compare_periods(frame, "reply_rate", *pair).iloc[0] for pair in ((first, second), (second, first))
    )
    assert forth["difference"] == -back["difference"]
    assert forth["difference_low"] == pytest.approx(-back["difference_high"])


def test_overlapping_periods_are_refused():
    with pytest.raises(ParameterError, match="overlap"):
        compare_periods(
            sessions_from(shop=["S"]),
            "reply_rate",
            ("2026-03-01", "2026-03-08"),
            ("2026-03-08", "2026-03-09"),
        )


def test_each_group_is_compared_with_all_others_and_the_p_values_are_adjusted():
    frame = sessions_from(
        shop=["A"] * 40 + ["B"] * 40 + ["C"] * 40, is_replied=[True] * 80 + [False] * 30 + [True] * 10
    )
    compared = compare_groups(frame, "reply_rate", "shop").set_index("shop")
    assert compared.loc["C", "value_before"] == 1
    assert compared.loc["C", "difference"] == -0.75
    assert (compared["p_adjusted"] >= compared["p_value"]).all()


def test_every_metric_has_words_in_both_languages():
    for lang in ("zh", "en"):
        set_language(lang)
        missing = [
            name for name in METRICS for word in ("name", "meaning") if not has_text(f"metric.{name}.{word}")
        ]
        assert missing == []


def test_the_catalogue_lists_every_metric_once():
    assert list_metrics()["metric"].to_list() == list(METRICS)
