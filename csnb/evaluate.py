"""How well the reason coding does on conversations that people, or careful coders, have coded.

A gold folder holds `*_sessions.jsonl` (records as `csnb code` reads them) and `*_gold.jsonl` (one record a
conversation as the coding guide describes it: `id, dissatisfied, reasons, primary`).
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import polars as pl
import typer

from csnb.coding import code_records, read_records
from csnb.errors import CsnbError, ExportError, one_of
from csnb.evidence import CODES
from csnb.reasons import read_reasons

PARTS = ("all", "development", "check")
JUDGED = ("timeliness", "ability", "price", "quality", "logistics", "policy")
SIDES = ("none", "controllable", "uncontrollable", "mixed", "unexplained")
ENOUGH = 15  # positives below which a reason's figures mean nothing
_DRAWS, _SEED = 2000, 20260929
_NEAR = 2  # messages between two indices that still show the same place


class Evaluation(NamedTuple):
    """What `evaluate` measures.

    `figures`: figure, value, low, high, n. `reasons`: code, n (positives), precision, recall, f1, low, high
    (of f1); figures of reasons with fewer than 15 positives are missing.
    """

    figures: pl.DataFrame
    reasons: pl.DataFrame


def evaluate(gold_folder, out=None, part="all", folder=None):
    """Code the conversations of a gold folder, compare with their codes, and print the figures.

    Parameters
    ----------
    gold_folder : path of a folder with `*_sessions.jsonl` and `*_gold.jsonl`
    out : path of a JSON file for the same figures, or None to write nothing
    part : "all", or one half of the conversations: "development" or "check", split by a hash of the id
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    Evaluation

    Raises
    ------
    ExportError
        If the folder lacks a file or a conversation lacks its codes.
    """
    records, gold = read_gold(gold_folder, part)
    evaluation = compare(gold, code_records(records, folder))
    print(as_text(evaluation))
    if out:
        tables = {name: table.to_dicts() for name, table in evaluation._asdict().items()}
        Path(out).write_text(json.dumps(tables, indent=1) + "\n", "utf-8")
    return evaluation


def read_gold(gold_folder, part="all"):
    """Read a gold folder.

    Returns
    -------
    records, gold : lists of dict, one a conversation, in the same order

    Raises
    ------
    ExportError
        If the folder lacks a file, or one cannot be read.
    ParameterError
        If there is no such part.
    """
    one_of("part", part, PARTS)
    gold_folder = Path(gold_folder)
    files = {kind: sorted(gold_folder.glob(f"*_{kind}.jsonl")) for kind in ("sessions", "gold")}
    for kind, paths in files.items():
        if not paths:
            raise ExportError(
                f"{gold_folder}: a gold folder holds *_sessions.jsonl and *_gold.jsonl; there is no *_{kind}.jsonl"
            )
    codes = {
        record["id"]: record
        for path in files["gold"]
        for record in map(json.loads, path.read_text("utf-8").splitlines())
    }
    records = [record for path in files["sessions"] for record in read_records(path)]
    for record in records:
        if record["id"] not in codes:
            raise ExportError(f"{gold_folder}: conversation {record['id']!r} has no record in *_gold.jsonl")
    if part != "all":
        ordered = sorted(records, key=lambda record: hashlib.sha256(str(record["id"]).encode()).hexdigest())
        half = len(ordered) // 2
        records = ordered[:half] if part == "development" else ordered[half:]
    return records, [codes[record["id"]] for record in records]


def compare(gold, coded):
    """Compare two lists of records in the form of the coding guide, conversation by conversation.

    Returns
    -------
    Evaluation
        Intervals are 95 % percentiles of 2,000 bootstrap draws of conversations.
    """
    draws = np.random.default_rng(_SEED).multinomial(len(gold), np.full(len(gold), 1 / len(gold)), _DRAWS)
    weights = np.vstack([np.ones(len(gold)), draws])  # the first row is the sample itself
    truth, guess = _as_table(gold), _as_table(coded)
    f1 = {code: _f1(weights, truth[code], guess[code]) for code in CODES}
    known = [code for code in CODES if truth[code].sum() >= ENOUGH]
    both = truth["dissatisfied"] & guess["dissatisfied"]
    figures = {
        "dissatisfied F1": (_f1(weights, truth["dissatisfied"], guess["dissatisfied"]), len(gold)),
        "dissatisfied kappa": (_kappa(weights, truth["dissatisfied"], guess["dissatisfied"], 2), len(gold)),
        "side kappa (5 classes)": (_kappa(weights, truth["side"], guess["side"], len(SIDES)), len(gold)),
        f"mean F1 ({' '.join(JUDGED)})": (np.mean([f1[code] for code in JUDGED], axis=0), len(gold)),
        f"mean F1 (reasons with {ENOUGH} positives)": (
            np.mean([f1[code] for code in known], axis=0) if known else np.full(len(weights), np.nan),
            len(gold),
        ),
        "micro F1 (all reasons)": (_micro_f1(weights, truth, guess), len(gold)),
        "primary the same, where both say dissatisfied": (
            _mean(weights, truth["primary"] == guess["primary"], both),
            int(both.sum()),
        ),
        f"evidence within {_NEAR} messages, of reasons both give": _evidence(weights, gold, coded),
    }
    rows = [{"figure": name, **_interval(values), "n": n} for name, (values, n) in figures.items()]
    return Evaluation(
        pl.DataFrame(rows), pl.DataFrame([_reason_row(code, weights, truth, guess) for code in CODES])
    )


def _as_table(records):
    """Turn records into arrays: one a code, `dissatisfied`, `side` and `primary` as numbers."""
    sides = dict(read_reasons().select("code", "side").iter_rows())
    table = {code: np.array([code in record["reasons"] for record in records]) for code in CODES}
    table["dissatisfied"] = np.array([bool(record["dissatisfied"]) for record in records])
    table["primary"] = np.array([str(record["primary"]) for record in records])
    table["side"] = np.array([SIDES.index(_side(record, sides)) for record in records])
    return table


def _side(record, sides):
    """Derive the side of a record from its reasons, as the coding guide does."""
    found = {sides[code] for code in record["reasons"]}
    if not record["dissatisfied"]:
        return "none"
    return "mixed" if len(found) > 1 else next(iter(found), "unexplained")


def _f1(weights, truth, guess):
    """Give F1 for every row of weights; missing where nothing is true and nothing is said."""
    hits, said, true = weights @ (truth & guess), weights @ guess, weights @ truth
    return _ratio(2 * hits, said + true)


def _micro_f1(weights, truth, guess):
    """Give F1 over all conversation x reason pairs."""
    hits, said, true = (
        sum(weights @ values[code] for code in CODES)
        for values in ({code: truth[code] & guess[code] for code in CODES}, guess, truth)
    )
    return _ratio(2 * hits, said + true)


def _kappa(weights, truth, guess, classes):
    """Give Cohen's kappa for every row of weights."""
    cells = np.eye(classes * classes)[truth.astype(int) * classes + guess.astype(int)]
    table = (weights @ cells).reshape(-1, classes, classes) / weights.sum(1)[:, None, None]
    agreed = np.trace(table, axis1=1, axis2=2)
    chance = (table.sum(1) * table.sum(2)).sum(1)
    return _ratio(agreed - chance, 1 - chance)


