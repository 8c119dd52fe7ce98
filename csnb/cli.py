"""The command line: `csnb import | check | report | list | code | label | simulate | sessions | turns`.

Exit codes: 0 good, 1 something failed, 2 bad arguments or data. What a command prints for other
programs goes to standard output; progress and errors go to standard error. Modules that take
seconds to load are imported inside the commands that need them.
"""

import json
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from csnb.errors import CsnbError, ParameterError

app = typer.Typer(
    add_completion=True,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Tell which dissatisfaction a customer-service team could have prevented.",
)

Files = Annotated[
    list[Path], typer.Argument(help="Export files: CSV, TSV, XLSX, JSON, JSONL, also .gz and .zip")
]
BookPath = Annotated[Path, typer.Argument(help="The book's folder")]
Out = Annotated[Path, typer.Option("--out", help="Where to write")]

#: arguments that the command line calls otherwise than the function that refuses them
OPTIONS = {"as_of": "--as-of", "file_format": "--format", "platforms": "--platform", "shop": "--shops"}


@app.command("import")
def import_command(
    files: Files,
    platform: Annotated[str, typer.Option(help="File layout, such as generic, qianniu, feige, jd_open")],
    into: Annotated[Path, typer.Option(help="The book's folder; made if it is not there")],
    kind: Annotated[
        str, typer.Option(help="messages, ratings, agents, events, official, orders, ...")
    ] = "messages",
    zone: Annotated[str | None, typer.Option(help="Time zone of times without one")] = None,
    jobs: Annotated[int | None, typer.Option(help="Worker processes")] = None,
):
    """Bring export files into a book; a file imported before is replaced."""
    from csnb.sources import import_export

    with _progress("build") as progress:
        imported = import_export(files, platform, into, kind, zone, jobs, progress)
    for file in imported:
        quarantined = sum(file.quarantined.values())
        typer.echo(
            f"{file.file}: {file.rows_read} rows read, {file.rows_staged} taken, {quarantined} quarantined"
        )
        for reason, rows in file.quarantined.items():
            typer.echo(f"  {rows} x {reason}")


@app.command("check")
def check_command(
    book: BookPath,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
):
    """Account for every row that came in: read = kept + left out + quarantined."""
    from csnb.book import open_book
    from csnb.contents import check_book

    counts = check_book(open_book(book))
    if as_json:
        typer.echo(json.dumps(counts, ensure_ascii=False, indent=1))
        return
    for part in [*counts["files"], {"file": "all files", "kind": "", **counts}]:
        typer.echo(
            f"{part['file']} {part['kind']}: {part['rows_read']} read = {part['rows_kept']} kept", nl=False
        )
        for word in ("left_out", "quarantined"):
            reasons = ", ".join(f"{reason} {rows}" for reason, rows in part[word].items())
            typer.echo(
                f" + {sum(part[word].values())} {word.replace('_', ' ')}{f' ({reasons})' if reasons else ''}",
                nl=False,
            )
        typer.echo("")


@app.command("sessions")
def sessions_command(book: BookPath, out: Out):
    """Write one row a conversation with its facts, as CSV."""
    _write_table(book, "sessions", out)


@app.command("turns")
def turns_command(book: BookPath, out: Out):
    """Write one row a question and its first valid reply, as CSV."""
    _write_table(book, "turns", out)


def _write_table(book, name, out):
    """Write a table of a book as CSV: true/false, ISO times with offset, empty for missing."""
    from csnb.book import open_book, write_bytes
    from csnb.contents import csv_bytes

    write_bytes(out.resolve(), csv_bytes(open_book(book), name))


@app.command("code")
def code_command(
    source: Annotated[
        Path, typer.Argument(metavar="IN.jsonl", help="One conversation a line; with --coder llm also a book")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where to write; a book keeps the codes itself")
    ] = None,
    definitions: Annotated[Path | None, typer.Option(help="Your own definitions folder")] = None,
    coder: Annotated[str, typer.Option(help="local, or llm for a language model that you name")] = "local",
    config: Annotated[
        Path | None,
        typer.Option(help="llm: TOML file with url, model and prices, as in definitions/llm.toml"),
    ] = None,
    max_cost: Annotated[float | None, typer.Option(help="llm: the most that a run may cost")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="llm: send without asking")] = False,
):
    """Code the reasons of dissatisfaction of conversations in a JSONL file."""
    from csnb.errors import one_of

    if out is None and not (one_of("coder", coder, ("local", "llm")) == "llm" and source.is_dir()):
        raise ParameterError("--out is missing: where to write the codes")
    if coder == "llm":
        _code_by_llm(source, out, definitions, config, max_cost, yes)
    else:
        from csnb.coding import code_file

        code_file(source, out, definitions)


