"""The text lane: every session of a draw as Chinese messages, at the times of the same draw."""

import random
from functools import cache
from typing import NamedTuple

import numpy as np

from csnb.world.causes import BEHAVIOURS, CODES, EXTERNAL
from csnb.world.draws import uniforms
from csnb.world.grammar import pick, say
from csnb.world.plot import plot_session
from csnb.world.scenarios import world_table
from csnb.world.stock import read_stock

CARDS = {"product_card", "order_card"}
HANDED = {"transfer_to_human", "transfer"}


class Message(NamedTuple):
    """One message: row of its session, second of the world, speaker, agent (-1: none), kind, text, and the
    reason code that it shows ("": none)."""

    row: int
    second: float
    role: str
    agent: int
    kind: str
    text: str
    code: str


def talk(draw, rows=None):
    """Yield the messages of every session, in the order of the draw, as lists of Message; `rows` picks some by number.

    Examples
    --------
    >>> from csnb.world import make_world
    >>> session = next(talk(make_world("S1", 1, sessions_per_week=50).truth.draw))
    >>> session[0].role in ("customer", "auto")
    True
    """
    facts, stock = session_facts(draw), read_stock()
    for row in range(len(facts["seed"])) if rows is None else rows:
        yield _speak(row, {name: values[row] for name, values in facts.items()}, stock)


def session_facts(draw):
    """Give what plot and words need of every session: a dict of lists, one entry a session."""
    c, s, o = draw.contacts, draw.service, draw.outcome
    acts, codes = np.array(BEHAVIOURS), np.array(CODES)
    nicks = np.array([name.split(":")[1] for name in draw.agents["agent_id"]])
    colleague = _colleagues(draw)[c["agent"]]
    return {
        "seed": np.floor(uniforms(draw.seed, "words", draw.groups) * 2**53).astype(np.int64).tolist(),
        "story": (c["buyer"] * 1000 + c["intent"] * 20 + c["product_line"]).tolist(),
        "start": c["second"].tolist(),
        "intent": world_table("intents").index[c["intent"]].tolist(),
        "line": world_table("product_lines").index[c["product_line"]].tolist(),
        "platform": draw.shops["platform"][c["shop"]].tolist(),
        "shop": draw.shops["shop"][c["shop"]].tolist(),
        "agent": c["agent"].tolist(),
        "agent_nick": nicks[c["agent"]].tolist(),
        "colleague": colleague.tolist(),
        "colleague_nick": nicks[colleague].tolist(),
        "transfers": s["transfer_count"].tolist(),
        "invited": draw.ratings["is_invited"].tolist(),
        "think": s["think_seconds"].tolist(),
        "delays": [delays.tolist() for delays in np.split(s["turn_delay_seconds"], s["turn_first"][1:])],
        "acts": [frozenset(acts[row]) for row in np.column_stack([s[act] for act in BEHAVIOURS])],
        "codes": [frozenset(codes[row].tolist()) for row in np.column_stack([o[code] for code in CODES])],
        "is_dissatisfied": o["is_dissatisfied"].tolist(),
        "drift": [draw.p.drift] * len(c["second"]),
        **{name: c[name].tolist() for name in ("has_bot", "is_handled", "is_repeat", "is_presale")},
    }


def _colleagues(draw):
    """Give every agent's colleague: the next one of the same shop, or the agent where there is none."""
    shop = draw.agents["shop"]
    team = [np.flatnonzero(shop == own) for own in shop]
    return np.array(
        [mates[(np.searchsorted(mates, agent) + 1) % len(mates)] for agent, mates in enumerate(team)]
    )


def _speak(row, facts, stock):
    """Say all moves of one session."""
    chance = random.Random(facts["seed"])
    story = _story_values(facts, stock)
    messages, last = [], "稍等"
    for move in plot_session(facts, chance):
        who = "colleague" if move.is_colleague else "agent"
        values = {**story, **_persona(facts[who], stock.persona), "nick": facts[f"{who}_nick"], "last": last}
        text = _words(move, facts, stock, values, chance)
        if move.role == "agent":
            last = text[:10].rstrip("，。 ~")
        agent = facts[who] if facts["is_handled"] and move.role != "bot" else -1
        code = move.code if move.role == "customer" else ""
        messages.append(Message(row, round(move.second, 3), move.role, agent, _kind(move), text, code))
    return messages


