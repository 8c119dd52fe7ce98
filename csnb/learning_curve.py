"""What coded conversations of one's own bring: learn from some, code others, compare.

python -m csnb.learning_curve GOLD
"""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import polars as pl
import typer

from csnb.coding import as_messages, code_records
from csnb.errors import CsnbError
from csnb.evaluate import compare, read_gold
from csnb.learning import as_toml, learn
from csnb.reasons import read_combination


def learning_curve(gold_folder, sizes=(0, 50, 100), repeats=6, held_out=40):
    """Measure what coded sessions of one's own bring: learn from some, code others.

    Parameters
    ----------
    gold_folder : path of a folder as `csnb.evaluate.evaluate` reads it
    sizes : how many coded sessions to learn from; 0 stands for the weights set by hand. All that are not
        held out are always the last size.
    repeats : random splits
    held_out : sessions coded and compared in every split

    Returns
    -------
    polars.DataFrame
        `size, figure, value, low, high`: mean, smallest and largest value over the splits.
    """
    records, gold = read_gold(gold_folder)
    messages, start = as_messages(records), read_combination(name="combination_start.toml")
    rng, rows = np.random.default_rng(20260929), []
    for _ in range(repeats):
        order = rng.permutation(len(records))
        tested, rest = order[:held_out], order[held_out:]
        for size in (*sizes, len(rest)):
            with tempfile.TemporaryDirectory() as definitions:
                chosen = rest[:size]
                (Path(definitions) / "combination.toml").write_text(as_toml(start, "By hand."), "utf-8")
                if size:
                    among = pl.col("session_key").is_in(chosen.tolist())
                    learn(messages.filter(among), as_codes(gold).filter(among), definitions)
                coded = code_records([records[index] for index in tested], definitions)
            figures = compare([gold[index] for index in tested], coded).figures
            rows.append(figures.select("figure", "value").with_columns(size=pl.lit(size)))
    return (
        pl.concat(rows)
        .group_by("size", "figure", maintain_order=True)
        .agg(pl.col("value").mean(), low=pl.col("value").min(), high=pl.col("value").max())
    )


def curve_text(curve):
    """Write a learning curve as a plain table: one row a figure, one column a size, means over the splits."""
    sizes = curve["size"].unique(maintain_order=True).to_list()
    table = curve.drop_nulls("value").pivot(on="size", index="figure", values="value")
    lines = [f"{'coded sessions learnt from':<70}" + "".join(f"{size:>8}" for size in sizes)]
    for figure, *values in table.iter_rows():
        lines.append(f"{figure:<70}" + "".join(f"{value:>8.3f}" for value in values))
    return "\n".join(lines)


def as_codes(gold):
    """Make the reasons of gold records one table: `session_key` is the position of the record."""
    rows = [
        (key, code, number) for key, record in enumerate(gold) for code, number in record["reasons"].items()
    ]
    return pl.DataFrame(
        rows, schema={"session_key": pl.Int64, "code": pl.String, "number": pl.Int32}, orient="row"
    )


def _command(gold: Annotated[Path, typer.Argument(help="Folder with *_sessions.jsonl and *_gold.jsonl")]):
    """Print what 50, 100 and more coded conversations of one's own bring; takes minutes."""
    try:
        print(curve_text(learning_curve(gold)))
    except CsnbError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    typer.run(_command)
