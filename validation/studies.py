"""Studies of single statistics. Those of whole estimators stand in files of their own; registry.py gathers them."""

import numpy as np
from scipy.stats import norm, spearmanr

from csnb.stats import (
    adjust_pvalues,
    agreement_interval,
    attributable_fraction,
    cohen_kappa,
    difference_interval,
    funnel,
    laney_chart,
    mean_interval,
    survival,
    wilson_interval,
)
from csnb.world import make_world
from csnb.world.causes import BEHAVIOURS
from validation.runner import Estimate, Figure, Study


def with_truth(world):
    """Join the sessions an agent handled with the truth about them (columns true_...)."""
    truth = world.truth.sessions.add_prefix("true_")
    joined = world.sessions.merge(truth, left_on="session_id", right_index=True)
    return joined[joined["true_is_handled"]].reset_index(drop=True)


def rated_dissatisfaction(seed):
    """Wilson interval of the dissatisfied share of ratings, by shop."""
    rated = with_truth(make_world("S1", seed))
    rated = rated[rated["is_rated"]]
    p = rated["true_p_dissatisfied"]
    if_bad, if_good = rated["true_p_rated_if_dissatisfied"], rated["true_p_rated_if_satisfied"]
    rated = rated.assign(p=p * if_bad / (p * if_bad + (1 - p) * if_good))
    for shop, group in rated.groupby("shop"):
        bad, n = int(group["is_dissatisfied"].sum()), len(group)
        yield Estimate(shop, group["p"].mean(), bad / n, *wilson_interval(bad, n))


def behaviour_fraction(seed):
    """Attributable fraction of one behaviour and of all, where causes add up on the log odds."""
    world = make_world("S1", seed, outcome="logit")
    handled = with_truth(world)
    handled = handled.assign(
        y=handled["true_is_dissatisfied"].astype(float), **{b: handled[b].astype(float) for b in BEHAVIOURS}
    )
    case_mix = ["intent", "shop", "has_price_flag", "has_campaign_flag", "has_coupon_flag", "has_bot"]
    seen = world.truth.do()["p_dissatisfied"][handled["session_id"]].mean()
    for name, only in (("unresolved", ("unresolved",)), ("all behaviours", BEHAVIOURS)):
        rest = [b for b in BEHAVIOURS if b not in only]
        better = world.truth.do("standard", only)["p_dissatisfied"][handled["session_id"]].mean()
        found = attributable_fraction(handled, "y", list(only), case_mix + rest, cluster="agent_id")
        yield Estimate(name, 1 - better / seen, *found)


def no_change(seed):
    """Say 'no significant change' of satisfaction from one week of the null world to the next."""
    rated = make_world("S0", seed, weeks=2).sessions
    weeks = rated[rated["is_rated"]].groupby("week")["is_satisfied"].agg(["sum", "count"]).astype(float)
    before, after = ((good / n, *wilson_interval(good, n)) for good, n in weeks.to_numpy())
    low, high = difference_interval(before, after)
    yield Figure("no significant change", float(low <= 0 <= high))


def nobody_named(seed):
    """Name an agent of the null world by the funnel after Benjamini and Hochberg."""
    handled = with_truth(make_world("S0", seed))
    agents = handled.groupby("agent_id")["true_is_dissatisfied"].agg(["sum", "size"])
    expected = agents["size"] * agents["sum"].sum() / agents["size"].sum()
    z = funnel(agents["sum"], expected, agents["size"])["z"]
    yield Figure("worlds that name somebody", float((adjust_pvalues(2 * norm.sf(z.abs())) < 0.05).any()))
    yield Figure("worlds beyond 95 % limits", float((z.abs() > norm.ppf(0.975)).any()))


def crude_ranking(seed):
    """Rank correlation of agents' crude rates with their true effects."""
    for scenario in ("S1", "S6"):
        world = make_world(scenario, seed, weeks=4)
        rate = with_truth(world).groupby("true_agent")["true_is_dissatisfied"].mean()
        yield Figure(scenario, spearmanr(rate, world.truth.agents["effect"].to_numpy()[rate.index]).statistic)


def daily_chart(seed):
    """Alarms of Laney's chart on six ordinary weeks, and on a day with a shock."""
    quiet = _chart(make_world("S1", seed, weeks=6, day_spread=0.15))
    yield Figure("alarms in 100 ordinary days", 100 * quiet["signal"].mean())
    shaken = _chart(
        make_world(
            "S1",
            seed,
            weeks=3,
            sessions_per_week=12_000,
            day_spread=0.15,
            shock_cause="logistics",
            shock_days=[20],
            shock_lift=8.0,
        )
    )
    yield Figure("shock days found", float(shaken["signal"].iloc[20]))


