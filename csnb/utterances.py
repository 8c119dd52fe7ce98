"""The utterance bank, and the small model trained on it: is one message displeasure, and about what?

The bank is `definitions/utterances/*.tsv`, one message of a service chat a row, written for this project.
A hash of the text puts every row into one of two parts: `train` for the model here, `world` for the
simulator and the tests, so that nothing is ever judged on what it learnt from.
"""

import hashlib
import os
import tempfile
from functools import cache

import numpy as np
import polars as pl
from scipy import sparse

from csnb.lookup import cache_folder, definition_names, definition_path, read_rows, read_toml, wrong
from csnb.tags import fold_texts, read_rules, tag_spoken

COLUMNS = ("role", "tone", "codes", "text")
PARTS = ("train", "world")
WORLD_SHARE = 0.2
OWN = "own"  # the file of a user's own coded messages: always for training
ROLES = ("customer", "agent", "bot")
CALM_TONES = ("neutral", "polite", "praise", "doubt")
DISPLEASED_TONES = ("annoyed", "pressing", "angry", "sarcastic", "resigned", "threatening")
SERVICE_TONES = ("service", "canned", "refusal", "apology", "promise", "cold", "impatient", "quarrel")


@cache
def read_bank(folder=None):
    """Read and check the utterance bank.

    Parameters
    ----------
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    polars.DataFrame
        One row is one message: `role`, `tone`, `codes` (list, empty for none), `text` (may hold slots such
        as {days}), `topic` (the file), `part` (train or world), `is_displeased`, `line`.

    Raises
    ------
    DefinitionError
        If a role, tone or code is unknown, tone and codes contradict each other, or a text stands
        twice with different codes. File and line are named.

    Examples
    --------
    >>> sorted(read_bank()["part"].unique())
    ['train', 'world']
    """
    codes = set(read_toml("reasons.toml", folder)["reason"])
    rows = [
        _checked(row, topic, codes)
        for topic in definition_names("utterances", ".tsv", folder)
        for row in read_rows(f"utterances/{topic}.tsv", COLUMNS, folder)
    ]
    bank = pl.DataFrame(rows, schema_overrides={"codes": pl.List(pl.String)})
    bank = bank.unique(["role", "text", "codes"], keep="first", maintain_order=True)
    for row in bank.filter(pl.struct("role", "text").is_duplicated()).tail(1).iter_rows(named=True):
        raise wrong(
            f"utterances/{row['topic']}.tsv",
            row["line"],
            "codes",
            f"{row['text']!r} stands in the bank with other codes",
        )
    return bank


def _checked(row, topic, codes):
    """Give one row its types, or say which cell is wrong."""
    file, line = f"utterances/{topic}.tsv", row["line"]
    found = [] if row["codes"] == "-" else row["codes"].split(" ")
    tones = CALM_TONES + DISPLEASED_TONES if row["role"] == "customer" else SERVICE_TONES
    if row["role"] not in ROLES:
        raise wrong(file, line, "role", f"{row['role']!r} is not one of {ROLES}")
    if row["tone"] not in tones:
        raise wrong(file, line, "tone", f"{row['tone']!r} is not one of {tones}")
    for code in found:
        if code not in codes:
            raise wrong(file, line, "codes", f"{code!r} is not one of {sorted(codes)}, and not -")
    is_displeased = row["tone"] in DISPLEASED_TONES
    if row["role"] == "customer" and is_displeased != bool(found):
        raise wrong(
            file, line, "codes", f"tone {row['tone']!r} and codes {row['codes']!r} contradict each other"
        )
    return {
        **row,
        "codes": found,
        "topic": topic,
        "part": "train" if topic == OWN else part_of(row["text"]),
        "is_displeased": is_displeased,
    }


def part_of(text):
    """Say to which part of the bank a text belongs; it depends on nothing but the text.

    Examples
    --------
    >>> part_of("人呢") in PARTS
    True
    """
    share = int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:4]) / 2**32
    return "world" if share < WORLD_SHARE else "train"


#: what the customer model and the agent model tell apart; a code stands in it from this many train rows on
ENOUGH_ROWS = 15
_BITS = 18
_SIZES = (1, 2)
_VOTE = 0.3  # how much one rule hit counts beside the letters of a message
_STRENGTH = 8.0  # inverse of the ridge penalty, by how whole sessions come out: docs/reasons.md
_VERSION = 5  # raise it when the same bank gives another model


