"""Decompositions, against Das Gupta's published examples and DasGuptR."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stats_reference import reference

from csnb.errors import MetricError, ParameterError
from csnb.stats import decompose_change, decompose_periods, shapley_effects

quick = settings(deadline=None, max_examples=25, derandomize=True)

# Das Gupta (1993), Standardization and Decomposition of Rates, P23-186, examples 2.1 to 2.5; the effects in
# full digits as DasGuptR 2.1 prints them: dgnpop(eg, pop = "pop", factors = ...) |> dg_table()
PRODUCTS = {
    "earnings": (
        {"avg_earnings": (10930, 16591), "earner_prop": (0.717892, 0.825974)},
        {"avg_earnings": 4369.913, "earner_prop": 1487.262},
    ),
    "births": (
        {"birthsw1549": (51.78746, 84.90502), "propw1549": (0.45919, 0.75756), "propw": (0.52638, 0.51065)},
        {"birthsw1549": 10.4340333, "propw1549": 10.5608476, "propw": -0.6670084},
    ),
    "non-marital births": (
        {
            "birth": (25.3, 32.7),
            "pregnant": (0.214, 0.290),
            "active": (0.279, 0.473),
            "single": (0.949, 0.986),
        },
        {"birth": 0.6889411, "pregnant": 0.8125381, "active": 1.3829055, "single": 0.1047547},
    ),
    "fertility": (
        {
            "married": (0.58, 0.72),
            "noncontr": (0.76, 0.97),
            "abort": (0.84, 0.97),
            "lact": (0.66, 0.56),
            "fecund": (16.573, 16.158),
        },
        {
            "married": 1.0909785,
            "noncontr": 1.2298438,
            "abort": 0.7278399,
            "lact": -0.8398707,
            "fecund": -0.1290187,
        },
    ),
}

# Das Gupta (1993), example 5.1: household headship rates per 100, United States, 1970 and 1985.
HEADSHIP = pd.DataFrame(
    {
        "age": list(range(13)) * 2,
        "year": [1970] * 13 + [1985] * 13,
        "size": np.ravel(
            [
                [12.9, 10.9, 9.5, 8.0, 7.8, 8.4, 8.6, 7.8, 7.0, 5.9, 4.7, 3.6, 4.9],
                [10.1, 11.2, 11.6, 10.9, 9.4, 7.7, 6.3, 6.0, 6.3, 5.9, 5.1, 4.0, 5.5],
            ]
        ),
        "rate": np.ravel(
            [
                [1.9, 25.8, 45.7, 49.6, 51.2, 51.6, 51.8, 54.9, 58.7, 60.4, 62.8, 66.6, 66.8],
                [2.2, 24.3, 45.8, 52.5, 56.1, 55.6, 56.0, 57.4, 57.2, 61.2, 63.9, 68.6, 72.2],
            ]
        ),
    }
)

# Das Gupta (1993), example 5.3: death rates per 1,000 by race and age, United States, 1970 and 1985.
DEATHS = pd.DataFrame(
    {
        "race": ([1] * 11 + [2] * 11) * 2,
        "age": list(range(11)) * 4,
        "year": [1970] * 22 + [1985] * 22,
        "size": np.ravel(
            [
                [2968, 11484, 34614, 30992, 21983, 20314, 20928, 16897, 11339, 5720, 1315],
                [535, 2162, 6120, 4781, 3096, 2718, 2363, 1767, 1149, 448, 117],
                [3041, 11577, 27450, 32711, 35480, 27411, 19555, 19795, 15254, 8022, 2472],
                [707, 2692, 6473, 6841, 6547, 4352, 3034, 2540, 1749, 804, 236],
            ]
        ),
        "rate": np.ravel(
            [
                [18.469, 0.751, 0.391, 1.146, 1.287, 2.672, 6.636, 15.691, 34.723, 79.763, 176.837],
                [36.993, 1.352, 0.541, 2.040, 3.523, 6.746, 12.967, 24.471, 45.091, 74.902, 123.205],
                [9.163, 0.462, 0.248, 0.929, 1.084, 1.810, 4.715, 12.187, 27.728, 64.068, 157.570],
                [17.208, 0.738, 0.328, 1.103, 2.045, 3.724, 8.052, 17.812, 34.128, 68.276, 125.161],
            ]
        ),
    }
)


@st.composite
def two_periods(draw):
    """Two tables over the cells of two shops and three intents, some of them empty."""
    cells = [(shop, intent) for shop in "AB" for intent in "xyz"]
    tables = []
    for _ in range(2):
        n = draw(st.lists(st.integers(0, 500), min_size=6, max_size=6).filter(any))
        rate = draw(st.lists(st.floats(0, 1, width=32), min_size=6, max_size=6))
        tables.append(pd.DataFrame(cells, columns=["shop", "intent"]).assign(n=n, rate=rate))
    return tables


def overall(table):
    return np.average(table["rate"], weights=table["n"])


def effect_of(effects):
    return dict(zip(effects["factor"], effects["effect"], strict=True))


@pytest.mark.parametrize("example", PRODUCTS)
def test_products_match_das_gupta_1993_chapter_2(example):
    factors, expected = PRODUCTS[example]
    table = pd.DataFrame({"pop": ["first", "second"], **factors})
    assert effect_of(decompose_periods(table, "pop", list(factors))) == pytest.approx(expected, abs=6e-4)


def test_mix_and_rate_match_das_gupta_1993_example_5_1():
    before, after = (HEADSHIP[HEADSHIP["year"] == year] for year in (1970, 1985))
    effects, _ = decompose_change(before, after, weight="size", rate="rate", by="age")
    assert effect_of(effects) == pytest.approx({"mix": 1.2269, "rate": 1.7403}, abs=5e-5)


def test_structure_by_race_and_age_matches_das_gupta_1993_example_5_3():
    effects = decompose_periods(DEATHS, "year", ["size", "rate"], by=["race", "age"])
    expected = {"age": 1.5217347, "race": 0.0197749, "rate": -2.2277254}
    assert effect_of(effects) == pytest.approx(expected, abs=5e-8)


@pytest.mark.parametrize("pair", ["W-1->W0", "W-2->W0"])
def test_two_weeks_match_dasguptr(pair):
    weeks, expected = reference("chat_mix_weeks.csv"), reference("chat_mix_expected.json")["results"][pair]
    first, second = pair.split("->")
    before, after = (weeks[weeks["week"] == week] for week in (first, second))
    effects, cells = decompose_change(before, after, "n", "rate", ["shop", "channel", "intent"])
    kitagawa = standardised_difference(expected["kitagawa"], first, second)
    assert effect_of(effects) == pytest.approx({"mix": kitagawa["n"], "rate": kitagawa["rate"]}, abs=1e-9)
    assert cells["total"].sum() == pytest.approx(kitagawa["crude"], abs=1e-9)
    both = pd.concat([before, after])
    structure = decompose_periods(both, "week", ["n", "rate"], ["shop", "channel", "intent"])
    classified = standardised_difference(expected["cross_classified"], first, second)
    assert effect_of(structure) == pytest.approx(
        {name: classified[name] for name in structure["factor"]}, abs=1e-9
    )


def test_three_weeks_match_dasguptr():
    weeks = reference("chat_mix_weeks.csv")
    rows = reference("chat_mix_expected.json")["results"]["three_weeks_consistent"]["cross_classified"]
    effects = decompose_periods(weeks, "week", ["n", "rate"], ["shop", "channel", "intent"])
    for row in effects.itertuples():
        expected = standardised_difference(rows, row.period_from, row.period_to)[row.factor]
        assert row.effect == pytest.approx(expected, abs=1e-9)


def standardised_difference(rows, first, second):
    """Turn DasGuptR's standardised rates into effects: shop_struct and the like are named by their variable."""
    rates = {}
    for row in rows:
        rates.setdefault(row["factor"].removesuffix("_struct"), {})[row["pop"]] = row["rate"]
    return {name: rate[second] - rate[first] for name, rate in rates.items()}


