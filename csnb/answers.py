"""Answers: the cases that people are asked to read, and the codes they give, saved by coder.

An answer is a plain dict: `dissatisfied` (True, False or None), `reasons` (code to number of the message
that shows it), `primary` (code or None), `note`. Sheets and the labeller check and save it here alike;
book/human_labels/<coder>.parquet holds what one coder answered, so that coders never write one file.
"""

import polars as pl

from csnb.book import read_conversations, write_parquet
from csnb.errors import ParameterError
from csnb.labelling import checked_coders
from csnb.reasons import QUOTE, UNCLEAR, read_reasons
from csnb.schema import conform


def read_cases(book, coder=None):
    """List the cases of all draws, in the order to label them.

    Parameters
    ----------
    book : Book
    coder : str or None; only what this coder was asked to code

    Returns
    -------
    pandas.DataFrame
        Rows of table `drawn` that were drawn, the latest draw first.
    """
    cases = book.drawn.dropna(subset=["case"])
    if coder is not None:
        cases = cases[[coder in str(names).split(",") for names in cases["coders"]]]
    draw = cases["case"].str.extract(r"d(\d+)-(\d+)").astype(int)
    return cases.assign(draw=-draw[0], place=draw[1]).sort_values(["draw", "place"], ignore_index=True).drop(
        columns=["draw", "place"]
    )  # fmt: skip


def read_draws(book):
    """Give what a sheet may say of each case: a later draw changes what an earlier sheet says of it.

    Parameters
    ----------
    book : Book

    Returns
    -------
    dict of case to list of (use, stratum, drawn_probability), as of each draw; without a chance it is None
    """
    files = sorted((book.path / "drawn").glob("*.parquet"))
    draws = {}
    for rows in [pl.read_parquet(file).drop_nulls("case") for file in files]:
        for case, *drawn in rows.select("case", "use", "stratum", "drawn_probability").iter_rows():
            draws.setdefault(case, []).append(tuple(drawn))
    return draws


def check_answer(answer, numbers, codes):
    """Say what is wrong with one answer.

    Parameters
    ----------
    answer : dict
        `dissatisfied` (True, False or None), `reasons` (code to number of the message that shows it),
        `primary` (code or None), `note` (str)
    numbers : collection of int, the numbers of the session's messages
    codes : collection of str, the codes of the guide

    Returns
    -------
    list of (column, value, complaint); empty if all is well

    Examples
    --------
    >>> check_answer({"dissatisfied": True, "reasons": {"price": 9}, "primary": None, "note": ""}, [0, 1], ["price"])
    [('price', 9, 'there is no such message; the conversation has 0 to 1')]
    """
    reasons, primary, wrong = answer["reasons"], answer["primary"], []
    for code, number in reasons.items():
        if code not in codes:
            wrong.append((code, number, f"is no code of the guide; known are {', '.join(codes)}"))
        elif number not in numbers:
            span = f"{min(numbers)} to {max(numbers)}" if numbers else "none"
            wrong.append((code, number, f"there is no such message; the conversation has {span}"))
    if answer["dissatisfied"] is False and reasons:
        wrong.append(("dissatisfied", 0, f"contradicts the reasons {', '.join(reasons)}"))
    if answer["dissatisfied"] and not reasons:
        wrong.append(("dissatisfied", 1, f"needs a reason, or {UNCLEAR} with a message"))
    if answer["dissatisfied"] is None and not reasons:
        wrong.append(("dissatisfied", "", "is not answered"))
    if UNCLEAR in reasons and len(reasons) > 1:
        wrong.append((UNCLEAR, reasons[UNCLEAR], "is never used beside another code"))
    if primary is not None and primary not in reasons:
        wrong.append(("primary", primary, "is not one of the reasons given"))
    return wrong


