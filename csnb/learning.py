"""Learn from coded sessions: a user's own labels make the coding fit their customers better.

What is learnt is written as definitions into the user's own folder, where it can be read and changed:
`utterances/own.tsv` holds the messages that coders gave as evidence, and calm ones, for the utterance
model; `combination.toml` holds the weights with which the evidence of a session adds up.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from scipy.optimize import minimize

from csnb.coding import as_messages, code_records
from csnb.errors import ParameterError
from csnb.evaluate import compare, read_gold
from csnb.evidence import CODES
from csnb.reasons import (
    GENERAL,
    PER_CODE,
    log_odds,
    read_combination,
    score_sessions,
    sides,
    weighted,
)  # fmt: skip
from csnb.utterances import COLUMNS, OWN, read_bank

LEAST_SESSIONS = 30
_FOLDS = 5
_STIFFNESS, _OFFSET_STIFFNESS = 5.0, 3.5  # of the ridge, chosen by cross-validation: docs/reasons.md
_BEST_F1 = 0.4  # calibrated probability from which calling a session dissatisfied gives the best F1
_NOTE = "How the evidence of a session adds up, on the log-odds scale. Learnt from coded sessions."


def learn(messages, coded, definitions, start=None):
    """Learn from coded sessions and write what was learnt into the user's own definitions folder.

    Parameters
    ----------
    messages : polars.DataFrame
        `session_key, number, role, text`, whole sessions, masked; and optionally `buyer_id`, so that the
        sessions of one buyer stay together while the sum is learnt on what the utterance model did not see
    coded : polars.DataFrame
        `session_key, code, number`; one row a reason that a coder gave, `number` being the message that
        shows it (may be missing). A session of `messages` without a row was coded as not dissatisfied.
    definitions : path of the folder to write to; what stands there already stays in force
    start : dict shaped like `combination.toml` to start from, or None for the weights in force

    Returns
    -------
    list of Path
        `utterances/own.tsv` and `combination.toml`.

    Raises
    ------
    ParameterError
        If fewer than 30 sessions are coded.
    """
    definitions = Path(definitions)
    keys = messages["session_key"].unique().sort()
    if len(keys) < LEAST_SESSIONS:
        raise ParameterError(
            f"{len(keys)} coded sessions are too few to learn from; {LEAST_SESSIONS} are needed"
        )
    start = start or read_combination(definitions)
    own = _own_rows(messages, coded, definitions)
    fold_of = _folds(messages)
    with tempfile.TemporaryDirectory() as scratch:
        parts = []
        for fold in range(_FOLDS):
            seen = fold_of.filter(pl.col("fold") != fold)
            folder = _with_own(
                definitions, Path(scratch) / str(fold), own.join(seen, on="session_key", how="semi")
            )
            unseen = fold_of.filter(fold=fold)
            if unseen.height:
                parts.append(
                    score_sessions(messages.join(unseen, on="session_key", how="semi"), folder=folder)[1]
                )
    weights = learn_combination(parts, coded, start, definitions)
    _write_own(definitions, own)
    (definitions / "combination.toml").write_text(as_toml(weights, _NOTE) + "\n", "utf-8")
    return [definitions / "utterances" / f"{OWN}.tsv", definitions / "combination.toml"]


def _own_rows(messages, coded, definitions):
    """Turn coded sessions into rows of the bank: evidence, and customers' messages of calm sessions."""
    known = read_bank(definitions).filter(pl.col("topic") != OWN)["text"].implode()
    said = messages.filter(pl.col("role").is_in(["customer", "agent", "bot"])).with_columns(
        text=pl.col("text").str.replace_all(r"\s+", " ").str.strip_chars()
    )
    shown = coded.group_by("session_key", "number").agg(pl.col("code").sort())
    shown = said.join(shown, on=["session_key", "number"]).with_columns(
        tone=pl.when(pl.col("role") == "customer").then(pl.lit("annoyed")).otherwise(pl.lit("cold")),
        codes=pl.col("code").list.join(" "),
    )
    calm = said.join(coded, on="session_key", how="anti").filter(pl.col("role") == "customer")
    calm = calm.with_columns(tone=pl.lit("neutral"), codes=pl.lit("-"))
    rows = pl.concat([part.select("session_key", *COLUMNS) for part in (shown, calm)])
    is_new = (pl.col("text") != "") & ~pl.col("text").str.starts_with("#") & ~pl.col("text").is_in(known)
    return rows.filter(is_new).unique(["role", "text"], keep="first", maintain_order=True)


