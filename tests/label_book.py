"""A small book to label: forty conversations rated 1, twenty rated 5, twenty without a rating."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from csnb.book import open_book
from csnb.sources import import_export

HOSTILE = "=cmd|'/c calc'!A1 <img src=x onerror=alert(1)>"
UNHAPPY = ("快递五天了还没到，也太慢了吧", "人呢？？怎么一直不回我", "刚买就降价，你们太坑了", HOSTILE)


@cache
def _made():
    """Make the book once a run."""
    folder = Path(tempfile.mkdtemp())
    lines, ratings = ["session_id,sent_at,role,text,shop,agent_id"], ["session_id,score"]
    for number in range(80):
        session, hour, shop = f"s{number:02}", 9 + number % 10, ("甲店", "乙店")[number % 2]
        said = UNHAPPY[number % 4] if number < 60 else "请问这个有货吗"
        for second, role, text in (
            (0, "customer", "在吗"),
            (40, "agent", "您好，请讲"),
            (55, "customer", said),
        ):
            lines.append(
                f'{session},2026-03-{2 + number % 14:02} {hour:02}:00:{second:02},{role},"{text}",{shop},a1'
            )
        if number < 40 or number >= 60:
            ratings.append(f"{session},{1 if number < 40 else 5}")
    for kind, rows in (("messages", lines), ("ratings", ratings)):
        (folder / f"{kind}.csv").write_text("\n".join(rows) + "\n", "utf-8")
        import_export(folder / f"{kind}.csv", "generic", folder / "book", kind, jobs=1)
    return folder / "book"


def make_book(folder):
    """Give a copy of the book in a folder, opened."""
    return open_book(shutil.copytree(_made(), Path(folder) / "book"))
