"""Press notebooks into report pages: check parameters, run, render, put in place, list.

Each notebook runs with papermill in a worker process and becomes one page, or a page that tells why it
failed. `pages` makes a page, `shelf` looks after the folder.
"""

import hashlib
import os
import re
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import nbformat
import papermill
from nbconvert.filters import strip_ansi
from papermill.exceptions import PapermillExecutionError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from traitlets.config import Config

from csnb.book import open_book, select_sessions, write_bytes
from csnb.contents import data_hash
from csnb.errors import ParameterError, one_of
from csnb.formats import format_period, rulepack_words
from csnb.pages import Download, notebook_facts, render_cells, render_failure, render_page
from csnb.periods import period_dates
from csnb.shelf import delete_old_pages, index_language, workbook_path, write_index, write_manifest
from csnb.strings import AUDIENCES, LANGUAGES, has_text, language, text
from csnb.workbook import XLSX, page_tables, workbook_bytes

SHARED = ("book", "date_from", "date_to", "shops", "lang", "audience", "as_of")
BAD_INPUT = ("BookError", "ExportError", "DefinitionError", "ParameterError")
VERSION = version("csnb")
TIMEOUT = 3600
NOT_STARTED = ("Kernel died before replying", "Kernel didn't respond")


class Report(NamedTuple):
    """One notebook that can be pressed: its name, and its title and question in the language in force."""

    name: str
    title: str
    question: str


class Job(NamedTuple):
    """All that a worker needs to press one page."""

    report: str
    notebook: Path
    page: Path
    parameters: dict


class Pressed(NamedTuple):
    """What became of one page: its facts, or the error that stopped its notebook (else empty)."""

    report: str
    page: Path
    facts: dict
    seconds: float
    error: str
    message: str


class RunSummary(NamedTuple):
    """What a run made: paths of the good pages, what failed, and the exit code of the command line.

    `exit_code` is 0 if all is good, 2 if every page failed for bad arguments or data, else 1.
    """

    pages: list
    failed: list
    index: Path
    manifest: Path
    exit_code: int


# ---- which reports there are


def notebooks_folder():
    """Give the folder of the report notebooks: `notebooks/` of the repository csnb is installed from.

    Raises
    ------
    ParameterError
        If csnb is not installed from a repository (`pip install -e .`).
    """
    folder = Path(__file__).resolve().parents[1] / "notebooks"
    if not folder.is_dir():
        raise ParameterError(
            f"there is no folder {folder}; install csnb from its repository with pip install -e ."
        )
    return folder


def list_reports(notebooks=None):
    """Give all reports by name: every notebook of the folder.

    Parameters
    ----------
    notebooks : folder, or None for the repository's own

    Returns
    -------
    list of Report; title and question are `report.<name>.title` and `.lead` of the strings, else the first heading
        of the notebook and the text below it

    Examples
    --------
    >>> next(report.title for report in list_reports() if report.name == "response")
    '响应时效'
    """
    paths = sorted(Path(notebooks or notebooks_folder()).glob("[!_.]*.ipynb"))
    return [Report(path.stem, *_report_words(path)) for path in paths]


def _report_words(path):
    """Give title and question of a report: from the strings, else from the notebook's first cell."""
    keys = [f"report.{path.stem}.{part}" for part in ("title", "lead")]
    if all(map(has_text, keys)):
        return tuple(map(text, keys))
    first, *rest = [line for line in nbformat.read(path, 4).cells[0].source.splitlines() if line.strip()]
    return first.lstrip("# "), " ".join(rest)


# ---- a run


