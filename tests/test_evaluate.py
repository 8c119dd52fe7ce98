"""Figures of the coding against coded conversations, checked against scikit-learn."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score

from csnb.errors import ExportError, ParameterError
from csnb.evaluate import as_text, compare, evaluate, read_gold
from csnb.evidence import CODES

GOLD = Path(__file__).parents[2] / "shared" / "gold"
SIDED = {"ability": "controllable", "logistics": "uncontrollable", "unclear": "unexplained"}


def record(*codes):
    """A coded conversation in the form of the coding guide."""
    return {
        "id": "-", "dissatisfied": int(bool(codes)), "reasons": dict.fromkeys(codes, 3),
        "primary": codes[0] if codes else None,
    }  # fmt: skip


@pytest.fixture
def pair():
    """Sixty conversations and codes for them that are right about two times in three."""
    rng = np.random.default_rng(7)
    choices = [(), (), ("ability",), ("logistics",), ("ability", "logistics"), ("unclear",)]
    truth = [choices[index] for index in rng.integers(0, len(choices), 60)]
    guess = [codes if rng.random() < 0.65 else choices[rng.integers(0, len(choices))] for codes in truth]
    return truth, guess


@pytest.fixture
def figures(pair):
    """The figures of that pair by name, and the table of reasons."""
    evaluation = compare(*([record(*codes) for codes in side] for side in pair))
    return {row["figure"]: row for row in evaluation.figures.iter_rows(named=True)}, evaluation.reasons


def side(codes):
    """The side of a conversation, in the words of the coding guide."""
    sides = {SIDED[code] for code in codes}
    return "none" if not codes else "mixed" if len(sides) > 1 else sides.pop()


def test_f1_and_kappa_equal_those_of_scikit_learn(pair, figures):
    truth, guess = pair
    said = [[bool(codes) for codes in part] for part in pair]
    assert figures[0]["dissatisfied F1"]["value"] == pytest.approx(f1_score(*said))
    assert figures[0]["dissatisfied kappa"]["value"] == pytest.approx(cohen_kappa_score(*said))
    kappa = cohen_kappa_score(list(map(side, truth)), list(map(side, guess)))
    assert figures[0]["side kappa (5 classes)"]["value"] == pytest.approx(kappa)


def test_precision_recall_and_f1_of_a_reason_equal_those_of_scikit_learn(pair, figures):
    told = [["ability" in codes for codes in part] for part in pair]
    row = figures[1].row(by_predicate=pl.col("code") == "ability", named=True)
    assert row["n"] == sum(told[0]) >= 15
    assert row["f1"] == pytest.approx(f1_score(*told))
    assert row["low"] <= row["f1"] <= row["high"]


def test_every_figure_lies_in_its_interval(figures):
    for row in figures[0].values():
        assert row["value"] is None or row["low"] <= row["value"] <= row["high"], row


def test_a_reason_with_fourteen_positives_has_no_figures_and_one_with_fifteen_has():
    for positives, is_known in ((14, False), (15, True)):
        told = [record("logistics")] * positives + [record()] * 5
        evaluation = compare(told, told)
        row = evaluation.reasons.row(by_predicate=pl.col("code") == "logistics", named=True)
        assert (row["f1"] is not None) is is_known
        assert ("not enough" in as_text(evaluation).split("logistics")[-1].splitlines()[0]) is not is_known


def test_equal_codes_reach_one_everywhere():
    told = [record("ability"), record("logistics"), record()] * 20
    rows = compare(told, told).figures.filter(pl.col("figure").str.starts_with("dissatisfied"))
    assert rows["value"].to_list() == [1.0, 1.0]


@pytest.fixture
def gold_folder(tmp_path):
    """A gold folder with two conversations."""
    sessions = [
        {"id": name, "messages": [{"role": "customer", "text": text}]}
        for name, text in (("a", "快递太慢了吧！都五天了还没到，我要投诉"), ("b", "好的谢谢"))
    ]
    gold = [{**record("logistics"), "id": "a"}, {**record(), "id": "b"}]
    for kind, rows in (("sessions", sessions), ("gold", gold)):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (tmp_path / f"x_{kind}.jsonl").write_text(text, "utf-8")
    return tmp_path


def test_a_gold_folder_is_coded_compared_and_printed_and_nothing_is_written(gold_folder, capsys):
    before = sorted(gold_folder.iterdir())
    evaluation = evaluate(gold_folder)
    assert evaluation.figures["value"][0] == 1.0
    assert "dissatisfied F1" in capsys.readouterr().out
    assert sorted(gold_folder.iterdir()) == before


def test_out_writes_the_same_figures_as_json(gold_folder, tmp_path):
    evaluation = evaluate(gold_folder, out=tmp_path / "figures.json")
    written = json.loads((tmp_path / "figures.json").read_text("utf-8"))
    assert written["figures"] == evaluation.figures.to_dicts()
    assert [row["code"] for row in written["reasons"]] == list(CODES)


def test_the_two_halves_are_disjoint_and_complete(gold_folder):
    halves = [
        {record["id"] for record in read_gold(gold_folder, part)[0]} for part in ("development", "check")
    ]
    assert halves[0] | halves[1] == {"a", "b"}
    assert not halves[0] & halves[1]


def test_an_unknown_part_a_missing_file_and_a_missing_code_are_refused(gold_folder, tmp_path):
    with pytest.raises(ParameterError, match="all, development, check"):
        read_gold(gold_folder, "dev")
    (gold_folder / "x_gold.jsonl").write_text("", "utf-8")
    with pytest.raises(ExportError, match="'a' has no record"):
        read_gold(gold_folder)
    (gold_folder / "x_gold.jsonl").unlink()
    with pytest.raises(ExportError, match=r"no \*_gold.jsonl"):
        read_gold(gold_folder)


@pytest.mark.skipif(not GOLD.is_dir(), reason="the coded conversations of ../shared/gold are not here")
def test_the_shipped_coding_stays_above_what_a_quick_lexicon_reaches():
    records, gold = read_gold(GOLD, "check")
    from csnb.coding import code_records

    values = dict(compare(gold, code_records(records)).figures.select("figure", "value").iter_rows())
    assert values["dissatisfied F1"] > 0.65
    assert values["side kappa (5 classes)"] > 0.40
