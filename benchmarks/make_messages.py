"""Write a CSV of simulated messages in the generic layout, as big as asked: the input of the speed benchmarks.

python benchmarks/make_messages.py data/raw/messages.csv --messages 1000000 --seed 1
"""

import argparse
from pathlib import Path

from csnb.world import make_world
from csnb.world.exports import messages_table

MESSAGES_A_SESSION = 11


def main():
    """Read the arguments and write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    weeks, sessions = 4, chosen.messages / MESSAGES_A_SESSION
    world = make_world(
        "S1",
        chosen.seed,
        weeks=weeks,
        sessions_per_week=max(1, round(sessions / weeks)),
        agents=max(3, round(sessions / 600)),
        platforms=["taobao", "jd", "douyin", "pinduoduo"],
    )
    messages = messages_table(world)[0].head(chosen.messages)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    messages.write_csv(chosen.out, datetime_format="%Y-%m-%d %H:%M:%S")
    print(f"{messages.height} messages of {messages['session_id'].n_unique()} sessions in {chosen.out}")


if __name__ == "__main__":
    main()
