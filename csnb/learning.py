"""Learn from coded sessions: a user's own labels make the coding fit their customers better.

What is learnt is written as definitions into the user's own folder, where it can be read and changed:
`utterances/own.tsv` holds the messages that coders gave as evidence, and calm ones, for the utterance
model; `combination.toml` holds the weights with which the evidence of a session adds up; `sure.toml` holds
from which probability on a code is shown as sure; `unseen/` holds the same without each fold of the sessions, for scoring
those (`csnb.unseen`). It is kept only if it codes held-out sessions better than
what was there before, so a handful of labels never makes the coding worse.
"""

import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.optimize import Bounds, minimize
from scipy.stats import beta

from csnb.book import read_conversations
from csnb.errors import ParameterError
from csnb.evidence import CODES
from csnb.human import FINAL
from csnb.lookup import UNSEEN
from csnb.reasons import (
    GENERAL,
    PER_CODE,
    decided,
    log_odds,
    read_combination,
    read_sure,
    score_sessions,
    sides,
    weighted,
)  # fmt: skip
from csnb.unseen import fold_folder, give_folds, write_taught
from csnb.utterances import COLUMNS, OWN, chance_of, load_model, read_bank

LEAST_SESSIONS = 30
_STIFFNESS, _OFFSET_STIFFNESS = 5.0, 3.5  # of the ridge, chosen by cross-validation: docs/reasons.md
# the least weights: displeasure never counts against, and about one reason only a little less than about others
_LEAST = np.array([-0.3 if name.startswith("about_") else 0.0 if name in ("strongest", "early", "total") else -np.inf
                   for name in (*GENERAL, "intercept")])  # fmt: skip
_ENOUGH = 15  # conversations with a code before its precision is judged
_SURE_NOTE = (
    "From which probability on a code is sure. Learnt from labels: learning again replaces this file."
)
_NOTE = "How the evidence of a session adds up. Learnt from labels: learning again replaces this file."


def learn_from_book(book):
    """Learn from what people coded in a book, into the definitions folder beside it.

    Only answers that were chosen for learning count (`use` is train): answers of the random draw estimate
    shares and judge the machine, and cannot do so once it has learnt them by heart. Of several coders of a
    conversation the settled answer counts, else what at least half of them say.

    Parameters
    ----------
    book : Book

    Returns
    -------
    Learnt

    Raises
    ------
    ParameterError
        If fewer than 30 such sessions are coded.

    Examples
    --------
    >>> learn_from_book(book)  # doctest: +SKIP
    """
    keys, coded = read_lessons(book.human_labels)
    buyers = pl.from_pandas(book.sessions[["session_key", "buyer_id"]])
    messages = read_conversations(book, keys).join(buyers, on="session_key", how="left")
    return learn(messages, coded, book.path.parent / "definitions")


def read_lessons(human):
    """Settle the answers that may be learnt from.

    Parameters
    ----------
    human : pandas.DataFrame, table `human_labels`

    Returns
    -------
    keys : list of session_key, all that were coded
    coded : polars.DataFrame, as `learn` takes it

    Examples
    --------
    >>> import pandas as pd
    >>> human = pd.DataFrame({"session_key": [1, 1, 2], "coder": "li",
    ...     "code": ["dissatisfied", "price", "dissatisfied"], "holds": [True, True, False], "number": [None, 3, None], "use": "train"})
    >>> read_lessons(human)[1].rows()
    [(1, 'price', 3)]
    """
    answers = pl.from_pandas(human[["session_key", "coder", "code", "holds", "number", "use"]]).filter(
        pl.col("use") == "train"
    )
    settled = (pl.col("coder") == FINAL).any().over("session_key")
    answers = answers.filter(~settled | (pl.col("coder") == FINAL))
    agreed = answers.group_by("session_key", "code", maintain_order=True).agg(
        holds=pl.col("holds").mean() >= 0.5, number=pl.col("number").drop_nulls().first().cast(pl.Int32)
    )
    unhappy = agreed.filter(pl.col("holds") & (pl.col("code") == "dissatisfied"))
    coded = agreed.filter(pl.col("holds") & (pl.col("code") != "dissatisfied"))
    coded = coded.join(unhappy, on="session_key", how="semi").select("session_key", "code", "number")
    return sorted(set(agreed["session_key"])), coded


class HeldOut(NamedTuple):
    """How well sessions were coded that nothing was learnt from: mean loss (negative log-likelihood of all codes),
    and F1 over `dissatisfied` and all codes together."""

    loss: float
    f1: float


class Learnt(NamedTuple):
    """What came of learning: from how many sessions, how held-out ones were coded before and after, and the
    files written: none unless the loss fell and F1 did not."""

    sessions: int
    before: HeldOut
    after: HeldOut
    files: list


