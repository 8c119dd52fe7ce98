"""The results of full runs, kept as small tables in validation/results/: what docs/validation.md is composed from."""

from pathlib import Path

import pandas as pd

RESULTS = Path(__file__).parent / "results"


def keep(name, results):
    """Keep the results of one study, or of the talk; the same results give the same bytes."""
    RESULTS.mkdir(exist_ok=True)
    results.to_csv(RESULTS / f"{name}.csv", index=False, lineterminator="\n")


def read_kept(name):
    """Give what is kept under a name, or None."""
    path = RESULTS / f"{name}.csv"
    return pd.read_csv(path) if path.exists() else None
