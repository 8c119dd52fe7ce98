"""The results of full runs, kept as small tables in validation/results/: what docs/validation.md is composed from."""

from pathlib import Path

import numpy as np
import pandas as pd

RESULTS = Path(__file__).parent / "results"
SAME = 2e-5


def keep(name, results):
    """Keep the results of one study, or of the talk; the same results give the same bytes."""
    RESULTS.mkdir(exist_ok=True)
    results.to_csv(RESULTS / f"{name}.csv", index=False, lineterminator="\n")


def read_kept(name):
    """Give what is kept under a name, or None."""
    path = RESULTS / f"{name}.csv"
    return pd.read_csv(path) if path.exists() else None


def is_stale(name, smoke_run):
    """Say whether what is kept came from other code: its first worlds do not give what a smoke run gives now."""
    kept = read_kept(name)
    if kept is None:
        return False
    now = smoke_run.set_index("cell")["start"]
    before = kept.set_index("cell").reindex(index=now.index, columns=["start"])["start"]
    return not np.allclose(now, before, rtol=0, atol=SAME)
