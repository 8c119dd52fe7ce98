"""What happens in a session of the text lane, and when: moves without words.

A move says who does what at which second, such as "the customer presses for an answer". The times are
those of the causal draw: every reply comes exactly as late as the draw has it.
"""

from typing import NamedTuple

LONGEST_WAIT = 540.0


class Move(NamedTuple):
    """One step of a session: second of the world, speaker, what is done, its reason code, and who serves."""

    second: float
    role: str
    act: str
    code: str = ""
    is_colleague: bool = False


def plot_session(facts, chance):
    """Give the moves of one session in order.

    Parameters
    ----------
    facts : dict, one row of csnb.world.talk.session_facts
    chance : random.Random of the session
    """
    now, moves = _enter(facts, chance)
    if facts["has_bot"]:
        now, more = _meet_bot(facts, now, chance)
        moves += more
    if facts["is_handled"]:
        moves += _be_served(facts, now, chance)
    return moves


def _enter(facts, chance):
    """The customer arrives, perhaps with a card; where no bot stands a greeting comes by itself."""
    now, moves = facts["start"], []
    if chance.random() < 0.3:
        moves.append(Move(now, "customer", "product_card" if facts["is_presale"] else "order_card"))
        now += 2 + 6 * chance.random()
    if not facts["has_bot"]:
        moves.append(Move(now, "auto", "welcome"))
        now += 3
    return now, moves


def _meet_bot(facts, now, chance):
    """The bot answers what it can; the customer stays content, gives up, or asks for a human."""
    moves = [Move(now, "customer", "open"), Move(now + 1, "bot", "greet"), Move(now + 2, "bot", "answer")]
    now += 10 + 25 * chance.random()
    if "bot" in facts["codes"]:
        moves.append(Move(now, "customer", "displeased", "bot"))
        if facts["is_handled"]:
            now += 5
    if facts["is_handled"]:
        if chance.random() < 0.4 or "bot" in facts["codes"]:
            moves.append(Move(now, "customer", "human"))
        moves += [Move(now + 1, "bot", "hand_off"), Move(now + 2, "notice", "transfer_to_human")]
        now += 3
    elif chance.random() < 0.4:
        moves.append(Move(now + 4, "customer", "thanks" if chance.random() < 0.5 else "ok"))
    return now, moves


def _be_served(facts, now, chance):
    """Turn after turn: the customer asks, waits, is answered or not."""
    script, moves, with_colleague = _script(facts, chance), [], False
    last = len(facts["delays"]) - 1
    for turn, delay in enumerate(facts["delays"]):
        is_answered = delay == delay
        wait = delay if is_answered else LONGEST_WAIT * (0.2 + 0.8 * chance.random())
        asked = _ask(facts, script, turn, last, now, wait, chance)
        moves += [move._replace(is_colleague=with_colleague) for move in asked]
        if turn and turn <= facts["transfers"]:
            before = now + 0.4 * wait
            moves.append(Move(before - 1, "agent", "transfer", "", with_colleague))
            with_colleague = not with_colleague
            moves.append(Move(before, "notice", "transfer", "", with_colleague))
        now += wait
        if is_answered:
            now, answered = _answer(facts, script, turn, last, now, chance)
            moves += [move._replace(is_colleague=with_colleague) for move in answered]
            now += facts["think"] * (0.4 + 1.2 * chance.random())
        else:
            now = max(now, moves[-1].second + 1)
            if chance.random() < 0.3:
                moves.append(Move(now, "notice", "read", "", with_colleague))
    if facts["invited"]:
        moves.append(Move(now + 30, "notice", "invite", "", with_colleague))
    return moves