def run_reports(
    names, book, out="reports", period=None, shops=None, lang="zh", audience="analyst", as_of=None,
    jobs=None, keep=None, parameters=None, notebooks=None,
):  # fmt: skip
    """Press reports into pages, list them, and write down what was done.

    A failing notebook leaves the others and its last good page alone; its error goes to
    `<page>.failed.html`. Pages appear whole or not at all.

    Parameters
    ----------
    names : list of str, or None for every report
    book : path of the book
    out : folder of the pages
    period : str or None, see `csnb.periods.period_dates`; None is the whole book
    shops : list of str, or None for all
    lang : "zh" or "en"
    audience : "analyst", "lead" or "leadership"
    as_of : ISO day from which named periods count; None is today
    jobs : int, notebooks run at once; None is as many as there are cores
    keep : int or None; how many periods of a report to keep, older pages are deleted. The last good
        page and the pages of this run always stay
    parameters : dict of further notebook parameters, such as `ci_level` and `seed`
    notebooks : folder, or None for the repository's own

    Returns
    -------
    RunSummary

    Raises
    ------
    ParameterError
        If a report, period, language, audience or parameter is unknown, or the book holds no
        conversation in the period; the message lists what is allowed. Nothing is run then.
    BookError
        If the folder is not a book.

    Examples
    --------
    >>> run_reports(["response"], "data/books/demo", period="2026-W10").exit_code   # doctest: +SKIP
    0
    """
    one_of("lang", lang, LANGUAGES)
    one_of("audience", audience, AUDIENCES)
    if keep is not None and keep < 1:
        raise ParameterError(f"keep must be at least 1, got {keep}: the last good report is never deleted")
    opened, out = open_book(book), Path(out)
    date_from, date_to = _days(opened, *period_dates(period, as_of))
    if shops:
        select_sessions(opened, date_from, date_to, shops)  # refuses an unknown shop before anything runs
    values = {
        "book": str(opened.path), "date_from": date_from, "date_to": date_to, "lang": lang, "audience": audience,
        "shops": list(shops) if shops else None, "as_of": str(as_of) if as_of else None,
    }  # fmt: skip
    values |= _further(parameters or {})
    todo = _jobs(names, Path(notebooks or notebooks_folder()), out, values)
    with language(lang, opened.definitions_folder):
        pressed = _press_all(todo, jobs or os.cpu_count() or 1)
    if keep:
        delete_old_pages(out, keep, {each.page for each in pressed})
    with language(index_language(out), opened.definitions_folder):
        index = write_index(out)
    manifest = write_manifest(out, _record(opened, values, pressed))
    failed = [each for each in pressed if each.error]
    return RunSummary(
        [each.page for each in pressed if not each.error], failed, index, manifest, _exit_code(pressed)
    )


def _further(parameters):
    """Give the further parameters, none of which an argument sets."""
    taken = sorted(set(parameters) & set(SHARED))
    if taken:
        raise ParameterError(
            f"{', '.join(taken)} cannot be a further parameter: the run sets it by an argument"
        )
    return parameters


def _days(book, date_from, date_to):
    """Give first and last day of a run: the given ones, else those of the book (None without days)."""
    days = sorted(path.stem for path in (book.path / "sessions").glob("*.parquet") if path.stem != "unknown")
    if not date_from:
        return (days[0], days[-1]) if days else (None, None)
    if days and not any(date_from <= day <= date_to for day in days):
        raise ParameterError(
            f"no conversation from {date_from} to {date_to}; the book holds {days[0]} to {days[-1]}"
        )
    return date_from, date_to


def _jobs(names, folder, out, values):
    """Make one job a report, after checking names and parameters."""
    known = [report.name for report in list_reports(folder)]
    chosen = known if names is None else [one_of("report", name, known) for name in names]
    for name in chosen:
        check_parameters(folder / f"{name}.ipynb", values)
    return [
        Job(name, (folder / f"{name}.ipynb").resolve(), out / page_name(name, values), values)
        for name in chosen
    ]


def check_parameters(notebook, values):
    """Refuse parameters that a notebook does not have; papermill itself would only warn.

    Raises
    ------
    ParameterError
        Names the unknown parameters and lists the notebook's own.
    """
    known = papermill.inspect_notebook(str(notebook))
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ParameterError(
            f"{Path(notebook).name} has no parameter {', '.join(unknown)}; it has: {', '.join(known) or 'none'}"
        )


