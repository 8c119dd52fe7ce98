"""Funnel, shrinkage and ranks, against published tables, statsmodels and SciPy."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from csnb.errors import MetricError, ParameterError
from csnb.stats import funnel, rank_intervals, shrink, tau2_interval

quick = settings(deadline=None, max_examples=25, derandomize=True)

# Efron & Morris (1977), Scientific American 236(5):119-127: hits of the first 45 at bats, 1970, and their
# James-Stein estimates (shrinking factor .212 toward .265).
HITS = [18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7]
JAMES_STEIN = [294, 289, 285, 280, 275, 275, 270, 266, 261, 261, 256, 256, 256, 256, 256, 251, 247, 242]

# Colditz et al. (1994), JAMA 271:698-702: BCG trials; cases and others, vaccinated and not.
BCG = np.array(
    [
        (4, 119, 11, 128),
        (6, 300, 29, 274),
        (3, 228, 11, 209),
        (62, 13536, 248, 12619),
        (33, 5036, 47, 5761),
        (180, 1361, 372, 1079),
        (8, 2537, 10, 619),
        (505, 87886, 499, 87892),
        (29, 7470, 45, 7232),
        (17, 1699, 65, 1600),
        (186, 50448, 141, 27197),
        (5, 2493, 3, 2338),
        (27, 16886, 29, 17825),
    ],
    dtype=float,
)

# Twelve made-up units: events, cases, expected events. phi and tau2 as R's FunnelPlotR gives them: its functions
# winsorisation, phi_func and tau_func, R 4.2.2, on z of proportions and of ratios.
SEEN = [31, 52, 18, 75, 40, 26, 63, 22, 58, 35, 90, 12]
OF = [210, 250, 180, 320, 205, 190, 260, 240, 230, 275, 300, 160]
DUE = [33.6, 42.5, 27.0, 64.0, 36.9, 30.4, 49.4, 36.0, 46.0, 46.75, 54.0, 22.4]
FUNNELPLOTR = {"proportion": (3.09258555725, 0.00143671587148), "ratio": (2.56744108483, 0.044517783855)}

# Ten made-up estimates and their variances, and the ranks that R's csranks holds possible: the steps of its
# csdiffmeans(stepdown = TRUE) with 200,000 draws, R 4.2.2; 1 is the largest.
ESTIMATES = [2.1, 1.9, 1.2, 1.1, 0.9, 0.3, 0.25, 0.0, -0.6, -1.4]
VARIANCES = [0.02, 0.05, 0.03, 0.01, 0.08, 0.02, 0.04, 0.03, 0.05, 0.06]
CSRANKS = {"rank_low": [1, 1, 2, 3, 2, 5, 5, 5, 7, 9], "rank_high": [2, 4, 5, 5, 8, 8, 9, 9, 10, 10]}

estimates = st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 2)), min_size=1, max_size=30)


def bcg_effects():
    """Log relative risks and their variances."""
    a, b, c, d = BCG.T
    return np.log(a / (a + b)) - np.log(c / (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def test_plain_z_is_observed_less_expected_over_chance():
    table = funnel([30, 10, 20], [20, 20, 20], [100, 100, 100])
    assert table["z"].tolist() == pytest.approx([2.5, -2.5, 0])
    assert funnel([30, 10], [20, 20], method="ratio")["z"].tolist() == pytest.approx([5**0.5, -(5**0.5)])


@pytest.mark.parametrize("method", ["proportion", "ratio"])
def test_exact_limits_cut_scipys_distribution_at_their_level(method):
    """Between two counts the distribution is drawn as a line (Spiegelhalter 2005, appendix A.1.1)."""
    n, expected = 400, 60.0
    row = funnel([60], [expected], [n], method=method).iloc[0]
    chance = stats.binom(n, expected / n) if method == "proportion" else stats.poisson(expected)
    base = n if method == "proportion" else expected
    levels = {"low95": 0.025, "high95": 0.975, "low998": 0.001, "high998": 0.999}
    for name, level in levels.items():
        count = row[name] * base
        assert np.interp(
            count, [np.floor(count), np.ceil(count)], chance.cdf([np.floor(count), np.ceil(count)])
        ) == (pytest.approx(level, abs=1e-9))


@pytest.mark.parametrize("method", FUNNELPLOTR)
def test_phi_and_tau2_match_r_funnelplotr(method):
    phi, tau2 = FUNNELPLOTR[method]
    table = funnel(SEEN, DUE, OF, method)
    assert table["phi"].unique() == pytest.approx([phi], abs=1e-10)
    assert table["tau2"].unique() == pytest.approx([tau2], abs=1e-12)


def test_tau2_is_dersimonian_laird_where_nothing_is_drawn_in():
    """With tied extremes winsorising changes nothing, and with the mean on target Q is Cochran's."""
    observed = np.array([20, 20, 20, 35, 40, 40, 45, 60, 60, 60], dtype=float)
    table = funnel(observed, np.full(10, 40.0), np.full(10, 200.0))
    expected = combine_effects(observed / 200, np.full(10, 0.2 * 0.8 / 200), method_re="chi2").tau2
    assert table["phi"].iloc[0] == pytest.approx((table["z"] ** 2).mean())
    assert table["tau2"].iloc[0] == pytest.approx(expected, rel=1e-9)


