"""The honest share: what a few labels, a machine and nothing at all allow to say."""

import numpy as np
import pandas as pd
import pytest

from csnb.errors import MetricError, ParameterError
from csnb.schema import RESULTS
from csnb.shares import (
    measure_controllable,
    measure_domains,
    measure_labelling_need,
    measure_sides,
    scored_sessions,
)
from csnb.sides import SIDES

CODES = {"controllable": ["ability"], "mixed": ["ability", "price"], "uncontrollable": ["price"], "unexplained": ["unclear"]}  # fmt: skip


def population(n=1200, seed=0, skill=2.0, shift=0.8):
    """Give dissatisfied sessions with true sides, and a machine that ranks well and is off by a shift."""
    draw = np.random.default_rng(seed)
    true = draw.choice(list(CODES), n, p=[0.5, 0.1, 0.35, 0.05])
    inside = pd.Series(true).isin(["controllable", "mixed"]).to_numpy()
    outside = pd.Series(true).isin(["uncontrollable", "mixed"]).to_numpy()
    p = [
        1 / (1 + np.exp(-(skill * (2 * has - 1) + draw.normal(size=n) + shift))) for has in (inside, outside)
    ]
    seen = np.select(
        [(p[0] > 0.5) & (p[1] > 0.5), p[0] > 0.5, p[1] > 0.5], SIDES[1:2] + SIDES[0:1] + SIDES[2:3], SIDES[3]
    )
    return pd.DataFrame({
        "session_key": np.arange(n), "true": true, "side": seen, "p_controllable": p[0], "p_uncontrollable": p[1],
        "stratum": np.digitize(p[0], [0.3, 0.6, 0.8, 0.95]).astype(str),
        "shop": draw.choice(list("ABCDEF"), n, p=[0.5, 0.3, 0.1, 0.05, 0.03, 0.02]),
        "day": draw.choice(["2026-03-02", "2026-03-09"], n), "rulepack": "jd 2021-12-01",
    })  # fmt: skip


def coded(sessions, coder="li", use="estimate"):
    """Code sessions as they truly are."""
    rows = [
        {"session_key": key, "coder": coder, "code": code, "holds": True, "use": use}
        for key, true in zip(sessions["session_key"], sessions["true"], strict=True)
        for code in CODES[true]
    ]
    return pd.DataFrame(rows, columns=["session_key", "coder", "code", "holds", "use"])


def drawn_by_stratum(sessions, each=40, seed=1):
    """Draw the same number from every stratum."""
    return sessions.sample(frac=1, random_state=seed).groupby("stratum").head(each)


def of_side(table, side):
    """Give the row of one side."""
    return table.set_index("side").loc[side]


def test_results_have_one_shape_and_sides_add_up():
    sessions = population()
    table = measure_sides(sessions, coded(drawn_by_stratum(sessions)))
    assert table.columns.to_list() == ["metric", "side", *list(RESULTS.columns)[1:], "sessions"]
    assert table["side"].to_list() == list(SIDES)
    assert table["value"].sum() == pytest.approx(1)
    assert set(table["n"]) == {200} and set(table["sessions"]) == {1200}
    assert table["low"].le(table["value"]).all() and table["value"].le(table["high"]).all()


def test_a_machine_that_is_off_does_not_move_the_share():
    off = []
    for seed in range(40):
        sessions = population(seed=seed, shift=2)
        row = of_side(measure_sides(sessions, coded(drawn_by_stratum(sessions, seed=seed))), "controllable")
        off.append(row["value"] - (sessions["true"] == "controllable").mean())
        assert (sessions["side"] == "controllable").mean() < row["low"]
    assert abs(np.mean(off)) < 3 * np.std(off) / np.sqrt(40)


def test_a_good_machine_narrows_the_interval():
    width = {}
    for skill in (0.0, 2.0, 4.0):
        sessions = population(skill=skill)
        row = measure_controllable(sessions, coded(drawn_by_stratum(sessions))).iloc[0]
        width[skill] = row["high"] - row["low"]
    assert width[4.0] < 0.6 * width[2.0] < 0.6 * width[0.0]


def test_readings_go_from_broad_to_strict():
    sessions = population()
    table = measure_controllable(sessions, coded(drawn_by_stratum(sessions)))
    assert table["metric"].to_list() == [
        "controllable_share",
        "controllable_share_split",
        "controllable_share_strict",
    ]
    assert table["value"].is_monotonic_decreasing


def test_without_labels_there_are_bounds_and_no_value():
    sessions = population()
    for nothing in (None, coded(sessions[:0])):
        table = measure_controllable(sessions, nothing)
        assert table["value"].isna().all() and (table["n"] == 0).all()
        assert set(table["method"]) == {"unverified"}
        assert (table["low"] < table["high"]).all()


