"""Reliability, against Shrout & Fleiss 1979 and R's psych."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from csnb.errors import MetricError, ParameterError
from csnb.stats import icc, sessions_for_reliability

quick = settings(deadline=None, max_examples=25, derandomize=True)

# Shrout & Fleiss (1979), Psychological Bulletin 86:420-428, table 2: six targets, four judges.
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]

# Values and bounds as R gives them, psych 2.2.9: ICC(sf, lmer = FALSE)$results; the paper prints .17, .29, .71,
# .44, .62 and .91.
PSYCH = {
    "ICC1": (0.1657417684, -0.13293232487, 0.7225600623),
    "ICC2": (0.2897637795, 0.01878651337, 0.7610843696),
    "ICC3": (0.7148407148, 0.34246476503, 0.9458582600),
    "ICC1k": (0.4427971337, -0.88444215524, 0.9124154203),
    "ICC2k": (0.6200505476, 0.07113681530, 0.9272320402),
    "ICC3k": (0.9093155424, 0.67567471382, 0.9858916782),
}


@pytest.mark.parametrize("form", PSYCH)
def test_icc_matches_shrout_fleiss_1979_and_r_psych(form):
    assert icc(SHROUT_FLEISS).loc[form].tolist() == pytest.approx(PSYCH[form], abs=1e-9)


def test_rows_come_in_order_and_tables_and_arrays_are_alike():
    table = icc(pd.DataFrame(SHROUT_FLEISS, columns=list("abcd")))
    assert table.index.tolist() == list(PSYCH)
    assert table.equals(icc(np.array(SHROUT_FLEISS, dtype=float)))


def test_a_unit_with_a_missing_rating_is_left_out():
    assert icc([*SHROUT_FLEISS, [3, None, 4, 4]]).equals(icc(SHROUT_FLEISS))


def test_full_agreement_is_one_and_equal_units_are_missing():
    assert (icc([[1, 1], [2, 2], [5, 5]]) == 1).all(axis=None)
    assert icc([[3, 4], [3, 4], [3, 4]]).isna().all(axis=None)


def test_raters_who_differ_by_a_constant_agree_only_in_form_3():
    table = icc([[1, 4], [2, 5], [6, 9]])
    assert table.loc["ICC3", "ICC"] == pytest.approx(1)
    assert table.loc["ICC2", "ICC"] < 0.9


@pytest.mark.parametrize("ratings", [[], [[1, 2]], [[1], [2]], [[1, None], [None, 2]]])
def test_too_few_units_or_raters_are_refused(ratings):
    with pytest.raises(MetricError, match="at least two units"):
        icc(ratings)


def test_words_are_no_ratings():
    with pytest.raises(MetricError, match="ratings must be numbers"):
        icc([["good", "bad"], ["good", "good"]])


ratings = st.integers(2, 5).flatmap(
    lambda raters: st.lists(
        st.tuples(st.integers(1, 9), st.lists(st.integers(0, 2), min_size=raters, max_size=raters)).map(
            lambda unit: [unit[0] + off for off in unit[1]]
        ),
        min_size=3,
        max_size=15,
    )
)


@quick
@given(ratings)
def test_the_value_lies_within_its_bounds(ratings):
    table = icc(ratings)
    assume((table["ICC"] > 0).all())
    assert (table["low"] <= table["ICC"] + 1e-9).all()
    assert (table["ICC"] <= table["high"] + 1e-9).all()
    assert (table["high"] <= 1 + 1e-9).all()


@pytest.mark.parametrize("form", ["ICC1", "ICC2", "ICC3"])
def test_as_many_raters_are_needed_as_psych_steps_up_to(form):
    """psych's ICC of the mean of all raters is that of one, stepped up (Spearman-Brown) to its four raters."""
    single, mean = PSYCH[form][0], PSYCH[f"{form}k"][0]
    assert sessions_for_reliability(mean - 1e-6, within=1 - single, between=single) == 4
    assert sessions_for_reliability(mean + 1e-6, within=1 - single, between=single) == 5


@pytest.mark.parametrize(
    ("rho", "sd", "sessions"),
    [(0.7, 0.05, 119), (0.8, 0.05, 204), (0.7, 0.03, 331), (0.8, 0.03, 567), (0.8, 0.08, 80)],
)
def test_sessions_needed_for_a_rate_of_85_percent(rho, sd, sessions):
    """Spearman-Brown by hand: n = rho / (1 - rho) x .1275 / sd^2, rounded up."""
    assert sessions_for_reliability(rho, 0.85 * 0.15, sd**2) == sessions


@quick
@given(st.floats(0.05, 0.95), st.floats(0.001, 100), st.floats(0.001, 100))
def test_that_many_sessions_reach_the_reliability_and_one_fewer_does_not(rho, within, between):
    n = sessions_for_reliability(rho, within, between)
    assert between / (between + within / n) >= rho - 1e-6
    assert n == 1 or between / (between + within / (n - 1)) < rho + 1e-6


def test_one_session_is_enough_where_nothing_varies_within():
    assert sessions_for_reliability(0.8, 0, 1) == 1


@pytest.mark.parametrize("wrong", [(0, 1, 1), (1, 1, 1), (0.8, -1, 1), (0.8, 1, 0)])
def test_an_impossible_reliability_is_refused(wrong):
    with pytest.raises(ParameterError, match="rho must lie between 0 and 1"):
        sessions_for_reliability(*wrong)
