"""Press notebooks into report pages: check parameters, run, render, put in place, list.

A run calls `press_page` for every report in worker processes. A page is one file that needs nothing
else; equal inputs give equal bytes. What a run did is written to `manifest.json`, and `index.html`
lists all pages of the folder from what the pages say about themselves.
"""

import base64
import gzip
import hashlib
import html
import json
import os
import re
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import jinja2
import nbformat
import papermill
from nbconvert.exporters import TemplateExporter
from nbconvert.filters import strip_ansi
from papermill.exceptions import PapermillExecutionError
from plotly.offline import get_plotlyjs
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from traitlets.config import Config

from csnb.book import data_hash, open_book, write_bytes
from csnb.charts import chart_html
from csnb.errors import CsnbError, ParameterError, one_of
from csnb.formats import escape, format_period
from csnb.periods import period_dates
from csnb.strings import LANGUAGES, get_language, has_text, set_language, text
from csnb.tables import FACTS, TEMPLATE, lab_style
from csnb.theme import css_variables, dark_colours, print_colours

VERSION = version("csnb")
AUDIENCES = ("analyst", "lead", "leadership")
PLOTLY = "application/vnd.plotly.v1+json"
BAD_INPUT = {error.__name__ for error in CsnbError.__subclasses__()} - {"StringsError", "MetricError"}
PAGE_WORDS = (
    "contents",
    "skip",
    "chart_failed",
    "filter",
    "filter_label",
    "download",
    "show_all",
    "show_less",
    "sort_by",
)
LIST_WORDS = ("skip", "contents", "index_search", "index_empty", "index_none", "index_failed")
ERROR_WORDS = ("skip", "contents", "failed_lead", "failed_error", "failed_traceback")
HTML_LANG = {"zh": "zh-CN", "en": "en"}


class Report(NamedTuple):
    """One notebook that can be pressed: its name and its title in the language in force."""

    name: str
    title: str


class Job(NamedTuple):
    """All that a worker needs to press one page."""

    report: str
    notebook: Path
    page: Path
    parameters: dict


class Pressed(NamedTuple):
    """What became of one page: its facts, or the error that stopped its notebook."""

    report: str
    page: Path
    facts: dict
    seconds: float
    error: str
    message: str


class RunSummary(NamedTuple):
    """What a run made. `exit_code` is 0 all good, 1 some failed, 2 all failed for bad arguments or data."""

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
    """Give all reports, by name: every notebook of the folder whose name does not start with `_`.

    Parameters
    ----------
    notebooks : folder, or None for the repository's own

    Returns
    -------
    list of Report; the title is `report.<name>.title` of the strings, else the notebook's first heading
    """
    folder = Path(notebooks or notebooks_folder())
    paths = sorted(path for path in folder.glob("*.ipynb") if not path.name.startswith(("_", ".")))
    return [Report(path.stem, _report_words(path)[0]) for path in paths]


