"""Bounds hold whatever the truth is, and are as narrow as what is assumed allows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csnb.bounds import bound_sides, measure_response_bias
from csnb.errors import ParameterError
from csnb.human import ESTIMANDS
from csnb.sides import SIDES

quick = settings(deadline=None, max_examples=60)


def sides_of(inside, outside):
    """Name the sides of conversations with and without each kind of reason."""
    return np.select(
        [inside & outside, inside, outside], ["mixed", "controllable", "uncontrollable"], "unexplained"
    )


@quick
@given(st.integers(0, 10**6), st.floats(0, 1), st.floats(0, 1), st.floats(0.7, 1))
def test_bounds_hold_the_truth_whenever_the_machine_errs_no_more_than_assumed(
    seed, inside, outside, least_right
):
    draw = np.random.default_rng(seed)
    truth = draw.random((400, 2)) < [inside, outside]
    rate = draw.uniform(least_right, 1, (2, 2))
    seen = np.where(truth, draw.random(truth.shape) < rate[0], draw.random(truth.shape) >= rate[1])
    for k in range(2):
        hits, clears = seen[truth[:, k], k], ~seen[~truth[:, k], k]
        if (len(hits) and hits.mean() < least_right) or (len(clears) and clears.mean() < least_right):
            return
    true_sides = pd.Series(sides_of(*truth.T))
    split = (true_sides == "controllable").mean() + 0.3 * (true_sides == "mixed").mean()
    true = {side: (true_sides == side).mean() for side in SIDES} | {"any": truth[:, 0].mean(), "split": split}
    bounds = bound_sides(pd.DataFrame({"side": sides_of(*seen.T)}), least_right)
    for name in ESTIMANDS:
        low, high = bounds[name]
        assert low - 1e-12 <= true[name] <= high + 1e-12


def test_a_machine_that_never_errs_leaves_no_room():
    bounds = bound_sides(pd.DataFrame({"side": ["controllable"] * 3 + ["uncontrollable"]}), 1.0)
    assert bounds["any"] == (0.75, 0.75)


@pytest.mark.parametrize("least_right", [0.5, 1.2])
def test_a_machine_no_better_than_chance_bounds_nothing(least_right):
    with pytest.raises(ParameterError, match=r"least_right must be above 0\.5"):
        bound_sides(pd.DataFrame({"side": ["mixed"]}), least_right)


def rated(satisfied, dissatisfied, silent):
    """Give sessions, of which all are invited."""
    n = satisfied + dissatisfied + silent
    return pd.DataFrame({
        "is_rated": [True] * (n - silent) + [False] * silent,
        "is_satisfied": pd.array([True] * satisfied + [False] * dissatisfied + [None] * silent, "boolean"),
        "is_invited": pd.array([True] * n, "boolean"), "left_out_because": None, "platform": "jd", "rulepack": "jd", "shop": "A",
    })  # fmt: skip


def test_every_assumption_says_of_how_many_and_how_many_of_them_rated():
    of_all = measure_response_bias(rated(60, 40, 900)).set_index("assumption")
    assert of_all.loc["any", ["low", "high"]].to_list() == pytest.approx([0.06, 0.96])
    assert of_all.loc["same", "value"] == pytest.approx(0.6)
    assert of_all.loc["x2", "value"] == pytest.approx(0.06 + 0.9 * 0.75)  # odds 3:2 become 3:1
    assert of_all["n"].to_list() == [1000] * 5 and of_all["rated_count"].to_list() == [100] * 5


def test_what_the_silent_think_lies_in_the_bounds_and_on_the_curve():
    """If the unrated are satisfied with odds g times those of the rated, the row of g is the truth."""
    for tilt, name in ((1, "same"), (1.5, "x1.5"), (3, "x3")):
        odds = tilt * 0.25
        truth = 0.2 * 0.2 + 0.8 * odds / (1 + odds)
        of_all = measure_response_bias(rated(20, 80, 400)).set_index("assumption")
        assert of_all.loc[name, "value"] == pytest.approx(truth)
        assert of_all.loc["any", "low"] <= truth <= of_all.loc["any", "high"]


@pytest.mark.parametrize(
    ("sessions", "bounds"), [(rated(0, 0, 10), [0, 1]), (rated(3, 0, 0), [1, 1]), (rated(0, 4, 4), [0, 0.5])]
)
def test_few_ratings_leave_only_bounds(sessions, bounds):
    of_all = measure_response_bias(sessions).set_index("assumption")
    assert of_all.loc["any", ["low", "high"]].to_list() == bounds
    assert of_all.loc[["same", "x3"], "value"].isna().all()


def test_no_session_and_groups():
    table = measure_response_bias(rated(0, 0, 0))
    assert table["value"].isna().all()
    by_shop = measure_response_bias(rated(6, 4, 10), by="shop")
    assert set(by_shop["shop"]) == {"A"} and len(by_shop) == 5
