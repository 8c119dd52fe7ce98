"""What moved a rate between periods: who came (mix), or how they were served (rate), and in which cells."""

from itertools import combinations
from math import factorial, prod

import numpy as np
import pandas as pd

from csnb.errors import MetricError, ParameterError
from csnb.stats.inputs import floats, names, need_columns

MOST_PLAYERS = 15
LOG_OF_NOTHING = -1e9  # its exponential is 0, and it cancels against itself


def decompose_change(before, after, weight, rate, by):
    """Split the change of a rate between two periods into mix and rate, in total and by cell.

    Parameters
    ----------
    before, after : DataFrames, one row a cell; several rows of one cell are added up
    weight : str, column of cell sizes, such as conversations; any unit, 0 or more
    rate : str, column of cell rates or means; may be missing where the weight is 0
    by : str or list of str, columns that name a cell; a missing name is a name

    Returns
    -------
    effects : DataFrame, columns `factor` (mix, rate) and `effect`; the effects add up to the change of
        the overall rate, in the unit of `rate`
    cells : DataFrame, one row a cell: the columns of `by`, then `cell, mix, rate, total, is_borrowed`.
        `mix` and `rate` add up to their effects, `total` to the change. A cell that is empty in one period
        borrows the other period's rate (`is_borrowed`), so that its appearance is mix.

    Raises
    ------
    MetricError
        If a column is missing, a weight is negative or missing, a weighted cell has no rate, or a period
        has no weight at all.
    ParameterError
        If `by` names no column, one twice, or one that is also a column of `cells`, such as `mix`.

    Source
    ------
    Kitagawa (1955), JASA 50:1168-1194; Das Gupta (1993), Standardization and Decomposition of Rates, P23-186.
    Cell contributions are taken around the mean overall rate, so that more of an average cell is no effect.

    Examples
    --------
    >>> before = pd.DataFrame({"stage": ["presale", "aftersale"], "n": [80, 20], "rate": [0.9, 0.6]})
    >>> after = pd.DataFrame({"stage": ["presale", "aftersale"], "n": [50, 50], "rate": [0.9, 0.6]})
    >>> effects, cells = decompose_change(before, after, "n", "rate", "stage")
    >>> effects.round(3).to_dict("records")
    [{'factor': 'mix', 'effect': -0.09}, {'factor': 'rate', 'effect': 0.0}]
    """
    by = names(by)
    taken = ({"cell", "mix", "rate", "total", "is_borrowed"} & set(by)) - (
        {"cell"} if len(by) == 1 else set()
    )
    if not by or len(set(by)) < len(by) or taken:
        raise ParameterError(
            f"by must name one or more distinct columns, none like a column of the result; got: {by}"
        )
    for period, table in (("before", before), ("after", after)):
        need_columns(table, [*by, weight, rate], period)
    used = [*by, weight, rate]
    table = pd.concat([before[used], after[used]], ignore_index=True)
    period = np.repeat(["before", "after"], [len(before), len(after)])
    labels, (share0, share1), ((rate0, rate1),) = _cells(
        table, period, ["before", "after"], weight, [rate], by
    )
    is_borrowed = np.isnan(rate0) | np.isnan(rate1)
    rate0, rate1 = _borrow(rate0, rate1)
    middle = (share0 @ rate0 + share1 @ rate1) / 2
    cells = labels.assign(
        cell=_cell_names(labels),
        mix=(share1 - share0) * ((rate0 + rate1) / 2 - middle),
        rate=(rate1 - rate0) * (share0 + share1) / 2,
        total=lambda cells: cells["mix"] + cells["rate"],
        is_borrowed=is_borrowed,
    )
    effects = cells[["mix", "rate"]].sum().rename_axis("factor").reset_index(name="effect")
    return effects, cells