def save_answers(book, coder, answers, said=None):
    """Save what one analyst answered, in place of earlier answers on the same cases; all others stay.

    Parameters
    ----------
    book : Book
    coder : str
    answers : dict of case to answer, each without complaint by `check_answer`; None takes an answer back
    said : polars.DataFrame of `read_conversations`, if they are at hand

    Raises
    ------
    ParameterError
        If a case is unknown.
    """
    if not answers:
        return
    (coder,) = checked_coders([coder])
    keys = case_sessions(book, answers)
    codes = ["dissatisfied", *read_reasons(book.definitions_folder)["code"]]
    given = {case: answer for case, answer in answers.items() if answer is not None}
    rows = [row for case, answer in given.items() for row in _rows(case, *keys[case], coder, answer, codes)]
    new = pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame(schema={"case": pl.String})
    said = read_conversations(book, [key for key, _ in keys.values()]) if said is None else said
    new = _with_quotes(conform(new, "human_labels"), said)
    path = book.path / "human_labels" / f"{coder}.parquet"
    old = (
        pl.read_parquet(path).filter(~pl.col("case").is_in(list(answers))) if path.is_file() else new.clear()
    )
    write_parquet(path, pl.concat([old, new]).sort("case", maintain_order=True))


def own_case(session_key):
    """Name the case of a session that nobody drew.

    Examples
    --------
    >>> own_case(42)
    'own-42'
    """
    return f"own-{session_key}"


def case_sessions(book, cases):
    """Give the session of each case, as case to (session_key, session_id).

    Raises
    ------
    ParameterError
        If the book has no such case.
    """
    drawn = book.drawn.dropna(subset=["case"]).set_index("case")[["session_key", "session_id"]]
    known = {case: tuple(row) for case, row in zip(drawn.index, drawn.to_numpy(), strict=True)}
    own = [int(case.removeprefix("own-")) for case in cases if case.startswith("own-")]
    if own:
        ids = pl.scan_parquet(book.path / "sessions" / "*.parquet").select("session_key", "session_id")
        ids = ids.filter(pl.col("session_key").is_in(own)).collect()
        known |= {own_case(key): (key, name) for key, name in ids.iter_rows()}
    unknown = [case for case in cases if case not in known]
    if unknown:
        raise ParameterError(f"the book has no case {unknown[0]!r}; was it drawn from another book?")
    return {case: known[case] for case in cases}


def _rows(case, session_key, session_id, coder, answer, codes):
    """Write one answer as one row a code."""
    reasons = answer["reasons"]
    primary = next(iter(reasons)) if len(reasons) == 1 else answer["primary"]
    held = {"dissatisfied": None, **reasons} if reasons else {}
    return [
        {"session_key": session_key, "session_id": session_id, "coder": coder, "code": code, "holds": code in held,
         "number": held.get(code), "is_primary": code == primary, "note": answer["note"] or None, "case": case}
        for code in codes
    ]  # fmt: skip


def _with_quotes(rows, said):
    """Quote the beginning of the message that shows each reason."""
    quotes = said.select("session_key", "number", pl.col("text").str.slice(0, QUOTE).alias("quote"))
    quoted = rows.drop("quote").join(quotes, on=["session_key", "number"], how="left", maintain_order="left")
    return conform(quoted, "human_labels")


def read_answers(book, coder):
    """Give what one analyst has answered so far, as case to answer."""
    path = book.path / "human_labels" / f"{coder}.parquet"
    if not path.is_file():
        return {}
    answers = {}
    for (case,), rows in pl.read_parquet(path).group_by("case", maintain_order=True):
        held = rows.filter(pl.col("holds") & (pl.col("code") != "dissatisfied"))
        primary = rows.filter("is_primary")["code"].to_list()
        answers[case] = {
            "dissatisfied": bool(rows.filter(code="dissatisfied")["holds"][0]),
            "reasons": dict(held.select("code", "number").iter_rows()),
            "primary": primary[0] if primary else None,
            "note": rows["note"][0] or "",
        }
    return answers
