"""Who comes in displeased: only the customer's first words tell, and only of rated conversations."""

import pytest

from csnb.book import open_book
from csnb.casemix import case_mix
from csnb.openings import add_openings
from csnb.sources import import_export

ANGRY, CALM = "你们太坑了，快递五天还没到", "请问这个有货吗"


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Give four conversations: angry from the start, later, never; and angry but not rated."""
    folder = tmp_path_factory.mktemp("openings")
    lines = ["session_id,sent_at,role,text,shop,agent_id"]
    for name, first, later in (
        ("a", ANGRY, CALM),
        ("b", CALM, ANGRY),
        ("c", CALM, CALM),
        ("d", ANGRY, ANGRY),
    ):
        lines += [
            f"{name},2026-03-02 10:00:00,customer,{first},甲店,a1",
            f"{name},2026-03-02 10:00:20,agent,您好，请讲,甲店,a1",
            f"{name},2026-03-02 10:00:40,customer,{later},甲店,a1",
        ]
    ratings = ["session_id,score", "a,1", "b,1", "c,5"]
    for kind, rows in (("messages", lines), ("ratings", ratings)):
        (folder / f"{kind}.csv").write_text("\n".join(rows) + "\n", "utf-8")
        import_export(folder / f"{kind}.csv", "generic", folder / "book", kind, jobs=1)
    return open_book(folder / "book")


def test_only_the_first_words_of_rated_customers_tell(book):
    seen = add_openings(book, book.sessions).set_index("session_id")["opens_displeased"]
    assert seen[["a", "b", "c"]].to_list() == [True, False, False] and seen.isna()["d"]


def test_without_ratings_nothing_is_read(book):
    seen = add_openings(book, book.sessions.assign(is_rated=False))
    assert seen["opens_displeased"].isna().all()
    assert "opens_displeased" not in book.sessions


def test_it_is_held_comparable_where_it_is_known(book):
    many = add_openings(book, book.sessions).sample(200, replace=True, random_state=1)
    assert "opens_displeased" in {name for _, name, _ in case_mix(many, ("mix",))}
    assert "opens_displeased" not in {
        name for _, name, _ in case_mix(many.drop(columns="opens_displeased"), ("mix",))
    }
