"""Audit: how far coders agree with each other, and how far the machine agrees with them.

Only answers on conversations drawn at random count here, each with the weight of its stratum; answers
given to learn from would flatter or slander the machine.
"""

import numpy as np
import pandas as pd
from scipy import stats as distributions

from csnb.human import FINAL, read_answers, settled_values
from csnb.measures import SMALLEST_GROUP
from csnb.metrics import counts_for_ratings
from csnb.reasons import read_reasons
from csnb.schema import RESULT_FIGURES
from csnb.stats import (
    adjust_pvalues,
    agreement_interval,
    cohen_kappa,
    gwet_ac1,
    krippendorff_alpha,
    wilson_interval,
)
from csnb.strings import text

ENOUGH = 15  # conversations that a precision or a recall must stand on
NOT_ENOUGH = "fewer than 15"
_SURE = 0.9
_BY_DESIGN = (
    "recall",
    "dissatisfied",
    "suspected",
)  # who is suspected is what the machine calls dissatisfied


def select_labels(book, sessions):
    """Give what people answered on the counted sessions of a report.

    Parameters
    ----------
    book : Book
    sessions : pandas.DataFrame of `select_sessions`

    Returns
    -------
    pandas.DataFrame, rows of table `human_labels`

    Examples
    --------
    >>> len(select_labels(book, book.sessions))   # nobody has labelled yet
    0
    """
    human = book.human_labels.drop_duplicates(["session_key", "coder", "code"], keep="last")
    counted = counts_for_ratings(sessions)
    return human[human["session_key"].isin(sessions.loc[counted, "session_key"])]


def machine_labels(book):
    """Give the codes of every machine that coded the book: measured facts, model, and the user's language model.

    Parameters
    ----------
    book : Book

    Returns
    -------
    pandas.DataFrame, rows of table `labels`; `coder` tells them apart

    Examples
    --------
    >>> sorted(machine_labels(book)["coder"].unique())
    ['model', 'rules']
    """
    return pd.concat([book.labels, book.llm_labels], ignore_index=True)


# ---- coders among themselves


def measure_agreement(human, confidence=0.95, seed=0, codes=None):
    """Measure how far two coders of the same conversation agree.

    Parameters
    ----------
    human : pandas.DataFrame of `select_labels`
    confidence : float
    seed : int, of the bootstrap
    codes : list of str, or None for all: only these

    Returns
    -------
    pandas.DataFrame
        Table `results` with the metrics `alpha`, `ac1` and `kappa` by `code`: `dissatisfied`, `side`,
        `primary`, then every reason that anybody gave, those with a value first. n counts conversations coded by two or more,
        settled answers aside. Suppressed below five; missing for a reason given on fewer than five of them.

    Examples
    --------
    >>> import csnb
    >>> human = csnb.select_labels(book, book.sessions)
    >>> int(csnb.measure_agreement(human)["n"].max())   # nobody has labelled yet
    0
    """
    rows = []
    tables = _code_tables(human[human["coder"] != FINAL])
    for code, table in tables.items() if codes is None else ((code, tables[code]) for code in codes):
        twice = table[table.notna().sum(axis=1) > 1].to_numpy(object)
        given = sum(any(row == 1) for row in twice) if code in _side_of() else len(twice)
        for metric, measure in (("alpha", krippendorff_alpha), ("ac1", gwet_ac1), ("kappa", _kappa_of_pairs)):
            found = _agreement(measure, twice, given, confidence, seed)
            rows.append({"metric": metric, "code": code, "n": len(twice), **found})
    table = results_of(rows, ["code"])
    return table.sort_values("value", key=pd.isna, kind="stable", ignore_index=True)


def _agreement(measure, codes, given, confidence, seed):
    """Give one measure of agreement with its interval."""
    if not len(codes):
        return no_value("number", "nothing coded twice")
    if min(len(codes), given) < SMALLEST_GROUP:
        return no_value("number", "suppressed" if len(codes) < SMALLEST_GROUP else "given too rarely")
    low, high = agreement_interval(measure, codes, confidence, seed)
    method = "bootstrap of conversations"
    return {"value": measure(codes), "low": low, "high": high, "unit": "number", "method": method}


def _kappa_of_pairs(codes):
    """Give kappa of the first two coders of each conversation."""
    first = [[code for code in row if not pd.isna(code)][:2] for row in codes]
    return cohen_kappa(*np.array(first, dtype=object).T)


