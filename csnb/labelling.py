"""Labelling: which conversations people read and code.

Most of a draw is a random sample, stratified by shop and by the machine's score: only it may estimate a
share, and every session of it carries the probability with which it was drawn. The rest is chosen
because the machine is unsure, and not worded alike: it may train a model, never estimate. A stratum once made never changes;
later draws add to it, so that all draws together stay one random sample.

Every draw writes book/drawn/<number>.parquet, the population as it stands then (table `drawn`).
"""

import re

import numpy as np
import pandas as pd
import polars as pl

from csnb.book import write_parquet
from csnb.errors import ParameterError, one_of
from csnb.lookup import read_toml
from csnb.satisfaction import dissatisfied_sessions, suspected_sessions
from csnb.schema import conform
from csnb.shares import scored_sessions
from csnb.wordings import one_of_each_wording, read_wordings

POPULATIONS = {"dissatisfied": dissatisfied_sessions, "suspected": suspected_sessions}
SECOND = "second"
OTHER_SHOPS = "*"  # in the name of a stratum
_NAME = re.compile(r"[\w-]{1,40}")
_FRAME = ["session_key", "session_id", "stratum", "score", "use", "drawn_probability", "case", "coders"]


def sample_labels(book, sessions, n=200, seed=0, population="dissatisfied", coders=("analyst",)):
    """Draw conversations for people to label, and keep the draw in the book.

    Parameters
    ----------
    book : Book
    sessions : pandas.DataFrame of `select_sessions`: the period and shops to draw from
    n : int, conversations to label
    seed : int; the same seed, book and earlier draws give the same draw
    population : "dissatisfied" (rated so) or "suspected" (unrated, dissatisfied by the machine); the two
        are drawn and estimated apart
    coders : names of those who label. They share the draw; one in ten conversations goes to two of
        them, or to one named `second` where there is only one.

    Returns
    -------
    pandas.DataFrame
        The new cases, in the order to label them: `case, session_key, session_id, use, stratum,
        drawn_probability, coders` (a list). Fewer than `n` where the random part met conversations
        labelled before to learn from. Strata that reach beyond `sessions` are left alone.

    Raises
    ------
    ParameterError
        If `n` is not positive, a coder's name has signs other than letters, digits, - and _, or no
        conversation is left to draw.

    Examples
    --------
    >>> cases = sample_labels(book, book.sessions, n=200, coders=["anna", "ben"])  # doctest: +SKIP
    """
    one_of("population", population, POPULATIONS)
    coders = checked_coders(coders)
    if n < 1:
        raise ParameterError(f"n must be at least 1; got {n}")
    found = POPULATIONS[population](sessions)
    drawn = book.drawn
    earlier = drawn[drawn["population"] == population]
    if found["session_key"].isin(earlier.loc[earlier["use"].notna(), "session_key"]).all():
        what = "left to draw: all were drawn already" if len(found) else "in this period"
        raise ParameterError(
            f"there is no {population} conversation {what}; populations are: {', '.join(POPULATIONS)}"
        )
    number = len(list((book.path / "drawn").glob("*.parquet"))) + 1
    frame = draw_sample(
        describe_population(book, found, population), n, [seed, number], earlier, f"d{number}",
        read_settings(book.definitions_folder), read_wordings(book, found["session_key"]),
    )  # fmt: skip
    cases = _new_cases(frame, f"d{number}", coders, seed, book.definitions_folder)
    names = cases.set_index("session_key")
    frame = frame.assign(
        population=population,
        case=frame["case"].fillna(frame["session_key"].map(names["case"])),
        coders=frame["coders"].fillna(frame["session_key"].map(names["coders"].str.join(","))),
    )
    write_parquet(book.path / "drawn" / f"{number:04}.parquet", conform(pl.from_pandas(frame), "drawn"))
    return cases


def read_settings(folder=None):
    """Read `definitions/labelling.toml` as a dict."""
    return read_toml("labelling.toml", folder)


