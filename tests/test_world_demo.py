"""data/demo is what its one command makes, byte for byte; its labels are on conversations of its exports."""

import gzip
import platform
import sys
from pathlib import Path

import polars as pl
import pytest

from csnb.book import open_book
from csnb.world import simulate

REPO = Path(__file__).parents[1]
DEMO, BOOK = REPO / "data" / "demo", REPO / "data" / "books" / "demo"
LABELS = {"labels.csv.gz", "drawn.parquet"}  # these go by what the machine codes: made anew, another draw
COMMAND = (
    "csnb simulate --scenario demo --weeks 4 --seed 1 --platform taobao,douyin --out data/demo --labels 400"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    simulate("demo", 4, 1, ["taobao", "douyin"], folder)
    return folder


def test_the_readme_names_the_command():
    assert COMMAND in (DEMO / "README.md").read_text("utf-8")


def test_the_command_makes_the_committed_files(made):
    committed = {path.name for path in DEMO.iterdir()} - {"README.md", *LABELS}
    assert {path.name for path in made.iterdir()} == committed


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="equal bytes are promised on Linux x86-64",
)
def test_the_demo_is_made_again_byte_for_byte(made):
    """Compared unpacked: compressors of one format may differ. The packed files carry no time."""
    for path in made.glob("*.gz"):
        again = DEMO / path.name
        assert gzip.decompress(path.read_bytes()) == gzip.decompress(again.read_bytes()), (
            f"{path.name}: run {COMMAND}"
        )
        assert again.read_bytes()[4:8] == bytes(4)


def test_the_labels_are_on_dissatisfied_conversations_of_the_exports():
    ratings = pl.concat(
        [
            pl.read_csv(DEMO / "taobao_ratings.csv.gz").select(pl.nth(0).alias("session_id")),
            pl.read_csv(DEMO / "douyin_ratings.csv.gz").select(pl.nth(0).alias("session_id")),
        ]
    )
    drawn, sheet = pl.read_parquet(DEMO / "drawn.parquet"), pl.read_csv(DEMO / "labels.csv.gz")
    assert set(drawn["session_id"]) <= set(ratings["session_id"])
    cases = drawn.drop_nulls("case").select("case", "session_id", "use", "stratum")
    assert sheet.select(cases.columns).unique().sort("case").equals(cases.sort("case"))
    readme = (DEMO / "README.md").read_text("utf-8")
    assert f"{cases.height} of the {drawn.height} conversations" in readme


@pytest.mark.skipif(not (BOOK / "drawn").is_dir(), reason="there is no demo book; `make demo` makes it")
def test_the_demo_book_holds_every_label():
    sheet, book = pl.read_csv(DEMO / "labels.csv.gz"), open_book(BOOK)
    answers = pl.from_pandas(book.human_labels).unique(["case", "coder"])
    keys = ["case", "session_id", "coder"]
    assert answers.select(keys).sort(keys).equals(sheet.select(keys).sort(keys))
    assert set(answers["session_id"]) <= set(book.sessions["session_id"])


def test_the_demo_is_small_and_holds_three_shops_forty_agents_and_two_platforms():
    index = pl.read_csv(DEMO / "exports.csv")
    assert sum(path.stat().st_size for path in DEMO.iterdir()) <= 5_000_000
    assert index.filter(kind="messages")["file"].to_list() == [
        "taobao_messages.csv.gz",
        "douyin_messages.csv.gz",
    ]
    agents = pl.read_csv(DEMO / "agents.csv.gz")["agent_id"]
    assert len(agents) == 40
    assert agents.str.split(":").list.first().n_unique() == 3
    assert set(index["kind"]) == {
        "messages",
        "ratings",
        "agents",
        "events",
        "orders",
        "refunds",
        "tickets",
        "shifts",
    }