def _code_tables(coded):
    """Give, for every question, the answers as a table of conversations x coders."""
    who = ["session_key", "coder"]
    tables = {code: rows.set_index(who)["holds"] for code, rows in coded.groupby("code", sort=False)}
    asked = tables.pop("dissatisfied", coded.set_index(who)["holds"])
    held = coded[coded["holds"] & (coded["code"] != "dissatisfied")]
    side = held["code"].map(_side_of()).groupby([held[name] for name in who]).agg(_join_sides)
    primary = held[held["is_primary"]].set_index(who)["code"]
    whole = {
        name: found.reindex(asked.index).fillna("none")
        for name, found in (("side", side), ("primary", primary))
    }
    tables = {
        "dissatisfied": asked,
        **whole,
        **{code: tables[code] for code in _side_of() if code in tables and tables[code].any()},
    }
    return {code: answers.astype(object).unstack("coder") for code, answers in tables.items()}


def _side_of():
    """Give the side of every code, in the order of the guide."""
    return dict(read_reasons().select("code", "side").iter_rows())


def _join_sides(sides):
    """Give the side of a conversation from those of its reasons."""
    found = set(sides)
    return "mixed" if {"controllable", "uncontrollable"} <= found else found.pop()


# ---- the machine against people


def settle_answers(human):
    """Give every conversation drawn at random one answer a code.

    Parameters
    ----------
    human : pandas.DataFrame of `select_labels`

    Returns
    -------
    pandas.DataFrame
        `session_key, population, weight` (1 over the probability of being drawn), `code`, and `holds`: the
        settled answer, else the mean of the coders, so that two who differ count half each.
    """
    drawn = human[(human["use"] == "estimate") & human["drawn_probability"].notna()]
    final = drawn[drawn["coder"] == FINAL]
    counted = pd.concat([final, drawn[~drawn["session_key"].isin(final["session_key"])]])
    keys = ["session_key", "population", "code"]
    settled = (
        counted.assign(holds=counted["holds"].astype(float))
        .groupby(keys, sort=False, as_index=False)
        .agg(holds=("holds", "mean"), p=("drawn_probability", "first"))
    )
    return settled.assign(weight=1 / settled["p"])[["session_key", "population", "weight", "code", "holds"]]


def measure_accuracy(human, machine, confidence=0.95, rules=None):
    """Measure precision and recall of every machine's codes against what people say.

    Parameters
    ----------
    human : pandas.DataFrame of `select_labels`
    machine : pandas.DataFrame of `machine_labels`
    confidence : float
    rules : pandas.DataFrame of `rule_labels`, what the text rules alone say, or None

    Returns
    -------
    pandas.DataFrame
        Table `results` with `precision` (of what the machine codes, how much people code) and `recall` (of
        what people code, how much the machine codes) by `population, coder, code`. n is the number of
        conversations it stands on: coded by the machine, or by people; below 15 there is no value, and
        the method says so. Codes that a machine never gives are left out; those with a value come first, all judges of a code together.
        Conversations weigh as their stratum does; Wilson interval on the effective number (Kish).

    Examples
    --------
    >>> import csnb
    >>> human = csnb.select_labels(book, book.sessions)
    >>> list(csnb.measure_accuracy(human, csnb.machine_labels(book)))[:5]
    ['metric', 'population', 'coder', 'code', 'n']
    """
    settled = settle_answers(human)
    said = pd.concat(
        [table[["session_key", "coder", "code", "p"]] for table in (machine, rules) if table is not None]
    )
    said = said[(said["code"] != "dissatisfied") | (said["p"] >= 0.5)]
    said = said[["session_key", "coder", "code"]].drop_duplicates().assign(said=1.0)
    rows = []
    for coder in sorted(said["coder"].unique()):
        both = settled.merge(said[said["coder"] == coder], on=["session_key", "code"], how="left")
        both["said"] = both["said"].fillna(0.0)
        for (population, code), own in both.groupby(["population", "code"]):
            for metric, of, among in (("precision", "holds", "said"), ("recall", "said", "holds")):
                if own["said"].any() and (metric, code, population) != _BY_DESIGN:
                    share = _weighted_share(own[of], own["weight"] * own[among], confidence)
                    rows.append(
                        {"metric": metric, "population": population, "coder": coder, "code": code, **share}
                    )
    table = results_of(rows, ["population", "coder", "code"])
    place = {code: place for place, code in enumerate(["dissatisfied", *_side_of()])}
    ranked = table.assign(is_missing=table["value"].isna(), place=table["code"].map(place))
    order = ["population", "is_missing", "place", "metric", "coder"]
    return ranked.sort_values(order, ignore_index=True).drop(columns=["is_missing", "place"])