def _folds(messages):
    """Give every session a fold; sessions of one buyer share it."""
    group = pl.col("buyer_id").first() if "buyer_id" in messages.columns else pl.lit(None, pl.String)
    sessions = messages.group_by("session_key").agg(group=group).with_columns(
        pl.col("group").fill_null(pl.col("session_key").cast(pl.String))
    )  # fmt: skip
    folds = [
        int.from_bytes(hashlib.sha256(str(group).encode()).digest()[:4]) % _FOLDS
        for group in sessions["group"]
    ]
    return sessions.select("session_key").with_columns(fold=pl.Series(folds))


def _with_own(definitions, scratch, own):
    """Copy the user's definitions and put these rows in the place of their own ones."""
    if definitions.is_dir():
        shutil.copytree(definitions, scratch)
    _write_own(scratch, own)
    return str(scratch)


def _write_own(definitions, own):
    """Write the user's own rows of the bank."""
    path = definitions / "utterances" / f"{OWN}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = own.select(pl.concat_str(COLUMNS, separator="\t")).to_series()
    note = "# Messages of coded sessions, written by learning; they are for training only."
    path.write_text("\n".join([note, "\t".join(COLUMNS), *lines]) + "\n", "utf-8")


def learn_combination(parts, coded, start, folder=None):
    """Fit the weights of `combination.toml` to coded sessions.

    Parameters
    ----------
    parts : list of csnb.reasons.Scores, of disjoint sessions
    coded : polars.DataFrame, as in `learn`
    start : dict shaped like `combination.toml`; weights leave it only as far as the labels say
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    dict
        Shaped like `combination.toml`, the point of decision moved to where F1 is best.
    """
    keys = np.concatenate([part.session_key for part in parts])
    general = np.concatenate([part.general for part in parts])
    per_code = np.concatenate([part.per_code for part in parts])
    given = {
        code: set(rows["session_key"]) for (code,), rows in coded.partition_by("code", as_dict=True).items()
    }
    dissatisfied = np.isin(keys, coded["session_key"].unique().to_numpy())

    prior = _as_array(start["dissatisfied"], GENERAL)
    prior[-1] -= _to_decision()
    fitted = fit_ridge(_with_one(general), dissatisfied, prior, _STIFFNESS)
    learnt = {"decision": dict(start["decision"]), "dissatisfied": _as_dict(fitted, GENERAL), "offset": {}}
    learnt["dissatisfied"]["intercept"] += _to_decision()
    chance = 1 / (1 + np.exp(-weighted(general, GENERAL, learnt["dissatisfied"])))
    per_code[:, :, PER_CODE.index("displeased")] = log_odds(chance)[:, None]
    for side in ("controllable", "uncontrollable"):
        codes = [code for code, of in sides(folder).items() if of == side]
        rows, holds = [], []
        for place, code in enumerate(codes):
            own = np.tile(np.eye(len(codes))[place], (len(keys), 1))
            rows.append(np.c_[_with_one(per_code[:, CODES.index(code)]), own])
            holds.append(np.isin(keys, list(given.get(code, ()))))
        prior = np.r_[_as_array(start[side], PER_CODE), [start["offset"][code] for code in codes]]
        stiffness = np.r_[np.full(len(PER_CODE) + 1, _STIFFNESS), np.full(len(codes), _OFFSET_STIFFNESS)]
        fitted = fit_ridge(np.concatenate(rows), np.concatenate(holds), prior, stiffness)
        learnt[side] = _as_dict(fitted, PER_CODE)
        learnt["offset"] |= dict(zip(codes, fitted[len(PER_CODE) + 1 :].tolist(), strict=True))
    return learnt


