"""Satisfaction: how customers rated, why they were dissatisfied by the machine's codes, in whose words.

Machine codes are counts, never shares: a share of all dissatisfied conversations needs a labelled
sample (`csnb.shares`). Ratings and suspected dissatisfaction are two populations and are never mixed.

Platforms define satisfaction differently. So a rate of ratings is given platform by platform, while
dissatisfied conversations, each by the rule of its own platform, may be counted together, and shares
taken of them: what is controllable is defined once.
"""

import numpy as np
import pandas as pd
import polars as pl

from csnb.formats import word_of
from csnb.measures import SMALLEST_GROUP, measure
from csnb.metrics import counts_for_ratings
from csnb.reasons import read_reasons, read_sure
from csnb.schema import RESULT_FIGURES
from csnb.sides import SIDES
from csnb.stats import wilson_interval
from csnb.strings import text

BY_MACHINE = "machine codes, unverified"
SLICES = ("channel", "shop", "team", "agent_id", "product", "event", "daypart")


def dissatisfied_sessions(sessions):
    """Give the rated sessions that count as dissatisfied; one without a coded reason is `unexplained`.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`, or `book.sessions`

    Returns
    -------
    pandas.DataFrame
        Some rows of `sessions`, dissatisfied by the rule of their platform.

    Examples
    --------
    >>> dissatisfied_sessions(book.sessions)[["session_id", "score", "side"]].values.tolist()
    [['1002', 1.0, 'mixed'], ['1003', 2.0, 'uncontrollable'], ['1005', 1.0, 'uncontrollable']]
    """
    counted = _counted_sessions(sessions)
    bad = counted[counted["is_dissatisfied"].fillna(False).astype(bool)]
    return bad.assign(side=bad["side"].fillna("unexplained"))


def suspected_sessions(sessions):
    """Give the unrated sessions in which the machine suspects dissatisfaction.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`, or `book.sessions`

    Returns
    -------
    pandas.DataFrame
        Some rows of `sessions`: never to be counted together with the rated ones.

    Examples
    --------
    >>> suspected_sessions(book.sessions)["is_rated"].sum()
    np.int64(0)
    """
    unrated = sessions["left_out_because"].isna() & ~sessions["is_rated"].astype(bool)
    return sessions[unrated & sessions["is_suspected"].fillna(False).astype(bool)]


def largest_platform(sessions):
    """Keep the sessions of the platform with the most ratings, for what can only be drawn of one platform.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`

    Returns
    -------
    pandas.DataFrame, some rows of `sessions`; none where there are none

    Examples
    --------
    >>> largest_platform(book.sessions)["platform"].unique().tolist()
    ['taobao']
    """
    counted = _counted_sessions(sessions)
    sizes = counted.groupby("platform")["is_rated"].agg([lambda rated: rated.astype(bool).sum(), "size"])
    largest = sizes.sort_index().sort_values(list(sizes), ascending=False, kind="stable").index[:1]
    return sessions[sessions["platform"].isin(largest)]


def _counted_sessions(sessions):
    """Keep the sessions whose ratings count."""
    return sessions[counts_for_ratings(sessions)]


def measure_scores(sessions, confidence=0.95):
    """Measure how the ratings of each platform spread over the five levels.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    confidence : float

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `score_share`, by `platform` and `score` from 5 to 1; n is the number of ratings.
        Below 5 ratings the values are suppressed.

    Examples
    --------
    >>> measure_scores(book.sessions)[["score", "n", "value"]].round(2).values.tolist()
    [['5', 6, 0.33], ['4', 6, 0.17], ['3', 6, 0.0], ['2', 6, 0.17], ['1', 6, 0.33]]
    """
    rows = []
    for platform, part in _counted_sessions(sessions).groupby("platform"):
        scores = part.loc[part["is_rated"].astype(bool), "score"].round().astype(int)
        for score in (5, 4, 3, 2, 1):
            share = _share(int((scores == score).sum()), len(scores), confidence)
            rows.append({"metric": "score_share", "platform": platform, "score": str(score), **share})
    return _shares(rows, ["platform", "score"])


def measure_funnel(sessions, confidence=0.95):
    """Measure how many were invited, how many of these rated, and how these were satisfied, platform by platform.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    confidence : float

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `funnel_share`, one row a `platform` and `step`: `invited` (of all), `rated` (of the
        invited, or of all where invitations are not known), `satisfied`, `dissatisfied` (of all rated), plus
        `reached_count`; n is what the share is of. A step that is not known has no value; below 5 it is suppressed.

    Examples
    --------
    >>> measure_funnel(book.sessions)[["step", "reached_count", "n"]].values.tolist()
    [['invited', 7, 8], ['rated', 6, 7], ['satisfied', 3, 6], ['dissatisfied', 3, 6]]
    """
    rows = []
    for platform, part in _counted_sessions(sessions).groupby("platform"):
        for step, (count, n) in _steps(part).items():
            rows.append({"metric": "funnel_share", "platform": platform, "step": step,
                         **_share(count, n, confidence), "reached_count": count})  # fmt: skip
    return _shares(rows, ["platform", "step"], ["reached_count"]).astype({"reached_count": "Int64"})


