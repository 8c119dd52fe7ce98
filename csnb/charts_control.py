"""Draw how a metric varies from day to day, and what pulled a change: charts in the style of `csnb.charts`."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from csnb.figures import (
    below_name,
    check_results,
    dots,
    empty_figure,
    hover_texts,
    label_rows,
    label_values,
    plain,
    rows_height,
    start_figure,
    tick_suffix,
    two_lines,
    unit_note,
    with_interval,
)
from csnb.formats import format_value, metric_name, unit_scale, word_of
from csnb.measures import SMALLEST_GROUP
from csnb.metrics import METRICS
from csnb.pulls import pull_name
from csnb.strings import text
from csnb.tables import SMALL, SUPPRESSED
from csnb.theme import theme_colour
from csnb.windows import RULE_CHANGE

MAX_PANELS, PANEL_HEIGHT, GAP = 4, 180, 42
MAX_PULLS = 5
HALF_DAY = pd.Timedelta(hours=12)


# ---- days within their limits


def plot_control(control, calendar, breaks=None):
    """Draw a metric day by day over the range it usually keeps, with the days that leave it and the calendar.

    Parameters
    ----------
    control : DataFrame of `csnb.measure_control`; up to four groups are panels, the largest first. Days with n below
        30 are hollow, suppressed ones are not drawn; the caption says so where there are any.
    calendar : DataFrame of `csnb.list_calendar`; events are veils over the days, named in the first panel, changes
        of rules are lines. An event of one shop is drawn in every panel.
    breaks : DataFrame of `csnb.find_breaks`, or None; the levels before and after a break are drawn as lines, and
        the caption says how many breaks there are

    Returns
    -------
    plotly Figure

    Examples
    --------
    >>> import csnb
    >>> control = csnb.measure_control(book.sessions, "reply_rate")
    >>> figure = plot_control(control, csnb.list_calendar(book.events, book.sessions))
    """
    metric, unit, (by, _) = check_results(control, "day")
    sizes = (
        control.dropna(subset=["value"]).groupby(by)["n"].sum().sort_values(ascending=False, kind="stable")
    )
    groups = list(sizes.index[:MAX_PANELS])
    if not groups:
        return empty_figure(control, metric)
    drawn = control[control[by].isin(groups)]
    scale = unit_scale(drawn["value"], unit)
    note = " · ".join(filter(None, (unit_note(scale), _breaks_note(breaks), *_small_notes(control))))
    figure = _panels(control, metric, unit, by, [word_of(by, group) for group in groups], note)
    for row, group in enumerate(groups, start=1):
        days = drawn[drawn[by] == group].sort_values("day")
        levels = pd.DataFrame() if breaks is None else breaks[breaks[by] == group]
        for trace in (*_control_traces(days, by, unit, scale), *_levels(days, levels, scale)):
            figure.add_trace(trace, row=row, col=1)
    _draw_calendar(figure, calendar, drawn["day"])
    figure.update_yaxes(ticksuffix=tick_suffix(scale), nticks=5)
    figure.update_xaxes(type="date", tickformat=text("date.axis"), nticks=5)
    return figure


def _breaks_note(breaks):
    """Say how many breaks there are, where they were looked for."""
    if breaks is None:
        return ""
    return text("chart.breaks", count=str(len(breaks))) if len(breaks) else text("chart.breaks_none")


def _small_notes(control):
    """Say how many days are suppressed, and what is hollow."""
    few = (control["method"] == SUPPRESSED).sum()
    if few:
        yield text("chart.days_hidden", count=str(few), smallest=str(SMALLEST_GROUP))
    if (control["value"].notna() & (control["n"] < SMALL)).any():
        yield text("chart.days_hollow", plain=str(SMALL))


def _panels(control, metric, unit, by, names, note):
    """Start a figure with one panel a group, its name on top of it."""
    signals = int(control["is_signal"].fillna(False).astype(bool).sum())
    alt = text(
        "chart.control_alt", metric=metric_name(metric), count=str(len(names)), signals=str(signals),
        low=format_value(control["value"].min(), unit), high=format_value(control["value"].max(), unit),
    )  # fmt: skip
    height = (PANEL_HEIGHT + GAP) * len(names) + GAP
    title = text("chart.control_title", metric=metric_name(metric))
    figure = start_figure(control, metric, [by, "day"], alt, height, title=title, note=note)
    gap = GAP / (height - GAP) if len(names) > 1 else 0
    titles = [plain(name) for name in names]
    figure = make_subplots(
        len(names), 1, shared_xaxes=True, vertical_spacing=gap, subplot_titles=titles, figure=figure
    )
    return figure.update_annotations(x=0, xanchor="left", font={"size": 13, "color": theme_colour("ink")})


def _control_traces(days, by, unit, scale):
    """Give limits, centre, the line of days, and the days beyond the limits."""
    x = list(days["day"])
    value, low, high, center = (days[column] / scale[0] for column in ("value", "low", "high", "center"))
    hovers = hover_texts(days.assign(low=None, high=None), unit, [by, "day"])
    yield from _range(x, low, high)
    line = {"color": theme_colour("muted"), "width": 1, "dash": "dot"}
    yield go.Scatter(x=x, y=center, mode="lines", line=line, hoverinfo="skip")
    yield go.Scatter(
        x=x, y=value, mode="lines+markers", line={"color": theme_colour("series1"), "width": 2},
        marker=dots(days, theme_colour("series1"), 5), hovertext=hovers, hoverinfo="text",
    )  # fmt: skip
    out = days["is_signal"].fillna(False).astype(bool).to_numpy()
    marker = {
        "color": theme_colour("series2"),
        "size": 11,
        "line": {"color": theme_colour("paper"), "width": 2},
    }
    yield go.Scatter(
        x=[day for day, is_out in zip(x, out, strict=True) if is_out], y=value[out], mode="markers", marker=marker,
        hovertext=[words for words, is_out in zip(hovers, out, strict=True) if is_out], hoverinfo="text",
    )  # fmt: skip


def _range(x, low, high):
    """Give the usual range: two lines that are not seen, the space between them filled."""
    common = {"x": x, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    yield go.Scatter(y=low, **common)
    yield go.Scatter(y=high, fill="tonexty", fillcolor=theme_colour("soft"), **common)


def _levels(days, breaks, scale):
    """Give the levels between breaks as lines."""
    starts = [days["day"].iloc[0], *breaks["day"]] if len(breaks) else []
    ends = [*starts[1:], days["day"].iloc[-1]]
    levels = [*breaks["value_earlier"][:1], *breaks["value"]] if len(breaks) else []
    for start, end, level in zip(starts, ends, levels, strict=False):
        line = {"color": theme_colour("series2"), "width": 3}
        yield go.Scatter(x=[start, end], y=[level / scale[0]] * 2, mode="lines", line=line, hoverinfo="skip")


def _draw_calendar(figure, calendar, days):
    """Draw events as veils over the days of every panel, for the usual range would hide them, and name them in the first.

    Names stand at its bottom, where seldom a day lies.
    """
    first, last = days.min(), days.max()
    inside = calendar[(calendar["last_day"] >= first) & (calendar["first_day"] <= last)]
    for place, event in enumerate(inside.itertuples()):
        start, end = max(event.first_day, first), min(event.last_day, last)
        if event.event == RULE_CHANGE:
            figure.add_vline(
                x=start, line={"color": theme_colour("ink"), "width": 1, "dash": "dash"}, row="all", col=1
            )
        else:
            figure.add_vrect(
                x0=pd.Timestamp(start) - HALF_DAY, x1=pd.Timestamp(end) + HALF_DAY, fillcolor=theme_colour("mark"),
                opacity=0.25, line_width=0, layer="above", row="all", col=1,
            )  # fmt: skip
        figure.add_annotation(
            x=start, y=0, yref="y domain", yanchor="bottom", xanchor="left", yshift=14 * (place % 2), showarrow=False,
            text=plain(word_of("event", event.event)), font={"size": 11, "color": theme_colour("muted")},
        )  # fmt: skip


# ---- what pulled a change


def plot_pulls(pulls, metric):
    """Draw what pulled a metric up and what pulled it down, as bars from zero with their intervals.

    Blue is for the better, brown for the worse; grey may be chance, its interval covers 0.

    Parameters
    ----------
    pulls : DataFrame of `csnb.measure_pulls` or `csnb.measure_reason_pulls`; of each dimension the five
        largest pulls are drawn, the rows hold all
    metric : str, the metric of the pulls, named also where there is nothing to draw

    Returns
    -------
    plotly Figure

    Examples
    --------
    >>> plot_pulls(measure_pulls(sessions, changes, "reply_rate", ["shop"]), "reply_rate")  # doctest: +SKIP
    """
    keys = [column for column in ("dimension", "group", "reason") if column in pulls]
    title = text(f"chart.pulls_{keys[0]}", metric=metric_name(metric))
    if pulls.empty:
        return _no_change(pulls, metric, title)
    drawn = pulls.groupby(keys[0], sort=False).head(MAX_PULLS) if len(keys) > 1 else pulls.head(2 * MAX_PULLS)
    drawn = drawn.reset_index(drop=True)
    unit = drawn["unit"].iloc[0]
    scale = unit_scale(drawn["value"], unit)
    names = [pull_name(row) for row in drawn.to_dict("records")]
    top = drawn.loc[drawn["value"].abs().idxmax()]
    alt = text(
        "chart.pulls_alt", metric=metric_name(metric), count=str(len(drawn)), top=pull_name(top),
        top_value=format_value(top["value"], unit),
    )  # fmt: skip
    figure = start_figure(pulls, metric, keys, alt, rows_height(len(drawn)), title=title)
    ends = {"type": "data", "symmetric": False, "color": theme_colour("muted"), "thickness": 1.5, "width": 4,
            "array": ((drawn["high"] - drawn["value"]) / scale[0]).tolist(),
            "arrayminus": ((drawn["value"] - drawn["low"]) / scale[0]).tolist()}  # fmt: skip
    figure.add_trace(
        go.Bar(
            x=drawn["value"] / scale[0], y=list(range(len(drawn))), orientation="h", width=0.55, error_x=ends,
            marker={"color": _pull_colours(drawn, metric)},
            hovertext=[_hover(name, row) for name, row in zip(names, drawn.to_dict("records"), strict=True)],
            hoverinfo="text",
        )
    )  # fmt: skip
    label_rows(
        figure,
        [two_lines(name, below_name(row)) for name, row in zip(names, drawn.to_dict("records"), strict=True)],
    )
    label_values(figure, "change", scale)
    figure.update_xaxes(zeroline=True, zerolinecolor=theme_colour("ink"), zerolinewidth=1)
    return figure


def _pull_colours(pulls, metric):
    """Give every pull its colour: the better, the worse, or what may be chance."""
    lower_is_better = metric not in METRICS or METRICS[metric].better == "lower"
    is_good = (pulls["value"] < 0) == lower_is_better
    is_sure = (pulls["low"] > 0) | (pulls["high"] < 0)
    names = np.select([is_sure & is_good, is_sure], ["accent", "uncontrollable"], "rule")
    return [theme_colour(name) for name in names]


def _no_change(pulls, metric, title):
    """Give a figure that says that there is no change to explain."""
    figure = empty_figure(pulls, metric).update_layout(height=90)
    figure.layout.annotations[0].text = plain(text("chart.no_change"))
    return figure.update_layout(meta={**figure.layout.meta, "title": title, "rows": None})


def _hover(name, row):
    """Write what a reader sees on touching a pull."""
    n = text("chart.hover_n", n=format_value(row["n"], "count"))
    return f"{plain(name)}<br><b>{plain(with_interval(row))}</b><br>{plain(n)}"