def _weighted_share(hits, weights, confidence):
    """Give a weighted share with Wilson's interval on the effective number of conversations."""
    n = int((weights > 0).sum())
    if n < ENOUGH:
        return {"n": n, **no_value("rate", NOT_ENOUGH)}
    value = float(np.average(hits, weights=weights))
    effective = weights.sum() ** 2 / (weights**2).sum()
    low, high = wilson_interval(value * effective, effective, confidence)
    return {"n": n, "value": value, "low": low, "high": high, "unit": "rate", "method": "wilson, weighted"}


def measure_drift(human, scored, confidence=0.95):
    """Measure, week by week, how far people and machine are apart: does the machine still fit what is said?

    Parameters
    ----------
    human : pandas.DataFrame of `select_labels`
    scored : pandas.DataFrame of `scored_sessions`, with `week`
    confidence : float

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `machine_gap` by `side` (controllable, uncontrollable) and `week`: the
        share of conversations with such a reason by people minus that by the machine, in points, and
        `p_adjusted`: is this week's gap another than that of the weeks before (Welch, Benjamini-Hochberg);
        missing for the first week.
        The share itself is not hurt by a gap, which the labels correct; its interval is.

    Examples
    --------
    >>> import csnb
    >>> bad = csnb.dissatisfied_sessions(csnb.select_sessions(book))
    >>> scored = csnb.scored_sessions(bad, book.labels, book.drawn)
    >>> human = csnb.select_labels(book, bad)
    >>> list(csnb.measure_drift(human, scored))[:4]
    ['metric', 'side', 'week', 'n']
    """
    rows = []
    for side, own in _gaps(human, scored[scored["week"].notna()]):
        rows += _weekly(
            side,
            own["week"].astype(str).to_numpy(),
            own["gap"].to_numpy(),
            own["weight"].to_numpy(),
            confidence,
        )
    table = results_of(rows, ["side", "week"], "p_value")
    return table.assign(p_adjusted=adjust_pvalues(table["p_value"].to_numpy(float))).drop(columns="p_value")


def measure_gap(human, scored, confidence=0.95):
    """Measure how far people and machine are apart over all: what the machine alone would get wrong.

    Parameters
    ----------
    human : pandas.DataFrame of `select_labels`
    scored : pandas.DataFrame of `scored_sessions`
    confidence : float

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `machine_gap` by `side`, as in `measure_drift`; no rows without labels, suppressed below 5.

    Examples
    --------
    >>> import csnb
    >>> bad = csnb.dissatisfied_sessions(csnb.select_sessions(book))
    >>> csnb.measure_gap(csnb.select_labels(book, bad), csnb.scored_sessions(bad, book.labels, book.drawn)).empty
    True
    """
    rows = []
    for side, own in _gaps(human, scored):
        mean, error, n = _weighted_mean(own["gap"].to_numpy(), own["weight"].to_numpy())
        half = distributions.t.ppf((1 + confidence) / 2, n - 1) * error if n >= SMALLEST_GROUP else np.nan
        cells = {
            "value": mean,
            "low": mean - half,
            "high": mean + half,
            "unit": "points",
            "method": "weighted mean, t",
        }
        cells = cells if n >= SMALLEST_GROUP else no_value("points", "suppressed")
        rows.append({"metric": "machine_gap", "side": side, "n": n, **cells})
    return results_of(rows, ["side"])


def _gaps(human, scored):
    """Give for each side the labelled conversations with `gap`, people minus machine, and `weight`; nothing without labels."""
    if not (human["use"] == "estimate").any():
        return
    answers = settled_values(read_answers(human))
    weight = settle_answers(human).drop_duplicates("session_key").set_index("session_key")["weight"]
    own = scored[scored["session_key"].isin(answers.index)]
    people = answers.loc[own["session_key"]].set_axis(own.index)
    inside = {"controllable": people["any"], "uncontrollable": people["uncontrollable"] + people["mixed"]}
    for side, holds in inside.items():
        yield (
            side,
            own.assign(gap=holds - own[f"p_{side}"].astype(float), weight=own["session_key"].map(weight)),
        )


