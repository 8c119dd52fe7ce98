import base64
import json
import re
import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from report_words import make_definitions

from csnb.book import create_book, open_book, write_bytes
from csnb.contents import data_hash
from csnb.errors import BookError, ParameterError
from csnb.press import list_reports, page_name, run_reports
from csnb.shelf import read_pages, write_index
from csnb.strings import get_language, set_language

NOTEBOOKS = Path(__file__).parent / "notebooks"
WEEK = "2026-W47"
PAGE = "{}__2026-11-16_2026-11-22__zh.html"


def press(book, out, names=("weekly",), notebooks=NOTEBOOKS, **rest):
    return run_reports(list(names), book, out=out, jobs=1, notebooks=notebooks, **rest)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Make an empty book with the fixture's words beside it."""
    folder = tmp_path_factory.mktemp("books")
    make_definitions(folder / "definitions")
    return create_book(folder / "demo").path


@pytest.fixture(scope="module")
def run(book, tmp_path_factory):
    """Press all four fixture notebooks once, two of which fail."""
    out = tmp_path_factory.mktemp("reports")
    summary = run_reports(None, book, out=out, period=WEEK, jobs=2, keep=1, notebooks=NOTEBOOKS)
    return out, summary


@pytest.fixture(scope="module")
def weekly(run):
    """Give the weekly page, parsed."""
    return BeautifulSoup((run[0] / PAGE.format("weekly")).read_text("utf-8"), "html.parser")


@pytest.fixture(scope="module")
def history(book, tmp_path_factory):
    """Press a failing notebook for three weeks, the middle one twice and last."""
    out = tmp_path_factory.mktemp("history")
    set_language("en")
    for period in ("2026-W46", "2026-W45", "2026-W47", "2026-W46"):
        press(book, out, ["broken"], period=period)
    return out, get_language()


@pytest.fixture(autouse=True)
def chinese():
    set_language("zh")
    yield
    set_language("zh")


# ---- a run


def test_failing_notebooks_leave_the_others_alone(run):
    _out, summary = run
    assert [page.name for page in summary.pages] == [PAGE.format("hostile"), PAGE.format("weekly")]
    assert {each.report: each.error for each in summary.failed} == {
        "broken": "ZeroDivisionError",
        "refused": "BookError",
    }
    assert summary.exit_code == 1


def test_a_failing_notebook_writes_its_traceback_and_no_page(run):
    out, _ = run
    page = BeautifulSoup(
        (out / "broken__2026-11-16_2026-11-22__zh.failed.html").read_text("utf-8"), "html.parser"
    )
    assert list(out.glob("broken*")) == [out / "broken__2026-11-16_2026-11-22__zh.failed.html"]
    assert "1 / 0" in page.text and "ZeroDivisionError: division by zero" in page.text
    assert "\x1b" not in page.text


def test_only_bad_data_in_all_reports_is_exit_code_two(book, tmp_path):
    assert press(book, tmp_path, ["refused"], period=WEEK).exit_code == 2


def test_the_last_good_page_stays_when_its_notebook_fails_and_the_error_goes_when_it_is_good_again(
    book, tmp_path
):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    shutil.copy(NOTEBOOKS / "broken.ipynb", folder / "one.ipynb")
    out = tmp_path / "out"
    good = out / PAGE.format("one")
    out.mkdir()
    good.write_text("the last good page", "utf-8")
    press(book, out, ["one"], folder, period=WEEK)
    assert good.read_text("utf-8") == "the last good page"
    assert (out / f"{good.stem}.failed.html").exists()
    mended = (folder / "one.ipynb").read_text("utf-8").replace("1 / 0", "1 / 1")
    (folder / "one.ipynb").write_text(mended, "utf-8")
    assert press(book, out, ["one"], folder, period=WEEK).exit_code == 0
    assert "会出错的报告" in good.read_text("utf-8")
    assert not (out / f"{good.stem}.failed.html").exists()


def test_the_same_inputs_give_the_same_bytes(run, book, tmp_path):
    again = press(book, tmp_path, ["weekly"], period=WEEK).pages[0]
    for path in (again, again.with_suffix(".xlsx")):
        assert path.read_bytes() == (run[0] / path.name).read_bytes()


def test_a_run_leaves_no_half_files_and_no_notebooks_behind(run):
    assert {path.suffix for path in run[0].iterdir()} == {".html", ".xlsx", ".json"}


def test_a_page_that_cannot_be_written_leaves_the_old_one_and_no_part_of_the_new(tmp_path):
    page = tmp_path / "page.html"
    write_bytes(page, b"the last good page")
    with pytest.raises(TypeError):
        write_bytes(page, "not bytes")
    assert list(tmp_path.iterdir()) == [page]
    assert page.read_bytes() == b"the last good page"


