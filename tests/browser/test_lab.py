"""The analyst's desk: JupyterLab opens a report's notebook, runs it, draws its charts, and labels."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest

import csnb
from conftest import ROOT, SCREENSHOTS

SETTINGS = {
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {"windowingMode": "none"},
}  # fmt: skip
RUN_ALL = """async () => {
  const notebook = jupyterapp.shell.currentWidget;
  await notebook.context.ready;
  await notebook.sessionContext.ready;
  await notebook.sessionContext.session.kernel.info;
  await jupyterapp.commands.execute("notebook:run-all-cells");
  return [...notebook.content.model.cells].filter((cell) => cell.type === "code").map((cell) => ({
    source: cell.sharedModel.source,
    outputs: cell.outputs.toJSON(),
  }));
}"""
LABELLER = """import csnb

opened = csnb.open_book("../data/books/demo")
csnb.show_labeller(opened.sessions.head(3), coder="tester")"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Lay out a desk of its own: the notebooks and a copy of the demo book that may be written to."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".*"))
    shutil.copytree(ROOT / "data" / "books" / "demo", folder / "data" / "books" / "demo")
    labels = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(LABELLER)])
    labels.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(labels, folder / "notebooks" / "label.ipynb")
    return folder


@pytest.fixture(scope="module")
def lab(desk, tmp_path_factory):
    """Start JupyterLab on the desk, away from the user's own settings; give its address."""
    home = tmp_path_factory.mktemp("jupyter")
    names = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
    names |= {
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "work",
        "IPYTHONDIR": "ipython",
    }
    for name, content in SETTINGS.items():
        path = home / "settings" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), "utf-8")
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.port=0", "--IdentityProvider.token=",
        f"--ServerApp.root_dir={desk}", "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    folders = {name: str(home / folder) for name, folder in names.items()}
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, env=os.environ | folders, stdout=log, stderr=log)
        yield _address(server, home / "runtime")
        server.terminate()
        server.wait(timeout=30)


def _address(server, runtime):
    """Wait until the server answers; give its address."""
    for _ in range(240):
        known = list(runtime.glob(f"jpserver-{server.pid}.json"))
        if known:
            url = json.loads(known[0].read_text())["url"].replace("localhost", "127.0.0.1")
            try:
                urllib.request.urlopen(f"{url}api", timeout=5).close()
                return url
            except OSError:
                pass
        time.sleep(0.5)
    raise TimeoutError("JupyterLab did not start within 120 s")


@pytest.fixture
def run_notebook(lab, browser):
    """Open a notebook in JupyterLab and run all its cells; give the page, its cells and its requests."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    requests = []
    page.on("request", lambda each: requests.append(each.url))

    def run(name):
        page.goto(f"{lab}lab/tree/notebooks/{name}?reset", wait_until="domcontentloaded")
        opened = "path => window.jupyterapp?.shell.currentWidget?.context?.path === path"
        page.wait_for_function(opened, arg=f"notebooks/{name}", timeout=120_000)
        cells = page.evaluate(RUN_ALL)
        return page, cells, requests

    yield run
    context.close()


def test_a_notebook_runs_from_top_to_bottom_and_draws_its_charts(run_notebook, lab):
    page, cells, requests = run_notebook("response.ipynb")
    assert [cell["outputs"] for cell in cells if _has_error(cell)] == []
    places = page.locator(".jp-RenderedPlotly, .js-plotly-plot").all()
    assert len(places) == sum("csnb.plot_" in cell["source"] for cell in cells)
    for place in places:  # the lab draws a chart when it comes into sight
        place.scroll_into_view_if_needed()
        place.locator(".main-svg .subplot path, .main-svg image").first.wait_for(
            state="attached", timeout=60_000
        )
    assert page.locator(".finding .claim").count() > 0
    table = page.locator(".table:has(th button)").first
    table.locator("th button").first.click()
    assert table.locator("th[aria-sort]").count() == 1
    page.screenshot(path=_picture("lab.png"))
    assert [url for url in requests if not url.startswith((lab, "data:", "blob:"))] == []


def test_the_labeller_saves_an_answer(run_notebook, desk):
    page, cells, _ = run_notebook("label.ipynb")
    assert [cell["outputs"] for cell in cells if _has_error(cell)] == []
    labeller = page.locator(".csnb-labeller")
    labeller.locator(".message").first.click(timeout=60_000)
    labeller.locator("button.code").first.click()
    labeller.locator(".status:not(:empty)").wait_for(timeout=30_000)
    page.screenshot(path=_picture("labeller.png"))
    saved = csnb.open_book(desk / "data" / "books" / "demo").human_labels.query("coder == 'tester'")
    assert saved["session_key"].nunique() == 1
    assert saved["quote"].notna().sum() == 1


def _has_error(cell):
    return any(output["output_type"] == "error" for output in cell["outputs"])


def _picture(name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS / name
