"""Is the simulated talk our own?

    python -m validation.originality ../shared

checks that no run of 12 characters of the utterance bank, of the demo export or of simulated chats stands in
the real chats below that folder. Nothing of the real chats is kept. Exit code 1 if a run is shared; where the
folder is absent it says so and checks nothing.
"""

import json
import sys
from pathlib import Path

import polars as pl

from csnb.utterances import read_bank
from csnb.world import make_world
from csnb.world.talk import talk

RUN = 12
DEMO = Path(__file__).parents[1] / "data" / "demo"


def has_real_chats(shared):
    """Say whether the real chats are there."""
    return (Path(shared) / "data/jd_chat_raw").is_dir()


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


def find_shared_runs(shared):
    """Check all that the house says against the real chats.

    Returns
    -------
    dict of what was checked to (number of its texts, those that share a run with the real chats, each with the run)
    """
    real = list(read_real_texts(shared))
    texts = {
        "utterance bank": read_bank()["text"].to_list(),
        "simulated chats": sorted({text for session in simulated_sessions() for _, text in session}),
        "demo export": sorted(_demo_texts()),
    }
    return {name: (len(own), shared_runs(own, real)) for name, own in texts.items()}


def _demo_texts():
    """Give the distinct texts of the demo export."""
    files = pl.read_csv(DEMO / "exports.csv").filter(kind="messages")["file"]
    return {
        text
        for file in files
        for column in pl.read_csv(DEMO / file, infer_schema=False).drop_nulls()
        for text in column
    }


def main(shared):
    """Print the check; give the exit code."""
    if not has_real_chats(shared):
        print(f"skipped: there are no real chats below {shared}")
        return 0
    checked = find_shared_runs(shared)
    for name, (count, found) in checked.items():
        print(f"{name}: {count} texts, {len(found)} share a run of {RUN} characters with real chats")
        for text, run in found:
            print(f"  {run!r} in {text!r}")
    return int(any(found for _, found in checked.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "../shared"))
