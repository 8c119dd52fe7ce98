"""Cells: conversations alike in stage, product, shop ..., and what each adds to a change (Kitagawa)."""

import numpy as np

from csnb.paired import block_sums

REST, UNKNOWN = "rest", "unknown"
SMALL_CELL = 20


def merge_cells(rows, by):
    """Name the cell of every row, with small cells merged.

    A cell has at least 20 conversations in both periods; else its last name becomes `rest`, then the one before, and so on.

    Parameters
    ----------
    rows : pandas.DataFrame with the columns `by`, `place` (0 last, 1 this) and `base`
    by : list of str, the most important first

    Returns
    -------
    labels : pandas.DataFrame, one row a row: the columns that still hold several values
    codes : array of int, the number of each row's cell
    cells : int, how many cells there are
    """
    names = [name for name in by if name in rows and rows[name].nunique(dropna=False) > 1]
    labels = rows[names].astype("string").fillna(UNKNOWN)
    place, base = rows["place"].to_numpy(), rows["base"].to_numpy()
    for name in reversed(names):
        codes = labels.groupby(names, sort=False).ngroup().to_numpy()
        counts = np.bincount(codes * 2 + place, base, minlength=2 * (codes.max(initial=0) + 1)).reshape(-1, 2)
        labels[name] = labels[name].mask(counts.min(axis=1)[codes] < SMALL_CELL, REST)
    labels = labels[[name for name in names if labels[name].nunique() > 1]]
    if labels.columns.empty:
        return labels, np.zeros(len(rows), int), 1
    codes = labels.groupby(list(labels), sort=False).ngroup().to_numpy()
    return labels, codes, int(codes.max(initial=0)) + 1


def cell_sums(facts, drawn, codes, cells):
    """Give base and events by draw, period and cell: two arrays."""
    return tuple(
        np.tensordot(drawn, block_sums(facts, codes, cells, column), 1) for column in ("base", "events")
    )


def cell_effects(base, events):
    """Give what each cell adds to mix and to rate, for many draws at once.

    Parameters
    ----------
    base, events : arrays, draws x period (last, this) x cell

    Returns
    -------
    mix, rate : arrays, draws x cell; as the `cells` of `csnb.stats.decompose_change`, which adds up to the change
    """
    share = base / base.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        rates = events / base
    rates = np.where(np.isnan(rates), rates[:, ::-1], rates)
    rates = np.nan_to_num(rates)
    middle = (share * rates).sum(axis=-1).mean(axis=-1)[:, None]
    mix = (share[:, 1] - share[:, 0]) * (rates.mean(axis=1) - middle)
    return mix, (rates[:, 1] - rates[:, 0]) * share.mean(axis=1)
