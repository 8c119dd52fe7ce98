"""Kaplan-Meier, against the leukaemia trial that R and every textbook use."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csnb.errors import MetricError
from csnb.stats import survival

quick = settings(deadline=None, max_examples=25, derandomize=True)

# Freireich et al. (1963), Blood 21:699-716: weeks to relapse under 6-MP; 1 where the relapse was seen.
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]

# R 4.2.2, survival 3.5-3: summary(survfit(Surv(weeks, relapsed) ~ 1)), columns time, n.risk, n.event, survival, lower and upper 95% CI
R_SURVFIT = [
    (6, 21, 3, 0.857, 0.720, 1.000),
    (7, 17, 1, 0.807, 0.653, 0.996),
    (10, 15, 1, 0.753, 0.586, 0.968),
    (13, 12, 1, 0.690, 0.510, 0.935),
    (16, 11, 1, 0.627, 0.439, 0.896),
    (22, 7, 1, 0.538, 0.337, 0.858),
    (23, 6, 1, 0.448, 0.249, 0.807),
]

COLUMNS = ["time", "at_risk", "events", "survival", "low", "high"]


def test_survival_matches_r_on_freireich_1963():
    table = survival(WEEKS, RELAPSED)
    assert table.columns.tolist() == COLUMNS
    assert table.to_numpy() == pytest.approx(np.array(R_SURVFIT), abs=5e-4)


def test_without_censoring_it_is_the_plain_share_still_going():
    table = survival(pd.Series([1.0, 2, 2, 5]), pd.Series([True] * 4))
    assert table["survival"].tolist() == pytest.approx([0.75, 0.25, 0])
    assert table.loc[2, ["low", "high"]].isna().all()


def test_cases_with_a_missing_value_are_left_out():
    assert survival([*WEEKS, None, 8], [*RELAPSED, 1, None]).equals(survival(WEEKS, RELAPSED))


@pytest.mark.parametrize(("duration", "observed"), [([], []), ([3, 4], [0, 0]), ([None], [1])])
def test_where_nothing_ended_there_is_no_row(duration, observed):
    table = survival(duration, observed)
    assert table.empty
    assert table.columns.tolist() == COLUMNS


def test_a_negative_duration_is_refused():
    with pytest.raises(MetricError, match="position 1: duration -2"):
        survival([1, -2], [1, 1])


def test_what_is_no_duration_in_numbers_or_no_yes_or_no_is_refused():
    with pytest.raises(MetricError, match="not times: give seconds"):
        survival(pd.to_timedelta([1, 2], unit="h"), [1, 1])
    with pytest.raises(MetricError, match="0 or 1 at position 1: observed 2"):
        survival([1, 2], [1, 2])


@quick
@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=60))
def test_survival_falls_and_stays_within_its_limits(cases):
    duration, observed = zip(*cases, strict=True)
    table = survival(duration, observed)
    assert (table["survival"].diff().dropna() < 0).all()
    assert table["survival"].between(0, 1).all()
    going = table[table["survival"] > 0]
    assert ((going["low"] <= going["survival"]) & (going["survival"] <= going["high"])).all()
    assert table["events"].sum() == sum(observed)
