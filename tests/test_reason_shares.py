"""Shares by reason: what labels say, what the machine counts without, and that both stand side by side."""

import numpy as np
import pandas as pd
import pytest
from test_owners import NOTHING_DRAWN, human_from, labels_from, sessions_from

from csnb.reason_shares import as_amounts, measure_ceilings, measure_reasons, with_counts
from csnb.satisfaction import count_sides
from csnb.schema import RESULTS
from csnb.shares import measure_sides, scored_sessions


def table_of(sessions, labels, human=None, **more):
    """Measure the reasons, by reason and owner."""
    scored = scored_sessions(sessions, labels, NOTHING_DRAWN)
    return measure_reasons(scored, labels, human, **more).set_index(["reason", "owner"])


def test_without_labels_there_are_counts_and_no_share():
    labels = labels_from((0, "price", 0.9), (1, "price", 0.9), (1, "timeliness", 0.9))
    table = table_of(sessions_from(4, load_at_arrival=[0.0, 9.0, 0.0, 0.0]), labels)
    assert table["coded_count"].to_dict() == {
        ("price", "merchandising"): 2,
        ("timeliness", "cs_management"): 1,
    }
    assert table[["value", "low", "high"]].isna().all(axis=None) and set(table["method"]) == {"unverified"}
    shown = as_amounts(table.reset_index())
    assert set(RESULTS.columns) <= set(shown.columns)
    assert shown[["metric", "value", "n"]].values.tolist() == [
        ["coded_sessions", 2, 4],
        ["coded_sessions", 1, 4],
    ]


def test_with_all_labelled_shares_are_what_people_say_and_overlap():
    human = human_from({0: ["price", "ability"], 1: ["price"], 2: [], 3: ["stock"], 4: [], 5: []})
    table = table_of(sessions_from(6), labels_from((0, "price", 0.9), (5, "logistics", 0.9)), human)
    assert table["value"].round(3).to_dict() == {
        ("price", "merchandising"): 0.333, ("ability", "agent"): 0.167, ("stock", "merchandising"): 0.167,
        ("logistics", "logistics"): 0.0,
    }  # fmt: skip
    assert set(table["n"]) == {6} and set(table["sessions"]) == {6}
    assert as_amounts(table.reset_index())["metric"].unique().tolist() == ["reason_share"]


def test_two_who_differ_count_half_each_and_what_is_settled_counts_alone():
    keys = range(8)
    ann, ben = (
        human_from({key: ["price"] for key in keys}, "ann"),
        human_from({key: [] for key in keys}, "ben"),
    )
    final = human_from({0: [], 1: []}, "final")
    labels = labels_from((0, "price", 0.5))
    assert table_of(sessions_from(8), labels, pd.concat([ann, ben]))["value"].iloc[0] == pytest.approx(0.5)
    assert table_of(sessions_from(8), labels, pd.concat([ann, ben, final]))["value"].iloc[0] == pytest.approx(
        3 / 8
    )


def test_answers_chosen_to_learn_from_do_not_count_and_few_are_suppressed():
    labels = labels_from((0, "price", 0.5))
    chosen = human_from({key: ["price"] for key in range(8)}, use="train")
    assert table_of(sessions_from(8), labels, chosen)["method"].iloc[0] == "unverified"
    few = table_of(sessions_from(8), labels, human_from({key: ["price"] for key in range(4)}))
    assert few["method"].iloc[0] == "suppressed" and np.isnan(few["value"].iloc[0])


