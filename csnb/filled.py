"""Filled sheets: from the file that an analyst saved in Excel to answers in the book."""

import math
import re
from pathlib import Path

import polars as pl

from csnb.answers import check_answer, read_cases, read_draws, save_answers
from csnb.book import read_conversations
from csnb.errors import ParameterError
from csnb.labelling import checked_coders
from csnb.layouts import Form, plain_header
from csnb.readers import read_raw
from csnb.reasons import read_reasons
from csnb.sheets import AFTER, BEFORE, sheet_columns
from csnb.strings import LANGUAGES, text, texts

_MOST_COMPLAINTS = 20
_YES, _NO = {"1", "1.0", "yes", "true", "y"}, {"0", "0.0", "no", "false", "n"}
_MAY_LACK = ("conversation", "primary", "note")
_ROUNDED = 1e-5  # how far a probability may be off after a program rounded it to six digits


def import_labels(book, path, coder=None):
    """Read a filled sheet into the book.

    Rows without any answer are skipped; rows with one replace what this coder had saved on these cases.
    All is checked first: with one complaint nothing is saved, and what was saved before stays. Rows may stand in
    any order; what the draw wrote beside an answer must be what the book knows of it, so that nobody's sorted
    column or mended number weighs an answer wrongly.

    Parameters
    ----------
    book : Book
    path : path of a .csv or .xlsx file of `write_sheets`, also as Excel saves it (UTF-8 or GB18030)
    coder : str or None; who filled it in, where the column `coder` does not say so

    Returns
    -------
    dict of coder to {"answered": n, "open": n}

    Raises
    ------
    ParameterError
        If there is no such file, a column is no code of the guide or stands twice, a case stands twice, is unknown
        or belongs to another session, its use, stratum or probability is missing or not as drawn, an answer is
        incomplete or contradicts itself, or its evidence is no message of the conversation. Up to twenty
        complaints are listed, each with row, column and value.
    ExportError
        If the file cannot be read as a table.

    Examples
    --------
    >>> import_labels(book, "labels.xlsx")  # doctest: +SKIP
    """
    path = Path(path)
    if not path.is_file():
        raise ParameterError(f"there is no file {path}")
    codes = read_reasons(book.definitions_folder)["code"].to_list()
    rows = _read_rows(path, book.definitions_folder)
    sessions, draws = read_cases(book).set_index("case")[["session_key", "session_id"]], read_draws(book)
    numbers = _message_numbers(
        book, sessions.loc[sessions.index.isin([row["case"] for row in rows]), "session_key"]
    )
    answers, counts, seen, complaints = {}, {}, {}, []
    for row in rows:
        who = coder or row["coder"]
        wrong = _wrong_case(row, who, sessions, seen) or _wrong_draw(row, draws[row["case"]])
        is_answered = any(row[name] for name in ("dissatisfied", "primary", *codes))
        if not wrong:
            count = counts.setdefault(who, {"answered": 0, "open": 0})
            count["answered" if is_answered else "open"] += 1
        if not wrong and is_answered:
            answer, wrong = _read_answer(row, codes)
            wrong = wrong or check_answer(
                answer, numbers.get(sessions.at[row["case"], "session_key"], []), codes
            )
            answers.setdefault(who, {})[row["case"]] = answer
        complaints += [
            f"row {row['row']} ({row['case'] or '-'}), {name}: {value!r} {what}"
            for name, value, what in wrong
        ]
    if complaints:
        _refuse(path, complaints)
    for who, given in zip(checked_coders(answers), answers.values(), strict=True):
        save_answers(book, who, given)
    return counts


def _refuse(path, complaints):
    """Raise one error that lists the complaints, one a line."""
    more = len(complaints) - _MOST_COMPLAINTS
    listed = "\n  ".join([*complaints[:_MOST_COMPLAINTS], *([f"and {more} more"] if more > 0 else [])])
    raise ParameterError(f"{path.name}: nothing was saved; correct these and import it again\n  {listed}")


def _read_rows(path, folder):
    """Read a sheet into dicts of texts by column, each with its row in the file."""
    known = _known_headers(folder)
    parts = list(read_raw(path, Form(), known))
    for line, value in pl.concat([part.broken for part in parts]).iter_rows():
        _refuse(path, [f"row {line + 1}: {value[:80]!r} does not fit the header"])
    rows = pl.concat([part.rows for part in parts])
    names = {
        header: known.get(plain_header(header))
        for header in rows.columns
        if not re.fullmatch(r"column \d+|line", header)
    }
    codes = ", ".join(read_reasons(folder)["code"])
    twice = [
        f"row 1: {header!r} is the column {name!r} a second time"
        for place, (header, name) in enumerate(names.items())
        if name in list(names.values())[:place]
    ]
    unknown = [header for header, name in names.items() if name is None]
    missing = [name for name in sheet_columns(folder) if name not in names.values() and name not in _MAY_LACK]
    if unknown:
        _refuse(
            path,
            [
                f"row 1: {header!r} is no code of the guide and no other column; codes are: {codes}"
                for header in unknown
            ],
        )
    if twice:
        _refuse(path, twice)
    if missing:
        _refuse(path, [f"row 1: the column {name!r} is missing" for name in missing])
    blank = dict.fromkeys(sheet_columns(folder), "")
    cells = [
        {"row": row["line"] + 1, **blank, **{name: _plain(row[header]) for header, name in names.items()}}
        for row in rows.iter_rows(named=True)
    ]
    return [row for row in cells if any(row[name] for name in blank)]


