"""Changes: what moved a metric between the last period and this one, and who pulled it.

A change is explained only where its interval leaves out 0; otherwise there is no story to tell. The metrics that are
asked for together are judged together: where nothing changed, 95 of 100 times none of them is said to have.
Contributions add up to the change. Agents are drawn with both of their periods (`csnb.paired`).
"""

import numpy as np
import pandas as pd

from csnb.cells import cell_effects, cell_sums, merge_cells
from csnb.findings import Finding
from csnb.formats import DASH, format_interval, format_value, metric_name
from csnb.loads import CHANGED, FACTORS, changed_metrics, name_judgement, split_change
from csnb.measures import PLAIN, SMALLEST_GROUP
from csnb.paired import (
    TYPICAL,
    draw_blocks,
    drawn_interval,
    effect_row,
    effect_table,
    judged_intervals,
    metric_numbers,
    paired_facts,
    summed_interval,
)
from csnb.pulls import pull_name, sure_pulls
from csnb.stats import decompose_periods
from csnb.strings import text
from csnb.windows import PERIODS, RULE_CHANGE, without_event_days

CHANGE_METRICS = ("satisfaction_rate", "conversion_rate", "answer_30s_rate", TYPICAL)
CELLS = ("stage", "product", "shop", "channel", "intent", "tier")
FEWEST_EVENTS = 5
JACKKNIFE_PARTS, MOST_PULLS = 10, 3
MOST_WITHOUT_LOAD = 0.05  # part of a period's sessions; with more, load and work are not told apart


def measure_changes(sessions, metrics=CHANGE_METRICS, bursts=None, confidence=0.95, seed=0):
    """Compare this period with the last one and say whether a change is real, and what kind it is.

    Parameters
    ----------
    sessions : pandas.DataFrame of `label_periods`; earlier sessions help to tell load from work
    metrics : list of str, shares of the catalogue or `typical_response_seconds`; one family, judged together
    bursts : pandas.DataFrame of `find_bursts`, or None
    confidence : float, of the family: 0.95 means that of the changes called real 5 % are false
    seed : int, of the bootstrap

    Returns
    -------
    pandas.DataFrame
        One row a metric: `metric, n, value` (and the same as `value_this`)`, unit, method`, `n_last, value_last` (values of
        fewer than 5 are missing), `difference, difference_low, difference_high` and `judgement`: `none` (the interval covers 0), `traffic` (mostly
        load), `work` (mostly work), `both` (both, or not to be told apart), `too_few` (fewer than 30
        sessions or 5 events in a period) or `no_last` (there is no earlier period to compare with).

    Source
    ------
    Benjamini & Hochberg (1995) and Benjamini & Yekutieli (2005), as in `csnb.paired.judged_intervals`.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> periods = csnb.find_periods(sessions, "2026-11-19", "2026-11-21")
    >>> sessions = csnb.label_periods(sessions, periods)
    >>> changes = csnb.measure_changes(sessions, ["reply_rate"])
    >>> changes[["metric", "judgement"]].values.tolist()
    [['reply_rate', 'no_last']]
    """
    known = {metric: paired_facts(sessions, metric) for metric in metrics}
    too_little = {metric: _too_little(facts) for metric, facts in known.items()}
    drawn = {metric: _drawn_change(known[metric], seed) for metric in metrics if too_little[metric] is None}
    intervals = _judge_together(drawn, confidence)
    rows = []
    for metric, facts in known.items():
        difference, low, high = intervals.get(metric, (np.nan, np.nan, np.nan))
        judgement = too_little[metric] or "none"
        if low > 0 or high < 0:
            judgement = name_judgement(split_change(_with_loads(facts), sessions, metric, bursts), confidence)
        (n_last, n), (value_last, value) = facts.n, np.where(facts.n < SMALLEST_GROUP, np.nan, facts.values)
        rows.append({"metric": metric, "n": int(n), "value": value, "value_this": value, "unit": facts.unit,
                     "method": facts.method, "n_last": int(n_last), "value_last": value_last, "difference": difference,
                     "difference_low": low, "difference_high": high, "judgement": judgement})  # fmt: skip
    return pd.DataFrame(rows)


