"""Every report's notebook is plain, stripped, parameterised and titled; the tours are short and alike."""

import ast
from pathlib import Path

import nbformat
import pytest

from csnb.strings import LANGUAGES, texts

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[!_]*.ipynb"))
TOURS = [FOLDER / f"_tour_{lang}.ipynb" for lang in LANGUAGES]
PARAMETERS = ["book", "date_from", "date_to", "shops", "lang", "audience", "as_of", "ci_level", "seed"]
PLAIN = (
    ast.Module, ast.Expr, ast.Assign, ast.AnnAssign, ast.Call, ast.Attribute, ast.Name, ast.Constant, ast.List, ast.Tuple,
    ast.Dict, ast.keyword, ast.Load, ast.Store, ast.Starred, ast.Subscript, ast.Import, ast.alias,
)  # fmt: skip

reports = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
tours = pytest.mark.parametrize("path", TOURS, ids=lambda path: path.stem)
both = pytest.mark.parametrize("path", NOTEBOOKS + TOURS, ids=lambda path: path.stem)


def cells(path, kind):
    """Give the cells of one kind."""
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == kind]


@both
def test_it_is_a_valid_notebook_without_outputs(path):
    nbformat.validate(nbformat.read(path, 4))
    for cell in cells(path, "code"):
        assert cell.outputs == []
        assert cell.execution_count is None


@both
def test_it_opens_with_one_title(path):
    titles = [cell for cell in cells(path, "markdown") if cell.source.startswith("# ")]
    assert len(titles) == 1
    assert nbformat.read(path, 4).cells[0] == titles[0]


@reports
def test_it_has_exactly_the_shared_parameters_each_with_its_help(path):
    (cell,) = [cell for cell in cells(path, "code") if "parameters" in cell.metadata.get("tags", [])]
    lines = cell.source.splitlines()
    assert [line.split(":")[0] for line in lines] == PARAMETERS
    assert all("  # " in line for line in lines)


@reports
def test_it_holds_no_logic(path):
    for cell in cells(path, "code"):
        for node in ast.walk(ast.parse(cell.source)):
            assert isinstance(node, PLAIN), f"{type(node).__name__} in: {cell.source}"
            if isinstance(node, ast.Import):
                assert [alias.name for alias in node.names] == ["csnb"]


@reports
def test_it_takes_its_words_and_colours_from_beside_the_book_too(path):
    calls = (
        node
        for cell in cells(path, "code")
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Call)
    )
    (language,) = [call for call in calls if getattr(call.func, "attr", "") == "set_language"]
    assert len(language.args) == 2, "csnb.set_language(lang, opened.definitions_folder)"


@both
def test_a_chart_is_the_last_line_of_its_cell_or_shown_by_name(path):
    """JupyterLab shows the last line of a cell alone."""
    for cell in cells(path, "code"):
        for line in ast.parse(cell.source).body[:-1]:
            called = getattr(getattr(line, "value", None), "func", None)
            assert not getattr(called, "attr", "").startswith("plot_"), cell.source


@reports
def test_it_is_short(path):
    assert len(nbformat.read(path, 4).cells) <= 25
    for cell in cells(path, "code"):
        assert len(cell.source.splitlines()) <= 9


@reports
def test_its_title_is_in_the_strings_of_every_language(path):
    for lang in LANGUAGES:
        assert f"report.{path.stem}.title" in texts(lang)


@tours
def test_a_tour_takes_ten_minutes(path):
    assert len(nbformat.read(path, 4).cells) <= 20
    for cell in cells(path, "code"):
        assert len(cell.source.splitlines()) <= 8


def test_the_tours_take_the_same_steps():
    """They differ in words and in names that the analyst chose; nbval runs both from top to bottom."""
    ways = [[_calls(cell) for cell in cells(path, "code")] for path in TOURS]
    assert ways[0] == ways[1]


def _calls(cell):
    """Give the functions that a cell calls, in order."""
    return [_name(node.func) for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]


def _name(function):
    """Give the last part of a function's name."""
    return function.attr if isinstance(function, ast.Attribute) else function.id
