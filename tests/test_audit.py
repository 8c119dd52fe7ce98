"""Audit: coders against each other and the machine against coders, on what was drawn at random."""

import numpy as np
import pandas as pd
import pytest
from label_book import make_book

from csnb.answers import own_case, save_answers
from csnb.audit import (
    list_disputes,
    machine_labels,
    measure_accuracy,
    measure_agreement,
    measure_drift,
    select_labels,
    settle_answers,
)
from csnb.book import select_sessions
from csnb.stats import gwet_ac1, krippendorff_alpha, wilson_interval

CODES = ["dissatisfied", "ability", "price", "logistics"]


def people(*answers):
    """Write answers as rows of human labels: (session, coder, reasons), and then changes of the row."""
    rows = []
    for session, coder, reasons, *more in answers:
        for code in CODES:
            holds = code in reasons or (code == "dissatisfied" and bool(reasons))
            rows.append(
                {"session_key": session, "session_id": f"s{session}", "coder": coder, "code": code, "holds": holds,
                 "number": 2.0 if code in reasons else None, "quote": "太慢" if code in reasons else None,
                 "is_primary": code in reasons[:1], "note": None, "case": f"d1-{session:03}", "population": "dissatisfied",
                 "stratum": "d1/*/1", "drawn_probability": 0.5, "use": "estimate", **(more[0] if more else {})}
            )  # fmt: skip
    columns = ["session_key", "session_id", "coder", "code", "holds", "number", "quote", "is_primary", "note", "case",
               "population", "stratum", "drawn_probability", "use"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).astype({"holds": bool, "is_primary": bool})


def machine(*codes, coder="model"):
    """Write machine labels: (session, code, p)."""
    return pd.DataFrame(
        [
            {"session_key": key, "code": code, "p": p, "coder": coder, "number": 1, "quote": "还没到"}
            for key, code, p in codes
        ],
        columns=["session_key", "code", "p", "coder", "number", "quote"],
    )


def two_coders(n, differ):
    """Let two coders code n sessions, in turn by price and ability; they differ on the first ones."""
    first = [(key, "ann", ["price"] if key % 2 else ["ability"]) for key in range(n)]
    second = [(key, "ben", ["logistics"] if key < differ else reasons) for key, _, reasons in first]
    return people(*first, *second)


def value_of(table, **where):
    """Give the one row that fits."""
    (row,) = table[(table[list(where)] == pd.Series(where)).all(axis=1)].to_dict("records")
    return row


# ---- coders among themselves


def test_agreement_is_that_of_the_statistics_on_conversations_coded_twice():
    human = pd.concat([two_coders(20, differ=4), people((99, "ann", ["price"]))])
    agreement = measure_agreement(human)
    codes = [[key % 2, 0 if key < 4 else key % 2] for key in range(20)]
    row = value_of(agreement, metric="alpha", code="price")
    assert (row["n"], row["value"]) == (20, pytest.approx(krippendorff_alpha(codes)))
    assert row["low"] < row["value"] < row["high"]
    assert value_of(agreement, metric="ac1", code="price")["value"] == pytest.approx(gwet_ac1(codes))


def test_the_side_is_a_question_of_its_own():
    agreement = measure_agreement(two_coders(20, differ=4))
    sides = [["uncontrollable" if key % 2 else "controllable"] * 2 for key in range(20)]
    for key in range(4):
        sides[key][1] = "uncontrollable"
    assert value_of(agreement, metric="alpha", code="side")["value"] == pytest.approx(
        krippendorff_alpha(sides)
    )


def test_settled_answers_say_nothing_about_agreement():
    human = pd.concat([two_coders(20, differ=4), people((0, "final", ["price"]), (1, "final", ["price"]))])
    assert measure_agreement(human).equals(measure_agreement(two_coders(20, differ=4)))