def test_labels_chosen_to_learn_from_are_not_counted():
    sessions = population()
    assert set(measure_sides(sessions, coded(sessions[:200], use="train"))["method"]) == {"unverified"}


def test_all_labelled_leaves_no_doubt():
    sessions = population(60)
    row = of_side(measure_sides(sessions, coded(sessions)), "mixed")
    assert row["low"] == row["value"] == row["high"] == pytest.approx((sessions["true"] == "mixed").mean())


def test_sessions_never_drawn_from_are_not_in_the_share_and_that_is_said():
    sessions = population()
    old = sessions.assign(stratum=sessions["stratum"].where(sessions["day"] == "2026-03-02"))
    row = measure_controllable(old, coded(drawn_by_stratum(old[old["stratum"].notna()]))).iloc[0]
    assert row["method"] == "two-phase, part never drawn from"
    assert row["sessions"] == (sessions["day"] == "2026-03-02").sum()


def test_groups_are_suppressed_below_five_labels_and_bounded_without_any():
    sessions = population()
    sample = drawn_by_stratum(sessions)
    kept = sample[~sample["shop"].isin(["E", "F"])]
    few = sample[sample["shop"] == "E"].head(3)
    table = measure_controllable(sessions, coded(pd.concat([kept, few])), by="shop")
    table = table[table["metric"] == "controllable_share"].set_index("shop")
    assert table.loc["E", ["n", "method"]].to_list() == [3, "suppressed"] and np.isnan(
        table.loc["E", "value"]
    )
    assert table.loc["F", "method"] == "unverified"
    assert table.loc["A", "method"] == "two-phase" and table.loc["A", "n"] >= 30


def test_small_groups_are_drawn_together_and_are_right_on_average():
    off, together = [], []
    for seed in range(30):
        sessions = population(seed=seed)
        labels = coded(drawn_by_stratum(sessions, seed=seed))
        table = measure_controllable(sessions, labels, by="shop")
        table = table[(table["metric"] == "controllable_share") & table["n"].between(5, 29)]
        truth = sessions.groupby("shop")["true"].apply(
            lambda true: true.isin(["controllable", "mixed"]).mean()
        )
        off += (table["value"] - table["shop"].map(truth)).to_list()
        together += (
            (table["low"] <= table["shop"].map(truth)) & (table["shop"].map(truth) <= table["high"])
        ).to_list()
    assert abs(np.mean(off)) < 0.03
    assert np.mean(together) >= 0.9


def test_groups_of_one_sum_up_to_what_no_groups_give():
    sessions = population()
    labels = coded(drawn_by_stratum(sessions))
    whole = measure_sides(sessions, labels)
    one = measure_sides(sessions.assign(all="all"), labels, by="all")
    pd.testing.assert_frame_equal(whole, one.drop(columns="all"))


def erring(sessions, coder, seed, sensitivity=0.9, specificity=0.93):
    """Code sessions with errors about each side."""
    draw, rows = np.random.default_rng(seed), []
    for code, sides in (("ability", ("controllable", "mixed")), ("price", ("uncontrollable", "mixed"))):
        has, luck = sessions["true"].isin(sides).to_numpy(), draw.random(len(sessions))
        seen = np.where(has, luck < sensitivity, luck >= specificity)
        rows.append(
            pd.DataFrame(
                {"session_key": sessions["session_key"], "coder": coder, "code": code, "holds": seen}
            )
        )
    return pd.concat(rows).assign(use="estimate")


def test_errors_of_coders_are_corrected_once_enough_is_coded_twice():
    off = {"two-phase": [], "two-phase, coders' errors corrected": []}
    for seed in range(40):
        sessions = population(seed=seed)
        sample = drawn_by_stratum(sessions, seed=seed).sample(frac=1, random_state=seed)
        twice = sample[:80]
        single = erring(sample, "li", [seed, 1])
        double = pd.concat([single, erring(twice, "wu", [seed, 2]), coded(twice, "final")])
        for labels in (single, double):
            row = measure_controllable(sessions, labels).iloc[0]
            off[row["method"]].append(row["value"] - sessions["true"].isin(["controllable", "mixed"]).mean())
    assert [len(found) for found in off.values()] == [40, 40]
    plain, corrected = (np.mean(found) for found in off.values())
    assert plain < -0.02
    assert abs(corrected) < 0.015