def test_progress_is_one_plain_line_a_notebook_on_stderr(book, tmp_path, capsys):
    assert press(book, tmp_path, ["broken"], period=WEEK).exit_code == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(
        r"\[1/1\] broken \d+\.\d s failed: ZeroDivisionError: division by zero\n", printed.err
    )


def test_a_further_parameter_reaches_the_notebook_the_name_of_the_page_the_list_and_the_manifest(
    book, tmp_path
):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    told = (NOTEBOOKS / "broken.ipynb").read_text("utf-8").replace("1 / 0", "print(seed, ci_level)")
    (folder / "one.ipynb").write_text(told, "utf-8")
    out = tmp_path / "out"
    summary = press(book, out, ["one"], folder, period=WEEK, parameters={"seed": 7, "ci_level": 0.9})
    assert summary.pages == [out / PAGE.format("one").replace(".html", "__ci_level=0.9+seed=7.html")]
    assert "7 0.9" in summary.pages[0].read_text("utf-8")
    assert "seed=7" in summary.index.read_text("utf-8")
    assert json.loads(summary.manifest.read_text("utf-8"))["runs"][0]["parameters"]["seed"] == 7


def test_a_kernel_that_does_not_start_gets_a_second_try(book, tmp_path, monkeypatch):
    """A kernel of the same name stands in front of the real one and dies the first time it is started."""
    kernel = tmp_path / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    dies_once = f"[ -e {tmp_path}/tried ] || {{ touch {tmp_path}/tried; exit 1; }}; exec {sys.executable} -m ipykernel_launcher -f $0"
    spec = {
        "argv": ["sh", "-c", dies_once, "{connection_file}"],
        "display_name": "once",
        "language": "python",
    }
    (kernel / "kernel.json").write_text(json.dumps(spec), "utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    assert press(book, tmp_path / "out", period=WEEK).exit_code == 0
    assert (tmp_path / "tried").exists()


def test_a_run_does_not_change_the_language_of_its_caller(history):
    assert history[1] == "en"


# ---- what is refused before anything runs


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"names": ["weekli"]}, "report must be one of: broken, hostile, refused, weekly"),
        ({"lang": "fr"}, "lang must be one of: zh, en"),
        ({"audience": "boss"}, "audience must be one of"),
        ({"period": "last-year"}, "allowed are"),
        ({"parameters": {"sed": 2}}, "weekly.ipynb has no parameter sed; it has: .*seed"),
        ({"parameters": {"lang": "en"}}, "lang cannot be a further parameter"),
        ({"keep": 0}, "keep must be at least 1"),
    ],
)
def test_a_wrong_argument_is_refused_and_nothing_is_written(book, tmp_path, wrong, said):
    arguments = {"names": ["weekly"], **wrong}
    with pytest.raises(ParameterError, match=said):
        run_reports(book=book, out=tmp_path / "out", notebooks=NOTEBOOKS, **arguments)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_book_is_refused(tmp_path):
    with pytest.raises(BookError, match="is not a book"):
        run_reports(["weekly"], tmp_path, out=tmp_path / "out", notebooks=NOTEBOOKS)


def test_a_period_outside_the_book_is_refused_with_the_days_of_the_book(tmp_path):
    book = create_book(tmp_path / "demo").path
    (book / "sessions").mkdir()
    for day in ("2026-11-02", "2026-11-29", "unknown"):
        (book / "sessions" / f"{day}.parquet").touch()
    with pytest.raises(ParameterError, match="the book holds 2026-11-02 to 2026-11-29"):
        run_reports(["weekly"], book, out=tmp_path / "out", period="2026-10", notebooks=NOTEBOOKS)


def test_no_period_is_named_after_the_days_of_the_book(tmp_path):
    book = create_book(tmp_path / "demo").path
    (book / "sessions").mkdir()
    for day in ("2026-11-02", "2026-11-29", "unknown"):
        (book / "sessions" / f"{day}.parquet").touch()
    failed = press(book, tmp_path / "out", ["broken"]).failed
    assert failed[0].page.name == "broken__2026-11-02_2026-11-29__zh.html"


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "r__2026-11-16_2026-11-22__zh.html"),
        ({"date_from": None, "date_to": None}, "r__all__zh.html"),
        ({"lang": "en", "audience": "leadership"}, "r__2026-11-16_2026-11-22__en__leadership.html"),
        ({"shops": ["乙店", "甲店"]}, "r__2026-11-16_2026-11-22__zh__乙店+甲店.html"),
        ({"seed": 7, "ci_level": 0.9}, "r__2026-11-16_2026-11-22__zh__ci_level=0.9+seed=7.html"),
    ],
)
def test_a_page_is_named_after_what_it_shows(values, name):
    usual = {
        "date_from": "2026-11-16",
        "date_to": "2026-11-22",
        "lang": "zh",
        "shops": None,
        "audience": "analyst",
    }
    assert page_name("r", usual | values) == name