def test_a_reason_given_too_rarely_has_no_agreement():
    row = value_of(measure_agreement(two_coders(20, differ=4)), metric="alpha", code="logistics")
    assert (row["n"], row["method"]) == (20, "given too rarely")
    assert np.isnan(row["value"])


@pytest.mark.parametrize(("n", "method"), [(4, "suppressed"), (0, "nothing coded twice")])
def test_fewer_than_five_conversations_coded_twice_are_suppressed(n, method):
    human = pd.concat([two_coders(n, differ=0), people((50, "ann", ["price"]))])
    assert value_of(measure_agreement(human), metric="alpha", code="side")["method"] == method


def test_no_labels_give_tables_without_a_value():
    nobody = people()
    assert measure_agreement(nobody)["value"].isna().all()
    assert measure_accuracy(nobody, machine((1, "price", 0.9))).empty
    assert list_disputes(nobody, machine((1, "price", 0.9))).empty
    scored = pd.DataFrame(
        {"session_key": [1], "week": ["2026-W10"], "p_controllable": [0.1], "p_uncontrollable": [0.1]}
    )
    assert measure_drift(nobody, scored).empty


# ---- the machine against people


def test_a_settled_answer_counts_alone_and_two_who_differ_count_half():
    human = people(
        (1, "ann", ["price"]), (1, "ben", ["ability"]), (2, "ann", ["price"]), (2, "final", ["ability"])
    )
    settled = settle_answers(human).set_index(["session_key", "code"])["holds"]
    assert (settled[1, "price"], settled[1, "ability"], settled[1, "dissatisfied"]) == (0.5, 0.5, 1.0)
    assert (settled[2, "price"], settled[2, "ability"]) == (0.0, 1.0)


def test_precision_and_recall_weigh_conversations_as_their_strata():
    """20 of weight 2 are right, 20 of weight 1 are wrong, 20 of weight 1 are missed: 40 of 60 either way."""
    sparse, dense = {"drawn_probability": 0.5}, {"drawn_probability": 1.0}
    human = people(
        *((key, "ann", ["price"], sparse) for key in range(20)),
        *((key, "ann", ["ability"], dense) for key in range(20, 40)),
        *((key, "ann", ["price"], dense) for key in range(40, 60)),
    )
    accuracy = measure_accuracy(human, machine(*((key, "price", 0.9) for key in range(40))))
    for metric in ("precision", "recall"):
        row = value_of(accuracy, metric=metric, code="price")
        assert (row["n"], row["value"]) == (40, pytest.approx(40 / 60))
        effective = 60**2 / (20 * 4 + 20)
        assert (row["low"], row["high"]) == pytest.approx(wilson_interval(effective * 40 / 60, effective))


def test_answers_given_to_learn_from_do_not_judge_the_machine():
    drawn = [(key, "ann", ["price"]) for key in range(20)]
    chosen = [(key, "ann", [], {"use": "train", "drawn_probability": None}) for key in range(20, 60)]
    accuracy = measure_accuracy(people(*drawn, *chosen), machine(*((key, "price", 0.9) for key in range(60))))
    assert value_of(accuracy, metric="precision", code="price")["value"] == 1


@pytest.mark.parametrize(("n", "is_known"), [(14, False), (15, True)])
def test_fifteen_conversations_are_needed_for_a_value(n, is_known):
    human = people(*((key, "ann", ["price"]) for key in range(n)))
    row = value_of(
        measure_accuracy(human, machine(*((key, "price", 0.9) for key in range(n)))), metric="recall"
    )
    assert (row["n"], not np.isnan(row["value"])) == (n, is_known)
    assert (row["method"] == "fewer than 15") != is_known


def test_every_machine_is_judged_apart():
    human = people(*((key, "ann", ["price"]) for key in range(20)))
    codes = [(key, "price", 0.9) for key in range(20)]
    both = pd.concat([machine(*codes), machine(*codes[:10], coder="llm")])
    recall = measure_accuracy(human, both).query("metric == 'recall'").set_index("coder")["value"]
    assert recall.to_dict() == {"llm": 0.5, "model": 1.0}


