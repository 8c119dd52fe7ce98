"""Statistics as small pure functions: arrays or tables in, intervals or tables out. One file a question."""

from csnb.stats.agents import funnel, rank_intervals, shrink, tau2_interval
from csnb.stats.agreement import agreement_interval, cohen_kappa, gwet_ac1, krippendorff_alpha
from csnb.stats.casemix import expected_from_others, log_odds_effect
from csnb.stats.changes import decompose_change, decompose_periods, shapley_effects
from csnb.stats.control import adjust_pvalues, laney_chart
from csnb.stats.durations import survival
from csnb.stats.effects import attributable_fraction, e_value
from csnb.stats.intervals import (
    difference_interval,
    mean_interval,
    ratio_interval,
    share_interval,
    wilson_interval,
)
from csnb.stats.reliability import icc, sessions_for_reliability
from csnb.stats.shares import stratified_difference
from csnb.stats.variety import concentration, lasting_variance, tier_chances

__all__ = [
    "adjust_pvalues",
    "agreement_interval",
    "attributable_fraction",
    "cohen_kappa",
    "concentration",
    "decompose_change",
    "decompose_periods",
    "difference_interval",
    "e_value",
    "expected_from_others",
    "funnel",
    "gwet_ac1",
    "icc",
    "krippendorff_alpha",
    "laney_chart",
    "lasting_variance",
    "log_odds_effect",
    "mean_interval",
    "rank_intervals",
    "ratio_interval",
    "sessions_for_reliability",
    "shapley_effects",
    "share_interval",
    "shrink",
    "stratified_difference",
    "survival",
    "tau2_interval",
    "tier_chances",
    "wilson_interval",
]