def test_shop_names_that_no_file_may_bear_still_give_names_of_their_own():
    usual = {"date_from": None, "date_to": None, "lang": "zh", "audience": "analyst"}
    names = {page_name("r", {**usual, "shops": [shop]}) for shop in ("../a", "a", "a/..", "a b", "店" * 80)}
    assert len(names) == 5
    assert not any("/" in name or " " in name or ".." in name or len(name.encode()) > 255 for name in names)


# ---- a page


def test_a_page_opens_with_its_title_question_period_and_findings(weekly):
    assert weekly.h1.text == "满意度周报"
    assert weekly.select_one(".question").text.startswith("哪些不满")
    assert [part.text for part in weekly.select(".brand span")][1:] == ["2026年11月16日–22日", "全部店铺"]
    assert weekly.main.select_one("h2, figure, table").text == "发现"


def test_the_contents_lead_to_every_section(weekly):
    links = [link["href"][1:] for link in weekly.select(".contents.wide a")]
    assert links == [head["id"] for head in weekly.select("main h2.section")] and len(links) == 7


def test_a_page_asks_for_nothing_from_outside_but_what_the_policy_names(weekly):
    for script in weekly.select("script"):
        script.extract()
    assert not re.search(r"(?:src|href)=[\"'](?!#|data:)|url\(|@import|https?:", str(weekly))


def test_the_policy_lets_run_only_the_scripts_of_the_page(run):
    page = BeautifulSoup((run[0] / PAGE.format("weekly")).read_text("utf-8"), "html.parser")
    policy = page.select_one("meta[http-equiv]")["content"]
    assert "default-src 'none'" in policy and "unsafe" not in policy.split("style-src")[0]
    assert policy.count("'sha256-") == 3
    assert page.select_one("meta[http-equiv]").find_previous("script") is None


def test_a_page_carries_its_workbook_which_also_lies_beside_it(run, weekly):
    link = weekly.select_one(".take a")
    beside = run[0] / PAGE.format("weekly").replace(".html", ".xlsx")
    assert link["download"] == beside.name
    assert base64.b64decode(link["href"].partition(",")[2]) == beside.read_bytes()
    assert link.text == f"下载全部 {len(weekly.select('.table'))} 张表格（Excel）"


def test_inputs_notes_and_parameters_stay_out_of_the_page(weekly):
    assert "import csnb" not in weekly.text
    assert "A note to analysts" not in weekly.text
    assert "resampling" not in weekly.text


def test_every_figure_has_a_text_for_those_who_do_not_see_it(weekly):
    charts = weekly.select("figure.chart")
    assert len(charts) == 7
    assert all(
        len(chart.select_one("[role=img]")["aria-label"]) > 10 and chart.select_one("details table")
        for chart in charts
    )


def test_the_foot_tells_the_data_and_no_time_of_day(weekly, book):
    assert data_hash(open_book(book)) in weekly.footer.text and "淘宝（2025-03起）" in weekly.footer.text
    assert not re.search(r"\d{1,2}:\d{2}:\d{2}", weekly.text)


def test_no_place_of_this_machine_is_in_a_page(run, book):
    text = (run[0] / PAGE.format("weekly")).read_text("utf-8")
    assert str(book) not in text and str(NOTEBOOKS) not in text


def test_a_page_without_charts_does_not_carry_the_drawing_library(run):
    assert (run[0] / "broken__2026-11-16_2026-11-22__zh.failed.html").stat().st_size < 40_000
    assert (run[0] / PAGE.format("weekly")).stat().st_size < 3_000_000


def test_hostile_text_is_text_everywhere_in_a_page(run):
    page = BeautifulSoup((run[0] / PAGE.format("hostile")).read_text("utf-8"), "html.parser")
    plain = [script for script in page.select("script") if script.get("type") is None]
    assert len(plain) == 2 and not page.select("img, main b[onerror]")
    assert not [
        element.name for element in page.find_all() if any(name.startswith("on") for name in element.attrs)
    ]
    assert page.h1.text == "<script>alert(1)</script> & <b>title</b>"
    assert page.title.text == page.h1.text
    assert all(element.text.strip() != "bold" for element in page.select("b"))


def test_an_english_page_holds_no_chinese_word_outside_names_and_quotes(book, tmp_path):
    page = press(book, tmp_path, period=WEEK, lang="en").pages[0]
    parsed = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    assert parsed.html["lang"] == "en"
    for chosen in parsed.select(".quotes, script"):
        chosen.extract()
    names = re.compile("海棠|青禾|小雨|阿宁|星星|可可|南风|小满|豆豆|知夏|木木|言言|果果|安安|清清")
    assert not re.findall("[\u3000-\u9fff\uff00-\uffef]+", names.sub("", parsed.text))


