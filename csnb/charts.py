"""Draw results as plotly figures, in the lab and in a report from the same call.

Every `plot_` function takes results (schema RESULTS, pandas, one metric) and returns a Figure whose
words come from the strings, whose axes carry units, and whose hover text holds n and interval. A row
that stands on fewer than 30 is hollow; a suppressed row is in the figure's rows only.
"""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from IPython.display import display

from csnb.figures import (
    MAX_GROUPS,
    MAX_SERIES,
    add_line,
    axis_word,
    axis_words,
    below_name,
    by_words,
    cells_height,
    check_results,
    cut_note,
    dots,
    drill_marks,
    empty_figure,
    group_label,
    hover_texts,
    interval_bars,
    label_rows,
    label_values,
    metric_axis,
    part_colours,
    plain,
    rows_height,
    short,
    start_figure,
    tick_suffix,
    two_lines,
    unit_note,
    value_word,
    with_interval,
    without_platform,
)
from csnb.formats import column_name, format_value, is_missing, metric_name, unit_scale, word_of
from csnb.metrics import METRICS
from csnb.strings import text
from csnb.theme import theme_colour, theme_in_force, theme_size
from csnb.windows import PERIODS

BAND_OPACITY, MAX_POINTS = 0.18, 200
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
TIME_TICKS = (1, 3, 10, 30, 120, 600, 3600, 36000, 360000)


def plot_trend(results, by="day"):
    """Draw how a metric moves over days or any ordered column, with its interval.

    Parameters
    ----------
    results : results of one metric, grouped by `by` and at most one more column
        Up to four groups are lines of their own, the largest first; rows of day `unknown` have no
        place on the axis and stay in the rows.
    by : str, the column along the axis

    Returns
    -------
    plotly Figure; a missing value breaks the line

    Raises
    ------
    ParameterError
        If the results hold several metrics or lack `by`.

    Examples
    --------
    >>> import csnb
    >>> figure = plot_trend(csnb.measure(book.sessions, "messages", "day"), by="day")
    """
    metric, unit, groups = check_results(results, by)
    drawn = results[results[by].notna() & (results[by].astype(str) != "unknown")]
    if drawn["value"].notna().sum() == 0:
        return empty_figure(results, metric)
    places = {value: place for place, value in enumerate(_ordered(drawn[by]))}
    drawn = drawn.sort_values(by, key=lambda values: values.map(places), kind="stable")
    others = [column for column in groups if column != by and drawn[column].nunique() > 1]
    scale = unit_scale(drawn["value"], unit)
    lines = _series(drawn, others)
    note = " · ".join(filter(None, (unit_note(scale), cut_note(_group_count(drawn, others), len(lines)))))
    figure = start_figure(results, metric, by, _trend_alt(drawn, metric, unit, by), note=note)
    for number, (_, rows) in enumerate(lines):
        figure.add_trace(_band(rows, by, scale, theme_colour(f"series{number + 1}")))
    for number, (label, rows) in enumerate(lines):
        hovers = hover_texts(rows, unit, [by, *others])
        figure.add_trace(_line(rows, by, scale, label, theme_colour(f"series{number + 1}"), hovers))
    figure.update_yaxes(title_text=metric_axis(metric, scale), ticksuffix=tick_suffix(scale))
    if by == "day":
        figure.update_xaxes(type="date", tickformat=text("date.axis"), nticks=5)
    else:
        aliases = {str(value): axis_word(by, value) for value in drawn[by]}
        figure.update_xaxes(type="category", title_text=plain(column_name(by)), nticks=12, labelalias=aliases)
    figure.update_layout(showlegend=bool(others), hovermode="closest")
    return figure


