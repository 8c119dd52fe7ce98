"""Two weeks of made-up sessions for the tests of changes: who asked, who served, how quickly, how rated."""

import numpy as np
import pandas as pd

from csnb.windows import find_periods, label_periods


def two_weeks(
    seed=0, agents=20, per_day=120, rate=lambda rows: 0.8, load=lambda rows: 1.0, weeks=2, **shares
):
    """Make weeks of sessions and label the last two.

    rate, load : functions of the rows (with `is_this`, `shop`, `product`, `agent`), giving the chance of a
        satisfied rating, and the mean load
    shares : for `shop` and `product`: share of the first of two, in the last period and in this one
    """
    chance = np.random.default_rng(seed)
    days = pd.date_range("2026-03-02", periods=7 * weeks).strftime("%Y-%m-%d")
    n = per_day * len(days)
    rows = pd.DataFrame({"day": np.repeat(days, per_day), "agent": chance.integers(0, agents, n)})
    rows["is_this"] = rows["day"] >= days[-7]
    for name in ("shop", "product"):
        last, this = shares.get(name, (0.5, 0.5))
        rows[name] = np.where(chance.random(n) < np.where(rows["is_this"], this, last), "one", "other")
    rows["load_at_arrival"] = chance.poisson(np.broadcast_to(load(rows), n)).astype(float)
    rows["is_satisfied"] = pd.array(chance.random(n) < rate(rows), "boolean")
    start = pd.to_datetime(rows["day"]) + pd.to_timedelta(chance.integers(9 * 60, 18 * 60, n), "min")
    sessions = rows.assign(
        session_key=np.arange(n), session_id=[f"S{number}" for number in range(n)], platform="taobao",
        rulepack="taobao 2000-01-01", left_out_because=None, agent_id="A" + rows["agent"].astype(str),
        started_at=start.dt.tz_localize("Asia/Shanghai"), is_rated=True, is_invited=True, stage="presale",
        channel="search", tier="middle", team="T", buyer_id=[f"B{number}" for number in range(n)],
        first_response_seconds=np.exp(3 + 0.5 * chance.standard_normal(n)), graded_turn_count=1,
    )  # fmt: skip
    return label_periods(sessions, find_periods(sessions, days[-7], days[-1]))
