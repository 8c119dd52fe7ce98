"""Recoverable satisfaction: what the tables say, and what they say where nothing can be compared."""

import time

import numpy as np
import pandas as pd
import pytest
from test_audit import people, two_coders

from csnb.formats import word_of
from csnb.lever_checks import list_lever_checks, list_overlap, measure_negative_controls
from csnb.recovery import (
    compare_levers,
    compared_sessions,
    find_levers,
    list_recoverable,
    measure_levers,
    measure_recoverable,
)
from csnb.recovery_findings import find_recoverable
from csnb.schema import RESULTS
from csnb.slices import add_slices
from csnb.strings import set_language, text
from csnb.trust import judge_labels
from csnb.world import make_world
from csnb.world.causes import BEHAVIOURS

LEVERS = list(BEHAVIOURS)


@pytest.fixture(scope="module")
def world():
    """Give a week in which everybody rates."""
    return make_world("S1", 4, rating_base=10.0, sessions_per_week=2500, agents=20)


@pytest.fixture(scope="module")
def sessions(world):
    """Give its sessions with slices and the side of each, as the machine sees it."""
    p = world.sessions[["machine_controllable_p", "machine_uncontrollable_p"]].to_numpy() >= 0.5
    side = np.select(
        [p.all(axis=1), p[:, 0], p[:, 1]], ["mixed", "controllable", "uncontrollable"], "unexplained"
    )
    return add_slices(world.sessions.assign(side=side))


def test_results_have_one_shape_and_the_truth_inside(world, sessions):
    table = measure_recoverable(sessions, sessions[LEVERS]).set_index("metric")
    assert table.reset_index().columns.to_list() == list(RESULTS.columns)
    fewer, share = table.loc["recoverable_sessions"], table.loc["recoverable_share"]
    assert fewer["low"] <= world.truth.recoverable(among="rated") * fewer["n"] <= fewer["high"]
    assert fewer["unit"] == "count" and fewer["method"] == "g-computation, by agent"
    dissatisfied = sessions["is_dissatisfied"].fillna(False).astype(bool).sum()
    assert share["n"] == dissatisfied and share["value"] == pytest.approx(fewer["value"] / dissatisfied)


def test_a_comparison_of_six_thousand_ratings_takes_a_second_and_a_half():
    sessions = add_slices(make_world("S1", 1, rating_base=10.0, sessions_per_week=7700).sessions)
    compared, spent = compared_sessions(sessions, sessions[LEVERS]), []
    assert len(compared.y) > 5800
    for _ in range(3):
        start = time.process_time()
        compare_levers(compared)
        spent.append(time.process_time() - start)
    assert min(spent) <= 1.5


def test_parts_of_levers_add_up_to_the_whole(sessions):
    whole = measure_recoverable(sessions, sessions[LEVERS]).iloc[0]
    parts = measure_levers(sessions, sessions[LEVERS])
    assert parts["value"].sum() == pytest.approx(whole["value"], abs=1e-9)
    assert parts["value"].is_monotonic_decreasing
    assert parts["fault"].iloc[0] == "unresolved"
    shown = list_recoverable(measure_recoverable(sessions, sessions[LEVERS]), parts)
    assert shown["fault"].iloc[-1] == "all" and shown["value"].iloc[-1] == pytest.approx(
        shown["value"][:-1].sum()
    )


def test_order_of_rows_and_levers_does_not_matter(sessions):
    turned = sessions[::-1]
    one = measure_levers(sessions, sessions[LEVERS]).set_index("fault")["value"]
    other = measure_levers(turned, turned[LEVERS[::-1]]).set_index("fault")["value"]
    assert other[one.index].to_numpy() == pytest.approx(one.to_numpy(), abs=1e-9)


def test_unrated_and_left_out_sessions_do_not_count(sessions):
    more = sessions.assign(is_rated=False)
    both = pd.concat([sessions, more.assign(is_dissatisfied=pd.NA)], ignore_index=True)
    first = measure_recoverable(sessions, sessions[LEVERS])
    pd.testing.assert_frame_equal(measure_recoverable(both, both[LEVERS]), first)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: s[s["is_rated"].astype(bool)][:1], "too few ratings"),
        (lambda s: s[:0], "too few ratings"),
        (lambda s: s.assign(is_rated=False), "too few ratings"),
        (lambda s: s.assign(is_dissatisfied=s["is_dissatisfied"].mask(s["is_dissatisfied"].notna(), True)), "all dissatisfied"),
        (lambda s: s.assign(is_dissatisfied=s["is_dissatisfied"].mask(s["is_dissatisfied"].notna(), False)), "none dissatisfied"),
        (lambda s: s.assign(**dict.fromkeys(LEVERS, False)), "no lever varies"),
        (lambda s: s.assign(**dict.fromkeys(LEVERS, True)), "no lever varies"),
    ],
)  # fmt: skip
def test_where_nothing_can_be_compared_the_reason_is_said(sessions, change, reason):
    changed = change(sessions)
    for table in (measure_recoverable(changed, changed[LEVERS]), measure_levers(changed, changed[LEVERS])):
        assert table["value"].isna().all()
        assert set(table["method"]) == {reason}
    assert len(measure_levers(changed, changed[LEVERS])) == len(LEVERS)
    assert list_lever_checks(changed, changed[LEVERS]).empty and list_overlap(changed, changed[LEVERS]).empty
    assert measure_negative_controls(changed, changed[LEVERS]).empty


