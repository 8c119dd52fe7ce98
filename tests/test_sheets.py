"""Sheets: what an analyst gets to fill in, safe to open in Excel."""

import csv
import io
import zipfile

import fastexcel
import pytest
from label_book import make_book

from csnb.book import select_sessions
from csnb.errors import ParameterError
from csnb.labelling import sample_labels
from csnb.sheets import sheet_paths, write_sheets
from csnb.strings import set_language


@pytest.fixture
def book(tmp_path):
    """Give a small book to label."""
    return make_book(tmp_path)


def drawn(book, n=20, **more):
    """Draw from the whole book."""
    return sample_labels(book, select_sessions(book), n, **more)


def sheet_of(book, path, n=20):
    """Draw for one coder and write his sheet."""
    write_sheets(book, drawn(book, n), sheet_paths(path, ["analyst"]))
    return path


def rows_of(path):
    """Read a CSV sheet as dicts."""
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


def test_one_row_is_one_case_with_its_conversation_numbered(book, tmp_path):
    rows = rows_of(sheet_of(book, tmp_path / "sheet.csv"))
    assert len(rows) == 20
    lines = rows[0]["conversation"].splitlines()
    assert [line.partition("]")[0] for line in lines] == ["[0", "[1", "[2"]
    assert lines[0].endswith("买家：在吗")


def test_the_random_part_carries_its_probability_and_the_rest_none(book, tmp_path):
    path = sheet_of(book, tmp_path / "sheet.csv")
    assert {(row["use"], row["drawn_probability"] != "") for row in rows_of(path)} == {
        ("estimate", True),
        ("train", False),
    }


def test_one_in_ten_is_coded_by_a_second_person_too(book, tmp_path):
    paths = sheet_paths(tmp_path / "sheet.csv", ["analyst"])
    assert write_sheets(book, drawn(book), paths) == {"analyst": 20, "second": 2}
    first, second = ({row["case"] for row in rows_of(path)} for path in paths.values())
    assert second < first


def test_two_coders_share_a_draw_and_each_gets_a_sheet(book, tmp_path):
    paths = sheet_paths(tmp_path / "sheet.csv", ["安娜", "ben"])
    assert [path.name for path in paths.values()] == ["sheet.安娜.csv", "sheet.ben.csv"]
    counts = write_sheets(book, drawn(book, coders=["安娜", "ben"]), paths)
    assert sum(counts.values()) == 22
    assert {row["coder"] for row in rows_of(paths["ben"])} == {"ben"}


def test_a_coder_without_a_case_has_no_sheet(book, tmp_path):
    paths = sheet_paths(tmp_path / "sheet.csv", ["analyst"])
    assert write_sheets(book, drawn(book, 3), paths) == {"analyst": 3}
    assert not paths["second"].exists()


def test_nothing_in_a_csv_cell_begins_like_a_formula(book, tmp_path):
    path = sheet_of(book, tmp_path / "sheet.csv", 40)
    cells = [cell for row in rows_of(path) for cell in row.values()]
    assert any("=cmd|" in cell for cell in cells)
    assert [cell for cell in cells if cell[:1] in tuple("=+-@\t\r")] == []


def test_a_workbook_holds_text_and_no_formula_and_its_cells_are_checked(book, tmp_path):
    path = sheet_of(book, tmp_path / "sheet.xlsx", 40)
    with zipfile.ZipFile(path) as parts:
        page = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in page
    assert 'state="frozen"' in page
    assert page.count('type="list"') == 2
    assert page.count('type="whole"') == 40


@pytest.mark.parametrize(
    ("lang", "names"), [("zh", ["标注", "会话原文", "标注指南"]), ("en", ["Labels", "Messages", "Guide"])]
)
def test_a_workbook_has_the_answers_the_messages_and_the_guide(book, tmp_path, lang, names):
    set_language(lang)
    path = sheet_of(book, tmp_path / "sheet.xlsx")
    workbook = fastexcel.read_excel(path)
    assert workbook.sheet_names == names
    assert workbook.load_sheet(1).height == 60


def test_the_same_draw_gives_the_same_bytes(book, tmp_path):
    cases = drawn(book)
    for name in ("one.xlsx", "two.xlsx"):
        write_sheets(book, cases, sheet_paths(tmp_path / name, ["analyst"]))
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()


@pytest.mark.parametrize("name", ["sheet.csv", "sheet.second.csv"])
def test_a_sheet_that_is_there_is_never_overwritten(tmp_path, name):
    (tmp_path / name).write_text("filled in", "utf-8")
    with pytest.raises(ParameterError, match="there already"):
        sheet_paths(tmp_path / "sheet.csv", ["analyst"])


def test_a_sheet_is_csv_or_xlsx():
    with pytest.raises(ParameterError, match=r"ends in \.xlsx or \.csv; got: sheet\.pdf"):
        sheet_paths("sheet.pdf", ["analyst"])
