"""What coded sessions teach: weights that follow the labels, own messages that stay out of the world."""

import numpy as np
import polars as pl
import pytest

from csnb.errors import ParameterError
from csnb.learning import fit_ridge, learn
from csnb.reasons import read_combination
from csnb.utterances import OWN, read_bank


@pytest.fixture
def coded_sessions():
    """Forty conversations: every second one complains about a thing that no shipped rule knows."""
    rows = []
    for key in range(40):
        complaint = f"你家的飞毯第{key}次飘不起来，呼啦呼啦" if key % 2 else f"飞毯第{key}号是什么颜色"
        rows += [(key, 0, "customer", complaint), (key, 1, "agent", "您好"), (key, 2, "customer", "好的")]
    schema = {"session_key": pl.Int64, "number": pl.Int32, "role": pl.String, "text": pl.String}
    coded = pl.DataFrame({"session_key": range(1, 40, 2)}).with_columns(
        pl.col("session_key").cast(pl.Int64), code=pl.lit("quality"), number=pl.lit(0, pl.Int32)
    )
    return pl.DataFrame(rows, schema=schema, orient="row"), coded


def test_learning_writes_definitions_that_are_read_again(coded_sessions, tmp_path):
    paths = learn(*coded_sessions, tmp_path)
    assert [path.name for path in paths] == ["own.tsv", "combination.toml"]
    own = read_bank(str(tmp_path)).filter(topic=OWN)
    assert own.filter("is_displeased")["codes"].to_list()[0] == ["quality"]
    assert set(own["part"]) == {"train"}
    assert read_combination(str(tmp_path)) != read_combination()


def test_own_messages_never_enter_the_part_for_the_simulator(coded_sessions, tmp_path):
    learn(*coded_sessions, tmp_path)
    world = read_bank(str(tmp_path)).filter(part="world")
    assert not world["text"].str.contains("飞毯").any()


def test_too_few_sessions_are_refused(coded_sessions, tmp_path):
    messages, coded = coded_sessions
    with pytest.raises(ParameterError, match="5 coded sessions are too few"):
        learn(messages.filter(pl.col("session_key") < 5), coded, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_labels_to_say_otherwise_the_weights_stay_where_they_were():
    prior = np.array([1.0, -2.0])
    assert fit_ridge(np.zeros((4, 2)), np.array([0, 1, 0, 1]), prior, 1.0) == pytest.approx(prior)


def test_a_stiffer_ridge_moves_less():
    rows, holds, prior = np.c_[np.arange(6.0) - 2.5, np.ones(6)], np.array([0, 0, 0, 1, 1, 1]), np.zeros(2)
    loose, stiff = (fit_ridge(rows, holds, prior, stiffness)[0] for stiffness in (0.1, 10.0))
    assert loose > stiff > 0