def learn(messages, coded, definitions):
    """Learn from coded sessions and write what was learnt into the user's own definitions folder.

    Parameters
    ----------
    messages : polars.DataFrame
        `session_key, number, role, text`, whole sessions, masked; and optionally `buyer_id`, so that the
        sessions of one buyer stay together while the sum is learnt on what the utterance model did not see
    coded : polars.DataFrame
        `session_key, code, number`; one row a reason that a coder gave, `number` being the message that
        shows it (may be missing). A session of `messages` without a row was coded as not dissatisfied.
    definitions : path of the folder to write to; what stands there is where learning starts from

    Returns
    -------
    Learnt
        Nothing is written if what was learnt is no better than what was in force.

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
    with tempfile.TemporaryDirectory() as scratch:
        base = _before(definitions, Path(scratch) / "before")
        start = read_combination(base)
        folds = give_folds(messages.unique("session_key"))
        known, parts = _scored_apart(messages, coded, folds, base)
        weights = _learnt_apart(parts, coded, start, base)
        held_out = [_weighed(part, apart, base) for part, apart in zip(parts, weights, strict=True)]
        before, after = _held_out(known, coded), _held_out(held_out, coded)
        if not is_better(after, before):
            return Learnt(len(keys), before, after, [])
        learnt = learn_combination(parts, coded, start, base)
        own = _own_rows(messages, coded, base)
        _write_unseen(definitions, base, folds, _learnt_apart(known, coded, start, base))
    _write_own(definitions, own)
    written = {
        "combination.toml": as_toml(learnt, _NOTE),
        "sure.toml": as_toml({"sure": _sure(held_out, coded)}, _SURE_NOTE),
    }
    for name, lines in written.items():
        (definitions / name).write_text(lines + "\n", "utf-8")
    for read in (read_bank, load_model, read_combination, read_sure):
        read.cache_clear()
    files = [definitions / name for name in (f"utterances/{OWN}.tsv", *written, UNSEEN)]
    return Learnt(len(keys), before, after, files)


def _scored_apart(messages, coded, folds, base):
    """Score the sessions of each fold as before, and by what the messages of all other folds teach."""
    known, parts = [], []
    for (fold,), is_of in sorted(folds.partition_by("fold", as_dict=True).items()):
        unseen, folder = messages.join(is_of, on="session_key", how="semi"), fold_folder(base, fold)
        _write_own(folder, _own_rows(messages.join(is_of, on="session_key", how="anti"), coded, base))
        known.append(score_sessions(unseen, folder=base)[1])
        parts.append(score_sessions(unseen, folder=str(folder))[1])
    return known, parts


def _learnt_apart(parts, coded, start, folder):
    """Fit the weights for each part to all other parts."""
    others = [[other for other in parts if other is not part] for part in parts]
    return [learn_combination(some, coded, start, folder) if some else start for some in others]


def _write_unseen(definitions, base, folds, weights):
    """Write what each fold is coded by: messages and weights of the others.

    These weights are fitted to scores from before learning: the scores by which held-out sessions are judged come
    from messages of four folds, those of the fold in question among them.
    """
    for fold, apart in zip(sorted(set(folds["fold"])), weights, strict=True):
        (fold_folder(base, fold) / "combination.toml").write_text(as_toml(apart, _NOTE) + "\n", "utf-8")
    write_taught(base, folds)
    shutil.rmtree(definitions / UNSEEN, ignore_errors=True)
    shutil.copytree(Path(base) / UNSEEN, definitions / UNSEEN)


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


def _before(definitions, scratch):
    """Copy the user's definitions as they were before anything was learnt."""
    if definitions.is_dir():
        shutil.copytree(definitions, scratch)
    scratch.mkdir(exist_ok=True)
    shutil.rmtree(scratch / UNSEEN, ignore_errors=True)
    (scratch / "utterances" / f"{OWN}.tsv").unlink(missing_ok=True)
    for name, note in (("combination.toml", _NOTE), ("sure.toml", _SURE_NOTE)):
        path = scratch / name
        if path.is_file() and path.read_text("utf-8").startswith(f"# {note}"):
            path.unlink()
    return str(scratch)


def _write_own(definitions, own):
    """Write the user's own rows of the bank."""
    path = definitions / "utterances" / f"{OWN}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = own.select(pl.concat_str(COLUMNS, separator="\t")).to_series()
    note = "# Messages of coded sessions, written by learning; they are for training only."
    path.write_text("\n".join([note, "\t".join(COLUMNS), *lines]) + "\n", "utf-8")


def _weighed(scores, weights, folder):
    """Give scores the probabilities that follow from other weights."""
    dissatisfied = chance_of(weighted(scores.general, GENERAL, weights["dissatisfied"]))
    per_code, reasons = scores.per_code.copy(), np.empty(scores.reasons.shape)
    per_code[:, :, PER_CODE.index("displeased")] = log_odds(dissatisfied)[:, None]
    for column, (code, side) in enumerate(sides(folder).items()):
        margin = weighted(per_code[:, column], PER_CODE, weights[side]) + weights["offset"][code]
        reasons[:, column] = chance_of(margin)
    is_decided = decided(dissatisfied >= 0.5, reasons, weights["decision"])
    return scores._replace(
        dissatisfied=dissatisfied, per_code=per_code, reasons=reasons, is_decided=is_decided
    )


