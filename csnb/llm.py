"""A language model of the user's own as a coder: masked conversations out, checked codes in.

What a model answers is used only if it fits the coding guide: known codes, a message that exists, and a
quote that stands in it word for word. Checked answers are kept by the hash of all that was asked, so that
a run that stops goes on where it was and nothing is paid for twice.
"""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

import polars as pl

from csnb.book import read_conversations, write_parquet
from csnb.coding import read_records
from csnb.endpoint import EndpointError, ask
from csnb.errors import ParameterError
from csnb.llm_answers import answer_schema, read_answer
from csnb.lookup import cache_folder, definition_path
from csnb.masks import mask_text
from csnb.reasons import UNCLEAR, read_reasons
from csnb.schema import conform

_MOST_FAILURES = 20
_VERSION = 1  # raise it when the same conversation is asked about in another way


class Plan(NamedTuple):
    """What a run would send and cost; `cost` is None where no price is configured."""

    conversations: int
    kept: int
    input_tokens: int
    output_tokens: int
    cost: float | None


class Asked(NamedTuple):
    """What a run gave: the answer of each conversation by its id, the ids that failed with why, what it cost
    (None where no price is configured), and why it stopped early (None if it did not)."""

    answers: dict
    failed: dict
    input_tokens: int
    output_tokens: int
    cost: float | None
    stopped: str | None


class _Question(NamedTuple):
    """One conversation to ask about: its id, its masked messages, and the hash of all that is asked."""

    id: str
    said: list
    hash: str


def code_file_by_llm(in_path, out_path, endpoint, agree, max_cost=None, folder=None, progress=None):
    """Code every conversation of a JSONL file by a language model.

    Parameters
    ----------
    in_path, out_path : path of a JSONL file, in the formats of `csnb.coding`
    endpoint, agree, max_cost, folder, progress : as in `ask_about`

    Returns
    -------
    Asked or None
        None if `agree` said no. Conversations that failed are not in the file.

    Raises
    ------
    ExportError
        If a record cannot be read.
    ParameterError
        As `ask_about`.
    """
    records = read_records(in_path)
    asked = ask_about(records, endpoint, agree, max_cost, folder, progress)
    if asked is not None:
        reasons = read_reasons(folder)
        lines = [
            json.dumps(_record(record["id"], asked.answers[record["id"]], reasons), ensure_ascii=False) + "\n"
            for record in records
            if record["id"] in asked.answers
        ]
        Path(out_path).write_text("".join(lines), "utf-8")
    return asked


def code_book_by_llm(book, sessions, endpoint, agree, max_cost=None, progress=None):
    """Code sessions of a book by a language model, into `book.llm_labels`.

    Its codes are a machine's codes like any other: give them to `scored_sessions` in place of `book.labels`,
    and the labels of people correct them.

    Parameters
    ----------
    book : Book
    sessions : pandas.DataFrame, `book.sessions` or a part of it
    endpoint, agree, max_cost, progress : as in `ask_about`

    Returns
    -------
    Asked or None
        None if `agree` said no. What the model said before on these sessions is replaced where it answered.
    """
    said = read_conversations(book, sessions["session_key"])
    talks = {key: rows.to_dicts() for (key,), rows in said.group_by("session_key", maintain_order=True)}
    records = [{"id": key, "messages": messages} for key, messages in talks.items()]
    asked = ask_about(records, endpoint, agree, max_cost, book.definitions_folder, progress)
    if asked is not None and asked.answers:
        names = dict(zip(sessions["session_key"], sessions["session_id"], strict=True))
        rows = [
            {"session_key": key, "session_id": names[key], "source": "llm", "coder": "llm", **row}
            for key, answer in asked.answers.items()
            for row in _label_rows(answer, talks[key])
        ]
        path = book.path / "llm_labels" / "labels.parquet"
        new = conform(pl.DataFrame(rows, infer_schema_length=None), "labels")
        old = pl.read_parquet(path).join(new, on="session_key", how="anti") if path.is_file() else new.clear()
        write_parquet(path, pl.concat([old, new]).sort("session_key", maintain_order=True))
    return asked


def _label_rows(answer, messages):
    """Write an answer as rows of table `labels`, the primary reason first."""
    yield {"code": "dissatisfied", "p": float(answer["p_dissatisfied"])}
    for reason in sorted(answer["reasons"], key=lambda reason: reason["code"] != answer["primary"]):
        number = messages[reason["index"]]["number"]
        yield {"code": reason["code"], "number": number, "quote": reason["quote"], "p": float(reason["p"])}


