"""`csnb code`: conversations in, one JSON record a line; dissatisfaction, reasons and evidence out.

In:  `{"id": "...", "messages": [{"role": "customer", "text": "...", "sent_at": "..."}]}`
Out: `{"id", "dissatisfied", "reasons": {code: message index}, "primary", "side", "p": {code: probability},
"p_dissatisfied"}`. Indices count from 0. A conversation whose customer cannot be read shows
no displeasure, so `dissatisfied` is 0; but no probability stands behind it: `p_dissatisfied` is null, and `unread` says why.
"""

import json
import re
import sys
import time
from pathlib import Path

import polars as pl

from csnb.errors import ExportError
from csnb.evidence import CODES, is_heard
from csnb.reasons import label_sessions, score_sessions
from csnb.schema import ROLES
from csnb.sides import code_summary
from csnb.utterances import load_model

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_MOST_NAMED = 10  # conversations that could not be read


def code_file(in_path, out_path, folder=None):
    """Code every conversation of a JSONL file; to stderr, say how fast that was and what could not be read.

    Parameters
    ----------
    in_path, out_path : path of a JSONL file; this module says what a line holds
    folder : path of the user's own definitions folder, or None

    Raises
    ------
    ExportError
        If a record cannot be read; line, key and what is allowed are named. Nothing is written then.

    Examples
    --------
    >>> code_file("conversations.jsonl", "coded.jsonl")  # doctest: +SKIP
    """
    began = time.perf_counter()
    load_model(folder)
    loaded = time.perf_counter()
    records = read_records(in_path)
    coded = code_records(records, folder)
    Path(out_path).write_text(
        "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in coded), "utf-8"
    )
    seconds = time.perf_counter() - loaded
    print(
        f"model loaded in {loaded - began:.2f} s; {len(coded)} conversations coded in {seconds:.2f} s",
        file=sys.stderr,
    )
    unread = [f"{record['id']} ({record['unread']})" for record in coded if "unread" in record]
    if unread:
        named = ", ".join(unread[:_MOST_NAMED]) + (" and more" if len(unread) > _MOST_NAMED else "")
        print(
            f"{len(unread)} could not be read, so that their 0 has no probability: {named}", file=sys.stderr
        )


def read_records(path):
    """Read and check the conversations of a JSONL file; keys that are not known are ignored.

    Raises
    ------
    ExportError
        If the file is missing or not UTF-8, a line is no JSON object, an id is missing or doubled, or a message
        has a role or text that is not allowed; the line, the key and what is allowed are named.
    """
    path = Path(path)
    if not path.is_file():
        raise ExportError(f"{path}: no such file")
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ExportError(f"{path.name}: not UTF-8 (at byte {error.start}); save it as UTF-8") from None
    records, seen = [], {}
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
        except json.JSONDecodeError as error:
            raise ExportError(
                f"{path.name}, line {line}: not JSON ({error}); one object a line is needed"
            ) from None
        problem = _problem(record)
        if problem:
            raise ExportError(f"{path.name}, line {line}, {problem}")
        if record["id"] in seen:
            raise ExportError(
                f"{path.name}, line {line}, id: {record['id']!r} stands in line {seen[record['id']]} already"
            )
        seen[record["id"]] = line
        records.append(record)
    return records


def _problem(record):
    """Say what is wrong with a record: key, what was found, what is allowed; empty if nothing is."""
    if not isinstance(record, dict):
        return 'record: a JSON object is needed, such as {"id": "1", "messages": []}'
    if not isinstance(record.get("id"), str | int) or isinstance(record["id"], bool):
        return f"id: a text or a whole number is needed, found {record.get('id')!r}"
    if not isinstance(record.get("messages"), list):
        return f"messages: a list is needed (it may be empty), found {record.get('messages')!r:.40}"
    for number, message in enumerate(record["messages"]):
        if not isinstance(message, dict):
            return f"messages[{number}]: an object with role and text is needed, found {message!r:.40}"
        if message.get("role") not in ROLES:
            return f"messages[{number}].role: one of {', '.join(ROLES)} is needed, found {message.get('role')!r:.40}"
        if not isinstance(message.get("text"), str | None):
            return f"messages[{number}].text: a text or null is needed, found {message['text']!r:.40}"
        if _HALF_CHARACTER.search(message.get("text") or ""):
            return f"messages[{number}].text: half of a character, such as \\ud83d without what follows it"
    return ""


def code_records(records, folder=None):
    """Code conversations that are already in memory.

    Parameters
    ----------
    records : list of dict, as `read_records` gives them
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    list of dict
        One record a conversation, in the same order: `id`, `dissatisfied` (0 or 1), `reasons` (code to
        index of the message that shows it), `primary`, `side` (`none` if satisfied), `p` (code to
        probability, for every code), `p_dissatisfied`. Where the customer cannot be read, `dissatisfied` is 0
        without a probability: `p` is empty, `p_dissatisfied` None, and `unread` says why.

    Examples
    --------
    >>> talk = {"id": "a", "messages": [{"role": "customer", "text": "快递太慢了吧！都五天了还没到"}]}
    >>> code_records([talk])[0]["reasons"]
    {'logistics': 0}
    >>> code_records([{"id": "b", "messages": []}])[0]["unread"]
    'no message of a customer'
    """
    messages = as_messages(records).filter(is_heard())
    coded = _coded(messages, folder) if messages.height else {}
    return [
        {"id": record["id"], **(coded[key] if key in coded else _unread(record))}
        for key, record in enumerate(records)
    ]


def _coded(messages, folder):
    """Code sessions whose customers can be read: key to record."""
    evidence, scores = score_sessions(messages, folder=folder)
    coded = {}
    for key, dissatisfied, reasons in zip(
        scores.session_key, scores.dissatisfied, scores.reasons, strict=True
    ):
        chances = {code: round(float(chance), 4) for code, chance in zip(CODES, reasons, strict=True)}
        coded[key] = {"dissatisfied": 0, "reasons": {}, "primary": None, "side": "none"}
        coded[key] |= {"p": chances, "p_dissatisfied": round(float(dissatisfied), 4)}
    labels = label_sessions(messages, evidence, scores)
    for row in code_summary(labels, folder).drop_nulls("side").iter_rows(named=True):
        coded[row["session_key"]] |= {"dissatisfied": 1, "primary": row["primary"], "side": row["side"]}
    given = labels.filter((pl.col("coder") == "model") & (pl.col("code") != "dissatisfied"))
    for key, code, number in given.select("session_key", "code", "number").iter_rows():
        coded[key]["reasons"][code] = number
    return coded


def _unread(record):
    """Say why a customer cannot be read, in the form of a coded record."""
    said = [message.get("text") or "" for message in record["messages"] if message["role"] == "customer"]
    why = "no Chinese from the customer" if "".join(said).strip() else "no text of the customer"
    nothing = {"dissatisfied": 0, "reasons": {}, "primary": None, "side": "none", "p": {}}
    return {**nothing, "p_dissatisfied": None, "unread": why if said else "no message of a customer"}


def as_messages(records):
    """Make the messages of records one table: `session_key` is the position of the record, `number` the index."""
    rows = [
        (key, number, message["role"], message.get("text"))
        for key, record in enumerate(records)
        for number, message in enumerate(record["messages"])
    ]
    schema = {"session_key": pl.Int64, "number": pl.Int32, "role": pl.String, "text": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")
