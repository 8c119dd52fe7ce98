import json

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from report_words import make_definitions

from csnb.charts import (
    plot_distribution,
    plot_heatmap,
    plot_pareto,
    plot_ranking,
    plot_share,
    plot_trend,
)
from csnb.errors import ParameterError
from csnb.figures import chart_html
from csnb.strings import set_language
from csnb.theme import read_theme

ATTACK = '<script>alert(1)</script><b>"x"</b>&'
PAPER = read_theme()["light"]["paper"]


@pytest.fixture(autouse=True)
def words(tmp_path):
    set_language("zh", make_definitions(tmp_path))
    yield tmp_path
    set_language("zh")


def results(by, values, n=100, unit="rate", metric="satisfaction_rate", **columns):
    """Make results over the columns of `by`, each value ten points wide."""
    frame = pd.DataFrame({"metric": metric, **by})
    value = pd.Series(values, dtype=float)
    wide = 0.05 if unit == "rate" else 5.0
    return frame.assign(
        n=n,
        value=value,
        low=value - wide,
        high=value + wide,
        unit=unit,
        method="wilson",
        rulepack="x",
        **columns,
    )


def days(values, **rest):
    return results({"day": [f"2026-11-{16 + at}" for at in range(len(values))]}, values, **rest)


def lines(figure):
    """Give the traces with marks a reader can touch."""
    return [trace for trace in figure.data if trace.hoverinfo == "text"]


def page_of(figure):
    return BeautifulSoup(chart_html(json.loads(figure.to_json())), "html.parser")


