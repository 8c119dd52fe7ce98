"""What single messages show: is it displeasure, about what; with the topics of the messages around it.

Rules and the utterance model read every distinct text once. Their odds are multiplied: a rule of weight w
makes displeasure, or its cause, 1/(1-w) times likelier than the model alone says. What is displeasure with
somebody else, or quoted, or denied, is spared: such a rule takes the share w of the probability away.
"""

from typing import NamedTuple

import numpy as np
import polars as pl

from csnb.tags import fold_texts, read_rules, tag_spoken
from csnb.utterances import chance_of, score_texts

CODES = (
    "attitude", "timeliness", "ability", "emotion", "bot",
    "price", "campaign", "discount", "quality", "logistics", "stock", "policy", "system",
)  # fmt: skip
SPEAKERS = {"customer": "customer", "agent": "agent", "assist": "agent", "auto": "bot", "bot": "bot"}
_MARKS = ("agent", "manner")  # rule tables whose hits are kept rule by rule
_READABLE = r"\p{Han}|\p{Emoji_Presentation}|[？?！!]{2}"  # Chinese, and signs that speak
_LONG = 20  # characters from which a message is cut into utterances
_SENTENCES = r"[^\s。！？!?；;]+[。！？!?；;]*|[。！？!?；;]+"
_SURE = 0.98
_CAUSE_SHOWS = 0.5  # a hit cause counts this much as displeasure, on the log-odds scale
_SHIFT = 2.0  # taken from the log-odds: displeasure is rarer in service chats than in the bank
_MEMORY, _DEPTH = 0.6, 6  # how much of its topics a message keeps a message later, and for how many
_AHEAD = 0.3  # the same one message ahead
_AGENT_TOPICS = 0.5  # an agent's topics count this much
_NO_TOPIC = 0.5
_MANNERS = ("attitude", "emotion")  # what an agent's own words can show
_RUDE = 0.8  # from this probability on an agent's words are held against the agent


class Evidence(NamedTuple):
    """What the spoken messages of sessions show; every array has one row an utterance, in their order.

    `spoken`: session_key, number, speaker, text, folded. `is_customer`. `displeased`: probability
    that a customer's message is displeasure, 0 for others. `about`: per code of CODES, the probability that
    the message shows displeasure about it. `from_agent`: per code, the probability that an agent's
    message alone is evidence. `topics`: which topics the message names. `votes`: for the rules on what agents
    say and on manner, which utterances they hit.
    """

    spoken: pl.DataFrame
    is_customer: np.ndarray
    displeased: np.ndarray
    about: np.ndarray
    from_agent: np.ndarray
    topics: np.ndarray
    votes: dict


def is_spoken(messages):
    """Say which messages can be read: those that hold a text and are no notice."""
    return messages["text"].is_not_null() & messages["role"].is_in(list(SPEAKERS))


def is_heard():
    """Say of which sessions the customer can be read, as an expression on messages.

    The rules and the model read Chinese, and signs such as ？？ and emoji; nothing is known of a session in which
    the customer writes neither.

    Examples
    --------
    >>> messages = pl.DataFrame({"session_key": [1, 2], "role": "customer", "text": ["人呢", "hello"]})
    >>> messages.filter(is_heard())["session_key"].to_list()
    [1]
    """
    said = (pl.col("role") == "customer") & pl.col("text").str.contains(_READABLE)
    return said.fill_null(False).any().over("session_key")


