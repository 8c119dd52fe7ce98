"""A rule of a page that a customer reads out: hard words in it are the page's, not the customer's. Own messages."""

import csv
from pathlib import Path

import pytest

from csnb.coding import code_records


@pytest.fixture(scope="module")
def called():
    """Code forty calm questions about such rules, and forty complaints that one was broken; give who is called."""
    with Path(__file__).with_name("quoted_rules.tsv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    records = [
        {"id": number, "messages": [{"role": "customer", "text": row["text"]}]}
        for number, row in enumerate(rows)
    ]
    coded = [record["dissatisfied"] for record in code_records(records)]
    return {
        kind: [is_called for row, is_called in zip(rows, coded, strict=True) if row["said"] == kind]
        for kind in ("calm", "broken")
    }


def test_who_asks_calmly_about_a_rule_is_not_dissatisfied_for_the_words_of_the_rule(called):
    assert len(called["calm"]) == 40
    assert sum(called["calm"]) == 0


def test_who_complains_that_a_rule_was_broken_still_is(called):
    assert len(called["broken"]) == 40
    assert sum(called["broken"]) >= 37


@pytest.mark.parametrize("text", ["怎么查不到派送的单号呢", "为什么快递单号搜不到呢"])
def test_what_cannot_be_looked_up_is_not_late(text):
    coded = code_records([{"id": 1, "messages": [{"role": "customer", "text": text}]}])[0]
    assert coded["reasons"] == {}
