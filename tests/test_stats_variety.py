"""Lasting variety, tiers and concentration, against printed tables and exact distributions."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from csnb.errors import MetricError, ParameterError
from csnb.stats import concentration, lasting_variance, tier_chances

quick = settings(deadline=None, max_examples=25, derandomize=True)

# Davies & Goldsmith (1972), Statistical Methods in Research and Production, table 6.3: yield of dyestuff, six
# batches of five; variance components by analysis of variance 1764 between and 2451 within.
DYESTUFF = [
    [1545, 1440, 1440, 1520, 1580], [1540, 1555, 1490, 1560, 1495], [1595, 1550, 1605, 1510, 1560],
    [1445, 1440, 1595, 1465, 1545], [1595, 1630, 1515, 1635, 1625], [1520, 1455, 1450, 1480, 1445],
]  # fmt: skip


def test_lasting_variance_of_the_dyestuff():
    """R 4.2.2, anova(lm(Yield ~ Batch)): mean squares 11271.50 and 2451.25, five of a batch."""
    assert lasting_variance(DYESTUFF) == pytest.approx((1764.05, 2451.25), abs=0.005)


def test_lasting_variance_is_recovered_where_windows_are_missing():
    draw = np.random.default_rng(1)
    found = []
    for _ in range(200):
        table = 0.3 * draw.standard_normal((40, 1)) + 0.2 * draw.standard_normal((40, 6))
        table[draw.random(table.shape) < 0.3] = np.nan
        found.append(lasting_variance(pd.DataFrame(table)))
    assert np.mean(found, axis=0) == pytest.approx([0.09, 0.04], rel=0.05)


def test_equal_units_have_no_lasting_variance_and_one_window_says_nothing():
    assert lasting_variance([[1, 3], [3, 1], [2, 2]])[0] == 0
    assert np.isnan(lasting_variance([[1.0], [2.0]])).all()
    assert np.isnan(lasting_variance(np.empty((0, 3)))).all()


def test_chances_of_two_units_are_normal_probabilities():
    table = tier_chances([0.5, 0.0], [0.6, 0.4], share=0.5)
    assert table["highest"][0] == pytest.approx(stats.norm.cdf(0.5), abs=0.03)
    assert table["lowest"][0] == pytest.approx(stats.norm.sf(0.5), abs=0.03)


@quick
@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 2)), min_size=2, max_size=30),
    st.sampled_from([0.1, 0.2, 0.5]),
)
def test_chances_add_up_to_the_size_of_the_tier(units, share):
    effect, variance = zip(*units, strict=True)
    size = max(1, round(share * len(units)))
    assert tier_chances(effect, variance, share).sum().to_numpy() == pytest.approx([size, size])


def test_equal_units_have_equal_chances_and_a_missing_one_has_none():
    table = tier_chances(pd.Series([0.0] * 10 + [np.nan]), [0.1] * 11)
    assert table["highest"][:10].between(0.15, 0.25).all()
    assert table.loc[10].isna().all()
    assert tier_chances([1.0], [0.1]).isna().all(axis=None)
    with pytest.raises(ParameterError, match=r"0\.5; got: 0\.7"):
        tier_chances([1.0, 2.0], [0.1, 0.1], share=0.7)


def test_concentration_is_the_exact_probability_of_two_units():
    """The larger of two binomial counts holds 9 of 12 or more: summed over all tables by SciPy."""
    n, p = 40, 6 / 40
    counts = np.arange(n + 1)
    chance = np.outer(*[stats.binom.pmf(counts, n, p)] * 2)
    larger, total = np.maximum.outer(counts, counts), np.add.outer(counts, counts)
    exact = chance[(total > 0) & (larger >= 0.75 * total - 1e-9)].sum() / chance[total > 0].sum()
    held, usual, p_value = concentration([9, 3], [6, 6], [n, n], share=0.5)
    assert held == 0.75
    assert p_value == pytest.approx(exact, abs=0.03)
    assert usual == pytest.approx((chance * larger / np.maximum(total, 1))[total > 0].sum(), abs=0.01)


def test_many_cases_are_no_concentration():
    """One unit of five has most events and most cases: 60 % of both."""
    assert concentration([60, 10, 10, 10, 10], [60, 10, 10, 10, 10], [600, 100, 100, 100, 100])[2] > 0.3


def test_concentration_is_seldom_found_among_equals_and_missing_without_events():
    draw = np.random.default_rng(2)
    p = [concentration(draw.binomial(200, 0.05, 30), [10] * 30, [200] * 30, seed=k)[2] for k in range(200)]
    assert np.mean(np.array(p) <= 0.05) <= 0.09
    assert np.isnan(concentration([0, 0], [1, 1], [9, 9])).all()
    with pytest.raises(MetricError, match="position 1: observed 9"):
        concentration([1, 9], [1, 1], [5, 5])
