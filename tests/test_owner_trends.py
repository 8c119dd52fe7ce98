"""Is an owner's part of the ratings growing or shrinking? By labels where there are any, else by the machine's codes."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from test_owners import NOTHING_DRAWN, human_from, labels_from, sessions_from

from csnb.owner_trends import compare_owner_halves, measure_owner_weeks
from csnb.shares import scored_sessions

PER_WEEK = 200


def rated(weeks, bad_by_week):
    """Make ratings spread over seven days a week; the first ones of a week are dissatisfied."""
    n = PER_WEEK * len(weeks)
    place = np.tile(np.arange(PER_WEEK), len(weeks))
    bad = place < np.repeat(bad_by_week, PER_WEEK)
    return sessions_from(
        n, week=np.repeat(weeks, PER_WEEK), day=[date.fromisoformat(f"{week}-{number % 7 + 1}").isoformat() for week, number in zip(np.repeat(weeks, PER_WEEK), place, strict=True)],
        is_dissatisfied=bad, primary=np.where(bad, "price", None),
    )  # fmt: skip


def of(table, owner="merchandising"):
    return table[table["owner"] == owner].iloc[0]


def compared(sessions, labels, human=None):
    """Compare the halves of sessions with machine labels."""
    bad = sessions[sessions["is_dissatisfied"]]
    return compare_owner_halves(sessions, scored_sessions(bad, labels, NOTHING_DRAWN), labels, human)


@pytest.mark.parametrize(
    ("bad", "trend"),
    [
        ([10, 10, 60, 60], "growing"),
        ([60, 60, 10, 10], "shrinking"),
        ([30, 30, 33, 33], "unclear"),
        ([30], "unknown"),
    ],
)
def test_an_owner_grows_or_shrinks_where_the_later_weeks_differ_by_more_than_chance(bad, trend):
    sessions = rated([f"2026-W{10 + place}" for place in range(len(bad))], bad)
    labels = labels_from(
        *((key, "price", 0.9) for key in sessions.loc[sessions["is_dissatisfied"], "session_key"])
    )
    row = of(compared(sessions, labels))
    assert row["trend"] == trend
    if trend != "unknown":
        assert (row["before"], row["after"]) == ("2026-W10 – 2026-W11", "2026-W12 – 2026-W13")
        assert row["difference_low"] <= row["difference"] <= row["difference_high"]
        assert (row["n_before"], row["n"], row["value_before"]) == (400, 400, sum(bad[:2]) / 400)


def test_the_middle_week_of_an_odd_number_is_in_neither_half():
    sessions = rated(["2026-W10", "2026-W11", "2026-W12"], [20, 90, 20])
    labels = labels_from(
        *((key, "price", 0.9) for key in sessions.loc[sessions["is_dissatisfied"], "session_key"])
    )
    row = of(compared(sessions, labels))
    assert (row["before"], row["after"], row["difference"]) == ("2026-W10", "2026-W12", 0.0)


def test_with_labels_the_trend_is_that_of_people_and_not_of_a_machine_that_drifts():
    """The machine codes price twice as often in the later weeks; people see it in half of the dissatisfied always."""
    sessions = rated(["2026-W10", "2026-W11"], [100, 100])
    keys = sessions.loc[sessions["is_dissatisfied"], "session_key"].to_numpy()
    coded = [key for key in keys if key >= PER_WEEK or key % 4 == 0]
    labels = labels_from(*((key, "price", 0.95) for key in coded))
    human = human_from({key: ["price"] if key % 2 else ["logistics"] for key in keys})
    alone, said = of(compared(sessions, labels)), of(compared(sessions, labels, human))
    assert alone["trend"] == "growing" and alone["method"] == "machine codes, unverified"
    assert said["trend"] == "unclear" and said["value"] == said["value_before"] == 0.25
    assert said["method"] == "two-phase"


def test_days_that_differ_more_than_by_chance_widen_the_interval():
    sessions = rated(["2026-W10", "2026-W11"], [28, 28])
    labels = labels_from(
        *((key, "price", 0.9) for key in sessions.loc[sessions["is_dissatisfied"], "session_key"])
    )
    one_day = sessions.assign(
        day=np.where(sessions["is_dissatisfied"], sessions["week"] + "-0", sessions["day"])
    )
    even, uneven = (of(compared(each, labels)) for each in (sessions, one_day))
    assert uneven["high"] - uneven["low"] > 1.5 * (even["high"] - even["low"])


def test_weeks_are_of_all_ratings_and_small_weeks_are_suppressed():
    sessions = sessions_from(
        20,
        is_dissatisfied=[True] * 6 + [False] * 14,
        week=["2026-W10"] * 16 + ["2026-W11"] * 4,
        day="2026-03-02",
    )
    labels = labels_from((0, "price", 0.9), (1, "price", 0.9))
    scored = scored_sessions(sessions[:6], labels, NOTHING_DRAWN)
    weeks = measure_owner_weeks(sessions, scored, labels)
    first, second = weeks[weeks["owner"] == "merchandising"].to_dict("records")
    assert (first["n"], first["value"]) == (16, 2 / 16) and first["low"] < first["value"] < first["high"]
    assert second["method"] == "suppressed" and np.isnan(second["value"])


def test_without_ratings_there_are_no_weeks_and_no_trend():
    sessions = rated(["2026-W10"], [5]).assign(is_rated=False)
    labels = labels_from((0, "price", 0.9))
    scored = scored_sessions(sessions[:0], labels, NOTHING_DRAWN)
    assert measure_owner_weeks(sessions, scored, labels).empty
    assert compare_owner_halves(sessions, scored, labels).empty


def test_where_all_is_labelled_a_difference_that_chance_may_bring_is_no_trend():
    """30 and 40 of 200 are 5 points apart; two weeks of one kind differ by up to 7 in nineteen of twenty cases."""
    sessions = rated(["2026-W10", "2026-W11"], [30, 40])
    keys = sessions.loc[sessions["is_dissatisfied"], "session_key"]
    labels = labels_from(*((key, "price", 0.9) for key in keys))
    row = of(compared(sessions, labels, human_from({key: ["price"] for key in keys})))
    assert (row["value_before"], row["value"]) == (0.15, 0.2)
    assert row["trend"] == "unclear" and row["difference_low"] < 0 < row["difference_high"]


def test_coders_who_miss_a_part_do_not_make_a_change_look_smaller():
    """Price is a reason of 20 and of 60 among 100; each coder misses a fourth of it, and half of all is coded twice and settled."""
    sessions = rated(["2026-W10", "2026-W11"], [100, 100])
    keys = sessions.loc[sessions["is_dissatisfied"], "session_key"]
    true = {key: ["price"] if key % 5 < (1 if key < PER_WEEK else 3) else [] for key in keys}
    once, again = (
        {key: codes if key // 5 % 4 != miss else [] for key, codes in true.items()} for miss in (0, 1)
    )
    twice = [key for key in keys if key // 20 % 2]
    read_again, settled = ({key: answers[key] for key in twice} for answers in (again, true))
    human = pd.concat([human_from(once), human_from(read_again, "wu"), human_from(settled, "final")])
    labels = labels_from(*((key, "price", 0.5) for key in keys))
    row = of(compared(sessions, labels, human))
    assert row["method"] == "two-phase, coders' errors corrected"
    assert row["difference"] == pytest.approx(0.2, abs=0.02)