def _report_words(path):
    """Give title and lead of a report: from the strings, else from the notebook's first cell."""
    keys = [f"report.{path.stem}.{part}" for part in ("title", "lead")]
    if all(map(has_text, keys)):
        return tuple(map(text, keys))
    cells = nbformat.read(path, 4).cells
    lines = [line for line in (cells[0].source if cells else "").splitlines() if line.strip()]
    title = lines[0].lstrip("# ") if lines and lines[0].startswith("#") else path.stem
    return title, " ".join(lines[1:])


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
    """
    one_of("lang", lang, LANGUAGES)
    one_of("audience", audience, AUDIENCES)
    if keep is not None and keep < 1:
        raise ParameterError(f"keep must be at least 1, got {keep}: the last good report is never deleted")
    opened = open_book(book)
    date_from, date_to = _days(opened, *period_dates(period, as_of))
    values = {
        "book": str(opened.path), "date_from": date_from, "date_to": date_to,
        "shops": list(shops) if shops else None, "lang": lang, "audience": audience, "as_of": as_of and str(as_of),
        **(parameters or {}),
    }  # fmt: skip
    out = Path(out)
    todo = _jobs(names, Path(notebooks or notebooks_folder()), out, values)
    language = get_language()
    set_language(lang, opened.definitions_folder)
    try:
        pressed = _press_all(todo, jobs or os.cpu_count() or 1)
        if keep:
            _sweep(out, keep, {each.page for each in pressed})
        index = write_index(out)
    finally:
        set_language(language)
    manifest = _write_manifest(out, opened, values, pressed)
    failed = [each for each in pressed if each.error]
    return RunSummary(
        [each.page for each in pressed if not each.error], failed, index, manifest, _exit_code(pressed)
    )


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
    todo = []
    for name in known if names is None else names:
        notebook = folder / f"{one_of('report', name, known)}.ipynb"
        check_parameters(notebook, values)
        todo.append(Job(name, notebook.resolve(), out / page_name(name, values), values))
    return todo


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
        joined = "+".join(re.sub(r"[^\w-]+", "-", shop).strip("-") for shop in sorted(values["shops"]))
        exact = hashlib.sha256("\n".join(sorted(values["shops"])).encode()).hexdigest()[:8]
        plain = all(re.fullmatch(r"[\w-]+", shop) for shop in values["shops"]) and len(joined) <= 40
        parts.append(joined if plain else f"{joined[:24]}-{exact}")
    if values["audience"] != "analyst":
        parts.append(values["audience"])
    return "__".join(parts) + ".html"


def _press_all(todo, jobs):
    """Press all jobs, in processes of their own when several may run at once; report progress."""
    pressed = []
    with _progress(len(todo)) as tell:
        if jobs == 1 or len(todo) == 1:
            for job in todo:
                pressed.append(press_page(job))
                tell(pressed[-1])
        else:
            with ProcessPoolExecutor(min(jobs, len(todo)), mp_context=get_context("spawn")) as pool:
                for done in as_completed([pool.submit(press_page, job) for job in todo]):
                    pressed.append(done.result())
                    tell(pressed[-1])
    order = [job.page for job in todo]
    return sorted(pressed, key=lambda each: order.index(each.page))


class _progress:
    """Show a bar on a terminal, one plain line a notebook in a log; both on stderr."""

    def __init__(self, total):
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self.bar = Progress(*columns, console=console, transient=True) if console.is_terminal else None
        self.total, self.done = total, 0

    def __enter__(self):
        if self.bar:
            self.bar.start()
            self.task = self.bar.add_task("csnb report", total=self.total)
        return self.tell

    def tell(self, pressed):
        self.done += 1
        state = f"failed: {pressed.error}: {pressed.message}" if pressed.error else "ok"
        line = f"[{self.done}/{self.total}] {pressed.report} {pressed.seconds:.1f} s {state}"
        if self.bar:
            self.bar.advance(self.task)
            self.bar.console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr, flush=True)

    def __exit__(self, *_):
        if self.bar:
            self.bar.stop()


def _exit_code(pressed):
    """Give 0 if all is good, 2 if every page failed for bad arguments or data, else 1."""
    failed = [each for each in pressed if each.error]
    if not failed:
        return 0
    return 2 if len(failed) == len(pressed) and all(each.error in BAD_INPUT for each in failed) else 1


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
    set_language(job.parameters["lang"], open_book(job.parameters["book"]).definitions_folder)
    title, lead = _report_words(job.notebook)
    wrong = job.page.with_name(f"{job.page.stem}.failed.html")
    try:
        notebook = execute_notebook(job.notebook, job.parameters)
        facts = notebook_facts(notebook)
        write_bytes(job.page, render_page(notebook, job, title, lead, facts).encode())
        wrong.unlink(missing_ok=True)
        error = message = ""
    except Exception as problem:  # whatever a notebook raises must not stop the other reports
        facts, error, message, traceback = {}, *_described(problem)
        write_bytes(wrong, render_failure(job, title, error, message, traceback).encode())
    return Pressed(job.report, job.page, facts, time.perf_counter() - started, error, message)


def execute_notebook(path, parameters, timeout=3600):
    """Run a notebook with papermill in a kernel of its own and give it with its outputs.

    The file itself stays untouched; the kernel starts in its folder, without the user's start-up files.
    """
    with tempfile.TemporaryDirectory() as scratch:
        before = os.environ.get("IPYTHONDIR")
        os.environ["IPYTHONDIR"] = scratch
        try:
            papermill.execute_notebook(
                str(path), str(Path(scratch, path.name)), parameters=parameters, kernel_name="python3",
                progress_bar=False, cwd=str(path.parent), execution_timeout=timeout, start_timeout=120,
                autosave_cell_every=0, config=Config({"KernelManager": {"transport_encryption": "auto"}}),
            )  # fmt: skip
        finally:
            os.environ.pop("IPYTHONDIR") if before is None else os.environ.update(IPYTHONDIR=before)
        return nbformat.read(Path(scratch, path.name), 4)


def _described(problem):
    """Give name, message and traceback of what stopped a notebook, without terminal colours."""
    if isinstance(problem, PapermillExecutionError):
        traceback = strip_ansi("\n".join(problem.traceback))
        return problem.ename, strip_ansi(problem.evalue), f"cell {problem.cell_index}\n{traceback}"
    return type(problem).__name__, strip_ansi(str(problem)), strip_ansi(str(problem))


def notebook_facts(notebook):
    """Collect what a notebook's outputs say about themselves: headline and provenance."""
    facts = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for name, value in output.get("data", {}).get(FACTS, {}).items():
                facts.setdefault(name, value)
    return facts


