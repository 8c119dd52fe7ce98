"""What every statistic does with its inputs: lists, arrays and Series become checked float arrays."""

import numpy as np
import pandas as pd

from csnb.errors import MetricError, ParameterError


def floats(values, name):
    """Give `values` as an array of float, None as NaN; what is no finite number is a MetricError that names the input.

    Examples
    --------
    >>> floats([1, None], "n")
    array([ 1., nan])
    """
    if getattr(values, "dtype", np.dtype(float)).kind in "mM":
        raise MetricError(f"{name} must be numbers, not times: give seconds, hours or days")
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise MetricError(f"{name} must be numbers: {error}") from error
    if np.isinf(array).any():
        raise MetricError(f"{name} must be finite; found an infinite number")
    return array


def columns(**inputs):
    """Give several inputs as float arrays of one length; single numbers are repeated.

    Examples
    --------
    >>> [column.tolist() for column in columns(events=[1, 2], n=10)]
    [[1.0, 2.0], [10.0, 10.0]]
    """
    arrays = {name: np.atleast_1d(floats(values, name)) for name, values in inputs.items()}
    lengths = {len(array) for array in arrays.values()} - {1}
    if len(lengths) > 1 or any(array.ndim != 1 for array in arrays.values()):
        found = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise MetricError(f"the inputs must be columns of one length; found shapes {found}")
    return np.broadcast_arrays(*arrays.values())


def refuse(wrong, complaint, **inputs):
    """Raise a MetricError that names the first wrong position and its numbers; NaN is never wrong.

    Examples
    --------
    >>> refuse(np.array([False, True]), "more successes than trials", successes=[1, 9], n=[4, 8])
    Traceback (most recent call last):
    csnb.errors.MetricError: more successes than trials at position 1: successes 9, n 8
    """
    if np.any(wrong):
        first = int(np.flatnonzero(wrong)[0])
        found = ", ".join(f"{name} {np.ravel(values)[first]:g}" for name, values in inputs.items())
        raise MetricError(f"{complaint} at position {first}: {found}")


def quantile_of(confidence):
    """Give the upper two-sided probability of a confidence level: 0.95 becomes 0.975.

    Raises
    ------
    ParameterError
        If `confidence` is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence must lie between 0 and 1, such as 0.95; got: {confidence!r}")
    return (1 + confidence) / 2


def index_of(values, length):
    """Give the index that a result takes over: that of a Series, else 0 to length - 1."""
    return values.index if isinstance(values, pd.Series) and len(values) == length else pd.RangeIndex(length)


def names(value):
    """Give one name or several as a list of names; None gives none.

    Examples
    --------
    >>> names("shop"), names(("shop", "stage")), names(None)
    (['shop'], ['shop', 'stage'], [])
    """
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def need_columns(table, needed, what):
    """Raise a MetricError if something is no table, or lists what was found if it lacks a column."""
    if not isinstance(table, pd.DataFrame):
        raise MetricError(f"{what} must be a DataFrame; got: {type(table).__name__}")
    missing = [name for name in needed if name not in table.columns]
    if missing:
        found = ", ".join(map(str, table.columns))
        raise MetricError(f"{what} has no column {missing[0]!r}; found are: {found}")