def measure_residual(sessions, periods, calendar, bursts=None, confidence=0.95, seed=0):
    """Compare the periods once more without the days of campaigns and live streams.

    Parameters
    ----------
    sessions : pandas.DataFrame of `label_periods`
    periods : pandas.DataFrame of `csnb.find_periods`
    calendar : pandas.DataFrame of `csnb.list_calendar`
    bursts, confidence, seed : as in `measure_changes`

    Returns
    -------
    pandas.DataFrame
        One row a metric, as of `measure_changes`; none if neither period has such a day: there is nothing to set aside.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> periods = csnb.find_periods(sessions, "2026-11-19", "2026-11-21")
    >>> sessions = csnb.label_periods(csnb.add_conversion(sessions, book.orders), periods)
    >>> len(csnb.measure_residual(sessions, periods, csnb.list_calendar(book.events, sessions)))
    0
    """
    usual = without_event_days(sessions, periods, calendar)
    residual = measure_changes(usual, bursts=bursts, confidence=confidence, seed=seed)
    return residual if len(usual) < len(sessions) else residual.head(0)


def _drawn_change(facts, seed):
    """Give the change and its draws, in the metric's unit, and how many blocks were drawn from."""
    drawn = draw_blocks(facts, seed)
    totals = cell_sums(facts, drawn, np.zeros(len(facts.rows), int), 1)
    means = totals[1][..., 0] / totals[0][..., 0]
    return facts.to_unit * (means[:, 1] - means[:, 0]), facts.blocks


def _judge_together(drawn, confidence):
    """Give the intervals of one family of metrics, by metric."""
    if not drawn:
        return {}
    values, blocks = zip(*drawn.values(), strict=True)
    intervals = judged_intervals(np.column_stack(values), np.array(blocks), confidence)
    return dict(zip(drawn, zip(*intervals, strict=True), strict=True))


def _with_loads(facts):
    """Give the few sessions without a load, such as those without an agent, the usual load of their period."""
    loads = facts.rows.groupby("place")["load_at_arrival"]
    few = loads.transform(lambda load: load.isna().mean()) <= MOST_WITHOUT_LOAD
    filled = facts.rows["load_at_arrival"].fillna(loads.transform("median").where(few))
    return facts._replace(rows=facts.rows.assign(load_at_arrival=filled))


def _too_little(facts):
    """Say why a change cannot be judged, or None."""
    if not facts.n[0]:
        return "no_last"
    if facts.n.min() < PLAIN:
        return "too_few"
    if facts.unit == "rate":
        events = facts.n * facts.means
        if min(events.min(), (facts.n - events).min()) < FEWEST_EVENTS:
            return "too_few"
    return None


# ---- mix and rate


def split_mix(sessions, changes, by=CELLS, confidence=0.95, seed=0):
    """Split each real change into mix (who came) and rate (how alike conversations went).

    Parameters
    ----------
    sessions : pandas.DataFrame of `label_periods`
    changes : pandas.DataFrame of `measure_changes`
    by : list of str, columns that name a cell, the most important first; those that are not there or hold one
        value only are passed over. Cells with fewer than 20 sessions in a period are merged, the last
        column first.
    confidence, seed : as in `measure_changes`

    Returns
    -------
    pandas.DataFrame
        Results by `factor` (mix, rate), which add up to the change; empty if no change is real.

    Source
    ------
    Kitagawa (1955), as in `csnb.stats.decompose_change`; interval by bootstrap over agents.

    Examples
    --------
    >>> sessions = csnb.label_periods(sessions, csnb.find_periods(sessions))  # doctest: +SKIP
    >>> changes = measure_changes(sessions)  # doctest: +SKIP
    >>> split_mix(sessions, changes)  # doctest: +SKIP
    """
    rows = []
    for metric in changed_metrics(changes):
        facts = paired_facts(sessions, metric)
        _, codes, cells = merge_cells(facts.rows, by)
        drawn = draw_blocks(facts, seed)
        parts = cell_effects(*cell_sums(facts, drawn, codes, cells))
        for factor, part in zip(("mix", "rate"), parts, strict=True):
            interval = drawn_interval(facts.to_unit * part.sum(axis=-1), facts.blocks, confidence)
            rows.append(effect_row(metric, {"factor": factor}, facts, *interval))
    return effect_table(rows, ["factor"])


