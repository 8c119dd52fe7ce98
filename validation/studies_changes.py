"""Studies of the pulse and of changes between two weeks."""

from functools import cache

import numpy as np
import pandas as pd
from scipy.special import ndtri

from csnb.cells import merge_cells
from csnb.changes import CHANGE_METRICS, measure_changes, split_mix
from csnb.conversion import add_conversion
from csnb.loads import split_change
from csnb.paired import metric_numbers, paired_facts, summed_interval
from csnb.pulls import measure_pulls, sure_pulls
from csnb.stats import decompose_change
from csnb.windows import find_periods, label_periods
from csnb.world import make_world
from csnb.world.scenarios import world_table
from csnb.world.service import _speed
from csnb.world.truth import _same_rank
from validation.runner import Estimate, Figure, Study

MONDAY = pd.Timestamp("2026-03-02")  # the first day of every world
ALIKE = {"shop_spread": 0.0, "mix_spread": 0.0}  # shops alike, so that one large world is the truth of all
LARGE = {"sessions_per_week": 60_000, "agents": 400}
LOTS = 4
WHOLE_PAGE = "all four, nothing said of any"
QUANTILES = ndtri((np.arange(200) + 0.5) / 200)


def two_weeks(scenario, seed, weeks=2, **changes):
    """Make a world and give it with its sessions, the last week as this period, the week before as the last."""
    world = make_world(scenario, seed, weeks=weeks, **changes)
    sessions = add_conversion(world.sessions, world.orders)
    ends = (f"{MONDAY + pd.Timedelta(days=day):%Y-%m-%d}" for day in (7 * weeks - 7, 7 * weeks - 1))
    return world, label_periods(sessions, find_periods(sessions, *ends))


def as_changed(metric):
    """Give a table that says that a metric has changed, so that it is explained whatever its interval says."""
    return pd.DataFrame({"metric": [metric], "judgement": ["both"]})


def change_null(seed):
    """Say 'no significant change' of each metric, and of all of a page, where nothing changes."""
    _, sessions = two_weeks("S0", seed)
    is_none = measure_changes(sessions, seed=seed).set_index("metric")["judgement"] == "none"
    for metric in CHANGE_METRICS:
        yield Figure(metric, float(is_none[metric]))
    yield Figure(WHOLE_PAGE, float(is_none.all()))


def mix_and_rate(seed):
    """Split a change by intent: of satisfaction after a sale and a price shock, of quick answers where nothing is on.

    The mix has no effect at all on quick answers, which leaves no oracle to compare its interval with: the rate's is.
    """
    _, sale = two_weeks("S4", seed, **ALIKE)
    _, quiet = two_weeks("S1", seed)
    for metric, sessions, truth in (
        ("satisfaction_rate", sale, _true_mix_and_rate(sale)),
        ("answer_30s_rate", quiet, {"rate": 0.0}),
    ):
        split = split_mix(sessions, as_changed(metric), ["intent"], seed=seed).set_index("factor")
        for factor, true in truth.items():
            yield Estimate(f"{metric}, {factor}", true, *split.loc[factor, ["value", "low", "high"]])


def _true_mix_and_rate(sessions):
    """Give mix and rate of a large world, in the cells that small ones were merged into."""
    rows = paired_facts(sessions, "satisfaction_rate").rows
    labels, _, _ = merge_cells(rows, ["intent"])
    merged = dict(zip(rows["intent"], labels["intent"], strict=True))
    weeks = [table.assign(cell=table["intent"].map(merged)) for table in _large_world()]
    effects, _ = decompose_change(*weeks, "n", "rate", "cell")
    return effects.set_index("factor")["effect"].to_dict()


@cache
def _large_world():
    """Give sizes and rates of satisfaction by intent in both weeks of a world ten times as large."""
    _, sessions = two_weeks("S4", 0, **ALIKE, **LARGE)
    counted, events, base, _ = metric_numbers(sessions, "satisfaction_rate")
    sums = (
        counted.assign(events=events, n=base)
        .groupby(["period", "intent"], observed=True)[["events", "n"]]
        .sum()
    )
    table = sums.assign(rate=sums["events"] / sums["n"]).reset_index()
    return [table[table["period"] == name] for name in ("last", "this")]


def burst(seed):
    """Put a fall of quick answers down to load, after two live streams, without earlier weeks and with two that help."""
    for cell, weeks in (("load", 2), ("load, two weeks before help", 4)):
        world, sessions = two_weeks("S2", seed, weeks, burst_days=[7 * weeks - 6, 7 * weeks - 2])
        facts = paired_facts(sessions, "answer_30s_rate")
        split = split_change(facts, sessions, "answer_30s_rate")
        yield Estimate(cell, _true_load(world), *summed_interval(split.load, 0.95))