def _series(drawn, others):
    """Split the rows by the other columns: at most four groups, the largest first."""
    if not others:
        return [("", drawn)]
    sizes = drawn.groupby(others, sort=True)["n"].sum().sort_values(ascending=False, kind="stable")
    if others == ["period"]:
        sizes = sizes.sort_index(key=lambda names: -pd.Index(PERIODS).get_indexer(names))
    keys = [key if isinstance(key, tuple) else (key,) for key in sizes.index[:MAX_SERIES]]
    return [(group_label(others, key), drawn[(drawn[others] == list(key)).all(axis=1)]) for key in keys]


def _group_count(drawn, others):
    """Count the groups that lines could be drawn for."""
    return len(drawn[others].drop_duplicates()) if others else 1


def _band(rows, by, scale, colour):
    """Give the band of one group between the ends of its intervals; where an end is missing it is parted."""
    low, high = rows["low"] / scale[0], rows["high"] / scale[0]
    places, known = rows[by].astype(str).tolist(), (low.notna() & high.notna()).tolist()
    runs, x, y = np.cumsum(np.r_[0, np.diff(known) != 0]), [], []
    for run in pd.unique(runs[known]):
        at = np.flatnonzero(runs == run)
        x += [*(places[i] for i in at), *(places[i] for i in at[::-1]), None]
        y += [*high.iloc[at], *low.iloc[at[::-1]], None]
    return go.Scatter(
        x=x, y=y, fill="toself", fillcolor=colour, opacity=BAND_OPACITY, mode="lines", line={"width": 0},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def _line(rows, by, scale, label, colour, hovers):
    """Give the line of one group."""
    return go.Scatter(
        x=rows[by].astype(str), y=rows["value"] / scale[0], name=plain(label), mode="lines+markers",
        line={"color": colour, "width": 2.5}, marker=dots(rows, colour, size=7), hovertext=hovers, hoverinfo="text",
    )  # fmt: skip


def plot_ranking(results, overall=None):
    """Draw groups in falling order as a dot with its interval, n beside the name.

    Parameters
    ----------
    results : results of one metric by one or more columns; at most 30 groups are drawn, the rows hold all
    overall : float, in the metric's unit, or None; a dotted line to compare with

    Returns
    -------
    plotly Figure

    Examples
    --------
    >>> import csnb
    >>> figure = plot_ranking(csnb.measure(book.sessions, "messages", "channel"))
    """
    metric, unit, groups = check_results(results)
    drawn = results.dropna(subset=["value"]).sort_values("value", ascending=False, kind="stable")
    known = len(drawn)
    if not known:
        return empty_figure(results, metric)
    drawn = drawn.head(MAX_GROUPS)
    scale = unit_scale(drawn["value"], unit)
    alt = text(
        "chart.ranking_alt",
        metric=metric_name(metric),
        by=by_words(groups),
        count=str(known),
        **_first_and_last(drawn, groups, unit),
    )
    figure = start_figure(
        results, metric, groups, alt, rows_height(len(drawn)), note=cut_note(known, MAX_GROUPS)
    )
    figure.add_trace(
        go.Scatter(
            x=drawn["value"] / scale[0],
            y=list(range(len(drawn))),
            mode="markers",
            marker=dots(drawn, theme_colour("accent"), size=10),
            error_x=interval_bars(drawn, scale, theme_colour("accent")),
            hovertext=hover_texts(drawn, unit, groups),
            hoverinfo="text",
            customdata=drill_marks(drawn, groups),
        )
    )
    ticks = [
        two_lines(group_label(groups, row), text("chart.tick_n", n=format_value(n, "count")))
        for row, n in zip(drawn[groups].itertuples(index=False), drawn["n"], strict=True)
    ]
    label_rows(figure, ticks)
    label_values(figure, metric, scale)
    if overall is not None:
        add_line(figure, overall / scale[0], text("chart.reference", value=format_value(overall, unit)))
    return figure


def plot_share(results):
    """Draw how a whole splits: one stacked bar, and under it every part with its interval.

    Parameters
    ----------
    results : shares of one metric by one column, such as `side`; and by `platform`, if it is one only: the title names it
        Where a share has bounds but no value there is no bar, only the bounds.

    Returns
    -------
    plotly Figure

    Examples
    --------
    >>> import csnb
    >>> figure = plot_share(csnb.measure_scores(book.sessions))
    """
    metric, unit, groups = check_results(results)
    groups, where = without_platform(results, groups)
    by = groups[0]
    drawn = results[results[["value", "low", "high"]].notna().any(axis=1)].reset_index(drop=True)
    if drawn.empty:
        return empty_figure(results, metric)
    parts = [word_of(by, value) for value in drawn[by]]
    shown = [with_interval(row) for row in drawn.to_dict("records")]
    listed = [text("chart.part", name=a, value=b) for a, b in zip(parts, shown, strict=True)]
    alt = text("chart.share_alt", metric=metric_name(metric), parts=text("chart.comma").join(listed))
    has_bar = bool(drawn["value"].notna().all())
    height = rows_height(len(drawn)) + (theme_size("share_bar_height") if has_bar else 0)
    figure = start_figure(results, metric, groups, alt, height, where=where)
    scale, colours = unit_scale(drawn["value"], unit), part_colours(drawn[by])
    hovers, drills = hover_texts(drawn, unit, groups), drill_marks(drawn, groups)
    for number, row in enumerate(drawn.to_dict("records")):
        one = drawn.iloc[[number]]
        common = {"hovertext": hovers[number], "hoverinfo": "text", "customdata": [drills[number]]}
        if has_bar:
            figure.add_trace(_bar_part(row["value"] / scale[0], colours[number], common))
        if not is_missing(row["low"]):
            ends = [row["low"] / scale[0], row["high"] / scale[0]]
            line = {"color": colours[number], "width": 4}
            figure.add_trace(go.Scatter(x=ends, y=[number] * 2, mode="lines", line=line, hoverinfo="skip"))
        marker = dots(one, colours[number], size=11)
        figure.add_trace(
            go.Scatter(x=one["value"] / scale[0], y=[number], mode="markers", marker=marker, **common)
        )
    label_rows(
        figure,
        [two_lines(a, below_name(row)) for a, row in zip(parts, drawn.to_dict("records"), strict=True)],
    )
    label_values(figure, metric, scale)
    figure.update_xaxes(range=[0, 100])
    if has_bar:
        share = theme_size("share_bar_height") / height
        figure.update_layout(
            yaxis={"domain": [0, 1 - share - 0.04]},
            yaxis2={"domain": [1 - share, 1], "visible": False, "fixedrange": True, "anchor": "x"},
            barmode="stack",
            uniformtext={"minsize": 11, "mode": "hide"},
        )
    return figure


def _bar_part(value, colour, common):
    """Give one part of the stacked bar."""
    return go.Bar(
        x=[value], y=["whole"], yaxis="y2", orientation="h", width=0.9,
        marker={"color": colour, "line": {"color": theme_colour("paper"), "width": 2}},
        text=[f"{value:.0f}%"], textposition="inside", insidetextanchor="middle", textangle=0,
        insidetextfont={"color": theme_colour("card")}, **common,
    )  # fmt: skip


def plot_heatmap(results, x, y):
    """Draw a metric over two columns as coloured cells; a missing or suppressed cell stays empty.

    The caption gives the n of all cells for a metric of the catalogue, of which a session counts in one cell; three
    hints of an agent rest on the same sessions, and have no sum.

    Parameters
    ----------
    results : results of one metric by `x` and `y`; and by `platform`, if it is one only: the title names it
    x, y : str, columns; numbers and days are put in order, words stay as they come

    Returns
    -------
    plotly Figure

    Examples
    --------
    >>> import csnb
    >>> figure = plot_heatmap(csnb.measure(book.sessions, "messages", ["shop", "day"]), x="day", y="shop")
    """
    metric, unit, groups = check_results(results, x, y)
    _, where = without_platform(results, groups)
    drawn = results.dropna(subset=["value"])
    if drawn.empty:
        return empty_figure(results, metric)
    across, down = _ordered(results[x]), _ordered(results[y])
    scale = unit_scale(drawn["value"], unit)
    top = drawn.loc[drawn["value"].idxmax()]
    alt = text(
        "chart.heatmap_alt",
        metric=metric_name(metric), x=column_name(x), y=column_name(y),
        where=group_label([y, x], top[[y, x]]),
        high=format_value(top["value"], unit), low=format_value(drawn["value"].min(), unit),
    )  # fmt: skip
    base = text("chart.tick_n", n=format_value(results["n"].sum(), "count")) if metric in METRICS else ""
    note = " · ".join(filter(None, (unit_note(scale), base)))
    figure = start_figure(results, metric, [y, x], alt, cells_height(len(down)), note=note, where=where)
    hovers = pd.Series(hover_texts(results, unit, [y, x]), index=results.index)
    figure.add_trace(
        go.Heatmap(
            x=[str(value) for value in across],
            y=[str(value) for value in down],
            z=(_grid(results, x, y, across, down, results["value"]) / scale[0]).tolist(),
            hovertext=_grid(results, x, y, across, down, hovers).tolist(),
            hoverinfo="text",
            hoverongaps=False,
            colorscale=[[0, theme_colour("soft")], [1, theme_colour("accent")]],
            xgap=2,
            ygap=2,
            colorbar={
                "orientation": "h", "thickness": 8, "len": 0.6, "x": 0, "xanchor": "left",
                "y": 1, "yanchor": "bottom", "outlinewidth": 0, "ticksuffix": tick_suffix(scale), "nticks": 5,
            },
        )
    )  # fmt: skip
    for axis, column, values in ((figure.layout.xaxis, x, across), (figure.layout.yaxis, y, down)):
        axis.update(type="category", title_text=plain(column_name(column)), showgrid=False, showline=False)
        axis.labelalias = {str(value): axis_word(column, value) for value in values}
    figure.update_xaxes(nticks=4 if x == "day" else 13)
    figure.update_yaxes(autorange="reversed", nticks=len(down))
    return figure


def _grid(results, x, y, across, down, values):
    """Lay the values of the rows out as a matrix, missing where there is no row."""
    frame = pd.DataFrame({"x": results[x], "y": results[y], "value": values})
    wide = frame.drop_duplicates(["x", "y"]).pivot(index="y", columns="x", values="value")
    grid = wide.reindex(index=down, columns=across)
    return (grid.astype(object).where(grid.notna(), None) if values.dtype == object else grid).to_numpy()


def _ordered(values):
    """Give the distinct values: numbers, days and categories in order, other words as they come."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return [value for value in values.cat.categories if (values == value).any()]
    distinct = pd.unique(values.dropna())
    has_order = pd.api.types.is_numeric_dtype(values) or values.name in ("day", "week")
    return sorted(distinct) if has_order else list(distinct)


def plot_distribution(values, unit):
    """Draw what share of cases is at most so large (the cumulative distribution), median and P90 marked.

    Parameters
    ----------
    values : Series named after its metric or column; missing values are left out and not counted in n
    unit : "seconds" (drawn on a logarithmic axis), "rate", "count", "ratio", "hours" or "number"

    Returns
    -------
    plotly Figure

    Examples
    --------
    >>> figure = plot_distribution(book.sessions["first_response_seconds"], "seconds")
    """
    known = values.dropna().astype(float).sort_values()
    metric = str(values.name)
    rows = pd.DataFrame(
        {
            "metric": metric,
            "quantile": [f"{quantile:.0%}" for quantile in QUANTILES],
            "n": len(known),
            "value": [known.quantile(quantile) if len(known) else np.nan for quantile in QUANTILES],
            "unit": unit,
            "method": "quantile",
        }
    )
    if known.empty:
        return empty_figure(rows, metric)
    median, p90 = (format_value(known.quantile(quantile), unit) for quantile in (0.5, 0.9))
    name = metric_name(metric) if metric_name(metric) != metric else column_name(metric)
    alt = text(
        "chart.distribution_alt", metric=name, n=format_value(len(known), "count"), median=median, p90=p90
    )
    figure = start_figure(rows, metric, [], alt, title=name, note=text("chart.share_below"))
    shares = np.linspace(0, 1, min(MAX_POINTS, len(known) + 1))
    points = known.quantile(shares)
    is_time = unit == "seconds"
    scale = (1, "seconds") if is_time else unit_scale(known, unit)
    hovers = [f"{share:.0%} ≤ {plain(format_value(point, unit))}" for share, point in points.items()]
    figure.add_trace(
        go.Scatter(
            x=(points.clip(lower=1) if is_time else points) / scale[0],
            y=points.index * 100,
            mode="lines",
            line={"color": theme_colour("accent"), "width": 2.5, "shape": "hv"},
            hovertext=hovers,
            hoverinfo="text",
        )
    )
    for quantile, key, words in ((0.5, "median", median), (0.9, "p90", p90)):
        at = known.quantile(quantile)
        where = np.log10(max(at, 1)) if is_time else at / scale[0]
        _mark_quantile(figure, where, quantile * 100, text(f"chart.{key}", value=words))
    figure.update_yaxes(
        range=[0, 103], ticksuffix="%", title_text=axis_words(text("chart.share_below"), "rate")
    )
    figure.update_xaxes(
        title_text=axis_words(name, "seconds" if is_time else scale[1]), ticksuffix=tick_suffix(scale)
    )
    if is_time:
        ticks = [tick for tick in TIME_TICKS if tick <= max(known.max(), 2) * 1.5]
        figure.update_xaxes(
            type="log", ticksuffix="", tickvals=ticks, ticktext=[plain(_tick_time(tick)) for tick in ticks],
            title_text=plain(name),
        )  # fmt: skip
    return figure


def _mark_quantile(figure, x, y, words):
    """Put a dot and its words on the curve."""
    figure.add_annotation(
        x=x, y=y, text=plain(words), showarrow=True, arrowhead=0, arrowcolor=theme_colour("muted"), arrowwidth=1,
        ax=24, ay=26, xanchor="left", bgcolor=theme_colour("paper"), font={"color": theme_colour("ink")}, borderpad=2,
    )  # fmt: skip


def _tick_time(seconds):
    """Write a tick of a time axis without decimals."""
    factor, word = next((f, w) for f, w in ((3600, "hours"), (60, "minutes"), (1, "seconds")) if seconds >= f)
    return text(f"unit.{word}", value=f"{seconds / factor:g}")


def plot_pareto(results, adds_up=False):
    """Draw amounts in falling order.

    Parameters
    ----------
    results : one metric by one column, such as `reason`; a column `side` gives the bars their colours. Where a
        name comes twice, the other columns stand below it.
    adds_up : bool, whether no conversation is in two groups: then what each and all before it make up stands beside it,
        else the caption says that groups overlap

    Returns
    -------
    plotly Figure

    Examples
    --------
    >>> import csnb
    >>> figure = plot_pareto(csnb.count_sides(csnb.dissatisfied_sessions(book.sessions)))
    """
    metric, unit, groups = check_results(results)
    by = groups[0]
    drawn = results.dropna(subset=["value"]).sort_values("value", ascending=False, kind="stable")
    known = len(drawn)
    if not known:
        return empty_figure(results, metric)
    so_far = (drawn["value"].cumsum() / (drawn["value"].sum() or 1)).tolist()
    drawn = drawn.head(MAX_GROUPS).reset_index(drop=True)
    scale = unit_scale(drawn["value"], unit)
    alt = text(
        "chart.pareto_alt",
        metric=metric_name(metric), by=column_name(by), count=str(known),
        top=word_of(by, drawn[by].iloc[0]), top_value=format_value(drawn["value"].iloc[0], unit),
    )  # fmt: skip
    whole = drawn["sessions" if "sessions" in drawn else "n"].iloc[0]
    overlap = "" if adds_up else text("chart.overlap", n=format_value(whole, "count"))
    note = " · ".join(filter(None, (overlap, cut_note(known, MAX_GROUPS))))
    figure = start_figure(results, metric, [by], alt, rows_height(len(drawn)), note=note)
    sides = drawn["side"] if "side" in drawn else pd.Series("accent", index=drawn.index)
    ends = [plain(with_interval(row)) for row in drawn.to_dict("records")]
    if adds_up:
        ends = [
            f"{end} · {plain(text('chart.cumulative', value=format_value(share, 'rate')))}"
            for end, share in zip(ends, so_far, strict=False)
        ]
    hovers, drills = hover_texts(drawn, unit, groups), drill_marks(drawn, [by])
    for side in pd.unique(sides):
        at = [number for number, each in enumerate(sides) if each == side]
        figure.add_trace(
            go.Bar(
                x=drawn["value"].iloc[at] / scale[0], y=at, orientation="h", width=0.62,
                name=plain(word_of("side", side)), marker={"color": theme_in_force()["light"].get(str(side), theme_colour("accent"))},
                text=[ends[number] for number in at], textposition="outside", cliponaxis=False,
                hovertext=[hovers[number] for number in at], hoverinfo="text",
                customdata=[drills[number] for number in at],
            )
        )  # fmt: skip
    label_rows(figure, _bar_names(drawn, groups))
    label_values(figure, metric, scale)
    largest = drawn["value"].max() / scale[0]
    figure.update_xaxes(range=[0, largest * (1.7 if drawn["low"].isna().all() else 2.2) or 1])
    figure.update_layout(showlegend="side" in groups[1:], barmode="overlay")
    return figure


def _bar_names(drawn, groups):
    """Name the bars; where a name comes twice, with the rest of its group below."""
    by, rest = groups[0], [column for column in groups[1:] if column != "side"]
    if not (rest and drawn[by].duplicated().any()):
        return [plain(short(word_of(by, value))) for value in drawn[by]]
    below = [group_label(rest, row) for row in drawn[rest].itertuples(index=False)]
    return [two_lines(word_of(by, value), words) for value, words in zip(drawn[by], below, strict=True)]


# ---- a chart that may have nothing to draw


def show_chart(figure):
    """Show a chart; where it has nothing to draw, show nothing.

    Parameters
    ----------
    figure : plotly Figure of a `plot_` function

    Examples
    --------
    >>> show_chart(csnb.plot_pulls(reasons, "satisfaction_rate"))  # doctest: +SKIP
    """
    if figure.data:
        display(figure)


# ---- what a chart says to those who do not see it


def _first_and_last(drawn, groups, unit):
    """Describe the first and the last row of a ranking."""
    names = [group_label(groups, row) for row in drawn[groups].itertuples(index=False)]
    values = [format_value(value, unit) for value in drawn["value"]]
    return {"top": names[0], "top_value": values[0], "bottom": names[-1], "bottom_value": values[-1]}


def _trend_alt(drawn, metric, unit, by):
    """Describe a trend by its ends and extremes."""
    known = drawn.dropna(subset=["value"])
    first, last = known.iloc[0], known.iloc[-1]
    return text(
        "chart.trend_alt",
        metric=metric_name(metric), by=column_name(by), first=value_word(by, first[by]), last=value_word(by, last[by]),
        first_value=format_value(first["value"], unit), last_value=format_value(last["value"], unit),
        low=format_value(known["value"].min(), unit), high=format_value(known["value"].max(), unit),
    )  # fmt: skip
