"""Both READMEs say the same, name what there is, and show the example files as they are."""

import csv
import re
from pathlib import Path

import pytest
from readme_blocks import shell_blocks

from csnb.layouts import list_layouts
from csnb.press import list_reports

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "README.zh-CN.md"]
WORDS = {page: (ROOT / page).read_text("utf-8") for page in PAGES}
EXAMPLE = ROOT / "data" / "examples" / "generic" / "messages" / "聊天记录.csv"


def rows(words):
    """Give the cells of every table row of a page."""
    lines = [line.strip() for line in words.splitlines() if line.strip().startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_both_have_the_same_shell_blocks():
    first, second = (shell_blocks(words) for words in WORDS.values())
    assert first == second
    assert len(first) >= 6


def test_both_have_the_same_parts():
    shapes = [re.findall(r"^(#+ |```\w*|\d\. )", words, re.M) for words in WORDS.values()]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_it_links_exists(page):
    links = re.findall(r"\]\(([^)#:]+)\)", WORDS[page])
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_file_it_tells_to_edit_exists(page):
    named = re.findall(r"`(definitions/[^`]+)`", WORDS[page])
    assert named
    assert [path for path in named if not (ROOT / "csnb" / path).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_report_and_layout_is_named(page):
    named = {cells[0].strip("`") for cells in rows(WORDS[page])}
    assert {report.name for report in list_reports()} - named == set()
    assert {name for name in list_layouts() if f"`{name}`" not in WORDS[page]} == set()


@pytest.mark.parametrize("page", PAGES)
def test_the_header_it_shows_is_that_of_the_example(page):
    with EXAMPLE.open(encoding="utf-8", newline="") as handle:
        head, *messages = csv.reader(handle)
    table = rows(WORDS[page])
    at = table.index(head)
    assert table[at + 2] == messages[0]
    assert table[at + 3] == messages[1]


@pytest.mark.parametrize("page", PAGES)
def test_its_picture_is_small(page):
    (picture,) = re.findall(r"!\[[^]]*\]\(([^)]*)\)", WORDS[page])
    assert (ROOT / picture).stat().st_size <= 300_000
