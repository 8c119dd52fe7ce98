"""data/demo is what its one command makes, byte for byte."""

import gzip
import platform
import sys
from pathlib import Path

import polars as pl
import pytest

from csnb.world import simulate

REPO = Path(__file__).parents[1]
DEMO = REPO / "data" / "demo"
COMMAND = "csnb simulate --scenario demo --weeks 4 --seed 1 --platform taobao,douyin --out data/demo"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    simulate("demo", 4, 1, ["taobao", "douyin"], folder)
    return folder


def test_the_readme_names_the_command():
    assert COMMAND in (DEMO / "README.md").read_text("utf-8")


def test_the_command_makes_the_committed_files(made):
    committed = {path.name for path in DEMO.iterdir()} - {"README.md"}
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
