"""What coded sessions teach: weights that follow the labels, own messages that stay out of the world."""

import shutil

import numpy as np
import pandas as pd
import polars as pl
import pytest
from label_book import make_book

from csnb.answers import own_case, save_answers
from csnb.book import open_book
from csnb.build import build_book
from csnb.cli import main
from csnb.errors import ParameterError
from csnb.learning import (
    HeldOut,
    fit_ridge,
    is_better,
    learn,
    learn_from_book,
    read_lessons,
    sure_from,
)
from csnb.learning_curve import curve_text
from csnb.lookup import definition_path
from csnb.reasons import read_combination, read_sure
from csnb.satisfaction import dissatisfied_sessions, list_quotes
from csnb.unseen import fold_folder, read_taught, split_by_teacher
from csnb.utterances import OWN, read_bank


@pytest.fixture(scope="module")
def coded_sessions():
    """Forty conversations: every second one complains about a thing that no shipped rule knows."""
    rows = []
    for key in range(40):
        complaint = f"你家的飞毯第{key}次飘不起来，呼啦呼啦" if key % 2 else f"飞毯第{key}号是什么颜色"
        rows += [(key, 0, "customer", complaint), (key, 1, "agent", "您好"), (key, 2, "customer", "好的")]
    schema = {"session_key": pl.Int64, "number": pl.Int32, "role": pl.String, "text": pl.String}
    coded = pl.DataFrame({"session_key": range(1, 40, 2)}).with_columns(
        pl.col("session_key").cast(pl.Int64), code=pl.lit("quality"), number=pl.lit(0, pl.Int32)
    )
    return pl.DataFrame(rows, schema=schema, orient="row"), coded


@pytest.fixture(scope="module")
def learnt(coded_sessions, tmp_path_factory):
    """Learn once, for the tests that read what was written."""
    return learn(*coded_sessions, tmp_path_factory.mktemp("definitions"))


def test_learning_writes_definitions_that_are_read_again(learnt):
    assert [path.name for path in learnt.files] == ["own.tsv", "combination.toml", "sure.toml", "unseen"]
    assert learnt.after.loss < learnt.before.loss
    assert learnt.after.f1 >= learnt.before.f1
    folder = str(learnt.files[1].parent)
    own = read_bank(folder).filter(topic=OWN)
    assert own.filter("is_displeased")["codes"].to_list()[0] == ["quality"]
    assert set(own["part"]) == {"train"}
    assert read_combination(folder) != read_combination()
    assert read_sure(folder)["quality"] > 0 == read_sure(folder)["price"]


def test_own_messages_never_enter_the_part_for_the_simulator(learnt):
    world = read_bank(str(learnt.files[1].parent)).filter(part="world")
    assert not world["text"].str.contains("飞毯").any()


def test_what_was_learnt_counts_only_if_loss_falls_and_f1_does_not():
    before = HeldOut(loss=2.0, f1=0.6)
    assert is_better(HeldOut(1.9, 0.6), before)
    assert not is_better(HeldOut(1.9, 0.59), before)
    assert not is_better(HeldOut(2.0, 0.7), before)


def test_learning_again_starts_from_what_was_there_before(learnt, coded_sessions):
    folder = learnt.files[1].parent
    written = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert learn(*coded_sessions, folder) == learnt
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == written


def test_weights_set_by_hand_are_where_learning_starts(coded_sessions, tmp_path):
    by_hand = (
        definition_path("combination.toml").read_text("utf-8").replace("likely = 0.2\n", "likely = 0.33\n")
    )
    (tmp_path / "combination.toml").write_text(by_hand, "utf-8")
    assert learn(*coded_sessions, tmp_path).files
    assert read_combination(str(tmp_path))["decision"]["likely"] == 0.33


def test_a_code_is_sure_from_where_its_precision_is_held():
    chances = np.linspace(1, 0, 100)
    holds = chances > 0.4
    sure = sure_from(chances, holds)
    called = chances >= sure
    assert holds[called].mean() >= 0.85
    assert called.sum() >= 60
    assert sure_from(chances, chances > 0.95) == 1.0


def test_an_answer_counts_when_it_is_settled_or_half_of_the_coders_agree():
    rows = [
        (1, "anna", "price", True), (1, "ben", "price", False), (1, "final", "price", False), (1, "final", "dissatisfied", False),
        (2, "anna", "dissatisfied", True), (2, "ben", "dissatisfied", False), (2, "anna", "quality", True), (2, "ben", "quality", False),
        (3, "anna", "dissatisfied", False),
    ]  # fmt: skip
    human = pd.DataFrame(rows, columns=["session_key", "coder", "code", "holds"]).assign(
        number=None, use="train"
    )
    drawn = human.assign(session_key=human["session_key"] + 10, use="estimate")
    keys, coded = read_lessons(pd.concat([human, drawn]))
    assert keys == [1, 2, 3]
    assert coded.rows() == [(2, "quality", None)]


def test_labels_of_a_book_change_how_it_is_coded(tmp_path, monkeypatch, capsys):
    book = make_book(tmp_path)
    sessions = book.sessions.set_index("session_id")["session_key"]
    says = {"dissatisfied": True, "reasons": {"system": 2}, "primary": None, "note": ""}
    calm = {"dissatisfied": False, "reasons": {}, "primary": None, "note": ""}
    hostile = [f"s{number:02}" for number in range(3, 60, 4)]
    save_answers(
        book, "anna",
        {own_case(key): says if name in hostile else calm for name, key in sessions.items() if name in hostile or name > "s59"},
    )  # fmt: skip
    assert not (book.labels["code"] == "system").any()
    monkeypatch.setattr("sys.argv", ["csnb", "label", "train", str(book.path), "--jobs", "1"])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 0
    assert "35 coded sessions" in capsys.readouterr().out
    again = open_book(book.path).labels
    assert set(again.loc[again["code"] == "system", "session_key"]) >= set(sessions[hostile])


