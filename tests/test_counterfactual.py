"""What levers would save, against hand-made truth, a delta-method fraction and statsmodels."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from statsmodels.regression.linear_model import OLS
from statsmodels.treatment.treatment_effects import TreatmentEffect

from csnb.counterfactual import clustered_error, compare_to_standard
from csnb.sensitivity import saved_by_independent_causes, saved_by_weighting
from csnb.stats import attributable_fraction, mean_interval


def conversations(n=4000, seed=0, effects=(0.8, 1.5), together=0.0):
    """Draw conversations whose difficulty raises both the levers and the risk; gives y, levers, known, true saving."""
    draw = np.random.default_rng(seed)
    hard = draw.random(n) < 0.4
    levers = draw.random((n, 2)) < np.where(hard, 0.5, 0.15)[:, None]

    def risk(levers):
        return expit(-2 + 1.2 * hard + levers @ np.array(effects) + together * levers.prod(axis=1))

    saved = (risk(levers) - risk(np.zeros_like(levers))).mean()
    return (
        (draw.random(n) < risk(levers)).astype(float),
        levers.astype(float),
        hard[:, None].astype(float),
        saved,
    )


def compared(y, levers, known, modifiers=None, cluster=None):
    """Compare with every conversation as its own cluster unless said otherwise."""
    modifiers = known if modifiers is None else modifiers
    return compare_to_standard(y, levers, known, modifiers, np.arange(len(y)) if cluster is None else cluster)


def test_one_lever_and_nothing_known_is_the_plain_gap():
    y = np.array([1] * 30 + [0] * 10 + [1] * 15 + [0] * 45, float)
    lever = np.array([1] * 40 + [0] * 60, float)[:, None]
    effects = compared(y, lever, np.zeros((100, 0)))
    assert effects.joint == pytest.approx(0.4 * (30 / 40 - 15 / 60), abs=1e-4)
    assert np.exp(effects.log_ratio[0]) == pytest.approx((30 / 40) / (15 / 60), abs=1e-3)


def test_case_mix_is_held_comparable():
    crude, adjusted = [], []
    for seed in range(20):
        y, levers, known, saved = conversations(seed=seed)
        crude.append(compared(y, levers, known[:, :0]).joint - saved)
        adjusted.append(compared(y, levers, known).joint - saved)
    assert np.mean(crude) > 0.02
    assert abs(np.mean(adjusted)) < 0.005


@pytest.mark.parametrize("together", [0.0, 1.5])
def test_intervals_hold_the_truth(together):
    inside = []
    for seed in range(60):
        y, levers, known, saved = conversations(1500, seed, together=together)
        effects = compared(y, levers, known)
        inside.append(abs(effects.joint - saved) <= 1.96 * effects.joint_error)
    assert np.mean(inside) >= 0.88


@pytest.mark.parametrize("seed", range(5))
def test_parts_add_up_to_the_whole(seed):
    draw = np.random.default_rng(seed)
    levers = (draw.random((500, 5)) < 0.4).astype(float)
    y = (draw.random(500) < expit(levers @ draw.normal(size=5) - 1)).astype(float)
    effects = compared(y, levers, np.zeros((500, 0)))
    assert effects.part.sum() == pytest.approx(effects.joint, abs=1e-9)


def test_what_two_levers_save_only_together_is_halved():
    """Only conversations with both faults go wrong: each alone brings all of it, so the parts are halves."""
    levers = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], 2500, axis=0).astype(float)
    y = np.concatenate([np.tile([1.0, 0, 0, 0, 0], 1500), np.tile([1.0, 1, 0, 0, 0], 500)])
    effects = compared(y, levers, np.zeros((10_000, 0)))
    assert effects.joint == pytest.approx(0.05, abs=1e-3)
    assert effects.alone == pytest.approx([0.05, 0.05], abs=1e-3)
    assert effects.part == pytest.approx([0.025, 0.025], abs=1e-3)


def test_without_products_it_is_the_attributable_fraction():
    """The house's delta-method fraction, which is checked against R, has no ridge and one exposure."""
    y, levers, known, _ = conversations()
    data = pd.DataFrame({"y": y, "lever": levers[:, 0], "hard": known[:, 0]})
    paf, low, high = attributable_fraction(data, "y", "lever", "hard")
    effects = compared(y, levers[:, :1], known, np.zeros((len(y), 0)))
    assert effects.joint / y.mean() == pytest.approx(paf, abs=1e-4)
    assert 2 * 1.96 * effects.joint_error / y.mean() == pytest.approx(high - low, rel=0.1)


def test_a_lever_that_is_never_off_saves_nothing():
    y, levers, known, _ = conversations(500)
    effects = compared(y, np.zeros_like(levers), known)
    assert effects.joint == 0 and (effects.part == 0).all() and effects.joint_error == 0


