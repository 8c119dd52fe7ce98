"""What people coded becomes sides; what two people coded tells how far single coders are off."""

import pandas as pd
import pytest

from csnb.errors import ParameterError
from csnb.human import coded_values, corrected_values, double_coded, read_answers, settled_values


def labels_from(lines):
    """Make `human_labels` of lines `session coder codes…`; a code that does not hold follows a minus."""
    rows = [
        {"session_key": int(words[0]), "coder": words[1], "code": code.lstrip("-"), "holds": code[0] != "-",
         "use": "estimate", "drawn_probability": 0.25}
        for words in map(str.split, lines.strip().splitlines())
        for code in words[2:]
    ]  # fmt: skip
    return pd.DataFrame(rows)


def side_of(values, session):
    """Name the side that has the whole weight of a session."""
    (side,) = [name for name in values.columns[:4] if values.loc[session, name] == 1]
    return side


def test_reasons_make_the_side():
    values = settled_values(read_answers(labels_from("""
        1 li  ability attitude -price
        2 li  price
        3 li  ability price stock
        4 li  unclear
        5 li  -dissatisfied -price
    """)))  # fmt: skip
    assert [side_of(values, session) for session in range(1, 6)] == [
        "controllable", "uncontrollable", "mixed", "unexplained", "unexplained",
    ]  # fmt: skip
    assert values.loc[3, ["any", "split"]].tolist() == pytest.approx([1, 1 / 3])


def test_two_coders_count_half_each_until_their_dispute_is_settled():
    disputed = labels_from("1 li ability\n1 wu price")
    assert settled_values(read_answers(disputed)).loc[1, ["controllable", "uncontrollable"]].tolist() == [
        0.5,
        0.5,
    ]
    final = pd.concat([disputed, labels_from("1 final price")])
    assert side_of(settled_values(read_answers(final)), 1) == "uncontrollable"
    assert coded_values(read_answers(final)).loc[1, "controllable"] == 0.5


def test_what_is_known_is_what_two_agree_on_or_what_was_settled():
    known = double_coded(read_answers(labels_from("""
        1 li ability
        1 wu attitude
        2 li price
        2 wu ability
        2 final price stock
        3 li price
    """)))  # fmt: skip
    assert [side_of(known, session) for session in known.index.sort_values()] == [
        "controllable",
        "uncontrollable",
    ]


def test_open_disputes_forbid_to_take_agreement_for_truth():
    lines = [f"{session} {coder} ability" for session in range(20) for coder in ("li", "wu")]
    agreed = labels_from("\n".join(lines))
    assert len(double_coded(read_answers(agreed))) == 20
    assert double_coded(read_answers(pd.concat([agreed, labels_from("99 li ability\n99 wu price")]))).empty


def test_what_was_chosen_to_learn_from_is_not_an_answer():
    assert read_answers(labels_from("1 li ability").assign(use="train")).empty


def test_a_code_that_is_not_in_the_guide_is_named():
    with pytest.raises(ParameterError, match="'rude' is no code of the guide; codes are: attitude"):
        read_answers(labels_from("1 li rude"))
    with pytest.raises(ParameterError, match=r"lack the columns \['holds'\]"):
        read_answers(labels_from("1 li ability").drop(columns="holds"))


def erring(settled):
    """Let li miss every second reason of a hundred sessions; wu codes forty of them again, and some are settled."""
    true = {key: float(key % 2) for key in range(100)}
    li = {(key, "li"): holds * (key % 4 == 1) for key, holds in true.items()}
    wu = {(key, "wu"): holds for key, holds in true.items() if key < 40}
    final = {(key, "final"): true[key] for key in range(settled)}
    values = pd.Series(li | wu | final, dtype=float).rename_axis(["session_key", "coder"])
    return corrected_values(values.to_frame("agent"), pd.Series(1.0, range(100))), true


def test_shares_are_corrected_for_what_single_coders_miss_once_enough_is_settled():
    (y, off), true = erring(settled=40)
    raw = pd.Series({key: holds * (key % 4 == 1) for key, holds in true.items()}).mean()
    assert raw == 0.25
    assert y["agent"].mean() + off.estimate[0] == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("settled", [0, 20])
def test_shares_are_not_corrected_while_disputes_are_open(settled):
    (y, off), true = erring(settled)
    assert off is None
    assert y.loc[list(range(settled)), "agent"].to_list() == [true[key] for key in range(settled)]