def test_one_strange_unit_does_not_make_all_units_look_varied():
    calm = np.tile([36.0, 38, 40, 42, 44], 8)
    strange = calm.copy()
    strange[0] = 150
    tables = [funnel(observed, np.full(40, 40.0), np.full(40, 200.0)) for observed in (calm, strange)]
    assert tables[1]["tau2"].iloc[0] == tables[0]["tau2"].iloc[0] == 0
    assert tables[1]["phi"].iloc[0] < 1


def test_over_dispersed_limits_are_wider():
    draw = np.random.default_rng(5)
    rate = 1 / (1 + np.exp(-(-1.5 + 0.6 * draw.standard_normal(60))))
    table = funnel(draw.binomial(400, rate), np.full(60, 400 * rate.mean()), np.full(60, 400))
    assert table["tau2"].iloc[0] > 0
    assert (table["high998_od"] > table["high998"]).all()
    assert (table["low998_od"] < table["low998"]).all()


@quick
@given(
    st.lists(st.tuples(st.integers(1, 500), st.floats(0.01, 0.99), st.floats(0, 1)), min_size=1, max_size=20)
)
def test_funnel_limits_lie_around_the_expected_rate_and_within_0_and_1(units):
    n, target, share = (np.array(column) for column in zip(*units, strict=True))
    table = funnel(np.floor(n * share), n * target, n)
    for name in ("95", "998", "95_od", "998_od"):
        assert (table[f"low{name}"] >= 0).all()
        assert (table[f"low{name}"] <= target + 1e-12).all()
        assert (table[f"high{name}"] >= target - 1e-12).all()
        assert (table[f"high{name}"] <= 1).all()


def test_a_unit_without_cases_is_missing_and_changes_nothing():
    plain = funnel([30, 10, 20], [20, 20, 20], [100, 100, 100])
    wider = funnel([30, 0, 10, 20], [20, 0, 20, 20], [100, 0, 100, 100])
    assert wider.drop(index=1).to_numpy().tolist() == plain.to_numpy().tolist()
    assert wider.loc[1].drop(["phi", "tau2"]).isna().all()
    certain = funnel([30, 9, 10, 20], [20, 10, 20, 20], [100, 10, 100, 100])
    assert certain.drop(index=1).to_numpy().tolist() == plain.to_numpy().tolist()
    assert certain.loc[1].drop(["phi", "tau2"]).isna().all()
    assert funnel([], [], []).empty


def test_funnel_keeps_the_index_and_refuses_what_cannot_be():
    observed = pd.Series([30, 10], index=["小林", "小陈"])
    assert funnel(observed, [20, 20], [100, 100]).index.tolist() == ["小林", "小陈"]
    with pytest.raises(MetricError, match="position 0: observed 30, expected 20, n 25"):
        funnel(observed, [20, 20], [25, 100])
    with pytest.raises(MetricError, match=r"whole numbers of cases at position 1: n 90\.5"):
        funnel(observed, [20, 20], [100, 90.5])
    with pytest.raises(MetricError, match="needs n"):
        funnel(observed, [20, 20])
    with pytest.raises(ParameterError, match="proportion, ratio; got: 'rate'"):
        funnel(observed, [20, 20], [100, 100], method="rate")