def render_page(notebook, job, title, lead, facts):
    """Turn an executed notebook into the HTML of its page."""
    body = render_cells(notebook)
    provenance = facts.get("provenance", {})
    values = job.parameters
    shops = text("chart.comma").join(values["shops"]) if values["shops"] else text("page.all_shops")
    brand = [text("page.brand"), format_period(values["date_from"], values["date_to"]), shops]
    footer = text(
        "page.footer",
        version=provenance.get("version") or VERSION,
        data=data_hash(open_book(values["book"])),
        rulepacks=", ".join(provenance.get("rulepacks", [])) or text("provenance.none"),
    )
    about = _about(job, title, facts.get("headline", ""), failed=False)
    return render_shell(title, lead, brand, body, [footer], about, PAGE_WORDS, "page.js")


def render_cells(notebook):
    """Give the outputs of a notebook as HTML, by the own nbconvert template.

    The first cell (title) is the page's head; cells tagged `parameters`, `injected-parameters` or
    `analyst` are left out, and so are all inputs.
    """
    hidden = {"parameters", "injected-parameters", "analyst"}
    cells = [cell for cell in notebook.cells[1:] if not hidden & set(cell.metadata.get("tags", []))]
    config = Config()
    config.TemplateExporter.extra_template_basedirs = [str(TEMPLATE.parent)]
    config.TemplateExporter.template_name = TEMPLATE.name
    config.TemplateExporter.file_extension = ".html"
    config.NbConvertBase.display_data_priority = [PLOTLY, "text/html", "text/plain"]
    exporter = TemplateExporter(config=config)
    exporter.register_filter("chart", chart_html)
    exporter.register_filter("plain", lambda words: escape(strip_ansi(words)))
    body, _ = exporter.from_notebook_node(nbformat.from_dict({**notebook, "cells": cells}))
    return body.replace(lab_style(), "").strip()


def render_failure(job, title, error, message, traceback):
    """Give the page that says why a report could not be made."""
    words = {key: text(f"page.{key}") for key in ERROR_WORDS}
    body = (
        _templates()
        .get_template("failed.html.j2")
        .render(words=words, error=f"{error}: {message}", traceback=traceback)
    )
    values = job.parameters
    heading = text("page.failed_title", title=title)
    brand = [text("page.brand"), format_period(values["date_from"], values["date_to"])]
    about = _about(job, title, "", failed=True)
    return render_shell(heading, "", brand, body, [f"csnb {version('csnb')}"], about, ERROR_WORDS, None)


def _about(job, title, headline, failed):
    """Say in the page itself what it is; the list of reports is made from this."""
    values = job.parameters
    return {
        "report": job.report, "title": title, "headline": headline, "failed": failed,
        "date_from": values["date_from"], "date_to": values["date_to"], "shops": values["shops"],
        "lang": values["lang"], "audience": values["audience"],
    }  # fmt: skip


def render_shell(title, lead, brand, body, footer, about, words, script):
    """Put a body into the page: head, contents, styles, scripts and the policy that lets only them run."""
    has_charts = 'class="plot"' in body
    boot, own = _asset("boot.js"), _asset(script) if script else ""
    scripts = [each for each in (boot, own, get_plotlyjs() if has_charts else "") if each]
    shown = {key: _fill_later(f"page.{key}") for key in words}
    data = json.dumps(
        {"words": shown, "dark": dark_colours(), "print": print_colours()}, ensure_ascii=False, sort_keys=True
    )
    found = re.findall(r'<h2 class="section" id="([^"]*)">(.*?)</h2>', body)
    return _templates().get_template("page.html.j2").render(
        lang=HTML_LANG[get_language()], hashes=" ".join(_script_hash(each) for each in scripts), title=title,
        lead=lead, brand=brand, body=body, footer=footer, about=about, words=shown,
        boot=boot, script=own, css=css_variables() + _asset("blocks.css") + _asset("page.css"),
        contents=[(html.unescape(key), html.unescape(heading)) for key, heading in found] if len(found) > 1 else [],
        data=data.replace("<", "\\u003c"), plotly=_packed_plotly() if has_charts else "",
    )  # fmt: skip