def _code_by_llm(source, out, definitions, config, max_cost, yes):
    """Ask the user's own language model, after showing what it would cost; exit 1 if any answer is missing."""
    from contextlib import ExitStack

    from csnb.book import open_book
    from csnb.endpoint import read_endpoint
    from csnb.llm import code_book_by_llm, code_file_by_llm, describe_asked, describe_plan
    from csnb.satisfaction import dissatisfied_sessions

    endpoint = read_endpoint(config)
    with ExitStack() as stack:
        bars = []

        def agree(plan):
            typer.echo(describe_plan(plan, endpoint), err=True)
            if not (yes or (sys.stdin.isatty() and typer.confirm("Send them?", err=True))):
                return False
            bars.append(stack.enter_context(_progress("ask")))
            return True

        def progress(done, total):
            bars[0](done, total)

        if source.is_dir():
            book = open_book(source)
            sessions = dissatisfied_sessions(book.sessions)
            asked = code_book_by_llm(book, sessions, endpoint, agree, max_cost, progress)
        else:
            asked = code_file_by_llm(source, out, endpoint, agree, max_cost, definitions, progress)
    if asked is None:
        typer.echo("nothing was sent; add --yes to send", err=True)
        raise typer.Exit(2)
    typer.echo(describe_asked(asked, endpoint), err=True)
    raise typer.Exit(1 if asked.failed or asked.stopped else 0)


label_app = typer.Typer(
    no_args_is_help=True, help="Draw conversations for people to label, and read back what they say."
)
app.add_typer(label_app, name="label")


@label_app.command("sample")
def label_sample_command(
    book: BookPath,
    out: Annotated[Path, typer.Option(help="The sheet to write: .xlsx or .csv")],
    n: Annotated[int, typer.Option("--n", help="Conversations to label")] = 200,
    seed: Annotated[int, typer.Option(help="Same seed, same draw")] = 0,
    coders: Annotated[
        str, typer.Option(help="Who labels, comma separated; one in ten is coded twice")
    ] = "analyst",
    suspected: Annotated[
        bool,
        typer.Option(
            "--suspected",
            help="Draw from unrated conversations that the machine suspects, not from rated ones",
        ),
    ] = False,
    period: Annotated[
        str | None, typer.Option(help="As for `csnb report`; the whole book by default")
    ] = None,
    shops: Annotated[str | None, typer.Option(help="Shops, comma separated; all by default")] = None,
    lang: Annotated[str, typer.Option(help="Language of the sheet: zh or en")] = "zh",
):
    """Draw conversations and write them as sheets to fill in."""
    from csnb.book import open_book, select_sessions
    from csnb.label_plan import describe_draw
    from csnb.labelling import read_settings, sample_labels
    from csnb.periods import period_dates
    from csnb.sheets import sheet_paths, write_sheets
    from csnb.strings import set_language

    opened, names = open_book(book), coders.split(",")
    set_language(lang, opened.definitions_folder)
    paths = sheet_paths(out, names)
    sessions = select_sessions(opened, *period_dates(period), shops.split(",") if shops else None)
    before = opened.drawn
    cases = sample_labels(opened, sessions, n, seed, "suspected" if suspected else "dissatisfied", names)
    settings = read_settings(opened.definitions_folder)
    for line in describe_draw(cases, before, opened.drawn, opened.human_labels, settings):
        typer.echo(line)
    for coder, number in write_sheets(opened, cases, paths).items():
        typer.echo(f"{paths[coder]}: {number} for {coder}")


@label_app.command("import")
def label_import_command(
    book: BookPath,
    sheets: Annotated[list[Path], typer.Argument(help="Filled sheets, .xlsx or .csv")],
    coder: Annotated[str | None, typer.Option(help="Who filled them in, if not as the sheets say")] = None,
):
    """Read filled sheets into the book; what a coder saved before on the same cases is replaced."""
    from csnb.book import open_book
    from csnb.filled import import_labels

    for sheet in sheets:
        for who, counts in import_labels(open_book(book), sheet, coder).items():
            typer.echo(f"{sheet.name}: {who} answered {counts['answered']}, {counts['open']} open")


@label_app.command("train")
def label_train_command(
    book: BookPath,
    jobs: Annotated[int | None, typer.Option(help="Worker processes; all cores by default")] = None,
):
    """Learn from the labels chosen for learning, and code the book anew if that codes held-out ones better."""
    from csnb.book import open_book
    from csnb.build import build_book
    from csnb.learning import learn_from_book

    opened = open_book(book)
    learnt = learn_from_book(opened)
    typer.echo(f"{learnt.sessions} coded sessions")
    for when, held_out in (("before", learnt.before), ("after", learnt.after)):
        typer.echo(f"held-out ones {when}: F1 of all codes {held_out.f1:.3f}, loss {held_out.loss:.3f}")
    if not learnt.files:
        typer.echo("nothing is changed: what was learnt codes held-out sessions no better")
        return
    for path in learnt.files:
        typer.echo(path)
    with _progress("code") as progress:
        build_book(opened.path, opened.definitions_folder, jobs, progress)


