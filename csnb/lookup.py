"""Find and read the files of `definitions/`: the shipped ones, or the user's own in their place.

Every reader of a definition takes `folder`, the user's own definitions folder (or None). A file
in it stands in for the shipped file of the same relative path; all others stay as shipped. Where `folder` is
`unseen/<fold>` of a definitions folder (`csnb.unseen`), a file that it lacks is that folder's, or else the shipped one.
"""

import csv
import os
import tomllib
from pathlib import Path

from csnb.errors import DefinitionError

SHIPPED = Path(__file__).parent / "definitions"
UNSEEN = "unseen"


def definition_path(relative, folder=None):
    """Give the path of one definition file: the user's if there is one, else the shipped one.

    Parameters
    ----------
    relative : str, such as "rulepacks/taobao.toml"
    folder : path of the user's own definitions folder, or None

    Raises
    ------
    DefinitionError
        If neither folder holds the file; the message lists the files beside it.

    Examples
    --------
    >>> definition_path("strings/zh.toml").name
    'zh.toml'
    """
    for base in _bases(folder):
        if (base / relative).is_file():
            return base / relative
    known = ", ".join(definition_names(Path(relative).parent.as_posix(), Path(relative).suffix, folder))
    raise DefinitionError(f"there is no definition file {relative}; known are: {known or 'none'}")


def definition_names(kind, suffix=".toml", folder=None):
    """Give the sorted stems of all files of one kind, shipped and the user's together.

    Examples
    --------
    >>> definition_names("strings")
    ['en', 'zh']
    """
    return sorted({path.stem for base in _bases(folder) for path in (base / kind).glob(f"*{suffix}")})


def _bases(folder):
    """Give the folders in which definitions are looked for, the first one first."""
    own = [Path(folder)] if folder else []
    if own and own[0].parent.name == UNSEEN:
        own.append(own[0].parent.parent)
    return [*own, SHIPPED]


def read_toml(relative, folder=None):
    """Read one TOML definition as a dict.

    Raises
    ------
    DefinitionError
        If there is no such file, or it is no TOML; the file and the line are named.
    """
    path = definition_path(relative, folder)
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"{path.name}: {error}") from error


def read_rows(relative, columns, folder=None):
    """Read one table definition into a list of dicts, each with its line number under `line`.

    Lines that are empty or start with `#` are notes. Every other line has exactly `columns`.

    Raises
    ------
    DefinitionError
        If the header differs or a row has too few or too many cells; file and line are named.
    """
    path = definition_path(relative, folder)
    rows, header = [], None
    with path.open(encoding="utf-8", newline="") as handle:
        for line, text in enumerate(handle, start=1):
            if not text.strip() or text.startswith("#"):
                continue
            cells = next(csv.reader([text.rstrip("\r\n")], delimiter="\t", quoting=csv.QUOTE_NONE))
            if header is None:
                header = cells
                if header != list(columns):
                    raise wrong(relative, line, "header", f"expected {list(columns)}, found {header}")
            elif len(cells) != len(columns):
                raise wrong(relative, line, "row", f"expected {len(columns)} cells, found {len(cells)}")
            else:
                rows.append({**dict(zip(columns, cells, strict=True)), "line": line})
    return rows


def line_of(relative, word, folder=None):
    """Give the first line number of a definition file that holds `word`, or 1."""
    lines = definition_path(relative, folder).read_text("utf-8").splitlines()
    return next((number for number, text in enumerate(lines, start=1) if str(word) in text), 1)


def wrong(relative, line, key, what):
    """Make the one form of error that every definition reader raises."""
    return DefinitionError(f"definitions/{relative}, line {line}, {key}: {what}")


def cache_folder():
    """Give the folder for what can be made again: CSNB_CACHE, else the user's cache folder."""
    base = os.environ.get("CSNB_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "csnb"