# ---- mix, load and work


def split_traffic(sessions, changes, bursts=None, confidence=0.95):
    """Split each real change into mix, load and work: was it the traffic, or the work?

    Parameters
    ----------
    sessions, changes, bursts, confidence : as in `measure_changes`

    Returns
    -------
    pandas.DataFrame
        Results by `factor` (mix, load, work), which add up to the change; empty if no change is real or
        loads are not known. See `csnb.loads.split_change`.

    Examples
    --------
    >>> sessions = csnb.label_periods(sessions, csnb.find_periods(sessions))  # doctest: +SKIP
    >>> changes = measure_changes(sessions)  # doctest: +SKIP
    >>> split_traffic(sessions, changes, find_bursts(sessions, book.shifts))  # doctest: +SKIP
    """
    rows = []
    for metric in changed_metrics(changes):
        facts = paired_facts(sessions, metric)
        split = split_change(_with_loads(facts), sessions, metric, bursts)
        for factor in FACTORS if split else ():
            interval = summed_interval(getattr(split, factor), confidence)
            rows.append(effect_row(metric, {"factor": factor}, facts, *interval))
    return effect_table(rows, ["factor"])


# ---- three periods in a row


def trace_changes(sessions, changes, by=CELLS, confidence=0.95):
    """Trace real changes over three periods: the mix of each column, and the rate.

    Parameters
    ----------
    sessions : pandas.DataFrame of `label_periods`
    changes : pandas.DataFrame of `measure_changes`
    by, confidence : as in `split_mix`

    Returns
    -------
    pandas.DataFrame
        Results by `factor` (a column of `by`, or `rate`), `period_from` and `period_to`. Effects add up to the change
        between the two periods, and along the periods. Shares only; empty if no change is real.

    Source
    ------
    Das Gupta (1993), as in `csnb.stats.decompose_periods`; interval by jackknife over ten groups of agents.

    Examples
    --------
    >>> sessions = csnb.label_periods(sessions, csnb.find_periods(sessions))  # doctest: +SKIP
    >>> changes = measure_changes(sessions)  # doctest: +SKIP
    >>> trace_changes(sessions, changes)  # doctest: +SKIP
    """
    tables = [
        _trace(sessions, metric, by, confidence) for metric in changed_metrics(changes) if metric != TYPICAL
    ]
    return pd.concat(tables) if tables else effect_table([], ["factor", "period_from", "period_to"])


def keep_steps(trace):
    """Keep the effects from each period to the next, in order of time; longer ways are their sums.

    Parameters
    ----------
    trace : pandas.DataFrame of `trace_changes`

    Returns
    -------
    pandas.DataFrame, some rows of `trace`, metric by metric

    Examples
    --------
    >>> ways = [("before_last", "last"), ("before_last", "this"), ("last", "this")]
    >>> keep_steps(pd.DataFrame(ways, columns=["period_from", "period_to"]).assign(metric="m"))["period_to"].to_list()
    ['last', 'this']
    """
    place = {name: number for number, name in enumerate(PERIODS)}
    start, end = (trace[name].map(place) for name in ("period_from", "period_to"))
    is_step = end == start + 1
    order = trace.assign(start=start, metric=pd.Categorical(trace["metric"], trace["metric"].unique()))[
        is_step
    ]
    return trace.loc[order.sort_values(["metric", "start"], kind="stable").index].reset_index(drop=True)