def _known_headers(folder):
    """Give what a column may be called: its name, its word in any language, or both as in the XLSX sheet."""
    known = {plain_header(name): name for name in sheet_columns(folder)}
    for lang in LANGUAGES:
        words = {name: texts(lang)[f"label.column_{name}"] for name in (*BEFORE, *AFTER)}
        words |= dict(read_reasons(folder).select("code", lang).iter_rows())
        known |= {plain_header(said): name for name, word in words.items() for said in (word, name + word)}
    return known


def _plain(value):
    """Take off the apostrophe that guards a cell, and blanks around it."""
    words = (value or "").strip()
    return words[1:] if words.startswith("'") else words


def _wrong_case(row, who, sessions, seen):
    """Say what is wrong with the fixed cells of a row."""
    case = row["case"]
    if case not in sessions.index:
        return [("case", case, "is no case of this book; was it drawn from another one?")]
    if not who:
        return [("coder", who, "is missing; name it here or with --coder")]
    if (who, case) in seen:
        return [("case", case, f"stands twice; first in row {seen[who, case]}")]
    seen[who, case] = row["row"]
    owner = sessions.at[case, "session_id"]
    if row["session_id"] != _plain(owner):
        why = "was a column sorted alone, or the number reformatted?"
        return [("session_id", row["session_id"], f"is not the session of this case, {owner!r}; {why}")]
    return []


def _wrong_draw(row, drawn):
    """Say which of the cells that the draw wrote are not what any draw knows of the case."""
    uses = {use for use, _, _ in drawn}
    if row["use"] not in uses:
        return [("use", row["use"], f"is not what this case was drawn for: {' or '.join(sorted(uses))}")]
    strata = {stratum for _, stratum, _ in drawn}
    if row["stratum"] not in strata:
        return [("stratum", row["stratum"], f"is not where this case was drawn: {', '.join(sorted(strata))}")]
    chances = [chance for use, _, chance in drawn if use == row["use"]]
    value, number = row["drawn_probability"], _number(row["drawn_probability"])
    if row["use"] == "train":
        what = "must stay empty: this case was not drawn by chance"
        return [("drawn_probability", value, what)] if value else []
    if not 0 < (number or 0) <= 1:
        return [("drawn_probability", value, "must be above 0 and up to 1, as it stood in the sheet")]
    if not any(math.isclose(number, chance, rel_tol=_ROUNDED) for chance in chances):
        known = " or ".join(dict.fromkeys(f"{chance:.6g}" for chance in chances))
        return [("drawn_probability", value, f"is not the probability it was drawn with, {known}")]
    return []


def _read_answer(row, codes):
    """Read the answer of a row, and say what cannot be read of it."""
    yes, no = {*_YES, text("table.yes")}, {*_NO, text("table.no")}
    verdict, reasons, wrong = row["dissatisfied"].lower(), {}, []
    if verdict and verdict not in yes | no:
        wrong.append(("dissatisfied", row["dissatisfied"], "must be 1 (yes) or 0 (no)"))
    for code in codes:
        number = _number(row[code]) if row[code] else None
        if row[code] and (number is None or number % 1):
            wrong.append((code, row[code], "must be the number of the message that shows it"))
        elif row[code]:
            reasons[code] = int(number)
    primary = row["primary"] or None
    if primary is not None and primary not in codes:
        wrong.append(("primary", primary, f"is no code of the guide; codes are: {', '.join(codes)}"))
    dissatisfied = True if verdict in yes else False if verdict in no else bool(reasons) or None
    return {"dissatisfied": dissatisfied, "reasons": reasons, "primary": primary, "note": row["note"]}, wrong


def _number(words):
    """Read a number, or give None; no number is infinite."""
    try:
        number = float(words)
    except ValueError:
        return None
    return number if abs(number) < 1e9 else None


def _message_numbers(book, session_keys):
    """Give the numbers of the messages of each session."""
    said = read_conversations(book, session_keys)
    return {key: rows["number"].to_list() for (key,), rows in said.group_by("session_key")}
