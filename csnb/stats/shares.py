"""What share of all conversations has a reason, from a few labelled by hand and all scored by machine."""

import numpy as np
import pandas as pd
from scipy.stats import norm, t

from csnb.errors import MetricError
from csnb.stats.inputs import columns, quantile_of, refuse
from csnb.stats.intervals import wilson_interval


def stratified_difference(strata, labelled, y, f, confidence=0.95):
    """Estimate a share from a stratified random sample of labels, helped by a machine score for all.

    The machine's mean over all is corrected, stratum by stratum, by how far it is off where people
    labelled. A bad score only widens the interval; it does not bias the estimate.

    Parameters
    ----------
    strata : array of labels, one element a conversation of the population
    labelled : array of bool (or 0 and 1): drawn at random within its stratum, and labelled
    y : array of numbers in [0, 1], the human label; ignored (and may be missing) where not labelled
    f : array of numbers, the machine's probability, known for all; for a labelled conversation it must
        come from a model that did not see that label
    confidence : float, 0 < confidence < 1

    Returns
    -------
    estimate, low, high, n_effective : float; the share, its interval, and how many labels of a simple
        random sample would tell as much (infinite if all are labelled). All missing for no conversation.

    Raises
    ------
    MetricError
        If a label or a score is missing or not between 0 and 1, or a stratum that is not fully labelled has fewer than two labels:
        merge it with another.

    Source
    ------
    Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, section 6.3 (difference estimator);
    Wilson interval with n_effective = p (1 - p) / V, as in Franco, Little, Louis & Slud (2019), Journal of
    Survey Statistics and Methodology 7:334-364; for few labels that number is taken down by (z / t)^2, t with
    labels less strata degrees of freedom, as in Korn & Graubard (1998), Survey Methodology 24:193-201.
    Where all labels are alike, or fit their scores exactly, their number stands for n_effective: a reason
    that was never seen is not thereby known to be absent.

    Examples
    --------
    >>> strata, labelled = ["low"] * 4 + ["high"] * 4, [1, 1, 0, 0] * 2
    >>> y, f = [0, 0, None, None, 1, 0, None, None], [0.1, 0.2, 0.1, 0.2, 0.7, 0.6, 0.8, 0.7]
    >>> estimate, low, high, n_effective = stratified_difference(strata, labelled, y, f)
    >>> print(f"{estimate:.3f} ({low:.2f} to {high:.2f})")
    0.275 (0.03 to 0.84)
    """
    labelled, y, f = columns(labelled=labelled, y=y, f=f)
    labelled = labelled == 1
    refuse(~((f >= 0) & (f <= 1)), "a machine score must lie between 0 and 1", f=f)
    refuse(labelled & ~((y >= 0) & (y <= 1)), "a label must lie between 0 and 1", y=y)
    if len(strata) != len(f):
        raise MetricError(f"strata and f must have one length; found {len(strata)} and {len(f)}")
    if not len(f):
        return np.nan, np.nan, np.nan, np.nan
    cells = pd.DataFrame({"f": f, "off": np.where(labelled, y - f, np.nan)}).groupby(
        np.asarray(strata), dropna=False
    )
    size, sampled = cells["off"].size(), cells["off"].count()
    thin = (sampled < 2) & (sampled < size)
    if thin.any():
        name = thin.idxmax()
        raise MetricError(
            f"stratum {name!r} has {sampled[name]} labels for {size[name]} conversations; at least 2 are needed"
        )
    weight = size / size.sum()
    estimate = float((weight * (cells["f"].mean() + cells["off"].mean())).sum())
    estimate = min(max(estimate, 0.0), 1.0)
    unsampled = 1 - sampled / size
    variance = float((weight**2 * unsampled * cells["off"].var().fillna(0) / sampled).sum())
    if not unsampled.any():
        return estimate, estimate, estimate, np.inf
    spread = estimate * (1 - estimate)
    is_informative = spread > 0 and variance > 0 and np.ptp(y[labelled]) > 0
    n_effective = spread / variance if is_informative else float(sampled.sum())
    level, freedom = quantile_of(confidence), (sampled - 1)[unsampled > 0].sum()
    counted = n_effective * (norm.ppf(level) / t.ppf(level, freedom)) ** 2 if is_informative else n_effective
    return estimate, *wilson_interval(estimate * counted, counted, confidence), n_effective
