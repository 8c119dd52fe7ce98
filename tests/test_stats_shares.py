"""Shares from labels and machine scores, against a textbook and ppi-python."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stats_reference import reference

from csnb.errors import MetricError
from csnb.stats import stratified_difference, wilson_interval

quick = settings(deadline=None, max_examples=25, derandomize=True)


def households():
    """Scheaffer, Mendenhall & Ott, Elementary Survey Sampling, example 5.14: who watches a programme, by area."""
    areas = [("town A", 155, 20, 16), ("town B", 62, 8, 2), ("rural", 93, 12, 6)]
    rows = [
        (area, number < sampled, float(number < viewers) if number < sampled else np.nan)
        for area, size, sampled, viewers in areas
        for number in range(size)
    ]
    return pd.DataFrame(rows, columns=["area", "labelled", "y"])


@st.composite
def population(draw):
    """Three strata, each with at least two labels, and any scores."""
    sizes = draw(st.lists(st.integers(3, 30), min_size=3, max_size=3))
    strata = np.repeat(list("abc"), sizes)
    labelled = np.concatenate([np.arange(size) < draw(st.integers(2, size)) for size in sizes])
    y = np.array(draw(st.lists(st.integers(0, 1), min_size=len(strata), max_size=len(strata))), dtype=float)
    f = np.array(draw(st.lists(st.floats(0, 1), min_size=len(strata), max_size=len(strata))))
    return strata, labelled, y, f


def test_without_a_score_it_is_the_textbooks_stratified_share():
    """The book's example: share .60, estimated variance .0045; R survey 4.1-1, svymean with fpc: SE .0674412407137."""
    table = households()
    estimate, low, high, n_effective = stratified_difference(
        table["area"], table["labelled"], table["y"], np.zeros(len(table))
    )
    assert estimate == pytest.approx(0.60, abs=1e-12)
    assert estimate * (1 - estimate) / n_effective == pytest.approx(0.0674412407137**2, abs=1e-12)
    n = (
        n_effective * (1.959964 / 2.026192) ** 2
    )  # printed t table: 37 degrees of freedom, 40 households in 3 areas
    assert (low, high) == pytest.approx(wilson_interval(estimate * n, n), abs=1e-6)


# Made-up scores of the forty labelled households above.
SCORES = [
    0.7,
    0.9,
    0.8,
    0.6,
    0.75,
    0.85,
    0.95,
    0.5,
    0.65,
    0.7,
    0.8,
    0.9,
    0.6,
    0.7,
    0.85,
    0.75,
    0.4,
    0.3,
    0.55,
    0.2,
]
SCORES += [
    0.5,
    0.6,
    0.2,
    0.1,
    0.3,
    0.25,
    0.35,
    0.15,
    0.6,
    0.7,
    0.5,
    0.8,
    0.65,
    0.55,
    0.3,
    0.2,
    0.4,
    0.1,
    0.35,
    0.25,
]


def test_with_a_score_it_is_r_surveys_mean_of_what_the_score_is_off():
    """survey 4.1-1: svymean(~I(y - f), svydesign(~1, strata = ~area, fpc = ~size)): .0675, SE .0458284611071."""
    table = households()
    f = np.full(len(table), 0.5)
    f[table["labelled"]] = SCORES
    estimate, _, _, n_effective = stratified_difference(table["area"], table["labelled"], table["y"], f)
    assert estimate == pytest.approx(f.mean() + 0.0675, abs=1e-12)
    assert estimate * (1 - estimate) / n_effective == pytest.approx(0.0458284611071**2, abs=1e-12)


