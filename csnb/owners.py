"""Owners: who answers for which dissatisfied conversations, how sure that is, and what is asked of them.

A reason belongs to its first owner in reasons.toml; owners.toml says where it is another's, such as waiting
at an agent who holds too many conversations: that is rostering. Machine codes are counts; shares come from
people's labels, and without labels there are bounds only.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from csnb.bounds import UNVERIFIED, bound_sides, freed_of_errors
from csnb.human import corrected_values, side_values
from csnb.lookup import line_of, read_toml, wrong
from csnb.measures import SMALLEST_GROUP, measure
from csnb.reasons import read_owners, read_reasons
from csnb.refunds import measure_refunds
from csnb.satisfaction import BY_MACHINE
from csnb.schema import RESULT_FIGURES
from csnb.shares import CORRECTED, TWO_PHASE, any_of, with_base
from csnb.strings import get_language
from csnb.two_phase import lean_on_machine, share_intervals, two_phase

FILE = "owners.toml"
AGENT, MANAGEMENT = "agent", "cs_management"
SERVICE = (AGENT, MANAGEMENT)
DUTIES = ("agent", "both", "management")
_SIDE_OF_DUTY = dict(zip(("controllable", "mixed", "uncontrollable"), DUTIES, strict=True))


def read_owner_rules(folder=None):
    """Read `definitions/owners.toml`: who answers in whose stead, and what is asked of whom.

    Returns
    -------
    dict
        `instead`: reason to `{"owner", "of", "from"}`; `ask`: owner to reason to `{"zh", "en"}`.

    Raises
    ------
    DefinitionError
        If an owner or a reason is unknown; file, line and key are named.

    Examples
    --------
    >>> read_owner_rules()["instead"]["timeliness"]["owner"]
    'cs_management'
    """
    file, owners = read_toml(FILE, folder), read_owners(folder)
    known = set(read_reasons(folder)["code"])
    for reason, rule in file["instead"].items():
        if reason not in known or rule["owner"] not in owners:
            line = line_of(FILE, f"[instead.{reason}]", folder)
            raise wrong(FILE, line, reason, f"a reason and one of the owners {list(owners)} is needed")
    for owner, asks in file["ask"].items():
        if owner not in owners or not set(asks) <= known:
            line = line_of(FILE, f"[ask.{owner}]", folder)
            raise wrong(FILE, line, owner, f"one of {list(owners)}, and reasons of reasons.toml, are needed")
    return file


def assign_owners(labels, sessions, folder=None):
    """Say who answers for each reason of some conversations.

    Parameters
    ----------
    labels : pandas.DataFrame with `session_key, code`: `book.labels`, or what people answered
    sessions : pandas.DataFrame, the conversations, with the columns that owners.toml names
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        The rows of `labels` that give one of these conversations a reason with an owner, plus `side, owner`.

    Examples
    --------
    >>> import csnb
    >>> owned = csnb.assign_owners(book.labels, csnb.dissatisfied_sessions(book.sessions))
    >>> owned.loc[owned["code"] == "price", ["code", "side", "owner"]].values.tolist()
    [['price', 'uncontrollable', 'merchandising']]
    """
    reasons = read_reasons(folder)
    first = {code: owners[0] for code, owners in reasons.select("code", "owners").iter_rows() if owners}
    held = labels[labels["code"].isin(list(first)) & labels["session_key"].isin(sessions["session_key"])]
    owner, facts = held["code"].map(first), sessions.set_index("session_key")
    for reason, rule in read_owner_rules(folder)["instead"].items():
        number = held["session_key"].map(facts[rule["of"]].astype(float))
        owner = owner.mask((held["code"] == reason) & (number >= rule["from"]), rule["owner"])
    side = dict(reasons.select("code", "side").iter_rows())
    return held.assign(side=held["code"].map(side), owner=owner)


def coded_owners(labels, sessions, folder=None):
    """Give the machine's reasons of dissatisfied conversations, with who answers for each.

    Parameters
    ----------
    labels : pandas.DataFrame, `book.labels`
    sessions : pandas.DataFrame of `dissatisfied_sessions`
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        The rows of `assign_owners`, in conversations in which the machine sees dissatisfaction; one row a
        conversation and reason.

    Examples
    --------
    >>> import csnb
    >>> "merchandising" in set(csnb.coded_owners(book.labels, csnb.dissatisfied_sessions(book.sessions))["owner"])
    True
    """
    owned = assign_owners(labels, sessions[sessions["primary"].notna()], folder)
    return owned.drop_duplicates(["session_key", "code"])


def count_owners(sessions, owned):
    """Count dissatisfied conversations by who answers for at least one of their reasons.

    Parameters
    ----------
    sessions : pandas.DataFrame of `dissatisfied_sessions`
    owned : pandas.DataFrame of `coded_owners`

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `coded_sessions`, one row an `owner`, the most conversations first; n is the number of
        dissatisfied conversations. A conversation counts for each of its owners. Counts of the machine, without an interval.

    Examples
    --------
    >>> import csnb
    >>> bad = csnb.dissatisfied_sessions(book.sessions)
    >>> counts = csnb.count_owners(bad, csnb.coded_owners(book.labels, bad)).set_index("owner")
    >>> counts.loc["merchandising", "value"]
    np.float64(1.0)
    """
    counts = owned.groupby("owner")["session_key"].nunique().rename("value").reset_index()
    counts = counts.sort_values(["value", "owner"], ascending=[False, True], ignore_index=True)
    frame = counts.assign(metric="coded_sessions", n=len(sessions), value=counts["value"].astype(float), low=np.nan,
                          high=np.nan, unit="count", method=BY_MACHINE, rulepack="")  # fmt: skip
    return frame[["metric", "owner", *RESULT_FIGURES]]


# ---- shares, from labels or as bounds


def measure_owners(scored, machine, human=None, confidence=0.95, folder=None, chances=None):
    """Measure in which share of dissatisfied conversations each owner has at least one reason.

    Parameters
    ----------
    scored : pandas.DataFrame of `scored_sessions`
    machine : pandas.DataFrame, `book.labels`
    human : pandas.DataFrame, table `human_labels`, or None; answers with `use` train are not counted
    confidence : float
    folder : path of the user's own definitions folder, or None
    chances : pandas.DataFrame, table `chances`, or None, as in `scored_sessions`: where people looked, the
        machine counts by its probabilities

    Returns
    -------
    pandas.DataFrame
        Table `results` with metric `owner_share`, by `owner`, and `sessions`, the conversations that the share is
        about; n is the number of them that people labelled. A conversation may have several owners. Without labels there
        is no value, and the interval are bounds (`csnb.bounds.LEAST_RIGHT`), method `unverified`; below
        5 labels, or conversations, there is none either. Errors of single coders are corrected from 30
        conversations on that two people coded and that are settled, and `method` says so.

    Examples
    --------
    >>> import csnb
    >>> scored = csnb.scored_sessions(csnb.dissatisfied_sessions(book.sessions), book.labels, book.drawn)
    >>> csnb.measure_owners(scored, book.labels)[["owner", "n", "method"]].values.tolist()[0]   # three only
    ['agent', 0, 'suppressed']
    """
    owners = list(read_owners(folder))
    said = owner_answers(scored, human, folder)
    if said.flags is None:
        seen = coded_flags(scored, machine, folder)
        ends = [freed_of_errors(seen[owner].mean()) if len(seen) else (np.nan, np.nan) for owner in owners]
        return _bounded("owner", owners, ends, "owner_share", scored)
    f = owner_chances(said.drawn, machine if chances is None else chances, folder)
    return _estimated("owner", said.flags, f, "owner_share", said, confidence)


def measure_duties(scored, machine, human=None, confidence=0.95, folder=None, chances=None):
    """Measure how the controllable share splits into agents' and management's part.

    Parameters
    ----------
    scored, machine, human, confidence, folder, chances : as in `measure_owners`

    Returns
    -------
    pandas.DataFrame
        Table `results` as of `measure_owners` with metric `duty_share`, by `duty`: `agent` (only reasons of agents),
        `both`, `management` (only reasons of management). They add up to the share with any controllable reason.

    Examples
    --------
    >>> import csnb
    >>> scored = csnb.scored_sessions(csnb.dissatisfied_sessions(book.sessions), book.labels, book.drawn)
    >>> csnb.measure_duties(scored, book.labels)["duty"].tolist()
    ['agent', 'both', 'management']
    """
    said = owner_answers(scored, human, folder)
    if said.flags is None:
        seen = _split_service(coded_flags(scored, machine, folder)).astype(bool)
        side = seen.idxmax(axis=1).where(seen.any(axis=1)).map({d: s for s, d in _SIDE_OF_DUTY.items()})
        bounds = bound_sides(pd.DataFrame({"side": side}))
        ends = [bounds[side] for side in _SIDE_OF_DUTY]
        return _bounded("duty", DUTIES, ends, "duty_share", scored)
    f = _split_service(owner_chances(said.drawn, machine if chances is None else chances, folder))
    return _estimated("duty", _split_service(said.flags), f, "duty_share", said, confidence)


def _split_service(flags):
    """Turn the two owners of the service team into agents only, both, management only."""
    sides = side_values(flags[AGENT].astype(float), flags[MANAGEMENT].astype(float), 0.5)
    return sides[list(_SIDE_OF_DUTY)].set_axis(list(DUTIES), axis=1)


def coded_flags(sessions, machine, folder):
    """Say for which owners the machine codes a reason; one row a conversation."""
    owned = coded_owners(machine, sessions, folder)
    flags = pd.crosstab(owned["session_key"], owned["owner"]).clip(upper=1)
    return flags.reindex(index=sessions["session_key"], columns=list(read_owners(folder)), fill_value=0)


def owner_chances(sessions, chances, folder):
    """Give the machine's probability that each owner has a reason; one row a conversation."""
    found = any_of(assign_owners(chances, sessions, folder), "owner")
    return found.reindex(index=sessions["session_key"], columns=list(read_owners(folder)), fill_value=0.0)


