"""Labelling: the random part of a draw is a random sample, whatever was drawn before."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from csnb.errors import ParameterError
from csnb.labelling import allocate, checked_coders, draw_sample, read_settings
from csnb.schema import empty

NOTHING = empty("drawn").to_pandas()
SETTINGS = read_settings()


def population_of(n, shops=("A",), disagreement=0.0):
    """Make a population whose scores rise evenly from 0 to 1."""
    keys = np.arange(n)
    return pd.DataFrame(
        {"session_key": keys, "session_id": keys.astype(str), "shop": [shops[key % len(shops)] for key in keys],
         "score": keys / n, "disagreement": disagreement}
    )  # fmt: skip


def drawn(population, n, seed=0, earlier=NOTHING, name="d1"):
    """Draw with the shipped settings."""
    return draw_sample(population, n, seed, earlier, name, SETTINGS)


def test_three_in_four_are_drawn_at_random_and_the_rest_to_learn_from():
    assert drawn(population_of(1000), 200)["use"].value_counts().to_dict() == {"estimate": 150, "train": 50}


def test_only_what_is_drawn_at_random_has_a_probability_and_it_is_the_share_of_its_stratum():
    frame = drawn(population_of(1000), 200)
    at_random = frame["use"] == "estimate"
    assert frame["drawn_probability"].notna().equals(at_random)
    share = at_random.groupby(frame["stratum"]).transform("mean")
    assert (frame["drawn_probability"] == share)[at_random].all()


def test_every_stratum_has_the_floor_of_labels():
    frame = drawn(population_of(1000, shops="AB"), 200)
    counts = frame[frame["use"] == "estimate"].groupby("stratum").size()
    assert len(counts) == 10
    assert counts.min() >= SETTINGS["floor"]


def test_small_shops_share_their_strata_when_there_is_no_room_for_each():
    shops = ["big"] * 3 + ["large"] * 2 + list("abcde")
    frame = drawn(population_of(1000, shops=shops), 200)
    assert set(frame["stratum"].str.split("/").str[1]) == {"big", "*"}


def test_conversations_of_equal_score_share_a_stratum():
    frame = drawn(population_of(300).assign(score=0.0), 100)
    assert frame["stratum"].nunique() == 1


def test_a_population_no_larger_than_the_budget_is_labelled_whole():
    frame = drawn(population_of(30), 50)
    assert (frame["use"] == "estimate").all()
    assert (frame["drawn_probability"] == 1).all()


def test_what_is_chosen_to_learn_from_is_where_the_machine_is_unsure_or_at_odds():
    population = population_of(1000).assign(disagreement=[0.9] * 10 + [0.0] * 990)
    frame = drawn(population, 200)
    chosen = frame[frame["use"] == "train"]
    free = frame[(frame["use"] != "estimate") & (frame["session_key"] < 10)]
    assert set(free["session_key"]) <= set(chosen["session_key"])
    assert (chosen.loc[chosen["session_key"] >= 10, "score"] - 0.5).abs().max() < 0.1


def test_what_is_chosen_to_learn_from_is_worded_in_many_ways():
    """One complaint fills nine in ten of the unsure conversations; nine others come once each."""
    rare = [
        "充电口松了",
        "赠品少了一件",
        "发票抬头写错",
        "门店不给验机",
        "色差太大",
        "尺码偏小",
        "优惠券用不了",
        "地址改不了",
        "包装压坏",
    ]
    population = population_of(100).assign(score=0.5)
    said = pd.Series(
        {key: rare[key // 10] if key % 10 == 9 and key < 90 else "快递怎么还没到" for key in range(100)}
    )
    settings = SETTINGS | {"estimate_share": 0.1}
    plain, varied = (draw_sample(population, 20, 0, NOTHING, "d1", settings, given) for given in (None, said))
    assert (varied["use"] == "estimate").equals(plain["use"] == "estimate")
    seen = [said[frame.loc[frame["use"] == "train", "session_key"]].nunique() for frame in (plain, varied)]
    assert (varied["use"] == "train").sum() == 18
    assert seen[1] > 1.5 * seen[0] and seen[1] >= 6


def test_the_same_seed_draws_the_same_in_any_order_of_rows():
    one, other = drawn(population_of(500), 100), drawn(population_of(500).sample(frac=1, random_state=1), 100)
    pd.testing.assert_frame_equal(one, other)
    assert not one["use"].equals(drawn(population_of(500), 100, seed=1)["use"])


def unevenness(times, p, n):
    """Sum the squared distances from what is expected: near the number of conversations (60) if p is right.

    110 is passed by chance once in 20,000 (chi-square, 60 degrees of freedom).
    """
    return (((times - n * p) ** 2) / (n * p * (1 - p))).sum()


def test_over_many_seeds_each_conversation_is_drawn_as_often_as_its_probability_says():
    times = sum((drawn(population_of(60), 40, seed)["use"] == "estimate").to_numpy() for seed in range(100))
    p = drawn(population_of(60), 40).groupby("stratum")["drawn_probability"].transform("max").to_numpy()
    assert unevenness(times, p, 100) < 110


def test_a_second_draw_adds_to_the_strata_of_the_first_and_all_stay_equally_likely():
    """Within a stratum every conversation must have the same chance over both draws, or shares are biased."""
    times, learnt = np.zeros(60), np.zeros(60)
    for seed in range(100):
        first = drawn(population_of(60), 24, seed)
        both = drawn(population_of(60), 20, seed + 1000, earlier=first, name="d2")
        assert both["stratum"].tolist() == first["stratum"].tolist()
        assert (both.loc[first["use"] == "estimate", "use"] == "estimate").all()
        times += both["use"] == "estimate"
        learnt += first["use"] == "train"
    assert unevenness(times, (18 + 15) / 60, 100) < 110
    assert learnt.max() > 4 * learnt.mean()


def test_new_conversations_get_strata_of_their_own():
    first = drawn(population_of(100), 40)
    both = drawn(population_of(200), 40, earlier=first, name="d2")
    new = both[both["session_key"] >= 100]
    assert new["stratum"].str.startswith("d2/").all()
    assert both.loc[both["session_key"] < 100, "stratum"].str.startswith("d1/").all()


def test_a_stratum_that_reaches_beyond_the_period_is_left_alone():
    first = drawn(population_of(100), 40)
    later = drawn(population_of(300).iloc[50:], 40, earlier=first, name="d2")
    old = later["session_key"] < 100
    pd.testing.assert_series_equal(
        later.loc[old, "use"].reset_index(drop=True) == "estimate", first["use"] == "estimate"
    )


def test_allocation_is_the_best_in_whole_numbers():
    sizes, spreads = np.array([50, 30, 40]), np.array([0.5, 0.2, 0.4])
    splits = [split for split in product(range(1, 20), repeat=3) if sum(split) == 20]
    best = min(splits, key=lambda split: sum((sizes * spreads) ** 2 / np.array(split)))
    assert allocate(sizes, spreads, 20).tolist() == list(best)


def test_no_stratum_gets_more_labels_than_it_has_conversations():
    assert allocate([3, 100], [0.5, 0.01], 50, floor=12).tolist() == [3, 47]
    assert allocate([3, 5], [0.5, 0.5], 50).tolist() == [3, 5]


@pytest.mark.parametrize("names", [["a/b"], [""], ["ann", "ann"]])
def test_names_of_coders_that_cannot_name_a_file_are_refused(names):
    with pytest.raises(ParameterError, match="coder"):
        checked_coders(names)
