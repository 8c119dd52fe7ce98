"""The honest share: how much dissatisfaction was the service team's to prevent, and how sure that is.

People code a random sample, the machine scores every conversation. The machine's mean is corrected by
how far it is off where people looked, so a bad machine widens the interval and does not move the share.
Without labels there is no share, only bounds (`csnb.bounds`), marked unverified.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats as distributions

from csnb.bounds import UNVERIFIED, bound_sides, groups_of, packs_of
from csnb.errors import ParameterError
from csnb.formats import word_of
from csnb.human import ESTIMANDS, coded_values, double_coded, read_answers, settled_values, side_values
from csnb.measures import PLAIN, SMALLEST_GROUP
from csnb.reasons import read_reasons
from csnb.schema import RESULT_FIGURES
from csnb.sides import SIDES
from csnb.stats import shrink
from csnb.stats.inputs import names, quantile_of
from csnb.two_phase import Correction, correct_coders, lean_on_machine, share_intervals, two_phase

METRICS = {
    "controllable_share": "any",
    "controllable_share_split": "split",
    "controllable_share_strict": "controllable",
}
_READINGS = dict(zip(METRICS, ("broad", "split", "strict"), strict=True))
TWO_PHASE, CORRECTED, NOT_ALL_DRAWN = "two-phase", "coders' errors corrected", "part never drawn from"
_WIDEST = (0.25,) * len(ESTIMANDS)  # spread of one label where nothing is known
_COLUMNS = [*RESULT_FIGURES, "sessions"]


def scored_sessions(bad, labels, drawn, folder=None, chances=None):
    """Give dissatisfied conversations what a share is estimated from: the machine's scores and the stratum.

    Parameters
    ----------
    bad : pandas.DataFrame of `dissatisfied_sessions`
    labels : pandas.DataFrame, table `labels`: the machine's codes
    drawn : pandas.DataFrame, table `drawn`: the population that labels were drawn from; may be empty
    folder : path of the user's own definitions folder, or None
    chances : pandas.DataFrame, table `chances`: every probability of the machine, where no code was given too;
        None takes those of `labels`

    Returns
    -------
    pandas.DataFrame
        The rows of `bad` with `p_controllable` and `p_uncontrollable`, the machine's probability of at least one such
        reason (`any_of`; 0 without a code), and `stratum`, missing where labels were never drawn from; without
        any draw all are of one stratum.

    Examples
    --------
    >>> bad = pd.DataFrame({"session_key": [1, 2], "side": ["mixed", "unexplained"]})
    >>> labels = pd.DataFrame({"session_key": [1, 1, 1], "code": ["ability", "attitude", "price"],
    ...                        "p": [0.5, 0.5, 0.9]})
    >>> drawn = pd.DataFrame({"session_key": [1], "stratum": ["d1/*/1"]})
    >>> scored = scored_sessions(bad, labels, drawn)
    >>> scored[["p_controllable", "p_uncontrollable"]].values.tolist()
    [[0.75, 0.9], [0.0, 0.0]]
    """
    side_of = dict(read_reasons(folder).select("code", "side").iter_rows())
    known = labels if chances is None else chances
    p = any_of(known.assign(reason_side=known["code"].map(side_of)), "reason_side")
    keys, sides = bad["session_key"], ("controllable", "uncontrollable")
    p = p.reindex(index=keys, columns=sides, fill_value=0.0)
    scores = {f"p_{side}": p[side].to_numpy() for side in sides}
    strata = drawn.drop_duplicates("session_key", keep="last").set_index("session_key")["stratum"]
    return bad.assign(
        **scores,
        stratum=keys.map(strata) if len(strata) else "all",
    )


def any_of(chances, of):
    """Give the machine's probability that a conversation has at least one of several reasons.

    Parameters
    ----------
    chances : pandas.DataFrame with `session_key, code, p`; a code given twice counts by its largest p
    of : str, the column that says which reasons go together, such as their side or owner

    Returns
    -------
    pandas.DataFrame
        By `session_key`, one column a value of `of`: 1 - product of (1 - p), reasons taken as independent.
        On coded real conversations it ranks better than the largest p alone, and any bias that it has
        is corrected where people looked. 0 where there is no reason of that kind.

    Examples
    --------
    >>> chances = pd.DataFrame({"session_key": [1, 1, 2], "code": ["ability", "attitude", "price"],
    ...                         "p": [0.5, 0.5, 0.9], "whose": ["ours", "ours", "theirs"]})
    >>> any_of(chances, "whose").values.tolist()
    [[0.75, 0.0], [0.0, 0.9]]
    """
    each = chances.groupby(["session_key", of, "code"])["p"].max().astype(float)
    none = (1 - each).groupby(["session_key", of]).prod()
    return (1 - none).unstack(of).fillna(0.0)


def measure_sides(scored, human=None, by=None, confidence=0.95, folder=None):
    """Measure which share of dissatisfied conversations is controllable, mixed, uncontrollable, unexplained.

    Parameters
    ----------
    scored : pandas.DataFrame of `scored_sessions`
    human : pandas.DataFrame, table `human_labels`, or None; answers with `use` train are not counted
    by : str or list of str, columns to group by; missing values form a group of their own
    confidence : float
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `side_share`, by `side` and `by`, and `sessions`, the conversations that
        the share is about; n is the number of them that people labelled. The shares of a group add up
        to 1. Conversations never drawn from are not in it, and `method` says so.
        From 30 conversations on that two people coded, coders' errors are corrected, and `method` says so.
        Without labels a group has no value, its interval are the bounds of `bound_sides`, and the method
        is `unverified`. Below 5 labels, or 5 conversations without any, a group is suppressed; below 30, where there are more than three
        groups, its correction is drawn towards that of the others.

    Raises
    ------
    MetricError
        If a column to group by is unknown.
    ParameterError
        If a column of the labels is missing, or a code is not in the guide.

    Source
    ------
    Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, section 6.3 (difference estimator);
    Angelopoulos, Duchi & Zrnic (2023), arXiv:2311.01453 (how far to lean on the machine: PPI++); Franco,
    Little, Louis & Slud (2019), J. Survey Statistics and Methodology 7:334-364 (Wilson interval on the
    effective number of labels); Tenenbein (1970), JASA 65:1350-1361 (coders' errors, by double coding).

    Examples
    --------
    >>> scored = pd.DataFrame({"session_key": range(8), "stratum": "all", "side": "unexplained",
    ...                        "p_controllable": 0.0, "p_uncontrollable": 0.0})
    >>> measure_sides(scored)[["side", "n", "low", "high", "method"]].values.tolist()[0]
    ['controllable', 0, 0.0, 0.0, 'unverified']
    """
    table = _estimate_groups(scored, human, by, confidence, folder)
    sides = table[table["estimand"].isin(SIDES)].rename(columns={"estimand": "side"})
    return sides.assign(metric="side_share")[["metric", "side", *names(by), *_COLUMNS]].reset_index(drop=True)


def measure_controllable(scored, human=None, by=None, confidence=0.95, folder=None):
    """Measure the controllable share of dissatisfied conversations, from its broad to its strict reading.

    Parameters
    ----------
    scored, human, by, confidence, folder : as in `measure_sides`

    Returns
    -------
    pandas.DataFrame
        Table `results` as in `measure_sides`, the broadest reading first: `controllable_share` (at least
        one controllable reason), `controllable_share_split` (every conversation counts by the controllable
        part of its reasons), `controllable_share_strict` (no other reason).

    Raises
    ------
    MetricError, ParameterError
        As in `measure_sides`.

    Examples
    --------
    >>> import csnb
    >>> bad = csnb.dissatisfied_sessions(csnb.select_sessions(book))
    >>> scored = csnb.scored_sessions(bad, book.labels, book.drawn, chances=book.chances)
    >>> human = csnb.select_labels(book, bad)
    >>> csnb.measure_controllable(scored)[["metric", "n"]].values.tolist()
    [['controllable_share', 0], ['controllable_share_split', 0], ['controllable_share_strict', 0]]
    """
    table = _estimate_groups(scored, human, by, confidence, folder)
    readings = [table[table["estimand"] == name].assign(metric=metric) for metric, name in METRICS.items()]
    return pd.concat(readings, ignore_index=True)[["metric", *names(by), *_COLUMNS]]


def measure_domains(scored, human=None, by=("channel", "team"), confidence=0.95, folder=None):
    """Measure the controllable share in its broad reading, by one column after the other.

    Parameters
    ----------
    scored, human, confidence, folder : as in `measure_sides`
    by : list of str, the columns; who has none in one of them is not in its rows

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `controllable_share`, one row a `dimension` (the column) and `group` (in
        words), as a page shows it (`with_base`).

    Examples
    --------
    >>> scored = pd.DataFrame({"session_key": range(8), "stratum": "all", "side": "unexplained", "team": "甲",
    ...                        "p_controllable": 0.0, "p_uncontrollable": 0.0})
    >>> measure_domains(scored, by=["team"])[["dimension", "group", "n"]].values.tolist()
    [['team', '甲', 8]]
    """
    found = []
    for name in by:
        table = measure_controllable(scored, human, name, confidence, folder)
        broad = table[(table["metric"] == "controllable_share") & table[name].notna()]
        words = [word_of(name, value) for value in broad[name]]
        found.append(broad.assign(dimension=name, group=pd.Series(words, broad.index, dtype=object)))
    return with_base(pd.concat(found, ignore_index=True)[["metric", "dimension", "group", *_COLUMNS]])


def list_readings(controllable):
    """Set the readings of the controllable share side by side, from broad to strict, as one metric.

    Parameters
    ----------
    controllable : pandas.DataFrame of `measure_controllable`

    Returns
    -------
    pandas.DataFrame
        The same rows with metric `controllable_share` and `reading`: broad, split or strict.

    Examples
    --------
    >>> scored = pd.DataFrame({"session_key": range(8), "stratum": "all", "side": "unexplained",
    ...                        "p_controllable": 0.0, "p_uncontrollable": 0.0})
    >>> list_readings(measure_controllable(scored))["reading"].tolist()
    ['broad', 'split', 'strict']
    """
    table = controllable.assign(reading=controllable["metric"].map(_READINGS), metric="controllable_share")
    return with_base(table[["metric", "reading", *table.columns.drop(["metric", "reading"])]])


def with_base(shares):
    """Give shares as a page shows them, n being what each number stands on.

    Parameters
    ----------
    shares : results with `sessions`, such as those of `measure_sides`

    Returns
    -------
    pandas.DataFrame
        The same rows. Bounds stand on all the conversations they are of, so there n is `sessions`, not the 0 labels;
        where nobody has labelled at all the column `sessions` would say the same again and is dropped. Shares of
        no conversations are left out.

    Examples
    --------
    >>> scored = pd.DataFrame({"session_key": range(8), "stratum": "all", "side": "unexplained",
    ...                        "p_controllable": 0.0, "p_uncontrollable": 0.0})
    >>> with_base(measure_sides(scored))["n"].tolist()
    [8, 8, 8, 8]
    """
    known = shares[shares["sessions"] > 0]
    is_bound = known["n"] == 0
    based = known.assign(n=known["n"].mask(is_bound, known["sessions"]))
    return based.drop(columns="sessions") if is_bound.all() else based


def measure_labelling_need(scored, human=None, margin=0.05, confidence=0.95, folder=None):
    """Say how many more labels would narrow the controllable share to a margin.

    Parameters
    ----------
    scored, human, confidence, folder : as in `measure_sides`
    margin : float, half the width of the interval wanted, such as 0.05 for 5 percentage points

    Returns
    -------
    pandas.DataFrame
        Table `results` with one row, metric `labels_needed`: what to add to the n labels there are. Below 5
        labels the machine is not credited with any precision. Missing without conversations.

    Raises
    ------
    ParameterError
        If the margin does not lie between 0 and 0.5.

    Examples
    --------
    >>> scored = pd.DataFrame({"session_key": range(1000), "stratum": "all", "side": ["mixed", "unexplained"] * 500,
    ...                        "p_controllable": 0.5, "p_uncontrollable": 0.5})
    >>> measure_labelling_need(scored)[["n", "value"]].values.tolist()
    [[0.0, 278.0]]
    """
    if not 0 < margin < 0.5:
        raise ParameterError(f"margin must lie between 0 and 0.5, such as 0.05; got: {margin}")
    table = _estimate_groups(scored, human, None, confidence, folder)
    row = table[table["estimand"] == "any"].iloc[0]
    wanted = row["spread"] * (distributions.norm.ppf(quantile_of(confidence)) / margin) ** 2
    more = np.ceil(wanted / (1 + wanted / max(row["sessions"], 1))) - row["n"]
    need = {**row, "metric": "labels_needed", "value": max(more, 0.0) if row["sessions"] else np.nan,
            "low": np.nan, "high": np.nan, "unit": "count", "method": f"margin {margin:.0%}"}  # fmt: skip
    return pd.DataFrame([need])[["metric", *_COLUMNS]]


# ---- from answers and groups to one row a group and share


class _Sample(NamedTuple):
    """What people say: the value of every share by session_key, what to add for the errors of single coders
    (or None), and how far to lean on the machine."""

    values: pd.DataFrame
    correction: Correction | None
    lean: float


def _estimate_groups(scored, human, by, confidence, folder):
    """Estimate every share in every group: `estimand`, the columns of results, and `spread`."""
    sample = _read_sample(scored, human, folder)
    groups = list(groups_of(scored, by))
    fits = [_fit(group, sample) for _, group in groups]
    is_steadied = [fit is not None and SMALLEST_GROUP <= fit.n < PLAIN for fit in fits] if by else []
    if any(is_steadied):
        fits = _steady(fits, is_steadied, _fit(scored, sample))
    rows = []
    for (key, group), fit in zip(groups, fits, strict=True):
        cells = _bounded(group) if fit is None else _estimated(group, fit, sample, confidence)
        common = {**key, "unit": "rate", "rulepack": packs_of(group)}
        rows += [{**common, "estimand": name, **cell} for name, cell in zip(ESTIMANDS, cells, strict=True)]
    return pd.DataFrame(rows, columns=[*names(by), "estimand", *_COLUMNS, "spread"])


def _read_sample(scored, human, folder):
    """Read what people coded of these conversations; None where nobody did."""
    if human is None:
        return None
    drawn, answers = scored[scored["stratum"].notna()], read_answers(human, folder)
    own = answers[answers.index.isin(drawn["session_key"], level="session_key")]
    if own.empty:
        return None
    values, correction = _values(own, answers)
    strata, labelled, y, f = _phases(drawn, values)
    sides = list(SIDES)  # the other shares are sums of these
    return _Sample(values, correction, lean_on_machine(strata, labelled, y[sides], f[sides]))


def _values(own, answers):
    """Give the values of the conversations in question; errors of coders are learnt from all there are."""
    known = double_coded(answers)
    if len(known) < PLAIN:
        return settled_values(own), None
    coded = coded_values(answers)
    weight = answers.groupby(level="session_key")["weight"].first()[known.index]
    lean, off = correct_coders(known, coded.loc[known.index], weight)
    return lean * coded[coded.index.isin(own.index.get_level_values("session_key"))], off


def _phases(drawn, values):
    """Give strata, who is labelled, y and f of some conversations."""
    labelled = drawn["session_key"].isin(values.index).to_numpy()
    return drawn["stratum"], labelled, values.loc[drawn["session_key"][labelled]], _scores(drawn)


def _scores(drawn):
    """Give the machine's score for every share, as if it judged the two sides independently."""
    inside, outside = drawn["p_controllable"].astype(float), drawn["p_uncontrollable"].astype(float)
    return side_values(inside, outside, 0.5)


def _fit(group, sample):
    """Estimate the shares of one group; None where nobody labelled in it."""
    if sample is None:
        return None
    drawn = group[group["stratum"].notna()]
    if not drawn["session_key"].isin(sample.values.index).any():
        return None
    fit, off = two_phase(*_phases(drawn, sample.values), sample.lean), sample.correction
    if off is None:
        return fit
    return fit._replace(estimate=fit.estimate + off.estimate, variance=fit.variance + off.variance)


def _steady(fits, is_small, whole):
    """Give small groups the spread of all labels; among more than three, draw their corrections together."""
    fits = [
        _with_common_spread(fit, whole) if small else fit for fit, small in zip(fits, is_small, strict=True)
    ]
    known = [place for place, fit in enumerate(fits) if fit is not None and fit.n >= SMALLEST_GROUP]
    off = np.array([fits[place].estimate - fits[place].machine for place in known])
    variance = np.array([fits[place].variance for place in known])
    if len(known) <= 3 or not (variance > 0).all():
        return fits
    drawn = [shrink(off[:, share], variance[:, share]) for share in range(off.shape[1])]
    for row, place in enumerate(known):
        if is_small[place]:
            values, spread = (
                np.array([table[name].iloc[row] for table in drawn]) for name in ("shrunk", "variance")
            )
            fits[place] = _adding_up(
                fits[place]._replace(estimate=fits[place].machine + values, variance=spread)
            )
    return fits


def _with_common_spread(fit, whole):
    """Give one group the variance that its labels have if each is worth what a label is worth overall."""
    unseen = 1 - fit.n / fit.size
    return fit._replace(variance=whole.spread * unseen / fit.n, freedom=whole.freedom)


def _adding_up(fit):
    """Make the four sides add up to 1 again after each was drawn by itself."""
    estimate = np.clip(fit.estimate, 0, 1)
    estimate[: len(SIDES)] /= estimate[: len(SIDES)].sum()
    return fit._replace(estimate=estimate)


def _bounded(group):
    """Give the rows of a group without labels: bounds; of a few conversations they say nothing."""
    is_few = 0 < len(group) < SMALLEST_GROUP
    for low, high in bound_sides(group).values():
        spread = max(
            (share * (1 - share) for share in (low, high, 0.5) if low <= share <= high), default=np.nan
        )
        ends = {"low": np.nan, "high": np.nan} if is_few else {"low": low, "high": high}
        yield {"n": 0, "value": np.nan, **ends, "method": "suppressed" if is_few else UNVERIFIED,
               "sessions": len(group), "spread": spread}  # fmt: skip


def _estimated(group, fit, sample, confidence):
    """Give the rows of a group with labels."""
    notes = [
        TWO_PHASE,
        *[CORRECTED] * (sample.correction is not None),
        *[NOT_ALL_DRAWN] * (fit.size < len(group)),
    ]
    shown = np.column_stack(share_intervals(fit, confidence))
    if fit.n < SMALLEST_GROUP:
        notes, shown, fit = ["suppressed"], np.full_like(shown, np.nan), fit._replace(spread=_WIDEST)
    for (value, low, high), spread in zip(shown.tolist(), fit.spread, strict=True):
        yield {"n": fit.n, "value": value, "low": low, "high": high, "method": ", ".join(notes),
               "sessions": fit.size, "spread": spread}  # fmt: skip
