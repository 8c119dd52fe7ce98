"""E-values and attributable fractions, against published numbers, Stata and numerical derivatives."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.stats import t

from csnb.errors import MetricError
from csnb.stats import attributable_fraction, e_value

quick = settings(deadline=None, max_examples=25, derandomize=True)


@pytest.mark.parametrize(
    ("rr", "low", "high", "point", "bound"),
    [
        (0.80, 0.71, 0.91, 1.81, 1.43),  # leukaemia
        (3.9, 1.8, 8.7, 7.26, 3.0),  # breastfeeding and respiratory infection
        (10.73, 8.02, 14.36, 20.95, 15.52),  # smoking and lung cancer, Hammond & Horn 1958
    ],
)
def test_e_values_match_vanderweele_ding_2017(rr, low, high, point, bound):
    """VanderWeele & Ding (2017), Annals of Internal Medicine 167:268-274; R: EValue::evalues.RR(rr, low, high)."""
    assert e_value(rr, low, high) == pytest.approx((point, bound), abs=5e-3)


def test_an_interval_that_holds_one_needs_no_hidden_factor():
    assert e_value(1.5, 0.9, 2.5)[1] == 1
    assert e_value(0.7, 0.4, 1.2)[1] == 1
    assert e_value(1, 0.9, 1.1) == (1, 1)


def test_without_limits_there_is_no_bound():
    point, bound = e_value(2)
    assert point == pytest.approx(2 + 2**0.5)
    assert np.isnan(bound)


@quick
@given(st.floats(0.05, 20))
def test_harm_and_protection_of_one_size_have_one_e_value(rr):
    assert e_value(rr)[0] == pytest.approx(e_value(1 / rr)[0])
    assert e_value(rr)[0] >= 1


def test_e_values_are_of_one_risk_ratio_at_a_time():
    with pytest.raises(MetricError, match="one number each"):
        e_value(np.array([2.0, 3.0]))


@pytest.mark.parametrize("wrong", [(0,), (-1,), (2, 2.5, 3), (2, 1, 1.5)])
def test_an_impossible_risk_ratio_is_refused(wrong):
    with pytest.raises(MetricError, match="0 < low <= rr <= high must hold"):
        e_value(*wrong)


def conversations(draw, rows=800):
    """Slow replies spoil more conversations of one shop, and of busy hours."""
    shop, load, agent = draw.integers(0, 3, rows), draw.uniform(0, 4, rows), draw.integers(0, 20, rows)
    slow = (draw.uniform(0, 1, rows) < 0.2 + 0.1 * load).astype(int)
    logit = -2 + 0.9 * slow + 0.3 * load + 0.4 * (shop == 1) + 0.5 * draw.standard_normal(20)[agent]
    bad = (draw.uniform(0, 1, rows) < 1 / (1 + np.exp(-logit))).astype(int)
    return pd.DataFrame(
        {"shop": np.array(list("ABC"))[shop], "load": load, "agent": agent, "slow": slow, "bad": bad}
    )


def fourfold(exposed_cases, cases, exposed_others, others):
    """One row a person of a table of exposure by outcome."""
    counts = [exposed_cases, cases, exposed_others, others]
    table = pd.DataFrame({"exposed": [1, 0, 1, 0], "case": [1, 1, 0, 0]})
    return table.loc[table.index.repeat(counts)].reset_index(drop=True)


@pytest.mark.parametrize(
    ("counts", "stata"),
    [
        ((7, 1, 27, 33), 0.75),  # csi 7 1 27 33; table of Fagerland, Lydersen & Laake (2015)
        ((259, 571, 318, 1365), 0.107013),  # cs death newbmi1: obesity and death over 24 years, Framingham
    ],
)
def test_a_fourfold_table_has_statas_attributable_fraction(counts, stata):
    paf, low, high = attributable_fraction(fourfold(*counts), "case", "exposed")
    assert paf == pytest.approx(stata, abs=5e-7)
    assert low < paf < high


def test_the_interval_is_the_delta_method_by_numerical_derivative():
    data = conversations(np.random.default_rng(9))
    x = np.column_stack(
        [np.ones(len(data)), data["slow"], data["load"], data["shop"] == "B", data["shop"] == "C"]
    )
    x = x.astype(float)
    fit = sm.Logit(data["bad"].to_numpy(), x).fit(disp=0, tol=1e-12)
    unexposed = x * [1, 0, 1, 1, 1]

    def paf_of(beta):
        risk, without = (1 / (1 + np.exp(-rows @ beta)) for rows in (x, unexposed))
        return 1 - without.mean() / risk.mean()

    slope = approx_fprime(fit.params, paf_of, 1e-7)
    margin = 1.959964 * np.sqrt(slope @ fit.cov_params() @ slope)
    expected = (paf_of(fit.params), paf_of(fit.params) - margin, paf_of(fit.params) + margin)
    assert attributable_fraction(data, "bad", "slow", ["load", "shop"]) == pytest.approx(expected, abs=1e-6)


def test_rows_of_one_agent_are_not_counted_as_strangers():
    data = conversations(np.random.default_rng(9))
    plain = attributable_fraction(data, "bad", "slow", ["load"])
    doubled = pd.concat([data.assign(row=range(len(data)))] * 2)
    once = attributable_fraction(data.assign(row=range(len(data))), "bad", "slow", ["load"], cluster="row")
    twice = attributable_fraction(doubled, "bad", "slow", ["load"], cluster="row")
    assert twice == pytest.approx(once, rel=1e-2)
    assert plain[0] == pytest.approx(once[0])


def test_few_clusters_have_the_corrected_variance_of_statsmodels():
    """GEE with independent rows is the same fit; its `bias_reduced` variance is that of Mancl & DeRouen (2001)."""
    data = conversations(np.random.default_rng(9)).assign(agent=lambda rows: np.arange(len(rows)) % 12)
    x = np.column_stack([np.ones(len(data)), data["slow"], data["load"]]).astype(float)
    model = sm.GEE(data["bad"].to_numpy(), x, data["agent"].to_numpy(), family=sm.families.Binomial())
    fit = model.fit(cov_type="bias_reduced")
    unexposed = x * [1, 0, 1]

    def paf_of(beta):
        risk, without = (1 / (1 + np.exp(-rows @ beta)) for rows in (x, unexposed))
        return 1 - without.mean() / risk.mean()

    slope = approx_fprime(fit.params, paf_of, 1e-7)
    margin = t.ppf(0.975, 11) * np.sqrt(slope @ fit.cov_robust_bc @ slope)
    paf, low, high = attributable_fraction(data, "bad", "slow", "load", cluster="agent")
    assert (high - low) / 2 == pytest.approx(margin, rel=1e-5)
    assert paf == pytest.approx(paf_of(fit.params), abs=1e-6)


def test_several_exposures_are_taken_away_together():
    data = conversations(np.random.default_rng(9))
    both = attributable_fraction(data, "bad", ["slow", "load"], "shop")[0]
    assert both > attributable_fraction(data, "bad", "slow", ["load", "shop"])[0] > 0


def test_missing_values_leave_a_row_out_and_truth_values_count():
    data = conversations(np.random.default_rng(9), rows=300)
    gap = pd.concat([data, data.head(1).assign(load=np.nan)])
    assert attributable_fraction(gap, "bad", "slow", "load") == attributable_fraction(
        data, "bad", "slow", "load"
    )
    truths = data.astype({"bad": bool, "slow": bool})
    assert attributable_fraction(truths, "bad", "slow", "load") == attributable_fraction(
        data, "bad", "slow", "load"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"slow": 0}, "slow is the same in all 300 rows"),
        ({"bad": 1}, "bad is the same in all 300 rows"),
        ({"bad": 2}, "bad must be 0 or 1; found 2"),
    ],
)
def test_nothing_to_compare_is_refused(change, message):
    data = conversations(np.random.default_rng(9), rows=300).assign(**change)
    with pytest.raises(MetricError, match=message):
        attributable_fraction(data, "bad", "slow")
    with pytest.raises(MetricError, match="no column 'late'"):
        attributable_fraction(data, "bad", "late")
