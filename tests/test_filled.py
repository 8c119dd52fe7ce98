"""Filled sheets: good ones are taken whole, bad ones are refused whole."""

import csv
import io

import pandas as pd
import polars as pl
import pytest
from label_book import make_book

from csnb.answers import read_answers
from csnb.book import select_sessions
from csnb.cli import main
from csnb.errors import ExportError, ParameterError
from csnb.filled import import_labels
from csnb.labelling import sample_labels
from csnb.sheets import sheet_paths, write_sheets


@pytest.fixture
def book(tmp_path):
    """Give a small book to label."""
    return make_book(tmp_path)


@pytest.fixture
def sheet(book, tmp_path):
    """Draw twenty cases and give their sheet, as rows, with the first three answered."""
    path = tmp_path / "sheet.csv"
    write_sheets(book, sample_labels(book, select_sessions(book), 20), sheet_paths(path, ["analyst"]))
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    rows.sort(key=lambda row: row["use"])
    rows[0] |= {"dissatisfied": "1", "logistics": "2", "ability": "1", "primary": "logistics", "note": "两处"}
    rows[1] |= {"timeliness": "2"}
    rows[2] |= {"dissatisfied": "0"}
    return rows


def saved(rows, path, encoding="utf-8"):
    """Write rows as a CSV."""
    with path.open("w", encoding=encoding, newline="") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_answers_come_back_as_they_were_filled_in(book, sheet, tmp_path, encoding):
    counts = import_labels(book, saved(sheet, tmp_path / "filled.csv", encoding))
    assert counts == {"analyst": {"answered": 3, "open": 17}}
    answers = read_answers(book, "analyst")
    assert answers[sheet[0]["case"]] == {
        "dissatisfied": True, "reasons": {"ability": 1, "logistics": 2}, "primary": "logistics", "note": "两处",
    }  # fmt: skip
    assert answers[sheet[1]["case"]]["reasons"] == {"timeliness": 2}
    assert answers[sheet[2]["case"]]["dissatisfied"] is False


def test_human_labels_say_how_each_session_was_drawn_and_quote_the_evidence(book, sheet, tmp_path):
    import_labels(book, saved(sheet, tmp_path / "filled.csv"))
    labels = book.human_labels
    assert len(labels) == 3 * 15
    row = labels[(labels["case"] == sheet[0]["case"]) & (labels["code"] == "ability")].iloc[0]
    assert (row["holds"], row["number"], row["quote"], row["use"]) == (True, 1, "您好，请讲", "estimate")
    assert row["drawn_probability"] == pytest.approx(float(sheet[0]["drawn_probability"]), abs=1e-6)
    assert row["stratum"] == sheet[0]["stratum"]


def test_a_workbook_comes_back_too(book, tmp_path):
    path = tmp_path / "sheet.xlsx"
    write_sheets(book, sample_labels(book, select_sessions(book), 20), sheet_paths(path, ["analyst"]))
    page = pl.read_excel(path, sheet_id=1, infer_schema_length=0)
    answered = page.with_columns(
        pl.lit("1").alias("dissatisfied\n是否不满"), pl.lit("2").alias("price\n价格")
    )
    answered.write_excel(tmp_path / "filled.xlsx")
    assert import_labels(book, tmp_path / "filled.xlsx") == {"analyst": {"answered": 20, "open": 0}}


def test_headers_may_be_the_words_of_either_language(book, sheet, tmp_path):
    words = {"case": "编号", "dissatisfied": "是否不满", "logistics": "Delivery", "ability": "接待能力"}
    renamed = [{words.get(name, name): value for name, value in row.items()} for row in sheet]
    import_labels(book, saved(renamed, tmp_path / "filled.csv"))
    assert read_answers(book, "analyst")[sheet[0]["case"]]["reasons"] == {"ability": 1, "logistics": 2}


