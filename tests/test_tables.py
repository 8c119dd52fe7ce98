import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from report_words import make_definitions

from csnb.blocks import show_quotes, show_section
from csnb.outputs import lab_style
from csnb.strings import set_language
from csnb.tables import show_table, table_html


@pytest.fixture(autouse=True)
def words(tmp_path):
    set_language("zh", make_definitions(tmp_path))
    yield tmp_path
    set_language("zh")


def results(**columns):
    """Make results of one metric; columns may be replaced."""
    frame = {
        "metric": "satisfaction_rate", "shop": ["甲", "乙", "丙"], "n": [1200, 29, 3], "value": [0.8612, 0.5, np.nan],
        "low": [0.84, 0.31, np.nan], "high": [0.88, 0.69, np.nan], "unit": "rate",
        "method": ["wilson", "wilson", "suppressed"], "rulepack": "taobao 2025-03",
    }  # fmt: skip
    return pd.DataFrame(frame | columns)


def cells(html, row):
    """Give the texts of one row that a reader sees; row 0 is the head."""
    found = (
        BeautifulSoup(html, "html.parser")
        .select("tr")[row]
        .select("th:not([hidden]), td:not([hidden], .drawn)")
    )
    return [cell.get_text(" ", strip=True) for cell in found]


def test_a_section_without_a_row_has_no_heading_and_its_table_is_left_out(displayed):
    empty, full = results().iloc[:0], results()
    show_section("findings", [empty, empty])
    show_table(empty, "shops", even_empty=False)
    show_quotes(pd.DataFrame(columns=["session_id", "text"]), even_empty=False)
    assert displayed == []
    show_section("findings", [empty, full])
    show_table(full, "shops", even_empty=False)
    assert len(displayed) == 2


def test_control_limits_are_no_interval():
    assert cells(table_html(results(method="laney"), "days"), 0) == ["店铺", "数值", "平时范围", "样本量"]
    assert cells(table_html(results(), "days"), 0) == ["店铺", "数值", "区间", "样本量"]


def test_ranks_beside_rates_are_whole_numbers():
    ranks = results(rank_low=pd.array([1, 2, None], "Int64"), rank_high=pd.array([3, 40, None], "Int64"))
    html = table_html(ranks, "shops", ["shop", "value", "rank_low", "rank_high"])
    assert [cells(html, row)[-1] for row in (1, 2, 3)] == ["1–3", "2–40", "—"]


def test_results_read_value_interval_and_n_in_the_unit_of_their_row():
    html = table_html(results(), "shops")
    assert cells(html, 0) == ["店铺", "数值", "区间", "样本量"]
    assert cells(html, 1) == ["甲", "86.1%", "84.0–88.0%", "1,200"]


def test_a_table_may_say_what_its_values_are():
    assert cells(table_html(results(), "compared"), 0) == ["店铺", "实际", "区间", "样本量"]


def test_a_small_group_is_marked_and_a_suppressed_one_says_so():
    html = table_html(results(), "shops")
    assert cells(html, 2) == ["乙", "50.0%", "31.0–69.0%", "29 参考"]
    assert cells(html, 3) == ["丙", "已隐藏", "—", "3"]


def test_thirty_is_not_small():
    assert cells(table_html(results(n=[1200, 30, 3]), "shops"), 2)[-1] == "30"


def test_the_same_table_reads_in_english(words):
    set_language("en", words)
    html = table_html(results(), "shops")
    assert cells(html, 0) == ["Shop", "Value", "Interval", "n"]
    assert cells(html, 3) == ["丙", "suppressed", "—", "3"]


def test_several_metrics_are_named_and_one_is_not():
    two = results(metric=["satisfaction_rate", "satisfaction_rate", "bot_share"])
    assert cells(table_html(two, "shops"), 1)[:2] == ["满意率", "甲"]
    assert "满意率" not in cells(table_html(results(), "shops"), 1)


def test_a_difference_of_rates_is_in_points():
    frame = results(difference=[-0.018, 0.02, np.nan], difference_low=[-0.03, 0.01, np.nan],
                    difference_high=[-0.004, 0.03, np.nan], p_value=[0.0004, 0.2, np.nan])  # fmt: skip
    html = table_html(frame, "shops", ["shop", "difference", "difference_low", "difference_high", "p_value"])
    assert cells(html, 1) == ["甲", "−1.8 个百分点", "−3.0 至 −0.4 个百分点", "<0.001"]


