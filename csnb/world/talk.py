"""The text lane: every session of a draw as Chinese messages, at the times of the same draw."""

import random
from typing import NamedTuple

import numpy as np

from csnb.world.causes import BEHAVIOURS, CONTROLLABLE, EXTERNAL
from csnb.world.draws import uniforms
from csnb.world.grammar import pick, say
from csnb.world.scenarios import world_table
from csnb.world.stock import read_stock

CODES = (*CONTROLLABLE, *EXTERNAL, "unclear")


class Message(NamedTuple):
    """One message: row of its session, second of the world, speaker, kind, text, and the code it shows."""

    row: int
    second: float
    role: str
    agent: int
    kind: str
    text: str
    code: str


def talk(draw):
    """Yield the messages of every session in order of the draw, a list for each.

    Truth stays with them: `code` names the reason that a customer's message shows, else "".
    """
    stock, facts = read_stock(), _facts(draw)
    for row in range(len(facts["seed"])):
        session = {name: values[row] for name, values in facts.items()}
        yield _Session(row, session, stock).speak()


def _facts(draw):
    """Give what the text needs of every session, as lists."""
    c, s, o = draw.contacts, draw.service, draw.outcome
    intents, lines = world_table("intents").index, world_table("product_lines").index
    delays = np.split(s["turn_delay_seconds"], s["turn_first"][1:])
    return {
        "seed": np.floor(uniforms(draw.seed, "words", draw.groups) * 2**53).astype(np.int64).tolist(),
        "start": c["second"].tolist(),
        "intent": intents[c["intent"]].tolist(),
        "line": lines[c["product_line"]].tolist(),
        "platform": draw.shops["platform"][c["shop"]].tolist(),
        "shop": draw.shops["shop"][c["shop"]].tolist(),
        "agent": c["agent"].tolist(),
        "nick": [name.split(":")[1] for name in draw.agents["agent_id"][c["agent"]]],
        "colleague": _colleagues(draw).tolist(),
        "transfers": s["transfer_count"].tolist(),
        "has_bot": c["has_bot"].tolist(),
        "is_handled": c["is_handled"].tolist(),
        "is_repeat": c["is_repeat"].tolist(),
        "is_presale": c["is_presale"].tolist(),
        "gave_up": s["gave_up"].tolist(),
        "invited": draw.ratings["is_invited"].tolist(),
        "think": s["think_seconds"].tolist(),
        "delays": [d.tolist() for d in delays],
        "acts": [frozenset(np.array(BEHAVIOURS)[row]) for row in np.column_stack([s[b] for b in BEHAVIOURS])],
        "codes": [frozenset(np.array(CODES)[row]) for row in np.column_stack([o[code] for code in CODES])],
        "unhappy": o["is_dissatisfied"].tolist(),
    }  # fmt: skip


def _colleagues(draw):
    """Give every session a colleague of the agent in the same shop, or the agent where there is none."""
    shop, agent = draw.agents["shop"], draw.contacts["agent"]
    nearest = np.array([
        next((k % len(shop) for k in range(a + 1, a + len(shop)) if shop[k % len(shop)] == shop[a]), a)
        for a in range(len(shop))
    ])  # fmt: skip
    return nearest[agent]