def test_a_lever_that_hardly_varies_is_named_and_the_others_are_estimated(sessions):
    changed = sessions.assign(emotion=False, attitude=sessions.index % 1000 > 0)
    table = measure_levers(changed, changed[LEVERS]).set_index("fault")
    assert table.loc["emotion", "method"] == "too rare" and np.isnan(table.loc["emotion", "value"])
    assert table.loc["attitude", "method"] == "always off"
    assert table.loc["unresolved", "value"] > 0


def test_with_one_agent_days_are_the_clusters(sessions):
    changed = sessions.assign(agent_id="only")
    row = measure_recoverable(changed, changed[LEVERS]).iloc[0]
    assert row["method"] == "g-computation, by agent and day"
    assert row["low"] < row["value"] < row["high"]
    one_day = changed.assign(day="2026-03-02")
    row = measure_recoverable(one_day, one_day[LEVERS]).iloc[0]
    assert np.isnan(row["low"]) and row["value"] > 0


def test_machine_codes_are_no_levers():
    """The machine reads attitude from the words of an angry customer: that is the outcome, not a cause of it."""
    sessions = pd.DataFrame({"session_key": [1, 2], "first_response_seconds": [10.0, 90.0], "is_replied": True,
                             "transfer_count": [2, 0]})  # fmt: skip
    labels = pd.DataFrame({"session_key": [1], "code": ["attitude"], "p": [0.9]})
    levers = find_levers(sessions, labels)
    assert levers["late_first"].tolist() == [False, True] and levers["transferred"].tolist() == [True, False]
    assert "attitude" not in levers


def test_second_estimates_agree_where_the_truth_is_known(world, sessions):
    checks = list_lever_checks(sessions, sessions[LEVERS]).set_index("fault")
    row = checks.loc["unresolved"]
    truth = world.truth.recoverable(("unresolved",), "rated") * row["n"]
    assert row["alone_low"] <= truth <= row["alone_high"]
    assert row["weighted_low"] <= truth <= row["weighted_high"]
    assert row["independent_low"] <= truth <= row["independent_high"]
    assert row["crude"] > row["alone"]  # difficult matters stay unsolved and displease by themselves
    assert row["e_value"] > row["e_value_low"] > 1
    assert row["times_strongest"] == pytest.approx((row["e_value"] - 1) / (checks["e_value"] - 1).mul(
        1 / checks["times_strongest"]).iloc[0])  # fmt: skip


def test_a_conversation_whose_channel_is_not_known_is_in_a_cell_of_its_own(sessions):
    changed = sessions.assign(channel=sessions["channel"].mask(np.arange(len(sessions)) % 10 == 0))
    whole, missing = (list_overlap(each, each[LEVERS])["cells"].iloc[0] for each in (sessions, changed))
    assert missing > whole


def test_overlap_counts_the_cells_that_have_both(sessions):
    rated = compared_sessions(sessions, sessions[LEVERS]).sessions
    names = ["intent", "stage", "channel", "has_campaign_flag"]
    table = list_overlap(sessions, sessions[LEVERS]).set_index("fault")
    shared = rated.groupby(names)["unresolved"].transform("nunique") == 2
    assert table.loc["unresolved", "shared_count"] == shared.sum()
    assert table.loc["unresolved", "shared_cells"] == rated.loc[shared, names].drop_duplicates().shape[0]
    assert (table["trimmed_count"] <= table["n"]).all()


def test_controls_find_nothing_where_there_is_nothing(sessions):
    table = measure_negative_controls(sessions, sessions[LEVERS]).set_index("control")
    assert table["is_clean"].all()
    assert table.loc["previous", "low"] <= 0 <= table.loc["previous", "high"]


