"""Charts of days and of pulls: what is drawn, what is named, and what is said when there is nothing."""

import json

import numpy as np
import pandas as pd
from two_weeks import two_weeks

from csnb.charts import show_chart
from csnb.charts_control import plot_control, plot_pulls
from csnb.figures import chart_html
from csnb.pulls import measure_pulls
from csnb.signals import find_breaks, measure_control
from csnb.theme import read_theme
from csnb.windows import list_calendar

SATISFACTION = "satisfaction_rate"
COLOURS = read_theme()["light"]
CHANGED = pd.DataFrame({"metric": [SATISFACTION], "judgement": ["work"]})
NO_CALENDAR = pd.DataFrame(
    {"first_day": [], "last_day": [], "event": [], "shop": [], "note": []}, dtype="str"
)


def words_of(figure):
    """Give the words that stand in a figure."""
    return [annotation.text for annotation in figure.layout.annotations]


def test_each_platform_has_a_panel_and_a_day_beyond_its_limits_is_marked():
    sessions = two_weeks(weeks=3)
    bad = sessions["day"] == "2026-03-20"
    both = pd.concat(
        [sessions.assign(is_satisfied=sessions["is_satisfied"] & ~bad), sessions.assign(platform="jd")]
    )
    figure = plot_control(measure_control(both, SATISFACTION), NO_CALENDAR)
    assert words_of(figure) == ["京东", "淘宝"]
    marked = [trace for trace in figure.data if trace.mode == "markers" and len(trace.x)]
    assert [list(trace.x) for trace in marked] == [["2026-03-20"]]
    assert "1 天超出正常波动" in figure.layout.meta["alt"]


def test_events_and_rule_changes_are_drawn_and_named():
    sessions = two_weeks().assign(
        rulepack=lambda rows: np.where(rows["day"] < "2026-03-10", "taobao 2000", "taobao 2026")
    )
    at = pd.to_datetime(pd.Series(["2026-03-05 20:00", "2026-02-01 20:00"])).dt.tz_localize("Asia/Shanghai")
    events = pd.DataFrame({"starts_at": at, "ends_at": at, "kind": "live", "shop": None, "note": None})
    figure = plot_control(measure_control(sessions, SATISFACTION), list_calendar(events, sessions))
    assert words_of(figure) == ["淘宝", "直播", "规则换版"]
    assert sorted(shape.type for shape in figure.layout.shapes) == ["line", "rect"]


def test_levels_before_and_after_a_break_are_lines():
    sessions = two_weeks(
        weeks=6, per_day=300, rate=lambda rows: np.where(rows["day"] < "2026-03-20", 0.85, 0.6)
    )
    control = measure_control(sessions, SATISFACTION)
    figure = plot_control(control, NO_CALENDAR, find_breaks(control))
    levels = [trace for trace in figure.data if trace.line.width == 3]
    assert [len(trace.x) for trace in levels] == [2, 2]
    assert levels[0].y[0] > 80 > 65 > levels[1].y[0]
    assert figure.layout.meta["note"] == "1 个变点"
    steady = measure_control(two_weeks(weeks=3), SATISFACTION)
    assert plot_control(steady, NO_CALENDAR, find_breaks(steady)).layout.meta["note"] == "没有变点"


def test_nothing_measured_is_said_so():
    unrated = two_weeks().assign(is_rated=False)
    assert words_of(plot_control(measure_control(unrated, SATISFACTION), NO_CALENDAR)) == [
        "本期没有可以展示的数据"
    ]


def test_pulls_are_bars_blue_for_better_and_brown_for_worse():
    sessions = two_weeks(rate=lambda rows: np.where(rows["is_this"] & (rows["product"] == "one"), 0.5, 0.8))
    pulls = measure_pulls(sessions, CHANGED, SATISFACTION, ["product"])
    figure = plot_pulls(pulls, SATISFACTION)
    bars = figure.data[0]
    assert list(bars.x) == list(pulls["value"] * 100)
    assert bars.marker.color[0] == COLOURS["uncontrollable"]
    assert "商品「one」" in figure.layout.yaxis.ticktext[0]
    slower = plot_pulls(
        pulls.assign(metric="typical_response_seconds", unit="seconds"), "typical_response_seconds"
    )
    assert slower.data[0].marker.color[0] == COLOURS["accent"]


def test_a_pull_within_chance_is_grey():
    quiet = two_weeks(seed=3)
    figure = plot_pulls(measure_pulls(quiet, CHANGED, SATISFACTION, ["product"]), SATISFACTION)
    assert set(figure.data[0].marker.color) == {COLOURS["rule"]}


def test_days_of_few_cases_are_not_drawn_and_the_caption_says_so():
    sessions = two_weeks(weeks=3)
    small = {"2026-03-05": 4, "2026-03-06": 5}
    kept = [rows.head(small.get(day, len(rows))) for day, rows in sessions.groupby("day")]
    figure = plot_control(measure_control(pd.concat(kept), SATISFACTION), NO_CALENDAR)
    line = next(trace for trace in figure.data if trace.mode == "lines+markers")
    assert np.flatnonzero(np.isnan(list(line.y))).tolist() == [3]
    assert [colour == COLOURS["paper"] for colour in line.marker.color[2:6]] == [False, True, True, False]
    assert figure.layout.meta["note"] == "样本不足 5 的 1 天不显示 · 空心点样本不足 30，仅供参考"
    assert plot_control(measure_control(sessions, SATISFACTION), NO_CALENDAR).layout.meta["note"] == ""


def test_no_change_has_nothing_to_explain_but_its_name():
    none = CHANGED.assign(judgement="none")
    figure = plot_pulls(measure_pulls(two_weeks(), none, SATISFACTION, ["shop"]), SATISFACTION)
    html = chart_html(json.loads(figure.to_json()))
    assert words_of(figure) == ["变化不显著，不作解释"]
    assert "满意率：谁拉动了变化" in html


def test_a_chart_with_nothing_to_draw_is_not_shown(monkeypatch):
    shown = []
    monkeypatch.setattr("csnb.charts.display", shown.append)
    sessions = two_weeks(seed=1)
    for changes in (CHANGED.assign(judgement="none"), CHANGED):
        show_chart(plot_pulls(measure_pulls(sessions, changes, SATISFACTION, ["shop"]), SATISFACTION))
    assert len(shown) == 1


def test_a_name_with_tags_stays_plain():
    sessions = two_weeks(product=(0.5, 0.5)).assign(product=lambda rows: rows["product"] + "<b>x</b>")
    figure = plot_pulls(measure_pulls(sessions, CHANGED, SATISFACTION, ["product"]), SATISFACTION)
    assert not any("<b>x" in tick for tick in figure.layout.yaxis.ticktext)
