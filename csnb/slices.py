"""Slices: the columns that sessions are grouped by beyond those of the export."""

from itertools import pairwise

import numpy as np
import pandas as pd

from csnb.lookup import line_of, read_toml, wrong


def add_slices(sessions, folder=None):
    """Add the slices of slices.toml and of the clock.

    Parameters
    ----------
    sessions : pandas.DataFrame with `started_at` and the columns named in slices.toml
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        A new frame with `week` (ISO, such as 2026-W47), `weekday` (1 Monday to 7 Sunday), `hour`
        (0 to 23) of the start, and one ordered category a band, such as "30–60" or "600+"; bands may be of these
        too. All are missing where their source is.

    Raises
    ------
    DefinitionError
        If a band names an unknown column or its edges do not rise.
    """
    start = sessions["started_at"]
    iso = start.dt.isocalendar()
    week = iso["year"].astype("string") + "-W" + iso["week"].astype("string").str.zfill(2)
    timed = sessions.assign(week=week, weekday=iso["day"].astype("Int64"), hour=start.dt.hour.astype("Int64"))
    bands = read_toml("slices.toml", folder).items()
    return timed.assign(**{name: _band(timed, name, band, folder) for name, band in bands})


def _band(sessions, name, band, folder):
    """Cut one column into an ordered category."""
    edges = band["edges"]
    if band["of"] not in sessions:
        raise wrong(
            "slices.toml", line_of("slices.toml", name, folder), name, f"there is no column {band['of']!r}"
        )
    if edges != sorted(set(edges)):
        raise wrong(
            "slices.toml", line_of("slices.toml", name, folder), name, f"edges must rise; found {edges}"
        )
    labels = [f"{low}–{high}" for low, high in pairwise(edges)] + [f"{edges[-1]}+"]
    return pd.cut(sessions[band["of"]].astype(float), [*edges, np.inf], right=False, labels=labels)