def test_the_machine_calls_a_conversation_dissatisfied_from_one_half_on():
    human = people(*((key, "ann", ["price"]) for key in range(30)))
    codes = [(key, "dissatisfied", 0.5 if key < 15 else 0.49) for key in range(30)]
    assert value_of(measure_accuracy(human, machine(*codes)), metric="recall")["value"] == 0.5


# ---- drift


def drifting(missed):
    """Let people and a machine see four weeks of fifty; in the last one the machine misses more."""
    rng = np.random.default_rng(3)
    week = np.repeat(["2026-W10", "2026-W11", "2026-W12", "2026-W13"], 50)
    holds = rng.random(200) < 0.5
    seen = holds & (rng.random(200) > np.where(week == "2026-W13", missed, 0.1))
    human = people(*((key, "ann", ["ability"] if holds[key] else ["price"]) for key in range(200)))
    p = np.where(seen, 0.95, 0.05)
    return human, pd.DataFrame(
        {"session_key": range(200), "week": week, "p_controllable": p, "p_uncontrollable": 0.5}
    )


def test_a_week_in_which_the_machine_misses_more_stands_out():
    drift = measure_drift(*drifting(missed=0.9)).query("side == 'controllable'")
    assert drift.loc[drift["p_adjusted"] < 0.05, "week"].to_list() == ["2026-W13"]
    last = drift.iloc[-1]
    assert last["value"] > 0.2
    assert last["low"] < last["value"] < last["high"]


def test_no_week_stands_out_where_the_machine_errs_alike():
    drift = measure_drift(*drifting(missed=0.1))
    assert drift["p_adjusted"].notna().sum() == 6
    assert not (drift["p_adjusted"] < 0.05).any()


# ---- disputes


def test_disputes_are_codes_on_which_coders_differ_or_a_sure_machine_is_denied():
    human = people((1, "ann", ["price"]), (1, "ben", ["ability"]), (2, "ann", ["price"]))
    found = list_disputes(human, machine((2, "ability", 0.95), (2, "logistics", 0.6)))
    assert found[["session_id", "dispute", "code", "yes", "no"]].fillna("").to_numpy().tolist() == [
        ["s1", "coders", "ability", "ben", "ann"],
        ["s1", "coders", "price", "ann", "ben"],
        ["s2", "machine", "ability", "", "ann"],
    ]
    assert found["quote"].to_list() == ["太慢", "太慢", "还没到"]


def test_a_settled_dispute_is_left_out():
    human = people((1, "ann", ["price"]), (1, "ben", ["ability"]), (1, "final", ["price"]))
    assert list_disputes(human, machine()).empty


def test_only_analysts_see_names_and_notes():
    human = people((1, "ann", ["price"]), (1, "ben", ["ability"])).assign(note="骂人")
    assert list_disputes(human, machine())["note"].eq("骂人").all()
    shown = list_disputes(human, machine(), "leadership")
    assert shown["yes"].to_list() == [1, 1]
    assert shown["note"].isna().all()


# ---- from a book


def test_labels_are_those_of_the_counted_sessions_of_the_period(tmp_path):
    book = make_book(tmp_path)
    sessions = select_sessions(book)
    answer = {"dissatisfied": False, "reasons": {}, "primary": None, "note": ""}
    save_answers(book, "ann", {own_case(key): answer for key in sessions["session_key"]})
    assert select_labels(book, sessions)["session_key"].nunique() == len(sessions)
    first_day = select_sessions(book, "2026-03-02", "2026-03-02")
    kept = first_day.loc[first_day["left_out_because"].isna(), "session_id"]
    assert set(select_labels(book, first_day)["session_id"]) == set(kept)
    assert len(machine_labels(book)) == len(book.labels)
