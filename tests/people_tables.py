"""Small teams for the tests on people: sessions of agents with known rates."""

import numpy as np
import pandas as pd

NO_LABELS = pd.DataFrame(
    {"session_key": pd.Series(dtype="int64"), "code": pd.Series(dtype=str), "p": pd.Series(dtype=float)}
)
NO_SHIFTS = pd.DataFrame({"agent_id": pd.Series(dtype=str), "starts_at": pd.Series(dtype="datetime64[ns, Asia/Shanghai]"),
                          "ends_at": pd.Series(dtype="datetime64[ns, Asia/Shanghai]")})  # fmt: skip


def team(rates, each=400, days=28, seed=0, **columns):
    """Give the sessions of agents: the first one's customers are dissatisfied at the first rate, and so on.

    Sessions are spread evenly over the days; `columns` are added, one value a session or one for all.
    """
    draw = np.random.default_rng(seed)
    agent = np.repeat(np.arange(len(rates)), each)
    n = len(agent)
    day = np.tile(np.arange(each) * days // each, len(rates))
    start = pd.Timestamp("2026-03-02 08:00", tz="Asia/Shanghai") + pd.to_timedelta(
        day * 1440 + np.tile(np.arange(each) % 8, len(rates)) * 60, unit="min"
    )
    return pd.DataFrame(
        {
            "session_key": np.arange(n),
            "session_id": [f"S{number:05d}" for number in range(n)],
            "agent_id": [f"agent {number:02d}" for number in agent],
            "team": "aftersale",
            "day": start.strftime("%Y-%m-%d"),
            "started_at": start,
            "ended_at": start + pd.Timedelta(minutes=10),
            "left_out_because": None,
            "first_response_seconds": np.nan,
            "load_at_arrival": np.nan,
            "is_replied": True,
            "is_dissatisfied": pd.array(draw.random(n) < np.asarray(rates)[agent], dtype="boolean"),
            **columns,
        }
    )