def _ask(facts, script, turn, last, now, wait, chance):
    """What the customer says in one turn, all of it before the reply."""
    if turn in script["displeased"]:
        acts = [("open", "")] if turn == 0 and not facts["has_bot"] else []
        acts += [("displeased", code) for code in script["displeased"][turn]]
    elif turn == last and turn > 0 and not facts["is_dissatisfied"]:
        acts = [("thanks", "")]
    elif turn == 0:
        acts = [("again" if facts["is_repeat"] else "open", "")]
    else:
        acts = [(_CUSTOMER_ACTS[int(chance.random() * len(_CUSTOMER_ACTS))], "")]
    if chance.random() < 0.22 and acts[-1][0] != "thanks":
        acts.append((("detail", "follow", "reason")[int(chance.random() * 3)], ""))
    said, moves = now, []
    for number, (act, code) in enumerate(acts):
        said = now if number == 0 else min(said + 3 + 9 * chance.random(), now + 0.6 * wait)
        moves.append(Move(said, "customer", act, code))
    presses = script["presses"].get(turn, 0)
    for number in range(presses):
        said = max(said, now + wait * (0.5 + 0.4 * number / presses))
        moves.append(Move(said, "customer", "displeased", "timeliness"))
    return moves


_CUSTOMER_ACTS = (
    "follow",
    "follow",
    "follow",
    "follow",
    "ok",
    "ok",
    "yes",
    "wait_ok",
    "detail",
    "chat",
    "chat",
)


def _answer(facts, script, turn, last, now, chance):
    """What the agent says to one turn; the first of it at the second of the draw."""
    act = script["bad"].get(turn)
    if act:
        acts = [act]
    elif turn == last and turn > 0 and not facts["is_dissatisfied"]:
        acts = [("close", "")]
    else:
        acts = [("greet", "")] if turn == 0 and chance.random() < 0.5 else []
        acts.append((_AGENT_ACTS[int(chance.random() * len(_AGENT_ACTS))], ""))
        if chance.random() < 0.2:
            acts.append(("explain", ""))
    moves = []
    for number, (act, code) in enumerate(acts):
        now += 0 if number == 0 else 4 + 16 * chance.random()
        moves.append(Move(now, "agent", act, code))
    return now, moves


_AGENT_ACTS = (
    "reply",
    "reply",
    "reply",
    "reply",
    "reply",
    "reply",
    "ask",
    "hold",
    "yes",
    "good",
    "good",
    "good",
    "canned",
)


def _script(facts, chance):
    """Decide before the first word: in which turn the agent fails, and in which the customer shows what."""
    delays = facts["delays"]
    last, bad = len(delays) - 1, {}
    for behaviour, act in _FAILURES:
        free = [turn for turn, delay in enumerate(delays) if delay == delay and turn not in bad]
        if behaviour in facts["acts"] and free:
            bad[(free[:-1] or free)[int(chance.random() * max(1, len(free) - 1))]] = act
    slowest = max(range(last + 1), key=lambda turn: delays[turn] if delays[turn] == delays[turn] else 1e9)
    displeased, presses = {}, {}
    for code in sorted(facts["codes"] - {"bot"}):
        if code == "timeliness" and chance.random() < 0.75:
            presses[slowest] = 1 + (chance.random() < 0.4)
            continue
        for turn in _when_shown(code, bad, slowest, last, chance):
            displeased.setdefault(turn, []).append(code)
    return {"bad": bad, "displeased": displeased, "presses": presses}


_FAILURES = (
    ("unresolved", ("bad", "ability")),
    ("attitude", ("bad", "attitude")),
    ("emotion", ("bad", "emotion")),
    ("broken_promise", ("promise", "")),
)


def _when_shown(code, bad, slowest, last, chance):
    """Give the turns in which a customer shows a reason: after what caused it, and perhaps once more."""
    after = [turn for turn, (_, shown) in bad.items() if shown == code]
    first = (
        after[0] + 1 if after else slowest + 1 if code == "timeliness" else int(chance.random() * (last + 1))
    )
    again = [first + 1 + int(chance.random() * 2)] if chance.random() < 0.35 else []
    return sorted({min(turn, last) for turn in (first, *again)})
