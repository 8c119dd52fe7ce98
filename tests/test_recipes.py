"""Every recipe of docs/recipes/ is sound: its options, its times, its units, its YAML, its notebook."""

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import nbformat
import papermill
import pytest
import typer
import yaml

from csnb.cli import app
from csnb.press import check_parameters
from csnb.sources import import_export

ROOT = Path(__file__).parents[1]
RECIPES = ROOT / "docs" / "recipes"
EXAMPLES = ROOT / "data" / "examples" / "generic"
SCHEDULE = (ROOT / "docs" / "schedule.md").read_text("utf-8")
ACTIONS = yaml.safe_load((RECIPES / "github-actions.yml").read_text("utf-8"))
GITLAB = yaml.safe_load((RECIPES / "gitlab-ci.yml").read_text("utf-8"))
COMMAND = typer.main.get_command(app)
CRON_FIELDS = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]


def csnb_lines(name):
    """Give the arguments of every csnb command of a script, variables filled with something allowed."""
    lines = (RECIPES / name).read_text("utf-8").replace("%PERIOD%", "last-week").splitlines()
    found = [line.split("csnb ", 1)[1] for line in lines if re.search(r"[/\\]csnb (import|report)", line)]
    return [shlex.split(line.split("||")[0]) for line in found]


@pytest.mark.parametrize("name", ["report.sh", "report.cmd"])
def test_the_scripts_use_options_that_csnb_has(name):
    lines = csnb_lines(name)
    assert [line[0] for line in lines] == ["import", "report"]
    for command, *arguments in lines:
        COMMAND.commands[command].make_context(command, arguments)


def test_the_shell_script_can_be_read_by_a_plain_shell():
    checked = subprocess.run(["sh", "-n", RECIPES / "report.sh"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def cron_times():
    """Give the five fields of every cron line of the recipes."""
    table = (RECIPES / "crontab").read_text("utf-8").splitlines()
    yield from (line.split()[:5] for line in table if line[:1].isdigit() or line.startswith("*"))
    yield from (each["cron"].split() for each in ACTIONS[True]["schedule"])  # YAML reads `on` as true
    yield re.search(r'schedule="([^"]*)"', (RECIPES / "airflow_dag.py").read_text("utf-8"))[1].split()


def test_cron_lines_name_times_that_exist():
    times = list(cron_times())
    assert len(times) == 3
    for fields in times:
        assert len(fields) == 5
        for field, (low, high) in zip(fields, CRON_FIELDS, strict=True):
            assert field == "*" or all(low <= int(part) <= high for part in re.split("[-,/]", field))


def test_the_cron_line_reports_only_failures(tmp_path):
    """It runs as cron runs it, from a home with a clone whose script fails, then succeeds."""
    (line,) = [line for line in (RECIPES / "crontab").read_text("utf-8").splitlines() if line[:1].isdigit()]
    script = tmp_path / "csnb" / "docs" / "recipes" / "report.sh"
    script.parent.mkdir(parents=True)
    for code, mailed in ((2, "no such period\n"), (0, "")):
        script.write_text(f"echo no such period\nexit {code}\n")
        command = line.split(maxsplit=5)[5]
        run = subprocess.run(["sh", "-c", command], env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
                             capture_output=True, text=True, check=False)  # fmt: skip
        assert run.stdout == mailed
        (tmp_path / "csnb" / "reports" / "cron.log").unlink()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_accepts_the_units(tmp_path):
    for unit in RECIPES.glob("csnb-report.*"):
        shutil.copy(unit, tmp_path)
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "csnb-report.service", tmp_path / "csnb-report.timer"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert [line for line in checked.stderr.splitlines() if "csnb-report" in line] == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_knows_the_time_of_the_timer():
    timer = configparser.ConfigParser(interpolation=None)
    timer.read(RECIPES / "csnb-report.timer", "utf-8")
    command = ["systemd-analyze", "calendar", timer["Timer"]["OnCalendar"]]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "Mon *-*-* 06:30:00 Asia/Shanghai" in checked.stdout


def test_ci_recipes_run_the_script_on_a_machine_of_ones_own_and_keep_the_pages():
    (job,) = ACTIONS["jobs"].values()
    assert "self-hosted" in job["runs-on"]
    assert any("docs/recipes/report.sh" in step.get("run", "") for step in job["steps"])
    assert job["steps"][-1]["with"]["path"] == "reports/"
    job = GITLAB["csnb reports"]
    assert job["tags"]
    assert any("docs/recipes/report.sh" in line for line in job["script"])
    assert job["artifacts"] == {"when": "always", "paths": ["reports/"], "expire_in": "30 days"}


def test_windows_tasks_start_the_script():
    (line,) = [line for line in SCHEDULE.splitlines() if line.startswith("schtasks /Create")]
    options = dict(re.findall(r'/(\w+) ("[^"]*"|\S+)', line.split(maxsplit=2)[2]))
    assert options.keys() == {"TN", "SC", "D", "ST", "TR"}
    assert options["TR"].strip('"') == r"C:\csnb\docs\recipes\report.cmd last-week"


def test_the_cron_line_of_the_page_is_that_of_the_recipe():
    assert [line for line in SCHEDULE.splitlines() if line.startswith("30 6")] == [
        line for line in (RECIPES / "crontab").read_text("utf-8").splitlines() if line.startswith("30 6")
    ]


def test_every_recipe_is_on_the_page():
    named = set(re.findall(r"\((recipes/[^)]*)\)", SCHEDULE)) | {"recipes/report.sh"}
    assert named == {f"recipes/{path.name}" for path in RECIPES.iterdir() if path.is_file()}


def test_papermill_knows_the_parameters_that_airflow_gives():
    dag = (RECIPES / "airflow_dag.py").read_text("utf-8")
    given = re.findall(r'"(\w+)": ', re.search(r"parameters=\{(.*)\}", dag)[1])
    check_parameters(ROOT / "notebooks" / "response.ipynb", dict.fromkeys(given))


def test_the_notebook_for_the_scheduler_of_the_lab_makes_pages(tmp_path):
    """A scheduled job runs it with parameters in a kernel of its own, and so does this test."""
    book = tmp_path / "data" / "books" / "shop"
    for kind in ("messages", "ratings", "agents"):
        import_export(sorted((EXAMPLES / kind).iterdir()), "generic", book, kind, jobs=1)
    notebook = RECIPES / "jupyter_scheduler.ipynb"
    assert all(cell.get("outputs", []) == [] for cell in nbformat.read(notebook, 4).cells)
    parameters = {"clone": str(tmp_path), "reports": ["data_quality"], "period": "2026-W47"}
    papermill.execute_notebook(
        str(notebook), str(tmp_path / "ran.ipynb"), parameters, kernel_name="python3", progress_bar=False
    )
    assert [path.name for path in sorted((tmp_path / "reports").glob("*.html"))] == [
        "data_quality__2026-11-16_2026-11-22__zh.html",
        "index.html",
    ]
