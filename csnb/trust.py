"""Trust: how far people's labels carry a share. One verdict, by which every page goes.

Two people who agree can both be used; where they differ too often, the shares made of their codes are no
better than the guide they read. `judge_labels` says which it is and why, and whether the shares are
corrected for what single coders get wrong; `cap_grades` keeps findings from claiming more than that.
"""

from typing import NamedTuple

import pandas as pd

from csnb.audit import measure_agreement
from csnb.findings import Finding
from csnb.formats import format_interval, format_value
from csnb.human import FINAL, double_coded, read_answers
from csnb.measures import PLAIN, SMALLEST_GROUP

USABLE, WITH_CARE, NOT_YET = "usable", "with_care", "not_yet"
GRADES = {USABLE: "A", WITH_CARE: "C", NOT_YET: "D"}
GOOD, TENTATIVE = 0.8, 0.667  # alpha from which codes can be used, and used with care (Krippendorff 2004)
_SAID = {
    "agreed": ("value", "twice"), "wide": ("value", "twice", "low"), "tentative": ("value", "twice"),
    "poor": ("value", "twice"), "unknown": ("twice",), "few": ("labelled", "plain"),
    "coders_corrected": ("settled",), "coders_disputed": ("disputed", "plain"), "coders_uncorrected": ("settled", "plain"),
}  # fmt: skip
_WEIGHTS = {USABLE: 92, WITH_CARE: 98, NOT_YET: 99}


class Trust(NamedTuple):
    """How far labels can be trusted.

    level: usable, with_care or not_yet. because: agreed, wide, tentative, poor, unknown, few or none; the
    words are in the strings, `finding.labels_<because>`. grade: the best grade that a finding made of these labels may have.
    labelled: conversations drawn at random and labelled. twice: of them, coded by two or more. agreement, low, high: alpha on
    controllable or not, with its interval (AC1 where all is of one side); missing below five. disputed: coded
    twice, the coders differ on the side and nobody has settled it. is_corrected: the shares of sides are corrected
    for the errors of single coders.
    """

    level: str
    because: str
    grade: str
    labelled: int
    twice: int
    agreement: float
    low: float
    high: float
    disputed: int
    is_corrected: bool


def judge_labels(human, confidence=0.95, seed=0, folder=None):
    """Say how far the labels of a report can be trusted: the one verdict for all pages.

    Usable from an alpha of 0.80 on, if it is not below 0.667 by its interval; not yet below 0.667, or where nobody has
    labelled a random conversation; with care in between, where fewer than five are coded twice, and below 30 labels.

    Parameters
    ----------
    human : pandas.DataFrame of `select_labels`
    confidence : float
    seed : int, of the bootstrap
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    Trust

    Source
    ------
    Krippendorff (2004), Human Communication Research 30:411-433: 0.800, and 0.667 for tentative conclusions.

    Examples
    --------
    >>> import csnb
    >>> judge_labels(csnb.select_labels(book, book.sessions)).level   # nobody has labelled yet
    'not_yet'
    """
    drawn = human[human["use"] == "estimate"]
    labelled = drawn["session_key"].nunique()
    disputed, is_corrected = _disputes(drawn, folder)
    agreement, low, high, twice = _agreement(drawn, confidence, seed)
    because = _because(labelled, agreement, low)
    level = {"agreed": USABLE, "poor": NOT_YET, "none": NOT_YET}.get(because, WITH_CARE)
    return Trust(level, because, GRADES[level], labelled, twice, agreement, low, high, disputed, is_corrected)


def _disputes(drawn, folder):
    """Count the conversations in dispute, and say whether shares are corrected for the errors of single coders."""
    if drawn.empty:
        return 0, False
    answers = read_answers(drawn, folder)
    is_final = answers.index.get_level_values("coder") == FINAL
    answered = (
        answers.loc[~is_final, ["controllable", "uncontrollable"]].groupby(level="session_key").nunique()
    )
    differ = answered.index[(answered > 1).any(axis=1)]
    settled = answers.index.get_level_values("session_key")[is_final]
    return len(differ.difference(settled)), len(double_coded(answers)) >= PLAIN


def _agreement(drawn, confidence, seed):
    """Give how far coders agree on the side, with its interval, and on how many conversations that stands."""
    table = measure_agreement(drawn, confidence, seed, ["side"]).set_index("metric")
    if table.empty:
        return float("nan"), float("nan"), float("nan"), 0
    row = table.loc["ac1" if pd.isna(table.at["alpha", "value"]) else "alpha"]  # one answer only has no alpha
    return *row[["value", "low", "high"]].astype(float), int(row["n"])


def _because(labelled, agreement, low):
    """Name what the verdict rests on, the gravest first."""
    if not labelled:
        return "none"
    if agreement < TENTATIVE:
        return "poor"
    if labelled < PLAIN:
        return "few"
    if pd.isna(agreement):
        return "unknown"
    if agreement < GOOD:
        return "tentative"
    return "agreed" if low >= TENTATIVE else "wide"


def find_label_verdict(trust):
    """Say whether labels can be used and why, and whether shares are corrected for the errors of single coders.

    Parameters
    ----------
    trust : Trust of `judge_labels`

    Returns
    -------
    list of Finding
        Two, the verdict first; none where nobody has labelled.

    Examples
    --------
    >>> import csnb
    >>> find_label_verdict(judge_labels(csnb.select_labels(book, book.sessions)))
    []
    """
    if trust.because == "none":
        return []
    numbers = {
        "value": format_value(trust.agreement, "number"),
        "low": format_value(trust.low, "number"),
        "twice": format_value(trust.twice, "count"),
        "labelled": format_value(trust.labelled, "count"),
        "plain": format_value(PLAIN, "count"),
        "settled": format_value(trust.twice - trust.disputed, "count"),
        "disputed": format_value(trust.disputed, "count"),
        "n": format_value(trust.twice, "count"),
    }
    interval = {}
    if trust.twice >= SMALLEST_GROUP:
        interval = {"interval": format_interval(trust.low, trust.high, "number")}
    verdict = {name: numbers[name] for name in _SAID[trust.because]}
    found = [Finding(f"labels_{trust.because}", {**verdict, **interval, "n": numbers["n"]}, trust.grade,
                     _WEIGHTS[trust.level], "agreement")]  # fmt: skip
    is_open = trust.disputed > 0 and trust.twice >= PLAIN
    key = "coders_corrected" if trust.is_corrected else "coders_disputed" if is_open else "coders_uncorrected"
    correction = {name: numbers[name] for name in (*_SAID[key], "n")}
    return [*found, Finding(key, correction, trust.grade, _WEIGHTS[trust.level] - 1, "agreement")]


def cap_grades(found, trust):
    """Keep findings made of labels from a better grade than the labels allow.

    Parameters
    ----------
    found : list of Finding; those of grade A rest on the labels, all others stay as they are
    trust : Trust of `judge_labels`

    Returns
    -------
    list of Finding, in the same order

    Examples
    --------
    >>> import csnb
    >>> trust = judge_labels(csnb.select_labels(book, book.sessions))
    >>> [each.grade for each in cap_grades([Finding("share", {}, "A", 1), Finding("scores", {}, "C", 1)], trust)]
    ['D', 'C']
    """
    return [each._replace(grade=trust.grade) if each.grade == "A" else each for each in found]