@quick
@given(two_periods())
def test_effects_and_cells_add_up_to_the_change(tables):
    before, after = tables
    change = overall(after) - overall(before)
    effects, cells = decompose_change(before, after, "n", "rate", ["shop", "intent"])
    assert effects["effect"].sum() == pytest.approx(change, abs=1e-12)
    assert cells["total"].sum() == pytest.approx(change, abs=1e-12)
    assert cells["mix"].sum() == pytest.approx(effects["effect"][0], abs=1e-12)
    by_shop = cells.groupby("shop")["total"].sum()
    assert by_shop.sum() == pytest.approx(change, abs=1e-12)
    table = pd.concat([before.assign(week=1), after.assign(week=2)])
    structure = decompose_periods(table, "week", ["n", "rate"], ["shop", "intent"])
    assert structure["effect"].sum() == pytest.approx(change, abs=1e-12)


@quick
@given(two_periods())
def test_swapping_the_periods_turns_the_effects_around(tables):
    there, _ = decompose_change(*tables, "n", "rate", ["shop", "intent"])
    back, _ = decompose_change(*reversed(tables), "n", "rate", ["shop", "intent"])
    assert there["effect"].to_numpy() == pytest.approx(-back["effect"].to_numpy(), abs=1e-12)


@quick
@given(two_periods(), st.randoms(use_true_random=False))
def test_other_names_and_another_order_change_nothing(tables, random):
    order = random.sample(range(6), 6)
    renamed = [
        table.iloc[order].assign(shop=lambda t: t["shop"].map({"A": "9", "B": "1"})) for table in tables
    ]
    effects, _ = decompose_change(*tables, "n", "rate", ["shop", "intent"])
    again, _ = decompose_change(*renamed, "n", "rate", ["shop", "intent"])
    assert effects["effect"].to_numpy() == pytest.approx(again["effect"].to_numpy(), abs=1e-12)