def taught_chances(folder, first_says, others_say):
    """Teach a small book, s03 saying something of its own; give what the machine then thinks of every session."""
    folder.mkdir()
    book = make_book(folder)
    sessions = book.sessions.set_index("session_id")["session_key"]
    calm = {"dissatisfied": False, "reasons": {}, "primary": None, "note": ""}
    hostile = [f"s{number:02}" for number in range(3, 60, 4)]
    says = {name: others_say for name in hostile} | {name: calm for name in sessions.index if name > "s59"}
    says["s03"] = first_says
    save_answers(book, "anna", {own_case(sessions[name]): answer for name, answer in says.items()})
    assert learn_from_book(book).files
    build_book(book.path, book.definitions_folder, jobs=1)
    chances = open_book(book.path).chances
    names = chances["session_key"].map({key: name for name, key in sessions.items()})
    return chances.assign(session=names).set_index(["session", "code"])["p"]


def test_what_the_machine_thinks_of_a_conversation_never_rests_on_its_own_label(tmp_path):
    says, other = (
        {"dissatisfied": True, "reasons": {code: 2}, "primary": None, "note": ""}
        for code in ("system", "price")
    )
    one = taught_chances(tmp_path / "one", says, says)
    two = taught_chances(tmp_path / "two", other, says)
    assert one["s03"].to_dict() == two["s03"].to_dict()
    assert one["s03", "system"] > 0.5
    assert one["s10"].to_dict() != two["s10"].to_dict()


def test_a_buyers_conversations_stay_in_one_fold_and_later_ones_are_coded_by_the_others(
    coded_sessions, tmp_path
):
    messages, coded = coded_sessions
    buyers = messages.with_columns(buyer_id=pl.format("b{}", pl.col("session_key") // 2))
    assert learn(buyers, coded, tmp_path).files
    taught = read_taught(tmp_path)
    assert sorted(taught) == sorted(f"b{number}" for number in range(20))
    later = pl.DataFrame({"session_key": [100, 101], "buyer_id": ["b3", "b99"]})
    ways = {keys.item(): folder for folder, keys in split_by_teacher(later, taught, str(tmp_path))}
    assert ways == {101: str(tmp_path), 100: str(tmp_path / "unseen" / str(taught["b3"]))}
    own = read_bank(ways[100]).filter(topic=OWN)["text"].to_list()
    assert own
    assert not any(
        text in own for text in messages.filter(pl.col("session_key").is_in([6, 7]), number=0)["text"]
    )


def test_definitions_changed_by_hand_hold_for_conversations_that_taught_too(learnt, tmp_path):
    folder = shutil.copytree(learnt.files[1].parent, tmp_path / "definitions")
    (folder / "measured.toml").write_text("# by hand\n", "utf-8")
    assert definition_path("measured.toml", fold_folder(folder, 2)) == folder / "measured.toml"
    assert definition_path("combination.toml", fold_folder(folder, 2)).parent == folder / "unseen" / "2"
    assert definition_path("reasons.toml", fold_folder(folder, 2)) == definition_path("reasons.toml")


def test_a_code_that_is_not_sure_is_not_quoted(tmp_path):
    book = make_book(tmp_path)
    unhappy = dissatisfied_sessions(book.sessions)
    assert "logistics" in set(list_quotes(book, unhappy)["reason"])
    shipped = definition_path("sure.toml").read_text("utf-8")
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "sure.toml").write_text(
        shipped.replace("logistics = 0.0", "logistics = 1.0"), "utf-8"
    )
    assert "logistics" not in set(list_quotes(book, unhappy)["reason"])


def test_a_book_without_labels_says_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["csnb", "label", "train", str(make_book(tmp_path).path)])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 2
    assert "0 coded sessions are too few" in capsys.readouterr().err


def test_a_learning_curve_is_a_row_a_figure_and_a_column_a_size():
    curve = pl.DataFrame({"size": [0, 50], "figure": ["dissatisfied F1"] * 2, "value": [0.7, 0.8]})
    first, second = curve_text(curve).splitlines()
    assert first.split()[-2:] == ["0", "50"]
    assert second.split() == ["dissatisfied", "F1", "0.700", "0.800"]


def test_too_few_sessions_are_refused(coded_sessions, tmp_path):
    messages, coded = coded_sessions
    with pytest.raises(ParameterError, match="5 coded sessions are too few"):
        learn(messages.filter(pl.col("session_key") < 5), coded, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_labels_to_say_otherwise_the_weights_stay_where_they_were():
    prior = np.array([1.0, -2.0])
    assert fit_ridge(np.zeros((4, 2)), np.array([0, 1, 0, 1]), prior, 1.0) == pytest.approx(prior)


def test_a_stiffer_ridge_moves_less():
    rows, holds, prior = np.c_[np.arange(6.0) - 2.5, np.ones(6)], np.array([0, 0, 0, 1, 1, 1]), np.zeros(2)
    loose, stiff = (fit_ridge(rows, holds, prior, stiffness)[0] for stiffness in (0.1, 10.0))
    assert loose > stiff > 0


def test_the_same_words_are_quoted_once_under_a_reason(tmp_path):
    book = make_book(tmp_path)
    quotes = list_quotes(book, dissatisfied_sessions(book.sessions), each=100)
    assert (
        not quotes.assign(words=quotes["quote"].str.replace(r"\W", "", regex=True))
        .duplicated(["reason", "words"])
        .any()
    )
    assert (book.labels.loc[book.labels["code"] == "logistics", "quote"].duplicated()).any()