def test_shares_of_a_sample_cover_the_truth_and_a_helpful_machine_narrows_them():
    draw, n = np.random.default_rng(4), 1500
    truth = {key: (["price"] if draw.random() < 0.3 else []) for key in range(n)}
    p = {key: 0.85 if (bool(codes) != (draw.random() < 0.1)) else 0.05 for key, codes in truth.items()}
    labelled = {int(key): truth[int(key)] for key in draw.choice(n, 250, replace=False)}
    chances = labels_from(*((key, "price", p[key]) for key in range(n)))
    blind = labels_from((0, "price", 0.5))
    helped, alone = (
        table_of(sessions_from(n), blind, human_from(labelled), chances=given).iloc[0]
        for given in (chances, None)
    )
    share = np.mean([bool(codes) for codes in truth.values()])
    assert helped["low"] <= share <= helped["high"]
    assert helped["high"] - helped["low"] < 0.8 * (alone["high"] - alone["low"])


def test_counts_of_the_machine_stand_beside_any_shares():
    sessions = sessions_from(4, side=["mixed", "mixed", "unexplained", "controllable"])
    sides = measure_sides(scored_sessions(sessions, labels_from(), NOTHING_DRAWN))
    assert with_counts(sides, count_sides(sessions))["coded_count"].to_list() == [1, 2, 0, 1]


def ceilings_of(labels, human=None, levers=("late_first",)):
    """Measure the ceilings of six conversations, by fault."""
    scored = scored_sessions(sessions_from(6, transfer_count=[0, 2, 0, 0, 0, 0]), labels, NOTHING_DRAWN)
    return measure_ceilings(scored, labels, pd.DataFrame(columns=list(levers)), human).set_index("fault")


def test_what_is_no_lever_can_recover_at_most_the_ratings_that_have_its_reason():
    human = human_from(
        {0: ["ability", "attitude"], 1: ["ability"], 2: ["price"], 3: [], 4: [], 5: ["ability"]}
    )
    table = ceilings_of(labels_from((0, "ability", 0.9)), human)
    assert table["value"].to_dict() == pytest.approx({"unresolved": 3, "attitude": 1, "emotion": 0})
    assert set(table["unit"]) == {"count"} and table.loc["unresolved", "coded_count"] == 1


def test_without_labels_there_are_no_ceilings_and_no_rows_where_the_comparison_leaves_out_nothing():
    table = ceilings_of(labels_from((0, "ability", 0.9)))
    assert table["value"].isna().all() and list(table.index) == ["unresolved", "attitude", "emotion"]
    assert ceilings_of(labels_from(), levers=("unresolved", "attitude", "emotion")).empty


def test_errors_of_single_coders_are_corrected_where_enough_is_coded_twice_and_settled():
    draw, n = np.random.default_rng(8), 600
    truth = {key: draw.random() < 0.3 for key in range(n)}
    say = {key: holds if draw.random() > 0.15 else not holds for key, holds in truth.items()}
    single = human_from({key: ["price"] if say[key] else [] for key in range(n)}, "ann")
    again = human_from({key: ["price"] if truth[key] else [] for key in range(120)}, "ben")
    final = human_from({key: ["price"] if truth[key] else [] for key in range(120)}, "final")
    labels = labels_from((0, "price", 0.5))
    plain = table_of(sessions_from(n), labels, single).iloc[0]
    mended = table_of(sessions_from(n), labels, pd.concat([single, again, final])).iloc[0]
    share = np.mean(list(truth.values()))
    assert "corrected" in mended["method"] and "corrected" not in plain["method"]
    assert mended["low"] <= share <= mended["high"] and abs(mended["value"] - share) < abs(
        plain["value"] - share
    )


def test_a_reason_that_hardly_occurs_among_those_coded_twice_is_taken_as_it_is():
    single = human_from({key: ["price"] if key >= 560 else ["stock"] for key in range(600)}, "ann")
    again = human_from({key: ["stock"] for key in range(40)}, "ben")
    labels = labels_from((0, "price", 0.5))
    table = table_of(sessions_from(600), labels, pd.concat([single, again]))
    assert table["value"].to_dict() == pytest.approx(
        {("stock", "merchandising"): 560 / 600, ("price", "merchandising"): 40 / 600}
    )
    assert set(table["method"]) == {"two-phase"}