def test_shrink_matches_efron_morris_1977():
    rate = np.array(HITS) / 45
    table = shrink(rate, np.full(18, rate.mean() * (1 - rate.mean()) / 45))
    assert (table["shrunk"] * 1000).to_numpy() == pytest.approx(JAMES_STEIN, abs=1)


def test_tau2_matches_metafor_on_the_bcg_trials():
    """R metafor 3.8-1: rma(yi, vi, data = escalc("RR", ...), method = "PM", control = list(tol = 1e-14))$tau2."""
    assert shrink(*bcg_effects())["tau2"].iloc[0] == pytest.approx(0.318068452205, abs=1e-10)


def test_the_interval_of_tau2_matches_metafor_on_the_bcg_trials():
    """R metafor, confint(res): Viechtbauer (2010), Journal of Statistical Software 36(3)."""
    effect, variance = bcg_effects()
    assert tau2_interval(effect, variance) == pytest.approx((0.1197, 1.1115), abs=5e-5)
    lowest, highest = tau2_interval(effect, variance, confidence=0.8)
    assert 0.1197 < lowest < shrink(effect, variance)["tau2"].iloc[0] < highest < 1.1115


@pytest.mark.parametrize("tau2", [0.0, 0.02, 0.1])
def test_the_interval_of_tau2_covers(tau2):
    draw = np.random.default_rng(5)
    covered = 0
    for _ in range(400):
        variance = draw.uniform(0.02, 0.06, 30)
        low, high = tau2_interval(draw.normal(0, np.sqrt(variance + tau2)), variance)
        covered += low <= tau2 <= high
    assert 0.93 <= covered / 400 <= 0.99


def test_the_interval_of_tau2_is_0_where_estimates_agree_too_well_and_missing_for_one_unit():
    assert tau2_interval([0.1, 0.1, 0.1, np.nan], [0.2, 0.2, 0.2, 0.2]) == (0, 0)
    assert np.isnan(tau2_interval([0.1], [0.2])).all()
    with pytest.raises(MetricError, match="greater than 0"):
        tau2_interval([0.1, 0.2], [0.2, 0.0])


def test_variance_is_morris_1983_for_equal_variances():
    """B v-part plus 2/(K-3) B^2 (y - mean)^2, Morris (1983), JASA 78:47-55, equation 1.17."""
    y, v = np.array([0.9, 0.1, -0.2, -0.8, 1.4, -1.1]), 0.1
    pull = (len(y) - 3) * v / ((y - y.mean()) ** 2).sum()
    expected = v * (1 - (len(y) - 1) / len(y) * pull) + 2 / (len(y) - 3) * pull**2 * (y - y.mean()) ** 2
    assert shrink(y, [v] * 6)["variance"].to_numpy() == pytest.approx(expected, rel=1e-6)


@quick
@given(estimates)
def test_shrunk_estimates_lie_between_the_raw_ones_and_their_mean(units):
    y, v = (np.array(column) for column in zip(*units, strict=True))
    table = shrink(y, v)
    mean = np.average(y, weights=1 / (v + table["tau2"]))
    low, high = np.minimum(y, mean), np.maximum(y, mean)
    assert ((table["shrunk"] >= low - 1e-9) & (table["shrunk"] <= high + 1e-9)).all()
    assert (table["variance"] > 0).all()


@pytest.mark.parametrize("units", [20, 40])
@pytest.mark.parametrize("tau", [0.0, 0.1, 0.2, 0.25, 0.35])
@pytest.mark.parametrize("v", [(0.02, 0.02), (0.05, 0.05), (0.1, 0.1), (0.2, 0.2), (0.02, 0.2)])
def test_shrunk_intervals_cover_the_truth(v, tau, units):
    """Also where chance could explain the whole spread, so that tau2 is often estimated as 0."""
    draw = np.random.default_rng(20)
    inside = []
    for _ in range(200):
        truth, variance = tau * draw.standard_normal(units), draw.uniform(*v, units)
        table = shrink(truth + np.sqrt(variance) * draw.standard_normal(units), variance)
        inside.append(np.abs(table["shrunk"] - truth) <= 1.96 * np.sqrt(table["variance"]))
    assert np.mean(inside) >= 0.93


