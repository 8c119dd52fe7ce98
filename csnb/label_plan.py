"""What to label next: what a draw brings, how many labels there are, how much more would help, and where they would be drawn."""

import math

import numpy as np
import pandas as pd
from scipy import stats as distributions

from csnb.answers import read_cases
from csnb.audit import results_of
from csnb.human import FINAL
from csnb.labelling import OTHER_SHOPS, POPULATIONS, describe_population, draw_sample, read_settings
from csnb.learning import LEAST_SESSIONS
from csnb.measures import SMALLEST_GROUP
from csnb.shares import measure_controllable
from csnb.strings import text

_STRATA = ["shop", "band", "p_controllable", "session_count", "drawn_count", "next_count"]


def plan_margins(scored, human, confidence=0.95, steps=(0, 50, 100, 200, 400)):
    """Say how narrow the controllable share becomes with more labels.

    Parameters
    ----------
    scored : pandas.DataFrame of `scored_sessions`
    human : pandas.DataFrame of `select_labels`
    confidence : float
    steps : labels to add

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `share_margin` by `more_count`: half the width of the interval, in points,
        with n labels in all. The interval is taken to shrink with the root of the labels, up to none where
        all is labelled; below five labels it is planned for the widest possible. Steps beyond the number of
        conversations are left out.

    Examples
    --------
    >>> import csnb
    >>> bad = csnb.dissatisfied_sessions(csnb.select_sessions(book))
    >>> scored = csnb.scored_sessions(bad, book.labels, book.drawn)
    >>> human = csnb.select_labels(book, bad)
    >>> csnb.plan_margins(scored, human)[["more_count", "n"]].values.tolist()
    [[0, 0]]
    """
    size = len(scored)
    row = measure_controllable(scored, human, confidence=confidence).iloc[0]
    n = int(row["n"])
    z = distributions.norm.ppf((1 + confidence) / 2)
    is_known = n >= SMALLEST_GROUP and pd.notna(row["value"]) and row["high"] > row["low"] and n < size
    single = ((row["high"] - row["low"]) / 2) ** 2 / (1 / n - 1 / size) if is_known else z**2 / 4
    rows = []
    for more in [step for step in steps if n + step <= size]:
        labels = n + more
        margin = float(np.sqrt(single * (1 / labels - 1 / size))) if labels else np.nan
        method = "measured" if more == 0 and is_known else "projected"
        rows.append({"metric": "share_margin", "more_count": more, "n": labels, "value": margin, "low": np.nan,
                     "high": np.nan, "unit": "points", "method": method})  # fmt: skip
    return results_of(rows, ["more_count"])


def plan_strata(book, sessions, n=100, seed=0, population="dissatisfied"):
    """Say where `csnb label sample` would draw the next labels, without drawing them.

    Parameters
    ----------
    book : Book
    sessions : pandas.DataFrame of `select_sessions`
    n : int, conversations to draw
    seed : int
    population : "dissatisfied" or "suspected"

    Returns
    -------
    pandas.DataFrame
        One row a stratum that has conversations of the period: `shop`, `band` (of the machine's score, 1
        lowest), `p_controllable` (its mean), `session_count, drawn_count` (so far, at random) and
        `next_count`. The most to draw first.

    Examples
    --------
    >>> import csnb
    >>> csnb.plan_strata(book, csnb.select_sessions(book), n=2)[["band", "session_count", "next_count"]].values.tolist()
    [[1, 3, 2]]
    """
    found, drawn = POPULATIONS[population](sessions), book.drawn
    earlier = drawn[drawn["population"] == population]
    described = describe_population(book, found, population)
    frame = draw_sample(described, n, seed, earlier, "new", read_settings(book.definitions_folder))
    before = frame["session_key"].isin(earlier.loc[earlier["use"] == "estimate", "session_key"])
    frame = frame.assign(before=before, comes=(frame["use"] == "estimate") & ~before)
    table = (
        frame[frame["session_key"].isin(found["session_key"])]
        .groupby("stratum", as_index=False)
        .agg(session_count=("before", "size"), drawn_count=("before", "sum"), next_count=("comes", "sum"),
             p_controllable=("score", "mean"))
        .sort_values(["next_count", "stratum"], ascending=[False, True], ignore_index=True)
    )  # fmt: skip
    parts = table["stratum"].str.extract(r"^[^/]*/(?P<shop>.*)/(?P<band>\d+)$")
    shop = parts["shop"].mask(parts["shop"] == OTHER_SHOPS, text("label.other_shops"))
    return table.assign(shop=shop, band=parts["band"].astype("Int64"))[_STRATA]


def describe_draw(cases, before, after, human, settings):
    """Say what a draw brings, what it takes away, and whether there is enough to train on.

    Parameters
    ----------
    cases : pandas.DataFrame of `sample_labels`
    before, after : pandas.DataFrame, `book.drawn` before the draw and after it
    human : pandas.DataFrame, `book.human_labels`
    settings : dict of `read_settings`

    Returns
    -------
    list of str, one sentence a line

    Examples
    --------
    >>> describe_draw(cases, before, book.drawn, book.human_labels, read_settings())  # doctest: +SKIP
    """
    uses = cases["use"].value_counts()
    said = [f"{len(cases)} drawn: {uses.get('estimate', 0)} at random, {uses.get('train', 0)} to learn from"]
    at_random = after.loc[after["use"] == "estimate", "session_key"]
    moved = before.loc[(before["use"] == "train") & before["session_key"].isin(at_random), "session_key"]
    if len(moved):
        done = moved.isin(human["session_key"]).sum()
        said.append(
            f"{len(moved)} drawn earlier to learn from ({done} of them labelled) met chance as well: they now count "
            "for shares, need no second answer, and teach no longer"
        )
    lessons = set(after.loc[after["use"] == "train", "session_key"]) | set(
        human.loc[~human["session_key"].isin(at_random), "session_key"]
    )
    if len(lessons) < LEAST_SESSIONS:
        more = math.ceil((LEAST_SESSIONS - len(lessons)) / (1 - settings["estimate_share"]))
        said.append(
            f"too few to train on: `csnb label train` needs {LEAST_SESSIONS} to learn from and all draws have {len(lessons)}; "
            f"draw about {more} more, or label any others in the labeller"
        )
    return said


def count_labels(book, human):
    """Count what was drawn and what was answered.

    Parameters
    ----------
    book : Book
    human : pandas.DataFrame of `select_labels`

    Returns
    -------
    pandas.DataFrame
        One row a population and use: `population, use, drawn_count, labelled_count, twice_count` (answered
        by two coders or more), all in conversations.

    Examples
    --------
    >>> import csnb
    >>> human = csnb.select_labels(book, book.sessions)
    >>> list(csnb.count_labels(book, human))
    ['population', 'use', 'drawn_count', 'labelled_count', 'twice_count']
    """
    cases = read_cases(book)
    coders = human[human["coder"] != FINAL].groupby("case")["coder"].nunique()
    cases = cases.assign(
        labelled=cases["case"].isin(human["case"]), twice=cases["case"].map(coders).fillna(0) > 1
    )
    return cases.groupby(["population", "use"], as_index=False).agg(
        drawn_count=("case", "size"), labelled_count=("labelled", "sum"), twice_count=("twice", "sum")
    )
