"""Numbers of other programs that stand beside the repository, where they do."""

import json
from pathlib import Path

import pandas as pd
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "reference"


def reference(name):
    """Read one reference file, a table or a dict; skip the test where the folder is absent."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"no reference numbers: {path} is not here")
    return pd.read_csv(path) if path.suffix == ".csv" else json.loads(path.read_text("utf-8"))
