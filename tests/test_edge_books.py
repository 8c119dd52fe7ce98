"""Books at the edge: the pages on dissatisfaction and on owners run, and say plainly what they cannot."""

import re

import pytest
from bs4 import BeautifulSoup

from csnb.press import run_reports
from csnb.sources import import_export

BAD = ("快递五天了还没到，也太慢了吧", "人呢？？怎么一直不回我", "刚买就降价，你们太坑了")
PLANS = {  # scores, conversations, language, pages, words; every book has one agent and no labels
    "no_ratings": ([], 12, "zh", ["satisfaction", "owners"], ("没有评价", "该交给谁都无从谈起")),
    "one_session": ([1], 1, "zh", ["satisfaction", "owners"], ("没有人工标注", "未验证", "还不能给占比")),
    "none_dissatisfied": ([5] * 12, 12, "zh", ["satisfaction", "owners"], ("没有一段不满意", "没有要交办的事")),
    "all_dissatisfied": (
        [1] * 12, 12, "en", ["satisfaction"],
        ("Every rated conversation is dissatisfied", "too few ratings", "unverified"),
    ),
}  # fmt: skip


def make_book(folder, scores, count):
    """Import conversations of one agent, the first ones rated with these scores."""
    lines = ["session_id,sent_at,role,text,shop,agent_id"]
    for number in range(count):
        day, said = 2 + number % 10, BAD[number % 3]
        lines += [
            f"s{number:02},2026-03-{day:02} 10:00:00,customer,{said},甲店,a1",
            f"s{number:02},2026-03-{day:02} 10:00:20,agent,您好，请讲,甲店,a1",
            f"s{number:02},2026-03-{day:02} 10:00:40,customer,{said}！,甲店,a1",
        ]
    files = {"messages": lines}
    if scores:
        files["ratings"] = [
            "session_id,score",
            *(f"s{number:02},{score}" for number, score in enumerate(scores)),
        ]
    for kind, rows in files.items():
        (folder / f"{kind}.csv").write_text("\n".join(rows) + "\n", "utf-8")
        import_export(folder / f"{kind}.csv", "generic", folder / "books" / "edge", kind, jobs=1)
    return folder / "books" / "edge"


@pytest.mark.parametrize("name", list(PLANS))
def test_a_page_runs_and_says_what_it_cannot(name, tmp_path):
    scores, count, lang, reports, words = PLANS[name]
    book = make_book(tmp_path, scores, count)
    summary = run_reports(reports, book, lang=lang, out=tmp_path / "out", jobs=1)
    assert summary.exit_code == 0, summary.failed
    pages = [
        BeautifulSoup(page.read_text("utf-8"), "html.parser").find("main").text for page in summary.pages
    ]
    assert len(pages) == len(reports)
    assert all(any(word in page for page in pages) for word in words)
    if name in ("no_ratings", "none_dissatisfied"):  # said once, not under every owner
        assert all(page.count(words[-1]) <= 1 for page in pages)
    assert not any(re.search(r"(?<![a-z])nan(?![a-z])", page.lower()) for page in pages)