def read_messages(messages, folder=None):
    """Read every message of whole sessions.

    Parameters
    ----------
    messages : polars.DataFrame with `session_key, number, role, text`; missing texts and notices are skipped
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    Evidence

    Examples
    --------
    >>> messages = pl.DataFrame({"session_key": [1, 1], "number": [0, 1], "role": ["customer", "customer"],
    ...     "text": ["快递到哪了", "也太慢了吧"]})
    >>> about = read_messages(messages).about[1]
    >>> CODES[about.argmax()]
    'logistics'
    """
    spoken = _utterances(messages)
    distinct = spoken.select("speaker", "text").unique(maintain_order=True)
    distinct = distinct.with_columns(folded=fold_texts(distinct["text"]))
    texts = distinct.select("speaker", "folded").unique(maintain_order=True).with_row_index("row")
    spoken = spoken.join(distinct, on=["speaker", "text"], how="left", maintain_order="left").join(
        texts, on=["speaker", "folded"], how="left", maintain_order="left"
    )
    hits, model = [], {head: np.zeros(texts.height) for head in ("displeased", *CODES)}
    for (speaker,), own in texts.partition_by("speaker", as_dict=True).items():
        found = tag_spoken(own["folded"], speaker, folder)
        scores = score_texts(own["folded"], "customer" if speaker == "customer" else "agent", found, folder)
        for head in scores.keys() & model.keys():
            model[head][own["row"].to_numpy()] = scores[head]
        hits.append(found.with_columns(row=own["row"].gather(found["row"])))
    hits = pl.concat(hits).join(read_rules(folder).select("rule", "code", "table", "weight"), on="rule")

    row = spoken["row"].to_numpy()
    is_customer = (spoken["speaker"] == "customer").to_numpy()
    causes = _votes(hits.filter(table="causes"), CODES, texts.height)
    signs = _votes(hits.filter(table="displeasure"), ["displeased"], texts.height)[:, 0]
    spared = np.exp(-_votes(hits.filter(table="spared"), ["spared"], texts.height)[:, 0])
    displeased = chance_of(_log_odds(model["displeased"]) + signs + _CAUSE_SHOWS * causes.max(1) - _SHIFT)
    displeased *= spared
    by_model = np.column_stack([model[code] for code in CODES])
    session = spoken["session_key"].to_numpy()
    from_agent = by_model[row] * ~is_customer[:, None]
    named = chance_of(_log_odds(by_model) + causes)[row]
    named = 1 - (1 - named) * (1 - _rudeness_before(from_agent, session))
    topics = np.minimum(_votes(hits.filter(table="topics"), CODES, texts.height), 1)[row]
    displeased = displeased[row] * is_customer
    around = _topics_around(topics * np.where(is_customer, 1, _AGENT_TOPICS)[:, None], session)
    return Evidence(
        spoken=spoken.drop("row"),
        is_customer=is_customer,
        displeased=displeased,
        about=displeased[:, None] * (named + (1 - named.max(1, keepdims=True)) * around),
        from_agent=from_agent,
        topics=topics,
        votes={
            rule: np.isin(row, rows["row"].to_numpy())
            for (rule,), rows in hits.filter(pl.col("table").is_in(_MARKS))
            .partition_by("rule", as_dict=True)
            .items()
        },
    )


def hit(evidence, *rules):
    """Say which utterances one of these rules hits."""
    found = np.zeros(evidence.spoken.height, bool)
    for rule in rules:
        found |= evidence.votes.get(rule, False)
    return found


def _utterances(messages):
    """Cut the messages that can be read into utterances: long ones at spaces and ends of sentences, each once."""
    sentences = pl.col("text").str.extract_all(_SENTENCES).list.unique(maintain_order=True)
    cut = pl.when(pl.col("text").str.len_chars() > _LONG).then(sentences)
    return (
        messages.filter(is_spoken(messages))
        .select(
            "session_key",
            "number",
            speaker=pl.col("role").replace_strict(SPEAKERS, return_dtype=pl.String),
            text=cut.otherwise(pl.concat_list("text")),
        )
        .sort("session_key", "number")
        .explode("text", empty_as_null=False)
    )


def _votes(hits, codes, count):
    """Add up what the rules say: the log-odds a text gains for each code."""
    gains = np.zeros((count, len(codes)))
    hits = hits.filter(pl.col("code").is_in(codes))
    columns = hits["code"].replace_strict(codes, range(len(codes)), return_dtype=pl.Int64)
    np.add.at(
        gains,
        (hits["row"].to_numpy(), columns.to_numpy()),
        -np.log1p(-np.minimum(hits["weight"].to_numpy(), _SURE)),
    )
    return gains


def _log_odds(chance):
    """Turn probabilities into log-odds, kept off both ends."""
    chance = np.clip(chance, 1e-4, 1 - 1e-4)
    return np.log(chance / (1 - chance))


def _rudeness_before(from_agent, session):
    """Give each message how cold or rude an agent was just before: displeasure that follows is about that, too."""
    rude = np.where(np.isin(CODES, _MANNERS) & (from_agent >= _RUDE), from_agent, 0)
    before = np.zeros(rude.shape)
    for step in range(1, min(_DEPTH, len(rude))):
        same = session[step:] == session[:-step]
        before[step:] = np.maximum(before[step:], _MEMORY ** (step - 1) * rude[:-step] * same[:, None])
    return before


def _topics_around(topics, session):
    """Give each message the topics of its neighbours in the session, as shares that sum to less than 1."""
    total = topics.copy()
    for step in range(1, min(_DEPTH, len(topics))):
        same = session[step:] == session[:-step]
        total[step:] += _MEMORY**step * topics[:-step] * same[:, None]
    if len(topics) > 1:
        total[:-1] += _AHEAD * topics[1:] * (session[1:] == session[:-1])[:, None]
    # controllable reasons are never guessed from a topic
    total[:, : CODES.index("price")] = 0
    return total / (total.sum(1, keepdims=True) + _NO_TOPIC)