def ask_about(records, endpoint, agree, max_cost=None, folder=None, progress=None):
    """Ask a language model about conversations, those left out that it answered before.

    Parameters
    ----------
    records : list of dict with `id` and `messages` (dicts with `role` and `text`); texts are masked here
    endpoint : Endpoint of `read_endpoint`
    agree : function of a Plan; nothing is sent unless it gives True
    max_cost : float or None, in the endpoint's currency; a run that would cost more is not begun, and one
        that comes to cost more stops
    folder : path of the user's own definitions folder, or None
    progress : callable(done, total) or None

    Returns
    -------
    Asked or None
        None if `agree` said no.

    Raises
    ------
    ParameterError
        If the plan costs more than `max_cost`, or `max_cost` is given and the endpoint has no prices.
    """
    prompt, codes = _system_prompt(endpoint, folder), read_reasons(folder)["code"].to_list()
    questions = [_question(record, said, prompt, endpoint) for record, said in _masked(records, folder)]
    known = {each.hash: answer for each in questions if (answer := _read_kept(each.hash)) is not None}
    todo = list({each.hash: each for each in questions if each.hash not in known}.values())
    if todo:
        plan = plan_run(endpoint, prompt, todo, len(questions))
        _refuse_cost(plan, max_cost, endpoint)
        if not agree(plan):
            return None
    spent, failed, stopped = [0, 0], {}, None
    with ThreadPoolExecutor(max(1, endpoint.parallel)) as pool:
        running = {pool.submit(_code_one, each, endpoint, prompt, codes): each.hash for each in todo}
        for done, future in enumerate(as_completed(running), start=1):
            if future.cancelled():
                continue
            try:
                answer, complaint, tokens = future.result()
            except EndpointError as error:
                stopped = stopped or str(error)
            else:
                spent = [total + more for total, more in zip(spent, tokens, strict=True)]
                if answer is None:
                    failed[running[future]] = complaint
                else:
                    known[running[future]] = answer
                    _keep(running[future], answer)
                if max_cost is not None and _cost(endpoint, *spent) > max_cost:
                    stopped = stopped or f"the run has cost more than {max_cost:g} {endpoint.currency}"
            if stopped:
                _cancel(running)
            if progress:
                progress(done, len(todo))
    return Asked(
        answers={each.id: known[each.hash] for each in questions if each.hash in known},
        failed={each.id: failed[each.hash] for each in questions if each.hash in failed},
        input_tokens=spent[0],
        output_tokens=spent[1],
        cost=_cost(endpoint, *spent),
        stopped=stopped,
    )


def _cancel(running):
    """Let nothing begin that has not begun."""
    for future in running:
        future.cancel()


def plan_run(endpoint, prompt, todo, conversations):
    """Estimate what asking about some conversations takes.

    Parameters
    ----------
    endpoint : Endpoint
    prompt : str, what every request begins with
    todo : list of questions that no kept answer fits
    conversations : int, all of the run

    Returns
    -------
    Plan
    """
    characters = sum(len(prompt) + len(_as_json(each.said)) for each in todo)
    tokens = round(characters * endpoint.tokens_per_character), len(todo) * endpoint.answer_tokens
    return Plan(conversations, conversations - len(todo), *tokens, _cost(endpoint, *tokens))


def _cost(endpoint, input_tokens, output_tokens):
    """Give the price of some tokens, or None where no price is configured."""
    if not endpoint.input_price and not endpoint.output_price:
        return None
    return (input_tokens * endpoint.input_price + output_tokens * endpoint.output_price) / 1e6


def _refuse_cost(plan, max_cost, endpoint):
    """Refuse a run that is too dear, or whose price nobody knows."""
    if max_cost is None:
        return
    if plan.cost is None:
        raise ParameterError("--max-cost needs input_price and output_price in the file of --config")
    if plan.cost > max_cost:
        raise ParameterError(
            f"the run would cost about {plan.cost:.2f} {endpoint.currency}, more than {max_cost:g}; nothing was sent"
        )


def describe_plan(plan, endpoint):
    """Say in one line what a run would send, where to, and what it would cost."""
    cost = "no price is configured" if plan.cost is None else f"about {plan.cost:.2f} {endpoint.currency}"
    return (
        f"{plan.conversations} conversations, {plan.kept} answered before; {plan.conversations - plan.kept} to send to "
        f"{endpoint.url} ({endpoint.model}): about {plan.input_tokens:,} tokens in, {plan.output_tokens:,} out; {cost}"
    )