class _Session:
    """One session while it is spoken: its facts, its clock, and what has been said."""

    def __init__(self, row, facts, stock):
        self.row, self.stock = row, stock
        self.__dict__.update(facts)
        self.chance = random.Random(facts["seed"])
        self.rules = stock.customer[self.intent]
        self.values = {
            "goods": pick(stock.goods[self.line], self.chance),
            "nick": self.nick,
            "shop_word": self.shop,
            "bot_name": self.shop[:2],
        }
        self.values["product"] = self.values["goods"]
        self.now = self.start
        self.serving = self.agent
        self.messages = []

    def speak(self):
        """Say the whole session."""
        self._enter()
        if self.has_bot:
            self._meet_bot()
        if self.is_handled:
            plan = self._plan()
            for turn, delay in enumerate(self.delays):
                self._turn(turn, delay, plan)
            if self.invited:
                self._put(self.now + 30, "notice", pick_line(self, self.stock.notice["invite"]))
        return self.messages

    # one turn: the customer asks, waits, is answered

    def _turn(self, turn, delay, plan):
        waits = delay if delay == delay else 90 + 400 * self.chance.random()
        last_said = self._ask(turn, plan, waits)
        if delay != delay:
            self.now = max(self.now + waits, last_said + 1)
            return
        if turn and turn <= self.transfers:
            self._hand_over(self.now + 0.4 * waits)
        self.now += delay
        for number, (text, code) in enumerate(self._answer(turn, plan)):
            self.now += 0 if number == 0 else round(4 + 0.25 * len(text) + 6 * self.chance.random(), 3)
            self._put(self.now, "agent", text, code=code)
        self.now = round(self.now + self.think * (0.4 + 1.2 * self.chance.random()), 3)

    def _ask(self, turn, plan, waits):
        texts = [(self._typed(text), code) for text, code in self._question(turn, plan)]
        said = self.now
        for number, (text, code) in enumerate(texts):
            said = self.now if number == 0 else min(said + 2 + 0.4 * len(text), self.now + 0.6 * waits)
            self._put(said, "customer", text, code=code)
        presses = plan["press"].get(turn, 0)
        for k in range(presses):
            said = max(said, self.now + waits * (0.5 + 0.4 * k / presses))
            self._put(said, "customer", *self._displeased("timeliness"))
        return said

    def _question(self, turn, plan):
        if turn in plan["displeased"]:
            lead = [(self._calm(turn), "")] if turn == 0 else []
            return lead + [self._displeased(code) for code in plan["displeased"][turn]]
        if turn == len(self.delays) - 1 and turn > 0 and not self.unhappy:
            words = "thanks" if self.chance.random() < 0.7 else "ok"
            return [(pick_line(self, self.stock.words[words]), "")]
        if turn > 0 and self.chance.random() < 0.28:
            words = pick(("ok", "yes", "wait_ok", "ok", "no"), self.chance)
            return [(pick_line(self, self.stock.words[words]), "")]
        text = self._calm(turn)
        if self.chance.random() < 0.18 and "，" in text:
            return [(part, "") for part in text.split("，") if part]
        return [(text, "")]

    def _calm(self, turn):
        shelf = self.stock.bank.get(("customer", "calm", self.rules["topic"]), ())
        if turn and shelf and self.chance.random() < 0.35:
            return pick_line(self, shelf)
        text = pick_line(self, self.rules["follow" if turn else "open"])
        if turn == 0 and self.chance.random() < 0.25:
            text = (
                pick_line(self, self.stock.words["hello"]) + pick((" ", "，", "，", ""), self.chance) + text
            )
        return text

    def _displeased(self, code):
        bank = self.stock.bank
        fitting = [
            shelf
            for shelf in bank
            if shelf[:2] == ("customer", "displeased") and code in shelf[2] and shelf[2] <= self.codes
        ]
        shelf = (
            bank[pick(fitting, self.chance)]
            if fitting
            else bank[("customer", "displeased", frozenset({"unclear"}))]
        )
        return pick_line(self, shelf), code

    def _answer(self, turn, plan):
        for act, code in (
            ("emotion", "emotion"),
            ("attitude", "attitude"),
            ("unresolved", "ability"),
            ("broken_promise", "ability"),
        ):
            if turn == plan["bad"].get(act):
                if act == "broken_promise":
                    return [(pick_line(self, self.stock.agent["promise"]), "")]
                return [(pick_line(self, self.stock.bank[("agent", "bad", code)]), "")]
        if turn == len(self.delays) - 1 and turn > 0 and not self.unhappy:
            return [(pick_line(self, self.stock.agent["close"]), "")]
        texts = []
        if turn == 0 and self.chance.random() < 0.45:
            texts.append(pick_line(self, self.stock.agent["greet"]))
        draw = self.chance.random()
        good = self.stock.bank.get(("agent", "good", self.rules["topic"]), ())
        if draw < 0.14:
            texts.append(pick_line(self, self.stock.agent["ask"]))
        elif draw < 0.26:
            texts.append(pick_line(self, self.stock.agent["hold"]))
        elif draw < 0.5 and good:
            texts.append(pick_line(self, good))
        else:
            texts.append(pick_line(self, self.rules["reply"]))
        return [(text, "") for text in texts]

    # what happens when: decided before the first word

    def _plan(self):
        turns = len(self.delays)
        bad = {}
        for act in ("unresolved", "attitude", "emotion", "broken_promise"):
            if act in self.acts:
                open_turns = [
                    t for t in range(turns) if t not in bad.values() and self.delays[t] == self.delays[t]
                ]
                if open_turns:
                    bad[act] = pick(open_turns[:-1] or open_turns, self.chance)
        slowest = max(range(turns), key=lambda t: 1e9 if self.delays[t] != self.delays[t] else self.delays[t])
        displeased, press = {}, {}
        for code in sorted(self.codes):
            if code == "timeliness" and self.chance.random() < 0.75:
                press[slowest] = 1 + (self.chance.random() < 0.4)
                continue
            displeased.setdefault(self._turn_for(code, bad, slowest), []).append(code)
            if self.chance.random() < 0.35:
                displeased.setdefault(min(turns - 1, 1 + int(self.chance.random() * turns)), []).append(code)
        return {"bad": bad, "displeased": displeased, "press": press}

    def _turn_for(self, code, bad, slowest):
        last = len(self.delays) - 1
        after = {"attitude": "attitude", "emotion": "emotion", "ability": "unresolved"}.get(code)
        if after in bad:
            return min(bad[after] + 1, last)
        if code == "timeliness":
            return min(slowest + 1, last)
        return min(int(self.chance.random() * (last + 1)), last)

    # the edges of a session

    def _enter(self):
        if self.chance.random() < 0.3:
            card = "product" if self.is_presale else "order"
            self._put(self.now, "customer", pick_line(self, self.stock.card[card]), kind="card")
            self.now += 2 + 6 * self.chance.random()
        if not self.has_bot:
            self._put(self.now + 0.5, "auto", pick_line(self, self.stock.agent["greet"]))
            self.now += 3

    def _meet_bot(self):
        self._put(self.now, "customer", self._typed(self._calm(0)))
        self._put(self.now + 1, "bot", pick_line(self, self.stock.bot["greet"]))
        self._put(self.now + 2, "bot", pick_line(self, self.stock.bot["answer"]))
        self.now = round(self.now + 10 + 25 * self.chance.random(), 3)
        if not self.is_handled:
            if self.chance.random() < 0.4:
                self._put(self.now, "customer", pick_line(self, self.stock.words["ok"]))
            return
        if "bot" in self.codes:
            self._put(self.now, "customer", *self._displeased("bot"))
            self.now += 5
        self._put(self.now, "customer", pick_line(self, self.stock.bot["human"]))
        self._put(self.now + 1, "bot", pick_line(self, self.stock.bot["hand_off"]))
        self._put(self.now + 2, "notice", "转人工", kind="transfer_to_human")
        self.now += 4

    def _hand_over(self, second):
        self._put(second - 1, "agent", pick_line(self, self.stock.agent["transfer"]))
        self.serving = self.colleague if self.serving == self.agent else self.agent
        self._put(second, "notice", pick_line(self, self.stock.notice["transfer"]), kind="transfer")

    def _put(self, second, role, text, code="", kind="text"):
        agent = self.serving if self.is_handled and role in ("agent", "notice", "customer", "auto") else -1
        self.messages.append(Message(self.row, round(second, 3), role, agent, kind, text, code))

    def _typed(self, text):
        """Type like a customer: now and then a homophone, no full stops, marks doubled."""
        draw = self.chance.random()
        if draw < 0.06:
            for right, typed in _HOMOPHONES:
                if right in text:
                    return text.replace(right, typed, 1)
        if draw > 0.7:
            text = text.rstrip("。，").replace("，", " ")
        return text


_HOMOPHONES = (("在", "再"), ("账", "帐"), ("应该", "因该"), ("怎么", "咋么"), ("什么", "神马"), ("没有", "木有"), ("吗", "嘛"), ("的", "得"))  # fmt: skip


def pick_line(session, lines):
    """Say one of some lines in a session."""
    values = {**session.values, "agent_id": session.nick}
    return say(pick(lines, session.chance), session.stock.words, values, session.chance)
