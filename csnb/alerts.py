"""Alerts: conversations that somebody should look at, how usual they are, and which to read first.

An alert is a condition on a column of sessions: `definitions/alerts.toml`.
"""

import numpy as np
import pandas as pd
from scipy import stats as distributions

from csnb.book import read_conversations
from csnb.formats import word_of
from csnb.lookup import line_of, read_toml, wrong
from csnb.measures import SMALLEST_GROUP
from csnb.stats import adjust_pvalues, difference_interval, wilson_interval
from csnb.strings import text
from csnb.windows import NO_DAYS, in_days, period_spans

FILE = "alerts.toml"
KEYS = {"column", "at_least", "among", "weight", "checked_by"}
BASE_DAYS = 28


def read_alerts(folder=None):
    """Read the alerts.

    Returns
    -------
    dict of name to column, condition and weight

    Raises
    ------
    DefinitionError
        If an alert lacks its column or weight, or has a key that is not known; file, line and alert are named.

    Examples
    --------
    >>> read_alerts()["unanswered"]["column"]
    'unanswered_count'
    """
    alerts = read_toml(FILE, folder)
    for name, alert in alerts.items():
        unknown = sorted(set(alert) - KEYS)
        if unknown or not {"column", "weight"} <= set(alert):
            raise wrong(
                FILE, line_of(FILE, f"[{name}]", folder), name, f"needs column and weight; unknown: {unknown}"
            )
    return alerts


def add_alerts(sessions, folder=None):
    """Say which alerts each conversation raises.

    Parameters
    ----------
    sessions : pandas.DataFrame, `book.sessions` or a part of it
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        `sessions` and one yes/no column an alert of `definitions/alerts.toml`, named `alert_<name>`; a fact
        that is missing raises none.
    """
    alerts = read_alerts(folder)
    return sessions.assign(**{f"alert_{name}": _raised(sessions, alert) for name, alert in alerts.items()})


def _raised(sessions, alert):
    """Say where one alert is raised."""
    facts = sessions.get(alert["column"], pd.Series(pd.NA, sessions.index))
    if "among" in alert:
        return facts.isin(alert["among"])
    return facts.astype("Float64").ge(alert.get("at_least", 1)).fillna(False).astype(bool)


def measure_alerts(sessions, periods, human_labels, confidence=0.95, folder=None):
    """Digest the alerts of this period: how many, how many are usual, and how many are false.

    Parameters
    ----------
    sessions : pandas.DataFrame; the four weeks before the period are the base
    periods : pandas.DataFrame of `find_periods`
    human_labels : pandas.DataFrame, `book.human_labels`
    confidence : float
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        Results by `alert`: `n` counted conversations, `value` the share that raises the alert, beside `case_count`
        (alerts of one buyer in one shop on one day are one case), `value_base` (the share in the four weeks before, over
        `n_base`), `difference` with its interval (Newcombe), `movement` (more, fewer or none, after Benjamini-Hochberg), and
        `false_alarm_rate` with its interval and `checked_count`: among alerts of the machine that an analyst or a rating
        can check, how many were false. Missing for measured facts. Shares of fewer than 5 are suppressed.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> periods = csnb.find_periods(sessions, "2026-11-19", "2026-11-21")
    >>> csnb.measure_alerts(sessions, periods, book.human_labels)[["alert", "n"]].head(2).values.tolist()
    [['low_score', 3], ['attitude', 3]]
    """
    counted = add_alerts(sessions[sessions["left_out_because"].isna()], folder)
    now, base = (in_days(counted, span) for span in (period_spans(periods)["this"], _base_span(periods)))
    rows = [_digest(now, base, name, alert, human_labels, confidence)
            for name, alert in read_alerts(folder).items()]  # fmt: skip
    table = pd.DataFrame(rows)
    moved = adjust_pvalues(table["p_value"].to_numpy(float)) < 1 - confidence
    words = np.where(moved, np.where(table["difference"] > 0, "more", "fewer"), "none")
    return table.drop(columns="p_value").assign(
        movement=pd.Series(words).where(table["p_value"].notna(), None)
    )


def _base_span(periods):
    """Give first and last day of the four weeks before this period."""
    first_day, _ = period_spans(periods)["this"]
    if not first_day:
        return NO_DAYS
    return tuple(
        (pd.Timestamp(first_day) - pd.Timedelta(days=days)).strftime("%Y-%m-%d") for days in (BASE_DAYS, 1)
    )


def _digest(now, base, name, alert, human_labels, confidence):
    """Give one row of the digest."""
    raised, usual = now[f"alert_{name}"], base[f"alert_{name}"]
    value, low, high = _share_raised(raised, confidence)
    usual_value, _, _ = _share_raised(usual, confidence)
    cases = now[raised].assign(buyer=now["buyer_id"].fillna(now["session_id"]))
    false, checked = _false_alarms(now[raised], alert.get("checked_by", []), human_labels)
    false_rate, false_low, false_high = _share(false, checked, confidence)
    is_few = 0 < len(now) < SMALLEST_GROUP
    return {
        "metric": "alert_rate", "alert": name, "n": len(now), "value": value,
        "low": low, "high": high, "unit": "rate", "method": "suppressed" if is_few else "wilson", "rulepack": "",
        "case_count": len(cases.drop_duplicates(["shop", "buyer", "day"])),
        "value_base": usual_value, "n_base": len(base), **_gap(raised, usual, confidence),
        "false_alarm_rate": false_rate, "false_alarm_rate_low": false_low,
        "false_alarm_rate_high": false_high, "checked_count": checked,
    }  # fmt: skip


