"""The utterance bank and its rules: checked on load, split once, never judged on what was learnt."""

import polars as pl
import pytest

from csnb.errors import DefinitionError
from csnb.lookup import definition_path
from csnb.tags import fold_texts, read_rules, tag_texts
from csnb.utterances import read_bank


def test_the_bank_is_large_and_covers_every_reason():
    bank = read_bank()
    assert bank.height >= 5000
    coded = bank.explode("codes").drop_nulls("codes")["codes"].value_counts()
    assert coded["count"].min() >= 60
    assert coded.height == 14


def test_a_text_is_in_one_part_only_and_both_parts_are_there():
    parts = read_bank().group_by("text").agg(pl.col("part").n_unique())
    assert parts["part"].max() == 1
    share = (read_bank()["part"] == "world").mean()
    assert 0.15 < share < 0.25


def test_a_row_whose_tone_and_codes_contradict_is_refused_by_line(tmp_path):
    own = tmp_path / "utterances"
    own.mkdir()
    (own / "price.tsv").write_text(
        "role\ttone\tcodes\ttext\ncustomer\tpolite\tprice\t太贵了气死人\n", "utf-8"
    )
    with pytest.raises(DefinitionError, match="line 2"):
        read_bank(tmp_path)


def test_a_wrong_rule_is_refused_by_file_and_line(tmp_path):
    own = tmp_path / "rules"
    own.mkdir()
    lines = definition_path("rules/causes.tsv").read_text("utf-8").splitlines()
    number = next(i for i, line in enumerate(lines) if line and not line.startswith(("#", "rule\t")))
    cells = lines[number].split("\t")
    cells[8] = "这句话里什么都没有"
    lines[number] = "\t".join(cells)
    (own / "causes.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    with pytest.raises(DefinitionError, match=f"line {number + 1}"):
        read_rules(tmp_path)


def test_every_rule_hits_its_example_and_spares_its_counter_example():
    rules = read_rules()
    for column, is_hit in (("example", True), ("counter_example", False)):
        told = rules.filter(pl.col(column) != "")
        hits = tag_texts(fold_texts(told[column]), told)
        own = set(zip(hits["row"], hits["rule"], strict=True))
        wrong = [rule for row, rule in enumerate(told["rule"]) if ((row, rule) in own) != is_hit]
        assert wrong == []


def test_a_text_is_hit_by_a_rule_once():
    rules = read_rules()
    hits = tag_texts(fold_texts(rules["example"]), rules)
    assert not hits.is_duplicated().any()
