"""What a language model may answer, and whether it did: known codes, messages that exist, exact quotes."""

import json
import re

from csnb.reasons import UNCLEAR


def answer_schema(codes):
    """Give the JSON schema of an answer."""
    reason = {
        "code": {"type": "string", "enum": codes},
        "index": {"type": "integer"},
        "quote": {"type": "string"},
        "p": {"type": "number"},
    }
    answer = {
        "dissatisfied": {"type": "integer", "enum": [0, 1]},
        "p_dissatisfied": {"type": "number"},
        "reasons": {"type": "array", "items": _closed(reason)},
        "primary": {"type": ["string", "null"], "enum": [*codes, None]},
    }
    return _closed(answer)


def _closed(properties):
    """Give the schema of an object that has just these keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def read_answer(words, said, codes):
    """Read and check what a model answered.

    Parameters
    ----------
    words : str; a JSON object, alone or after its reasoning, with or without a code fence
    said : list of {"index", "role", "text"}, what it was asked about
    codes : list of str, the codes of the guide

    Returns
    -------
    answer : dict as in `answer_schema`, or None
    complaint : str, why it cannot be used; empty if it can

    Examples
    --------
    >>> said = [{"index": 0, "role": "customer", "text": "快递太慢了吧"}]
    >>> words = '{"dissatisfied": 1, "p_dissatisfied": 0.9, "primary": "logistics", "reasons": '
    >>> words += '[{"code": "logistics", "index": 0, "quote": "太慢了", "p": 0.9}]}'
    >>> read_answer(words, said, ["logistics"])[0]["primary"]
    'logistics'
    >>> read_answer(words.replace("太慢了", "很慢"), said, ["logistics"])[1]
    "the quote '很慢' does not stand in message 0 word for word"
    """
    plain = re.sub(r"^.*</think>", "", words, flags=re.S)
    found = re.search(r"\{.*\}", plain, flags=re.S)
    try:
        answer = json.loads(found[0]) if found else None
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        return None, f"it is no JSON object: {plain.strip()[:80]!r}"
    complaint = _wrong(answer, {message["index"]: message["text"] for message in said}, codes)
    return (None, complaint) if complaint else (answer, "")


def _wrong(answer, texts, codes):
    """Say what keeps an answer from being used; empty if nothing does."""
    reasons, primary = answer.get("reasons"), answer.get("primary")
    if answer.get("dissatisfied") not in (0, 1) or not _is_chance(answer.get("p_dissatisfied")):
        return "dissatisfied must be 0 or 1, p_dissatisfied a number from 0 to 1"
    if not isinstance(reasons, list) or bool(reasons) != bool(answer["dissatisfied"]):
        return "reasons must be a list, empty without dissatisfaction and only then"
    for reason in reasons:
        complaint = _wrong_reason(reason, texts, codes)
        if complaint:
            return complaint
    given = [reason["code"] for reason in reasons]
    if len(set(given)) < len(given) or (UNCLEAR in given and len(given) > 1):
        return f"every code stands once, and {UNCLEAR} alone"
    if primary not in (given or [None]):
        return f"primary must be one of the reasons given, found {primary!r}"
    return ""


def _wrong_reason(reason, texts, codes):
    """Say what keeps one reason from being used."""
    if not isinstance(reason, dict) or reason.get("code") not in codes:
        return f"{str(reason)[:80]} has no code of the guide"
    index, quote = reason.get("index"), reason.get("quote")
    if isinstance(index, bool) or index not in texts:
        return f"there is no message {index!r}"
    if not isinstance(quote, str) or not quote.strip() or quote not in texts[index]:
        return f"the quote {quote!r} does not stand in message {index} word for word"
    if not _is_chance(reason.get("p")):
        return f"p of {reason['code']} must be a number from 0 to 1"
    return ""


def _is_chance(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
