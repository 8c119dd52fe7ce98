"""How close is the simulated talk to real talk? Measured on S1 on JD against the real chats of jd_chat_raw."""

import itertools
import re
import unicodedata
from collections import Counter

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from validation.originality import (
    RUN,
    find_shared_runs,
    has_real_chats,
    read_real_sessions,
    simulated_sessions,
)

DRAW = 6000
CANNED_FROM = 5
MEASURED = {
    "messages": "messages a session",
    "customer": "characters a customer message",
    "agent": "characters an agent message",
}
QUARTILES = ("lower quartile", "median", "upper quartile")


def measure_talk(sessions, seed=1):
    """Measure what talk looks like.

    Parameters
    ----------
    sessions : list of sessions, each a list of (role, text)

    Returns
    -------
    dict of measure to number
        "messages a session, median" and the like, the share of distinct texts in a draw of 6,000 customer messages,
        the share of canned texts in a draw of 6,000 agent messages: those that stand there five times or more.
    """
    texts = {
        role: [text for session in sessions for who, text in session if who == role]
        for role in ("customer", "agent")
    }
    sizes = {"messages": [len(session) for session in sessions]}
    sizes |= {role: [len(text) for text in said] for role, said in texts.items()}
    found = {
        f"{MEASURED[what]}, {name}": value
        for what, values in sizes.items()
        for name, value in zip(QUARTILES, np.quantile(values, [0.25, 0.5, 0.75]), strict=True)
    }
    drawn = {role: _drawn(said, seed) for role, said in texts.items()}
    found["distinct customer messages, of 6,000"] = len(set(drawn["customer"])) / len(drawn["customer"])
    canned = sum(n for n in Counter(drawn["agent"]).values() if n >= CANNED_FROM)
    return found | {"canned agent messages, of 6,000": canned / len(drawn["agent"])}


def _drawn(values, seed, n=DRAW):
    """Draw without putting back; all of them where there are fewer."""
    return [values[k] for k in np.random.default_rng(seed).permutation(len(values))[:n]]


def joined(session):
    """Join what one side says in a row, as the raw chats have it.

    Examples
    --------
    >>> joined([("agent", "在的"), ("agent", "请讲"), ("customer", "好")])
    [('agent', '在的 请讲'), ('customer', '好')]
    """
    runs = itertools.groupby(session, key=lambda message: message[0])
    return [(who, " ".join(text for _, text in run)) for who, run in runs]


def folded(text):
    """Fold what anonymising and exporting do to a text: masks such as [数字x], links, numbers, the width of marks.

    Examples
    --------
    >>> folded("尾号[数字x]？#E-s03")
    '尾号0?#E-s0'
    """
    return re.sub(
        r"(?:https?://|www\.|m\.)[\w./-]+|\[[^\[\]]{1,6}x\]|\[ORDERID_\d+\]|\d+(?:\.\d+)?",
        "0",
        unicodedata.normalize("NFKC", text),
    )


def separability(simulated, real, role=None, n=5000, seed=1):
    """Give the area under the curve of a linear classifier on characters: simulated or real?

    It sees single messages of one role, or without a role what both said in a whole session. What one side says in a
    row is joined and texts are folded first. Five folds, whole sessions in one fold; .5 is chance, 1 is perfect.
    """
    rows = []
    for label, sessions in enumerate((real, simulated)):
        units = [
            (label, f"{label}/{k}", text)
            for k, session in enumerate(sessions)
            for text in _units(joined(session), role)
        ]
        rows += _drawn(units, seed, n)
    labels, groups, texts = zip(*rows, strict=True)
    features = TfidfVectorizer(
        analyzer="char", ngram_range=(1, 3), min_df=3, sublinear_tf=True
    ).fit_transform(texts)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
    model = LogisticRegression(C=3, max_iter=300)
    scores = cross_val_predict(model, features, labels, groups=groups, cv=folds, method="decision_function")
    return roc_auc_score(labels, scores)


def _units(session, role):
    """Give the messages of one role, or the whole session as one text."""
    if role is None:
        return [folded("\n".join(text for _, text in session))]
    return [folded(text) for who, text in session if who == role]


def measure_realism(shared):
    """Measure the talk against the real chats.

    Returns
    -------
    DataFrame, one row a measure: measure, real, simulated (rounded to 3 digits); None where there are no real chats
    """
    if not has_real_chats(shared):
        return None
    simulated, real = simulated_sessions(), read_real_sessions(shared)
    talk = pd.DataFrame({"real": measure_talk(real), "simulated": measure_talk(simulated)})
    apart = {
        "told apart by one customer message (AUC)": separability(simulated, real, "customer"),
        "told apart by one agent message (AUC)": separability(simulated, real, "agent"),
        "told apart by a whole session (AUC)": separability(simulated, real, n=1500),
    }
    for name, (count, found) in find_shared_runs(shared).items():
        apart[f"{name}: distinct texts"] = count
        apart[f"{name}: texts that share a run of {RUN} characters with real chats"] = len(found)
    ours = pd.DataFrame({"simulated": apart})
    return pd.concat([talk, ours]).round(3).rename_axis("measure").reset_index()
