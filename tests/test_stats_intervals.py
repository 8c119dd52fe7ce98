"""Intervals of rates, means, ratios and differences, against published tables and statsmodels."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, t
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from csnb.errors import MetricError, ParameterError
from csnb.stats import difference_interval, mean_interval, ratio_interval, share_interval, wilson_interval

quick = settings(deadline=None, max_examples=25, derandomize=True)

# Newcombe (1998), Statistics in Medicine 17:857-872, Table I, method 3.
NEWCOMBE_SINGLE = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0000, 0.1611),
    (1, 29, 0.0061, 0.1718),
]

# Newcombe (1998), Statistics in Medicine 17:873-890, Table II, method 10.
NEWCOMBE_DIFFERENCE = [
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (6, 7, 2, 7, 0.0582, 0.8062),
    (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775),
    (0, 10, 0, 10, -0.2775, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0000),
    (10, 10, 0, 10, 0.6075, 1.0000),
]


@pytest.mark.parametrize(("successes", "n", "low", "high"), NEWCOMBE_SINGLE)
def test_wilson_interval_matches_newcombe_1998_table_1(successes, n, low, high):
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_takes_arrays_lists_and_series():
    successes, n = [81, 15], [263, 148]
    from_lists = wilson_interval(successes, n)
    from_series = wilson_interval(pd.Series(successes), pd.Series(n))
    assert np.array_equal(from_lists, from_series)
    assert from_lists[0] == pytest.approx([0.2553, 0.0624], abs=5e-5)


def test_wilson_interval_of_nothing_is_missing():
    assert np.isnan(wilson_interval(0, 0)).all()
    low, high = wilson_interval([0, 5], [0, 10])
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, False]
    assert np.isnan(wilson_interval(None, 10)).all()
    assert wilson_interval([], [])[0].size == 0


def test_more_successes_than_trials_are_refused_with_position_and_numbers():
    with pytest.raises(MetricError, match="position 1: successes 12, n 10"):
        wilson_interval([3, 12], [10, 10])
    with pytest.raises(MetricError, match="position 0: successes -1, n 10"):
        wilson_interval(-1, 10)


def test_what_has_no_common_shape_or_is_infinite_is_refused():
    with pytest.raises(MetricError, match=r"differ in shape: \(2,\) and \(3,\)"):
        wilson_interval([1, 2], [3, 4, 5])
    with pytest.raises(MetricError, match="n must be finite"):
        wilson_interval(1, np.inf)


def test_a_confidence_in_percent_is_refused():
    with pytest.raises(ParameterError, match=r"such as 0\.95; got: 95"):
        wilson_interval(1, 2, confidence=95)


@quick
@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_holds_the_rate_and_stays_a_rate(counts):
    successes, n = counts
    low, high = wilson_interval(successes, n)
    assert 0 <= low <= successes / n <= high <= 1


@quick
@given(st.integers(1, 1000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_more_of_the_same_narrows_the_interval(counts):
    low, high = wilson_interval(*counts)
    low10, high10 = wilson_interval(counts[0] * 10, counts[1] * 10)
    assert high10 - low10 < high - low


def test_mean_interval_matches_student_1908():
    """Extra hours of sleep, Student (1908), Biometrika 6:1-25; R: t.test(x) gives 0.7001142 2.4598858."""
    hours = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
    assert mean_interval(hours) == pytest.approx((0.7001142, 2.4598858), abs=5e-8)


def test_clustered_mean_interval_matches_statsmodels():
    draw = np.random.default_rng(4)
    agent = draw.integers(0, 12, 300)
    seconds = 40 + 20 * draw.standard_normal(12)[agent] + 30 * draw.standard_normal(300)
    fit = sm.OLS(seconds, np.ones(300)).fit(cov_type="cluster", cov_kwds={"groups": agent}, use_t=True)
    assert mean_interval(seconds, cluster=agent) == pytest.approx(tuple(fit.conf_int()[0]), rel=1e-10)


def test_ratio_interval_matches_r_survey():
    """survey 4.1-1: confint(svyratio(~sum, ~n, svydesign(~1, weights = ~1, ...)), df = 5)."""
    sums, counts = [900, 2000, 1500, 700, 3100, 420], [30, 50, 40, 28, 77, 9]
    assert ratio_interval(sums, counts) == pytest.approx((30.7619502984, 42.9132633768), abs=1e-9)


def test_sums_and_counts_give_the_interval_of_the_single_values():
    agent, seconds = list("aabbbc"), [20, 24, 50, 58, 31, 40]
    sums, counts = [44, 139, 40], [2, 3, 1]
    assert mean_interval(seconds, cluster=agent) == pytest.approx(ratio_interval(sums, counts))


def test_missing_values_and_empty_clusters_are_left_out():
    assert mean_interval([1, None, 3, 8], cluster=list("abbc")) == mean_interval(
        [1, 3, 8], cluster=list("abc")
    )
    assert ratio_interval([5, 0, 9], [2, 0, 3]) == ratio_interval([5, 9], [2, 3])


def test_a_cluster_with_a_numerator_alone_counts_in_the_ratio_and_in_its_interval():
    """survey 4.1-1: confint(svyratio(~sum, ~n, svydesign(~1, weights = ~1, ...)), df = 3)."""
    low, high = ratio_interval([3, 2, 4, 1], [4, 0, 6, 2])
    assert (low + high) / 2 == pytest.approx(10 / 12)
    assert (low, high) == pytest.approx((0.111539853542, 1.55512681313), abs=1e-9)
    assert np.isnan(ratio_interval([1, 2], [0, 0])).all()


@pytest.mark.parametrize("values", [[], [7.0], [None, None]])
def test_fewer_than_two_clusters_have_no_interval(values):
    assert np.isnan(mean_interval(values)).all()


def test_seconds_are_never_below_zero():
    assert mean_interval([0, 0, 600])[0] == 0
    assert mean_interval([-5, 0, 600])[0] < 0


def test_a_negative_denominator_is_refused():
    with pytest.raises(MetricError, match="position 1"):
        ratio_interval([1, 2], [3, -1])


def test_share_interval_matches_statsmodels():
    """Cluster-robust error of an intercept-only OLS and Wilson's interval, both by statsmodels; t by SciPy."""
    draw = np.random.default_rng(5)
    agent = draw.integers(0, 12, 600)
    slow = draw.random(600) < np.linspace(0.05, 0.4, 12)[agent]
    fit = sm.OLS(slow.astype(float), np.ones(600)).fit(cov_type="cluster", cov_kwds={"groups": agent})
    variance = fit.cov_params()[0, 0]
    effective = slow.mean() * (1 - slow.mean()) / variance * (norm.ppf(0.975) / t.ppf(0.975, 11)) ** 2
    wanted = proportion_confint(slow.mean() * effective, effective, method="wilson")
    hits, counts = np.bincount(agent, slow), np.bincount(agent)
    assert share_interval(hits, counts) == pytest.approx(wanted, rel=1e-10)


