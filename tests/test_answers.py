"""Answers: checked before they are saved, one file a coder."""

import pytest
from label_book import make_book

from csnb.answers import check_answer, own_case, read_answers, read_cases, save_answers
from csnb.book import read_conversations, select_sessions
from csnb.errors import ParameterError
from csnb.labelling import sample_labels

CODES = ["price", "ability", "unclear"]


@pytest.fixture
def book(tmp_path):
    """Give a small book to label."""
    return make_book(tmp_path)


def answer(dissatisfied=True, reasons=None, primary=None):
    """Make an answer."""
    return {"dissatisfied": dissatisfied, "reasons": reasons or {}, "primary": primary, "note": ""}


@pytest.mark.parametrize(
    "good",
    [
        answer(False),
        answer(True, {"price": 0}),
        answer(True, {"unclear": 1}),
        answer(True, {"price": 0, "ability": 1}, "ability"),
    ],
)
def test_good_answers_raise_no_complaint(good):
    assert check_answer(good, [0, 1], CODES) == []


@pytest.mark.parametrize(
    ("bad", "column"),
    [
        (answer(None), "dissatisfied"),
        (answer(True), "dissatisfied"),
        (answer(False, {"price": 0}), "dissatisfied"),
        (answer(True, {"price": 5}), "price"),
        (answer(True, {"colour": 0}), "colour"),
        (answer(True, {"unclear": 0, "price": 0}), "unclear"),
        (answer(True, {"price": 0}, "ability"), "primary"),
    ],
)
def test_bad_answers_are_named_by_their_column(bad, column):
    assert [name for name, _, _ in check_answer(bad, [0, 1], CODES)] == [column]


def test_a_sole_reason_is_the_primary_one(book):
    key = select_sessions(book)["session_key"].iloc[0]
    save_answers(book, "ann", {own_case(key): answer(True, {"price": 2})})
    labels = book.human_labels
    assert labels.loc[labels["is_primary"], "code"].to_list() == ["price"]


def test_a_session_that_nobody_drew_may_train_and_never_estimate(book):
    key = select_sessions(book)["session_key"].iloc[0]
    save_answers(book, "ann", {own_case(key): answer(False)})
    labels = book.human_labels
    assert set(labels["use"]) == {"train"}
    assert labels["drawn_probability"].isna().all()


def test_an_answer_can_be_taken_back_and_others_stay(book):
    keys = select_sessions(book)["session_key"].iloc[:2]
    one, other = map(own_case, keys)
    save_answers(book, "ann", {one: answer(False), other: answer(True, {"price": 2})})
    save_answers(book, "ann", {one: None})
    assert list(read_answers(book, "ann")) == [other]


def test_an_unknown_case_is_refused(book):
    with pytest.raises(ParameterError, match="d9-001"):
        save_answers(book, "ann", {"d9-001": answer(False)})


def test_conversations_hold_what_counts_in_order(book):
    key = select_sessions(book)["session_key"].iloc[0]
    said = read_conversations(book, [key])
    assert said["number"].to_list() == [0, 1, 2]
    assert said["text"][0] == "在吗"


def test_cases_of_a_coder_come_in_the_order_of_the_latest_draw_first(book):
    sample_labels(book, select_sessions(book), 10, coders=["ann", "ben"])
    sample_labels(book, select_sessions(book), 4, coders=["ann"])
    assert read_cases(book, "ben")["case"].str.startswith("d1-").all()
    assert read_cases(book, "ann")["case"].iloc[0].startswith("d2-")


def test_suspected_conversations_are_a_population_of_their_own(book):
    sample_labels(book, select_sessions(book), 10)
    sample_labels(book, select_sessions(book), 5, population="suspected")
    drawn = book.drawn
    assert set(drawn["population"]) == {"dissatisfied", "suspected"}
    assert not drawn["session_key"].duplicated().any()


def test_when_all_are_drawn_it_says_so(book):
    sample_labels(book, select_sessions(book), 100)
    with pytest.raises(ParameterError, match="no dissatisfied conversation left to draw"):
        sample_labels(book, select_sessions(book), 10)