def _weekly(side, week, gap, weight, confidence):
    """Give one row a week: the mean gap, its interval, and whether it differs from the weeks before."""
    for name in sorted(set(week)):
        (mean, error, n), (before, its_error, its_n) = (
            _weighted_mean(gap[rows], weight[rows]) for rows in (week == name, week < name)
        )
        row = {"metric": "machine_gap", "side": side, "week": name, "n": n}
        if n < SMALLEST_GROUP:
            yield {**row, **no_value("points", "suppressed"), "p_value": np.nan}
            continue
        half = distributions.t.ppf((1 + confidence) / 2, n - 1) * error
        spread = np.hypot(error, its_error)
        is_comparable = its_n >= SMALLEST_GROUP and spread > 0
        p_value = 2 * distributions.t.sf(abs(mean - before) / spread, n - 1) if is_comparable else np.nan
        yield {
            **row, "value": mean, "low": mean - half, "high": mean + half, "unit": "points",
            "method": "weighted mean, t", "p_value": p_value,
        }  # fmt: skip


def _weighted_mean(values, weight):
    """Give a weighted mean, its standard error (linearised), and the number of values."""
    n = len(values)
    if n < 2:
        return np.nan, np.nan, n
    mean = np.average(values, weights=weight)
    return mean, float(np.sqrt(n / (n - 1) * ((weight * (values - mean)) ** 2).sum()) / weight.sum()), n


# ---- cases to talk about


def list_disputes(human, machine, audience="analyst"):
    """List what to talk about: codes on which coders differ, and those on which a sure machine is contradicted.

    Parameters
    ----------
    human : pandas.DataFrame of `select_labels`
    machine : pandas.DataFrame of `machine_labels`
    audience : "analyst", "lead" or "leadership"; only analysts see coders' names and notes

    Returns
    -------
    pandas.DataFrame
        One row a session and code: `session_id, dispute` (coders or machine), `code`, `yes` and `no` (who
        says so; how many, where names are not shown), `p` of the machine (missing where it says nothing),
        `number` and `quote` of the evidence, `note`. Settled disputes are left out.

    Examples
    --------
    >>> import csnb
    >>> human = csnb.select_labels(book, book.sessions)
    >>> len(csnb.list_disputes(human, csnb.machine_labels(book)))
    0
    """
    final = human.loc[human["coder"] == FINAL, "session_key"]
    keys, names = ["session_key", "code"], ["number", "quote"]
    by_code = human[~human["session_key"].isin(final)].groupby(keys)
    answers = by_code.agg(
        session_id=("session_id", "first"), holds=("holds", "mean"), note=("note", _joined),
        number=("number", "first"), quote=("quote", "first"),
    )  # fmt: skip
    surest = machine.sort_values("p", ascending=False, kind="stable").drop_duplicates(keys)
    surest = surest.set_index(keys).reindex(answers.index)
    answers["p"] = surest["p"]
    for name in names:
        answers[name] = answers[name].where(answers["holds"] > 0, surest[name])
    for word, holds in (("yes", True), ("no", False)):
        who = human[(human["holds"] == holds)].groupby(keys)["coder"]
        answers[word] = who.agg(_joined) if audience == "analyst" else who.nunique().astype("Int64")
    differ = answers["holds"].between(0, 1, inclusive="neither")
    contradicted = (answers["holds"] == 0) & (answers["p"] >= _SURE)
    found = pd.concat(
        [answers[differ].assign(dispute="coders"), answers[contradicted].assign(dispute="machine")]
    )
    shown = found if audience == "analyst" else found.assign(note=None)
    columns = ["session_id", "dispute", "code", "yes", "no", "p", "number", "quote", "note"]
    in_order = shown.reset_index().sort_values(["dispute", "session_id", "code"], ignore_index=True)
    return in_order[columns].astype({"number": "Int64"})


def _joined(words):
    """Join the different words of a group."""
    known = list(dict.fromkeys(words.dropna()))
    return text("word.list_separator").join(known) if known else None


# ---- shape


def no_value(unit, method):
    """Give the cells of a row of results that has no value, and why."""
    return {"value": np.nan, "low": np.nan, "high": np.nan, "unit": unit, "method": method}


def results_of(rows, by, *more):
    """Give rows the shape of results."""
    table = pd.DataFrame(rows, columns=["metric", *by, *RESULT_FIGURES, *more]).assign(rulepack="")
    return table.astype({"n": "int64", "value": float, "low": float, "high": float})
