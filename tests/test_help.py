"""What an analyst sees who asks for help: every public name explains itself, with an example, and completes."""

import inspect

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import csnb
from csnb.book import IMPORTED, Book
from csnb.cli import app
from csnb.schema import TABLES


def written(name):
    """Give the docstring of a public name."""
    return inspect.getdoc(getattr(csnb, name))


@pytest.mark.parametrize("name", csnb.__all__)
def test_a_public_name_shows_an_example(name):
    """Examples run as doctests; those that write files or need a longer book are shown and not run."""
    assert "Examples\n--------\n>>> " in written(name)


@pytest.mark.parametrize("name", csnb.__all__)
def test_a_public_name_explains_each_of_its_parameters(name):
    wanted = [
        word for word, parameter in inspect.signature(getattr(csnb, name)).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD
    ]  # fmt: skip
    assert [word for word in wanted if word not in written(name)] == []


@pytest.mark.parametrize(
    "name", [name for name in csnb.__all__ if "pandas.DataFrame" in (written(name) or "")]
)
def test_a_name_that_gives_a_table_says_what_its_rows_are(name):
    returned = written(name).partition("Returns\n-------")[2].partition("\n\n")[0]
    if "DataFrame" in returned:
        words = ("row", "rows", "Table `", "table `", "Results by", "results of", "`sessions`", "sessions")
        assert any(word in returned for word in words), returned


@pytest.mark.parametrize("table", ["sessions", "turns", "labels", *IMPORTED])
def test_a_table_of_a_book_says_what_one_row_is(table):
    assert "One row" in inspect.getdoc(getattr(Book, table))
    assert TABLES[table].row


def test_tab_completes_public_names():
    shell = InteractiveShell.instance()
    shell.run_cell("import csnb")
    with provisionalcompleter():
        found = {each.text for each in shell.Completer.completions("csnb.meas", 9)}
    assert {name for name in csnb.__all__ if name.startswith("meas")} <= {name.strip(".") for name in found}


def test_every_option_of_the_command_line_has_its_help():
    import typer

    commands = typer.main.get_command(app).commands
    bare = [
        f"{name} {option.name}"
        for name, command in commands.items()
        for option in command.params
        if option.name != "help" and not option.help
    ]
    assert bare == []
