"""Run studies: many worlds, one estimate each, and a verdict by gates that were fixed before."""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd
from rich.progress import track
from threadpoolctl import threadpool_limits

from csnb.stats import wilson_interval

REPLICATIONS, SMOKE_REPLICATIONS = 400, 80
CELL_COVERAGE, MEAN_COVERAGE = 0.92, 0.94
SMOKE_CELL_COVERAGE, SMOKE_MEAN_COVERAGE = 0.85, 0.89
WIDEST = 1.3
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


def worker_pool():
    """Give a pool with a process for each core; they start afresh, since forks and threads do not agree."""
    return ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"))


def run_study(study, replications=None, pool=None):
    """Run one study.

    Parameters
    ----------
    study : Study
    replications : int, worlds, or None for a full run; their seeds follow from the study's name alone
    pool : of `worker_pool`, or None to stay in this process

    Returns
    -------
    DataFrame, one row a cell: study, cell, n, truth, estimate, bias, coverage, coverage_low, coverage_high,
    width, oracle_width, passes. For figures `estimate` is the mean, `truth` is missing and coverage_low and
    coverage_high hold the bounds.
    """
    replications = replications or study.worlds
    first = crc32(study.name.encode()) % 10**6
    seeds = range(first, first + replications)
    replicate = partial(_rows, study.replicate)
    done = pool.map(replicate, seeds, chunksize=max(1, replications // 40)) if pool else map(replicate, seeds)
    rows = [row for found in track(done, description=study.name, total=replications) for row in found]
    frame = pd.DataFrame(rows)
    judge = partial(_judge_figure, bounds=study.bounds) if study.bounds else _judge_coverage
    is_smoke = replications < study.worlds
    cells = [judge(cell, group, is_smoke) for cell, group in frame.groupby("cell", sort=False)]
    return pd.DataFrame(cells).assign(study=study.name)


def _rows(replicate, seed):
    """Give what one world gave, as a list, on one core: the worlds share out the others."""
    with threadpool_limits(1):
        return list(replicate(seed))


def _judge_coverage(cell, group, is_smoke):
    """Sum up one cell of a coverage study."""
    group = group.dropna()
    covered = ((group["low"] <= group["truth"]) & (group["truth"] <= group["high"])).sum()
    low, high = wilson_interval(covered, len(group))
    oracle = 2 * Z * (group["estimate"] - group["truth"]).std()
    width = (group["high"] - group["low"]).mean()
    coverage = covered / len(group)
    return {
        "cell": cell,
        "n": len(group),
        "truth": group["truth"].mean(),
        "estimate": group["estimate"].mean(),
        "bias": (group["estimate"] - group["truth"]).mean(),
        "coverage": coverage,
        "coverage_low": low,
        "coverage_high": high,
        "width": width,
        "oracle_width": oracle,
        "passes": coverage >= SMOKE_CELL_COVERAGE
        if is_smoke
        else coverage >= CELL_COVERAGE and width <= WIDEST * oracle,
    }


def _judge_figure(cell, group, is_smoke, bounds):
    """Sum up one cell of a study of figures; with few worlds, as far as their number can tell."""
    low, high = bounds[cell]
    values = group["value"].dropna()
    slack = 2 * values.std() / np.sqrt(len(values)) if is_smoke else 0.0
    return {
        "cell": cell,
        "n": len(values),
        "estimate": values.mean(),
        "coverage_low": low,
        "coverage_high": high,
        "passes": low - slack <= values.mean() <= high + slack,
    }


def passes(results):
    """Say whether a study passes: every cell does, and so does the mean coverage."""
    least = MEAN_COVERAGE if results["n"].min() >= 0.9 * REPLICATIONS else SMOKE_MEAN_COVERAGE
    mean = results["coverage"].mean() if "coverage" in results else 1.0
    return bool(results["passes"].all() and mean >= least)