def test_other_columns_are_read_by_the_end_of_their_name():
    frame = pd.DataFrame(
        {"day": ["2026-11-16"], "slow_rate": [0.25], "wait_seconds": [210.0], "row_count": [12345], "is_new": [True],
         "side": ["controllable"], "shop": [None], "load": [2.345]}
    )  # fmt: skip
    assert cells(table_html(frame, "t"), 1) == [
        "2026年11月16日",
        "25.0%",
        "3.5 分钟",
        "12,345",
        "是",
        "可控",
        "—",
        "2.35",
    ]


def test_columns_are_picked_and_ordered_and_a_note_stands_below():
    html = table_html(results(), "shops", ["n", "shop"], note="只计已评价")
    assert cells(html, 0) == ["样本量", "店铺"]
    assert BeautifulSoup(html, "html.parser").select_one(".note").text == "只计已评价"


def test_every_cell_keeps_what_sorting_and_the_csv_need_unrounded():
    row = BeautifulSoup(table_html(results(value=[0.861234567, 0.5, np.nan]), "shops"), "html.parser").select(
        "tr"
    )[1]
    assert [cell["data-v"] for cell in row.select(".number")] == ["0.861234567", "0.84|0.88", "1200"]
    assert [cell.text for cell in row.select("[hidden]")] == [
        "满意率",
        "比例（0–1）",
        "Wilson 区间",
        "淘宝（2025-03起）",
    ]


def test_weekdays_are_read_in_words():
    frame = pd.DataFrame({"weekday": pd.array([1, 7], "Int64"), "n": [50, 60]})
    html = table_html(frame, "t")
    assert [cells(html, row)[0] for row in (1, 2)] == ["周一", "周日"]


def test_head_and_rows_have_the_same_number_of_cells():
    rows = BeautifulSoup(table_html(results(), "shops"), "html.parser").select("tr")
    assert len({len(row.find_all(["th", "td"])) for row in rows}) == 1


def test_an_interval_is_drawn_on_one_scale_for_all_rows():
    three = results(low=[0.2, 0.4, 0.6], high=[0.4, 0.6, 0.8], value=[0.3, 0.5, 0.7], method="wilson")
    lines = BeautifulSoup(table_html(three, "shops"), "html.parser").select("line")
    assert [line["x2"] for line in lines[:2]] == [line["x1"] for line in lines[1:]]


def test_an_interval_without_a_unit_of_its_own_has_that_of_its_column():
    frame = pd.DataFrame({"over_share": [0.45], "over_share_low": [0.18], "over_share_high": [0.67]})
    assert "18.0–67.0%" in table_html(frame, "shares")


def test_results_without_any_interval_show_no_column_of_dashes():
    html = table_html(results(low=np.nan, high=np.nan), "shops")
    assert cells(html, 0) == ["店铺", "数值", "样本量"]


def test_a_table_without_rows_says_so():
    assert "没有符合的记录" in table_html(results().head(0), "shops")


def test_the_table_does_not_change_its_frame():
    frame = results()
    table_html(frame, "shops")
    pd.testing.assert_frame_equal(frame, results())


def test_what_a_customer_wrote_is_marked_as_a_quote_in_a_table_too():
    page = BeautifulSoup(table_html(pd.DataFrame({"quote": ["等很久了 <b>", None]}), "cases"), "html.parser")
    assert [cell.get_text() for cell in page.select("td")] == ["等很久了 <b>", "—"]
    assert [quote.get_text() for quote in page.select("td > q")] == ["等很久了 <b>"]


def test_what_is_shown_in_the_lab_has_its_style_and_a_plain_form(displayed):
    show_table(results(), "shops")
    assert displayed[0]["text/html"].startswith(lab_style())
    assert displayed[0]["text/html"].count("<script>") == 1
    assert "satisfaction_rate" in displayed[0]["text/plain"]


def test_truth_values_are_words_and_a_missing_one_is_a_dash():
    frame = pd.DataFrame({"shop": ["甲", "乙", "丙"], "is_repeat": pd.array([True, False, None], "boolean")})
    soup = BeautifulSoup(table_html(frame, "reasons"), "html.parser")
    assert [row.find_all("td")[1].text for row in soup.find("tbody").find_all("tr")] == ["是", "否", "—"]


@pytest.mark.parametrize(
    ("word", "is_long"),
    [
        ("Waited 10 minutes or", False),
        ("Waited 10 minutes or more", True),
        ("等" * 12, False),
        ("等" * 13, True),
    ],
)
def test_only_a_wide_text_is_broken_into_lines(word, is_long):
    assert ('class="long"' in table_html(pd.DataFrame({"note": [word]}), "notes")) == is_long
