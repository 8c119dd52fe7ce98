"""What is more than noise: days that stand out of a series, and p-values that stand out of many."""

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from csnb.stats.inputs import columns, floats, index_of, refuse

RUN_LENGTH = 8
MEAN_RANGE = 1.128  # mean absolute difference of two standard normal values


def laney_chart(events, n):
    """Chart a daily rate with limits as wide as the days truly vary (Laney's p' chart).

    A plain chart believes that days differ by chance alone, so with thousands of conversations a day it
    calls every day special. Here the limits are widened by `sigma_z`, the day-to-day variation found.

    Parameters
    ----------
    events, n : arrays of numbers, one element a day in order of time; 0 <= events <= n

    Returns
    -------
    DataFrame with one row a day, index of `events`:
        rate : events / n; missing where n is 0, like all but `center` and `sigma_z`
        center : the rate of all days together
        sigma_z : how many times wider than chance the days vary, at least 1
        z : distance from the centre in units of chance
        low, high : limits, 3 sigma_z from the centre, within [0, 1]
        signal : bool, |z| > 3 sigma_z
        run_signal : bool, this day ends 8 or more in a row on one side of the centre; days without n
            are passed over

    Raises
    ------
    MetricError
        If events exceed n; the message gives the position and both numbers.

    Source
    ------
    Laney (2002), Quality Engineering 14:531-537; sigma_z is the mean moving range of z over 1.128.

    Examples
    --------
    >>> laney_chart([30, 33, 29, 90], [100, 100, 100, 100])[["rate", "low", "high"]].round(2).iloc[-1].tolist()
    [0.9, 0.0, 1.0]
    """
    index = index_of(events, np.size(events))
    events, n = columns(events=events, n=n)
    refuse((events > n) | (events < 0), "events must lie between 0 and n", events=events, n=n)
    known = (n > 0) & ~np.isnan(events)
    events, n = np.where(known, events, np.nan), np.where(known, n, np.nan)
    center = np.nansum(events) / np.nansum(n) if known.any() else np.nan
    spread = np.sqrt(center * (1 - center) / n)
    rate = events / n
    with np.errstate(invalid="ignore"):
        z = np.where(spread == 0, 0.0, (rate - center) / spread)
    moves = np.abs(np.diff(z[known]))
    sigma_z = max(1.0, moves.mean() / MEAN_RANGE) if len(moves) else 1.0
    run_signal = np.zeros(len(n), dtype=bool)
    run_signal[known] = _runs(np.sign(z[known])) >= RUN_LENGTH
    return pd.DataFrame(
        {
            "rate": rate,
            "center": center,
            "sigma_z": sigma_z,
            "z": z,
            "low": np.clip(center - 3 * sigma_z * spread, 0, 1),
            "high": np.clip(center + 3 * sigma_z * spread, 0, 1),
            "signal": np.abs(z) > 3 * sigma_z,
            "run_signal": run_signal,
        },
        index=index,
    )


def _runs(side):
    """Count, at each place, how many places in a row up to it lie on the same side; 0 on the centre."""
    side = pd.Series(side)
    return side.groupby((side != side.shift()).cumsum()).cumcount().add(1).where(side != 0, 0).to_numpy()


def adjust_pvalues(p):
    """Adjust p-values for being many: calling all below 0.05 keeps the share of false calls at 5 %.

    Parameters
    ----------
    p : array of numbers in [0, 1], one family of questions; missing values stay missing and do not count

    Returns
    -------
    array of float, shape of `p`

    Raises
    ------
    MetricError
        If a value lies outside [0, 1]; the message gives the position and the number.

    Source
    ------
    Benjamini & Hochberg (1995), JRSS B 57:289-300; computed by statsmodels.

    Examples
    --------
    >>> adjust_pvalues([0.01, 0.02, 0.9]).round(3).tolist()
    [0.03, 0.03, 0.9]
    """
    p = floats(p, "p")
    refuse((p < 0) | (p > 1), "a p-value must lie between 0 and 1", p=p)
    adjusted, known = np.full(p.shape, np.nan), ~np.isnan(p)
    if known.any():
        adjusted[known] = multipletests(p[known], method="fdr_bh")[1]
    return adjusted