def test_controls_find_a_hidden_difference(sessions):
    """Hidden moods that come in runs at an agent raise the fault and the displeasure of neighbours alike."""
    handled = sessions[sessions["left_out_because"].isna()].sort_values("started_at")
    place = handled.groupby("agent_id").cumcount()
    mood = ((place // 12 + handled["agent_id"].str.len()) % 2 == 0).reindex(sessions.index, fill_value=False)
    draw = np.random.default_rng(1)
    luck = pd.Series(draw.random(len(sessions)), sessions.index)
    bad = sessions["is_dissatisfied"].notna() & mood & (luck < 0.5)
    changed = sessions.assign(
        unresolved=sessions["unresolved"] | (mood & (draw.random(len(sessions)) < 0.6)),
        is_dissatisfied=sessions["is_dissatisfied"].mask(bad, True),
    )
    table = measure_negative_controls(changed, changed[LEVERS]).set_index("control")
    assert not table.loc["previous", "is_clean"] and table.loc["previous", "low"] > 0


NOBODY, AGREED = judge_labels(people()), judge_labels(two_coders(40, 0))
CEILINGS = pd.DataFrame(
    {"fault": ["unresolved", "attitude"], "value": [30.0, 6.0], "low": [20.0, 2.0], "high": [40.0, 14.0], "unit": "count",
     "n": 80, "sessions": 200}
)  # fmt: skip


def said(sessions, levers, ceilings=CEILINGS[:0], trust=NOBODY):
    """Give the one finding and its sentence in Chinese; it can be said in English too."""
    (found,) = find_recoverable(
        measure_recoverable(sessions, levers), measure_levers(sessions, levers), ceilings, trust
    )
    claim = {name: value for name, value in found.values.items() if name not in ("n", "interval")}
    for lang in ("en", "zh"):
        set_language(lang)
        sentence = text(f"finding.{found.key}", **claim)
    return found, sentence


def test_the_sentence_holds_number_base_interval_and_assumption(sessions):
    found, sentence = said(sessions, sessions[LEVERS])
    assert (found.key, found.grade) == ("recoverable", "B")
    assert {"n", "interval"} <= set(found.values)
    assert "同类会话相比，是关联，不是实验" in sentence


def test_only_levers_that_are_clear_by_themselves_come_first(sessions):
    found, _ = said(sessions, sessions[LEVERS])
    table = measure_levers(sessions, sessions[LEVERS])
    names = [word_of("fault", fault) for fault in table["fault"]]
    clear = [name for name, low in zip(names, table["low"], strict=True) if low >= 0.5]
    assert 0 < len(clear) < len(names)
    assert [name for name in names if name in found.values["levers"]] == clear
    assert found.values["levers"].count("（") == len(clear)


def test_what_is_not_sure_is_said_so(sessions):
    draw = np.random.default_rng(1)
    luck = sessions.assign(**{lever: draw.random(len(sessions)) < 0.1 for lever in LEVERS})
    found, sentence = said(luck, luck[LEVERS])
    assert found.key in ("recoverable_unclear", "recoverable_none")
    assert "是关联，不是实验" in sentence
    assert said(sessions[:20], sessions[LEVERS])[0].key == "recoverable_unknown"


@pytest.mark.parametrize(
    ("low", "value", "part_low", "key"),
    [
        (9, 20, 4, "recoverable"),
        (9, 20, 0, "recoverable_together"),
        (0, 20, 0, "recoverable_unclear"),
        (-9, -2, 0, "recoverable_none"),
    ],
)
def test_a_gain_is_claimed_only_as_far_as_its_interval_bears(sessions, low, value, part_low, key):
    whole = measure_recoverable(sessions, sessions[LEVERS]).assign(value=value, low=low)
    parts = measure_levers(sessions, sessions[LEVERS]).assign(low=part_low)
    assert find_recoverable(whole, parts, CEILINGS, NOBODY)[0].key == key


def test_what_cannot_be_compared_is_named_with_its_ceiling_where_labels_can_be_used(sessions):
    _, sentence = said(sessions, sessions[LEVERS], CEILINGS, AGREED)
    assert (
        "没法这样比的，改好了最多再少：答错或没解决 30（20–40）、态度 6（2–14）（按 80 段人工标注）。"
        in sentence
    )
    for unusable in (said(sessions, sessions[LEVERS], CEILINGS, NOBODY),
                     said(sessions, sessions[LEVERS], CEILINGS.assign(value=np.nan), AGREED)):  # fmt: skip
        assert unusable[1].endswith("答错或没解决、态度没法这样比，不在其中。")
    assert "没法" not in said(sessions, sessions[LEVERS])[1]