def decompose_periods(table, period, factors, by=None):
    """Split the changes between any number of periods into effects that add up along the way.

    The effects of W-2 to W-1 and of W-1 to W0 add up to those of W-2 to W0, factor by factor.

    Parameters
    ----------
    table : DataFrame, one row a period and cell
    period : str, column of periods, in order of appearance (or of its categories); a row without one is left out
    factors : list of str. With `by`: the column of cell sizes first, then one or more columns whose
        product is the cell's rate. Without `by`: columns whose product is the rate of the period.
    by : str or list of str, columns that name a cell, or None if a period is one row

    Returns
    -------
    effects : DataFrame, columns `factor, period_from, period_to, effect`, one row a factor and pair of
        periods, earlier to later. With `by`, the sizes give one effect per variable of `by`, named like
        it (the mix of shops, of channels, ...), and each further factor one of its own.

    Raises
    ------
    MetricError
        As `decompose_change`; or if, without `by`, a period has more than one row.

    Source
    ------
    Das Gupta (1993), P23-186: equations 5.36 (structure of a cross-classified population) and 6.12 (several
    populations). Both are Shapley values, which is how they are computed here.

    Examples
    --------
    >>> weeks = pd.DataFrame({"week": ["W-1", "W0"], "asked": [0.5, 0.6], "bought": [0.4, 0.3]})
    >>> decompose_periods(weeks, "week", ["asked", "bought"]).round(3).to_dict("records")
    [{'factor': 'asked', 'period_from': 'W-1', 'period_to': 'W0', 'effect': 0.035}, \
{'factor': 'bought', 'period_from': 'W-1', 'period_to': 'W0', 'effect': -0.055}]
    """
    by, factors = names(by), names(factors)
    need_columns(table, [period, *factors, *by], "the table")
    table = table[table[period].notna()]
    column = table[period]
    order = column.cat.categories if column.dtype == "category" else column.unique()
    periods = [name for name in order if (column == name).any()]
    if by:
        effects = _effects_of_structure(table, period, periods, factors, by)
    else:
        effects = _effects_of_product(table, period, periods, factors)
    rows = []
    for first, second in combinations(range(len(periods)), 2):
        for factor, pairwise in effects.items():
            standing = pairwise.mean(axis=0)
            rows.append((factor, periods[first], periods[second], standing[second] - standing[first]))
    return pd.DataFrame(rows, columns=["factor", "period_from", "period_to", "effect"])


def _effects_of_product(table, period, periods, factors):
    """Give each factor's matrix of effects from any period to any other, for a plain product."""
    values = pd.DataFrame({name: floats(table[name], name) for name in factors}, index=table[period])
    lacking = values.isna().any(axis=1)
    if lacking.any():
        raise MetricError(
            f"period {values.index[lacking][0]!r} lacks one of its factors: {', '.join(factors)}"
        )
    if not values.index.is_unique:
        twice = values.index[values.index.duplicated()][0]
        raise MetricError(f"period {twice!r} has more than one row; name the columns of a cell in `by`")
    values = [dict(zip(factors, values.loc[name], strict=True)) for name in periods]
    return _every_pair(len(periods), lambda one, two: _product_effects(values[one], values[two]))


def _effects_of_structure(table, period, periods, factors, by):
    """Give each factor's matrix of effects from any period to any other, for a cross-classified table."""
    weight, *rates = factors
    if not rates:
        raise MetricError(f"factors must be the column of sizes and at least one rate; got only {weight!r}")
    labels, shares, values = _cells(table, table[period].to_numpy(), periods, weight, rates, by)
    structures = [_structure(labels, share) for share in shares]

    def between(one, two):
        known = {name: _borrow(value[one], value[two]) for name, value in zip(rates, values, strict=True)}
        size = object()
        start, end = ({name: pair[side] for name, pair in known.items()} for side in (0, 1))
        effect = _product_effects({size: shares[one], **start}, {size: shares[two], **end})
        per_share = _product_effects({size: 0.0, **start}, {size: 1.0, **end})[size]
        mix = _product_effects(structures[one], structures[two])
        effect = {
            **{name: per_share * part for name, part in mix.items()},
            **{name: effect[name] for name in rates},
        }
        return {name: np.sum(cells) for name, cells in effect.items()}

    return _every_pair(len(periods), between)


def _every_pair(count, between):
    """Give a dict from factor to its antisymmetric matrix of effects, row to column."""
    effects = {}
    for one, two in combinations(range(count), 2):
        for name, effect in between(one, two).items():
            matrix = effects.setdefault(name, np.zeros((count, count)))
            matrix[one, two], matrix[two, one] = effect, -effect
    return effects