def _gap(raised, usual, confidence):
    """Compare two shares of conversations that raise an alert."""
    before, after = (_share_raised(alerts, confidence) for alerts in (usual, raised))
    gap, (low, high) = after[0] - before[0], difference_interval(before, after)
    spread = (high - low) / 2 / distributions.norm.ppf((1 + confidence) / 2)
    p_value = 2 * distributions.norm.sf(abs(gap) / spread) if spread > 0 else np.nan
    return {"difference": gap, "difference_low": low, "difference_high": high, "p_value": p_value}


def _share_raised(alerts, confidence):
    """Give the share of conversations that raise an alert, with its interval."""
    return _share(int(alerts.sum()), len(alerts), confidence)


def _share(hits, n, confidence):
    """Give a share with Wilson's interval; missing where n is small."""
    if n < SMALLEST_GROUP:
        return np.nan, np.nan, np.nan
    low, high = wilson_interval(hits, n, confidence)
    return hits / n, float(low), float(high)


def _false_alarms(alerted, checked_by, human_labels):
    """Count the alerts that were checked, and those of them that were false."""
    answers = human_labels[
        human_labels["session_key"].isin(alerted["session_key"]) & human_labels["code"].isin(checked_by)
    ]
    is_right = answers.groupby("session_key")["holds"].any()
    if "ratings" in checked_by:
        rated = alerted[alerted["is_satisfied"].notna() & ~alerted["session_key"].isin(is_right.index)]
        is_right = pd.concat([is_right, ~rated.set_index("session_key")["is_satisfied"].astype(bool)])
    return int((~is_right.astype(bool)).sum()), len(is_right)


# ---- the reading list


def list_reading(sessions, periods, count=10, folder=None):
    """List the conversations of this period to read first: those that raise the weightiest alerts.

    Parameters
    ----------
    sessions : pandas.DataFrame
    periods : pandas.DataFrame of `find_periods`
    count : int
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        The sessions, the weightiest first (by the sum of the alerts' weights, then by the machine's probability of
        dissatisfaction, then the earliest), one a buyer, with `place` from 1, `weight`, and `alerts` in words.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> periods = csnb.find_periods(sessions, "2026-11-19", "2026-11-21")
    >>> csnb.list_reading(sessions, periods)[["place", "session_id", "alerts"]].values.tolist()
    [[1, '1006', '有提问未答']]
    """
    alerts = read_alerts(folder)
    now = add_alerts(
        in_days(sessions[sessions["left_out_because"].isna()], period_spans(periods)["this"]), folder
    )
    raised = now[[f"alert_{name}" for name in alerts]]
    weight = raised.to_numpy(float) @ [alert["weight"] for alert in alerts.values()]
    comma = text("word.list_separator")
    words = [comma.join(word_of("alert", name) for name, hit in zip(alerts, row, strict=True) if hit)
             for row in raised.itertuples(index=False)]  # fmt: skip
    ranked = (
        now.assign(weight=weight, alerts=words, buyer=now["buyer_id"].fillna(now["session_id"]))
        .query("weight > 0")
        .sort_values(["weight", "p_dissatisfied", "started_at", "session_id"], ascending=[False, False, True, True],
                     kind="stable")
        .drop_duplicates(["shop", "buyer"])
        .head(count)
    )  # fmt: skip
    return ranked.assign(place=np.arange(1, len(ranked) + 1)).drop(columns="buyer").reset_index(drop=True)


def list_transcripts(book, reading):
    """List the messages of the conversations to read, masked, with the machine's evidence marked.

    Parameters
    ----------
    book : Book
    reading : pandas.DataFrame of `list_reading`

    Returns
    -------
    pandas.DataFrame
        One row a message with text: `case` (place, shop and session), `session_id, role, text, quote`.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> periods = csnb.find_periods(sessions, "2026-11-19", "2026-11-21")
    >>> reading = csnb.list_reading(sessions, periods)
    >>> list(csnb.list_transcripts(book, reading))
    ['case', 'session_id', 'role', 'text', 'quote']
    """
    keys = reading[["session_key", "session_id", "place"]].assign(
        case=[
            text("word.case", place=row.place, shop=word_of("shop", row.shop), session=row.session_id)
            for row in reading.itertuples()
        ]
    )
    labels = book.labels
    quoted = labels[labels["session_key"].isin(keys["session_key"])].dropna(subset=["number", "quote"])
    quoted = quoted.drop_duplicates(["session_key", "number"])[["session_key", "number", "quote"]]
    said = read_conversations(book, keys["session_key"]).drop_nulls("text")
    said = said.select("session_key", "number", "role", "text").to_pandas()
    joined = said.merge(quoted, on=["session_key", "number"], how="left").merge(keys, on="session_key")
    return joined.sort_values(["place", "number"], ignore_index=True)[
        ["case", "session_id", "role", "text", "quote"]
    ]