@quick
@given(two_periods(), st.randoms(use_true_random=False))
def test_structure_turns_around_with_the_periods_and_does_not_know_names(tables, random):
    weeks = pd.concat([table.assign(week=week) for week, table in enumerate(tables)])
    back = pd.concat([table.assign(week=week) for week, table in enumerate(reversed(tables))])
    order = random.sample(range(12), 12)
    renamed = weeks.iloc[order].assign(
        shop=lambda t: t["shop"].map({"A": "9", "B": "1"}),
        week=lambda t: pd.Categorical(t["week"], [0, 1]),
    )
    there, turned, again = (
        effect_of(decompose_periods(table, "week", ["n", "rate"], ["shop", "intent"]))
        for table in (weeks, back, renamed)
    )
    assert turned == pytest.approx({name: -effect for name, effect in there.items()}, abs=1e-12)
    assert again == pytest.approx(there, abs=1e-12)


@quick
@given(two_periods())
def test_an_empty_cell_and_a_variable_of_one_value_change_nothing(tables):
    empty = pd.DataFrame([{"shop": "C", "intent": "x", "n": 0, "rate": np.nan}])
    wider = [pd.concat([table, empty]).assign(week=week, country="CN") for week, table in enumerate(tables)]
    plain, _ = decompose_change(*tables, "n", "rate", ["shop", "intent"])
    again, _ = decompose_change(*wider, "n", "rate", ["shop", "intent"])
    assert plain["effect"].to_numpy() == pytest.approx(again["effect"].to_numpy(), abs=1e-12)
    weeks = pd.concat(wider)
    narrow = effect_of(decompose_periods(weeks, "week", ["n", "rate"], ["shop", "intent"]))
    wide = effect_of(decompose_periods(weeks, "week", ["n", "rate"], ["shop", "intent", "country"]))
    assert wide == pytest.approx({**narrow, "country": 0.0}, abs=1e-12)


@quick
@given(st.lists(st.tuples(st.floats(0.1, 9), st.floats(0.1, 9), st.floats(0.1, 9)), min_size=3, max_size=3))
def test_effects_over_three_periods_add_up_along_the_way(values):
    table = pd.DataFrame(values, columns=["a", "b", "c"]).assign(week=["W-2", "W-1", "W0"])
    effects = decompose_periods(table, "week", ["a", "b", "c"])
    pairs = effects.pivot(index="factor", columns=["period_from", "period_to"], values="effect")
    by_way = pairs["W-2", "W-1"] + pairs["W-1", "W0"]
    assert by_way.to_numpy() == pytest.approx(pairs["W-2", "W0"].to_numpy(), abs=1e-9)
    product = table.set_index("week").prod(axis=1)
    assert pairs["W-2", "W0"].sum() == pytest.approx(product["W0"] - product["W-2"], abs=1e-9)


def test_a_new_cell_borrows_its_rate_and_is_all_mix():
    before = pd.DataFrame({"shop": ["old"], "n": [100], "rate": [0.8]})
    after = pd.DataFrame({"shop": ["old", "new"], "n": [50, 50], "rate": [0.8, 0.4]})
    effects, cells = decompose_change(before, after, "n", "rate", "shop")
    assert effect_of(effects) == pytest.approx({"mix": -0.2, "rate": 0.0})
    assert cells.set_index("cell")["is_borrowed"].to_dict() == {"old": False, "new": True}


def test_several_rows_of_a_cell_count_as_one_and_a_missing_name_is_a_name():
    table = pd.DataFrame({"shop": ["a", "a", None], "n": [10, 30, 10], "rate": [1.0, 0.0, 0.5]})
    joined = pd.DataFrame({"shop": ["a", None], "n": [40, 10], "rate": [0.25, 0.5]})
    after = joined.assign(n=[10, 40])
    effects, cells = decompose_change(table, after, "n", "rate", "shop")
    assert effect_of(effects) == pytest.approx(
        effect_of(decompose_change(joined, after, "n", "rate", "shop")[0])
    )
    assert len(cells) == 2