def _held_out(parts, coded):
    """Judge what was said about sessions against what coders said."""
    losses, tallies = [], np.zeros(2)
    for part in parts:
        holds = np.column_stack([_holds(part.session_key, coded, code) for code in (None, *CODES)])
        chances = np.clip(np.column_stack([part.dissatisfied, part.reasons]), 0.01, 0.99)
        losses.append(-np.log(np.where(holds, chances, 1 - chances)).sum(1))
        said = np.column_stack([part.is_decided.any(1), part.is_decided[:, : len(CODES)]])
        tallies += [2 * (said & holds).sum(), said.sum() + holds.sum()]
    return HeldOut(float(np.concatenate(losses).mean()), float(tallies[0] / max(tallies[1], 1)))


def is_better(after, before):
    """Say whether held-out sessions were coded better: the loss fell, and F1 did not.

    Examples
    --------
    >>> is_better(HeldOut(loss=1.9, f1=0.62), HeldOut(loss=2.0, f1=0.60))
    True
    """
    return after.loss < before.loss and after.f1 >= before.f1


def _holds(keys, coded, code=None):
    """Say of which sessions a coder gave this code; any code without one."""
    rows = coded if code is None else coded.filter(code=code)
    return np.isin(keys, rows["session_key"].to_numpy())


def _sure(parts, coded):
    """Give each code the probability from which on enough of what is called is right; 0 if too few to tell."""
    sure = {}
    for column, code in enumerate(CODES):
        chances = np.concatenate([part.reasons[:, column] for part in parts])
        holds = np.concatenate([_holds(part.session_key, coded, code) for part in parts])
        sure[code] = sure_from(chances, holds) if holds.sum() >= _ENOUGH else 0.0
    return sure


def sure_from(chances, holds, precision=0.85, confidence=0.9):
    """Find the smallest probability from which on the precision is held with confidence.

    Parameters
    ----------
    chances : numpy.ndarray, probabilities of held-out sessions
    holds : numpy.ndarray of bool, whether the code holds
    precision : float, to be held
    confidence : float, one-sided, of the exact (Clopper-Pearson) bound

    Returns
    -------
    float
        1.0 if no probability holds it: then every case is left open.

    Examples
    --------
    >>> chances = np.r_[np.full(40, 0.9), np.full(40, 0.4)]
    >>> sure_from(chances, np.arange(80) < 40)
    0.9
    """
    order = np.argsort(-chances, kind="stable")
    right, called = np.cumsum(holds[order]), np.arange(1, len(order) + 1)
    low = beta.ppf(1 - confidence, np.maximum(right, 1e-9), called - right + 1)
    last_of_equal = np.r_[chances[order][1:] != chances[order][:-1], True]
    kept = np.flatnonzero((low >= precision) & last_of_equal)
    return round(float(chances[order][kept[-1]]), 3) if len(kept) else 1.0


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
        Shaped like `combination.toml`.
    """
    keys = np.concatenate([part.session_key for part in parts])
    general = np.concatenate([part.general for part in parts])
    per_code = np.concatenate([part.per_code for part in parts])
    dissatisfied = _holds(keys, coded)

    prior = _as_array(start["dissatisfied"], GENERAL)
    fitted = fit_ridge(_with_one(general), dissatisfied, prior, _STIFFNESS, _LEAST)
    learnt = {"decision": dict(start["decision"]), "dissatisfied": _as_dict(fitted, GENERAL), "offset": {}}
    chance = chance_of(weighted(general, GENERAL, learnt["dissatisfied"]))
    per_code[:, :, PER_CODE.index("displeased")] = log_odds(chance)[:, None]
    for side in ("controllable", "uncontrollable"):
        codes = [code for code, of in sides(folder).items() if of == side]
        rows, holds = [], []
        for place, code in enumerate(codes):
            own = np.tile(np.eye(len(codes))[place], (len(keys), 1))
            rows.append(np.c_[_with_one(per_code[:, CODES.index(code)]), own])
            holds.append(_holds(keys, coded, code))
        prior = np.r_[_as_array(start[side], PER_CODE), [start["offset"][code] for code in codes]]
        stiffness = np.r_[np.full(len(PER_CODE) + 1, _STIFFNESS), np.full(len(codes), _OFFSET_STIFFNESS)]
        fitted = fit_ridge(np.concatenate(rows), np.concatenate(holds), prior, stiffness)
        learnt[side] = _as_dict(fitted, PER_CODE)
        learnt["offset"] |= dict(zip(codes, fitted[len(PER_CODE) + 1 :].tolist(), strict=True))
    return learnt


def fit_ridge(features, holds, prior, stiffness, least=-np.inf):
    """Fit a logistic regression whose weights are drawn to `prior`, by L-BFGS.

    `stiffness` is the weight of one squared step away from the prior, against one log-likelihood. No weight
    falls below `least`, one number or one a weight.

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

    bounds = Bounds(np.broadcast_to(least, prior.shape), np.inf)
    return minimize(loss, prior.astype(float), jac=True, method="L-BFGS-B", bounds=bounds).x


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