def _trace(sessions, metric, by, confidence):
    """Trace one metric."""
    counted, events, base, _ = metric_numbers(sessions, metric)
    rows = counted.assign(events=events, base=base)
    rows = rows[rows["period"].notna() & (rows["base"] > 0)]
    labels, _, _ = merge_cells(rows.assign(place=(rows["period"] == "this").astype(int)), by)
    rows = rows[["period", "events", "base"]].assign(part=pd.factorize(rows["agent_id"])[0] % JACKKNIFE_PARTS)
    rows, names = pd.concat([rows, labels.add_prefix("cell_")], axis=1), [f"cell_{name}" for name in labels]
    whole = _structure(rows, names)
    parts = np.array(
        [_structure(rows[rows["part"] != part], names)["effect"] for part in range(JACKKNIFE_PARTS)]
    )
    spread = (JACKKNIFE_PARTS - 1) / np.sqrt(JACKKNIFE_PARTS) * parts
    value, low, high = drawn_interval(np.vstack([whole["effect"], spread]), JACKKNIFE_PARTS, confidence)
    n = rows.groupby("period", observed=True)["base"].sum()
    return effect_table(
        [
            {"metric": metric, "factor": row.factor.removeprefix("cell_"), "period_from": row.period_from,
             "period_to": row.period_to, "n": int(n[row.period_to]), "value": value[place], "low": low[place],
             "high": high[place], "unit": "points", "method": "agent jackknife", "rulepack": ""}
            for place, row in enumerate(whole.itertuples())
        ],
        ["factor", "period_from", "period_to"],
    )  # fmt: skip


def _structure(rows, names):
    """Decompose the rows' rates over all periods."""
    sums = rows.groupby(["period", *names], observed=True)[["base", "events"]].sum().reset_index()
    table = sums.assign(rate=sums["events"] / sums["base"])
    return decompose_periods(table, "period", ["base", "rate"], names)


# ---- findings


def find_change_issues(changes, pulls, asking, residual, calendar, periods):
    """Say which changes are real and of what kind, where they fall, and what speaks against a comparison.

    Parameters
    ----------
    changes : pandas.DataFrame of `measure_changes`
    pulls : list of pandas.DataFrame of `measure_pulls` or `measure_reason_pulls`
    asking : pandas.DataFrame of `measure_changes` of the invitation and the rating rate
    residual : pandas.DataFrame of `measure_changes` without the days of events
    calendar : pandas.DataFrame of `csnb.list_calendar`
    periods : pandas.DataFrame of `csnb.find_periods`

    Returns
    -------
    list of Finding; a change whose interval covers 0 gets no explanation

    Examples
    --------
    >>> find_change_issues(changes, [satisfaction, reasons], asking, residual, calendar, periods)  # doctest: +SKIP
    """
    changed = changed_metrics(changes)
    found = [_of_change(row) for row in changes[changes["metric"].isin(changed)].to_dict("records")]
    for judgement, weight in (("none", 90), ("too_few", 50), ("no_last", 100)):
        rows = changes[changes["judgement"] == judgement]
        if len(rows):
            found.append(Finding(f"change_{judgement}", _of_unchanged(rows), "C", weight, "changes"))
    for table in pulls:
        found += _of_pulls(table) if len(table) else []
    found += _of_residual(changes, residual)
    found += [_of_asking(row) for row in asking[asking["judgement"].isin(CHANGED)].to_dict("records")]
    return found + _of_rules(calendar, periods)


def _of_unchanged(rows):
    """Give the values of a finding of metrics without a change, each with the smallest change that it could have shown."""
    margins = (rows["difference_high"] - rows["difference_low"]) / 2
    names = [
        text("word.smallest_change", metric=metric_name(metric), value=format_value(margin, _points(unit)))
        if margin == margin
        else metric_name(metric)
        for metric, margin, unit in zip(rows["metric"], margins, rows["unit"], strict=True)
    ]
    return {"metrics": text("word.list_separator").join(names), "n": _range_of(rows["n"])}


