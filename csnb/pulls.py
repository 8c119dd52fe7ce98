"""Pulls: how much of a real change each shop, product, agent or reason brings about."""

import numpy as np
import pandas as pd

from csnb.cells import REST, UNKNOWN, cell_effects, cell_sums, merge_cells
from csnb.formats import column_name, group_word, word_of
from csnb.loads import changed_metrics
from csnb.paired import draw_blocks, effect_row, effect_table, judged_intervals, paired_facts
from csnb.reasons import UNCLEAR, read_reasons
from csnb.strings import text

PARTS = ["difference_mix", "difference_rate"]


def measure_pulls(sessions, changes, metric, by, confidence=0.95, seed=0):
    """Say how much each shop, product or agent pulled a metric up or down.

    Parameters
    ----------
    sessions : pandas.DataFrame of `label_periods`
    changes : pandas.DataFrame of `measure_changes`
    metric : str, one of `changes`
    by : list of str, columns; each splits the whole change anew
    confidence, seed : as in `measure_changes`

    Returns
    -------
    pandas.DataFrame
        Results by `dimension` (the column) and `group`, the largest pull first; within a dimension they add up
        to the change. `difference_mix` and `difference_rate` are the two parts of a pull. Groups with
        fewer than 20 sessions in a period are `rest`. Empty if the change is not real. The groups of a dimension are
        judged together, so the intervals are the wider the more groups there are.

    Source
    ------
    Benjamini & Hochberg (1995) and Benjamini & Yekutieli (2005), as in `csnb.paired.judged_intervals`.

    Examples
    --------
    >>> changes = csnb.measure_changes(sessions)  # doctest: +SKIP
    >>> measure_pulls(sessions, changes, "satisfaction_rate", ["shop", "product"])  # doctest: +SKIP
    """
    columns = effect_table([], ["dimension", "group"]).columns.union(PARTS, sort=False)
    if metric not in changed_metrics(changes):
        return pd.DataFrame(columns=columns)
    pulls = [_pulls_of(sessions, metric, name, confidence, seed) for name in by if name in sessions]
    return pd.concat([each for each in pulls if len(each) > 1], ignore_index=True).reindex(columns=columns)


def _pulls_of(sessions, metric, name, confidence, seed):
    """Give the pulls of the groups of one column."""
    facts = paired_facts(sessions, metric, by_day=name == "agent_id")
    labels, codes, cells = merge_cells(facts.rows, [name])
    if labels.empty or not len(labels.columns):
        return effect_table([], ["dimension", "group"])
    groups = labels[name].to_numpy()[np.unique(codes, return_index=True)[1]]
    mix, rate = cell_effects(*cell_sums(facts, draw_blocks(facts, seed), codes, cells))
    value, low, high = judged_intervals(facts.to_unit * (mix + rate), facts.blocks, confidence)
    n = np.bincount(codes, facts.rows["base"] * facts.rows["place"], minlength=cells).astype(int)
    rows = [
        effect_row(metric, {"dimension": name, "group": group}, facts, value[cell], low[cell], high[cell])
        | {"n": n[cell], **dict(zip(PARTS, facts.to_unit * np.array([mix[0, cell], rate[0, cell]]), strict=True))}
        for cell, group in enumerate(groups)
    ]  # fmt: skip
    return _largest_first(pd.DataFrame(rows))


def _largest_first(pulls):
    """Put the largest pull first, whatever its sign."""
    return pulls.sort_values("value", key=np.abs, ascending=False, kind="stable", ignore_index=True)


