"""What people coded: the side of every labelled conversation, and how far single coders are off.

Two coders who do not see each other's answers read a part of the sample. What they agree on, or what was
settled between them, is taken as known, and the single answers are held against it.
"""

import pandas as pd

from csnb.errors import ParameterError
from csnb.measures import PLAIN
from csnb.reasons import read_reasons
from csnb.sides import SIDES
from csnb.two_phase import correct_coders

FINAL = "final"  # the coder whose answer settles a dispute
ESTIMANDS = (*SIDES, "any", "split")
_BOTH = ("controllable", "uncontrollable")
_MOST_OPEN = 0.1  # of the disputes between two coders


def read_answers(human, folder=None):
    """Give what every coder answered on the conversations of a random sample.

    Parameters
    ----------
    human : pandas.DataFrame, table `human_labels`: `session_key, coder, code, holds`, and `use`
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        One row a conversation and coder, in index `session_key, coder`: `controllable` and `uncontrollable`,
        1 where such a reason holds, else 0; `part`, the controllable part of the reasons (0.5 without);
        `weight`, how many conversations it stands for (1 over `drawn_probability`, else 1).
        Answers with `use` train are left out: they were chosen, not drawn.

    Raises
    ------
    ParameterError
        If a column is missing, or a code is not in the coding guide.

    Examples
    --------
    >>> human = pd.DataFrame({"session_key": [7, 7], "coder": "li", "code": ["price", "ability"],
    ...                       "holds": [True, True], "use": "estimate"})
    >>> read_answers(human).values.tolist()
    [[1.0, 1.0, 0.5, 1.0]]
    """
    missing = sorted({"session_key", "coder", "code", "holds", "use"} - set(human))
    if missing:
        raise ParameterError(f"human labels lack the columns {missing}; they have: {', '.join(human)}")
    side_of = dict(read_reasons(folder).select("code", "side").iter_rows()) | {"dissatisfied": "-"}
    drawn = human[human["use"] == "estimate"]
    unknown = drawn.loc[~drawn["code"].isin(list(side_of)), "code"]
    if len(unknown):
        raise ParameterError(f"{unknown.iloc[0]!r} is no code of the guide; codes are: {', '.join(side_of)}")
    side, holds = drawn["code"].map(side_of), drawn["holds"].astype(bool)
    counts = pd.DataFrame({name: (side == name) & holds for name in _BOTH})
    who = [drawn["session_key"], drawn["coder"]]
    counts = counts.groupby(who).sum()
    part = (counts["controllable"] / counts.sum(axis=1)).fillna(0.5)
    weight = 1.0
    if "drawn_probability" in drawn:
        weight = 1 / drawn["drawn_probability"].fillna(1.0).groupby(who).first()
    return (counts > 0).astype(float).assign(part=part, weight=weight)


def settled_values(answers):
    """Give every conversation its value of each share: the settled answer, else the mean of its coders.

    Parameters
    ----------
    answers : pandas.DataFrame of `read_answers`

    Returns
    -------
    pandas.DataFrame by session_key, columns ESTIMANDS
    """
    keys, is_final = answers.index.get_level_values("session_key"), _is_final(answers)
    return _by_session(answers[is_final | ~keys.isin(keys[is_final])])


def coded_values(answers):
    """Give every conversation its value of each share as the mean of its coders, disputes not settled.

    Returns
    -------
    pandas.DataFrame by session_key, columns ESTIMANDS
    """
    return _by_session(answers[~_is_final(answers)])


def double_coded(answers):
    """Give the values of the conversations that two coders read, where what is right is known.

    Returns
    -------
    pandas.DataFrame by session_key, columns ESTIMANDS: the settled answer, or what the coders agree on. Empty
        if more than a tenth of the disputes are open.
    """
    known = _known(_values(answers), answers[list(_BOTH)])[2]
    return _by_session(answers[:0]) if known is None else known


def _known(values, judged):
    """Give the settled values, those of the coders, and of what two coders read those that are right: settled or agreed on.

    Coders agree where `judged` is equal. With more than a tenth of the disputes open, agreement would flatter: None.
    """
    is_final = _is_final(values)
    final, single = (values[rows].groupby(level="session_key") for rows in (is_final, ~is_final))
    final, coded = final.mean(), single.mean()
    is_equal = (judged[~is_final].groupby(level="session_key").nunique() == 1).all(axis=1)
    agrees = is_equal[single.size() > 1]
    disputed = agrees.index[~agrees]
    if len(disputed) and disputed.isin(final.index).mean() < 1 - _MOST_OPEN:
        return final, coded, None
    agreed = coded.loc[agrees.index[agrees].difference(final.index)]
    return final, coded, pd.concat([final[final.index.isin(coded.index)], agreed])


def corrected_values(values, weight, is_compared=False):
    """Give what people say of every conversation, ready for an estimate, and what to add for the errors of single coders.

    Parameters
    ----------
    values : pandas.DataFrame by `session_key, coder`: what each coder says, one column a share
    weight : pandas.Series by `session_key`: how many conversations each stands for
    is_compared : bool, whether parts of the conversations, such as weeks, are to be compared (`correct_coders`)

    Returns
    -------
    y : pandas.DataFrame by session_key
        The settled answers, else the mean of the coders; with a correction, what single coders say as far as that can be leant on
    off : Correction to be added to the estimate made of `y`; None unless 30 conversations are coded twice and settled
        (agreed on, or by a final answer; not with more than a tenth of the disputes open)

    Examples
    --------
    >>> index = pd.MultiIndex.from_tuples([(1, "li"), (1, "wu"), (2, "li")], names=["session_key", "coder"])
    >>> y, off = corrected_values(pd.DataFrame({"agent": [1.0, 0.0, 1.0]}, index), pd.Series([1, 1], [1, 2]))
    >>> y["agent"].tolist(), off
    ([0.5, 1.0], None)
    """
    final, coded, known = _known(values, values)
    if known is None or len(known) < PLAIN:
        return pd.concat([final, coded.loc[coded.index.difference(final.index)]]), None
    lean, off = correct_coders(known, coded.loc[known.index], weight.loc[known.index], is_compared)
    return lean * coded, off


def _is_final(answers):
    """Say which answers settle a dispute."""
    return answers.index.get_level_values("coder") == FINAL


def _by_session(answers):
    """Give the values of every share, as the mean over the coders of a conversation."""
    return _values(answers).groupby(level="session_key").mean()


def _values(answers):
    """Give the values of every share by each answer."""
    return side_values(answers["controllable"], answers["uncontrollable"], answers["part"])


def side_values(inside, outside, part):
    """Turn the two sides of conversations into the value of every share.

    Parameters
    ----------
    inside, outside : Series, 1 where there is a controllable (uncontrollable) reason, 0 where not;
        or the probability that there is
    part : Series or float, the controllable part of the reasons where there are both

    Returns
    -------
    pandas.DataFrame with columns ESTIMANDS: the four sides, which add up to 1; `any` controllable reason;
        `split`, the conversation counted by the controllable part of its reasons

    Examples
    --------
    >>> side_values(pd.Series([1, 0]), pd.Series([1, 1]), 0.25).values.tolist()
    [[0.0, 1.0, 0.0, 0.0, 1.0, 0.25], [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]]
    """
    both = inside * outside
    values = [
        inside - both,
        both,
        outside - both,
        1 - inside - outside + both,
        inside,
        inside - both + part * both,
    ]
    return pd.concat(values, axis=1, keys=ESTIMANDS)
