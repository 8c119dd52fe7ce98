"""The workbook of a report: what the page shows, raw and formatted, with nothing that Excel would run."""

import io
import re
import zipfile

import fastexcel
import numpy as np
import pandas as pd
import pytest
from report_words import make_definitions

from csnb.charts import plot_ranking
from csnb.figures import chart_html
from csnb.strings import set_language, texts
from csnb.tables import table_html
from csnb.workbook import Table, page_tables, workbook_bytes

HOSTILE = [
    "=1+1",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "＝1+1",
    "https://a.b/c",
    "{=1}",
]


@pytest.fixture(autouse=True)
def words(tmp_path):
    set_language("zh", make_definitions(tmp_path))


def results():
    """Make results of one metric over three shops, the last suppressed."""
    return pd.DataFrame(
        {
            "metric": "satisfaction_rate", "shop": ["甲", "乙", "丙"], "n": [1200, 29, 3], "value": [0.8612, 0.5, np.nan],
            "low": [0.84, 0.31, np.nan], "high": [0.88, 0.69, np.nan], "unit": "rate",
            "method": ["wilson", "wilson", "suppressed"], "rulepack": "taobao 2025-03",
        }
    )  # fmt: skip


def written(*tables):
    """Write tables and give the names of the sheets and the sheets as lists of rows, the first one left out."""
    book = fastexcel.read_excel(workbook_bytes(list(tables), "周报", ["一行"]))
    sheets = [book.load_sheet(name, header_row=None).to_polars().rows() for name in book.sheet_names[1:]]
    return book.sheet_names, sheets


def part(data, name):
    """Give one part of a workbook as text."""
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        return parts.read(name).decode()


def test_a_table_has_readable_heads_raw_numbers_with_units_and_both_ends_of_its_interval():
    (table,) = page_tables(table_html(results(), "shops"))
    seen = [name for place, name in enumerate(table.heads) if place not in table.hidden]
    assert seen == ["店铺", "数值", "区间下限", "区间上限", "样本量"]
    first, _, last = ([row[table.heads.index(name)] for name in seen] for row in table.rows)
    assert first == [("甲", None), (0.8612, "rate"), (0.84, "rate"), (0.88, "rate"), (1200, "count")]
    assert last == [("丙", None), ("已隐藏", None), (None, "rate"), (None, "rate"), (3, "count")]


def test_the_method_and_the_rules_are_kept_in_hidden_columns_in_words():
    (table,) = page_tables(table_html(results(), "shops"))
    data = workbook_bytes([table], "周报", [])
    assert [table.rows[0][place][0] for place in table.hidden] == [
        "满意率",
        "比例（0–1）",
        "Wilson 区间",
        "淘宝（2025-03起）",
    ]
    assert part(data, "xl/worksheets/sheet2.xml").count('hidden="1"') == 4


def test_tables_stand_in_reading_order_under_their_section_those_behind_charts_too():
    page = (
        '<h2 class="section" id="a">等待</h2>'
        + chart_html(plot_ranking(results()).to_plotly_json())
        + table_html(results(), "shops", note="只看有评价的。")
    )
    tables = page_tables(page)
    assert [(table.section, table.title, table.note) for table in tables] == [
        ("等待", "满意率：按店铺", ""),
        ("等待", "等待", "只看有评价的。"),
    ]


def test_days_are_dates_and_a_missing_value_is_an_empty_cell():
    frame = pd.DataFrame({"day": ["2026-11-16"], "reason": [None], "first_response_seconds": [42.0]})
    (table,) = page_tables(table_html(frame, "days"))
    _, [sheet] = written(table)
    assert [str(sheet[1][0])[:10], *sheet[1][1:]] == ["2026-11-16", None, "42"]


@pytest.mark.parametrize(
    "unit", sorted(key.removeprefix("unit.") for key in texts("zh") if key.startswith("unit."))
)
def test_every_unit_that_a_page_may_show_has_a_format(unit):
    assert workbook_bytes([Table("", "表", "", ["列"], [[(1.0, unit)]])], "", [])


def test_numbers_carry_the_format_of_their_unit():
    units = [[(0.5, "rate"), (30.0, "seconds"), (3.0, "count"), (1.5, "ratio"), (0.01, "p"), (2.0, "hours")]]
    data = workbook_bytes([Table("", "表", "", list("abcdef"), units)], "", [])
    patterns = set(re.findall(r'formatCode="([^"]*)"', part(data, "xl/styles.xml")))
    assert {"0.0%", "0.0&quot; 秒&quot;", "0.0&quot; 小时&quot;", "0.000"} <= patterns


def test_hostile_cells_are_text_and_stay_text_when_they_are_edited():
    table = Table("", "=1+1", "", ["=cmd"], [[(words, None)] for words in HOSTILE])
    data = workbook_bytes([table], "=1+1", ["@SUM(A1)"])
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if "worksheets/sheet" in name]
        assert not any("hyperlinks" in name or "_rels/sheet" in name for name in parts.namelist())
    assert not any("<f>" in sheet or "<f " in sheet for sheet in sheets)
    assert 'quotePrefix="1"' in part(data, "xl/styles.xml")
    _, [sheet] = written(table)
    assert [row[0] for row in sheet[1:]] == HOSTILE


def test_every_sheet_has_a_name_of_its_own_that_excel_takes():
    titles = ["同名", "同名", "a/b\\c[d]:e*f?'", "很长的名字" * 20]
    names, _ = written(*(Table("", title, "", ["列"], [[("x", None)]]) for title in titles))
    assert names[:3] == ["目录", "1 同名", "2 同名"]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 31 and not re.search(r"[\[\]:*?/\\']", name) for name in names)


def test_heads_are_frozen_and_filter():
    data = workbook_bytes(page_tables(table_html(results(), "shops")), "周报", [])
    sheet = part(data, "xl/worksheets/sheet2.xml")
    assert 'state="frozen"' in sheet and "<autoFilter" in sheet


def test_the_first_sheet_lists_the_tables_with_links():
    data = workbook_bytes([Table("等待", "店铺", "秒", ["列"], [[("x", None)]])], "周报", ["全部店铺"])
    first = fastexcel.read_excel(data).load_sheet(0, header_row=None).to_polars().rows()
    assert first[0][0] == "周报" and first[1][0] == "全部店铺"
    assert first[-1] == ("1 店铺", "等待", "1", "秒")
    assert "'1 店铺'!A1" in part(data, "xl/worksheets/sheet1.xml")


def test_equal_tables_give_equal_bytes():
    tables = page_tables(table_html(results(), "shops"))
    assert workbook_bytes(tables, "周报", []) == workbook_bytes(tables, "周报", [])
    assert "2000-01-01T00:00:00Z" in part(workbook_bytes(tables, "周报", []), "docProps/core.xml")
