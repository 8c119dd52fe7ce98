"""environment.yml, pyproject.toml, constraints.txt and the Makefile name the same things."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
PIP = CONDA[-1]["pip"]
BRIEF = {"pandas", "jupyterlab", "plotly", "scikit-learn", "jieba", "papermill", "nbval"}


def name_of(requirement):
    """Give the plain name of a requirement."""
    return re.match(r"[A-Za-z0-9._-]+", requirement).group().lower()


def all_requirements():
    """Name every package of pyproject.toml, extras included."""
    extras = PROJECT["optional-dependencies"].values()
    return {name_of(line) for group in [PROJECT["dependencies"], *extras] for line in group}


def test_conda_brings_python_and_pip_and_nothing_else():
    assert [name_of(line) for line in CONDA[:-1]] == ["python", "pip"]


def test_conda_and_pyproject_ask_for_the_same_python():
    assert CONDA[0].removeprefix("python ").replace(" ", "") == PROJECT["requires-python"].replace(" ", "")


def test_the_seven_packages_of_the_brief_are_named_and_required():
    named = {line for line in PIP if not line.startswith("-")}
    assert named == BRIEF
    assert named <= all_requirements()


def test_pip_installs_under_the_constraints_with_the_extras_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "-c constraints.txt" in PIP
    (editable,) = [line for line in PIP if line.startswith("-e ")]
    assert f'{editable.split(" ")[0]} "{editable.split(" ")[1]}"' in makefile


def test_every_requirement_has_a_tested_version_and_no_address_stands_there():
    constraints = (ROOT / "constraints.txt").read_text("utf-8")
    pinned = {name_of(line) for line in constraints.splitlines() if line}
    assert all_requirements() - pinned == set()
    assert "://" not in constraints


def test_pip_can_resolve_the_conda_list(tmp_path):
    wanted = ROOT / ".environment-test.txt"
    try:
        wanted.write_text("\n".join(PIP), "utf-8")
        run = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--disable-pip-version-check", "-r", wanted.name],
            cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
    finally:
        wanted.unlink(missing_ok=True)
    if "Could not find a version" in run.stderr and "from versions: none" in run.stderr:
        pytest.skip("no package index can be reached from here")
    assert run.returncode == 0, run.stderr
