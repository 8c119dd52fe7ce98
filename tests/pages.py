"""Small books and a way to run a report's notebook on them, for the tests of pages that can say little."""

from pathlib import Path

import nbformat

from csnb.book import open_book
from csnb.sources import import_export

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
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


def run_page(report, book, audience, lang):
    """Run the cells of a report's notebook; gives the names they leave behind."""
    known = {}
    for cell in nbformat.read(NOTEBOOKS / f"{report}.ipynb", 4).cells:
        if cell.cell_type == "code":
            exec(cell.source, known)
            if "parameters" in cell.metadata.get("tags", []):
                known |= {"book": str(book), "audience": audience, "lang": lang}
    return known