class Said(NamedTuple):
    """What people answered on the conversations that labels were drawn from.

    flags: by session_key and coder, for which owners there is a reason; None where nobody answered. weight: how many
    conversations each stands for. drawn: the conversations.
    """

    flags: pd.DataFrame | None
    weight: pd.Series
    drawn: pd.DataFrame


def owner_answers(scored, human, folder):
    """Give for which owners each coder saw a reason, conversation by conversation."""
    drawn = scored[scored["stratum"].notna()]
    if human is None:
        return Said(None, pd.Series(dtype=float), drawn)
    own = human[(human["use"] == "estimate") & human["session_key"].isin(drawn["session_key"])]
    if own.empty:
        return Said(None, pd.Series(dtype=float), drawn)
    who = own[["session_key", "coder"]].drop_duplicates()
    seen = assign_owners(own[own["holds"].astype(bool)], drawn, folder)[["session_key", "coder", "owner"]]
    flags = pd.crosstab([seen["session_key"], seen["coder"]], seen["owner"]).clip(upper=1)
    flags = flags.reindex(
        index=pd.MultiIndex.from_frame(who), columns=list(read_owners(folder)), fill_value=0
    )
    probability = own.get("drawn_probability", pd.Series(1.0, own.index)).fillna(1.0)
    return Said(flags.astype(float), 1 / probability.groupby(own["session_key"]).first(), drawn)