def test_sessions_of_one_agent_count_together():
    y, levers, known, _ = conversations(1000)
    alone = compared(y, levers, known)
    twice = [np.tile(part, (2, 1)) for part in (levers, known)]
    paired = compared(np.tile(y, 2), *twice, cluster=np.tile(np.arange(1000), 2))
    assert paired.joint == pytest.approx(alone.joint, rel=0.01)
    assert paired.joint_error == pytest.approx(alone.joint_error, rel=0.03)
    assert np.isnan(compared(y, levers, known, cluster=np.zeros(1000)).joint_error)


def test_the_clustered_error_of_a_mean_is_that_of_its_interval():
    x, cluster = np.array([20.0, 24, 50, 58, 31]), np.array(list("aabbc"))
    low, high = mean_interval(x, cluster)
    error = clustered_error(x - x.mean(), cluster) / 5
    assert error * 4.302653 == pytest.approx((high - low) / 2 if low else high - x.mean(), rel=1e-6)


def test_weighting_is_statsmodels_aipw():
    """With one yes/no column known, statsmodels' linear outcome model and our logistic one say the same."""
    draw = np.random.default_rng(5)
    known = (draw.random(3000) < 0.5).astype(float)
    lever = (draw.random(3000) < 0.2 + 0.3 * known).astype(float)
    y = (draw.random(3000) < 0.1 + 0.3 * known + 0.2 * lever).astype(float)
    saved, _, chance = saved_by_weighting(y, lever, known[:, None], np.arange(3000))
    x = np.column_stack([np.ones(3000), known])

    class Selection:
        """What statsmodels wants of the model of the lever: its chances."""

        predict = staticmethod(lambda: chance)

    effect = TreatmentEffect(OLS(y, x), lever, results_select=Selection())
    _, without, _ = effect.aipw(return_results=False)
    assert saved == pytest.approx(y.mean() - without, abs=1e-5)


def test_weighting_is_right_although_the_outcome_model_is_not():
    """The risk depends on two columns together; the outcome model knows no products, that of the lever is right."""
    off, errors = [], []
    for seed in range(30):
        draw = np.random.default_rng(seed)
        known = (draw.random((4000, 2)) < 0.5).astype(float)
        lever = draw.random(4000) < 0.15 + 0.5 * known[:, 0]
        base = 0.1 + 0.5 * (known[:, 0] != known[:, 1])
        y = (draw.random(4000) < base + 0.2 * lever).astype(float)
        saved, error, _ = saved_by_weighting(y, lever, known, np.arange(4000))
        off.append(saved - 0.2 * lever.mean())
        errors.append(error)
    assert abs(np.mean(off)) < 3 * np.std(off) / np.sqrt(30)
    assert np.mean(errors) == pytest.approx(np.std(off), rel=0.35)


def test_independent_causes_are_recovered_where_they_work_so():
    draw = np.random.default_rng(2)
    known, levers = (
        (draw.random((30_000, 1)) < 0.5).astype(float),
        (draw.random((30_000, 2)) < 0.3).astype(float),
    )
    other = 1 - np.where(known[:, 0] == 1, 0.2, 0.05)
    kept = other * (1 - 0.4) ** levers[:, 0] * (1 - 0.1) ** levers[:, 1]
    y = (draw.random(30_000) > kept).astype(float)
    alone, error = saved_by_independent_causes(y, levers, known, np.arange(30_000))
    for place, chance in enumerate((0.4, 0.1)):
        truth = (kept / (1 - chance) ** levers[:, place] - kept).mean()
        assert alone[place] == pytest.approx(truth, abs=3 * error[place])


def test_errors_of_independent_causes_are_those_of_leaving_out_one_cluster_after_the_other():
    draw = np.random.default_rng(3)
    known, levers = (draw.random((1200, 1)) < 0.5).astype(float), (draw.random((1200, 2)) < 0.3).astype(float)
    y = (draw.random(1200) > 0.8 * 0.7 ** levers[:, 0] * 0.8 ** levers[:, 1]).astype(float)
    cluster = np.arange(1200) % 30
    _, error = saved_by_independent_causes(y, levers, known, cluster)
    left = np.array([
        _refitted(y, levers, known, cluster, out) for out in range(30)
    ])  # fmt: skip
    jackknife = np.sqrt(29 / 30 * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    assert error == pytest.approx(jackknife, rel=0.25)


def _refitted(y, levers, known, cluster, out):
    """Estimate without one cluster, for the conversations of all of them."""
    kept = np.flatnonzero(cluster != out)
    return saved_by_independent_causes(y[kept], levers[kept], known[kept], cluster[kept])[0]
