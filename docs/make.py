"""Write the pages of docs/ that follow from the code: python docs/make.py (or `make docs`)."""

from pathlib import Path

from csnb.layouts import FILE_KINDS, list_layouts, read_layout, shapes_of
from csnb.metrics import METRICS
from csnb.rulepacks import KEYS, load_rulepacks
from csnb.schema import TABLES
from csnb.strings import set_language, text

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
    names = {"String": "text", "Boolean": "true/false", "Float64": "number", "Date": "day"}
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


PAGES = {
    "layouts.md": layouts_page,
    "tables.md": tables_page,
    "metrics.md": metrics_page,
    "rulepacks.md": rulepacks_page,
}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), "utf-8")
        print(f"docs/{name}")
