"""The stock of words: the grammars of talk.toml and the utterance bank, ready to be spoken."""

from functools import cache
from types import SimpleNamespace

from csnb.lookup import read_toml
from csnb.utterances import read_bank
from csnb.world.grammar import parse


@cache
def read_stock():
    """Give everything that can be said.

    Returns
    -------
    namespace of
        words : dict of name to parsed lines, the slots of the bank among them
        goods : dict of product line to names
        customer : dict of intent to (topic, open, follow, reply)
        agent, bot, notice, card : dict of name to parsed lines
        bank : dict of (role, kind, key) to parsed lines; see `_shelve`
    """
    talk = read_toml("world/talk.toml")
    slots = read_toml("utterances/slots.toml")
    lines = {part: _parsed(talk[part]) for part in ("words", "agent", "bot", "notice", "card")}
    return SimpleNamespace(
        words={**_parsed(slots), **lines["words"]},
        goods=talk["goods"],
        customer={intent: {"topic": rules["topic"], **_parsed({k: v for k, v in rules.items() if k != "topic"})} for intent, rules in talk["customer"].items()},
        agent=lines["agent"],
        bot=lines["bot"],
        notice=lines["notice"],
        card=lines["card"],
        bank=_shelve(read_bank().filter(part="world").iter_rows(named=True)),
    )  # fmt: skip


def _parsed(lists):
    """Parse every line of a dict of lists."""
    return {name: tuple(parse(line) for line in lines) for name, lines in lists.items()}


def _shelve(rows):
    """Put rows on shelves: ("customer", "calm", topic), ("customer", "thanks", topic), ("customer", "displeased", codes),
    ("agent", "good", topic), ("agent", "bad", code), ("bot", ...) alike.
    """
    shelves = {}
    for row in rows:
        shelves.setdefault(_shelf(row), []).append(parse(_escaped(row["text"])))
    return {shelf: tuple(lines) for shelf, lines in shelves.items()}


def _shelf(row):
    """Name the shelf of one row."""
    if row["role"] == "customer":
        if row["is_displeased"]:
            return ("customer", "displeased", frozenset(row["codes"]))
        return ("customer", "thanks" if row["tone"] == "praise" else "calm", row["topic"])
    if row["codes"]:
        return (row["role"], "bad", row["codes"][0])
    return (row["role"], "good", row["topic"])


def _escaped(text):
    """Keep brackets of a bank row as they are: only its slots are names."""
    return text.replace("(", "（").replace(")", "）").replace("|", "｜")
