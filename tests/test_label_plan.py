"""What to label next: margins that agree with the estimate, and a draw that is only looked at."""

import numpy as np
import pandas as pd
import pytest
from label_book import make_book

from csnb.answers import save_answers
from csnb.audit import select_labels
from csnb.book import select_sessions
from csnb.label_plan import count_labels, describe_draw, plan_margins, plan_strata
from csnb.labelling import read_settings, sample_labels
from csnb.satisfaction import dissatisfied_sessions
from csnb.shares import measure_controllable, measure_labelling_need, scored_sessions

SATISFIED = {"dissatisfied": False, "reasons": {}, "primary": None, "note": ""}


def scored_of(n):
    """Make scored conversations of one stratum."""
    return pd.DataFrame(
        {"session_key": range(n), "stratum": "d1/*/1", "side": "unexplained", "rulepack": "generic",
         "p_controllable": 0.5, "p_uncontrollable": 0.5}
    )  # fmt: skip


def labels_of(n, share=0.4):
    """Label the first n conversations: a share of them is controllable."""
    rows = [(key, "ability", key < share * n) for key in range(n)] + [
        (key, "price", True) for key in range(n)
    ]
    frame = pd.DataFrame(rows, columns=["session_key", "code", "holds"])
    return frame.assign(coder="ann", use="estimate", drawn_probability=0.1, population="dissatisfied")


def test_the_margin_without_further_labels_is_that_of_the_share():
    scored, human = scored_of(1000), labels_of(100)
    row = measure_controllable(scored, human).iloc[0]
    first = plan_margins(scored, human).iloc[0]
    assert (first["n"], first["method"]) == (100, "measured")
    assert first["value"] == pytest.approx((row["high"] - row["low"]) / 2)


def test_more_labels_narrow_the_margin_as_the_need_for_labels_says():
    scored, human = scored_of(5000), labels_of(100)
    need = int(measure_labelling_need(scored, human, margin=0.05)["value"].iloc[0])
    margins = plan_margins(scored, human, steps=(0, need))
    assert margins["value"].iloc[1] == pytest.approx(0.05, rel=0.05)


def test_without_labels_the_widest_margin_is_planned_for():
    """1.96 x sqrt(0.25 / 100 x (1 - 100 / 1000)) is 0.0930."""
    margins = plan_margins(scored_of(1000), labels_of(0)).set_index("more_count")["value"]
    assert np.isnan(margins[0])
    assert margins[100] == pytest.approx(0.0930, abs=1e-4)


def test_where_all_would_be_labelled_nothing_is_left_open_and_more_is_not_planned():
    margins = plan_margins(scored_of(150), labels_of(50))
    assert margins["more_count"].to_list() == [0, 50, 100]
    assert margins["value"].to_list() == sorted(margins["value"], reverse=True)
    assert margins["value"].iloc[-1] == 0


def test_without_conversations_there_is_nothing_to_plan():
    assert plan_margins(scored_of(0), labels_of(0))["value"].isna().all()


@pytest.fixture
def book(tmp_path):
    """Give a small book to label."""
    return make_book(tmp_path)


def test_the_next_draw_is_looked_at_and_not_made(book):
    sessions = select_sessions(book)
    sample_labels(book, sessions, 12)
    before = book.drawn
    strata = plan_strata(book, sessions, 12)
    assert strata["drawn_count"].sum() == 9
    assert strata["next_count"].sum() == 9
    assert strata["session_count"].sum() == len(dissatisfied_sessions(sessions))
    pd.testing.assert_frame_equal(book.drawn, before)


def test_a_book_without_ratings_has_no_strata(book):
    assert plan_strata(book, select_sessions(book).assign(is_dissatisfied=False)).empty


def test_labels_are_counted_by_population_and_use(book):
    sessions = select_sessions(book)
    cases = sample_labels(book, sessions, 20, coders=["ann", "ben"])
    for coder in ("ann", "ben"):
        own = cases.loc[[coder in names for names in cases["coders"]], "case"]
        save_answers(book, coder, dict.fromkeys(own, SATISFIED))
    counts = count_labels(book, select_labels(book, sessions)).set_index("use")
    assert (
        counts["drawn_count"].to_dict() == counts["labelled_count"].to_dict() == {"estimate": 15, "train": 5}
    )
    assert counts["twice_count"].to_dict() == {"estimate": 2, "train": 0}


def test_a_fresh_draw_without_answers_is_counted_as_open(book):
    sample_labels(book, select_sessions(book), 20)
    counts = count_labels(book, select_labels(book, select_sessions(book)))
    assert counts["labelled_count"].sum() == 0
    scored = scored_sessions(dissatisfied_sessions(select_sessions(book)), book.labels, book.drawn)
    assert plan_margins(scored, select_labels(book, select_sessions(book)))["n"].iloc[0] == 0


def drawn_again(book, first, second):
    """Draw twice and label all of the first draw; gives what the second draw says of itself, line by line."""
    cases = sample_labels(book, book.sessions, first)
    save_answers(book, "analyst", dict.fromkeys(cases["case"], SATISFIED))
    before = book.drawn
    cases = sample_labels(book, book.sessions, second)
    return describe_draw(cases, before, book.drawn, book.human_labels, read_settings()), before, book.drawn


def test_a_draw_that_takes_labelled_conversations_from_those_to_learn_from_says_so(tmp_path):
    said, before, after = drawn_again(make_book(tmp_path), 20, 16)
    both = before.merge(after, on="session_key", suffixes=("_before", "_after"))
    moved = ((both["use_before"] == "train") & (both["use_after"] == "estimate")).sum()
    assert moved > 0
    assert said[1].startswith(f"{moved} drawn earlier to learn from ({moved} of them labelled)")


def test_a_draw_says_up_front_that_it_is_too_small_to_train_on(tmp_path):
    book = make_book(tmp_path)
    before = book.drawn
    cases = sample_labels(book, book.sessions, 20)
    said = describe_draw(cases, before, book.drawn, book.human_labels, read_settings())
    assert said[0] == "20 drawn: 15 at random, 5 to learn from"
    assert "needs 30 to learn from and all draws have 5; draw about 100 more" in said[1]
    own = labels_of(35).assign(use="train")
    assert describe_draw(cases, before, book.drawn, own, read_settings()) == said[:1]
