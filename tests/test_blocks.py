"""Headings, findings, quotes, definitions and provenance as HTML: what stands out, what is folded, what stays text."""

from collections import namedtuple

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from report_words import make_definitions

from csnb.blocks import (
    definitions_html,
    findings_html,
    provenance_html,
    quotes_html,
    show_findings,
    show_provenance,
)
from csnb.errors import StringsError
from csnb.outputs import lab_style
from csnb.strings import set_language
from csnb.tables import table_html

Finding = namedtuple("Finding", "key values grade weight section")
ATTACK = '<script>alert(1)</script><img src=x onerror="alert(1)"><b>&'


@pytest.fixture(autouse=True)
def words(tmp_path):
    set_language("zh", make_definitions(tmp_path))
    yield tmp_path
    set_language("zh")


@pytest.mark.parametrize(
    "html",
    [
        lambda: table_html(pd.DataFrame({ATTACK: [ATTACK], "n": [1]}), ATTACK, note=ATTACK),
        lambda: table_html(
            pd.DataFrame(
                {
                    "metric": [ATTACK, "a"],
                    "shop": ATTACK,
                    "n": 9,
                    "value": 0.5,
                    "low": 0.1,
                    "high": 0.9,
                    "unit": "rate",
                    "method": "wilson",
                    "rulepack": ATTACK,
                }
            ),
            "t",
        ),
        lambda: findings_html([Finding("test_shop", {"shop": ATTACK, "points": ATTACK}, "D", 1, None)]),
        lambda: quotes_html(
            pd.DataFrame(
                {
                    "code": [ATTACK],
                    "session_id": [ATTACK],
                    "role": [ATTACK],
                    "text": [ATTACK],
                    "quote": [ATTACK],
                }
            )
        ),
        lambda: provenance_html(
            {
                "data_hash": ATTACK,
                "rulepacks": [ATTACK],
                "rows": {ATTACK: 1},
                "parameters": {ATTACK: ATTACK},
                "version": "1",
            }
        ),
    ],
    ids=["table", "results", "findings", "quotes", "provenance"],
)
def test_hostile_text_stays_text_wherever_it_stands(html):
    made = html()
    elements = BeautifulSoup(made, "html.parser").find_all()
    assert not {element.name for element in elements} & {"script", "img"}
    assert not any(name.startswith("on") for element in elements for name in element.attrs)
    assert ATTACK in BeautifulSoup(made, "html.parser").text


def test_of_a_value_with_brackets_only_the_numbers_outside_stand_out():
    finding = Finding(
        "handed_over_share", {"owners": "态度 52（38–71）、情绪失控 13（6–31）", "n": "300"}, "A", 1, None
    )
    html = findings_html([finding])
    assert "态度 <b>52</b>（38–71）、情绪失控 <b>13</b>（6–31）" in html


def test_findings_come_by_weight_with_grade_n_and_interval(displayed):
    show_findings(
        [
            Finding("test_hours", {"hours": "20–23", "wait": "96 秒", "times": "3"}, "C", 1.0, None),
            Finding(
                "test_share",
                {"share": "38.2%", "n": "1,204", "interval": "34.9–41.6%"},
                "A",
                9.0,
                "test_sides",
            ),
        ]
    )
    page = BeautifulSoup(displayed[0]["text/html"].replace(lab_style(), ""), "html.parser")
    first, second = page.select("li.finding")
    assert first.select_one(".claim").text.startswith("不满意会话中有 38.2%")
    assert [part.text for part in first.select(".basis > span")] == [
        "证据等级 A 概率抽样或随机对照", "样本量 1,204", "区间 34.9–41.6%", "详见「可控与不可控」",
    ]  # fmt: skip
    assert first.select_one("a")["href"] == "#test_sides"
    assert second.select_one(".claim b").text == "20–23"


def test_the_weightiest_finding_travels_as_the_headline(displayed):
    show_findings([Finding("test_share", {"share": "38.2%"}, "A", 1, None)])
    assert displayed[0]["application/vnd.csnb.facts+json"]["headline"].startswith("不满意会话中有 38.2%")


def test_a_finding_with_a_missing_value_is_refused(displayed):
    with pytest.raises(StringsError, match="share"):
        show_findings([Finding("test_share", {"share": None}, "A", 1, None)])


def test_no_finding_is_said(displayed):
    show_findings([])
    assert "没有达到报告标准的发现" in displayed[0]["text/html"]


def test_evidence_is_marked_once_in_its_message():
    frame = pd.DataFrame({"session_id": ["S1"], "text": ["等很久了，等很久了"], "quote": ["等很久了"]})
    words = BeautifulSoup(quotes_html(frame), "html.parser").select_one(".words")
    assert [mark.text for mark in words.select("mark")] == ["等很久了"]
    assert words.text == "等很久了，等很久了"


def test_quotes_fold_by_group_and_keep_conversations_together():
    frame = pd.DataFrame(
        {"side": ["controllable", "controllable", "mixed"], "session_id": ["S1", "S1", "S2"],
         "role": ["customer", "agent", "customer"], "text": ["人呢", "在的", None], "quote": [None, None, None]}
    )  # fmt: skip
    page = BeautifulSoup(quotes_html(frame, by="side"), "html.parser")
    assert [fold["data-drill"] for fold in page.select("details")] == ["side=controllable", "side=mixed"]
    assert page.select_one("summary").get_text(" ", strip=True) == "可控 1 段会话"
    assert [said.text for said in page.select("article")[0].select(".who")] == ["买家", "客服"]


def test_quotes_without_groups_are_folded_too():
    frame = pd.DataFrame({"session_id": ["S1", "S2"], "text": ["a", "b"]})
    page = BeautifulSoup(quotes_html(frame), "html.parser")
    assert [fold.summary.text for fold in page.select("details")] == ["2 段会话"]


def test_a_definition_has_name_and_meaning_and_an_unknown_metric_is_refused():
    assert "满意率" in definitions_html("satisfaction_rate")
    with pytest.raises(StringsError, match="no_such_metric"):
        definitions_html("no_such_metric")


def test_provenance_names_the_book_but_not_where_it_lies(displayed):
    show_provenance(
        "3f2a",
        ["taobao 2025-03"],
        {"sessions": 12},
        {"book": "/home/someone/books/demo", "shops": ["甲", "乙"]},
    )
    facts = displayed[0]["application/vnd.csnb.facts+json"]["provenance"]
    assert facts["parameters"] == {"book": "demo", "shops": "甲, 乙"}
    assert "/home" not in displayed[0]["text/html"]