def _range_of(counts):
    """Write how many there are, from the fewest to the most."""
    counts = list(counts)
    return DASH.join(dict.fromkeys(format_value(count, "count") for count in (min(counts), max(counts))))


def _of_change(row):
    """Make a finding of a real change."""
    values = {
        "metric": metric_name(row["metric"]),
        "direction": text("word.rise" if row["difference"] > 0 else "word.fall"),
        "difference": format_value(abs(row["difference"]), _points(row["unit"])),
        "value": format_value(row["value"], row["unit"]),
        "last": format_value(row["value_last"], row["unit"]),
        "n": format_value(row["n"], "count"),
        "interval": format_interval(row["difference_low"], row["difference_high"], _points(row["unit"])),
    }
    section = "traffic" if row["judgement"] in ("traffic", "work") else "changes"
    return Finding(f"change_{row['judgement']}", values, "B", 95, section)


def _with_interval(name, value, low, high, unit):
    """Write a name with a value and its interval."""
    words = {"value": format_value(value, unit), "interval": format_interval(low, high, unit)}
    return text("word.with_interval", name=name, **words)


def _points(unit):
    """Give the unit of a difference."""
    return "points" if unit == "rate" else unit


def _of_pulls(table):
    """Make a finding of the groups that surely pulled the way of the change."""
    surely = sure_pulls(table)
    if surely.empty:
        return []
    named = surely.head(MOST_PULLS).to_dict("records")
    names = [
        _with_interval(pull_name(row), row["value"], row["low"], row["high"], row["unit"]) for row in named
    ]
    values = {
        "metric": metric_name(table["metric"].iloc[0]),
        "pulls": text("word.list_separator").join(names),
        "n": _range_of(row["n"] for row in named),
    }
    is_machine = "reason" in table
    return [
        Finding(
            "change_reasons" if is_machine else "change_pulls",
            values,
            "D" if is_machine else "B",
            80,
            "pulls",
        )
    ]


def _of_residual(changes, residual):
    """Name the real changes of which less than half is left without the days of events."""
    before = changes.set_index("metric")["difference"].reindex(residual["metric"]).to_numpy()
    has_shrunk = residual["difference"] / before < 0.5
    gone = residual[
        residual["metric"].isin(changed_metrics(changes)) & has_shrunk & (residual["judgement"] == "none")
    ]
    if gone.empty:
        return []
    names = [
        _with_interval(
            metric_name(row.metric),
            row.difference,
            row.difference_low,
            row.difference_high,
            _points(row.unit),
        )
        for row in gone.itertuples()
    ]
    values = {"metrics": text("word.list_separator").join(names), "n": _range_of(gone["n"])}
    return [Finding("change_residual", values, "B", 85, "residual")]


def _of_asking(row):
    """Warn that other customers were asked to rate, or rated."""
    values = {
        "metric": metric_name(row["metric"]),
        "value": format_value(row["value"], row["unit"]),
        "last": format_value(row["value_last"], row["unit"]),
        "difference": format_value(row["difference"], "points"),
        "n": format_value(row["n"], "count"),
        "interval": format_interval(row["difference_low"], row["difference_high"], "points"),
    }
    return Finding("change_asking", values, "C", 93, "changes")


def _of_rules(calendar, periods):
    """Warn of every change of rules inside the compared periods."""
    compared = periods[periods["period"].isin(["last", "this"])]
    if compared.empty:
        return []
    first, last = compared["first_day"].min(), compared["last_day"].max()
    rules = calendar[(calendar["event"] == RULE_CHANGE) & calendar["first_day"].between(first, last)]
    return [
        Finding("change_rules", {"rulepack": row.note}, "C", 98, "calendar") for row in rules.itertuples()
    ]