def measure_reason_pulls(sessions, changes, labels, confidence=0.95, seed=0, folder=None):
    """Say how much each reason pulled the satisfaction rate up or down.

    A conversation that was not rated satisfied counts once, in equal parts for its coded reasons, and as
    `unclear` without one. Reasons are the machine's codes.

    Parameters
    ----------
    sessions : pandas.DataFrame of `label_periods`
    changes : pandas.DataFrame of `measure_changes`
    labels : pandas.DataFrame, `book.labels`
    confidence, seed : as in `measure_changes`
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        Results by `reason`, the largest pull first; they add up to the change, and are judged together as the groups of
        `measure_pulls`. Empty if the change is not real.

    Examples
    --------
    >>> changes = csnb.measure_changes(sessions)  # doctest: +SKIP
    >>> measure_reason_pulls(sessions, changes, book.labels)  # doctest: +SKIP
    """
    metric, rows = "satisfaction_rate", []
    if metric in changed_metrics(changes):
        facts = paired_facts(sessions, metric)
        known = read_reasons(folder)["code"].to_list()
        drawn, one_cell = draw_blocks(facts, seed), np.zeros(len(facts.rows), int)
        parts = _reason_parts(facts.rows, labels[labels["code"].isin(known)])
        pulls = []
        for reason in parts:
            counted = facts._replace(rows=facts.rows.assign(events=-parts[reason].to_numpy()))
            base, events = cell_sums(counted, drawn, one_cell, 1)
            pulls.append(np.diff((events / base)[..., 0], axis=1)[:, 0])
        intervals = judged_intervals(np.column_stack(pulls), facts.blocks, confidence)
        rows = [
            effect_row(metric, {"reason": reason}, facts, *interval)
            for reason, *interval in zip(parts, *intervals, strict=True)
        ]
    return _largest_first(effect_table(rows, ["reason"]))


def _reason_parts(rows, labels):
    """Give each dissatisfied row's equal parts of its reasons: rows x reasons."""
    codes = pd.crosstab(labels["session_key"], labels["code"]).clip(upper=1)
    parts = codes.div(codes.sum(axis=1), axis=0).reindex(rows["session_key"]).fillna(0.0)
    parts[UNCLEAR] = parts.get(UNCLEAR, 0.0) + 1 - parts.sum(axis=1)
    return parts.mul((rows["base"] - rows["events"]).to_numpy(), axis=0)


def sure_pulls(pulls):
    """Give the pulls that leave out 0 and go the way of the whole change: what the report names.

    Parameters
    ----------
    pulls : pandas.DataFrame of `measure_pulls` or `measure_reason_pulls`, not empty

    Returns
    -------
    pandas.DataFrame
        Some rows of `pulls`, in their order. Of reasons all; of each dimension the one that surely pulled most, whose end
        nearest 0 is the farthest from it: a large group may show more by chance. What is the rest or unknown is no group
        to talk to.

    Examples
    --------
    >>> pulls = pd.DataFrame({"dimension": "product", "group": ["clothes", "ovens", "shoes"], "value": [-0.04, -0.03, 0.01],
    ...                       "low": [-0.07, -0.05, 0.0], "high": [-0.01, -0.02, 0.02]})
    >>> sure_pulls(pulls)["group"].to_list()
    ['ovens']
    """
    is_reason = "reason" in pulls
    whole = pulls["value"].sum() if is_reason else pulls.groupby("dimension")["value"].sum().iloc[0]
    least = np.maximum(pulls["low"], -pulls["high"])  # of a pull that leaves out 0: how large it surely is
    is_named = ~pulls["reason" if is_reason else "group"].isin([REST, UNKNOWN])
    surely = pulls[(least > 0) & is_named & (np.sign(pulls["value"]) == np.sign(whole))]
    if is_reason:
        return surely
    return surely.loc[sorted(least[surely.index].groupby(surely["dimension"]).idxmax())]


def pull_name(row):
    """Name one pull of `measure_pulls` (its dimension and group) or `measure_reason_pulls` (its reason)."""
    if "reason" in row:
        return word_of("reason", row["reason"])
    return text(
        "word.pull_of",
        dimension=column_name(row["dimension"]),
        group=group_word(row["dimension"], row["group"]),
    )