def describe_population(book, found, population):
    """Say of every conversation what the draw goes by.

    Parameters
    ----------
    book : Book
    found : pandas.DataFrame, the conversations: `book.sessions` or a part of it
    population : "dissatisfied" or "suspected"

    Returns
    -------
    pandas.DataFrame
        `session_key, session_id, shop`, `score` (the machine's probability of a controllable reason) and
        `disagreement` (0 to 1: how far the machine is from the rating, or the model from a measured fact).
    """
    keys, labels = found["session_key"], book.labels
    scored = scored_sessions(found, labels, book.drawn, book.definitions_folder, book.chances)
    facts = labels[labels["coder"] == "rules"].merge(
        labels.loc[labels["coder"] != "rules", ["session_key", "code"]], how="left", indicator=True
    )
    left_out = facts[facts["_merge"] == "left_only"].groupby("session_key")["p"].max()
    apart = 1 - found["p_dissatisfied"].fillna(0) if population == "dissatisfied" else 0.0
    return pd.DataFrame(
        {
            "session_key": keys,
            "session_id": found["session_id"],
            "shop": found["shop"].fillna("-").astype(str),
            "score": scored["p_controllable"],
            "disagreement": np.maximum(keys.map(left_out).fillna(0.0), apart),
        }
    ).reset_index(drop=True)


def draw_sample(population, n, seed, earlier, name, settings, said=None):
    """Draw from a population, adding to what was drawn earlier. Pure.

    Parameters
    ----------
    population : pandas.DataFrame of `describe_population`
    n : int
    seed : int or list of int
    earlier : pandas.DataFrame, rows of table `drawn` of the same population
    name : str, of the draw; begins the names of its strata
    settings : dict of `read_settings`
    said : pandas.Series of `csnb.wordings.read_wordings`, or None: what is chosen to learn from then may be worded alike

    Returns
    -------
    pandas.DataFrame
        All of `earlier` and all of `population`: `session_key, session_id, stratum, score, use,
        drawn_probability, case, coders`; `case` and `coders` are missing for what this draw brings.

    Source
    ------
    Allocation: Neyman (1934), by Wright (2012), The American Statistician 66:217-224.
    """
    rng = np.random.default_rng(seed)
    population = population.sort_values("session_key", ignore_index=True)
    fresh = population[~population["session_key"].isin(earlier["session_key"])]
    n_random = n if n >= len(population) else round(n * settings["estimate_share"])
    fresh = fresh.assign(stratum=_strata(fresh, name, n_random, settings))
    frame = pd.concat([earlier, fresh], ignore_index=True).reindex(columns=_FRAME)
    inside = frame["session_key"].isin(population["session_key"])
    is_open = inside.groupby(frame["stratum"]).transform("all")
    frame["use"] = _drawn_at_random(frame, is_open, n_random, rng, settings)
    share = (frame["use"] == "estimate").groupby(frame["stratum"]).transform("mean")
    frame["drawn_probability"] = share.where(frame["use"] == "estimate")
    left = frame[inside & frame["use"].isna()].merge(
        population[["session_key", "disagreement"]], on="session_key"
    )
    chosen = _unsure(left, max(0, n - n_random), rng, said, settings["choose_from"])
    frame.loc[frame["session_key"].isin(chosen), "use"] = "train"
    return frame