# ---- the folder


def test_the_index_lists_periods_newest_first_and_says_what_could_not_be_made(history):
    index = BeautifulSoup((history[0] / "index.html").read_text("utf-8"), "html.parser")
    assert [head.text for head in index.select(".period h2")] == [
        "2026年11月16日–22日", "2026年11月9日–15日", "2026年11月2日–8日",
    ]  # fmt: skip
    assert index.select_one(".tag").text == "未能生成"


def test_the_index_shows_headline_language_and_link(run):
    index = BeautifulSoup((run[0] / "index.html").read_text("utf-8"), "html.parser")
    entry = next(each for each in index.select(".entry") if each.h3.text == "满意度周报")
    page, workbook = (link["href"] for link in entry.select("a"))
    assert page == PAGE.format("weekly") and (run[0] / page).exists()
    assert workbook == page.replace(".html", ".xlsx") and (run[0] / workbook).exists()
    assert entry.select_one(".headline").text.startswith("不满意会话中有 38.2%")
    assert [part.text for part in entry.select(".about span")] == ["中文", "全部店铺", "分析师"]


def test_the_index_puts_the_pages_in_its_own_language_first(book, tmp_path):
    for lang in ("en", "zh"):
        press(book, tmp_path, ["broken"], period=WEEK, lang=lang)
    index = BeautifulSoup((tmp_path / "index.html").read_text("utf-8"), "html.parser")
    assert [entry.a["href"].split("__")[2] for entry in index.select(".entry")] == [
        "zh.failed.html",
        "en.failed.html",
    ]


def test_an_empty_folder_has_an_index_that_says_so(tmp_path):
    assert "还没有报告" in write_index(tmp_path).read_text("utf-8")


def test_foreign_pages_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / "notes.html").write_text("<p>mine</p>", "utf-8")
    assert read_pages(tmp_path) == []


def test_old_periods_are_deleted_but_never_the_last_good_page(book, tmp_path):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    good = (NOTEBOOKS / "broken.ipynb").read_text("utf-8").replace("1 / 0", "1 / 1")
    (folder / "one.ipynb").write_text(good, "utf-8")
    for period in ("2026-W44", "2026-W45", "2026-W46"):
        press(book, tmp_path / "out", ["one"], folder, period=period)
    shutil.copy(NOTEBOOKS / "broken.ipynb", folder / "one.ipynb")
    for period in ("2026-W43", "2026-W47"):
        press(book, tmp_path / "out", ["one"], folder, period=period, keep=2)
    assert sorted(path.name for path in (tmp_path / "out").glob("one*")) == [
        "one__2026-11-02_2026-11-08__zh.html",
        "one__2026-11-02_2026-11-08__zh.xlsx",
        "one__2026-11-09_2026-11-15__zh.html",
        "one__2026-11-09_2026-11-15__zh.xlsx",
        "one__2026-11-16_2026-11-22__zh.failed.html",
    ]


def test_the_manifest_tells_data_versions_parameters_rows_and_durations(run, book):
    newest = json.loads((run[0] / "manifest.json").read_text("utf-8"))["runs"][0]
    assert newest["data_hash"] == data_hash(open_book(book)) and "taobao 2025-03" in newest["rulepacks"]
    assert newest["parameters"]["book"] == "demo" and newest["parameters"]["date_to"] == "2026-11-22"
    pages = {page["report"]: page for page in newest["pages"]}
    assert pages["weekly"]["error"] is None and pages["weekly"]["rows"] == {
        "sessions": 12873,
        "messages": 204511,
    }
    assert (run[0] / pages["weekly"]["workbook"]).exists() and pages["broken"]["workbook"] is None
    assert pages["broken"]["error"] == "ZeroDivisionError: division by zero"
    assert all(page["seconds"] > 0 for page in pages.values())


def test_the_manifest_keeps_every_run_the_newest_first_with_its_time(history):
    runs = json.loads((history[0] / "manifest.json").read_text("utf-8"))["runs"]
    assert [each["parameters"]["date_from"] for each in runs] == [
        "2026-11-09", "2026-11-16", "2026-11-02", "2026-11-09",
    ]  # fmt: skip
    times = [datetime.fromisoformat(each["finished_at"]) for each in runs]
    assert times == sorted(times, reverse=True) and times[0].utcoffset() == timedelta(0)


def test_reports_are_found_by_walking_the_folder_with_titles_from_strings_or_heading(tmp_path):
    set_language("en", make_definitions(tmp_path))
    assert {report.name: report.title for report in list_reports(NOTEBOOKS)} == {
        "broken": "会出错的报告 · A report that fails",
        "hostile": "<script>alert(1)</script> & <b>title</b>",
        "refused": "没有数据的报告 · A report without data",
        "weekly": "Satisfaction weekly",
    }
