"""What other people wrote comes out of a page as text: in the CSV of a table and in the page's workbook."""

import csv
import io
import zipfile

import pandas as pd
import pytest

from csnb.pages import Download, render_page
from csnb.tables import table_html
from csnb.workbook import XLSX, page_tables, workbook_bytes

HOSTILE = ["=1+1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", '=HYPERLINK("a")', "＝1+1", "－1+1"]
NUMBERS = ["-5", "+3.5", "1e3"]


@pytest.fixture
def page(browser, tmp_path):
    """Open a page whose one table holds hostile words beside plain numbers, offline."""
    frame = pd.DataFrame({"shop": HOSTILE + NUMBERS, "difference": [-0.5] * 10})
    body = f'<div class="csnb">{table_html(frame, "shops")}</div>'
    workbook = workbook_bytes(page_tables(body), "=1+1", [])
    offer = Download("shops.xlsx", XLSX, "Excel", workbook)
    html = render_page("=1+1", "", [], body, [], {}, ("tables.js", "page.js"), offer)
    (tmp_path / "page.html").write_text(html, "utf-8")
    context = browser.new_context(offline=True, accept_downloads=True)
    opened = context.new_page()
    opened.goto((tmp_path / "page.html").as_uri())
    yield opened
    context.close()


def downloaded(page, selector):
    """Click on a download and give its bytes."""
    with page.expect_download() as waiting:
        page.locator(selector).click()
    return waiting.value.path().read_bytes()


def test_a_csv_cell_that_begins_like_a_formula_gets_an_apostrophe_and_a_number_none(page):
    content = downloaded(page, ".table .tools button >> nth=-1").decode("utf-8-sig")
    _, *rows = csv.reader(io.StringIO(content, newline=""))
    assert [row[0] for row in rows] == [f"'{words}" for words in HOSTILE] + NUMBERS
    assert {row[1] for row in rows} == {"-0.5"}


def test_the_workbook_comes_out_as_it_was_put_in_and_holds_no_formula(page):
    data = downloaded(page, ".take a")
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        assert parts.testzip() is None
        sheets = [parts.read(name).decode() for name in parts.namelist() if "worksheets/sheet" in name]
    assert len(sheets) == 2
    assert not any("<f" in sheet.replace("<filter", "") for sheet in sheets)