def _steps(sessions):
    """Give for every step how many reached it, and of how many."""
    rated = sessions["is_rated"].fillna(False).astype(bool)
    known = sessions["is_invited"].astype("boolean")
    knows, invited, n = bool(known.notna().any()), known.fillna(False).astype(bool), int(rated.sum())
    hits = {name: int((sessions[f"is_{name}"].fillna(False).astype(bool) & rated).sum())
            for name in ("satisfied", "dissatisfied")}  # fmt: skip
    asked = int(invited.sum())
    return {
        "invited": (asked if knows else np.nan, len(sessions)),
        "rated": (int((rated & invited).sum()), asked) if knows else (n, len(sessions)),
        **{name: (count, n) for name, count in hits.items()},
    }


def _share(count, n, confidence):
    """Give a share with Wilson's interval; missing where it is not known, suppressed below five."""
    if count != count or n < SMALLEST_GROUP:
        method = "suppressed" if 0 < n < SMALLEST_GROUP else "wilson"
        return {"n": n, "value": np.nan, "low": np.nan, "high": np.nan, "method": method}
    low, high = wilson_interval(count, n, confidence)
    return {"n": n, "value": count / n, "low": float(low), "high": float(high), "method": "wilson"}


def _shares(rows, by, more=()):
    """Give shares the shape of results."""
    columns = ["metric", *by, *RESULT_FIGURES, *more]
    return pd.DataFrame(rows, columns=columns).assign(unit="rate", rulepack="")


def measure_slices(sessions, events, audience="analyst", confidence=0.95):
    """Measure where more are dissatisfied: by channel, shop, team, agent, product, event and time of day.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    events : pandas.DataFrame, `book.events`
    audience : "analyst", "lead" or "leadership"; only analysts see single agents
    confidence : float

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `dissatisfaction_rate`, one row a `platform, dimension, group`; n are its ratings,
        beside `session_count` and `invited_count` (missing where invitations are not known). Not adjusted
        for what was asked.

    Examples
    --------
    >>> table = measure_slices(book.sessions, book.events)
    >>> table.loc[table["dimension"] == "shop", ["platform", "n"]].values.tolist()
    [['taobao', 6]]
    """
    sliced = sessions.assign(event=_events_of(sessions, events))
    names = [
        name for name in SLICES
        if name in sliced and sliced[name].notna().any() and (name != "agent_id" or audience == "analyst")
    ]  # fmt: skip
    parts = [_slice(sliced, name, confidence) for name in names]
    columns = ["metric", "platform", "dimension", "group", *RESULT_FIGURES,
               "session_count", "invited_count"]  # fmt: skip
    return pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)


def say_unsliced(sessions):
    """Say which slices cannot be made of which platform, for its export lacks the column.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`

    Returns
    -------
    str
        One sentence; empty where every platform has every column. The calendar of events is no column.

    Examples
    --------
    >>> say_unsliced(book.sessions.assign(channel="搜索", team="甲", product="杯子", daypart="上午"))
    ''
    """
    columns = [name for name in SLICES if name != "event"]
    known = _counted_sessions(sessions).reindex(columns=["platform", *columns])
    separator, lacking = text("word.list_separator"), []
    for platform, part in known.groupby("platform"):
        missing = [word_of("dimension", name) for name in columns if part[name].isna().all()]
        if missing:
            values = {"platform": word_of("platform", platform), "dimensions": separator.join(missing)}
            lacking.append(text("slice.of_platform", **values))
    return text("slice.unmade", lacking=text("word.clause_separator").join(lacking)) if lacking else ""


def _events_of(sessions, events):
    """Name the kind of event that each conversation began in; "none" where the calendar holds none."""
    kind = pd.Series("none", sessions.index).where(sessions["started_at"].notna())
    for event in events.to_dict("records"):
        ends = event["starts_at"] if pd.isna(event["ends_at"]) else event["ends_at"]
        inside = sessions["started_at"].between(event["starts_at"], ends)
        if not pd.isna(event["shop"]):
            inside &= sessions["shop"] == event["shop"]
        kind = kind.mask(inside, event["kind"])
    return kind


def _slice(sessions, name, confidence):
    """Measure one column, with how many conversations there were, and how many were invited, beside."""
    by = ["platform", name]
    bad = measure(sessions, "dissatisfaction_rate", by, confidence)
    groups = _counted_sessions(sessions).groupby(by, observed=True)["is_invited"]
    asked = pd.DataFrame({
        "session_count": groups.size(), "invited_count": groups.agg(lambda each: each.astype("Int64").sum(min_count=1)),
    })  # fmt: skip
    named = bad.merge(asked.astype("Int64"), left_on=by, right_index=True, how="left")
    rated = named[named[name].notna() & (named["n"] > 0)]
    return rated.assign(dimension=name, group=[word_of(name, value) for value in rated[name]])