def _fill_later(key):
    """Give a text for the page's script, which fills a count itself."""
    return text(key, count="{count}") if key.endswith("show_all") else text(key)


def _script_hash(script):
    """Give the hash by which the policy of a page knows a script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


@cache
def _asset(name):
    return (TEMPLATE / name).read_text("utf-8")


@cache
def _packed_plotly():
    """Give plotly.js packed to a third; the page's script unpacks it."""
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), mtime=0)).decode()


@cache
def _templates():
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE),
        autoescape=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


# ---- the folder of pages


def read_pages(out):
    """Give what all pages of a folder say about themselves: list of dicts, with `path` beside."""
    pages = []
    for path in sorted(Path(out).glob("*.html")):
        with path.open(encoding="utf-8") as handle:
            found = re.search(r'<meta name="csnb" content="([^"]*)">', handle.read(20_000))
        if found:
            pages.append({**json.loads(html.unescape(found[1])), "path": path})
    return pages


def write_index(out):
    """Write `index.html`: all pages of a folder, newest period first, searchable, in the language in force.

    Returns
    -------
    Path of the index
    """
    pages = [page for page in read_pages(out) if "report" in page]
    words = {key: text(f"page.{key}") for key in LIST_WORDS}
    pages.sort(key=lambda page: (page["report"], page["lang"], page["path"].name))
    pages.sort(key=lambda page: (page["date_to"] or "9999", page["date_from"] or ""), reverse=True)
    periods = {}
    for page in pages:
        periods.setdefault(format_period(page["date_from"], page["date_to"]), []).append(_entry(page))
    body = _templates().get_template("catalog.html.j2").render(periods=list(periods.items()), words=words)
    lead = text("page.index_lead")
    shell = render_shell(
        text("page.index_title"),
        lead,
        [text("page.brand")],
        body,
        [f"csnb {version('csnb')}"],
        {},
        LIST_WORDS,
        "catalog.js",
    )
    write_bytes(Path(out) / "index.html", shell.encode())
    return Path(out) / "index.html"


def _entry(page):
    """Give the line of one page in the list."""
    shops = text("chart.comma").join(page["shops"]) if page["shops"] else text("page.all_shops")
    return {
        "href": page["path"].name, "title": page["title"], "headline": page["headline"], "failed": page["failed"],
        "about": [text(f"page.lang_{page['lang']}"), shops, text(f"page.audience_{page['audience']}")],
    }  # fmt: skip


def _sweep(out, keep, fresh):
    """Delete good pages of all but the newest `keep` periods of each report; never one of this run."""
    series = {}
    for page in read_pages(out):
        if "report" in page and not page["failed"] and page["date_to"]:
            key = json.dumps([page[name] for name in ("report", "lang", "audience", "shops")])
            series.setdefault(key, []).append(page)
    for pages in series.values():
        pages.sort(key=lambda page: (page["date_to"], page["date_from"]), reverse=True)
        for page in pages[keep:]:
            if page["path"] not in fresh:
                page["path"].unlink()


def _write_manifest(out, book, values, pressed):
    """Add this run to `manifest.json`, newest first; a run of the same parameters replaces its entry."""
    path = out / "manifest.json"
    runs = json.loads(path.read_text("utf-8"))["runs"] if path.exists() else []
    provenance = [each.facts.get("provenance", {}) for each in pressed]
    parameters = {**values, "book": Path(values["book"]).name}
    run = {
        "csnb": VERSION,
        "data_hash": data_hash(book),
        "rulepacks": sorted({pack for each in provenance for pack in each.get("rulepacks", [])}),
        "parameters": parameters,
        "pages": [
            {
                "report": each.report, "file": each.page.name, "ok": not each.error,
                "error": f"{each.error}: {each.message}" if each.error else None,
                "rows": facts.get("rows", {}), "seconds": round(each.seconds, 2),
            }
            for each, facts in zip(pressed, provenance, strict=True)
        ],
    }  # fmt: skip
    reports = [page["report"] for page in run["pages"]]
    others = [
        each for each in runs
        if each["parameters"] != parameters or [page["report"] for page in each["pages"]] != reports
    ]  # fmt: skip
    write_bytes(path, json.dumps({"runs": [run, *others]}, ensure_ascii=False, indent=1).encode())
    return path
