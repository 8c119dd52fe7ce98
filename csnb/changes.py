"""Changes: what moved a metric between the last period and this one, and who pulled it.

A change is explained only where its interval leaves out 0; otherwise there is no story to tell.
Contributions add up to the change. Agents are drawn with both of their periods (`csnb.paired`).
"""

import numpy as np
import pandas as pd

from csnb.loads import FACTORS, name_verdict, split_change
from csnb.measures import PLAIN
from csnb.metrics import metric_of
from csnb.paired import TYPICAL, block_sums, draw_blocks, drawn_interval, metric_numbers, paired_facts
from csnb.reasons import read_reasons
from csnb.stats import decompose_periods

CHANGE_METRICS = ("satisfaction_rate", "conversion_rate", "answer_30s_rate", TYPICAL)
CELLS = ("stage", "product", "shop", "channel", "intent", "tier")
CHANGED = ("traffic", "work", "both")
REST = "rest"
SMALL_CELL = 20
FEWEST_EVENTS = 5
JACKKNIFE_PARTS = 10
PULL_PARTS = ["difference_mix", "difference_rate"]


def measure_changes(sessions, metrics=CHANGE_METRICS, bursts=None, confidence=0.95, seed=0):
    """Compare this period with the last one and say whether a change is real, and what kind it is.

    Parameters
    ----------
    sessions : pandas.DataFrame of `label_periods`; earlier sessions help to tell load from work
    metrics : list of str, shares of the catalogue or `typical_response_seconds`
    bursts : pandas.DataFrame of `find_bursts`, or None
    confidence : float
    seed : int, of the bootstrap

    Returns
    -------
    pandas.DataFrame
        One row a metric: `metric, n, value, unit, method`, `n_last, value_last`, `difference,
        difference_low, difference_high` and `verdict`: `none` (the interval covers 0), `traffic` (mostly
        load), `work` (mostly work), `both` (both, or not to be told apart), `too_few` (fewer than 30
        sessions or 5 events in a period) or `no_last` (there is no earlier period to compare with).
    """
    rows = [_measure_change(sessions, metric, bursts, confidence, seed) for metric in metrics]
    return pd.DataFrame(rows)


def _measure_change(sessions, metric, bursts, confidence, seed):
    """Give one row of `measure_changes`."""
    facts = paired_facts(sessions, metric)
    (n_last, n), (value_last, value) = facts.n, facts.values
    difference, low, high, verdict = np.nan, np.nan, np.nan, _too_little(facts)
    if verdict is None:
        drawn = draw_blocks(facts, seed)
        totals = _cell_sums(facts, drawn, np.zeros(len(facts.rows), int), 1)
        means = totals[1][..., 0] / totals[0][..., 0]
        change = facts.to_unit * (means[:, 1] - means[:, 0])
        difference, low, high = drawn_interval(change, facts.blocks, confidence)
        verdict = "none"
        if low > 0 or high < 0:
            verdict = name_verdict(
                split_change(facts, sessions, metric, bursts, seed), facts.blocks, confidence
            )
    return {"metric": metric, "n": int(n), "value": value, "unit": facts.unit, "method": facts.method,
            "n_last": int(n_last), "value_last": value_last, "difference": difference,
            "difference_low": low, "difference_high": high, "verdict": verdict}  # fmt: skip


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