def test_labels_needed_fall_with_a_better_machine_and_with_labels_at_hand():
    need = {}
    for skill in (0.0, 4.0):
        sessions = population(4000, skill=skill)
        need[skill] = measure_labelling_need(sessions, coded(drawn_by_stratum(sessions, 20)), 0.05).iloc[0]
    assert need[4.0]["value"] < need[0.0]["value"]
    assert need[4.0]["unit"] == "count" and need[0.0]["n"] == 100
    few = measure_labelling_need(sessions, coded(sessions[:3]), 0.05).iloc[0]
    assert few["n"] == 3 and few["value"] == np.ceil(384.146 / (1 + 384.146 / 4000)) - 3
    nobody = measure_labelling_need(population(4000), None, 0.05).iloc[0]
    assert nobody["n"] == 0 and nobody["value"] > need[4.0]["value"]
    with pytest.raises(ParameterError, match=r"margin must lie between 0 and 0\.5"):
        measure_labelling_need(sessions, None, 5)


def test_what_is_needed_is_what_narrows():
    sessions = population(4000, skill=0.3)
    more = int(measure_labelling_need(sessions, coded(drawn_by_stratum(sessions, 20)), 0.05).iloc[0]["value"])
    row = measure_controllable(sessions, coded(drawn_by_stratum(sessions, 20 + more // 5))).iloc[0]
    assert row["high"] - row["low"] == pytest.approx(0.1, rel=0.15)


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_and_one_session_are_answered_plainly(n):
    sessions = population(5)[:n]
    table = measure_sides(sessions)
    assert len(table) == 4 and table["value"].isna().all()
    assert table["low"].isna().all()  # bounds of one conversation would say nothing
    assert measure_sides(sessions, by="shop").shape[0] == 4 * n
    assert np.isnan(measure_labelling_need(sessions).loc[0, "value"]) == (n == 0)
    if n:
        assert set(measure_sides(sessions, coded(sessions))["method"]) == {"suppressed"}


def test_an_unknown_group_is_named():
    with pytest.raises(MetricError, match="no column 'city'"):
        measure_sides(population(10), by="city")


def test_scores_come_from_the_machines_codes_and_strata_from_the_draw():
    bad = pd.DataFrame({"session_key": [1, 2, 3], "side": ["mixed", "uncontrollable", "unexplained"]})
    labels = pd.DataFrame({
        "session_key": [1, 1, 1, 2, 2, 3], "code": ["ability", "ability", "price", "price", "dissatisfied", "unclear"],
        "p": [0.5, 0.4, 0.9, 0.7, 0.99, 1.0], "source": ["stated", "measured", "stated", "stated", "stated", "stated"],
    })  # fmt: skip
    drawn = pd.DataFrame({"session_key": [1, 3], "stratum": ["d1/*/1", "d1/*/2"]})
    scored = scored_sessions(bad, labels, drawn)
    assert scored["p_controllable"].tolist() == [0.5, 0, 0]
    assert scored["p_uncontrollable"].tolist() == [0.9, 0.7, 0]
    assert scored["stratum"].fillna("never drawn from").tolist() == ["d1/*/1", "never drawn from", "d1/*/2"]
    assert scored_sessions(bad, labels, drawn[:0])["stratum"].notna().all()


def test_chances_score_also_where_no_code_was_given():
    bad = pd.DataFrame({"session_key": [1, 2, 3], "side": ["controllable", "unexplained", "unexplained"]})
    labels = pd.DataFrame({"session_key": [1], "code": ["ability"], "p": [0.5], "source": ["measured"]})
    chances = pd.DataFrame({
        "session_key": [1, 1, 2, 9], "code": ["ability", "bot", "price", "price"],
        "p": np.array([0.5, 0.1, 0.2, 0.9], np.float32),
    })  # fmt: skip
    scored = scored_sessions(bad, labels, pd.DataFrame(columns=["session_key", "stratum"]), chances=chances)
    np.testing.assert_allclose(scored["p_controllable"], [0.55, 0, 0], atol=1e-6)
    np.testing.assert_allclose(scored["p_uncontrollable"], [0, 0.2, 0], atol=1e-6)
    none = scored_sessions(
        bad, labels[:0], pd.DataFrame(columns=["session_key", "stratum"]), chances=chances[:0]
    )
    assert none[["p_controllable", "p_uncontrollable"]].eq(0).all(axis=None)


def test_domains_hold_the_broad_reading_of_every_named_group():
    scored = pd.DataFrame(
        {"session_key": range(30), "stratum": "all", "side": "unexplained", "p_controllable": 0.2,
         "p_uncontrollable": 0.0, "channel": [None] * 20 + ["搜索"] * 10, "team": ["甲"] * 27 + ["乙"] * 3}
    )  # fmt: skip
    table = measure_domains(scored)
    assert table[["dimension", "group", "n"]].values.tolist() == [
        ["channel", "搜索", 10], ["team", "乙", 3], ["team", "甲", 27]
    ]  # fmt: skip
    assert table["method"].tolist()[1] == "suppressed" and set(table["metric"]) == {"controllable_share"}