def _product_effects(start, end):
    """Give the Shapley effects of the factors of a product that goes from `start` to `end`."""
    return shapley_effects(
        lambda moved: prod((end if name in moved else start)[name] for name in start), start
    )


def _structure(labels, share):
    """Write each cell's share as a product of one part per variable (Das Gupta 1993, equation 5.36).

    An empty cell's part is 0 for the variables whose value is what is absent, and not for the others.
    """

    def log_margin(variables):
        if not variables:
            return np.zeros(len(share))
        group = labels.groupby([name for name in labels if name in variables], dropna=False).ngroup()
        margin = np.bincount(group, share)[group]
        return np.log(margin, where=margin > 0, out=np.full(len(share), LOG_OF_NOTHING))

    return {name: np.exp(part) for name, part in shapley_effects(log_margin, list(labels)).items()}


def _cells(table, period, periods, weight, rates, by):
    """Give the cells' labels, their shares (periods x cells), and for each rate its value (periods x cells)."""
    size = floats(table[weight], weight)
    wrong = np.isnan(size) | (size < 0)
    if wrong.any():
        raise MetricError(f"{weight} must be 0 or more in every row; found {size[wrong][0]:g}")
    groups = table.groupby(by, dropna=False, sort=False, observed=True)
    cell = groups.ngroup().to_numpy()
    labels = table[by].iloc[np.unique(cell, return_index=True)[1]].reset_index(drop=True)
    shape = (len(periods), len(labels))
    place = pd.Index(periods).get_indexer(period) * len(labels) + cell

    def added(values):
        return np.bincount(place, values, minlength=len(periods) * len(labels)).reshape(shape)

    sizes = added(size)
    for name, total in zip(periods, sizes.sum(axis=1), strict=True):
        if total == 0:
            raise MetricError(f"{weight} is 0 in all of period {name!r}: it has no rate to compare")
    values = []
    for rate in rates:
        events = np.where(size > 0, floats(table[rate], rate) * size, 0.0)
        if np.isnan(events).any():
            where = table.iloc[int(np.flatnonzero(np.isnan(events))[0])]
            raise MetricError(
                f"{rate} is missing in a row with {weight} {where[weight]:g}: {where[by].to_dict()}"
            )
        with np.errstate(invalid="ignore"):
            values.append(added(events) / sizes)
    return labels, sizes / sizes.sum(axis=1, keepdims=True), values


def _borrow(rate0, rate1):
    """Fill an empty cell's rate from the other period; a cell empty in both has no weight, so 0 will do."""
    return (
        np.nan_to_num(np.where(np.isnan(rate0), rate1, rate0)),
        np.nan_to_num(np.where(np.isnan(rate1), rate0, rate1)),
    )


def _cell_names(labels):
    """Name a cell by its only label, or by all of them with strokes between."""
    if labels.shape[1] == 1:
        return labels.iloc[:, 0]
    return labels.astype(str).agg(" / ".join, axis=1)


def shapley_effects(value_of, players):
    """Share a total among its players: each gets the mean of what it adds over all orders of joining.

    Parameters
    ----------
    value_of : function from a frozenset of players to a number, or to an array of numbers; called once a set
    players : list of distinct labels, at most 15

    Returns
    -------
    effects : dict from player to effect; they add up to value_of(all) - value_of(none)

    Raises
    ------
    ParameterError
        If a player is named twice, or there are more than 15 (2^15 sets).

    Source
    ------
    Shapley (1953), in Contributions to the Theory of Games II. For a product of factors the values are
    the effects of Das Gupta (1993).

    Examples
    --------
    >>> shapley_effects(lambda gloves: float({"left", "right"} <= gloves), ["left", "right"])
    {'left': 0.5, 'right': 0.5}
    """
    players = list(players)
    count = len(players)
    if count > MOST_PLAYERS or len(set(players)) < count:
        raise ParameterError(f"players must be at most {MOST_PLAYERS} distinct labels; got: {players}")
    sets = [frozenset(chosen) for size in range(count + 1) for chosen in combinations(players, size)]
    value = {members: value_of(members) for members in sets}
    share = [factorial(size) * factorial(count - size - 1) / factorial(count) for size in range(count)]
    return {
        player: sum(
            share[len(others)] * (value[others | {player}] - value[others])
            for others in sets
            if player not in others
        )
        for player in players
    }