def count_sides(sessions, by=None):
    """Count dissatisfied conversations by the side of the machine's reasons.

    Parameters
    ----------
    sessions : pandas.DataFrame of `dissatisfied_sessions` or `suspected_sessions`
    by : str or None, one more column to group by

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `coded_sessions`, by `side` (and `by`), in the order of SIDES; n is
        the number of conversations in the group. Counts of the machine, without an interval.

    Examples
    --------
    >>> sides = count_sides(dissatisfied_sessions(book.sessions))
    >>> sides[["side", "value"]].values.tolist()
    [['controllable', 0.0], ['mixed', 1.0], ['uncontrollable', 2.0], ['unexplained', 0.0]]
    """
    groups = [("all", sessions)] if by is None else list(sessions.groupby(by, observed=True))
    rows = [
        {"metric": "coded_sessions", **({} if by is None else {by: key}), "side": side, "n": len(part),
         "value": float((part["side"] == side).sum()) if len(part) else np.nan}
        for key, part in groups
        for side in SIDES
    ]  # fmt: skip
    return _counted(rows, ["side"] if by is None else [by, "side"])


def count_reasons(sessions, labels, folder=None):
    """Count dissatisfied conversations by reason; one conversation may have several.

    Parameters
    ----------
    sessions : pandas.DataFrame of `dissatisfied_sessions` or `suspected_sessions`
    labels : pandas.DataFrame, `book.labels`
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `coded_sessions`, by `reason`, its `side` and `owner` (who answers for
        it), the most frequent first; n is the number of conversations.

    Examples
    --------
    >>> reasons = count_reasons(dissatisfied_sessions(book.sessions), book.labels)
    >>> reasons[["reason", "owner", "value"]].head(2).values.tolist()
    [['timeliness', 'agent', 1.0], ['price', 'merchandising', 1.0]]
    """
    reasons = _reasons(folder)
    held = labels[labels["session_key"].isin(sessions.loc[sessions["primary"].notna(), "session_key"])]
    counts = held[held["code"].isin(reasons["code"])].groupby("code")["session_key"].nunique()
    found = reasons[reasons["code"].isin(counts.index)].assign(
        value=lambda rows: rows["code"].map(counts).astype(float)
    )
    rows = [
        {"metric": "coded_sessions", "reason": row.code, "side": row.side, "owner": row.owner,
         "n": len(sessions), "value": row.value}
        for row in found.sort_values("value", ascending=False, kind="stable").itertuples()
    ]  # fmt: skip
    return _counted(rows, ["reason", "side", "owner"])


def list_quotes(book, sessions, each=3):
    """List customers' own words under each reason: the messages of evidence, masked.

    Parameters
    ----------
    book : Book
    sessions : pandas.DataFrame of `dissatisfied_sessions` or `suspected_sessions`
    each : int, conversations shown a reason; those with the surest evidence come first, and only those whose
        probability reaches what `sure.toml` asks for; of the same words, whatever their punctuation, one

    Returns
    -------
    pandas.DataFrame
        One row a message: `reason, session_id, role, text, quote` (an exact part of the text).

    Examples
    --------
    >>> quotes = list_quotes(book, dissatisfied_sessions(book.sessions))
    >>> quotes[["reason", "quote"]].head(2).values.tolist()
    [['timeliness', '等了六分钟就这一句？太慢了'], ['price', '那也太坑了']]
    """
    reasons = _reasons(book.definitions_folder)["code"]
    labels = book.labels
    is_sure = labels["p"] >= labels["code"].map(read_sure(book.definitions_folder)).fillna(0)
    chosen = (
        labels[labels["session_key"].isin(sessions["session_key"]) & labels["code"].isin(reasons) & is_sure]
        .dropna(subset=["number", "quote"])
        .sort_values(["p", "session_id"], ascending=[False, True], kind="stable")
        .assign(words=lambda rows: rows["quote"].str.replace(r"\W+", "", regex=True))
        .drop_duplicates(["code", "words"])
        .groupby("code", sort=False)
        .head(each)
    )
    wanted = pl.from_pandas(chosen[["session_key", "number", "code", "quote"]]).lazy()
    said = (
        book.messages.join(wanted.cast({"number": pl.Int32}), on=["session_key", "number"])
        .join(book.texts.select("text_id", "text"), on="text_id")
        .select("session_key", "number", "code", "quote", "role", "text")
        .collect()
        .to_pandas()
    )
    order = pd.Categorical(said["code"], list(reasons), ordered=True)
    named = said.assign(_order=order).merge(sessions[["session_key", "session_id"]], on="session_key")
    shown = named.sort_values(["_order", "session_id", "number"], ignore_index=True)
    return shown.rename(columns={"code": "reason"})[["reason", "session_id", "role", "text", "quote"]]


def _reasons(folder):
    """Give code, side and first owner of every reason, in the order of reports."""
    table = read_reasons(folder)
    return pd.DataFrame(
        {
            "code": table["code"].to_list(),
            "side": table["side"].to_list(),
            "owner": [owners[0] if len(owners) else None for owners in table["owners"].to_list()],
        }
    )


def _counted(rows, by):
    """Give counts of machine codes the shape of results."""
    frame = pd.DataFrame(rows, columns=["metric", *by, "n", "value"])
    return frame.assign(low=np.nan, high=np.nan, unit="count", method=BY_MACHINE, rulepack="")