def describe_asked(asked, endpoint):
    """Say what a run gave, line by line: answers, cost, failures, and why it stopped."""
    cost = "" if asked.cost is None else f", {asked.cost:.2f} {endpoint.currency}"
    lines = [
        f"{len(asked.answers)} coded; {asked.input_tokens:,} tokens in, {asked.output_tokens:,} out{cost}"
    ]
    lines += [f"not coded: {name}: {why}" for name, why in list(asked.failed.items())[:_MOST_FAILURES]]
    if len(asked.failed) > _MOST_FAILURES:
        lines.append(f"and {len(asked.failed) - _MOST_FAILURES} more")
    if asked.stopped:
        lines.append(f"stopped: {asked.stopped}; run it again to go on, what was answered is kept")
    return "\n".join(lines)


# ---- one question


def _masked(records, folder):
    """Give every record with the messages that are sent: index, role, masked text; empty ones left out."""
    texts = [message.get("text") for record in records for message in record["messages"]]
    masked = iter(mask_text(pl.Series(texts, dtype=pl.String), folder))
    for record in records:
        said = [
            {"index": index, "role": message["role"], "text": text}
            for index, message in enumerate(record["messages"])
            if (text := next(masked)) is not None
        ]
        yield record, said


def _question(record, said, prompt, endpoint):
    """Make one question; its hash covers all that decides the answer."""
    asked = [_VERSION, endpoint.url, endpoint.model, endpoint.answer_format, prompt, said]
    return _Question(record["id"], said, hashlib.sha256(_as_json(asked).encode()).hexdigest())


def _as_json(value):
    return json.dumps(value, ensure_ascii=False)


def _system_prompt(endpoint, folder):
    """Give what every request begins with: the instruction and the coding guide."""
    guide = definition_path("coding_guide.md", folder).read_text("utf-8")
    return f"{endpoint.instruction.strip()}\n\n{guide}"


def _code_one(question, endpoint, prompt, codes):
    """Ask about one conversation until the answer can be used: the answer or None, why not, tokens spent."""
    if not question.said:
        return {"dissatisfied": 0, "p_dissatisfied": 0.0, "reasons": [], "primary": None}, "", (0, 0)
    messages = [{"role": "system", "content": prompt}, {"role": "user", "content": _as_json(question.said)}]
    spent, complaint = [0, 0], ""
    for _ in range(endpoint.answers):
        reply = ask(endpoint, messages, answer_schema(codes))
        asked = sum(len(message["content"]) for message in messages)
        for place, (counted, characters) in enumerate(
            ((reply.input_tokens, asked), (reply.output_tokens, len(reply.words)))
        ):
            spent[place] += (
                counted if counted is not None else round(characters * endpoint.tokens_per_character)
            )
        answer, complaint = read_answer(reply.words, question.said, codes)
        if answer is not None:
            return answer, "", tuple(spent)
        messages += [
            {"role": "assistant", "content": reply.words},
            {"role": "user", "content": f"This answer cannot be used: {complaint}. Answer again, with the JSON object only."},
        ]  # fmt: skip
    return None, complaint, tuple(spent)


def _record(name, answer, table):
    """Write an answer as a record of `csnb code`."""
    sides = dict(table.select("code", "side").iter_rows())
    reasons = {reason["code"]: reason for reason in answer["reasons"]}
    found = {sides[code] for code in reasons}
    both = {"controllable", "uncontrollable"} <= found
    return {
        "id": name,
        "dissatisfied": answer["dissatisfied"],
        "reasons": {code: reason["index"] for code, reason in reasons.items()},
        "primary": answer["primary"],
        "side": "none" if not found else "mixed" if both else found.pop(),
        "p": {code: reasons[code]["p"] if code in reasons else 0.0 for code in sides if code != UNCLEAR},
        "p_dissatisfied": answer["p_dissatisfied"],
    }


# ---- answers that are kept


def _kept_path(name):
    """Give the file of a kept answer."""
    return cache_folder() / "llm" / name[:2] / f"{name}.json"


def _read_kept(name):
    """Read a kept answer, or give None."""
    try:
        return json.loads(_kept_path(name).read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _keep(name, answer):
    """Keep a checked answer; where the cache cannot be written it is asked for again next time."""
    path = _kept_path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        draft.write_text(_as_json(answer), "utf-8")
        draft.replace(path)
    except OSError:
        pass
