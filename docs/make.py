"""Write the pages of docs/ that follow from the code: python docs/make.py (or `make docs`)."""

from pathlib import Path

from csnb.layouts import FILE_KINDS, list_layouts, read_layout, shapes_of
from csnb.lookup import read_toml
from csnb.metrics import METRICS
from csnb.rulepacks import KEYS, load_rulepacks
from csnb.schema import TABLES
from csnb.strings import set_language, text
from csnb.world.scenarios import world_table

HERE = Path(__file__).parent


def tables_page():
    """Give docs/tables.md: every table with the meaning of a row and of every column."""
    parts = ["# Tables of a book\n\nMade by `make docs` from `csnb/schema.py`. Times are Asia/Shanghai.\n"]
    for name, table in TABLES.items():
        rows = "\n".join(
            f"| `{column}` | {_type(spec.dtype)} | {spec.meaning} | {spec.missing} |"
            for column, spec in table.columns.items()
        )
        parts.append(
            f"## {name}\n\nOne row is {table.row}.\n\n| column | type | meaning | missing means |\n|---|---|---|---|\n{rows}\n"
        )
    return "\n".join(parts)


def _type(dtype):
    """Name a column type in plain words."""
    names = {
        "String": "text",
        "Boolean": "true/false",
        "Float64": "number",
        "Float32": "number",
        "Date": "day",
    }
    name = dtype.__class__.__name__ if not isinstance(dtype, type) else dtype.__name__
    return names.get(name, "time" if name == "Datetime" else "whole number")


def metrics_page():
    """Give docs/metrics.md: every metric in words, with unit, direction and source."""
    set_language("en")
    rows = "\n".join(
        f"| `{name}` | {text(f'metric.{name}.name')} | {text(f'metric.{name}.meaning')} | {metric.unit} "
        f"| {metric.better or '–'} | {'yes' if metric.per_platform else 'no'} | {metric.source} |"
        for name, metric in METRICS.items()
    )
    return (
        "# Metrics\n\nMade by `make docs` from `csnb/metrics.py` and the strings. A metric that platforms define "
        "differently is never pooled over platforms.\n\n"
        "| id | name | meaning | unit | better | by platform only | source |\n|---|---|---|---|---|---|---|\n"
        + rows
        + "\n"
    )


def rulepacks_page():
    """Give docs/rulepacks.md: the clocks in force, and the keys a rule pack may hold."""
    packs = load_rulepacks()
    rows = "\n".join(
        f"| {row['rulepack']} | {row['window'][0]} to {row['window'][1]} by {row['window_of']} | {_or_none(row['cap_seconds'])} "
        f"| {_or_none(row['unanswered_seconds'])} | {row['standard_seconds']:g} s by {row['standard_unit']} "
        f"| {row['dissatisfied_scores']} | {row['source']} | {row['confidence']} |"
        for row in packs.iter_rows(named=True)
    )
    keys = "\n".join(f"| `{key}` | {'yes' if spec[0] else 'no'} | {spec[2]} |" for key, spec in KEYS.items())
    return (
        "# Rule packs\n\nMade by `make docs` from `csnb/definitions/rulepacks/`. Confidence: A official text, B third-party "
        "repost or header in use, C one blog, ? not found.\n\n"
        "| pack | graded hours | cap | unanswered | standard | dissatisfied | source | confidence |\n"
        f"|---|---|---|---|---|---|---|---|\n{rows}\n\n## Keys of a pack\n\n| key | required | allowed |\n|---|---|---|\n{keys}\n"
    )


def _or_none(seconds):
    """Write seconds, or a dash where the pack has none."""
    return "–" if seconds is None else f"{seconds:g} s"


def layouts_page():
    """Give docs/layouts.md: every file layout with the headers it reads, by kind of file."""
    parts = [
        "# File layouts\n\nMade by `make docs` from `csnb/definitions/platforms/`. A header is found whatever its width of "
        "brackets, spaces and case; headers that are not listed are kept, masked, in `extra`. **Bold** columns are required.\n"
    ]
    for name, describes in list_layouts().items():
        parts.append(f"## {name}\n\n{describes}. Clock: {read_layout(name).platform}.\n")
        for kind in FILE_KINDS:
            if kind in read_layout(name).shapes or name == "generic":
                parts += [_shape(kind, shape) for shape in shapes_of(read_layout(name), kind)]
    return "\n".join(parts)


def _shape(kind, shape):
    """Give one shape of a kind of file as a table."""
    rows = "\n".join(
        f"| {f'**{column}**' if column in shape.required else column} | {', '.join(map(str, headers))} |"
        for column, headers in shape.columns.items()
    )
    figures = sorted({metric[1] for metric in shape.metrics})
    below = f"\nFigures: {', '.join(figures)}.\n" if figures else ""
    return f"### {kind}\n\n| column | headers |\n|---|---|\n{rows}\n{below}"


