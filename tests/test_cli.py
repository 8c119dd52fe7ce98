"""The scheduled run as cron starts it: what is printed where, what stays, and which code it ends with."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from report_words import make_definitions

from csnb.book import create_book
from csnb.cli import main

NOTEBOOKS = Path(__file__).parent / "notebooks"


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Make an empty book with the fixture's words beside it."""
    folder = tmp_path_factory.mktemp("books")
    make_definitions(folder / "definitions")
    return create_book(folder / "demo").path


@pytest.fixture
def report(book, tmp_path, monkeypatch, capsys):
    """Run `csnb report` on the fixture notebooks; give its exit code and what it printed."""

    def run(*words):
        arguments = [
            "report",
            *words,
            "--book",
            book,
            "--out",
            tmp_path / "reports",
            "--notebooks",
            NOTEBOOKS,
        ]
        monkeypatch.setattr(sys, "argv", ["csnb", *map(str, arguments), "--jobs", "1"])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr()

    return run


def test_all_good_is_exit_code_zero_and_prints_the_path_of_the_list_alone(report, tmp_path):
    code, printed = report("weekly", "--period", "2026-W47", "-p", "seed=3", "-p", "ci_level=0.9")
    assert code == 0
    assert printed.out == f"{tmp_path / 'reports' / 'index.html'}\n"
    assert printed.err.startswith("[1/1] weekly ")
    page = "weekly__2026-11-16_2026-11-22__zh__ci_level=0.9+seed=3"
    assert {path.stem for path in (tmp_path / "reports").iterdir()} == {page, "index", "manifest"}


def test_one_failure_among_good_ones_is_exit_code_one(report):
    code, printed = report("weekly", "broken", "--period", "2026-W47")
    assert code == 1
    assert "weekly" in printed.err and "broken" in printed.err
    assert "failed: ZeroDivisionError: division by zero" in printed.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["monthly"], "report must be one of: broken, hostile, refused, weekly"),
        (["weekly", "--period", "2026-W54"], "period"),
        (["weekly", "--lang", "zh,fr"], "lang must be one of: zh, en"),
        (["weekly", "-p", "seed"], "is NAME=VALUE"),
        (["weekly", "-p", "sed=3"], "has no parameter sed"),
        (["weekly", "--shops", "nowhere"], "--shops must be one of"),
        (["weekly", "--period", "last-week", "--as-of", "today"], "--as-of: 'today' is not known"),
        (["weekly", "--keep", "0"], "the last good report is never deleted"),
    ],
)
def test_wrong_arguments_are_exit_code_two_in_one_sentence_and_nothing_is_made(report, tmp_path, words, said):
    code, printed = report(*words)
    assert code == 2
    assert printed.out == ""
    assert said in printed.err and len(printed.err.splitlines()) == 1
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--format", "parquet", "csnb: --format must be one of: csv, csv.gz, xlsx, jsonl; got: 'parquet'"),
        ("--platform", "weibo", "csnb: --platform must be one of: taobao, jd, douyin"),
        ("--scenario", "S99", "csnb: scenario must be one of: "),
    ],
)
def test_a_refused_option_is_named_as_it_was_typed(tmp_path, monkeypatch, capsys, option, value, said):
    out = tmp_path / "out"
    monkeypatch.setattr(sys, "argv", ["csnb", "simulate", "--weeks", "1", "--out", str(out), option, value])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(said)
    assert not out.exists()


def test_a_terminal_sees_a_bar_and_a_line_a_page(book, tmp_path):
    (tmp_path / "good.ipynb").write_text(
        (NOTEBOOKS / "broken.ipynb").read_text("utf-8").replace("1 / 0", "1")
    )
    command = [sys.executable, "-m", "csnb", "report", "--book", book, "--out", tmp_path / "reports",
               "--period", "2026-W47", "--notebooks", tmp_path]  # fmt: skip
    screen, terminal = pty.openpty()
    env = os.environ | {"TERM": "xterm-256color", "COLUMNS": "100"}
    run = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=terminal, env=env)
    os.close(terminal)
    shown = b""
    while part := _read(screen):
        shown += part
    assert run.wait(timeout=60) == 0
    assert run.stdout.read().decode().strip() == str(tmp_path / "reports" / "index.html")
    run.stdout.close()
    words = shown.decode()
    assert "━" in words and "1/1" in words
    assert "[1/1] good" in words


def _read(screen):
    """Read what the terminal shows; nothing once the program has closed it."""
    try:
        return os.read(screen, 4096)
    except OSError:
        return b""
