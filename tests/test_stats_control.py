"""Control charts and many p-values, against published tables."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csnb.errors import MetricError
from csnb.stats import adjust_pvalues, laney_chart

quick = settings(deadline=None, max_examples=25, derandomize=True)

# NIST/SEMATECH e-Handbook of Statistical Methods, section 6.3.3.2: defective chips of 50 on each of 30 wafers.
WAFERS = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22]
WAFERS += [8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]

# Ten days of about 3,000 conversations (made up). sigma_z and limits as R's qicharts2 gives them: its function
# qic.pp, R 4.2.2, behind qic(y = events, n = n, chart = "pp").
EVENTS = [412, 455, 389, 520, 431, 398, 467, 610, 402, 441]
CASES = [2980, 3105, 2870, 3240, 3010, 2890, 3155, 3300, 2940, 3060]
QICHARTS2_SIGMA_Z = 2.62617271874
QICHARTS2_LOW = [0.0968517898807, 0.0978943153842, 0.0958785769804, 0.0989517711658, 0.0971079083007]
QICHARTS2_LOW += [0.0960596494928, 0.0982938724413, 0.0994007857623, 0.0965042194614, 0.0975263725589]

# Benjamini & Hochberg (1995), JRSS B 57:289-300, section 3.2: the 15 p-values of a heart trial; four pass at 5 %.
HEART = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
HEART += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]


def test_centre_and_chance_match_the_nist_handbook():
    """The handbook's plain chart has centre .2313 and limits .0524 and .4102; Laney's are sigma_z times as far."""
    chart = laney_chart(WAFERS, [50] * 30)
    assert chart["center"].unique() == pytest.approx([0.2313], abs=5e-5)
    plain = (chart["high"] - chart["center"]) / chart["sigma_z"]
    assert 0.2313 + plain.iloc[0] == pytest.approx(0.4102, abs=1e-4)
    assert 0.2313 - plain.iloc[0] == pytest.approx(0.0524, abs=1e-4)


def test_sigma_z_and_limits_match_r_qicharts2():
    chart = laney_chart(EVENTS, CASES)
    assert chart["sigma_z"].unique() == pytest.approx([QICHARTS2_SIGMA_Z], abs=1e-11)
    assert chart["center"].unique() == pytest.approx([0.148117839607], abs=1e-12)
    assert chart["low"].to_numpy() == pytest.approx(QICHARTS2_LOW, abs=1e-12)
    assert chart["high"].to_numpy() == pytest.approx(2 * 0.148117839607 - np.array(QICHARTS2_LOW), abs=1e-11)
    plain = 3 * np.sqrt(0.148117839607 * (1 - 0.148117839607) / np.array(CASES))
    assert chart["z"].to_numpy() == pytest.approx(3 * (chart["rate"] - chart["center"]) / plain, abs=1e-9)


def test_days_that_truly_differ_alarm_a_plain_chart_but_not_this_one():
    draw = np.random.default_rng(11)
    n = np.full(1000, 3000)
    rate = 1 / (1 + np.exp(-(-1.7 + 0.15 * draw.standard_normal(1000))))
    chart = laney_chart(draw.binomial(n, rate), n)
    assert chart["signal"].sum() <= 10
    assert (chart["z"].abs() > 3).sum() > 200


def test_a_bad_day_is_a_signal():
    events = [90, 110, 95, 105, 100, 98, 103, 280, 99, 101]
    chart = laney_chart(pd.Series(events, index=pd.date_range("2025-11-01", periods=10)), [1000] * 10)
    assert chart.index[chart["signal"]].tolist() == [pd.Timestamp("2025-11-08")]


def test_the_eighth_day_on_one_side_ends_a_run():
    events = [60, 60] + [40] * 9 + [60] * 2
    chart = laney_chart(events, [100] * 13)
    assert chart.index[chart["run_signal"]].tolist() == [9, 10]


def test_a_day_without_conversations_is_missing_and_interrupts_nothing():
    without = laney_chart([5, 6, 4, 7], [50, 50, 50, 50])
    with_gap = laney_chart([5, 6, 0, 4, 7], [50, 50, 0, 50, 50])
    assert with_gap.drop(index=2).to_numpy().tolist() == without.to_numpy().tolist()
    assert with_gap.loc[2, ["rate", "z", "low", "high"]].isna().all()
    assert not with_gap.loc[2, "signal"]


@pytest.mark.parametrize(
    ("events", "n", "rows"), [([], [], 0), ([3], [10], 1), ([0, 0], [0, 0], 2), ([0, 0], [9, 9], 2)]
)
def test_too_little_to_chart_gives_no_signal(events, n, rows):
    chart = laney_chart(events, n)
    assert len(chart) == rows
    assert not chart["signal"].any()


def test_more_events_than_conversations_are_refused():
    with pytest.raises(MetricError, match="position 1: events 12, n 10"):
        laney_chart([3, 12], [10, 10])


def test_adjusted_pvalues_match_benjamini_hochberg_1995():
    """The paper calls four; R 4.2.2: p.adjust(heart, "BH") gives the ten digits."""
    adjusted = adjust_pvalues(HEART)
    assert (adjusted <= 0.05).sum() == 4
    by_r = [0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.06385714286, 0.06385714286, 0.0645]
    by_r += [0.0765, 0.486, 0.58118181818, 0.714875, 0.75323076923, 0.81321428571, 1.0]
    assert adjusted == pytest.approx(by_r, abs=1e-10)


def test_missing_pvalues_stay_missing_and_do_not_count():
    adjusted = adjust_pvalues([0.01, None, 0.02])
    assert adjusted[[0, 2]] == pytest.approx(adjust_pvalues([0.01, 0.02]))
    assert np.isnan(adjusted[1])
    assert adjust_pvalues([]).size == 0


def test_a_pvalue_above_one_is_refused():
    with pytest.raises(MetricError, match=r"position 0: p 1\.2"):
        adjust_pvalues([1.2])


@quick
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusting_keeps_the_order_and_never_helps(p):
    adjusted = adjust_pvalues(p)
    assert (adjusted >= np.array(p) - 1e-15).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