def page_name(report, values):
    """Give the file name of a page: report, first and last day, language, and what narrows it.

    Examples
    --------
    >>> page_name("response", {"date_from": "2026-11-16", "date_to": "2026-11-22", "lang": "zh",
    ...                        "shops": ["旗舰店"], "audience": "analyst"})
    'response__2026-11-16_2026-11-22__zh__旗舰店.html'
    """
    period = f"{values['date_from']}_{values['date_to']}" if values["date_from"] else "all"
    parts = [report, period, values["lang"]]
    if values["shops"]:
        parts.append(_file_part(sorted(values["shops"])))
    if values["audience"] != "analyst":
        parts.append(values["audience"])
    if further := _further_words(values):
        parts.append(_file_part(further))
    return "__".join(parts) + ".html"


def _file_part(names):
    """Write names so that any file system takes them; a hash tells apart what had to be changed."""
    if all(re.fullmatch(r"[\w=-]+(\.[\w=-]+)*", name) for name in names) and len("+".join(names)) <= 40:
        return "+".join(names)
    words = "+".join(re.sub(r"[^\w-]+", "-", name).strip("-") for name in names)
    return f"{words[:24]}-{hashlib.sha256('|'.join(names).encode()).hexdigest()[:8]}"


def _further_words(values):
    """Write the further parameters of a run, such as `ci_level=0.9`."""
    return [f"{name}={value}" for name, value in sorted(values.items()) if name not in SHARED]


def _press_all(todo, jobs):
    """Press all jobs, in processes of their own when several may run at once; report progress."""
    with _progress(len(todo)) as tell:
        if min(jobs, len(todo)) <= 1:
            return [tell(press_page(job)) for job in todo]
        with ProcessPoolExecutor(min(jobs, len(todo)), mp_context=get_context("spawn")) as pool:
            running = [pool.submit(press_page, job) for job in todo]
            for done in as_completed(running):
                tell(done.result())
            return [done.result() for done in running]