@pytest.mark.parametrize("units", [1, 2, 3])
def test_three_units_or_fewer_return_as_they_came(units):
    table = shrink(np.arange(units, dtype=float), np.full(units, 0.1))
    assert table["shrunk"].tolist() == list(range(units))
    assert table["variance"].tolist() == [0.1] * units


def test_a_missing_effect_stays_missing_and_a_zero_variance_is_refused():
    table = shrink([0.9, None, 0.1, -0.2, -0.8], [0.1] * 5)
    assert table["shrunk"].dropna().tolist() == shrink([0.9, 0.1, -0.2, -0.8], [0.1] * 4)["shrunk"].tolist()
    assert np.isnan(table["shrunk"][1])
    assert shrink([], []).empty
    with pytest.raises(MetricError, match=r"position 1: effect 0\.1, variance 0"):
        shrink([0.9, 0.1], [0.1, 0])


def test_rank_intervals_match_r_csranks():
    table = rank_intervals(ESTIMATES, VARIANCES)
    assert table["rank"].tolist() == list(range(1, 11))
    assert table[["rank_low", "rank_high"]].to_dict("list") == CSRANKS


def test_two_units_are_apart_at_the_studentized_range():
    """The largest of all pairwise distances of equal units has the studentized range, R: qtukey(.95, K, Inf)."""
    units = 12
    edge = stats.studentized_range.ppf(0.95, units, np.inf)
    for distance, apart in ((edge * 1.05, True), (edge * 0.95, False)):
        effect = np.r_[distance, np.full(units - 2, distance / 2), 0.0]
        table = rank_intervals(effect, np.ones(units))
        assert (table["rank_high"].iloc[0] == units - 1) == apart
        assert (table["rank_low"].iloc[-1] == 2) == apart


def test_setting_aside_clear_pairs_sharpens_the_rest():
    """Six pairs of near units, far from each other: one step tests 66 pairs, the second far fewer."""
    gap = stats.studentized_range.ppf(0.95, 12, np.inf) * 0.96
    effect = np.repeat(np.arange(6) * 100.0, 2) + np.tile([0.0, gap], 6)
    assert (rank_intervals(effect, np.ones(12)).nunique() == 12).all()


def test_equal_units_are_seldom_told_apart():
    draw = np.random.default_rng(8)
    wrong = [
        (rank_intervals(draw.standard_normal(8), np.ones(8), seed=seed)["rank_low"] > 1).any()
        for seed in range(100)
    ]
    assert np.mean(wrong) <= 0.08


def test_clear_units_have_one_rank_and_one_unit_is_first():
    table = rank_intervals(pd.Series([10.0, 30.0, 20.0], index=list("abc")), [0.01] * 3)
    assert table.loc["b"].tolist() == [1, 1, 1]
    assert table.loc["a"].tolist() == [3, 3, 3]
    assert rank_intervals([4.2], [1]).to_numpy().tolist() == [[1, 1, 1]]
    assert rank_intervals([], []).empty
    assert rank_intervals([3, 2, 2], [0, 0, 0]).to_numpy().tolist() == [[1, 1, 1], [2, 2, 3], [2, 2, 3]]


def test_a_unit_without_an_estimate_has_no_rank_and_counts_for_nobody():
    table = rank_intervals([1.0, None, 9.0], [0.1, 0.1, 0.1])
    assert table["rank"].isna().tolist() == [False, True, False]
    assert table["rank_high"].dropna().tolist() == [2, 1]


@quick
@given(estimates, st.randoms(use_true_random=False))
def test_ranks_lie_in_their_intervals_whatever_the_order(units, random):
    y, v = (np.array(column) for column in zip(*units, strict=True))
    table = rank_intervals(y, v)
    assert (table["rank_low"] <= table["rank"]).all()
    assert (table["rank"] <= table["rank_high"]).all()
    assert (table["rank_high"] <= len(y)).all()
    assert table.equals(rank_intervals(y, v))
    order = random.sample(range(len(y)), len(y))
    assert rank_intervals(y[order], v[order])["rank"].tolist() == table["rank"].iloc[order].tolist()


def test_two_hundred_agents_are_ranked_in_seconds():
    draw = np.random.default_rng(1)
    table = rank_intervals(draw.normal(0, 0.3, 200), draw.uniform(0.01, 0.1, 200))
    assert table["rank"].tolist().count(1) == 1
    assert (table["rank_high"] - table["rank_low"]).mean() < 199