def changed_metrics(changes):
    """Name the metrics whose change is real, in the order of `changes` (of `measure_changes`)."""
    return changes.loc[changes["verdict"].isin(CHANGED), "metric"].to_list()


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
    """
    rows = []
    for metric in changed_metrics(changes):
        facts = paired_facts(sessions, metric)
        _, codes, cells = merge_cells(facts.rows, by)
        drawn = draw_blocks(facts, seed)
        parts = cell_effects(*_cell_sums(facts, drawn, codes, cells))
        for factor, part in zip(("mix", "rate"), parts, strict=True):
            interval = drawn_interval(facts.to_unit * part.sum(axis=-1), facts.blocks, confidence)
            rows.append(_effect(metric, {"factor": factor}, facts, *interval))
    return _effects(rows, ["factor"])


def merge_cells(rows, by, smallest=SMALL_CELL):
    """Name the cell of every row, with small cells merged.

    Parameters
    ----------
    rows : pandas.DataFrame with the columns `by`, `place` (0 last, 1 this) and `base`
    by : list of str, the most important first
    smallest : int, a cell has at least so many in both periods; else its last name becomes `rest`, then
        the one before, and so on

    Returns
    -------
    labels : pandas.DataFrame of the columns used, one row a row
    codes : array of int, the number of each row's cell
    cells : int, how many cells there are
    """
    names = [name for name in by if name in rows and rows[name].nunique(dropna=False) > 1]
    labels = rows[names].astype("string").fillna("unknown")
    place, base = rows["place"].to_numpy(), rows["base"].to_numpy()
    for name in reversed(names):
        codes = labels.groupby(names, sort=False).ngroup().to_numpy()
        counts = np.bincount(codes * 2 + place, base, minlength=2 * (codes.max(initial=0) + 1)).reshape(-1, 2)
        labels[name] = labels[name].mask(counts.min(axis=1)[codes] < smallest, REST)
    codes = labels.groupby(names, sort=False).ngroup().to_numpy() if names else np.zeros(len(rows), int)
    return labels, codes, int(codes.max(initial=0)) + 1


def _cell_sums(facts, drawn, codes, cells):
    """Give base and events by draw, period and cell."""
    return tuple(
        np.tensordot(drawn, block_sums(facts, codes, cells, column), 1) for column in ("base", "events")
    )


def cell_effects(base, events):
    """Give what each cell adds to mix and to rate, for many draws at once.

    Parameters
    ----------
    base, events : arrays, draws x period (last, this) x cell

    Returns
    -------
    mix, rate : arrays, draws x cell; as the `cells` of `csnb.stats.decompose_change`, which adds up to the change
    """
    share = base / base.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        rates = events / base
    rates = np.where(np.isnan(rates), rates[:, ::-1], rates)
    rates = np.nan_to_num(rates)
    middle = (share * rates).sum(axis=-1).mean(axis=-1)[:, None]
    mix = (share[:, 1] - share[:, 0]) * (rates.mean(axis=1) - middle)
    return mix, (rates[:, 1] - rates[:, 0]) * share.mean(axis=1)


def _effect(metric, keys, facts, value, low, high):
    """Make one row of effects."""
    unit = "points" if facts.unit == "rate" else facts.unit
    return {"metric": metric, **keys, "n": int(facts.n[1]), "value": value, "low": low, "high": high,
            "unit": unit, "method": facts.method, "rulepack": ""}  # fmt: skip


def _effects(rows, keys):
    """Put rows of effects into a table."""
    columns = ["metric", *keys, "n", "value", "low", "high", "unit", "method", "rulepack"]
    return pd.DataFrame(rows, columns=columns)


# ---- mix, load and work


def split_traffic(sessions, changes, bursts=None, confidence=0.95, seed=0):
    """Split each real change into mix, load and work: was it the traffic, or the work?

    Parameters
    ----------
    sessions, changes, bursts, confidence, seed : as in `measure_changes`

    Returns
    -------
    pandas.DataFrame
        Results by `factor` (mix, load, work), which add up to the change; empty if no change is real or
        loads are not known. See `csnb.loads.split_change`.
    """
    rows = []
    for metric in changed_metrics(changes):
        facts = paired_facts(sessions, metric)
        split = split_change(facts, sessions, metric, bursts, seed)
        for factor in FACTORS if split else ():
            interval = drawn_interval(getattr(split, factor), facts.blocks, confidence)
            rows.append(_effect(metric, {"factor": factor}, facts, *interval))
    return _effects(rows, ["factor"])


# ---- who pulled it


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
        fewer than 20 sessions in a period are `rest`. Empty if the change is not real.
    """
    columns = _effects([], ["dimension", "group"]).columns.union(PULL_PARTS, sort=False)
    if metric not in changed_metrics(changes):
        return pd.DataFrame(columns=columns)
    pulls = [_pulls_of(sessions, metric, name, confidence, seed) for name in by if name in sessions]
    return pd.concat([each for each in pulls if len(each) > 1], ignore_index=True).reindex(columns=columns)