def _mean(weights, values, among):
    """Give the share of `among` for which `values` hold."""
    return _ratio(weights @ (values & among), weights @ among)


def _evidence(weights, gold, coded):
    """Give how often the evidence of a reason that both give lies at the same place, and of how many."""
    pairs = [
        [abs(true["reasons"][code] - said["reasons"][code]) <= _NEAR for code in true["reasons"].keys() & said["reasons"].keys()]
        for true, said in zip(gold, coded, strict=True)
    ]  # fmt: skip
    counts = np.array([len(near) for near in pairs])
    return _ratio(weights @ np.array([sum(near) for near in pairs]), weights @ counts), int(counts.sum())


def _ratio(part, whole):
    """Divide; missing where the whole is nothing."""
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole != 0)


def _interval(values):
    """Give the value of the sample and the 95 % interval of its draws."""
    if np.isnan(values).all():
        return {"value": None, "low": None, "high": None}
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    return {"value": float(values[0]), "low": float(low), "high": float(high)}


def _reason_row(code, weights, truth, guess):
    """Give the figures of one reason; missing with fewer than 15 positives."""
    positives = int(truth[code].sum())
    row = {"code": code, "n": positives, "said": int(guess[code].sum())}
    if positives < ENOUGH:
        return row | dict.fromkeys(("precision", "recall", "f1", "low", "high"))
    hits = int((truth[code] & guess[code]).sum())
    f1 = _interval(_f1(weights, truth[code], guess[code]))
    precision = hits / row["said"] if row["said"] else None
    return row | {
        "precision": precision,
        "recall": hits / positives,
        "f1": f1["value"],
        "low": f1["low"],
        "high": f1["high"],
    }


def as_text(evaluation):
    """Write an evaluation as a plain table for the terminal."""
    lines = [f"{'figure':<70}{'value':>7}  95 % interval       n"]
    for row in evaluation.figures.iter_rows(named=True):
        lines.append(
            f"{row['figure']:<70}{_number(row['value']):>7}  {_number(row['low'])} to {_number(row['high'])}  {row['n']:>6}"
        )
    lines += [
        "",
        f"{'reason':<14}{'positives':>10}{'said':>6}{'precision':>11}{'recall':>8}{'F1':>7}  95 % interval",
    ]
    for row in evaluation.reasons.iter_rows(named=True):
        start = f"{row['code']:<14}{row['n']:>10}{row['said']:>6}"
        if row["n"] < ENOUGH:
            lines.append(f"{start}  not enough: fewer than {ENOUGH} positives")
        else:
            figures = f"{_number(row['precision']):>11}{_number(row['recall']):>8}{_number(row['f1']):>7}"
            lines.append(f"{start}{figures}  {_number(row['low'])} to {_number(row['high'])}")
    return "\n".join(lines)


def _number(value):
    """Write a share with three digits, or a dash."""
    return "-" if value is None else f"{value:.3f}"


def _command(
    gold: Annotated[Path, typer.Argument(help="Folder with *_sessions.jsonl and *_gold.jsonl")],
    out: Annotated[Path | None, typer.Option(help="Also write the figures to this JSON file")] = None,
    part: Annotated[str, typer.Option(help="all, development or check")] = "all",
    definitions: Annotated[Path | None, typer.Option(help="Your own definitions folder")] = None,
):
    """Compare the reason coding with coded conversations."""
    try:
        evaluate(gold, out, part, definitions)
    except CsnbError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    typer.run(_command)