@cache
def load_model(folder=None):
    """Give the utterance model: from the cache if bank and rules are unchanged, else trained now.

    Training takes seconds. The cache lies in the user's cache folder (`CSNB_CACHE` moves it); where that
    cannot be written, the model is trained again in every process.

    Parameters
    ----------
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    dict of str to numpy.ndarray
        For each speaker (`customer`, `agent`): `<speaker>_heads` (names: `displeased` and codes),
        `<speaker>_weights` (features x heads) and `<speaker>_offsets`.
    """
    path = cache_folder() / f"utterances-{_fingerprint(folder)}.npz"
    try:
        with np.load(path) as stored:
            return dict(stored)
    except (OSError, ValueError):
        model = train_model(folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as handle:
            np.savez_compressed(handle, **model)
        os.replace(handle.name, path)
    except OSError:
        pass
    return model


def _fingerprint(folder):
    """Give a hash of everything the model depends on."""
    parts = [str(_VERSION)]
    for kind in ("utterances", "rules"):
        for name in definition_names(kind, ".tsv", folder):
            parts.append(definition_path(f"{kind}/{name}.tsv", folder).read_text("utf-8"))
    parts.append(definition_path("rules/settings.toml", folder).read_text("utf-8"))
    return hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()[:16]


def train_model(folder=None):
    """Train the utterance model on the train part of the bank.

    One logistic regression says whether a customer's message is displeasure; one a code says, among
    displeased messages, what it is about. Agents and bots have one regression a code, among all their rows.
    """
    from sklearn.linear_model import LogisticRegression  # takes two seconds, needed only here

    bank = read_bank(folder).filter(pl.col("part") == "train")
    model = {}
    for speaker, is_spoken in (
        ("customer", pl.col("role") == "customer"),
        ("agent", pl.col("role") != "customer"),
    ):
        rows = bank.filter(is_spoken)
        texts = fold_texts(rows["text"])
        features = _features(texts, tag_spoken(texts, speaker, folder), folder)
        displeased = rows["is_displeased"].to_numpy()
        among = displeased if speaker == "customer" else np.ones(rows.height, bool)
        counts = rows["codes"].explode().value_counts().filter(pl.col("count") >= ENOUGH_ROWS)
        tasks = {
            code: (among, rows["codes"].list.contains(code).to_numpy())
            for code in sorted(counts["codes"].drop_nulls())
        }
        if speaker == "customer":
            tasks["displeased"] = (np.ones(rows.height, bool), displeased)
        weights, offsets = [], []
        for of, holds in tasks.values():
            fit = LogisticRegression(C=_STRENGTH, solver="newton-cg", max_iter=200).fit(
                features[of], holds[of]
            )
            weights.append(fit.coef_[0].astype(np.float32))
            offsets.append(fit.intercept_[0])
        model |= {
            f"{speaker}_heads": np.array(list(tasks)),
            f"{speaker}_weights": np.array(weights).T,
            f"{speaker}_offsets": np.array(offsets, dtype=np.float32),
        }
    return model


def score_texts(texts, speaker, hits, folder=None):
    """Score folded texts of one speaker with the utterance model.

    Parameters
    ----------
    texts : polars.Series of str, folded; give distinct texts and join the result back
    speaker : "customer" or "agent" (also for bots)
    hits : polars.DataFrame, what `tag_spoken` gives for these texts and this speaker
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    dict of str to numpy.ndarray
        Head to one probability a text. For customers `displeased` is the probability that the message is
        displeasure, and each code the probability that a displeased message is about it.

    Examples
    --------
    >>> texts = fold_texts(pl.Series(["人呢？？怎么不回", "好的谢谢"]))
    >>> scores = score_texts(texts, "customer", tag_spoken(texts, "customer"))
    >>> bool(scores["displeased"][0] > 0.5 > scores["displeased"][1])
    True
    """
    model = load_model(folder)
    margins = _features(texts, hits, folder) @ model[f"{speaker}_weights"] + model[f"{speaker}_offsets"]
    return dict(zip(model[f"{speaker}_heads"].tolist(), chance_of(margins).T, strict=True))


def chance_of(log_odds):
    """Turn log-odds into probabilities, of any shape.

    Examples
    --------
    >>> float(chance_of(np.array(0.0)))
    0.5
    """
    return 1 / (1 + np.exp(-log_odds))


def _features(texts, hits, folder):
    """Give the sparse features of folded texts: hashed character n-grams, then one column a rule."""
    rules = read_rules(folder)["rule"]
    column = hits["rule"].replace_strict(rules, range(len(rules)), return_dtype=pl.Int64).to_numpy()
    votes = np.full(hits.height, _VOTE, np.float32)
    votes = sparse.csr_matrix((votes, (hits["row"].to_numpy(), column)), (len(texts), len(rules)))
    return sparse.hstack([_ngrams(texts), votes], format="csr")


def _ngrams(texts):
    """Give which hashed character n-grams stand in each text, begin and end marked, rows of length one.

    All texts are one array of letters, so that numpy hashes all n-grams of a size at once: each from the hash of its
    first letters (times 2^64 over the golden ratio, plus the next letter); the upper bits of one more product are the
    column. N-grams that reach over the end of a text are left out. Overflow is meant.
    """
    lengths = texts.str.len_chars().to_numpy().astype(np.int64) + 2
    letters = "".join(f"\x02{text}\x03" for text in texts)
    letters = np.frombuffer(letters.encode("utf-32-le"), np.uint32).astype(np.uint64)
    row_of = np.repeat(np.arange(len(texts)), lengths)
    rows, columns, value = [], [], np.zeros(len(letters), np.uint64)
    for size in range(1, max(_SIZES) + 1):
        count = max(len(letters) - size + 1, 0)
        value = value[:count] * np.uint64(0x9E3779B97F4A7C15) + letters[size - 1 :] + np.uint64(size)
        inside = row_of[:count] == row_of[size - 1 :]
        if size in _SIZES:
            rows.append(row_of[:count][inside])
            mixed = value[inside] * np.uint64(0xD6E8FEB86659FD93)
            columns.append((mixed >> np.uint64(64 - _BITS)).astype(np.int64))
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    grams = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (len(texts), 1 << _BITS))
    grams.data = np.repeat(1 / np.sqrt(np.maximum(np.diff(grams.indptr), 1)), np.diff(grams.indptr)).astype(
        np.float32
    )
    return grams
