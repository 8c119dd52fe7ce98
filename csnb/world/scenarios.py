"""Scenarios and parameters: what kind of world is made. The values stand in `definitions/world/`."""

from datetime import date
from difflib import get_close_matches
from functools import cache
from types import SimpleNamespace

import pandas as pd

from csnb.errors import ParameterError, one_of
from csnb.lookup import definition_path, read_rows, read_toml


def scenario_names():
    """Give the names of all scenarios in order.

    Examples
    --------
    >>> scenario_names()[:3]
    ['S0', 'S1', 'S2']
    """
    return list(read_toml("world/scenarios.toml"))


def read_parameters(scenario, changes):
    """Give every parameter of a world: the defaults, the scenario's changes, the caller's changes.

    Parameters
    ----------
    scenario : str, a name of definitions/world/scenarios.toml
    changes : dict of parameter name to value

    Raises
    ------
    ParameterError
        If the scenario or a parameter is unknown or a value is not allowed; argument, value and
        what is allowed are named.

    Examples
    --------
    >>> read_parameters("S2", {"agents": 12}).burst_days
    [8, 12]
    >>> read_parameters("S1", {"agents": 0})
    Traceback (most recent call last):
    csnb.errors.ParameterError: agents must be between 1 and 5000; got: 0
    """
    one_of("scenario", scenario, scenario_names())
    rules = read_toml("world/parameters.toml")
    values = {name: rule["default"] for name, rule in rules.items()}
    given = {**read_toml("world/scenarios.toml")[scenario]["changes"], **changes}
    for name, value in given.items():
        if name not in rules:
            near = get_close_matches(name, rules, n=3) or sorted(rules)
            raise ParameterError(f"a world has no argument {name}={value!r}; nearest: {', '.join(near)}")
        values[name] = _checked(name, value, rules[name])
    for name in changes:
        if name.endswith("_days") and max(values[name], default=0) >= 7 * values["weeks"]:
            raise ParameterError(
                f"{name} must lie in the {values['weeks']} weeks of the world; got: {values[name]}"
            )
    return SimpleNamespace(**values, scenario=scenario)


def _checked(name, value, rule):
    """Give `value` in the type of the default, or say what is allowed."""
    default = rule["default"]
    if isinstance(default, list):
        if isinstance(value, str) or not hasattr(value, "__iter__"):
            raise ParameterError(f"{name} must be a list; got: {value!r}")
        if "among" in rule and not value:
            raise ParameterError(f"{name} must not be empty; allowed are: {', '.join(rule['among'])}")
        example = {**rule, "default": rule["among"][0] if "among" in rule else 0}
        return [_checked(name, item, example) for item in value]
    if "among" in rule:
        return one_of(name, value, rule["among"])
    if isinstance(default, str):
        return _monday(name, value)
    kinds = (int,) if isinstance(default, int) else (int, float)
    low, high = rule["between"]
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        what = "a whole number between" if kinds == (int,) and isinstance(value, float) else "between"
        raise ParameterError(f"{name} must be {what} {low} and {high}; got: {value!r}")
    return type(default)(value)


def _monday(name, value):
    """Give a date text if it is a Monday."""
    try:
        day = date.fromisoformat(str(value))
    except ValueError:
        day = None
    if day is None or day.weekday():
        raise ParameterError(f"{name} must be a Monday, YYYY-MM-DD; got: {value!r}")
    return str(value)


@cache
def world_table(name):
    """Give one table of definitions/world/ with its numbers as numbers, indexed by the first column.

    Examples
    --------
    >>> float(world_table("tiers").loc["senior", "knot"])
    5.0
    """
    with_header = _header(name)
    rows = read_rows(f"world/{name}.tsv", with_header)
    frame = pd.DataFrame(rows).drop(columns="line").set_index(with_header[0])
    return frame.apply(_numbers)


def _header(name):
    """Give the header of a table of definitions/world/: its first line that is not a note."""
    with definition_path(f"world/{name}.tsv").open(encoding="utf-8") as lines:
        return next(line for line in lines if not line.startswith("#")).rstrip("\n").split("\t")


def _numbers(column):
    """Turn a column of number texts into numbers and leave words alone."""
    numbers = pd.to_numeric(column, errors="coerce")
    return column if numbers.isna().any() else numbers.astype(float)
