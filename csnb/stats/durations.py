"""How long things take when some have not ended yet."""

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight

from csnb.stats.inputs import columns, quantile_of, refuse


def survival(duration, observed, confidence=0.95):
    """Give the share still going after each duration (Kaplan-Meier), counting those that have not ended.

    Parameters
    ----------
    duration : array of numbers, 0 or more, one element a case: time to its end, or to where it was last seen
    observed : array of bool (or 0 and 1): the end was seen. Cases with a missing value are left out.
    confidence : float, 0 < confidence < 1

    Returns
    -------
    DataFrame with one row a time at which a case ended, no row if none did:
        time : in the unit of `duration`
        at_risk : cases not ended and not lost before this time
        events : cases that ended at this time
        survival : share still going after it, in [0, 1]
        low, high : its limits; missing once nobody is left

    Raises
    ------
    MetricError
        If a duration is negative, or `observed` neither 0 nor 1; the message gives the position and the number.

    Source
    ------
    Kaplan & Meier (1958), JASA 53:457-481, Greenwood variance, limits on the log scale cut at 1, as
    R's survival::survfit; the estimate is statsmodels'.

    Examples
    --------
    >>> survival([2, 3, 3, 5], [True, True, False, True]).round(3)[["time", "at_risk", "survival"]].values.tolist()
    [[2.0, 4.0, 0.75], [3.0, 3.0, 0.5], [5.0, 1.0, 0.0]]
    """
    level = quantile_of(confidence)
    duration, observed = columns(duration=duration, observed=observed)
    refuse(duration < 0, "a duration must not be negative", duration=duration)
    refuse(~np.isin(observed, (0, 1)) & ~np.isnan(observed), "observed must be 0 or 1", observed=observed)
    known = ~np.isnan(duration + observed)
    if not (observed[known] == 1).any():
        return pd.DataFrame(columns=["time", "at_risk", "events", "survival", "low", "high"], dtype=float)
    curve = SurvfuncRight(duration[known], (observed[known] == 1).astype(int))
    share = np.asarray(curve.surv_prob)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.exp(stats.norm.ppf(level) * np.asarray(curve.surv_prob_se) / share)
        low, high = share / factor, np.minimum(share * factor, 1.0)
    return pd.DataFrame(
        {
            "time": curve.surv_times,
            "at_risk": np.asarray(curve.n_risk, dtype=int),
            "events": np.asarray(curve.n_events, dtype=int),
            "survival": share,
            "low": np.where(share > 0, low, np.nan),
            "high": np.where(share > 0, high, np.nan),
        }
    )
