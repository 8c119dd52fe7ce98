"""Is the simulated talk our own, and how close to real talk is it?

    python -m validation.originality ../shared

checks that no run of 12 characters of the utterance bank, of talk.toml or of simulated chats stands in the
real chats below that folder, and prints how alike the two are. Nothing of the real chats is kept. Exit code 1
if a run is shared; where the folder is absent it says so and checks nothing.
"""

import itertools
import json
import re
import statistics
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from csnb.utterances import read_bank
from csnb.world import make_world
from csnb.world.talk import talk

RUN = 12
CANNED_FROM = 5


def read_real_sessions(shared):
    """Give the sessions of jd_chat_raw as lists of (role, text)."""
    sessions = {}
    path = Path(shared) / "data/jd_chat_raw/chat_0.1per.txt"
    for line in path.read_text("utf-8").splitlines():
        session, _, by_agent, _, _, _, text = line.split("\t", 6)
        sessions.setdefault(session, []).append(("agent" if by_agent == "1" else "customer", text))
    return list(sessions.values())


def read_real_texts(shared):
    """Yield every text of the real Chinese chats."""
    shared = Path(shared)
    for name in ("data/jd_satisfaction/valid.sessions.jsonl", "gold/dev_sessions.jsonl"):
        for line in (shared / name).read_text("utf-8").splitlines():
            yield from (message["text"] for message in json.loads(line)["messages"])
    for name in ("chat_0.1per.txt", "dev_question.txt", "dev_answer.txt"):
        yield from (shared / "data/jd_chat_raw" / name).read_text("utf-8").splitlines()


def simulated_sessions(weeks=1, seed=1, **changes):
    """Give the sessions that agents handled in a JD world as lists of (role, text), as the raw chats hold them."""
    world = make_world("S1", seed, weeks=weeks, platforms=["jd"], **changes)
    handled = world.truth.draw.contacts["is_handled"]
    return [
        [(m.role, m.text) for m in session if m.role in ("agent", "customer")]
        for session, is_handled in zip(talk(world.truth.draw), handled, strict=True)
        if is_handled
    ]  # fmt: skip


def shared_runs(texts, real):
    """Give the texts that share a run of 12 characters with the real ones, each with the run.

    Examples
    --------
    >>> shared_runs(["一二三四五六七八九十甲乙丙"], ["零一二三四五六七八九十甲乙"])
    [('一二三四五六七八九十甲乙丙', '一二三四五六七八九十甲乙')]
    """
    runs = {text[at : at + RUN] for text in real for at in range(len(text) - RUN + 1)}
    found = []
    for text in texts:
        hit = next(
            (text[at : at + RUN] for at in range(len(text) - RUN + 1) if text[at : at + RUN] in runs), None
        )
        if hit is not None:
            found.append((text, hit))
    return found


def measure_talk(sessions, draw=6000, seed=1):
    """Measure what the talk looks like.

    Returns
    -------
    dict of
        messages : quartiles of messages a session
        customer_characters, agent_characters : quartiles of characters a message
        distinct : share of distinct texts in a draw of customer messages
        canned : share of a draw of agent messages whose text stands there five times or more
    """
    texts = {
        role: [text for session in sessions for who, text in session if who == role]
        for role in ("customer", "agent")
    }
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(len(texts["customer"]))[:draw]
    replies = [texts["agent"][k] for k in rng.permutation(len(texts["agent"]))[:draw]]
    counts = Counter(replies)
    return {
        "messages": statistics.quantiles([len(session) for session in sessions], n=4),
        "customer_characters": statistics.quantiles([len(text) for text in texts["customer"]], n=4),
        "agent_characters": statistics.quantiles([len(text) for text in texts["agent"]], n=4),
        "distinct": len({texts["customer"][k] for k in drawn}) / len(drawn),
        "canned": sum(n for n in counts.values() if n >= CANNED_FROM) / len(replies),
    }


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
    """Fold what a platform's export does to a text: width of marks, masks and digits.

    Examples
    --------
    >>> folded("尾号[数字x]？#E-s03")
    '尾号0?#E-s0'
    """
    return re.sub(
        r"\[[^\[\]]{1,6}x\]|\[ORDERID_\d+\]|\d+(?:\.\d+)?", "0", unicodedata.normalize("NFKC", text)
    )


def separability(simulated, real, role, n=5000, seed=1):
    """Give the area under the curve of a linear classifier on character n-grams: one message, simulated or real?

    What one side says in a row is joined and texts are folded first. Five folds, whole sessions in one fold; .5 is chance, 1 is perfect.
    """
    rng = np.random.default_rng(seed)
    texts, labels, groups = [], [], []
    for label, sessions in enumerate((real, simulated)):
        rows = [
            (folded(text), (label, k))
            for k, session in enumerate(sessions)
            for who, text in session
            if who == role
        ]
        for k in rng.permutation(len(rows))[:n]:
            texts.append(rows[k][0])
            labels.append(label)
            groups.append(hash(rows[k][1]))
    features = TfidfVectorizer(
        analyzer="char", ngram_range=(1, 3), min_df=3, sublinear_tf=True
    ).fit_transform(texts)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
    model = LogisticRegression(C=3, max_iter=300)
    scores = cross_val_predict(model, features, labels, groups=groups, cv=folds, method="decision_function")
    return roc_auc_score(labels, scores)


def find_shared_runs(shared):
    """Give, for the utterance bank and for simulated chats: number of texts, and those sharing a run with real chats."""
    real = list(read_real_texts(shared))
    said = sorted({text for session in simulated_sessions() for _, text in session})
    texts = {"utterance bank": read_bank()["text"].to_list(), "simulated chats": said}
    return {name: (len(own), shared_runs(own, real)) for name, own in texts.items()}


def describe_talk(shared):
    """Write how close simulated talk is to real talk, as Markdown; None where there are no real chats."""
    if not (Path(shared) / "data/jd_chat_raw").is_dir():
        return None
    simulated, real = simulated_sessions(), read_real_sessions(shared)
    measures = {"JD raw chats": measure_talk(real), "simulated (S1 on JD)": measure_talk(simulated)}
    lines = [
        "| | messages a session | characters, customer | characters, agent | distinct of 6,000 customer messages | canned agent replies |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in measures.items():
        quartiles = [
            " / ".join(f"{value:g}" for value in found[key])
            for key in ("messages", "customer_characters", "agent_characters")
        ]
        lines.append(
            f"| {name} | {' | '.join(quartiles)} | {found['distinct']:.0%} | {found['canned']:.0%} |"
        )
    lines.append(
        "\nQuartiles. Canned: of 6,000 agent messages (5,700 real ones), those whose text stands there five times or more.\n"
    )
    for role in ("customer", "agent"):
        lines.append(
            f"- {role} messages told apart by a linear classifier on character 1- to 3-grams: AUC {separability(simulated, real, role):.3f}"
        )
    for name, (count, found) in find_shared_runs(shared).items():
        lines.append(f"- {name}: {count} texts, {len(found)} share a run of {RUN} characters with real chats")
    return "\n".join(lines) + "\n"


def main(shared):
    """Print the check and the measures; give the exit code."""
    described = describe_talk(shared)
    if described is None:
        print(f"skipped: there are no real chats below {shared}")
        return 0
    print(described)
    found = [pair for _, pairs in find_shared_runs(shared).values() for pair in pairs]
    for run, text in sorted({run: text for text, run in found}.items()):
        print(f"  {run!r} in {text!r}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "../shared"))
