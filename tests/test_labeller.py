"""The labeller: its Python side, as the page drives it."""

import re

import pytest
from label_book import HOSTILE, make_book

from csnb.answers import own_case, read_answers
from csnb.book import select_sessions
from csnb.errors import ParameterError
from csnb.labeller import _PAGE, make_labeller
from csnb.labelling import sample_labels


@pytest.fixture
def book(tmp_path):
    """Give a small book with a draw of twenty."""
    book = make_book(tmp_path)
    sample_labels(book, select_sessions(book), 20)
    return book


def press(widget, what, **more):
    """Do what the page does when something is clicked."""
    widget.tell({"what": what, "case": widget.case["case"], **more})


def test_every_answer_is_saved_at_once(book):
    widget = make_labeller(book)
    case = widget.case["case"]
    press(widget, "toggle", code="price", number=2)
    assert read_answers(book, "analyst")[case]["reasons"] == {"price": 2}
    press(widget, "toggle", code="ability", number=1)
    press(widget, "primary", code="ability")
    press(widget, "note", note="买家说了两次")
    saved = read_answers(book, "analyst")[case]
    assert saved == {
        "dissatisfied": True, "reasons": {"ability": 1, "price": 2}, "primary": "ability", "note": "买家说了两次",
    }  # fmt: skip
    assert widget.status == "已保存"


def test_it_resumes_at_the_first_case_without_an_answer(book):
    first = make_labeller(book)
    cases = []
    for _ in range(3):
        cases.append(first.case["case"])
        press(first, "verdict", dissatisfied=False)
        press(first, "open")
    again = make_labeller(book)
    assert again.place == 3
    assert again.case["case"] not in cases
    assert "已标 3 段" in again.progress


def test_the_same_key_again_takes_a_reason_back_and_nothing_stays_saved(book):
    widget = make_labeller(book)
    press(widget, "toggle", code="price", number=2)
    press(widget, "toggle", code="price", number=2)
    assert read_answers(book, "analyst") == {}
    assert widget.answer["dissatisfied"] is None


def test_another_message_moves_the_evidence(book):
    widget = make_labeller(book)
    press(widget, "toggle", code="price", number=2)
    press(widget, "toggle", code="price", number=0)
    assert widget.answer["reasons"] == {"price": 0}


def test_not_dissatisfied_takes_all_reasons_back(book):
    widget = make_labeller(book)
    press(widget, "toggle", code="price", number=2)
    press(widget, "verdict", dissatisfied=False)
    assert read_answers(book, "analyst")[widget.case["case"]] == {
        "dissatisfied": False, "reasons": {}, "primary": None, "note": "",
    }  # fmt: skip


def test_a_wrong_answer_is_refused_in_words_and_changes_nothing(book):
    widget = make_labeller(book)
    press(widget, "toggle", code="price", number=2)
    press(widget, "toggle", code="unclear", number=2)
    assert "unclear" in widget.status
    assert widget.answer["reasons"] == {"price": 2}
    press(widget, "toggle", code="price", number=99)
    assert read_answers(book, "analyst")[widget.case["case"]]["reasons"] == {"price": 2}


def test_an_answer_that_arrives_late_still_lands_on_its_own_case(book):
    widget = make_labeller(book)
    first = widget.case["case"]
    press(widget, "go", place=1)
    widget.tell({"what": "toggle", "case": first, "code": "price", "number": 2})
    assert list(read_answers(book, "analyst")) == [first]
    assert widget.answer["reasons"] == {}


def test_nothing_moves_beyond_the_ends(book):
    widget = make_labeller(book)
    press(widget, "go", place=-1)
    assert widget.place == 0
    press(widget, "go", place=20)
    assert widget.place == 19


def test_each_coder_sees_what_was_given_to_him(book):
    assert "共 2 段" in make_labeller(book, "second").progress
    with pytest.raises(ParameterError, match="no draw asks 'ben'"):
        make_labeller(book, "ben")


def test_a_table_of_sessions_knows_its_book(book):
    sessions = select_sessions(book)
    widget = make_labeller(sessions[sessions["score"] == 5].head(3), "ann")
    assert "共 3 段" in widget.progress
    press(widget, "verdict", dissatisfied=False)
    assert list(read_answers(book, "ann")) == [
        own_case(sessions.loc[sessions["score"] == 5, "session_key"].iloc[0])
    ]


def test_a_session_of_a_draw_keeps_its_case_and_so_its_probability(book):
    drawn = book.drawn.dropna(subset=["drawn_probability"]).iloc[0]
    sessions = select_sessions(book)
    widget = make_labeller(sessions[sessions["session_key"] == drawn["session_key"]], "ann")
    press(widget, "verdict", dissatisfied=False)
    assert set(book.human_labels["use"]) == {"estimate"}


def test_a_table_that_lost_its_book_is_told_to_name_it(book):
    sessions = select_sessions(book)
    sessions.attrs.clear()
    with pytest.raises(ParameterError, match="do not know their book"):
        make_labeller(sessions)
    assert make_labeller(sessions, book=book).place == 0


def test_what_customers_wrote_travels_as_text_and_the_page_never_makes_html_of_it(book):
    widget = make_labeller(book)
    shown = []
    for place in range(20):
        press(widget, "go", place=place)
        shown += [message["text"] for message in widget.case["messages"]]
    assert HOSTILE in shown
    page = (_PAGE / "labeller.js").read_text("utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", page)
    assert not re.search(r"https?:|import\s|fetch\(|XMLHttpRequest", page)


def test_every_code_has_a_key_of_its_own(book):
    keys = [code["key"] for code in make_labeller(book).codes]
    assert len(set(keys)) == len(keys) == 14
    assert keys[:9] == list("123456789")
    assert "n" not in keys
