"""The page on agents runs on books that can say little, and says so."""

from pathlib import Path

import nbformat
import pytest

from csnb.book import open_book
from csnb.sources import import_export

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "agents.ipynb"
HEADER = "session_id,sent_at,role,text,platform,shop,buyer_id,agent_id"


def book_of(folder, agents, sessions):
    """Make a book of short conversations, dealt to the agents in turn, without any rating."""
    lines = [
        f"s{number},2026-03-{2 + number % 7:02d} 10:{minute:02d}:00,{role},{words},taobao,甲店,b{number},"
        + (agents[number % len(agents)] if role == "agent" else "")
        for number in range(sessions)
        for minute, role, words in ((0, "customer", "什么时候发货"), (1, "agent", "今天发"))
    ]
    export = folder / "messages.csv"
    export.write_text("\n".join([HEADER, *lines]) + "\n", "utf-8")
    import_export([export], "generic", folder / "book", jobs=1)
    return open_book(folder / "book").path


def run_page(book, audience, lang):
    """Run the cells of the notebook; gives the names they leave behind."""
    known = {}
    for cell in nbformat.read(NOTEBOOK, 4).cells:
        if cell.cell_type == "code":
            exec(cell.source, known)
            if "parameters" in cell.metadata.get("tags", []):
                known |= {"book": str(book), "audience": audience, "lang": lang}
    return known


@pytest.mark.parametrize(
    ("agents", "sessions", "said"),
    [
        (["小美"], 30, "one_agent"),
        ([""], 30, "no_agents"),
        (["小美", "小丽", "小雨"], 30, "few_agents"),
        ([f"客服{number}" for number in range(8)], 160, "people_basis_machine"),
        (["小美"], 1, "one_agent"),
    ],
    ids=["one agent", "no agent ids", "three agents", "no ratings", "one session"],
)
def test_a_book_that_can_say_little_has_a_page_that_says_so(tmp_path, agents, sessions, said):
    book = book_of(tmp_path, agents, sessions)
    for audience, lang in (("analyst", "zh"), ("leadership", "en")):
        known = run_page(book, audience, lang)
        keys = {finding.key for finding in known["found"]}
        assert said in keys
        assert not keys & {"named_head", "named_tail", "hints_to_talk", "hints_counted"}
        assert not known["hints"]["is_named"].astype(bool).any()