def test_the_cell_that_got_worse_is_named():
    before = pd.DataFrame(
        {"shop": ["A", "A", "B"], "intent": ["x", "y", "x"], "n": [10, 10, 10], "rate": 0.9}
    )
    after = before.assign(rate=[0.9, 0.6, 0.9])
    _, cells = decompose_change(before, after, "n", "rate", ["shop", "intent"])
    worst = cells.loc[cells["total"].idxmin()]
    assert (worst["cell"], worst["rate"], worst["mix"]) == ("A / y", pytest.approx(-0.1), pytest.approx(0))


def test_periods_come_in_order_of_appearance_or_of_their_categories():
    weeks = ["W-2", "W-1", "W0"]
    table = pd.DataFrame({"week": weeks, "a": [1.0, 2.0, 4.0]})
    expected = [("W-2", "W-1"), ("W-2", "W0"), ("W-1", "W0")]
    shuffled = table.iloc[[2, 0, 1]].assign(week=lambda t: pd.Categorical(t["week"], categories=weeks))
    for form in (table, shuffled):
        effects = decompose_periods(form, "week", ["a"])
        assert list(zip(effects["period_from"], effects["period_to"], strict=True)) == expected
        assert effects["effect"].tolist() == pytest.approx([1, 3, 2])


def test_a_period_without_one_of_its_factors_is_refused():
    table = pd.DataFrame({"week": ["W-1", "W0"], "asked": [0.5, None], "bought": [0.4, 0.3]})
    with pytest.raises(MetricError, match="period 'W0' lacks one of its factors: asked, bought"):
        decompose_periods(table, "week", ["asked", "bought"])


@pytest.mark.parametrize("by", [[], ["shop", "shop"], ["mix"], ["shop", "cell"]])
def test_cells_need_names_of_their_own(by):
    table = pd.DataFrame({"shop": ["a"], "mix": ["b"], "cell": ["c"], "n": [5], "r": [0.5]})
    with pytest.raises(ParameterError, match="by must name one or more distinct columns"):
        decompose_change(table, table, "n", "r", by)


def test_one_period_alone_has_no_effects():
    assert decompose_periods(pd.DataFrame({"week": ["W0"], "a": [1.0]}), "week", ["a"]).empty


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": [0, 0]}, "n is 0 in all of period 'after'"),
        ({"n": [-1, 2]}, "n must be 0 or more"),
        ({"rate": [None, 0.5]}, "rate is missing in a row with n 5: {'shop': 'a'}"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(change, message):
    before = pd.DataFrame({"shop": ["a", "b"], "n": [5, 5], "rate": [0.5, 0.5]})
    with pytest.raises(MetricError, match=message):
        decompose_change(before, before.assign(**change), "n", "rate", "shop")


def test_what_is_no_table_is_refused():
    with pytest.raises(MetricError, match="before must be a DataFrame; got: dict"):
        decompose_change({"n": [1]}, {"n": [1]}, "n", "rate", "shop")


def test_a_missing_column_and_a_doubled_period_are_refused():
    table = pd.DataFrame({"week": ["W0", "W0"], "n": [5, 5], "rate": [0.5, 0.5]})
    with pytest.raises(MetricError, match=r"before has no column 'shop'; found are: week, n, rate"):
        decompose_change(table, table, "n", "rate", "shop")
    with pytest.raises(MetricError, match="'W0' has more than one row"):
        decompose_periods(table, "week", ["n", "rate"])


def test_the_glove_game_has_its_textbook_shapley_value():
    """One left glove, two right ones: 2/3 and 1/6 each; Osborne & Rubinstein (1994), A Course in Game Theory."""
    pairs = shapley_effects(
        lambda hands: float("left" in hands and len(hands) > 1), ["left", "right1", "right2"]
    )
    assert pairs == pytest.approx({"left": 2 / 3, "right1": 1 / 6, "right2": 1 / 6})


@quick
@given(st.lists(st.floats(-5, 5), min_size=16, max_size=16))
def test_shapley_effects_are_the_mean_over_all_orders(values):
    players = "abcd"
    value = {frozenset(p for i, p in enumerate(players) if bits >> i & 1): v for bits, v in enumerate(values)}
    orders = list(permutations(players))
    gain = dict.fromkeys(players, 0.0)
    for order in orders:
        for place, player in enumerate(order):
            gain[player] += (value[frozenset(order[: place + 1])] - value[frozenset(order[:place])]) / len(
                orders
            )
    effects = shapley_effects(value.__getitem__, players)
    assert effects == pytest.approx(gain, abs=1e-12)
    assert sum(effects.values()) == pytest.approx(value[frozenset(players)] - value[frozenset()], abs=1e-12)


def test_nobody_shares_nothing_and_too_many_are_refused():
    assert shapley_effects(len, []) == {}
    with pytest.raises(ParameterError, match="at most 15 distinct"):
        shapley_effects(len, range(16))
    with pytest.raises(ParameterError, match="distinct"):
        shapley_effects(len, ["a", "a"])
