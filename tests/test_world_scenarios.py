"""What may be asked of a world, and how a wrong question is answered."""

import pytest

from csnb.errors import ParameterError
from csnb.lookup import read_toml
from csnb.world import make_world, scenario_names


def test_there_are_thirteen_scenarios_and_the_demo():
    assert scenario_names() == [f"S{number}" for number in range(13)] + ["demo"]


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_says_what_it_is_for_and_can_be_made(name):
    scenario = read_toml("world/scenarios.toml")[name]
    assert scenario["title"] and scenario["purpose"].endswith(".")
    world = make_world(name, 3, sessions_per_week=200)
    assert world.sessions["session_id"].is_unique
    assert set(world.truth.sessions.index) == set(world.sessions["session_id"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"agents": 0}, "agents must be between 1 and 5000; got: 0"),
        ({"agents": 2.5}, "agents must be a whole number between 1 and 5000; got: 2.5"),
        ({"sessions_per_week": -5}, "sessions_per_week must be between 1 and"),
        ({"bot_share": -0.1}, "bot_share must be between 0 and 1; got: -0.1"),
        ({"bot_share": float("nan")}, "bot_share must be between 0 and 1; got: nan"),
        ({"platforms": ["weibo"]}, "platforms must be one of: taobao, jd, douyin"),
        ({"platforms": "taobao"}, "platforms must be a list; got: 'taobao'"),
        ({"platforms": []}, "platforms must not be empty"),
        ({"outcome": "probit"}, "outcome must be one of: noisy_or, logit; got: 'probit'"),
        ({"starts_on": "2026-03-03"}, "starts_on must be a Monday, YYYY-MM-DD; got: '2026-03-03'"),
        ({"agent": 5}, "a world has no argument agent=5; nearest: agents"),
        ({"campaign_days": [500]}, "campaign_days must be between 0 and 419; got: 500"),
        (
            {"weeks": 2, "shock_days": [3, 14]},
            "shock_days must lie in the 2 weeks of the world; got: [3, 14]",
        ),
    ],
)
def test_a_bad_argument_is_named_with_its_value_and_what_is_allowed(changes, said):
    with pytest.raises(ParameterError) as error:
        make_world("S1", 1, **changes)
    assert said in str(error.value)


def test_an_unknown_scenario_is_refused_with_the_known_ones():
    with pytest.raises(ParameterError, match="scenario must be one of: S0, S1"):
        make_world("S99", 1)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", True])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(ParameterError, match="seed must be a whole number"):
        make_world("S1", seed)