FIGURES = {
    "trend": lambda: plot_trend(days([0.8, 0.9])),
    "ranking": lambda: plot_ranking(results({"shop": ["甲", "乙"]}, [0.8, 0.9])),
    "share": lambda: plot_share(results({"side": ["controllable", "mixed"]}, [0.4, 0.6])),
    "heatmap": lambda: plot_heatmap(
        results({"shop": ["甲", "乙"], "hour": [8, 9]}, [0.4, 0.6]), "hour", "shop"
    ),
    "distribution": lambda: plot_distribution(
        pd.Series([1.0, 50, 200], name="first_response_seconds"), "seconds"
    ),
    "pareto": lambda: plot_pareto(results({"reason": ["price", "ability"]}, [30, 70], unit="count")),
}
EMPTY = {
    "trend": lambda: plot_trend(days([])),
    "all missing": lambda: plot_trend(days([np.nan, np.nan])),
    "ranking": lambda: plot_ranking(results({"shop": ["甲"]}, [np.nan])),
    "share": lambda: plot_share(results({"side": ["mixed"]}, [np.nan])),
    "heatmap": lambda: plot_heatmap(results({"shop": ["甲"], "hour": [8]}, [np.nan]), "hour", "shop"),
    "distribution": lambda: plot_distribution(
        pd.Series([], dtype=float, name="first_response_seconds"), "seconds"
    ),
    "pareto": lambda: plot_pareto(results({"reason": ["price"]}, [np.nan])),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_chart_has_a_title_a_text_for_those_who_do_not_see_it_and_its_rows(name):
    meta = FIGURES[name]().layout.meta
    assert meta["title"] and meta["alt"].endswith("。") and meta["rows"]["data"]


@pytest.mark.parametrize("name", FIGURES)
def test_every_chart_speaks_english_when_asked(name, words):
    set_language("en", words)
    figure = FIGURES[name]()
    texts = [figure.layout.meta["title"], figure.layout.meta["alt"], figure.layout.xaxis.title.text or ""]
    assert not any(
        "\u4e00" <= sign <= "\u9fff" for text in texts for sign in text.replace("甲", "").replace("乙", "")
    )


@pytest.mark.parametrize("name", EMPTY)
def test_nothing_to_draw_is_said_in_the_chart_and_its_text(name):
    figure = EMPTY[name]()
    assert not figure.data
    assert figure.layout.annotations[0].text == "本期没有可以展示的数据"
    assert "没有可以展示的数据" in figure.layout.meta["alt"]


def test_a_trend_draws_percent_with_its_band_and_says_n_and_interval_on_touch():
    figure = plot_trend(days([0.8, 0.9]))
    band, line = figure.data
    assert line.y == pytest.approx([80, 90])
    assert [y for y in band.y if y is not None] == pytest.approx([85, 95, 85, 75])
    assert line.hovertext[0] == "2026年11月16日<br><b>80.0%（75.0–85.0%）</b><br>样本量 100"
    assert figure.layout.yaxis.title.text == "满意率（%）"


def test_a_missing_day_parts_the_line_and_the_band():
    band, line = plot_trend(days([0.8, np.nan, 0.9])).data
    assert np.isnan(line.y[1])
    assert list(band.x).count(None) == 2 and "2026-11-17" not in band.x


def test_sessions_without_a_day_stay_in_the_rows_only():
    frame = results({"day": ["2026-11-16", "unknown"]}, [0.8, 0.9])
    figure = plot_trend(frame)
    assert list(lines(figure)[0].x) == ["2026-11-16"]
    assert [row[1] for row in figure.layout.meta["rows"]["data"]] == ["2026-11-16", "unknown"]


def test_a_point_under_thirty_is_hollow():
    marker = lines(plot_trend(days([0.8, 0.9], n=[29, 30])))[0].marker
    assert [colour == PAPER for colour in marker.color] == [True, False]


def test_two_groups_are_two_named_lines_with_bands_of_their_colour():
    frame = results({"day": ["2026-11-16"] * 2, "platform": ["taobao", "jd"]}, [0.8, 0.9])
    figure = plot_trend(frame)
    assert {trace.name for trace in lines(figure)} == {"淘宝", "京东"}
    bands = [trace for trace in figure.data if trace.fill]
    assert [band.fillcolor for band in bands] == [line.line.color for line in lines(figure)]
    assert figure.layout.showlegend


def test_numbers_as_parts_have_a_scale_from_the_largest_down():
    figure = plot_share(results({"score": ["1", "3", "5"]}, [0.2, 0.3, 0.5]))
    theme = read_theme()["light"]
    bars = [trace.marker.color for trace in figure.data if trace.type == "bar"]
    assert bars == [theme["scale5"], theme["scale3"], theme["scale1"]]


def test_a_long_name_is_cut_on_the_axis_and_whole_on_touch():
    figure = plot_ranking(results({"shop": ["海棠家居旗舰店第一分店", "B"]}, [0.8, 0.9]))
    assert figure.layout.yaxis.ticktext[1].startswith("海棠家居旗舰店第一分店<br>")
    long = plot_ranking(results({"shop": ["海棠家居旗舰店第一分店之二店", "B"]}, [0.8, 0.9]))
    assert long.layout.yaxis.ticktext[1].startswith("海棠家居旗舰店第一分店…<br>")
    assert lines(long)[0].hovertext[1].startswith("海棠家居旗舰店第一分店之二店<br>")


def test_of_many_groups_the_four_largest_are_lines_and_the_caption_says_so():
    frame = results(
        {"day": ["2026-11-16"] * 6, "shop": list("abcdef")}, [0.8] * 6, n=[10, 60, 50, 40, 30, 20]
    )
    figure = plot_trend(frame)
    assert [line.name for line in lines(figure)] == ["b", "c", "d", "e"]
    assert page_of(figure).figcaption.text.endswith("前 4 项，共 6 项")


def test_this_period_comes_first_whatever_its_size():
    frame = results(
        {"hour": [9] * 3, "period": ["before_last", "last", "this"]}, [5, 9, 2], unit="count", n=[5, 9, 2]
    )
    names = [line.name for line in lines(plot_trend(frame, by="hour"))]
    assert names == ["本期", "上期", "上上期"]


def test_a_second_column_with_one_value_is_still_one_line_with_a_band():
    frame = results({"platform": ["taobao"] * 2, "day": ["2026-11-16", "2026-11-17"]}, [0.8, 0.9])
    assert len(plot_trend(frame).data) == 2 and not plot_trend(frame).layout.showlegend


def test_bands_of_words_keep_the_order_they_come_in():
    frame = results({"load_band": ["2-5", "10+", "0-1"]}, [0.8, 0.7, 0.9])
    assert list(lines(plot_trend(frame, by="load_band"))[0].x) == ["2-5", "10+", "0-1"]


def test_waits_are_drawn_in_the_unit_they_are_read_in():
    figure = plot_trend(days([300.0, 600.0], unit="seconds", metric="first_response_seconds"))
    assert lines(figure)[0].y == pytest.approx([5, 10])
    assert figure.layout.yaxis.title.text == "首次响应时长（分钟）"


def test_a_ranking_falls_and_tells_n_beside_the_name():
    figure = plot_ranking(
        results({"shop": ["甲", "乙", "丙"]}, [0.8, 0.9, np.nan], n=[10, 2000, 3]), overall=0.85
    )
    assert lines(figure)[0].x == pytest.approx([90, 80])
    assert "乙" in figure.layout.yaxis.ticktext[0] and "n = 2,000" in figure.layout.yaxis.ticktext[0]
    assert "整体 85.0%" in [note.text for note in figure.layout.annotations]
    assert figure.layout.meta["alt"] == "满意率按店铺排列，共 2 组：最高 乙（90.0%），最低 甲（80.0%）。"


def test_a_long_ranking_draws_thirty_and_keeps_all_rows():
    frame = results({"agent_id": [f"a{at:02}" for at in range(40)]}, np.linspace(0.5, 0.9, 40))
    figure = plot_ranking(frame)
    assert len(lines(figure)[0].x) == 30 and len(figure.layout.meta["rows"]["data"]) == 40
    assert "前 30 项，共 40 项" in page_of(figure).figcaption.text


def test_shares_are_one_bar_in_the_colours_of_their_sides():
    figure = plot_share(results({"side": ["controllable", "uncontrollable"]}, [0.4, 0.6]))
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert [bar.x[0] for bar in bars] == pytest.approx([40, 60])
    theme = read_theme()["light"]
    assert [bar.marker.color for bar in bars] == [theme["controllable"], theme["uncontrollable"]]
    assert "可控 40.0%（35.0–45.0%）、不可控 60.0%（55.0–65.0%）" in figure.layout.meta["alt"]


def test_bounds_without_a_value_are_drawn_without_a_bar():
    frame = results({"side": ["controllable", "mixed"]}, [0.4, 0.6]).assign(value=np.nan)
    figure = plot_share(frame)
    assert not [trace for trace in figure.data if trace.type == "bar"]
    assert next(list(trace.x) for trace in figure.data if trace.mode == "lines") == pytest.approx([35, 45])
    assert "可控 35.0–45.0%" in figure.layout.meta["alt"]
    assert ">35.0–45.0%<" in figure.layout.yaxis.ticktext[0]


def test_a_heatmap_orders_hours_and_leaves_what_is_missing_empty():
    frame = results({"shop": ["甲", "甲", "乙"], "hour": [10, 9, 9]}, [0.5, 0.6, 0.7])
    figure = plot_heatmap(frame, x="hour", y="shop")
    cells = figure.data[0]
    assert list(cells.x) == ["9", "10"] and list(cells.y) == ["甲", "乙"]
    assert cells.z[0] == pytest.approx([60, 50]) and np.isnan(np.array(cells.z[1], float)[1])
    assert cells.hovertext[1][0] == "乙 · 9<br><b>70.0%（65.0–75.0%）</b><br>样本量 100"


def test_a_heatmap_shows_days_without_their_year():
    frame = results({"shop": ["甲"], "day": ["2026-11-16"]}, [0.5])
    figure = plot_heatmap(frame, "day", "shop")
    assert figure.layout.xaxis.labelalias == {"2026-11-16": "11/16"}
    assert "甲 · 2026年11月16日（50.0%）" in figure.layout.meta["alt"]


def test_only_a_heat_map_whose_cells_share_no_session_adds_up_its_n():
    hints = results({"agent_id": ["甲", "甲"], "hint": ["ability", "capacity"]}, [0.2, 0.4])
    shops = results({"shop": ["甲", "乙"], "hour": [9, 9]}, [0.2, 0.4])
    assert plot_heatmap(hints.assign(metric="hint_strength"), "hint", "agent_id").layout.meta["note"] == ""
    assert plot_heatmap(shops, "hour", "shop").layout.meta["note"] == "n = 200"


def test_a_distribution_marks_median_and_ninetieth_percentile():
    figure = plot_distribution(
        pd.Series(range(1, 102), name="first_response_seconds", dtype=float), "seconds"
    )
    assert [note.text for note in figure.layout.annotations] == ["中位数 51 秒", "90% 分位 91 秒"]
    assert figure.data[0].y[-1] == pytest.approx(100)
    assert len(figure.data[0].x) <= 200


def test_missing_values_are_not_counted_in_a_distribution():
    figure = plot_distribution(pd.Series([10, np.nan, 30], name="first_response_seconds"), "seconds")
    assert "样本量 2" in figure.layout.meta["alt"]


def test_the_one_platform_of_a_heat_map_and_all_it_stands_on_are_named():
    cells = results({"platform": ["taobao"] * 2, "hour": [9, 10], "weekday": [1, 1]}, [0.3, 0.4])
    figure = plot_heatmap(cells, x="hour", y="weekday")
    assert figure.layout.meta["title"].startswith("淘宝 · ") and figure.layout.meta["note"] == "n = 200"
    both = cells.assign(platform=["taobao", "jd"])
    assert not plot_heatmap(both, x="hour", y="weekday").layout.meta["title"].startswith("淘宝")


def test_a_pareto_tells_what_has_added_up_only_where_groups_do_not_overlap():
    table = results({"reason": ["price", "ability"]}, [30, 70], unit="count", n=80)
    assert list(plot_pareto(table).data[0].text) == ["70（65–75）", "30（25–35）"]
    assert plot_pareto(table).layout.meta["note"] == "80 段会话，一段可有多个"


def test_a_pareto_falls_tells_what_has_added_up_and_leads_to_its_quotes():
    figure = plot_pareto(results({"reason": ["price", "ability"]}, [30, 70], unit="count"), adds_up=True)
    bar = figure.data[0]
    assert list(bar.x) == [70, 30]
    assert list(bar.text) == ["70（65–75） · 累计 70.0%", "30（25–35） · 累计 100.0%"]
    assert list(bar.customdata) == ["reason=ability", "reason=price"]


def test_bars_of_one_name_say_what_tells_them_apart():
    reasons = {
        "reason": ["ability", "price", "ability"],
        "owner": ["agent", "merchandising", "cs_management"],
    }
    ticks = plot_pareto(results(reasons, [70, 30, 10], unit="count")).layout.yaxis.ticktext
    assert len(set(ticks)) == 3
    assert (
        len(
            set(
                plot_pareto(
                    results({"reason": ["a", "b"], "owner": ["x", "x"]}, [2, 1])
                ).layout.yaxis.ticktext
            )
        )
        == 2
    )


def test_several_metrics_in_one_chart_are_refused():
    two = pd.concat([days([0.8]), days([0.8], metric="reply_rate")])
    with pytest.raises(ParameterError, match="one metric"):
        plot_trend(two)


def test_a_chart_over_a_column_the_results_lack_is_refused_by_name():
    with pytest.raises(ParameterError, match=r"grouped by \['day'\].*needs \['shop'\]"):
        plot_heatmap(days([0.8]), x="day", y="shop")


def test_results_are_not_changed_by_drawing():
    frame = days([0.8, 0.9])
    plot_trend(frame)
    pd.testing.assert_frame_equal(frame, days([0.8, 0.9]))


@pytest.mark.parametrize("draw", [plot_ranking, plot_pareto, plot_share])
def test_hostile_names_stay_text_in_the_chart_and_in_its_page(draw):
    figure = draw(results({"shop": [ATTACK, "b"]}, [0.4, 0.6], metric=ATTACK))
    spec = json.loads(figure.to_json())
    drawn = [
        spec["layout"]["title"]["text"],
        *spec["layout"]["yaxis"]["ticktext"],
        spec["layout"]["xaxis"]["title"]["text"],
    ]
    assert not any("<script" in words or "<b>" in words for words in drawn)
    page = chart_html(spec)
    assert page.count("<script") == 1 and page.count("</script>") == 1
    assert not BeautifulSoup(page, "html.parser").select("b, img")


def test_a_page_shows_caption_alt_text_and_the_rows_as_a_table():
    page = page_of(plot_ranking(results({"shop": ["甲", "乙"]}, [0.8, 0.9])))
    assert page.select_one("figcaption").text == "满意率：按店铺"
    assert page.select_one(".plot")["aria-label"].startswith("满意率按店铺排列")
    assert page.select_one("details summary").text == "图表数据（2 行）"
    assert [cell.text for cell in page.select("tbody tr")[0].select("td:not([hidden])")] == [
        "甲",
        "80.0%",
        "75.0–85.0%",
        "100",
    ]


def test_what_a_page_draws_carries_no_second_title_and_no_rows():
    spec = json.loads(page_of(plot_trend(days([0.8, 0.9]))).select_one(".spec").text)
    assert spec["layout"]["title"]["text"] == "" and "meta" not in spec["layout"]
    assert spec["config"]["showSendToCloud"] is False


def test_missing_values_come_through_the_page_as_missing():
    page = page_of(plot_trend(days([0.8, np.nan])))
    assert page.select("tbody tr")[1].select("td:not([hidden])")[1].text == "—"