@contextmanager
def _progress(total):
    """Tell of each page on stderr: below a bar on a terminal, one plain line in a log."""
    console = Console(stderr=True)
    columns = (TextColumn("csnb report"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task, done = bar.add_task("", total=total), []

        def tell(pressed):
            done.append(pressed)
            state = f"failed: {pressed.error}: {pressed.message}" if pressed.error else "ok"
            line = f"[{len(done)}/{total}] {pressed.report} {pressed.seconds:.1f} s {state}"
            bar.advance(task)
            if console.is_terminal:
                bar.console.print(line, markup=False, highlight=False)
            else:
                print(line, file=sys.stderr, flush=True)
            return pressed

        yield tell


def _exit_code(pressed):
    failed = [each.error for each in pressed if each.error]
    if not failed:
        return 0
    return 2 if len(failed) == len(pressed) and set(failed) <= set(BAD_INPUT) else 1


def _record(book, values, pressed):
    """Give what the manifest keeps of a run; it alone says when the run was."""
    provenance = [each.facts.get("provenance", {}) for each in pressed]
    return {
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "csnb": VERSION,
        "data_hash": data_hash(book),
        "rulepacks": sorted({pack for each in provenance for pack in each.get("rulepacks", [])}),
        "parameters": {**values, "book": book.path.name},
        "pages": [
            {
                "report": each.report,
                "file": each.page.name,
                "workbook": None if each.error else workbook_path(each.page).name,
                "error": f"{each.error}: {each.message}" if each.error else None,
                "rows": facts.get("rows", {}),
                "seconds": round(each.seconds, 2),
            }
            for each, facts in zip(pressed, provenance, strict=True)
        ],
    }


# ---- one page


def press_page(job):
    """Run one notebook and put its page, or the page of its error, in place.

    Parameters
    ----------
    job : Job

    Returns
    -------
    Pressed
    """
    started = time.perf_counter()
    book = open_book(job.parameters["book"])
    failed_page = job.page.with_name(f"{job.page.stem}.failed.html")
    with language(job.parameters["lang"], book.definitions_folder):
        title, lead = _report_words(job.notebook)
        try:
            notebook = execute_notebook(job.notebook, job.parameters)
            facts, error, message = notebook_facts(notebook), "", ""
            page, workbook = _good_page(job, book, title, lead, notebook, facts)
            write_bytes(workbook_path(job.page), workbook)
            write_bytes(job.page, page.encode())
            failed_page.unlink(missing_ok=True)
        except Exception as problem:  # whatever a notebook raises must not stop the other reports
            facts, (error, message, traceback) = {}, _described(problem)
            body = render_failure(f"{error}: {message}", traceback)
            heading = text("page.failed_title", title=title)
            about = _about(job, title, failed=True)
            write_bytes(failed_page, render_page(heading, "", _brand(job), body, [], about).encode())
    return Pressed(job.report, job.page, facts, time.perf_counter() - started, error, message)


def execute_notebook(path, parameters):
    """Run a notebook with papermill in a kernel of its own and give it with its outputs.

    The file itself stays untouched; the kernel starts in its folder, without the user's start-up files. Two
    kernels that start at once may be given one port, and one of them does not start: it gets a second try.
    """
    try:
        return _executed(path, parameters)
    except RuntimeError as problem:
        if not str(problem).startswith(NOT_STARTED):
            raise
        return _executed(path, parameters)


def _executed(path, parameters):
    """Run a notebook once, in a folder of its own."""
    with tempfile.TemporaryDirectory() as scratch, _variable("IPYTHONDIR", scratch):
        papermill.execute_notebook(
            str(path), str(Path(scratch, path.name)), parameters=parameters, kernel_name="python3",
            progress_bar=False, cwd=str(path.parent), execution_timeout=TIMEOUT, start_timeout=120,
            autosave_cell_every=0, shutdown_kernel="immediate",
            config=Config({"KernelManager": {"transport_encryption": "auto"}}),
        )  # fmt: skip
        return nbformat.read(Path(scratch, path.name), 4)


@contextmanager
def _variable(name, value):
    """Set a variable of the environment for a while."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name)
        os.environ.update({name: before} if before else {})


def _described(problem):
    """Give name, message and traceback of what stopped a notebook, without terminal colours."""
    if isinstance(problem, PapermillExecutionError):
        return problem.ename, strip_ansi(problem.evalue), strip_ansi("\n".join(problem.traceback))
    return type(problem).__name__, strip_ansi(str(problem)), strip_ansi(str(problem))


def _good_page(job, book, title, lead, notebook, facts):
    """Give the page of a notebook that ran, and the workbook of its tables."""
    rulepacks = rulepack_words(facts.get("provenance", {}).get("rulepacks", []))
    footer = text("page.footer", version=VERSION, data=data_hash(book), rulepacks=rulepacks)
    about = _about(job, title, failed=False, headline=facts.get("headline", ""))
    body, brand = render_cells(notebook), _brand(job)
    tables = page_tables(body)
    workbook = workbook_bytes(tables, title, [lead, *brand[1:], footer])
    offer = text("page.workbook", count=str(len(tables)))
    download = Download(workbook_path(job.page).name, XLSX, offer, workbook) if tables else None
    scripts = ("tables.js", "page.js")
    return render_page(title, lead, brand, body, [footer], about, scripts, download), workbook


def _brand(job):
    """Give the line above a title: whose page, which days, which shops."""
    values = job.parameters
    shops = text("chart.comma").join(values["shops"]) if values["shops"] else text("page.all_shops")
    return [text("page.brand"), format_period(values["date_from"], values["date_to"]), shops]


def _about(job, title, failed, headline=""):
    """Say what a page is; the list of reports is made from this."""
    kept = ("date_from", "date_to", "shops", "lang", "audience")
    values = {name: job.parameters[name] for name in kept}
    values["further"] = _further_words(job.parameters)
    return {"report": job.report, "title": title, "headline": headline, "failed": failed, **values}
