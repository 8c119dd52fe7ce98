"""Run studies: many worlds, one estimate each, and a verdict by gates that were fixed before."""

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track
from scipy.stats import binom
from threadpoolctl import threadpool_limits

from csnb.stats import wilson_interval

REPLICATIONS, SMOKE_REPLICATIONS = 400, 32
CELL_COVERAGE, MEAN_COVERAGE = 0.92, 0.94
SMOKE_CHANCE = 0.001  # of a cell that fails a smoke run by bad luck
WIDEST = 1.3
FEWEST_FIGURES = 30  # worlds that must give a figure in a full run, where not all do
DIGITS = 5
Z = 1.959964


class Estimate(NamedTuple):
    """What one world gave for one cell of a coverage study."""

    cell: str
    truth: float
    estimate: float
    low: float
    high: float


class Figure(NamedTuple):
    """What one world gave for one cell of a study of figures."""

    cell: str
    value: float


class Study(NamedTuple):
    """One question put to many worlds.

    name : short, as a file name
    claim : what holds if it passes, as a sentence
    replicate : function from a seed to Estimates (coverage) or Figures
    bounds : dict of cell to (low, high), what the mean of a figure must lie between; None for coverage
    worlds, smoke : worlds of a full and of a smoke run; fewer where they are slow and the bounds are far
    """

    name: str
    claim: str
    replicate: object
    bounds: dict | None = None
    worlds: int = REPLICATIONS
    smoke: int = SMOKE_REPLICATIONS


def worker_pool(jobs=None):
    """Give a pool with a process for each core, or `jobs`; they start afresh, since forks and threads do not agree."""
    return ProcessPoolExecutor(jobs or os.cpu_count(), mp_context=get_context("spawn"))


def run_study(study, worlds=None, pool=None):
    """Run one study, with a bar on a terminal.

    Parameters
    ----------
    study : Study
    worlds : int, or None for a full run; their seeds follow from the study's name alone
    pool : of `worker_pool`, or None to stay in this process

    Returns
    -------
    DataFrame, one row a cell, rounded to 5 digits
        cell, worlds (that were made), n (that gave something for the cell), estimate, the mean, and start, the mean
        over the worlds of a smoke run; then for coverage truth, bias, coverage with its 95 % interval coverage_low and
        coverage_high, width and oracle_width, for figures error, the standard error of the mean.
    """
    worlds = worlds or study.worlds
    first = crc32(study.name.encode()) % 10**6
    seeds = range(first, first + worlds)
    replicate = partial(_rows, study.replicate)
    done = pool.map(replicate, seeds, chunksize=max(1, worlds // 40)) if pool else map(replicate, seeds)
    screen = Console(stderr=True)
    seen = track(done, study.name, worlds, console=screen, transient=True, disable=not sys.stderr.isatty())
    frame = pd.DataFrame(
        [{"world": world, **row._asdict()} for world, found in enumerate(seen) for row in found]
    )
    frame = frame.rename(columns={"value": "estimate"})
    sum_up = _sum_up_figure if study.bounds else _sum_up_coverage
    start = frame[frame["world"] < study.smoke].groupby("cell")["estimate"].mean()
    cells = [
        {"cell": cell, "worlds": worlds, "n": len(group), "estimate": group["estimate"].mean(), "start": start.get(cell)}
        | sum_up(group)
        for cell, group in frame.dropna(subset="estimate").groupby("cell", sort=False)
    ]  # fmt: skip
    return pd.DataFrame(cells).round(DIGITS)


def _rows(replicate, seed):
    """Give what one world gave, as a list, on one core: the worlds share out the others."""
    with threadpool_limits(1):
        return list(replicate(seed))


def _sum_up_coverage(group):
    """Sum up one cell of a coverage study; an interval that is missing does not cover."""
    covered = ((group["low"] <= group["truth"]) & (group["truth"] <= group["high"])).sum()
    low, high = wilson_interval(covered, len(group))
    off = group["estimate"] - group["truth"]
    return {
        "truth": group["truth"].mean(),
        "bias": off.mean(),
        "coverage": covered / len(group),
        "coverage_low": low,
        "coverage_high": high,
        "width": (group["high"] - group["low"]).mean(),
        "oracle_width": 2 * Z * off.std(),
    }


def _sum_up_figure(group):
    """Sum up one cell of a study of figures."""
    return {"error": group["estimate"].std() / np.sqrt(len(group))}


def judge(study, results):
    """Say of every cell whether it passes; with fewer worlds than a full run, as far as their number can tell.

    Parameters
    ----------
    study : Study
    results : DataFrame of `run_study`

    Returns
    -------
    Series of bool, as long as `results`
    """
    if study.bounds:
        low, high = (
            results["cell"].map({cell: ends[end] for cell, ends in study.bounds.items()}) for end in (0, 1)
        )
        if is_full(study, results):
            is_enough = results["n"] >= results["worlds"].clip(upper=FEWEST_FIGURES)
            return results["estimate"].between(low, high) & is_enough
        return _may_be_luck(results, low, high)
    if not is_full(study, results):
        covered = (results["coverage"] * results["n"]).round()
        return pd.Series(binom.cdf(covered, results["n"], CELL_COVERAGE) >= SMOKE_CHANCE, results.index)
    is_enough = results["n"] >= results["worlds"]
    is_narrow = results["width"] <= WIDEST * results["oracle_width"]
    return (results["coverage"] >= CELL_COVERAGE) & is_narrow & is_enough


def _may_be_luck(results, low, high):
    """Say where the mean of few worlds may lie beyond a bound by bad luck: by two standard errors.

    A share of the worlds is judged by its exact chance if the bound held: the standard error of a few equal worlds is 0.
    """
    error, mean, n = results["error"].fillna(0), results["estimate"], results["n"]
    is_share = np.isclose(error**2 * (n - 1), mean * (1 - mean), rtol=0, atol=1e-3)
    hits = (mean * n).round()
    chance = np.minimum(binom.cdf(hits, n, low.clip(0, 1)), binom.sf(hits - 1, n, high.clip(0, 1)))
    return mean.between(low - 2 * error, high + 2 * error).where(~is_share, chance >= SMOKE_CHANCE)


def passes(study, results):
    """Say whether a study passes: every cell that it names is there and does, and so, in full, does the mean coverage."""
    if study.bounds and set(study.bounds) != set(results["cell"]):
        return False
    is_mean_good = study.bounds or not is_full(study, results) or results["coverage"].mean() >= MEAN_COVERAGE
    return bool(is_mean_good and judge(study, results).all())


def is_full(study, results):
    """Say whether results come from a full run."""
    return bool((results["worlds"] >= study.worlds).all())
