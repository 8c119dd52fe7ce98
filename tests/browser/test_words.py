"""What every page says: one language, whole words, no name of a column that nobody translated."""

import json
import re
from functools import cache

import pytest
from bs4 import BeautifulSoup

from conftest import ROOT
from csnb.book import open_book

CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
MIXED = re.compile(r"[\u4e00-\u9fff][,;:?!()]|[,;:?!()][\u4e00-\u9fff]")
RAW_NAME = re.compile(r"[a-z]+\d*(_[a-z\d]+)+|[a-z]+\d+")


@cache
def names_in_the_data():
    """Match the names that shops, people and events bear in the demo exports, the longest first."""
    book, found = open_book(ROOT / "data" / "books" / "demo"), set()
    for table in (book.sessions, book.agents, book.events):
        for column in table.select_dtypes(exclude=["number", "bool", "datetime", "datetimetz"]):
            found |= {str(value) for value in table[column].dropna().unique()}
    named = sorted(filter(CHINESE.search, found), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, named)))


@cache
def parsed(path):
    """Read a page without what customers wrote and without scripts; and the words of its charts."""
    page = BeautifulSoup(path.read_text("utf-8"), "html.parser").body
    charts = [json.loads(spec.string) for spec in page.select(".spec")]
    for left_out in page.select(".quotes, q, script"):
        left_out.extract()
    return page, [words for chart in charts for words in _strings(chart)]


def _strings(part):
    """Give all texts in the data of a chart that a reader may see."""
    if isinstance(part, dict):
        unseen = ("type", "template", "customdata", "family", "config")
        return [words for key, value in part.items() if key not in unseen for words in _strings(value)]
    if isinstance(part, list):
        return [words for value in part for words in _strings(value)]
    return [part] if isinstance(part, str) else []


def said(about):
    """Give all that a page says without the names in the data: texts, labels for those who do not see, charts."""
    page, drawn = parsed(about["path"])
    labels = [each["aria-label"] for each in page.select("[aria-label]")]
    return [names_in_the_data().sub("", words) for words in [*page.find_all(string=True), *labels, *drawn]]


def test_an_english_page_holds_no_chinese_outside_quotes_and_names(about):
    if about["lang"] != "en":
        pytest.skip("a Chinese page may")
    assert [words for words in said(about) if CHINESE.search(words)] == []


def test_a_chinese_page_does_not_mix_half_and_full_width_punctuation(about):
    if about["lang"] != "zh":
        pytest.skip("English has no full width")
    assert [words for words in said(about) if MIXED.search(words)] == []


def test_every_head_and_word_of_a_table_is_translated(about):
    page, _ = parsed(about["path"])
    heads = {head.get_text() for head in page.select("th:not([hidden])")}
    cells = {cell.get_text() for cell in page.select("td:not([hidden], [data-unit])")}
    assert sorted(filter(RAW_NAME.fullmatch, heads | cells)) == []
    if about["lang"] == "zh":
        assert sorted(head for head in heads if re.fullmatch("[a-z]+", head)) == []