WRONG = [
    ({"drawn_probability": ""}, "drawn_probability: ''"),
    ({"drawn_probability": "1.2"}, "drawn_probability: '1.2'"),
    ({"case": "d7-001"}, "case: 'd7-001' is no case of this book"),
    ({"session_id": "s99"}, "session_id: 's99' is not the session of this case"),
    ({"logistics": "9"}, "logistics: 9 there is no such message; the conversation has 0 to 2"),
    ({"logistics": "yes"}, "logistics: 'yes' must be the number of the message"),
    ({"logistics": "1.5"}, "logistics: '1.5' must be the number of the message"),
    ({"primary": "colour"}, "primary: 'colour' is no code of the guide"),
    ({"primary": "stock"}, "primary: 'stock' is not one of the reasons given"),
    ({"unclear": "1"}, "unclear: 1 is never used beside another code"),
    ({"dissatisfied": "0"}, "dissatisfied: 0 contradicts the reasons"),
    ({"dissatisfied": "maybe"}, "dissatisfied: 'maybe' must be 1"),
    ({"logistics": "", "ability": "", "primary": ""}, "dissatisfied: 1 needs a reason"),
    ({"session_id": ""}, "session_id: '' is not the session of this case"),
    ({"session_id": "1.2E+11"}, "session_id: '1.2E+11' is not the session of this case"),
    ({"use": "guess"}, "use: 'guess' is not what this case was drawn for: estimate"),
    ({"use": "train"}, "use: 'train' is not what this case was drawn for: estimate"),
    ({"stratum": "d1/丙店/1"}, "stratum: 'd1/丙店/1' is not where this case was drawn: d1/"),
    ({"drawn_probability": "0.01"}, "drawn_probability: '0.01' is not the probability it was drawn with, 0."),
    (
        {"drawn_probability": "2026-03-04 00:00:00"},
        "drawn_probability: '2026-03-04 00:00:00' must be above 0",
    ),
    (
        {"logistics": "2026-03-04 00:00:00"},
        "logistics: '2026-03-04 00:00:00' must be the number of the message",
    ),
    ({"coder": ""}, "coder: '' is missing"),
]


@pytest.mark.parametrize(("change", "complaint"), WRONG, ids=[complaint for _, complaint in WRONG])
def test_a_wrong_cell_is_named_with_its_row_and_nothing_is_saved(book, sheet, tmp_path, change, complaint):
    import_labels(book, saved(sheet, tmp_path / "filled.csv"))
    before = book.human_labels
    sheet[0] |= change
    sheet[2] |= {"dissatisfied": "1", "price": "2"}
    with pytest.raises(ParameterError, match="nothing was saved") as error:
        import_labels(book, saved(sheet, tmp_path / "filled.csv"))
    assert "row 2 (" in str(error.value)
    assert complaint in str(error.value)
    pd.testing.assert_frame_equal(book.human_labels, before)


def test_the_probability_that_was_drawn_is_named(book, sheet, tmp_path):
    drawn = book.drawn.set_index("case").at[sheet[0]["case"], "drawn_probability"]
    sheet[0]["drawn_probability"] = f"{drawn * 1.001:.6g}"
    with pytest.raises(ParameterError, match=rf"is not the probability it was drawn with, {drawn:.6g}$"):
        import_labels(book, saved(sheet, tmp_path / "filled.csv"))


@pytest.mark.parametrize("shown", ["{:.6g}", "{:.6E}", "{:.15f}", "{:.5e}"])
def test_a_probability_may_be_written_and_rounded_as_excel_does(book, sheet, tmp_path, shown):
    for row in sheet:
        row["drawn_probability"] = row["drawn_probability"] and shown.format(float(row["drawn_probability"]))
    assert import_labels(book, saved(sheet, tmp_path / "filled.csv"))["analyst"]["answered"] == 3


def test_a_case_to_learn_from_has_no_probability(book, sheet, tmp_path):
    sheet[-1]["drawn_probability"] = "0.5"
    with pytest.raises(ParameterError, match=r"'0\.5' must stay empty: this case was not drawn by chance"):
        import_labels(book, saved(sheet, tmp_path / "filled.csv"))


def test_a_sheet_of_an_earlier_draw_fits_though_later_draws_made_its_cases_likelier(book, sheet, tmp_path):
    sample_labels(book, select_sessions(book), 20)
    later = book.drawn.set_index("case").loc[[row["case"] for row in sheet]]
    assert (later["use"].to_numpy() != [row["use"] for row in sheet]).any()
    assert later["drawn_probability"].iloc[0] > float(sheet[0]["drawn_probability"])
    for row in sheet:
        row |= {"dissatisfied": "0", "logistics": "", "ability": "", "timeliness": "", "primary": ""}
    assert import_labels(book, saved(sheet, tmp_path / "filled.csv"))["analyst"]["answered"] == 20
    labels = book.human_labels.drop_duplicates("case").set_index("case")
    assert labels["drawn_probability"].to_dict() == pytest.approx(
        later["drawn_probability"].to_dict(), nan_ok=True
    )


def test_the_order_of_rows_does_not_matter(book, sheet, tmp_path):
    import_labels(book, saved(sheet, tmp_path / "filled.csv"))
    before = book.human_labels
    import_labels(book, saved(sheet[::-1], tmp_path / "filled.csv"))
    pd.testing.assert_frame_equal(book.human_labels, before)


@pytest.mark.parametrize("sorted_alone", ["case", "session_id"])
def test_a_column_sorted_alone_is_refused(book, sheet, tmp_path, sorted_alone):
    cells = sorted((row[sorted_alone] for row in sheet), reverse=True)
    rows = [{**row, sorted_alone: cell} for row, cell in zip(sheet, cells, strict=True)]
    with pytest.raises(ParameterError, match="is not the session of this case"):
        import_labels(book, saved(rows, tmp_path / "filled.csv"))