def estimate_shares(drawn, y, f, off, lean):
    """Estimate shares of conversations from what people say of some and the machine of all, coders' errors corrected."""
    labelled = drawn["session_key"].isin(y.index).to_numpy()
    fit = two_phase(drawn["stratum"], labelled, y.loc[drawn["session_key"][labelled]], f, lean)
    if off is None:
        return fit
    return fit._replace(estimate=fit.estimate + off.estimate, variance=fit.variance + off.variance)


def _bounded(by, names, ends, metric, scored):
    """Give the rows of shares without labels."""
    is_few = 0 < len(scored) < SMALLEST_GROUP
    ends = [(np.nan, np.nan)] * len(ends) if is_few else ends
    rows = [{by: name, "low": low, "high": high} for name, (low, high) in zip(names, ends, strict=True)]
    frame = pd.DataFrame(rows).assign(metric=metric, n=0, value=np.nan, unit="rate", rulepack="", sessions=len(scored),
                                      method="suppressed" if is_few else UNVERIFIED)  # fmt: skip
    return frame[["metric", by, *RESULT_FIGURES, "sessions"]]


def _estimated(by, values, f, metric, said, confidence):
    """Give the rows of shares with labels; `values` are what each coder says."""
    y, off = corrected_values(values, said.weight)
    labelled = said.drawn["session_key"].isin(y.index).to_numpy()
    lean = lean_on_machine(said.drawn["stratum"], labelled, y.loc[said.drawn["session_key"][labelled]], f)
    fit = estimate_shares(said.drawn, y, f, off, lean)
    is_few = fit.n < SMALLEST_GROUP
    ends = np.full((3, len(values.columns)), np.nan) if is_few else share_intervals(fit, confidence)
    frame = pd.DataFrame({by: list(values), **dict(zip(("value", "low", "high"), ends, strict=True))})
    method = "suppressed" if is_few else TWO_PHASE if off is None else f"{TWO_PHASE}, {CORRECTED}"
    frame = frame.assign(metric=metric, n=fit.n, unit="rate", method=method, rulepack="", sessions=fit.size)
    return frame[["metric", by, *RESULT_FIGURES, "sessions"]]


# ---- figures, asks, quotes


