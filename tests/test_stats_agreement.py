"""Agreement of coders, against published tables and R's psych."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap
from sklearn.metrics import cohen_kappa_score
from stats_reference import reference

from csnb.errors import MetricError, ParameterError
from csnb.stats import agreement_interval, cohen_kappa, gwet_ac1, krippendorff_alpha

quick = settings(deadline=None, max_examples=25, derandomize=True)

# Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, part C: 12 units, 4 observers; alpha .743.
KRIPPENDORFF = [
    [1, 1, None, 1],
    [2, 2, 3, 2],
    [3, 3, 3, 3],
    [3, 3, 3, 3],
    [2, 2, 2, 2],
    [1, 2, 3, 4],
    [4, 4, 4, 4],
    [1, 1, 2, 1],
    [2, 2, 2, 2],
    [None, 5, 5, 5],
    [None, None, 1, 1],
    [None, None, 3, None],
]

coded = st.lists(st.tuples(*[st.sampled_from(["x", "y", "z", None])] * 3), min_size=1, max_size=25)


def pairs_from(table):
    """Spread a square table of counts into two lists of codes."""
    cells = [
        (row, column)
        for row, line in enumerate(table)
        for column, count in enumerate(line)
        for _ in range(count)
    ]
    return tuple(zip(*cells, strict=True))


def test_kappa_matches_fleiss_levin_paik():
    """Fleiss, Levin & Paik (2003), Statistical Methods for Rates and Proportions, table 18.1: kappa .676; in six
    digits as R psych 2.2.9 prints it, cohen.kappa(table)."""
    first, second = pairs_from([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    assert cohen_kappa(first, second) == pytest.approx(0.676471, abs=5e-7)


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_kappa_matches_scikit_learn(weights):
    first, second = np.random.default_rng(3).integers(1, 5, (2, 200))
    assert cohen_kappa(first, second, weights) == pytest.approx(
        cohen_kappa_score(first, second, weights=weights)
    )


def test_pairwise_kappa_matches_r_psych():
    codes = reference("agreement_raters.csv")
    for row in reference("agreement_raters_expected.json")["pairwise"]:
        first, second = (codes[name] for name in row["pair"])
        assert cohen_kappa(first, second) == pytest.approx(row["kappa"], abs=1e-9)
        assert cohen_kappa(first, second, "quadratic") == pytest.approx(row["weighted_quadratic"], abs=1e-9)


def test_ac1_matches_gwet_2002_where_kappa_collapses():
    """Gwet (2002), Statistical Methods for Inter-Rater Reliability Assessment 1: 125 units, AC1 .9408, kappa -.0234;
    irrCAC 0.4.4 gives the same."""
    first, second = pairs_from([[118, 5], [2, 0]])
    assert gwet_ac1(np.column_stack([first, second])) == pytest.approx(0.9408, abs=5e-5)
    assert cohen_kappa(first, second) == pytest.approx(-0.0234, abs=5e-5)


@pytest.mark.parametrize("form", [list, pd.DataFrame, lambda codes: np.array(codes, dtype=float)])
def test_alpha_matches_krippendorff_2011(form):
    """Printed .743; krippendorff 0.9.0 and irrCAC 0.4.4 give the rest, and irrCAC's AC1 is .77544."""
    assert krippendorff_alpha(form(KRIPPENDORFF)) == pytest.approx(0.743421052632, abs=1e-12)
    assert gwet_ac1(form(KRIPPENDORFF)) == pytest.approx(0.77544, abs=5e-6)


def test_alpha_and_ac1_with_gaps_match_the_reference():
    codes, expected = reference("agreement_raters.csv"), reference("agreement_raters_expected.json")
    assert krippendorff_alpha(codes) == pytest.approx(expected["krippendorff_alpha_nominal"], abs=1e-9)
    assert gwet_ac1(codes) == pytest.approx(expected["gwet"]["ac1"], abs=1e-9)


@quick
@given(coded, st.permutations(["x", "y", "z"]), st.randoms(use_true_random=False))
def test_other_names_for_the_codes_and_another_order_change_nothing(codes, names, random):
    renamed = dict(zip("xyz", names, strict=True))
    other = [[renamed.get(code) for code in unit] for unit in random.sample(codes, len(codes))]
    for measure in (krippendorff_alpha, gwet_ac1):
        assert measure(other) == pytest.approx(measure(codes), nan_ok=True)
        assert not measure(codes) > 1


def test_full_agreement_is_one_and_one_code_alone_is_no_evidence_but_to_ac1():
    same = [["a", "a"], ["b", "b"], ["c", "c"]]
    assert krippendorff_alpha(same) == gwet_ac1(same) == 1
    assert cohen_kappa(*zip(*same, strict=True)) == 1
    one_code = [["a", "a"]] * 5
    assert np.isnan(krippendorff_alpha(one_code))
    assert np.isnan(cohen_kappa(*zip(*one_code, strict=True)))
    assert gwet_ac1(one_code) == 1


@pytest.mark.parametrize("codes", [[], [["a", None]], [[None, None]]])
def test_nothing_coded_twice_is_missing(codes):
    assert np.isnan(krippendorff_alpha(codes))
    assert np.isnan(gwet_ac1(codes))
    assert np.isnan(cohen_kappa([unit[0] for unit in codes], [unit[1] for unit in codes]))


def test_kappa_refuses_unequal_lengths_and_unknown_weights():
    with pytest.raises(MetricError, match="same units; found 2 and 1"):
        cohen_kappa(["a", "b"], ["a"])
    with pytest.raises(ParameterError, match="None, linear, quadratic; got: 'cubic'"):
        cohen_kappa(["a"], ["a"], weights="cubic")


def test_codes_of_any_kind_agree_but_only_ordered_ones_nearly():
    mixed = ["price", 3, "price", 3]
    assert cohen_kappa(mixed, ["price", 3, 3, 3]) == 0.5
    with pytest.raises(MetricError, match="can be put in order"):
        cohen_kappa(mixed, mixed, weights="linear")


def test_the_interval_holds_the_measure_and_repeats_with_its_seed():
    low, high = agreement_interval(krippendorff_alpha, KRIPPENDORFF * 5)
    assert low < krippendorff_alpha(KRIPPENDORFF * 5) < high <= 1
    assert (low, high) == agreement_interval(krippendorff_alpha, KRIPPENDORFF * 5)
    assert agreement_interval(krippendorff_alpha, KRIPPENDORFF * 5, confidence=0.5)[0] > low


def test_the_interval_matches_scipys_percentile_bootstrap():
    """scipy.stats.bootstrap(..., paired=True, method="percentile") of kappa; both ends within the noise of 4,000 draws."""
    draw = np.random.default_rng(6)
    first = draw.integers(0, 2, 150)
    second = np.where(draw.random(150) < 0.8, first, 1 - first)
    wanted = bootstrap(
        (first, second),
        cohen_kappa_score,
        paired=True,
        vectorized=False,
        n_resamples=4000,
        method="percentile",
        rng=7,
    ).confidence_interval
    codes = np.column_stack([first, second])
    found = agreement_interval(lambda rows: cohen_kappa(rows[:, 0], rows[:, 1]), codes, repeats=4000)
    assert found == pytest.approx(tuple(wanted), abs=0.015)


def test_the_interval_of_nothing_is_missing_or_refused():
    assert np.isnan(agreement_interval(krippendorff_alpha, [["a", "a"]] * 5)).all()
    with pytest.raises(MetricError, match="no coded unit"):
        agreement_interval(krippendorff_alpha, [])
