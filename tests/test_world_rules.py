"""Rules of the house about the simulator: who may import it, and who may see the truth."""

import ast
from pathlib import Path

REPO = Path(__file__).parents[1]
HOUSE = [
    path for path in (REPO / "csnb").rglob("*.py") if "world" not in path.relative_to(REPO / "csnb").parts
]


def imported(path):
    """Give every module name and imported name of a file, dotted."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_only_the_command_line_imports_the_simulator():
    found = {
        path.relative_to(REPO).as_posix()
        for path in HOUSE
        for name in imported(path)
        if name.startswith("csnb.world")
    }
    assert found <= {"csnb/cli.py"}


def test_nothing_in_the_house_reads_the_truth():
    """The command line may pass the folder on; no other module, and no notebook, speaks of `.truth`."""
    readers = [
        path.relative_to(REPO).as_posix()
        for path in HOUSE
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "truth"
    ]
    notebooks = [
        path.name for path in (REPO / "notebooks").rglob("*.ipynb") if "truth" in path.read_text("utf-8")
    ]
    assert readers == [] and notebooks == []


def test_the_simulator_uses_no_multivariate_normal_of_a_library():
    text = "".join(path.read_text("utf-8") for path in (REPO / "csnb" / "world").glob("*.py"))
    assert "multivariate_normal" not in text