def owned_sessions(sessions, owned):
    """Give dissatisfied conversations once for each owner of one of their reasons, to be measured by `owner`.

    Parameters
    ----------
    sessions : pandas.DataFrame of `dissatisfied_sessions`
    owned : pandas.DataFrame of `coded_owners`

    Returns
    -------
    pandas.DataFrame
        The rows of `sessions` with `owner`; conversations without a reason have no row.

    Examples
    --------
    >>> import csnb
    >>> bad = csnb.dissatisfied_sessions(book.sessions)
    >>> both = csnb.owned_sessions(bad, csnb.coded_owners(book.labels, bad))
    >>> bool(both["owner"].notna().all())
    True
    """
    pairs = owned[["session_key", "owner"]].drop_duplicates()
    return sessions.merge(pairs, on="session_key", how="inner")


def measure_owner_figures(shares, sessions, confidence=0.95):
    """Put together what one owner is told in numbers: how much, how bad, how often again, how much refunded.

    Parameters
    ----------
    shares : pandas.DataFrame of `measure_owners`
    sessions : pandas.DataFrame of `owned_sessions`, with what `add_refunds` adds
    confidence : float

    Returns
    -------
    pandas.DataFrame
        Table `results` by `owner`: `owner_share`, then among the conversations that the machine codes to the owner
        `lowest_score_rate, repeat_rate_72h, refund_rate` and `refund_amount`.

    Examples
    --------
    >>> import csnb
    >>> bad = csnb.dissatisfied_sessions(csnb.add_refunds(book.sessions, book.refunds))
    >>> shares = csnb.measure_owners(csnb.scored_sessions(bad, book.labels, book.drawn), book.labels)
    >>> both = csnb.owned_sessions(bad, csnb.coded_owners(book.labels, bad))
    >>> csnb.measure_owner_figures(shares, both)["metric"].unique().tolist()
    ['owner_share', 'lowest_score_rate', 'repeat_rate_72h', 'refund_rate']
    """
    rates = measure(sessions, ["lowest_score_rate", "repeat_rate_72h", "refund_rate"], "owner", confidence)
    tables = (with_base(shares), rates, measure_refunds(sessions, confidence=confidence))
    parts = [part for part in tables if len(part)] or [rates]
    return pd.concat(parts, ignore_index=True)[["metric", "owner", *RESULT_FIGURES]]


def list_asks(reasons, owner, folder=None):
    """List what is asked of an owner, reason by reason, the largest first.

    Parameters
    ----------
    reasons : results by `reason` and `owner`, as `measure_reasons` gives them, or `as_amounts` of these
    owner : str, such as "logistics"
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        The rows of this owner as `metric, reason, value, low, high, n, unit, method` and `ask` (owners.toml, in the language
        in force; missing where it says nothing).

    Examples
    --------
    >>> import csnb
    >>> bad = csnb.dissatisfied_sessions(book.sessions)
    >>> reasons = csnb.measure_reasons(csnb.scored_sessions(bad, book.labels, book.drawn), book.labels)
    >>> csnb.list_asks(csnb.as_amounts(reasons), "merchandising")[["reason", "value"]].values.tolist()
    [['price', 1.0]]
    """
    asks, own = read_owner_rules(folder)["ask"].get(owner, {}), reasons[reasons["owner"] == owner]
    said = [asks.get(reason, {}).get(get_language()) for reason in own["reason"]]
    columns = ["metric", "reason", "value", "low", "high", "n", "unit", "method"]
    return own[columns].assign(ask=said).reset_index(drop=True)


def list_owner_quotes(quotes, owned):
    """Give quotes the owner of their reason, so that each owner reads its own.

    Parameters
    ----------
    quotes : pandas.DataFrame of `list_quotes`
    owned : pandas.DataFrame of `coded_owners`

    Returns
    -------
    pandas.DataFrame
        The rows of `quotes` with `owner`.

    Examples
    --------
    >>> import csnb
    >>> bad = csnb.dissatisfied_sessions(book.sessions)
    >>> quotes = csnb.list_quotes(book, bad)
    >>> csnb.list_owner_quotes(quotes, csnb.coded_owners(book.labels, bad))["owner"].tolist()[0]
    'agent'
    """
    whose = owned.rename(columns={"code": "reason"})[["session_id", "reason", "owner"]].drop_duplicates()
    return quotes.merge(
        whose.drop_duplicates(["session_id", "reason"]), on=["session_id", "reason"], how="inner"
    )


def keep_owner(table, owner):
    """Keep the rows of one owner, such as "logistics", of any table with a column `owner`.

    Parameters
    ----------
    table : pandas.DataFrame
    owner : str

    Returns
    -------
    pandas.DataFrame
        Some rows of `table`, without the column `owner`.

    Examples
    --------
    >>> keep_owner(pd.DataFrame({"owner": ["agent", "logistics"], "n": [1, 2]}), "agent")["n"].tolist()
    [1]
    """
    return table[table["owner"] == owner].drop(columns="owner").reset_index(drop=True)
