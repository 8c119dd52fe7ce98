"""Every notebook, found by walking the folder, is plain, stripped, parameterised and titled."""

import ast
from pathlib import Path

import nbformat
import pytest

from csnb.strings import LANGUAGES, texts

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
PARAMETERS = ["book", "date_from", "date_to", "shops", "lang", "audience", "as_of", "ci_level", "seed"]
PLAIN = (
    ast.Module, ast.Expr, ast.Assign, ast.AnnAssign, ast.Call, ast.Attribute, ast.Name, ast.Constant, ast.List, ast.Tuple,
    ast.Dict, ast.keyword, ast.Load, ast.Store, ast.Starred, ast.Subscript, ast.Import, ast.alias,
)  # fmt: skip

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path, kind):
    """Give the cells of one kind."""
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == kind]


def test_it_is_a_valid_notebook_without_outputs(path):
    nbformat.validate(nbformat.read(path, 4))
    for cell in cells(path, "code"):
        assert cell.outputs == []
        assert cell.execution_count is None


def test_it_opens_with_one_title(path):
    titles = [cell for cell in cells(path, "markdown") if cell.source.startswith("# ")]
    assert len(titles) == 1
    assert nbformat.read(path, 4).cells[0] == titles[0]


def test_it_has_exactly_the_shared_parameters_each_with_its_help(path):
    (cell,) = [cell for cell in cells(path, "code") if "parameters" in cell.metadata.get("tags", [])]
    lines = cell.source.splitlines()
    assert [line.split(":")[0] for line in lines] == PARAMETERS
    assert all("  # " in line for line in lines)


def test_it_holds_no_logic(path):
    for cell in cells(path, "code"):
        for node in ast.walk(ast.parse(cell.source)):
            assert isinstance(node, PLAIN), f"{type(node).__name__} in: {cell.source}"
            if isinstance(node, ast.Import):
                assert [alias.name for alias in node.names] == ["csnb"]


def test_it_is_short(path):
    assert len(nbformat.read(path, 4).cells) <= 25
    for cell in cells(path, "code"):
        assert len(cell.source.splitlines()) <= 9


def test_its_title_is_in_the_strings_of_every_language(path):
    for lang in LANGUAGES:
        assert f"report.{path.stem}.title" in texts(lang)