def _strata(fresh, name, n, settings):
    """Give new sessions their stratum: the shop where there is room for it, and the band of the score."""
    room = max(1, n // settings["floor"])
    shops = fresh["shop"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    kept = max(1, room // settings["bands"])
    named = shops.index if len(shops) <= kept else shops.index[: kept - 1]
    group = fresh["shop"].where(fresh["shop"].isin(named), OTHER_SHOPS)
    bands = max(1, min(settings["bands"], room // group.nunique() if len(group) else 1))
    below = fresh.groupby(group)["score"].rank(method="min").astype(int) - 1  # equal scores share a band
    size = group.groupby(group).transform("size")
    band = below * np.clip(size // settings["smallest_stratum"], 1, bands) // size + 1
    return name + "/" + group + "/" + band.astype(str)


def _drawn_at_random(frame, is_open, n, rng, settings):
    """Add n sessions to the random sample, stratum by stratum."""
    use = frame["use"].astype(object).copy()
    open_rows = frame[is_open]
    if open_rows.empty:
        return use
    cells = open_rows.assign(
        taken=open_rows["use"] == "estimate", spread=open_rows["score"] * (1 - open_rows["score"])
    )
    cells = cells.groupby("stratum").agg(
        size=("score", "size"), taken=("taken", "sum"), spread=("spread", "mean")
    )
    spread = np.maximum(np.sqrt(cells["spread"]), settings["least_spread"])
    wanted = allocate(cells["size"], spread, n, cells["taken"], settings["floor"])
    for stratum, count in zip(cells.index, wanted - cells["taken"], strict=True):
        free = frame.index[(frame["stratum"] == stratum) & (use != "estimate")]
        use[rng.choice(free, count, replace=False)] = "estimate"
    return use


def allocate(sizes, spreads, n, taken=0, floor=0):
    """Say how many labels each stratum has after n more: in proportion to size x spread (Neyman).

    Parameters
    ----------
    sizes : array of int, sessions in each stratum
    spreads : array of float, standard deviation of what is estimated in each stratum
    n : int, labels to add
    taken : int or array of int, labels already there
    floor : int, labels that every stratum gets first, as far as it has as many and n allows

    Returns
    -------
    array of int, never above `sizes`; it adds up to sum(taken) + n, or to all there is

    Source
    ------
    Wright (2012), The American Statistician 66:217-224: the next label goes where size x spread over
    sqrt(k (k + 1)) is largest, which gives the optimal whole numbers.

    Examples
    --------
    >>> allocate([500, 500], [0.5, 0.1], 60).tolist()
    [50, 10]
    """
    sizes, spreads = np.asarray(sizes, int), np.asarray(spreads, float)
    counts = np.broadcast_to(np.asarray(taken, int), sizes.shape).copy()
    total = min(counts.sum() + n, sizes.sum())
    wanting = np.maximum(np.minimum(floor, sizes) - counts, 0)
    if wanting.sum() > n:
        wanting = np.minimum(wanting, n // len(sizes))
    counts += wanting
    while counts.sum() < total:
        gain = np.where(counts < sizes, sizes * spreads / np.sqrt(counts * (counts + 1) + 1e-9), -1.0)
        counts[gain.argmax()] += 1
    return counts


def _unsure(left, n, rng, said, pool):
    """Choose n sessions to learn from: half near an even score, half with much disagreement, no two worded alike."""
    left = left.assign(margin=(left["score"] - 0.5).abs(), lot=rng.permutation(len(left)))
    by_margin = left.sort_values(["margin", "lot"])["session_key"].to_list()
    at_odds = left[left["disagreement"] > 0].sort_values(["disagreement", "lot"], ascending=[False, True])
    said = pd.Series(dtype=str) if said is None else said
    first = one_of_each_wording(at_odds["session_key"].to_list(), said, n // 2, pool)
    others = [key for key in by_margin if key not in set(first)]
    return [*first, *one_of_each_wording(others, said, n - len(first), pool)]


def _new_cases(frame, name, coders, seed, folder):
    """Give what a draw brings a case number in random order, and its coders."""
    settings, rng = read_settings(folder), np.random.default_rng([seed, 1])
    new = frame[frame["use"].notna() & frame["case"].isna()].sort_values("session_key")
    new = new.iloc[rng.permutation(len(new))].reset_index(drop=True)
    twice = min(round(len(new) * settings["twice_share"]), int((new["use"] == "estimate").sum()))
    doubled = set(rng.choice(np.flatnonzero(new["use"] == "estimate"), twice, replace=False).tolist())
    return new.assign(
        case=[f"{name}-{place:03}" for place in range(1, len(new) + 1)],
        coders=[_coders_of(place, place in doubled, coders) for place in range(len(new))],
    )[["case", "session_key", "session_id", "use", "stratum", "drawn_probability", "coders"]]


def _coders_of(place, is_twice, coders):
    """Say who codes a case: the coders in turn, a doubled case two of them."""
    ring = [*coders, SECOND] if len(coders) == 1 else coders
    first = place % len(coders)
    return [ring[first], ring[(first + 1) % len(ring)]] if is_twice else [ring[first]]


def checked_coders(coders):
    """Give names of coders without blanks around them.

    Raises
    ------
    ParameterError
        If a name cannot name a file, or stands twice.
    """
    coders = [coder.strip() for coder in coders]
    for coder in coders:
        if not _NAME.fullmatch(coder):
            raise ParameterError(f"a coder's name has letters, digits, - and _ only; got: {coder!r}")
    if len(set(coders)) < len(coders):
        raise ParameterError(f"every coder is named once; got: {', '.join(coders)}")
    return coders