def test_one_stratum_matches_ppi_python():
    """PPI takes the machine's mean over the unlabelled only; over all it counts by their share of all."""
    table, expected = reference("ppi_table.csv"), reference("ppi_expected.json")["results"]
    estimate, low, high, _ = stratified_difference(
        np.zeros(len(table)), table["labelled"], table["y"], table["f"]
    )
    by_hand, ppi = expected["0"], expected["1"]
    unlabelled = 1 - table["labelled"].mean()
    assert estimate == pytest.approx(by_hand["est"] + unlabelled * (ppi["est"] - by_hand["est"]), abs=1e-12)
    assert high - low == pytest.approx(ppi["hi"] - ppi["lo"], rel=0.12)
    assert high - low < by_hand["hi"] - by_hand["lo"]


@quick
@given(population())
def test_the_estimate_lies_in_its_interval_whatever_the_order_and_names(data):
    strata, labelled, y, f = data
    estimate, low, high, n_effective = stratified_difference(*data)
    assert 0 <= low <= estimate <= high <= 1
    assert n_effective > 0
    order = np.arange(len(strata))[::-1]
    other = stratified_difference(
        [f"stratum {name}" for name in strata[order]], labelled[order], y[order], f[order]
    )
    assert other == pytest.approx((estimate, low, high, n_effective))


@quick
@given(population())
def test_labels_of_unlabelled_conversations_are_never_looked_at(data):
    strata, labelled, y, f = data
    assert stratified_difference(strata, labelled, np.where(labelled, y, np.nan), f) == stratified_difference(
        *data
    )


@quick
@given(population())
def test_with_all_labelled_it_is_the_plain_share(data):
    strata, _, y, f = data
    estimate, low, high, n_effective = stratified_difference(strata, np.ones(len(y)), y, f)
    assert estimate == low == high == pytest.approx(y.mean())
    assert n_effective == np.inf


def test_intervals_hold_the_truth_although_the_score_is_badly_calibrated():
    draw = np.random.default_rng(6)
    inside, widths, plain_widths = [], [], []
    for _ in range(200):
        truth = draw.uniform(0, 1, 2000) ** 2
        y = (draw.uniform(0, 1, 2000) < truth).astype(float)
        f = np.clip(truth * 0.6 + 0.3, 0, 1)
        strata = np.digitize(truth, [0.1, 0.3, 0.6])
        labelled = np.zeros(2000)
        for stratum in range(4):
            labelled[draw.choice(np.flatnonzero(strata == stratum), 50, replace=False)] = 1
        _, low, high, _ = stratified_difference(strata, labelled, y, f)
        inside.append(low <= y.mean() <= high)
        widths.append(high - low)
        plain_widths.append(np.diff(wilson_interval(200 * y.mean(), 200)))
    assert np.mean(inside) >= 0.92
    assert np.mean(widths) < np.mean(plain_widths)


@pytest.mark.parametrize("score", [[0.0] * 100, [0.01, 0.02] * 50])
def test_labels_that_never_vary_still_leave_doubt(score):
    estimate, low, high, n_effective = stratified_difference(
        ["a"] * 100, [1] * 10 + [0] * 90, [0] * 100, score
    )
    assert estimate == pytest.approx(0)
    assert n_effective == 10
    assert (low, high) == pytest.approx(wilson_interval(0, 10))


def test_nothing_is_missing():
    assert np.isnan(stratified_difference([], [], [], [])).all()


@pytest.mark.parametrize(
    ("labelled", "y", "f", "message"),
    [
        ([1, 0, 1, 1], [0, 1, 0, 1], [0.5] * 4, "stratum 'a' has 1 labels for 2 conversations"),
        ([1, 1, 1, 1], [0, None, 0, 1], [0.5] * 4, "position 1: y nan"),
        ([1, 1, 1, 1], [0, 5, 0, 1], [0.5] * 4, "position 1: y 5"),
        ([1, 1, 1, 1], [0, 1, 0, 1], [0.5, 0.5, None, 0.5], "position 2: f nan"),
    ],
)
def test_what_is_no_sample_is_refused_in_words(labelled, y, f, message):
    with pytest.raises(MetricError, match=message):
        stratified_difference(list("aabb"), labelled, y, f)
