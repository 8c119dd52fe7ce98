"""Every word a reader sees comes from `definitions/strings/<language>.toml` through `text`."""

import string
from contextlib import contextmanager
from functools import cache

from csnb.errors import StringsError, one_of
from csnb.lookup import read_toml

LANGUAGES = ("zh", "en")
AUDIENCES = ("analyst", "lead", "leadership")  # who reads a page, from who sees every name to who sees none
_state = {"language": "zh", "folder": None}


def set_language(lang, folder=None):
    """Choose the language of all texts, and the user's own definitions folder if there is one.

    Parameters
    ----------
    lang : "zh" or "en"
    folder : path of the user's own definitions folder, or None

    Raises
    ------
    ParameterError
        If there is no such language.

    Examples
    --------
    >>> set_language("en"); get_language()
    'en'
    >>> set_language("zh")
    """
    _state.update(language=one_of("lang", lang, LANGUAGES), folder=folder)


@contextmanager
def language(lang, folder=None):
    """Use a language, and the user's own definitions folder, for a while; then go back to what was.

    Examples
    --------
    >>> with language("en"):
    ...     text("word.sessions")
    'conversations'
    """
    before = dict(_state)
    set_language(lang, folder)
    try:
        yield
    finally:
        _state.update(before)


def get_language():
    """Give the language in force: "zh" or "en".

    Examples
    --------
    >>> get_language()
    'zh'
    """
    return _state["language"]


def get_definitions_folder():
    """Give the user's own definitions folder in force, or None.

    Examples
    --------
    >>> get_definitions_folder() is None
    True
    """
    return _state["folder"]


def text(key, /, **values):
    """Give one text in the language in force, its placeholders filled strictly.

    Parameters
    ----------
    key : str, dotted path in the strings file, such as "word.sessions"
    values : already formatted; exactly the placeholders of the text

    Returns
    -------
    str

    Raises
    ------
    StringsError
        If the key is unknown, a placeholder has no value, a value is None, or a value is not used.

    Examples
    --------
    >>> text("word.sessions")
    '会话'
    """
    lang = get_language()
    known = texts(lang, _state["folder"])
    if key not in known:
        raise StringsError(f"strings/{lang}.toml has no text {key!r}")
    wanted = placeholders(known[key])
    missing = sorted(wanted - {name for name, value in values.items() if value is not None})
    unused = sorted(set(values) - wanted)
    if missing or unused:
        raise StringsError(f"text {key!r} ({lang}): values missing for {missing}, not used {unused}")
    return known[key].format(**values)


def has_text(key):
    """Say whether the language in force has this text."""
    return key in texts(get_language(), _state["folder"])


def placeholders(template):
    """Give the set of placeholder names of a text."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@cache
def texts(lang, folder=None):
    """Give all texts of a language as one flat dict: dotted key to text."""
    return dict(_flat(read_toml(f"strings/{lang}.toml", folder)))


def _flat(tree, prefix=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
