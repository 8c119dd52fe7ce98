"""The stock of words: the grammars of talk.toml and the utterance bank, ready to be spoken."""

import random
from functools import cache

from csnb.lookup import read_toml
from csnb.utterances import read_bank
from csnb.world.grammar import parse

CANNED_LINES = 4


class Stock:
    """All that can be said: lists of parsed lines by name, and the shelves of the bank."""

    def __init__(self):
        talk = read_toml("world/talk.toml")
        self.words = {**_parsed(read_toml("utterances/slots.toml")), **_parsed(talk["words"])}
        self.goods, self.parts = talk["goods"], talk["parts"]
        self.persona = tuple((name, tuple(options)) for name, options in talk["persona"].items())
        self.platform = {name: _parsed(habits) for name, habits in talk["platform"].items()}
        self.agent, self.bot, self.notice = (_parsed(talk[part]) for part in ("agent", "bot", "notice"))
        self.drift = _parsed(talk["drift"])
        self.customer = {
            intent: {
                **_parsed({name: lines for name, lines in rules.items() if name != "topic"}),
                "topic": rules["topic"],
            }
            for intent, rules in talk["customer"].items()
        }
        self.bank = _shelve(read_bank().filter(part="world").iter_rows(named=True))
        self._spoken = {name: {**self.words, **habits} for name, habits in self.platform.items()}
        self._marks = {
            line: (*marks, *talk["goods"].get(line, ()), *talk["parts"].get(line, ()))
            for line, marks in talk["marks"].items()
        }
        self._fitting, self._displeased, self._canned = {}, {}, {}

    def spoken_on(self, platform):
        """Give the words with the habits of a platform."""
        return self._spoken[platform]

    def fitting(self, shelf, line):
        """Give the rows of a shelf of the bank that can be said about a product line; all of them if none can."""
        if (shelf, line) not in self._fitting:
            rows = self.bank.get(shelf, ())
            fitting = [parsed for parsed, text in rows if self._fits(text, line)]
            self._fitting[shelf, line] = tuple(fitting or [parsed for parsed, _ in rows])
        return self._fitting[shelf, line]

    def _fits(self, text, line):
        """Say whether a text is about this product line, or about none."""
        about = {name for name, marks in self._marks.items() if any(mark in text for mark in marks)}
        return not about or line in about

    def displeased(self, code, codes, line):
        """Give lists of displeasure that show `code` and nothing outside `codes`, about a product line."""
        key = (code, codes, line)
        if key not in self._displeased:
            self._displeased[key] = [
                self.fitting(shelf, line)
                for shelf in self.bank
                if shelf[:2] == ("customer", "displeased") and code in shelf[2] and shelf[2] <= codes
            ]
        return self._displeased[key]

    def canned(self, shop, act):
        """Give a shop's few canned texts for an act: what its agents send by one key."""
        if (shop, act) not in self._canned:
            chance = random.Random(f"{shop}/{act}")
            self._canned[shop, act] = tuple(
                chance.sample(self.agent[act], min(CANNED_LINES, len(self.agent[act])))
            )
        return self._canned[shop, act]


read_stock = cache(Stock)


def _parsed(lists):
    """Parse every line of a dict of lists."""
    return {name: tuple(parse(line) for line in lines) for name, lines in lists.items()}


def _shelve(rows):
    """Put rows of the bank, parsed and as they are, on shelves.

    ("customer", "displeased", codes), ("customer", "calm", topic), ("agent", "good", topic), ("agent", "bad", code), and
    the same for bot and auto.
    """
    shelves = {}
    for row in rows:
        for shelf in _shelves_of(row):
            shelves.setdefault(shelf, []).append((parse(_escaped(row["text"])), row["text"]))
    return shelves


def _shelves_of(row):
    """Name the shelves of one row."""
    if row["role"] == "customer" and row["is_displeased"]:
        return [("customer", "displeased", frozenset(row["codes"]))]
    if row["role"] == "customer":
        return [("customer", "calm", row["topic"])]
    if row["codes"]:
        return [(row["role"], "bad", code) for code in row["codes"]]
    return [(row["role"], "good", row["topic"])]


def _escaped(text):
    """Keep brackets of a bank row as they are: only its slots are names."""
    return text.replace("(", "（").replace(")", "）").replace("|", "｜")
