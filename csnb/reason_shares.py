"""Shares by reason and who answers for it, from a labelled sample; without labels, what the machine counts.

Each share is estimated by itself, and leans on the machine as far as this one reason bears; a conversation may
have several reasons, so they do not add up.
"""

import numpy as np
import pandas as pd

from csnb.bounds import UNVERIFIED
from csnb.casemix import read_people
from csnb.human import FINAL, corrected_values
from csnb.measures import SMALLEST_GROUP
from csnb.owners import assign_owners, coded_owners, estimate_shares
from csnb.reasons import read_reasons
from csnb.satisfaction import BY_MACHINE
from csnb.schema import RESULT_FIGURES
from csnb.shares import CORRECTED, TWO_PHASE
from csnb.two_phase import lean_on_machine, share_intervals

_RESULTS = [*RESULT_FIGURES, "sessions", "coded_count"]


def measure_reasons(scored, machine, human=None, confidence=0.95, folder=None, chances=None):
    """Measure in which share of dissatisfied conversations each reason holds, and who answers for it.

    Parameters
    ----------
    scored : pandas.DataFrame of `scored_sessions`
    machine : pandas.DataFrame, `book.labels`
    human : pandas.DataFrame, table `human_labels`, or None; answers with `use` train are not counted
    confidence : float
    folder : path of the user's own definitions folder, or None
    chances : pandas.DataFrame, table `chances`, or None, as in `csnb.measure_owners`

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `reason_share`, by `reason, owner, side`, the largest first, plus `sessions`, the
        conversations that the share is about, and `coded_count`, in how many of them the machine codes it; n is the
        number that people labelled. Without labels there is neither value nor interval, and the method is
        `unverified`; below 5 labels it is suppressed. Reasons that nobody codes are left out.

    Source
    ------
    The two-phase difference estimator of `csnb.measure_sides`, coders' errors corrected as there, where five
    conversations coded twice have the reason and five have not.

    Examples
    --------
    >>> import csnb
    >>> bad = csnb.dissatisfied_sessions(book.sessions)
    >>> reasons = csnb.measure_reasons(csnb.scored_sessions(bad, book.labels, book.drawn), book.labels)
    >>> reasons[["reason", "owner", "coded_count", "method"]].values.tolist()[0]
    ['timeliness', 'agent', 1, 'unverified']
    """
    table = _measured(scored, machine, human, ["reason", "owner"], confidence, folder, chances)
    order = {code: place for place, code in enumerate(read_reasons(folder)["code"])}
    sides = dict(read_reasons(folder).select("code", "side").iter_rows())
    named = table.assign(
        metric="reason_share", side=table["reason"].map(sides), place=table["reason"].map(order)
    )
    ranked = named.sort_values(
        ["value", "coded_count", "place"], ascending=[False, False, True], kind="stable"
    )
    return ranked[["metric", "reason", "owner", "side", *_RESULTS]].reset_index(drop=True)


def measure_ceilings(scored, machine, levers, human=None, confidence=0.95, folder=None, chances=None):
    """Measure what mending the faults that are no levers could recover at most: the ratings that have their reason.

    Such faults only the machine sees, and partly by the customer's displeasure, so that conversations with and without them
    cannot be compared. But who is dissatisfied without the reason is not helped by mending it.

    Parameters
    ----------
    scored, machine, human, confidence, folder, chances : as in `measure_reasons`
    levers : pandas.DataFrame of `csnb.find_levers`

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `recoverable_at_most` (dissatisfied ratings), by `fault` of people.toml, plus
        `sessions` and `coded_count`; without labels there is no value, as in `measure_reasons`.

    Examples
    --------
    >>> import csnb
    >>> bad = csnb.dissatisfied_sessions(book.sessions)
    >>> scored, levers = csnb.scored_sessions(bad, book.labels, book.drawn), csnb.find_levers(book.sessions, book.labels)
    >>> csnb.measure_ceilings(scored, book.labels, levers)["fault"].tolist()
    ['unresolved', 'attitude', 'emotion']
    """
    faults = read_people(folder)["fault"]
    reason_of = {name: rule["code"] for name, rule in faults.items() if name not in levers and "code" in rule}
    table = _measured(scored, machine, human, ["reason"], confidence, folder, chances, reason_of.values())
    table = table.set_index("reason").reindex(reason_of.values()).reset_index(drop=True)
    ratings = table[["value", "low", "high"]].mul(table["sessions"], axis=0)
    named = table.assign(metric="recoverable_at_most", fault=list(reason_of), unit="count", **ratings)
    return named[["metric", "fault", *_RESULTS]]


def _measured(scored, machine, human, by, confidence, folder, chances, always=()):
    """Measure the share of every group of reasons that anybody codes, and of those that are asked for."""
    coded = coded_owners(machine, scored, folder).rename(columns={"code": "reason"})
    drawn, answers = _labelled(scored, human)
    seen = assign_owners(answers[answers["holds"].astype(bool)], drawn, folder).rename(
        columns={"code": "reason"}
    )
    asked = pd.DataFrame({"reason": list(always)})
    groups = pd.MultiIndex.from_frame(pd.concat([coded[by], seen[by], asked]).drop_duplicates(), names=by)
    table = pd.DataFrame(index=groups).assign(
        n=0, value=np.nan, low=np.nan, high=np.nan, unit="rate", method=UNVERIFIED, rulepack="", sessions=len(scored),
        coded_count=_counted(coded.drop_duplicates(["session_key", *by]), by, groups),
    )  # fmt: skip
    if len(answers):
        likely = assign_owners(machine if chances is None else chances, drawn, folder)
        found = _estimate(drawn, answers, seen, likely.rename(columns={"code": "reason"}), groups, confidence)
        table = table.assign(**found)
    return table.reset_index()


