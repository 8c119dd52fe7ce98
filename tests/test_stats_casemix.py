"""Expected values from others and log odds, against scikit-learn, statsmodels and printed numbers."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression, Ridge

from csnb.errors import MetricError
from csnb.stats import expected_from_others, log_odds_effect


def cases(units, each, seed):
    """Rows of units with a case mix of three columns and an outcome that depends on it."""
    draw = np.random.default_rng(seed)
    unit = np.repeat(np.arange(units), each)
    x = draw.standard_normal((units * each, 3))
    known = x @ [0.8, -0.5, 0.2] - 0.7 + 0.4 * draw.standard_normal(units)[unit]
    return (
        x,
        (draw.random(len(unit)) < expit(known)).astype(float),
        unit,
        known + draw.standard_normal(len(unit)),
    )


def test_a_rate_is_what_scikit_learn_expects_from_the_rows_of_the_others():
    x, y, unit, _ = cases(units=30, each=60, seed=3)
    found = expected_from_others(x, y, unit).values
    for own in (0, 17):
        fit = LogisticRegression(C=1.0, tol=1e-10).fit(x[unit != own], y[unit != own])
        assert found[unit == own] == pytest.approx(fit.predict_proba(x[unit == own])[:, 1], abs=2e-4)


def test_a_mean_is_what_scikit_learn_expects_from_the_rows_of_the_others():
    x, _, unit, seconds = cases(units=12, each=20, seed=4)
    found = expected_from_others(x, seconds, unit, "mean", ridge=2.0).values
    for own in range(12):
        fit = Ridge(alpha=2.0).fit(x[unit != own], seconds[unit != own])
        assert found[unit == own] == pytest.approx(fit.predict(x[unit == own]), abs=1e-9)


def test_a_unit_that_holds_half_of_all_rows_is_taken_out_whole():
    x, y, unit, _ = cases(units=2, each=200, seed=5)
    fit = LogisticRegression(C=1.0, tol=1e-10).fit(x[unit == 1], y[unit == 1])
    found = expected_from_others(x, y, unit).values[unit == 0]
    assert found == pytest.approx(fit.predict_proba(x[unit == 0])[:, 1], abs=1e-6)


def test_its_variance_is_near_statsmodels_sandwich_where_units_are_many():
    """GLM(..., Binomial()).fit(cov_type="cluster") on the others, without small-sample correction."""
    x, y, unit, _ = cases(units=80, each=40, seed=6)
    found = expected_from_others(x, y, unit, ridge=1e-6)
    own, rest = unit == 9, unit != 9
    fit = sm.GLM(y[rest], sm.add_constant(x[rest]), family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": unit[rest], "use_correction": False}
    )
    p = found.values[own]
    toward = (sm.add_constant(x[own]) * (p * (1 - p))[:, None]).mean(axis=0) / (p.mean() * (1 - p.mean()))
    assert found.variance[9] == pytest.approx(toward @ fit.cov_params() @ toward, rel=0.15)


def test_cases_that_few_colleagues_have_are_uncertain():
    """Night cases come to four of forty units: what is expected of one rests on three others."""
    draw = np.random.default_rng(7)
    unit = np.repeat(np.arange(40), 200)
    night = (unit < 4).astype(float)
    y = (draw.random(8000) < expit(-1 + night + 0.5 * draw.standard_normal(40)[unit])).astype(float)
    variance = expected_from_others(night[:, None], y, unit).variance
    assert variance[:4].mean() > 3 * variance[4:].mean()


def test_one_unit_has_no_others_and_what_never_happens_is_never_expected():
    assert np.isnan(expected_from_others([[1], [2]], [0, 1], ["a", "a"]).values).all()
    assert expected_from_others([[1], [2]], [0, 0], ["a", "b"]).values == pytest.approx([0, 0], abs=1e-6)
    assert expected_from_others(np.empty((4, 0)), [0, 1, 1, 1], list("aabb")).values.round(2).tolist() == [
        1,
        1,
        0.5,
        0.5,
    ]


def test_expected_values_refuse_gaps_and_other_outcomes():
    with pytest.raises(MetricError, match="without missing values"):
        expected_from_others([[1], [2]], [0, None], ["a", "b"])
    with pytest.raises(MetricError, match=r"0 and 1; found 0\.5"):
        expected_from_others([[1], [2]], [0, 0.5], ["a", "b"])


def test_log_odds_and_their_variance_match_r_metafor():
    """metafor 3.8-1: escalc("PLO", xi = events, ni = n, add = 1/2, to = "all"), less the log odds of the expected."""
    events, n, due = [1601, 30, 0], [164128, 100, 40], [164128 * 0.01, 20, 10]
    table = log_odds_effect(events, due, n)
    by_metafor = np.array([-4.619906528154, -0.837886026205, -4.394449154672])
    assert table["effect"].to_numpy() == pytest.approx(by_metafor - logit(np.divide(due, n)), abs=1e-11)
    variance = [0.000630567416212, 0.046971282409022, 2.024691358024691]
    assert table["variance"].to_numpy() == pytest.approx(variance, abs=1e-14)


def test_as_expected_is_0_in_the_long_run_and_what_cannot_be_is_missing():
    assert log_odds_effect([1000], [1000], [5000])["effect"][0] == pytest.approx(0, abs=1e-3)
    table = log_odds_effect(pd.Series([0, 0, 5, 0], index=list("abcd")), [0, 0, 5, 2], [0, 9, 5, 9])
    assert table["effect"].isna().tolist() == [True, True, True, False]
    with pytest.raises(MetricError, match="position 0: observed 6"):
        log_odds_effect([6], [2], [5])