def test_the_sheet_of_another_book_is_refused_though_its_cases_have_the_same_names(book, sheet, tmp_path):
    for row in sheet:
        row["session_id"] = f"t{row['session_id']}"
    with pytest.raises(ParameterError, match=r"nothing was saved[^$]*is not the session of this case"):
        import_labels(book, saved(sheet, tmp_path / "filled.csv"))
    assert book.human_labels.empty


def test_ids_that_excel_would_rewrite_keep_their_letters(tmp_path, book):
    ids = ["00123", "12E5", "3-4", "2026/3/4", "123456789012345678", "s1"]
    cases = sample_labels(book, select_sessions(book), 6).assign(session_id=ids)
    write_sheets(book, cases, sheet_paths(tmp_path / "ids.csv", ["analyst"]))
    with (tmp_path / "ids.csv").open(encoding="utf-8-sig") as handle:
        shown = {row["session_id"] for row in csv.DictReader(handle)}
    assert shown == {*(f"'{name}" for name in ids[:-1]), "s1"}


def test_blank_rows_that_excel_leaves_behind_are_passed_over(book, sheet, tmp_path):
    rows = [*sheet, dict.fromkeys(sheet[0], ""), dict.fromkeys(sheet[0], "")]
    assert import_labels(book, saved(rows, tmp_path / "filled.csv")) == {
        "analyst": {"answered": 3, "open": 17}
    }


def test_a_column_that_stands_twice_under_two_names_is_refused(book, sheet, tmp_path):
    rows = [{**row, "Price": "", "价格": "2"} for row in sheet]
    with pytest.raises(ParameterError, match="row 1: 'Price' is the column 'price' a second time"):
        import_labels(book, saved(rows, tmp_path / "filled.csv"))


def test_a_case_that_stands_twice_is_refused_with_both_rows(book, sheet, tmp_path):
    with pytest.raises(ParameterError, match=r"row 22 .* stands twice; first in row 2"):
        import_labels(book, saved([*sheet, sheet[0]], tmp_path / "filled.csv"))


def test_a_column_that_is_no_code_of_the_guide_is_refused(book, sheet, tmp_path):
    rows = [{**row, "colour": ""} for row in sheet]
    with pytest.raises(ParameterError, match="row 1: 'colour' is no code of the guide"):
        import_labels(book, saved(rows, tmp_path / "filled.csv"))


@pytest.mark.parametrize("name", ["drawn_probability", "session_id", "stratum", "use"])
def test_a_missing_column_of_the_draw_is_refused(book, sheet, tmp_path, name):
    for row in sheet:
        del row[name]
    with pytest.raises(ParameterError, match=f"row 1: the column '{name}' is missing"):
        import_labels(book, saved(sheet, tmp_path / "filled.csv"))


def test_all_complaints_are_listed_up_to_twenty(book, sheet, tmp_path):
    for row in sheet:
        row |= {"dissatisfied": "maybe", "price": "no", "stock": "no"}
    with pytest.raises(ParameterError, match="and 40 more") as error:
        import_labels(book, saved(sheet, tmp_path / "filled.csv"))
    assert str(error.value).count("row ") == 20


def test_another_file_is_refused(book, tmp_path):
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(ExportError):
        import_labels(book, tmp_path / "notes.csv")


def test_importing_again_replaces_what_is_answered_and_keeps_the_rest(book, sheet, tmp_path):
    import_labels(book, saved(sheet, tmp_path / "filled.csv"))
    sheet[0] |= {"logistics": "", "ability": "", "primary": "", "price": "2"}
    sheet[1] |= {"timeliness": ""}
    import_labels(book, saved(sheet, tmp_path / "filled.csv"))
    answers = read_answers(book, "analyst")
    assert answers[sheet[0]["case"]]["reasons"] == {"price": 2}
    assert answers[sheet[1]["case"]]["reasons"] == {"timeliness": 2}
    assert len(book.human_labels) == 3 * 15


def test_another_coder_never_touches_what_the_first_answered(book, sheet, tmp_path):
    import_labels(book, saved(sheet, tmp_path / "filled.csv"))
    import_labels(book, saved(sheet, tmp_path / "filled.csv"), coder="ben")
    assert book.human_labels.groupby("coder").size().to_dict() == {"analyst": 45, "ben": 45}


def test_the_commands_draw_and_read_back(book, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "sys.argv", ["csnb", "label", "sample", str(book.path), "--n", "12", "--out", str(tmp_path / "s.csv")]
    )
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 0
    assert "12 drawn: 9 at random, 3 to learn from" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["csnb", "label", "import", str(book.path), str(tmp_path / "s.csv")])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 0
    assert "analyst answered 0, 12 open" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["csnb", "label", "import", str(book.path), str(tmp_path / "none.csv")])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 2
