"""The pages of docs/ say what the code says."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from csnb.cli import label_app
from csnb.utterances import read_bank

ROOT = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("docs_make", ROOT / "docs" / "make.py")
make = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(make)


@pytest.mark.parametrize("name", list(make.PAGES))
def test_a_made_page_is_up_to_date(name):
    assert (ROOT / "docs" / name).read_text("utf-8") == make.PAGES[name](), "run: make docs"


@pytest.mark.parametrize(
    "page", ["CONTRIBUTING.md", *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]
)
def test_every_path_that_a_page_links_exists(page):
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text("utf-8"))
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_the_page_on_reasons_names_files_commands_and_a_bank_that_exist():
    page = (ROOT / "docs" / "reasons.md").read_text("utf-8")
    definitions = ROOT / "csnb" / "definitions"
    named = set(re.findall(r"`([a-z_/*]+\.(?:tsv|toml))`", page)) - {"utterances/own.tsv"}
    assert [name for name in sorted(named) if not list(definitions.glob(name))] == []
    assert {"rules/*.tsv", "utterances/*.tsv", "measured.toml", "combination.toml", "sure.toml"} <= named
    (told,) = re.findall(r"bank: ([\d,]+) messages", page)
    assert abs(int(told.replace(",", "")) - read_bank().height) < 100
    for module in ("csnb.evaluate", "csnb.learning_curve"):
        helped = subprocess.run(
            [sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True
        )
        assert "gold" in helped.stdout.lower()
    assert "label train" in page
    assert "train" in {command.name for command in label_app.registered_commands}