def _counted(rows, by, groups):
    """Count the conversations of each group."""
    pairs = pd.MultiIndex.from_frame(rows[by])
    return pairs.value_counts().reindex(groups).fillna(0).astype(int).to_numpy()


def _labelled(scored, human):
    """Give the conversations that labels were drawn from, and the answers on them that count."""
    drawn = scored[scored["stratum"].notna()]
    if human is None:
        return drawn, pd.DataFrame(columns=["session_key", "coder", "code", "holds"])
    return drawn, human[(human["use"] == "estimate") & human["session_key"].isin(drawn["session_key"])]


def _estimate(drawn, answers, seen, likely, groups, confidence):
    """Give n, value, interval, method and population of every group, each by itself."""
    by, coders = list(groups.names), ["session_key", "coder"]
    said = seen.drop_duplicates([*coders, *by]).groupby([*coders, *by]).size()
    y = _wide(said, pd.MultiIndex.from_frame(answers[coders].drop_duplicates()), groups)
    f = _wide(likely.groupby(["session_key", *by])["p"].max(), drawn["session_key"], groups)
    probability = answers.get("drawn_probability", pd.Series(1.0, answers.index)).fillna(1.0)
    weight = 1 / probability.groupby(answers["session_key"]).first()
    rows = [_estimate_one(drawn, y[[place]], f[[place]], weight, confidence) for place in range(len(groups))]
    columns = ["n", "value", "low", "high", "method", "sessions"]
    return dict(zip(columns, zip(*rows, strict=True), strict=True)) if rows else {}


def _estimate_one(drawn, values, f, weight, confidence):
    """Estimate one share from what each coder says and the machine's probabilities."""
    y, off = _corrected(values, weight)
    labelled = drawn["session_key"].isin(y.index).to_numpy()
    lean = lean_on_machine(drawn["stratum"], labelled, y.loc[drawn["session_key"][labelled]], f)
    fit = estimate_shares(drawn, y, f, off, lean)
    if fit.n < SMALLEST_GROUP:
        return fit.n, np.nan, np.nan, np.nan, "suppressed", fit.size
    method = TWO_PHASE if off is None else f"{TWO_PHASE}, {CORRECTED}"
    return fit.n, *(float(end[0]) for end in share_intervals(fit, confidence)), method, fit.size


def _corrected(values, weight):
    """Correct single coders where five conversations coded twice have the reason and five have not; else take them as they are."""
    keys, is_final = (
        values.index.get_level_values("session_key"),
        values.index.get_level_values("coder") == FINAL,
    )
    by_session = values.iloc[:, 0].groupby(level="session_key")
    twice = by_session.mean()[by_session.size() > 1]
    if min((twice > 0).sum(), (twice < 1).sum()) >= SMALLEST_GROUP:
        return corrected_values(values, weight)
    return values[is_final | ~keys.isin(keys[is_final])].groupby(level="session_key").mean(), None


def _wide(values, keys, groups):
    """Lay values out as conversations x groups, numbered, 0 where there is none."""
    wide = values.unstack(list(groups.names)) if len(values) else pd.DataFrame(index=keys)
    columns = groups.get_level_values(0) if groups.nlevels == 1 else groups
    return (
        wide.reindex(index=keys, columns=columns)
        .astype(float)
        .fillna(0.0)
        .set_axis(range(len(groups)), axis=1)
    )


def with_counts(shares, counts):
    """Put beside shares in how many conversations the machine codes the same.

    Parameters
    ----------
    shares : results by one column, such as those of `measure_owners` or `measure_sides`
    counts : results of counts by the same column, such as those of `count_owners` or `count_sides`

    Returns
    -------
    pandas.DataFrame
        The rows of `shares` with `coded_count`, 0 where the machine codes none.

    Examples
    --------
    >>> import csnb
    >>> bad = csnb.dissatisfied_sessions(book.sessions)
    >>> sides = csnb.measure_sides(csnb.scored_sessions(bad, book.labels, book.drawn))
    >>> with_counts(sides, csnb.count_sides(bad))["coded_count"].tolist()
    [0, 1, 2, 0]
    """
    by = shares.columns[1]
    counted = counts.set_index(by)["value"].reindex(shares[by]).fillna(0).astype(int)
    return shares.assign(coded_count=counted.to_numpy())


def as_amounts(shares):
    """Give shares as the bars of a chart: what people's labels say, else what the machine counts.

    Parameters
    ----------
    shares : results with `sessions` and `coded_count`

    Returns
    -------
    pandas.DataFrame
        The shares themselves; without labels metric `coded_sessions`, n being all conversations, without an interval and
        without what the machine never codes.

    Examples
    --------
    >>> import csnb
    >>> bad = csnb.dissatisfied_sessions(book.sessions)
    >>> reasons = csnb.measure_reasons(csnb.scored_sessions(bad, book.labels, book.drawn), book.labels)
    >>> as_amounts(reasons)[["metric", "reason", "value", "n"]].values.tolist()[0]
    ['coded_sessions', 'timeliness', 1.0, 3]
    """
    if shares["value"].notna().any():
        return shares
    coded = shares[shares["coded_count"] > 0]
    return coded.assign(
        metric="coded_sessions", n=coded["sessions"], value=coded["coded_count"].astype(float), low=np.nan,
        high=np.nan, unit="count", method=BY_MACHINE,
    )  # fmt: skip
