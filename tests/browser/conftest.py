"""Real pages in a real browser without network: what `make report` made of the demo book.

`make test-browser` runs this folder; `make test` leaves it out. Screenshots go to reports/screenshots/.
"""

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import NamedTuple

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="install with: pip install -e .[browser]")

from csnb.shelf import read_pages  # noqa: E402

ROOT = Path(__file__).parents[2]
REPORTS = Path(os.environ.get("CSNB_PAGES", ROOT / "reports"))
SCREENSHOTS = ROOT / "reports" / "screenshots"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SCREENS = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
WCAG_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AXE = "axe-core@4.14.1"
CHARTS_DRAWN = """() => new Promise((done) => {
  const isReady = () => window.csnb && csnb.drawn + csnb.errors.length >= csnb.charts;
  const look = () => (isReady() || performance.now() > 60_000 ? done(performance.now()) : setTimeout(look, 20));
  look();
})"""  # a function of our own: the policy of a page forbids `wait_for_function`
MEASURED = pytest.StashKey[dict]()


class Times(NamedTuple):
    """Seconds from the start of opening a page to its first paint and to its last chart."""

    first_paint: float
    charts: float


class Opened(NamedTuple):
    """One page on one screen, with all that it asked for and said while it was open."""

    path: Path
    lang: str
    screen: str
    page: object
    requests: list
    messages: list
    times: Times


def made_pages():
    """Give the latest page of each report and language that was made of the demo book, in the order of their names."""
    manifest = REPORTS / "manifest.json"
    runs = json.loads(manifest.read_text("utf-8"))["runs"] if manifest.exists() else []
    latest = {}
    for run in reversed(runs):
        if run["parameters"]["book"] == "demo":
            latest |= {(run["parameters"]["lang"], page["report"]): page["file"] for page in run["pages"]}
    return [page for page in read_pages(REPORTS) if page["path"].name in latest.values()]


def pytest_generate_tests(metafunc):
    """Give a test each page, or each page on each screen."""
    pages = {f"{each['report']}-{each['lang']}": each for each in made_pages()}
    if "about" in metafunc.fixturenames and "opened" not in metafunc.fixturenames:
        metafunc.parametrize("about", pages.values(), ids=pages.keys(), scope="module")
    if "opened" in metafunc.fixturenames:
        both = {f"{name}-{screen}": (about, screen) for name, about in pages.items() for screen in SCREENS}
        metafunc.parametrize("opened", both.values(), ids=both.keys(), indirect=True, scope="module")


def lacking(what):
    """Skip what needs something that is not there; in CI, which is to have it, fail."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(what)


@pytest.fixture(scope="session")
def browser():
    """Start the system's Chromium."""
    if not CHROMIUM:
        lacking("there is no chromium; install it or set CHROMIUM to its path")
    with playwright.sync_playwright() as engine:
        started = engine.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        started.new_page().close()  # the browser's own first steps are none of a page's opening time
        yield started
        started.close()


@pytest.fixture(scope="module")
def opened(request, browser):
    """Open one page on one screen, offline, and wait for its charts."""
    about, screen = request.param
    context = browser.new_context(**SCREENS[screen], offline=True, accept_downloads=True)
    page = context.new_page()
    requests, messages = [], []
    page.on("request", lambda each: requests.append(each.url))
    page.on("console", lambda each: messages.append(f"{each.type}: {each.text}"))
    page.on("pageerror", lambda error: messages.append(f"error: {error}"))
    times = open_page(page, about["path"])
    yield Opened(about["path"], about["lang"], screen, page, requests, messages, times)
    context.close()


def open_page(page, path):
    """Open a report and wait until every chart is drawn or has failed; give the times."""
    page.goto(path.resolve().as_uri(), wait_until="commit")
    charts = page.evaluate(CHARTS_DRAWN) / 1000
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    return Times(paint / 1000, charts)


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """Give the script of axe-core, fetched once from the npm registry and kept in cache/."""
    kept = ROOT / "cache" / f"{AXE}.js"
    if not kept.exists():
        folder = tmp_path_factory.mktemp("axe")
        npm = shutil.which("npm")
        packed = npm and subprocess.run(
            [npm, "pack", AXE, "--silent"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        archives = list(folder.glob("*.tgz"))
        if not archives:
            lacking(f"axe-core cannot be fetched: {packed.stderr.strip() if packed else 'there is no npm'}")
        with tarfile.open(archives[0]) as archive:
            script = archive.extractfile("package/axe.min.js").read()
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(script)
    return kept.read_text("utf-8")


@pytest.fixture(scope="session")
def measured(request):
    """Collect size and opening times of each page for the table at the end."""
    return request.config.stash.setdefault(MEASURED, {})


def pytest_terminal_summary(terminalreporter, config):
    """Print size and opening times of each page."""
    rows = config.stash.get(MEASURED, {})
    if rows:
        terminalreporter.section("size and opening time")
        terminalreporter.line(f"{'page':52} {'screen':8} {'MB':>5} {'first paint s':>14} {'charts s':>9}")
    for (name, screen), (size, times) in sorted(rows.items()):
        line = f"{name:52} {screen:8} {size / 1e6:5.2f} {times.first_paint:14.2f} {times.charts:9.2f}"
        terminalreporter.line(line)
