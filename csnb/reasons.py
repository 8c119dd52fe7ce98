"""Why a customer is dissatisfied: from the messages of a session to codes with evidence.

`csnb.evidence` reads every message on its own, `csnb.behaviour` measures what needs no words; here a session
adds them up. The weights of that sum stand in `definitions/combination.toml`.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl

from csnb.behaviour import measure_facts, read_measured
from csnb.evidence import CODES, hit, is_spoken, read_messages
from csnb.lookup import line_of, read_toml, wrong
from csnb.schema import conform, empty
from csnb.utterances import chance_of

SIDES = ("controllable", "uncontrollable", "unexplained")
UNCLEAR = "unclear"
GENERAL = (
    "strongest", "early", "total", "length", "apologies", "handed_on", "thanked", "questions", "negations",
    *(f"about_{code}" for code in CODES), *(f"topic_{code}" for code in CODES),
)  # fmt: skip
PER_CODE = ("strongest", "total", "share", "measured", "displeased")
LEAST_CHANCE = 0.02  # a probability below this is not kept
QUOTE = 80  # characters of a quote at most
_SURE = 0.95  # no single message convinces more
_ARRIVAL = 4  # customer's messages after which displeasure counts a third as `early`
_FLOOR = 0.05  # evidence below this is as good as none, on the log scale


@cache
def read_reasons(folder=None):
    """Read the list of reasons: `definitions/reasons.toml`.

    Returns
    -------
    polars.DataFrame
        One row is one code, in the order of reports: `code`, `side`, `owners` (list, the first answers
        for it), `zh`, `en`.

    Raises
    ------
    DefinitionError
        If a side or an owner is unknown; file, line and key are named.

    Examples
    --------
    >>> read_reasons().filter(side="uncontrollable")["code"].to_list()[:2]
    ['price', 'campaign']
    """
    file = read_toml("reasons.toml", folder)
    for code, reason in file["reason"].items():
        line = line_of("reasons.toml", f"[reason.{code}]", folder)
        if reason["side"] not in SIDES:
            raise wrong("reasons.toml", line, "side", f"{reason['side']!r} is not one of {SIDES}")
        for owner in reason["owners"]:
            if owner not in file["owners"]:
                raise wrong("reasons.toml", line, "owners", f"{owner!r} is not one of {list(file['owners'])}")
    return pl.DataFrame([{"code": code, **reason} for code, reason in file["reason"].items()])


def read_owners(folder=None):
    """Read who can act: owner to its names, such as {"agent": {"zh": "客服", "en": "Service agents"}}."""
    return read_toml("reasons.toml", folder)["owners"]


def code_sessions(messages, turns=None, folder=None):
    """Code every session: is the customer dissatisfied, why, and where does it show?

    Parameters
    ----------
    messages : polars.DataFrame
        `session_key, number, role, text`, and optionally `session_id`. Whole sessions; notices and messages
        without text are not read.
    turns : polars.DataFrame in the schema TURNS, or None where there are no times
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    polars.DataFrame
        Schema LABELS. One row a session with the code `dissatisfied` and its probability: dissatisfied from
        0.5 on. Then one row a reason of each dissatisfied session, the primary one first; or, of every other
        session, one row a measured fact that would count if its customer were dissatisfied.

    Examples
    --------
    >>> messages = pl.DataFrame({
    ...     "session_key": [1, 1, 1], "number": [0, 1, 2], "role": ["customer", "agent", "customer"],
    ...     "text": ["快递五天了还没到", "请耐心等待", "你们的物流也太慢了吧！！"]})
    >>> code_sessions(messages)["code"].to_list()
    ['dissatisfied', 'logistics']
    """
    return code_with_chances(messages, turns, folder)[0]


def code_with_chances(messages, turns=None, folder=None):
    """Code every session, and keep the probabilities that the codes were chosen by.

    Parameters as in `code_sessions`.

    Returns
    -------
    labels : polars.DataFrame of `code_sessions`
    chances : polars.DataFrame
        Schema CHANCES, of every session, dissatisfied or not: what a share is estimated from needs a
        probability where no code was given, too.

    Examples
    --------
    >>> messages = pl.DataFrame({
    ...     "session_key": [1, 1], "number": [0, 1], "role": ["customer", "agent"],
    ...     "text": ["快递五天了还没到", "请耐心等待"]})
    >>> labels, chances = code_with_chances(messages)
    >>> bool(chances.filter(code="logistics")["p"].item() > 0.5)
    True
    """
    if not is_spoken(messages).any():
        return _with_ids(_whole_rows(messages), messages), empty("chances")
    evidence, scores = score_sessions(messages, turns, folder)
    return label_sessions(messages, evidence, scores), _list_chances(scores)


def _list_chances(scores):
    """Give one row a session and code that has a chance worth keeping."""
    session, column = np.nonzero(scores.reasons >= LEAST_CHANCE)
    chances = {
        "session_key": scores.session_key[session],
        "code": np.array(CODES)[column],
        "p": scores.reasons[session, column].round(3),
    }
    return conform(pl.DataFrame(chances), "chances")


def label_sessions(messages, evidence, scores):
    """Turn the scores of sessions into labels; parameters and result as in `code_sessions`."""
    rows = [_whole_rows(messages, scores), _reason_rows(scores, evidence), _fact_rows(scores)]
    return _with_ids(pl.concat(conform(part, "labels") for part in rows), messages)


def _with_ids(labels, messages):
    """Give labels the schema and the order of sessions, and the session ids where messages hold them."""
    if "session_id" in messages.columns:
        ids = messages.select("session_key", "session_id").unique("session_key")
        labels = labels.drop("session_id", strict=False).join(
            ids, on="session_key", how="left", maintain_order="left"
        )
    return conform(labels.sort("session_key", maintain_order=True), "labels")


class Scores(NamedTuple):
    """What is known about sessions before it becomes labels; arrays over sessions, in one order.

    `general` has the columns GENERAL; `per_code` is sessions x CODES x PER_CODE. `dissatisfied` is a
    probability, `reasons` one a code. `is_decided` says which codes are given, `unclear` the last of them.
    `starts` is the first message of every session; `facts` are the measured facts that count.
    """

    session_key: np.ndarray
    starts: np.ndarray
    general: np.ndarray
    per_code: np.ndarray
    facts: pl.DataFrame
    dissatisfied: np.ndarray
    reasons: np.ndarray
    is_decided: np.ndarray


def score_sessions(messages, turns=None, folder=None):
    """Give every session its probabilities and the codes that follow from them.

    Parameters as in `code_sessions`.

    Returns
    -------
    evidence : csnb.evidence.Evidence, of the messages
    scores : Scores, of the sessions that hold a message to read; there must be one
    """
    evidence = read_messages(messages, folder)
    facts = _counted_facts(measure_facts(evidence, turns, folder), folder)
    keys = evidence.spoken["session_key"].to_numpy()
    starts = np.flatnonzero(np.diff(keys, prepend=keys[:1] - 1))
    weights = read_combination(folder)
    general = _general(evidence, starts)
    dissatisfied = chance_of(weighted(general, GENERAL, weights["dissatisfied"]))
    per_code = _per_code(evidence, starts, facts, dissatisfied)
    reasons = np.empty(per_code.shape[:2])
    for column, (code, side) in enumerate(sides(folder).items()):
        reasons[:, column] = chance_of(
            weighted(per_code[:, column], PER_CODE, weights[side]) + weights["offset"][code]
        )
    is_decided = decided(dissatisfied >= 0.5, reasons, weights["decision"])
    return evidence, Scores(keys[starts], starts, general, per_code, facts, dissatisfied, reasons, is_decided)


def sides(folder):
    """Give the side of each of CODES, in their order."""
    sides = dict(read_reasons(folder).select("code", "side").iter_rows())
    return {code: sides[code] for code in CODES}


def _counted_facts(facts, folder):
    """Keep the facts that occur often enough to count, with their code and probability."""
    rules = [
        {"fact": fact, "least": rule["from"], "code": rule["code"], "p": rule["p"]}
        for fact, rule in read_measured(folder)["facts"].items()
    ]
    return (
        facts.join(pl.DataFrame(rules), on="fact")
        .filter(pl.col("count") >= pl.col("least"))
        .sort("session_key", "fact")
    )


def _general(evidence, starts):
    """Give the features of whole sessions, in the order of GENERAL."""
    by_session = evidence.spoken.select("session_key").with_columns(
        displeased=pl.Series(evidence.displeased),
        weight=pl.Series(_weight(evidence.displeased)),
        is_customer=pl.Series(evidence.is_customer),
        apologises=pl.Series(hit(evidence, "g_apology")),
        hands_on=pl.Series(hit(evidence, "g_escalate", "g_transfer")),
        thanks=pl.Series(hit(evidence, "m_thanks")),
        asks=pl.Series(hit(evidence, "m_asks")),
        negates=pl.Series(hit(evidence, "m_negates")),
    )
    manner = (
        by_session.group_by("session_key", maintain_order=True)
        .agg(
            strongest=pl.col("displeased").filter("is_customer").top_k(3).mean().fill_null(0),
            early=(
                pl.col("displeased") * (-pl.col("is_customer").cum_sum().cast(pl.Float64) / _ARRIVAL).exp()
            ).max(),
            total=(pl.col("weight").sum() + _FLOOR).log(),
            length=pl.col("is_customer").sum().log1p(),
            apologies=pl.col("apologises").sum().log1p(),
            handed_on=pl.col("hands_on").sum().log1p(),
            thanked=pl.col("thanks").filter("is_customer").last().fill_null(False).cast(pl.Float64),
            questions=pl.col("asks").sum().log1p(),
            negations=pl.col("negates").sum().log1p(),
        )
        .drop("session_key")
        .to_numpy()
    )
    about = np.log(np.add.reduceat(_weight(evidence.about), starts) + _FLOOR)
    topics = np.log1p(np.add.reduceat(evidence.topics, starts))
    return np.hstack([manner, about, topics])


def _per_code(evidence, starts, facts, dissatisfied):
    """Give the features of every code of every session, in the order of PER_CODE."""
    total = np.add.reduceat(_weight(evidence.about), starts)
    measured = np.zeros(total.shape)
    session = np.searchsorted(
        evidence.spoken["session_key"].to_numpy()[starts], facts["session_key"].to_numpy()
    )
    np.add.at(
        measured, (session, [CODES.index(code) for code in facts["code"]]), _weight(facts["p"].to_numpy())
    )
    return np.stack(
        [
            np.log(np.maximum.reduceat(evidence.about, starts) + _FLOOR),
            np.log(total + _FLOOR),
            total / (total.sum(1, keepdims=True) + 0.3),
            measured,
            np.repeat(log_odds(dissatisfied)[:, None], len(CODES), 1),
        ],
        axis=2,
    )


def _weight(chance):
    """Turn the probabilities of single messages into weights that add up: noisy-or on the log scale."""
    return -np.log1p(-np.minimum(chance, _SURE))


def weighted(features, names, weights):
    """Sum features with their weights from combination.toml."""
    return features @ np.array([weights[name] for name in names]) + weights["intercept"]


def decided(is_dissatisfied, reasons, decision):
    """Choose the codes of dissatisfied sessions: all likely ones, else the likeliest, else `unclear`."""
    likely = reasons >= decision["likely"]
    best = (reasons == reasons.max(1, keepdims=True)) & (reasons >= decision["possible"])
    codes = np.where(likely.any(1, keepdims=True), likely, best)
    return np.column_stack([codes, ~codes.any(1)]) & is_dissatisfied[:, None]


def _whole_rows(messages, scores=None):
    """Give one row a session: the probability that the customer is dissatisfied, 0 where nobody spoke."""
    rows = messages.select(pl.col("session_key").unique(), p=pl.lit(0.0))
    if scores:
        known = pl.DataFrame({"session_key": scores.session_key, "p": scores.dissatisfied})
        rows = rows.update(known, on="session_key")
    return rows.with_columns(code=pl.lit("dissatisfied"), source=pl.lit("stated"), coder=pl.lit("model"))


def _reason_rows(scores, evidence):
    """Give one row a decided code, likeliest first, with the message that shows it best."""
    session, column = np.nonzero(scores.is_decided)
    names, chances = (
        (*CODES, UNCLEAR),
        np.column_stack([scores.reasons, 1 - scores.reasons.max(1, initial=0)]),
    )
    shown = np.column_stack([np.maximum(evidence.about, evidence.from_agent * 0.5), evidence.displeased])
    at, strength = _strongest(shown, scores.starts)
    by_facts = {(key, code) for key, code in scores.facts.select("session_key", "code").iter_rows()}
    keys, at, strength = scores.session_key[session], at[session, column], strength[session, column]
    codes = [names[index] for index in column]
    is_measured = [
        weak and pair in by_facts
        for weak, pair in zip(strength < 0.2, zip(keys, codes, strict=True), strict=True)
    ]
    rows = pl.DataFrame(
        {
            "session_key": keys,
            "code": codes,
            "p": chances[session, column],
            "number": evidence.spoken["number"].gather(at),
            "quote": evidence.spoken["text"]
            .gather(at)
            .str.strip_chars()
            .str.slice(0, QUOTE)
            .str.strip_chars_end(),
            "is_measured": is_measured,
        },
        schema_overrides={"session_key": pl.Int64, "code": pl.String, "is_measured": pl.Boolean},
    ).with_columns(
        coder=pl.lit("model"),
        source=pl.when("is_measured").then(pl.lit("measured")).otherwise(pl.lit("stated")),
        quote=pl.when("is_measured").then(None).otherwise("quote"),
    )
    return rows.sort("session_key", "p", descending=[False, True])


def _strongest(shown, starts):
    """Give, per session and column, the first message with the largest value, and that value."""
    ends = np.r_[starts[1:], len(shown)]
    largest = np.maximum.reduceat(shown, starts)
    is_largest = shown == np.repeat(largest, ends - starts, axis=0)
    at = np.where(is_largest, np.arange(len(shown))[:, None], len(shown))
    return np.minimum.reduceat(at, starts), largest


def _fact_rows(scores):
    """Give one row a measured fact of the sessions without a decision."""
    decided = pl.Series(scores.session_key[scores.is_decided.any(1)], dtype=pl.Int64)
    facts = scores.facts.filter(~pl.col("session_key").is_in(decided.implode()))
    return facts.with_columns(source=pl.lit("measured"), coder=pl.lit("rules"))


def log_odds(chance):
    """Turn probabilities into log-odds, kept off both ends."""
    chance = np.clip(chance, 0.01, 0.99)
    return np.log(chance / (1 - chance))


@cache
def read_sure(folder=None):
    """Read from which probability on each code is shown as sure: `definitions/sure.toml`.

    Returns
    -------
    dict of code to float
        0 shows every conversation that has the code.

    Raises
    ------
    DefinitionError
        If a code is missing or unknown, or a number is no probability; file and line are named.
    """
    sure = read_toml("sure.toml", folder)["sure"]
    for code in set(CODES) ^ set(sure):
        raise wrong(
            "sure.toml",
            line_of("sure.toml", "[sure]", folder),
            code,
            f"one number is needed for each of {CODES}",
        )
    for code, chance in sure.items():
        if not 0 <= chance <= 1:
            raise wrong(
                "sure.toml", line_of("sure.toml", code, folder), code, f"{chance} is not between 0 and 1"
            )
    return sure


@cache
def read_combination(folder=None, name="combination.toml"):
    """Read the weights of the sum: `definitions/combination.toml`, or another file of the same shape.

    Raises
    ------
    DefinitionError
        If a weight is missing or unknown; file and key are named.
    """
    file = read_toml(name, folder)
    tables = {
        "dissatisfied": (*GENERAL, "intercept"),
        "controllable": (*PER_CODE, "intercept"),
        "uncontrollable": (*PER_CODE, "intercept"),
        "offset": CODES,
        "decision": ("likely", "possible"),
    }
    for table, names in tables.items():
        for name in set(names) ^ set(file.get(table, {})):
            line = line_of(name, f"[{table}]", folder)
            raise wrong(
                name,
                line,
                f"{table}.{name}",
                f"a number is needed for each of {names}, and for no other",
            )
    return file
