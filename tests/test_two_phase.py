"""The arithmetic of the honest share, against PPI++, the house's difference estimator and double sampling."""

import numpy as np
import pytest
from stats_reference import reference

from csnb.stats import stratified_difference, wilson_interval
from csnb.two_phase import correct_coders, lean_on_machine, share_intervals, two_phase


def drawn_population(seed, strata=3, each=40, labels=12):
    """Give a population in strata, a sample of each, labels of two shares and scores of some use."""
    draw = np.random.default_rng(seed)
    stratum = np.repeat(np.arange(strata), each)
    y = (draw.random((len(stratum), 2)) < [0.3, 0.7]).astype(float)
    f = np.clip(0.5 * y + 0.6 * draw.random(y.shape), 0, 1)
    labelled = np.concatenate([draw.permutation(each) < labels for _ in range(strata)])
    return stratum, labelled, y, f


def test_a_simple_sample_gives_the_estimate_of_ppi_plus_plus():
    """ppi-python 0.2.3, ppi_mean_pointestimate with the weight left to it; see ../shared/reference."""
    table, expected = reference("ppi_table.csv"), reference("ppi_expected.json")["results"]
    labelled = table["labelled"].to_numpy() == 1
    phases = ["all"] * len(table), labelled, table.loc[labelled, ["y"]], table[["f"]]
    fit = two_phase(*phases, lean_on_machine(*phases))
    assert fit.estimate[0] == pytest.approx(expected["None"]["est"], abs=1e-12)
    _, low, high = share_intervals(fit)
    width = expected["None"]["hi"] - expected["None"]["lo"]
    assert high[0] - low[0] == pytest.approx(width, rel=0.1)  # a finite population, Wilson instead of normal


def test_yes_and_no_of_a_machine_count_as_ppi_plus_plus_counts_them():
    """The same reference with scores of .5 and more as 1, all others as 0."""
    table, expected = reference("ppi_table.csv"), reference("ppi_expected.json")["results"]
    labelled = table["labelled"].to_numpy() == 1
    hard = (table[["f"]] >= 0.5).astype(float)
    phases = ["all"] * len(table), labelled, table.loc[labelled, ["y"]], hard
    fit = two_phase(*phases, lean_on_machine(*phases))
    assert fit.estimate[0] == pytest.approx(expected["hard_labels_lam_opt"]["est"], abs=1e-12)


def test_a_simple_sample_agrees_with_ppi_python_itself():
    ppi_py = pytest.importorskip("ppi_py", reason="ppi-python is not installed")
    stratum, labelled, y, f = drawn_population(3, strata=1, each=400, labels=100)
    phases = stratum, labelled, y[labelled, :1], f[:, :1]
    fit = two_phase(*phases, lean_on_machine(*phases))
    theirs = ppi_py.ppi_mean_pointestimate(y[labelled, :1], f[labelled, :1], f[~labelled, :1])
    assert fit.estimate[0] == pytest.approx(float(np.ravel(theirs)[0]), abs=1e-9)