@app.command("report")
def report_command(
    names: Annotated[list[str] | None, typer.Argument(help="Reports; all by default")] = None,
    book: Annotated[Path, typer.Option(help="The book's folder")] = Path("data/books/demo"),
    period: Annotated[
        str | None, typer.Option(help="2026-W47, 2026-11, yesterday, last-week, last-month or FROM..TO")
    ] = None,
    shops: Annotated[str | None, typer.Option(help="Shops, comma separated; all by default")] = None,
    lang: Annotated[str, typer.Option(help="zh or en, or both as zh,en")] = "zh",
    audience: Annotated[str, typer.Option(help="analyst, lead or leadership")] = "analyst",
    as_of: Annotated[str | None, typer.Option(help="The day that named periods count from")] = None,
    out: Annotated[Path, typer.Option(help="Where the pages go")] = Path("reports"),
    jobs: Annotated[int | None, typer.Option(help="Notebooks run side by side")] = None,
    keep: Annotated[
        int | None, typer.Option(help="Periods of a report to keep; the last good one always stays")
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter", "-p", help="A further notebook parameter as NAME=VALUE, such as ci_level=0.9"
        ),
    ] = None,
    notebooks: Annotated[
        Path | None, typer.Option(help="A folder of your own notebooks, in place of csnb's reports")
    ] = None,
):
    """Run reports and print the path of their index."""
    from csnb.errors import one_of
    from csnb.press import run_reports
    from csnb.strings import LANGUAGES

    worst, further = 0, dict(map(_parameter, parameters or []))
    for language in [one_of("lang", each, LANGUAGES) for each in lang.split(",")]:
        summary = run_reports(
            names or None, book, out=out, period=period, shops=shops.split(",") if shops else None,
            lang=language, audience=audience, as_of=as_of, jobs=jobs, keep=keep, parameters=further,
            notebooks=notebooks,
        )  # fmt: skip
        worst = max(worst, summary.exit_code)
    typer.echo(summary.index)
    raise typer.Exit(worst)


def _parameter(setting):
    """Read NAME=VALUE; a value that reads as JSON (a number, true, null, a list) is one, all else is text."""
    name, equals, value = setting.partition("=")
    if not equals:
        raise ParameterError(f"a notebook parameter is NAME=VALUE, such as ci_level=0.9; got: {setting}")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value


@app.command("list")
def list_command():
    """List the reports, each with its title and the question it answers."""
    from csnb.press import list_reports

    for name, title, question in list_reports():
        typer.echo(f"{name:14} {title}: {question}")


@app.command("simulate")
def simulate_command(
    out: Out,
    scenario: Annotated[str, typer.Option(help="S0 to S12")] = "S1",
    weeks: Annotated[int | None, typer.Option(help="Number of weeks; the scenario's own by default")] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same world")] = 1,
    platform: Annotated[
        str | None, typer.Option(help="Platforms, comma separated; the scenario's own by default")
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="Where the truth goes; never beside the exports")] = None,
    file_format: Annotated[str, typer.Option("--format", help="csv, csv.gz, xlsx or jsonl")] = "csv.gz",
    encoding: Annotated[str, typer.Option(help="utf-8 or gb18030, of csv")] = "utf-8",
    labels: Annotated[
        int | None, typer.Option(help="Also label a sample of so many, as made-up coders would")
    ] = None,
):
    """Write the exports of a simulated world whose causes are known."""
    from csnb.world import simulate

    platforms = platform.split(",") if platform else None
    simulate(scenario, weeks, seed, platforms, out, truth, file_format, encoding, labels)


def _progress(what):
    """Give a context that shows progress: a bar on a terminal, nothing in a log."""
    from contextlib import contextmanager

    from rich.console import Console
    from rich.progress import Progress

    @contextmanager
    def shown():
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    return shown()


def main():
    """Run the command line; an error made on purpose becomes one sentence and exit code 2."""
    try:
        app()
    except CsnbError as error:
        typer.echo(f"csnb: {_as_typed(str(error))}", err=True)
        sys.exit(2)


def _as_typed(sentence):
    """Name an argument that a sentence begins with as it was typed: by its option."""
    return re.sub(r"^\w+", lambda first: OPTIONS.get(first[0], first[0]), sentence)


if __name__ == "__main__":
    main()