def _kind(move):
    """Give the kind of a message."""
    if move.act in CARDS:
        return "card"
    return move.act if move.role == "notice" and move.act in HANDED else "text"


def _story_values(facts, stock):
    """Give what stays the same in a story of several sessions: the goods, the order, the shop."""
    chance = random.Random(facts["story"])
    goods = pick(stock.goods[facts["line"]], chance)
    number = "".join(str(int(chance.random() * 10)) for _ in range(16))
    return {
        "goods": goods,
        "product": goods,
        "part": pick(stock.parts[facts["line"]], chance),
        **{
            name: _say_plainly(stock.words[name], stock, chance)
            for name in ("city", "courier", "colour", "size")
        },
        "order": "订单[订单x]" if chance.random() < 0.5 else "[订单x]",
        "order_number": "[订单x]",
        "link": number[:10],
        "emoji_number": f"{int(number[:2]) % 70 + 1:02d}",
        "shop_word": facts["shop"],
        "bot_name": facts["shop"][:2],
        "platform": facts["platform"],
    }


def _say_plainly(lines, stock, chance):
    """Say one of some lines that hold no fact of the session."""
    return say(pick(lines, chance), stock.words, {}, chance)


@cache
def _persona(agent, habits):
    """Choose an agent's habits of speech for good: how they call themselves, what ends a sentence."""
    chance = random.Random(agent)
    return {name: pick(options, chance) for name, options in habits}


def _words(move, facts, stock, values, chance):
    """Find words for one move."""
    if move.role == "customer":
        return _customer_words(move, facts, stock, values, chance)
    if move.role == "agent":
        return _agent_words(move, facts, stock, values, chance)
    if move.act == "transfer_to_human":
        return "转人工"
    if move.act == "welcome":
        lines = stock.canned(facts["shop"], "greet")
    elif move.act == "answer" and not facts["is_handled"] and not facts["codes"]:
        lines = stock.customer[facts["intent"]]["reply"]
    else:
        lines = (stock.bot if move.role == "bot" else stock.notice)[move.act]
    return _say(lines, stock, values, chance)


def _customer_words(move, facts, stock, values, chance):
    """Say a customer's move, often with something more, typed as customers type."""
    if move.act == "displeased":
        return _typed(_displeased(move.code, facts, stock, values, chance), chance)
    text = _say(_customer_lines(move.act, facts, stock, chance), stock, values, chance)
    if move.act in CARDS or move.act == "human":
        return text
    if move.act == "open" and chance.random() < 0.3:
        hello = _say(stock.words["hello"], stock, values, chance)
        text = hello + pick((" ", " ", "，", "，", ""), chance) + text
    if chance.random() < _MORE_SHARE.get(move.act, 0.45):
        more = pick(_MORE.get(move.act, _MORE_OF_ALL), chance)
        more = stock.customer[facts["intent"]]["follow"] if more == "follow" else stock.words[more]
        filler = _say(stock.words["filler"], stock, values, chance) if chance.random() < 0.2 else ""
        text += pick((" ", " ", " ", "，", "，", "。"), chance) + filler + _say(more, stock, values, chance)
    return text if move.act in _MORE else _typed(_asked(text, 0.4, chance), chance)


_MORE = {"thanks": ("bye",)} | dict.fromkeys(("ok", "yes", "wait_ok"), ("reason", "confirm"))
_MORE_OF_ALL = ("follow", "follow", "follow", "reason", "reason", "reason", "confirm", "polite_end")
_MORE_SHARE = {"thanks": 0.15} | dict.fromkeys(("ok", "yes", "wait_ok"), 0.15)


def _customer_lines(act, facts, stock, chance):
    """Give the lines for a customer's move: of the intent, of the bank, or of everyday words."""
    own, draw = stock.customer[facts["intent"]], chance.random()
    if act in CARDS:
        return stock.platform[facts["platform"]][act]
    if act == "human":
        return stock.bot["human"]
    if act == "open":
        return own["open"]
    if act == "chat":
        return stock.fitting(("customer", "calm", "neutral"), facts["line"])
    if act == "follow" and draw < 0.4:
        return stock.fitting(("customer", "calm", own["topic"]), facts["line"])
    if act == "follow" or (act == "detail" and draw < 0.6):
        return own["follow"]
    return stock.words["confirm" if act == "detail" else act]


def _asked(text, share, chance):
    """Put a question mark behind some questions."""
    return text + "？" if text.endswith(_QUESTION_ENDS) and chance.random() < share else text