def _chart(world):
    """Chart the true dissatisfaction of handled sessions by day."""
    days = with_truth(world).groupby("day")["true_is_dissatisfied"].agg(["sum", "size"])
    return laney_chart(days["sum"], days["size"])


def open_tickets(seed):
    """Share of tickets still open after some hours, although many are open at the end."""
    world = make_world("S10", seed, sessions_per_week=3000)
    hours, is_closed, true_median = _tickets(world)
    curve = survival(hours, is_closed)
    for after in (24, 96):
        row = curve[curve["time"] <= after].iloc[-1]
        truth = norm.sf(np.log(after / true_median) / 0.9).mean()
        yield Estimate(f"open after {after} h", truth, row["survival"], row["low"], row["high"])


def closed_only(seed):
    """Take the mean of closed tickets for the mean of all: does its interval miss the truth?"""
    hours, is_closed, true_median = _tickets(make_world("S10", seed, sessions_per_week=3000))
    low, high = mean_interval(hours[is_closed])
    truth = (true_median * np.exp(0.9**2 / 2)).mean()
    yield Figure("worlds misled", float(not low <= truth <= high))


def _tickets(world):
    """Give hours seen, whether closed, and the true median hours of every ticket."""
    draw = world.truth.draw
    tickets = draw.followed["tickets"]
    end = draw.p.weeks * 7 * 86400.0
    closed = tickets["closed_second"].notna().to_numpy()
    hours = (tickets["closed_second"].fillna(end) - tickets["opened_second"]).to_numpy() / 3600
    hard = draw.contacts["difficulty"][tickets["row"]] > 0.5
    return hours, closed, draw.p.ticket_hours * np.where(hard, draw.p.ticket_backlog, 1.0)


def analyst_agreement(seed):
    """Kappa of two analysts on 300 sessions."""
    world = make_world("S1", seed)
    handled = with_truth(world)
    sample = handled.sample(300, random_state=seed)
    codes = sample[["analyst_a_dissatisfied", "analyst_b_dissatisfied"]].astype(int).to_numpy()
    share, p = handled["true_is_dissatisfied"].mean(), world.truth.draw.p
    said = share * p.analyst_sensitivity + (1 - share) * (1 - p.analyst_specificity)
    agreed = share * (p.analyst_sensitivity**2 + (1 - p.analyst_sensitivity) ** 2)
    agreed += (1 - share) * (p.analyst_specificity**2 + (1 - p.analyst_specificity) ** 2)
    by_chance = said**2 + (1 - said) ** 2
    low, high = agreement_interval(_kappa, codes, seed=seed, repeats=300)
    yield Estimate("kappa", (agreed - by_chance) / (1 - by_chance), _kappa(codes), low, high)


def _kappa(codes):
    """Give Cohen's kappa of two columns."""
    return cohen_kappa(codes[:, 0], codes[:, 1])


STUDIES = (
    Study("rated_dissatisfaction", "Wilson intervals cover the dissatisfied share of ratings.", rated_dissatisfaction),
    Study("behaviour_fraction", "The attributable fraction of behaviours covers the truth under the one-logit outcome.", behaviour_fraction),
    Study("no_change", "Where nothing changes, 'no significant change' is said.", no_change, {"no significant change": (0.925, 1)}),
    Study("nobody_named", "Where agents are alike nobody is named, though limits alone would.", nobody_named, {"worlds that name somebody": (0, 0.06), "worlds beyond 95 % limits": (0.5, 1)}),
    Study("crude_ranking", "Crude rates rank agents, unless difficult cases go to able agents.", crude_ranking, {"S1": (0.5, 1), "S6": (-1, 0.4)}, worlds=100, smoke=8),
    Study("daily_chart", "The daily chart is quiet on ordinary days and finds a shock.", daily_chart, {"alarms in 100 ordinary days": (0, 1), "shock days found": (0.95, 1)}, worlds=100, smoke=8),
    Study("open_tickets", "Survival curves cover the share of tickets still open.", open_tickets),
    Study("closed_only", "The mean over closed tickets misleads: this is why survival curves are used.", closed_only, {"worlds misled": (0.8, 1)}, worlds=100, smoke=8),
    Study("analyst_agreement", "The bootstrap interval covers the analysts' true kappa.", analyst_agreement),
)  # fmt: skip
