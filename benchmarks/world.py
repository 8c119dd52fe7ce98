"""Speed of the simulator on one core: a week of sessions without text, and messages with text.

    python -m benchmarks.world

Prints the median of five processor times each. The goals stand in tests/test_world_truth.py and tests/test_world_talk.py.
"""

import statistics
import time

from csnb.world import make_world
from csnb.world.making import draw_world
from csnb.world.scenarios import read_parameters
from csnb.world.talk import talk

RUNS = 5


def main():
    """Measure both lanes and print a line for each."""
    weeks = [
        _spent(lambda seed=seed: make_world("S1", seed, sessions_per_week=6000, agents=40))[0]
        for seed in range(RUNS)
    ]
    print(f"a week of 6,000 sessions and 40 agents: {statistics.median(weeks):.3f} s")
    draw = draw_world(read_parameters("S1", {"sessions_per_week": 6000}), 1)
    rates = []
    for _ in range(RUNS):
        seconds, count = _spent(lambda: sum(map(len, talk(draw))))
        rates.append(60 * count / seconds)
    print(f"messages with text: {statistics.median(rates):,.0f} a minute")


def _spent(work):
    """Give the processor seconds of some work, and what it gave."""
    started = time.process_time()
    given = work()
    return time.process_time() - started, given


if __name__ == "__main__":
    main()