_QUESTION_ENDS = (
    "吗",
    "么",
    "不",
    "没",
    "啥",
    "多少",
    "多久",
    "几天",
    "几点",
    "哪里",
    "哪",
    "怎么办",
    "什么",
    "时候",
    "哪个",
    "怎么弄",
    "为什么",
)


def _displeased(code, facts, stock, values, chance):
    """Say displeasure about one reason: a line of the bank that shows no reason beside those of the session."""
    if chance.random() < facts["drift"]:
        return _say(stock.drift[code], stock, values, chance)
    shelves = stock.displeased(code, facts["codes"], facts["line"])
    text = _say(pick(shelves, chance), stock, values, chance)
    if chance.random() < 0.06:
        text += _say(stock.platform[facts["platform"]]["cry"], stock, values, chance)
    if code in EXTERNAL and chance.random() < 0.12:
        return _say(stock.words["negation"], stock, values, chance) + text
    if code == "ability" and chance.random() < 0.2:
        return _say(stock.words["quote"], stock, values, chance)
    return text


def _agent_words(move, facts, stock, values, chance):
    """Say an agent's move: the shop's canned text, the bank's or a line of the grammar, often two sentences."""
    own = stock.customer[facts["intent"]]
    if move.act == "bad":
        return _say(stock.fitting(("agent", "bad", move.code), facts["line"]), stock, values, chance)
    if move.act == "canned" or (move.act in ("close", "greet") and chance.random() < 0.3):
        return _say(stock.canned(facts["shop"], move.act), stock, values, chance)
    good = stock.fitting(("agent", "good", own["topic"]), facts["line"])
    good = good if chance.random() < len(good) / 60 else own["reply"]
    lines = {"reply": own["reply"], "good": good}.get(move.act) or stock.agent[move.act]
    text = _softly(_say(lines, stock, values, chance), values, chance)
    if move.act in ("reply", "ask", "hold") and chance.random() < 0.35:
        text = _say(stock.agent["soften"], stock, values, chance) + values["joint"] + text
    after = _AFTERWARDS.get(move.act)
    if after and chance.random() < 0.5:
        text += values["joint"] + _softly(_say(stock.agent[after], stock, values, chance), values, chance)
    text = text.replace(" ", "，").replace("，", values["pause"])
    return text.rstrip("？") if chance.random() < 0.4 else _asked(text, 0.5, chance)


_AFTERWARDS = {"reply": "explain", "good": "explain", "hold": "explain", "close": "close"}


def _softly(text, values, chance):
    """End a sentence with the agent's own particle where it ends in a plain word."""
    return text + values["end"] if chance.random() < 0.35 and text[-1:] not in _SOFT_ENDS else text


_SOFT_ENDS = frozenset("哦呢哈哟哒噢的了吗么吧啦~。？！!…]%0123456789元天好件款单号里上下亲宝主您候码多少")


def _say(lines, stock, values, chance):
    """Say one of some lines with the words, the habits of the platform and the facts of the session."""
    return say(pick(lines, chance), stock.spoken_on(values["platform"]), values, chance)


def _typed(text, chance):
    """Type like a customer: now and then a homophone or a missing character, few full stops, spaces for commas."""
    draw = chance.random()
    if draw < 0.05:
        right, typed = pick(_HOMOPHONES, chance)
        return text.replace(right, typed, 1)
    if draw < 0.07 and len(text) > 6:
        gap = int(chance.random() * (len(text) - 1))
        return text[:gap] + text[gap + 1 :] if text[gap] not in "[]#{}<>" and "[" not in text else text
    if draw < 0.1:
        return text.rstrip("。？~") + pick(("？？", "！！", "。。。", "…", "?", "??", "!", "～"), chance)
    if draw > 0.6:
        return text.rstrip("。，").replace("，", " ").replace("？", "?" if draw > 0.7 else "")
    return text


_HOMOPHONES = (
    ("在", "再"), ("账", "帐"), ("应该", "因该"), ("怎么", "咋么"), ("什么", "神马"), ("没有", "木有"), ("吗", "嘛"), ("的", "得"),
    ("已经", "以经"), ("发货", "发或"), ("到", "道"), ("退款", "腿款"), ("快递", "快弟"), ("这样", "酱紫"), ("知道", "造"), ("可以", "可已"),
)  # fmt: skip
