"""What can go wrong, in the reader's words: what was wrong, what was found, what to do."""


class CsnbError(Exception):
    """Any error that csnb raises on purpose; the command line prints it without a traceback."""


class ExportError(CsnbError):
    """A raw file cannot be read: missing column, unknown encoding, too many unreadable rows."""


class DefinitionError(CsnbError):
    """A file in `definitions/` is wrong; the message names file, line, key and what is allowed."""


class BookError(CsnbError):
    """A folder is not a book, or the book lacks the table that was asked for."""


class ParameterError(CsnbError):
    """A value given by the user is unknown or out of range; the message lists what is allowed."""


class MetricError(CsnbError):
    """A statistic was asked for something it cannot answer, such as more successes than trials."""


class StringsError(CsnbError):
    """A reader-facing text is missing in a language, or a value for it was not given."""


def one_of(name, value, allowed):
    """Return `value` if it is one of `allowed`, else raise a ParameterError that lists them."""
    if value not in allowed:
        choices = ", ".join(str(item) for item in allowed)
        raise ParameterError(f"{name} must be one of: {choices}; got: {value!r}")
    return value