def _to_decision():
    """Give what moves a log-odds from a calibrated probability to one that decides at 0.5."""
    return np.log((1 - _BEST_F1) / _BEST_F1)


def fit_ridge(features, holds, prior, stiffness):
    """Fit a logistic regression whose weights are drawn to `prior`, by L-BFGS.

    `stiffness` is the weight of one squared step away from the prior, against one log-likelihood.

    Examples
    --------
    >>> rows = np.array([[1.0, -1], [1, 0], [1, 1], [1, 2]])
    >>> bool(fit_ridge(rows, np.array([0, 0, 1, 1]), np.zeros(2), 0.1)[1] > 1)
    True
    """
    sign = 2 * np.asarray(holds) - 1

    def loss(weights):
        margins = sign * (features @ weights)
        step = weights - prior
        slope = -features.T @ (sign / (1 + np.exp(np.clip(margins, -30, 30)))) + stiffness * step
        return np.logaddexp(0, -margins).sum() + (stiffness * step**2).sum() / 2, slope

    return minimize(loss, prior.astype(float), jac=True, method="L-BFGS-B").x


def _with_one(features):
    """Put the column of the intercept last."""
    return np.c_[features, np.ones(len(features))]


def _as_array(weights, names):
    return np.array([weights[name] for name in (*names, "intercept")])


def _as_dict(weights, names):
    return {name: float(value) for name, value in zip((*names, "intercept"), weights, strict=False)}


def as_toml(weights, note):
    """Write weights as the text of `combination.toml`, a comment above them.

    Examples
    --------
    >>> print(as_toml({"decision": {"likely": 0.3}}, "By hand."))
    # By hand.
    <BLANKLINE>
    [decision]
    likely = 0.3
    """
    tables = (
        "\n".join([f"[{name}]", *(f"{key} = {round(value, 3)}" for key, value in table.items())])
        for name, table in weights.items()
    )
    return "\n\n".join([f"# {note}", *tables])


def learning_curve(gold_folder, sizes=(0, 50, 100), repeats=5, held_out=40):
    """Measure what coded sessions of one's own bring: learn from some, code others.

    Parameters
    ----------
    gold_folder : path of a folder as `csnb.evaluate.evaluate` reads it
    sizes : how many coded sessions to learn from; 0 stands for the weights set by hand. All that are not
        held out are always the last size.
    repeats : random splits
    held_out : sessions coded and compared in every split

    Returns
    -------
    polars.DataFrame
        `size, figure, value, low, high`: mean, smallest and largest value over the splits.
    """
    records, gold = read_gold(gold_folder)
    messages, start = as_messages(records), read_combination(name="combination_start.toml")
    rng, rows = np.random.default_rng(20260929), []
    for _ in range(repeats):
        order = rng.permutation(len(records))
        tested, rest = order[:held_out], order[held_out:]
        for size in (*sizes, len(rest)):
            with tempfile.TemporaryDirectory() as definitions:
                chosen = rest[:size]
                if size:
                    among = pl.col("session_key").is_in(chosen.tolist())
                    learn(messages.filter(among), as_codes(gold).filter(among), definitions, start)
                else:
                    (Path(definitions) / "combination.toml").write_text(as_toml(start, "By hand."), "utf-8")
                coded = code_records([records[index] for index in tested], definitions)
            figures = compare([gold[index] for index in tested], coded).figures
            rows.append(figures.select("figure", "value").with_columns(size=pl.lit(size)))
    return (
        pl.concat(rows)
        .group_by("size", "figure", maintain_order=True)
        .agg(pl.col("value").mean(), low=pl.col("value").min(), high=pl.col("value").max())
    )


def as_codes(gold):
    """Make the reasons of gold records one table: `session_key` is the position of the record."""
    rows = [
        (key, code, number) for key, record in enumerate(gold) for code, number in record["reasons"].items()
    ]
    return pl.DataFrame(
        rows, schema={"session_key": pl.Int64, "code": pl.String, "number": pl.Int32}, orient="row"
    )