def test_a_share_of_nothing_or_all_keeps_a_width():
    assert share_interval([0, 0], [30, 50])[0] == 0 < share_interval([0, 0], [30, 50])[1] < 0.7
    assert share_interval([30, 50], [30, 50])[0] < 1
    assert np.isnan(share_interval([3], [30])).all()
    with pytest.raises(MetricError, match="position 1: hits 9, counts 5"):
        share_interval([1, 9], [3, 5])


@pytest.mark.parametrize(("x1", "n1", "x0", "n0", "low", "high"), NEWCOMBE_DIFFERENCE)
def test_difference_interval_matches_newcombe_1998_table_2(x1, n1, x0, n0, low, high):
    before = (x0 / n0, *wilson_interval(x0, n0))
    after = (x1 / n1, *wilson_interval(x1, n1))
    found = difference_interval(before, after)
    assert found == pytest.approx((low, high), abs=5.1e-5)
    assert found == pytest.approx(confint_proportions_2indep(x1, n1, x0, n0, method="newcomb"), abs=1e-12)


def test_difference_interval_of_means_adds_the_margins_as_squares():
    low, high = difference_interval((40.0, 37.0, 43.0), (50.0, 46.0, 54.0))
    assert (low, high) == pytest.approx((10 - 5, 10 + 5))


@quick
@given(
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
)
def test_swapping_the_periods_turns_the_difference_around(one, two):
    one, two = ((x / n, *wilson_interval(x, n)) for x, n in (one, two))
    low, high = difference_interval(one, two)
    assert difference_interval(two, one) == pytest.approx((-high, -low), abs=1e-12)
    assert low <= two[0] - one[0] <= high