@pytest.mark.parametrize("lean", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_one_share_is_the_stratified_difference(seed, lean):
    stratum, labelled, y, f = drawn_population(seed)
    fit = two_phase(stratum, labelled, y[labelled], f, lean)
    for share in range(2):
        estimate, _, _, n_effective = stratified_difference(
            stratum, labelled, np.where(labelled, y[:, share], np.nan), lean * f[:, share]
        )
        assert fit.estimate[share] == pytest.approx(estimate)
        assert estimate * (1 - estimate) / fit.variance[share] == pytest.approx(n_effective)


def test_a_machine_that_knows_nothing_is_not_leaned_on():
    stratum, labelled, y, _ = drawn_population(1)
    assert lean_on_machine(stratum, labelled, y[labelled], np.full(y.shape, 0.5)) == 0
    assert lean_on_machine(stratum, labelled, y[labelled], 1 - y) == 0
    assert lean_on_machine(stratum, labelled, y[labelled], y) == pytest.approx(1, abs=0.15)


def test_shares_that_add_up_to_one_are_estimated_so():
    stratum, labelled, y, f = drawn_population(2)
    whole = np.column_stack([y[:, 0], 1 - y[:, 0]]), np.column_stack([f[:, 0], 1 - f[:, 0]])
    phases = stratum, labelled, whole[0][labelled], whole[1]
    assert two_phase(*phases, lean_on_machine(*phases)).estimate.sum() == pytest.approx(1, abs=1e-12)


def test_a_stratum_with_one_label_is_put_together_with_another():
    labelled = np.array([True, False, False, True, True, False])
    fit = two_phase(list("aaabbb"), labelled, [[1.0], [0.0], [1.0]], np.zeros((6, 1)))
    assert fit.estimate[0] == pytest.approx(2 / 3)


def test_all_labelled_leaves_no_doubt():
    y = np.array([[1.0], [0.0], [1.0], [1.0]])
    value, low, high = share_intervals(two_phase(list("aabb"), [True] * 4, y, np.zeros((4, 1)), 1.0))
    assert value == low == high == pytest.approx(0.75)


def test_without_machine_and_strata_it_is_wilson_with_t():
    """n = 20 of very many: Wilson's interval of the effective n, (n - 1) (z / t)^2 by hand, t of 19 degrees."""
    labelled = np.arange(10**6) < 20
    y = (np.arange(20) < 8).astype(float)[:, None]
    value, low, high = share_intervals(two_phase(np.zeros(10**6), labelled, y, np.zeros((10**6, 1))))
    n = 19 * (1.959964 / 2.093024) ** 2
    assert (value[0], low[0], high[0]) == pytest.approx((0.4, *wilson_interval(0.4 * n, n)), abs=1e-4)


def test_double_coding_is_tenenbeins_estimator():
    """Tenenbein (1970): of those the coder calls 1, the part that is 1, times how many he calls so; and of those called 0."""
    settled = np.array([1] * 45 + [0] * 5 + [1] * 4 + [0] * 46, float)[:, None]
    coded = np.array([1] * 50 + [0] * 50, float)[:, None]
    lean, off = correct_coders(settled, coded, np.ones(100))
    for share in (0.2, 0.5, 0.8):
        assert lean * share + off.estimate[0] == pytest.approx(share * 45 / 50 + (1 - share) * 4 / 50)
    wrong = (50 * 0.9 * 0.1 + 50 * 0.08 * 0.92) / 100
    assert off.variance[0] == pytest.approx(wrong / 99)


def test_parts_are_compared_by_rogan_and_gladens_estimator():
    """Rogan & Gladen (1978): (share called 1 - false positives) / (sensitivity + specificity - 1), in each part."""
    settled = np.array([1] * 50 + [0] * 50, float)[:, None]
    coded = np.array([1] * 45 + [0] * 5 + [1] * 4 + [0] * 46, float)[:, None]
    lean, off = correct_coders(settled, coded, np.ones(100), is_compared=True)
    for called in (0.2, 0.5, 0.8):
        assert lean * called + off.estimate[0] == pytest.approx((called - 0.08) / (0.9 + 0.92 - 1))


def test_a_stratum_whose_labels_all_agree_is_not_certain():
    """Twelve of 400 labelled, all 0, and no score to tell them apart: the other 388 may differ."""
    strata = ["silent"] * 400 + ["spoken"] * 40
    labelled = np.array([True] * 12 + [False] * 388 + [True] * 20 + [False] * 20)
    y = np.array([0.0] * 12 + [0.0, 1.0] * 10)[:, None]
    fit = two_phase(strata, labelled, y, np.zeros((440, 1)))
    spoken_only = (40 / 440) ** 2 * 0.5 * y[12:].var(ddof=1) / 20
    assert fit.variance[0] > 2 * spoken_only
    whole = two_phase(["silent"] * 12, [True] * 12, y[:12], np.zeros((12, 1)))
    assert whole.variance[0] == 0
