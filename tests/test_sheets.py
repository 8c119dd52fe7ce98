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
from csnb.sheets import write_sheets
from csnb.strings import set_language


@pytest.fixture
def book(tmp_path):
    """Give a small book to label."""
    return make_book(tmp_path)


def drawn(book, n=20, **more):
    """Draw from the whole book."""
    return sample_labels(book, select_sessions(book), n, **more)


def rows_of(path):
    """Read a CSV sheet as dicts."""
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


def test_one_row_is_one_case_with_its_conversation_numbered(book, tmp_path):
    ((coder, path, count), _) = write_sheets(book, drawn(book), tmp_path / "sheet.csv")
    rows = rows_of(path)
    assert (coder, count, len(rows)) == ("analyst", 20, 20)
    lines = rows[0]["conversation"].splitlines()
    assert [line.partition("]")[0] for line in lines] == ["[0", "[1", "[2"]
    assert lines[0].endswith("买家：在吗")


def test_the_random_part_carries_its_probability_and_the_rest_none(book, tmp_path):
    (_, path, _), _ = write_sheets(book, drawn(book), tmp_path / "sheet.csv")
    assert {(row["use"], row["drawn_probability"] != "") for row in rows_of(path)} == {
        ("estimate", True),
        ("train", False),
    }


def test_one_in_ten_is_coded_by_a_second_person_too(book, tmp_path):
    first, second = write_sheets(book, drawn(book), tmp_path / "sheet.csv")
    assert [path.name for _, path, _ in (first, second)] == ["sheet.csv", "sheet.second.csv"]
    assert {row["case"] for row in rows_of(second[1])} < {row["case"] for row in rows_of(first[1])}
    assert len(rows_of(second[1])) == 2


def test_two_coders_share_a_draw_and_each_gets_a_sheet(book, tmp_path):
    written = write_sheets(book, drawn(book, coders=["安娜", "ben"]), tmp_path / "sheet.csv")
    assert [path.name for _, path, _ in written] == ["sheet.安娜.csv", "sheet.ben.csv"]
    assert sum(count for *_, count in written) == 22


def test_nothing_in_a_csv_cell_begins_like_a_formula(book, tmp_path):
    (_, path, _), _ = write_sheets(book, drawn(book, 40), tmp_path / "sheet.csv")
    cells = [cell for row in rows_of(path) for cell in row.values()]
    assert any("=cmd|" in cell for cell in cells)
    assert [cell for cell in cells if cell[:1] in tuple("=+-@\t\r")] == []


def test_a_workbook_holds_text_and_no_formula_and_its_cells_are_checked(book, tmp_path):
    (_, path, _), _ = write_sheets(book, drawn(book, 40), tmp_path / "sheet.xlsx")
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
    (_, path, _), _ = write_sheets(book, drawn(book), tmp_path / "sheet.xlsx")
    workbook = fastexcel.read_excel(path)
    assert workbook.sheet_names == names
    assert workbook.load_sheet(1).height == 60


def test_the_same_draw_gives_the_same_bytes(book, tmp_path):
    cases = drawn(book)
    pairs = [write_sheets(book, cases, tmp_path / name)[0][1] for name in ("one.xlsx", "two.xlsx")]
    assert pairs[0].read_bytes() == pairs[1].read_bytes()


def test_a_sheet_that_is_there_is_never_overwritten(book, tmp_path):
    (tmp_path / "sheet.csv").write_text("filled in", "utf-8")
    with pytest.raises(ParameterError, match="there already"):
        write_sheets(book, drawn(book), tmp_path / "sheet.csv")
    assert (tmp_path / "sheet.csv").read_text("utf-8") == "filled in"
