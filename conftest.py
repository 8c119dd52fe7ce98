"""Examples in docstrings may use `book`: the book of data/examples/, as the README makes it."""

from pathlib import Path

import pytest

from csnb.book import open_book
from csnb.sources import import_export
from csnb.strings import set_language


@pytest.fixture(scope="session")
def example_book(tmp_path_factory):
    """Import data/examples/ into a book of its own, once."""
    path = tmp_path_factory.mktemp("books") / "shop"
    for folder in sorted(Path(__file__).parent.glob("data/examples/*/*")):
        import_export(sorted(folder.iterdir()), folder.parent.name, path, folder.name, jobs=1)
    return open_book(path)


@pytest.fixture(autouse=True)
def give_book(request, doctest_namespace):
    """Let every test and example start in Chinese, the default; give the book to those examples that use it."""
    set_language("zh")
    examples = request.node.dtest.examples if isinstance(request.node, pytest.DoctestItem) else ()
    if any("book" in example.source for example in examples):
        doctest_namespace["book"] = request.getfixturevalue("example_book")
    yield
    set_language("zh")