def _pulls_of(sessions, metric, name, confidence, seed):
    """Give the pulls of the groups of one column."""
    facts = paired_facts(sessions, metric, by_day=name == "agent_id")
    labels, codes, cells = merge_cells(facts.rows, [name])
    if labels.empty or not len(labels.columns):
        return _effects([], ["dimension", "group"])
    groups = labels[name].to_numpy()[np.unique(codes, return_index=True)[1]]
    mix, rate = cell_effects(*_cell_sums(facts, draw_blocks(facts, seed), codes, cells))
    value, low, high = drawn_interval(facts.to_unit * (mix + rate), facts.blocks, confidence)
    n = np.bincount(codes, facts.rows["base"] * facts.rows["place"], minlength=cells).astype(int)
    rows = [
        _effect(metric, {"dimension": name, "group": group}, facts, value[cell], low[cell], high[cell])
        | {"n": n[cell], **dict(zip(PULL_PARTS, facts.to_unit * np.array([mix[0, cell], rate[0, cell]]), strict=True))}
        for cell, group in enumerate(groups)
    ]  # fmt: skip
    return _largest_first(pd.DataFrame(rows))


def _largest_first(pulls):
    """Put the largest pull first, whatever its sign."""
    return pulls.sort_values("value", key=np.abs, ascending=False, kind="stable", ignore_index=True)


def measure_reason_pulls(sessions, changes, labels, confidence=0.95, seed=0, folder=None):
    """Say how much each reason pulled the satisfaction rate up or down.

    A conversation that was not rated satisfied counts once, in equal parts for its coded reasons, and as
    `unexplained` without one. Reasons are the machine's codes.

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
        Results by `reason`, the largest pull first; they add up to the change. Empty if the change is not real.
    """
    metric, rows = "satisfaction_rate", []
    if metric in changed_metrics(changes):
        facts = paired_facts(sessions, metric)
        known = read_reasons(folder)["code"].to_list()
        drawn, one_cell = draw_blocks(facts, seed), np.zeros(len(facts.rows), int)
        for reason, parts in _reason_parts(facts.rows, labels[labels["code"].isin(known)]).items():
            counted = facts._replace(rows=facts.rows.assign(events=-parts.to_numpy()))
            base, events = _cell_sums(counted, drawn, one_cell, 1)
            pull = np.diff((events / base)[..., 0], axis=1)[:, 0]
            interval = drawn_interval(pull, facts.blocks, confidence)
            rows.append(_effect(metric, {"reason": reason}, facts, *interval))
    return _largest_first(_effects(rows, ["reason"]))


def _reason_parts(rows, labels):
    """Give each dissatisfied row's equal parts of its reasons: rows x reasons."""
    codes = pd.crosstab(labels["session_key"], labels["code"]).clip(upper=1)
    parts = codes.div(codes.sum(axis=1), axis=0).reindex(rows["session_key"]).fillna(0.0)
    parts["unexplained"] = 1 - parts.sum(axis=1)
    return parts.mul((rows["base"] - rows["events"]).to_numpy(), axis=0)


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
    """
    tables = [
        _trace(sessions, metric, by, confidence) for metric in changed_metrics(changes) if metric != TYPICAL
    ]
    return pd.concat(tables) if tables else _effects([], ["factor", "period_from", "period_to"])


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
    return _effects(
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