WORLD = """# The simulated world

Made by `make docs` from `csnb/definitions/world/`. No real data set has conversations, times, agents and satisfaction
together, and none says why a customer was dissatisfied. `csnb.world` makes one that does: people, shops and arrivals
first, then load and behaviour, then causes, then ratings, orders and tickets, each step from the one before. What an
analyst would see and the truth behind it come apart, and no report can reach the truth. The demo data are one such
world; [validation.md](validation.md) puts every estimator to some hundred others.

## Make your own data

    csnb simulate --scenario S2 --weeks 2 --seed 7 --platform taobao,jd --out data/raw/burst --truth data/raw/burst-truth

writes what a merchant would export, in each platform's own columns, and `exports.csv`, which names every file with the
layout and kind that `csnb import` takes. `--format` is csv, csv.gz, xlsx or jsonl, `--encoding` utf-8 or gb18030;
platforms are {platforms}. The truth goes to a folder of its own, and only if asked for: sessions
with their causes, the sentences that show them, agents, and every fault put into the files (duplicates, slow clocks,
missing agents, merged sessions, personal data, unusual headers and encodings). `--labels 200` also has made-up coders label a
sample of the dissatisfied conversations, with small errors, as `csnb label` would have people do it.

In Python, any parameter of the table below can be changed:

```python
from csnb.world import make_world

world = make_world("S1", 1, sessions_per_week=3000, agents=20, campaign_days=[3])
world.sessions, world.agents, world.orders  # what is seen
world.truth.sessions  # what is not: causes and true probabilities

seen = world.truth.do()
better = world.truth.do(behaviour="standard")  # the same customers, had every agent acted to standard
seen["is_dissatisfied"].mean() - better["is_dissatisfied"].mean()
```

The same scenario, seed and changes give the same world. Every cause draws from a stream of chance of its own, so two
worlds that differ in one parameter differ in nothing that it does not touch. On one core of the machine that
wrote this page, a week of 6,000 sessions takes 0.08 s without text; with text the simulator writes 7 million messages a
minute (`python -m benchmarks.world`).

## Scenarios

| scenario | title | what it is for | changes |
|---|---|---|---|
{scenarios}

## Add a scenario, a cause or a way to talk

- A scenario is a `[name]` in `scenarios.toml`: title, purpose, and what it changes of the parameters.
- Another intent, product line, behaviour or platform is a line in `intents.tsv`, `product_lines.tsv`, `behaviours.tsv`, `platforms.tsv`;
  the first lines of each file say what its columns mean.
- How people talk is `talk.toml`, small grammars by intent, role and platform, beside the bank of utterances. After a
  change run `python -m validation --talk`, which measures how close it is to real talk and that nothing is copied, and
  make the demo again by the command in [its README](../data/demo/README.md).

All these files stand in `csnb/definitions/world/`. The tests make a new scenario at once; a study of it is a function in
`validation/` and a line in its `STUDIES`.

## Parameters

| parameter | default | allowed | meaning |
|---|---|---|---|
{parameters}
"""


def world_page():
    """Give docs/world.md: how to make data, the scenarios and the parameters."""
    platforms = ", ".join(f"`{name}`" for name in world_table("platforms").index)
    scenarios = "\n".join(
        f"| {name} | {about['title']} | {about['purpose']} | {_changes(about['changes'])} |"
        for name, about in read_toml("world/scenarios.toml").items()
    )
    parameters = "\n".join(
        f"| `{name}` | {_plain(rule['default'])} | {_allowed(rule)} | {rule['means']} |"
        for name, rule in read_toml("world/parameters.toml").items()
    )
    return WORLD.format(platforms=platforms, scenarios=scenarios, parameters=parameters)


def _changes(changes):
    """Write what a scenario changes."""
    return ", ".join(f"`{name}` {_plain(value)}" for name, value in changes.items()) or "nothing"


def _plain(value):
    """Write a value as a reader would: lists by commas, yes and no."""
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _allowed(rule):
    """Write what is allowed of a parameter."""
    if "among" in rule:
        return ", ".join(map(_plain, rule["among"]))
    return " to ".join(map(str, rule["between"])) if "between" in rule else "a Monday"


PAGES = {
    "world.md": world_page,
    "layouts.md": layouts_page,
    "tables.md": tables_page,
    "metrics.md": metrics_page,
    "rulepacks.md": rulepacks_page,
}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), "utf-8")
        print(f"docs/{name}")