def burst_named(seed):
    """Name the traffic where more than 70 % of the change is load.

    A page asks for four metrics, and sees fewer changes than who asks for one. The word is judged by those that the one
    shows, which are more worlds; of those that the page shows it is given too.
    """
    world, sessions = two_weeks("S2", seed)
    alone = measure_changes(sessions, ["answer_30s_rate"], seed=seed).iloc[0]
    on_page = measure_changes(sessions, seed=seed).set_index("metric").loc["answer_30s_rate"]
    load = _true_load(world)
    for cell, row in (("named traffic", alone), ("named traffic, of a page", on_page)):
        if row["judgement"] != "none" and load / row["difference"] > 0.7:
            yield Figure(cell, float(row["judgement"] == "traffic"))
    yield Figure("change seen", float(alone["judgement"] != "none"))
    yield Figure("change seen, of a page", float(on_page["judgement"] != "none"))
    facts = paired_facts(sessions, "answer_30s_rate")
    yield Figure("load over true load", split_change(facts, sessions, "answer_30s_rate").load[0] / load)


def _true_load(world):
    """Give the expected effect of the load on quick answers, the mean of both ways of exchanging it.

    Of equal loads the rank is drawn by lot, as the estimate has it: the mean of some lots.
    """
    draw, lots = world.truth.draw, np.random.default_rng(0)
    load, week, handled = draw.service["load"], draw.contacts["week"], draw.contacts["is_handled"]
    effects = []
    this = draw.p.weeks - 1
    for own, other in ((this, this - 1), (this - 1, this)):
        who = np.flatnonzero(handled & (week == own))
        ranked = _same_rank(np.arange(len(who)), load[handled & (week == other)])
        places = [np.argsort(np.lexsort((lot, load[who]))) for lot in lots.random((LOTS, len(who)))]
        exchanged = np.mean([_quick_chance(draw, who, ranked[place]).mean() for place in places])
        quick = _quick_chance(draw, who, load[who]).mean() - exchanged
        effects.append(quick if own == this else -quick)
    return np.mean(effects)


def _quick_chance(draw, who, load):
    """Give the chance of some contacts, at these loads, of a first reply within the standard."""
    contacts = {name: values[who] for name, values in draw.contacts.items()}
    speed = _speed(draw.p, contacts, draw.agents, load)
    delay = speed["median"][:, None] * np.exp(0.6 * QUANTILES) + speed["line_seconds"][:, None]
    stays = np.exp(-delay / (60 * draw.p.patience_minutes))
    return np.where(delay <= draw.p.first_standard_seconds, stays, 0.0).mean(axis=1)


def incident(seed):
    """Name the product line that failed where satisfaction fell for sure; everybody rates.

    The claim is about where a fall lands that was seen. Most are not: few buy from that line, and the weather of the days
    moves all others. Satisfaction is asked for alone here: a page, which asks for four metrics, sees fewer falls still.
    """
    world, sessions = two_weeks("S3", seed, rating_base=10.0, sessions_per_week=12_000)
    failed = world_table("product_lines").loc[world.truth.draw.p.shock_line, "name"]
    changes = measure_changes(sessions, ["satisfaction_rate"], seed=seed)
    pulls = measure_pulls(sessions, changes, "satisfaction_rate", ["product"], seed=seed)
    has_fallen = len(pulls) > 0 and changes["difference"].item() < 0
    yield Figure("a fall seen", float(has_fallen))
    if has_fallen:
        yield Figure("the failing line named", float(sure_pulls(pulls)["group"].to_list() == [failed]))


NULL = dict.fromkeys((*CHANGE_METRICS, WHOLE_PAGE), (0.925, 1.0))
NAMED = {
    "named traffic": (0.9, 1.0),
    "named traffic, of a page": (0.8, 1.0),  # of fewer worlds; not a gate that was fixed before
    "change seen": (0.5, 1.0),
    "change seen, of a page": (0.4, 1.0),  # nor is this
    "load over true load": (0.8, 1.2),
}
INCIDENT = {"a fall seen": (0.2, 1.0), "the failing line named": (0.9, 1.0)}
STUDIES = (
    Study("change_null", "Where nothing changes, 'no significant change' is said of all four metrics of a page.", change_null, NULL, smoke=16),
    Study("mix_and_rate", "Mix and rate cover the true parts of a change.", mix_and_rate, smoke=12),
    Study("burst_load", "The load's part of a change covers the truth.", burst, smoke=8),
    Study("burst_named", "A burst is called traffic, and its load is found within a fifth.", burst_named, NAMED, worlds=100, smoke=8),
    Study("incident", "A quality incident falls on the product that failed.", incident, INCIDENT, worlds=300, smoke=8),
)  # fmt: skip
