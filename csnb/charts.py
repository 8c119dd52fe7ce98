"""Draw results as plotly figures, in the lab and in a report from the same call.

Every `plot_` function takes results (schema RESULTS, pandas, one metric) and returns a Figure whose
words come from the strings, whose axes carry units, whose hover text holds n and interval, and whose
`layout.meta` holds the title, a text for those who do not see it, and the rows it is drawn from. A row
that stands on fewer than 30 is hollow; a suppressed row is in the rows only.
"""

import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio

from csnb.errors import ParameterError
from csnb.formats import (
    column_name,
    escape,
    format_day,
    format_interval,
    format_short_day,
    format_value,
    is_missing,
    metric_name,
    unit_scale,
    word_of,
)
from csnb.strings import text
from csnb.tables import SMALL, table_html
from csnb.theme import read_theme

CONFIG = {"displaylogo": False, "displayModeBar": False, "responsive": True, "showSendToCloud": False,
          "plotlyServerURL": ""}  # fmt: skip
ENDS = ("metric", "n")
BAND_OPACITY, SCALE = 0.18, 5
MAX_GROUPS, MAX_SERIES, MAX_POINTS, MAX_WIDTH = 30, 4, 200, 24
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
TIME_TICKS = (1, 10, 60, 600, 3600, 36000, 360000)
_COLOURS, _SIZES = read_theme()["light"], read_theme()["sizes"]
_PAPER, _INK, _MUTED, _RULE = (_COLOURS[name] for name in ("paper", "ink", "muted", "rule"))


def _register_theme():
    """Make the theme the look of every figure of this module."""
    fonts = read_theme()["fonts"]
    plain = {"automargin": True, "fixedrange": True, "zeroline": False, "ticks": "", "linecolor": _RULE,
             "gridcolor": _RULE, "tickangle": 0,
             "title": {"font": {"color": _MUTED, "size": 12}, "standoff": 10}}  # fmt: skip
    pio.templates["csnb"] = go.layout.Template(
        layout={
            "font": {"family": fonts["text"], "size": _SIZES["chart_text"], "color": _INK},
            "title": {
                "font": {"family": fonts["head"], "size": 18},
                "x": 0,
                "xref": "container",
                "pad": {"l": 8},
            },
            "paper_bgcolor": _PAPER,
            "plot_bgcolor": _PAPER,
            "colorway": [_COLOURS[f"series{number}"] for number in range(1, MAX_SERIES + 1)],
            "margin": {"l": 8, "r": 16, "t": 56, "b": 8},
            "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "title": {"text": ""}},
            "hoverlabel": {
                "bgcolor": _COLOURS["card"],
                "bordercolor": _RULE,
                "font": {"family": fonts["text"], "color": _INK},
                "align": "left",
            },
            "dragmode": False,
            "xaxis": {**plain, "showgrid": False},
            "yaxis": {**plain, "showline": False},
        }
    )
    pio.renderers["plotly_mimetype"].config = CONFIG


_register_theme()


# ---- the six charts


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
    """
    metric, unit, groups = _checked(results, by)
    drawn = results[results[by].astype(str) != "unknown"]
    if drawn["value"].notna().sum() == 0:
        return _empty(results, metric)
    places = {value: place for place, value in enumerate(_ordered(drawn[by]))}
    drawn = drawn.sort_values(by, key=lambda values: values.map(places), kind="stable")
    others = [column for column in groups if column != by and drawn[column].nunique() > 1]
    scale = unit_scale(drawn["value"], unit)
    figure = _figure(results, metric, by, _trend_alt(drawn, metric, unit, by), note=_unit_words(scale))
    for number, (label, rows) in enumerate(_series(drawn, others)):
        hovers = _hovers(rows, unit, [by, *others])
        for trace in _trend_traces(rows, by, scale, label, number, hovers):
            figure.add_trace(trace)
    figure.update_yaxes(title_text=_axis(metric, scale), ticksuffix=_suffix(scale))
    if by == "day":
        figure.update_xaxes(type="date", tickformat=text("date.axis"), nticks=5)
    else:
        aliases = {str(value): _axis_word(by, value) for value in drawn[by]}
        figure.update_xaxes(
            type="category", title_text=_plain(column_name(by)), nticks=12, labelalias=aliases
        )
    figure.update_layout(showlegend=bool(others), hovermode="closest")
    return figure


def _series(drawn, others):
    """Split the rows by the other columns: at most four groups, the largest first."""
    if not others:
        return [("", drawn)]
    sizes = drawn.groupby(others, sort=True)["n"].sum().sort_values(ascending=False, kind="stable")
    keys = [key if isinstance(key, tuple) else (key,) for key in sizes.index[:MAX_SERIES]]
    return [(_label(others, key), drawn[(drawn[others] == list(key)).all(axis=1)]) for key in keys]


def _trend_traces(rows, by, scale, label, number, hovers):
    """Give the band and the line of one group."""
    x = [str(value) for value in rows[by]]
    value, low, high = (rows[column] / scale[0] for column in ("value", "low", "high"))
    colour = _COLOURS[f"series{number + 1}"]
    yield _band(x, low, high, colour)
    yield go.Scatter(
        x=x,
        y=value,
        name=_plain(label),
        mode="lines+markers",
        line={"color": colour, "width": 2.5},
        marker=_marker(rows, colour, size=7),
        hovertext=hovers,
        hoverinfo="text",
    )


def _band(x, low, high, colour):
    """Give the band between two lines; where an end is missing it is parted."""
    known = (low.notna() & high.notna()).tolist()
    runs, xs, ys = np.cumsum(np.r_[0, np.diff(known) != 0]), [], []
    for run in pd.unique(runs[known]):
        at = np.flatnonzero(runs == run)
        xs += [*(x[i] for i in at), *(x[i] for i in at[::-1]), None]
        ys += [*high.iloc[at], *low.iloc[at[::-1]], None]
    return go.Scatter(
        x=xs, y=ys, fill="toself", fillcolor=colour, opacity=BAND_OPACITY, mode="lines", line={"width": 0},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def plot_ranking(results, overall=None):
    """Draw groups in falling order as a dot with its interval, n beside the name.

    Parameters
    ----------
    results : results of one metric by one or more columns; at most 30 groups are drawn, the rows hold all
    overall : float, in the metric's unit, or None; a dotted line to compare with
    """
    metric, unit, groups = _checked(results)
    drawn = results.dropna(subset=["value"]).sort_values("value", ascending=False, kind="stable")
    if drawn.empty:
        return _empty(results, metric)
    drawn = drawn.head(MAX_GROUPS)
    scale = unit_scale(drawn["value"], unit)
    alt = text(
        "chart.ranking_alt",
        metric=metric_name(metric),
        by=_by_words(groups),
        count=str(int(results["value"].notna().sum())),
        **_first_and_last(drawn, groups, unit),
    )
    figure = _figure(results, metric, groups, alt, _rows_height(len(drawn)), note=_cut_note(results))
    figure.add_trace(
        go.Scatter(
            x=drawn["value"] / scale[0],
            y=list(range(len(drawn))),
            mode="markers",
            marker=_marker(drawn, _COLOURS["accent"], size=10),
            error_x=_error(drawn, scale, _COLOURS["accent"]),
            hovertext=_hovers(drawn, unit, groups),
            hoverinfo="text",
            customdata=_drills(drawn, groups),
        )
    )
    ticks = [
        _two_lines(_label(groups, row), text("chart.tick_n", n=format_value(n, "count")))
        for row, n in zip(drawn[groups].itertuples(index=False), drawn["n"], strict=True)
    ]
    _set_rows(figure, ticks)
    _set_values(figure, metric, scale)
    if overall is not None:
        _add_line(figure, overall / scale[0], text("chart.reference", value=format_value(overall, unit)))
    return figure


def plot_share(results):
    """Draw how a whole splits: one stacked bar, and under it every part with its interval.

    Parameters
    ----------
    results : shares of one metric by one column, such as `side`
        Where a share has bounds but no value there is no bar, only the bounds.
    """
    metric, unit, groups = _checked(results)
    by = groups[0]
    drawn = results[results[["value", "low", "high"]].notna().any(axis=1)].reset_index(drop=True)
    if drawn.empty:
        return _empty(results, metric)
    parts = [word_of(by, value) for value in drawn[by]]
    shown = [_with_interval(row) for row in drawn.to_dict("records")]
    listed = [text("chart.part", name=a, value=b) for a, b in zip(parts, shown, strict=True)]
    alt = text("chart.share_alt", metric=metric_name(metric), parts=text("chart.comma").join(listed))
    has_bar = bool(drawn["value"].notna().all())
    height = _rows_height(len(drawn)) + (_SIZES["share_bar_height"] if has_bar else 0)
    figure = _figure(results, metric, groups, alt, height)
    scale, colours = unit_scale(drawn["value"], unit), _part_colours(drawn[by])
    hovers, drills = _hovers(drawn, unit, groups), _drills(drawn, groups)
    for number, row in enumerate(drawn.to_dict("records")):
        one = drawn.iloc[[number]]
        common = {"hovertext": hovers[number], "hoverinfo": "text", "customdata": [drills[number]]}
        if has_bar:
            figure.add_trace(_bar_part(row["value"] / scale[0], colours[number], common))
        if not is_missing(row["low"]):
            ends = [row["low"] / scale[0], row["high"] / scale[0]]
            line = {"color": colours[number], "width": 4}
            figure.add_trace(go.Scatter(x=ends, y=[number] * 2, mode="lines", line=line, hoverinfo="skip"))
        marker = _marker(one, colours[number], size=11)
        figure.add_trace(
            go.Scatter(x=one["value"] / scale[0], y=[number], mode="markers", marker=marker, **common)
        )
    _set_rows(
        figure, [_two_lines(a, _tick(row)) for a, row in zip(parts, drawn.to_dict("records"), strict=True)]
    )
    _set_values(figure, metric, scale)
    figure.update_xaxes(range=[0, 100])
    if has_bar:
        share = _SIZES["share_bar_height"] / height
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
        marker={"color": colour, "line": {"color": _PAPER, "width": 2}},
        text=[f"{value:.0f}%"], textposition="inside", insidetextanchor="middle", textangle=0,
        insidetextfont={"color": _COLOURS["card"]}, **common,
    )  # fmt: skip


def plot_heatmap(results, x, y):
    """Draw a metric over two columns as coloured cells; a missing or suppressed cell stays empty.

    Parameters
    ----------
    results : results of one metric by `x` and `y`
    x, y : str, columns; numbers and days are put in order, words stay as they come
    """
    metric, unit, _ = _checked(results, x, y)
    drawn = results.dropna(subset=["value"])
    if drawn.empty:
        return _empty(results, metric)
    across, down = _ordered(results[x]), _ordered(results[y])
    scale = unit_scale(drawn["value"], unit)
    top = drawn.loc[drawn["value"].idxmax()]
    alt = text(
        "chart.heatmap_alt",
        metric=metric_name(metric), x=column_name(x), y=column_name(y),
        where=f"{word_of(y, top[y])} · {word_of(x, top[x])}",
        high=format_value(top["value"], unit), low=format_value(drawn["value"].min(), unit),
    )  # fmt: skip
    figure = _figure(results, metric, [y, x], alt, _cells_height(len(down)), note=_unit_words(scale))
    hovers = pd.Series(_hovers(results, unit, [y, x]), index=results.index)
    figure.add_trace(
        go.Heatmap(
            x=[str(value) for value in across],
            y=[str(value) for value in down],
            z=(_grid(results, x, y, across, down, results["value"]) / scale[0]).tolist(),
            hovertext=_grid(results, x, y, across, down, hovers).tolist(),
            hoverinfo="text",
            hoverongaps=False,
            colorscale=[[0, _COLOURS["soft"]], [1, _COLOURS["accent"]]],
            xgap=2,
            ygap=2,
            colorbar={
                "orientation": "h", "thickness": 8, "len": 0.6, "x": 0, "xanchor": "left",
                "y": 1, "yanchor": "bottom", "outlinewidth": 0, "ticksuffix": _suffix(scale), "nticks": 5,
            },
        )
    )  # fmt: skip
    for axis, column, values in ((figure.layout.xaxis, x, across), (figure.layout.yaxis, y, down)):
        axis.update(type="category", title_text=_plain(column_name(column)), showgrid=False, showline=False)
        axis.labelalias = {str(value): _axis_word(column, value) for value in values}
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
        return _empty(rows, metric)
    median, p90 = (format_value(known.quantile(quantile), unit) for quantile in (0.5, 0.9))
    name = metric_name(metric) if metric_name(metric) != metric else column_name(metric)
    alt = text(
        "chart.distribution_alt", metric=name, n=format_value(len(known), "count"), median=median, p90=p90
    )
    figure = _figure(rows, metric, [], alt, title=name, note=text("chart.share_below"))
    shares = np.linspace(0, 1, min(MAX_POINTS, len(known) + 1))
    points = known.quantile(shares)
    is_time = unit == "seconds"
    scale = (1, "seconds") if is_time else unit_scale(known, unit)
    hovers = [f"{share:.0%} ≤ {_plain(format_value(point, unit))}" for share, point in points.items()]
    figure.add_trace(
        go.Scatter(
            x=(points.clip(lower=1) if is_time else points) / scale[0],
            y=points.index * 100,
            mode="lines",
            line={"color": _COLOURS["accent"], "width": 2.5, "shape": "hv"},
            hovertext=hovers,
            hoverinfo="text",
        )
    )
    for quantile, key, words in ((0.5, "median", median), (0.9, "p90", p90)):
        at = known.quantile(quantile)
        where = np.log10(max(at, 1)) if is_time else at / scale[0]
        _mark_quantile(figure, where, quantile * 100, text(f"chart.{key}", value=words))
    figure.update_yaxes(
        range=[0, 103], ticksuffix="%", title_text=_axis_words(text("chart.share_below"), "rate")
    )
    figure.update_xaxes(
        title_text=_axis_words(name, "seconds" if is_time else scale[1]), ticksuffix=_suffix(scale)
    )
    if is_time:
        ticks = [tick for tick in TIME_TICKS if tick <= max(known.max(), 2) * 1.5]
        figure.update_xaxes(
            type="log", ticksuffix="", tickvals=ticks, ticktext=[_plain(_tick_time(tick)) for tick in ticks],
            title_text=_plain(name),
        )  # fmt: skip
    return figure


def _mark_quantile(figure, x, y, words):
    """Put a dot and its words on the curve."""
    figure.add_annotation(
        x=x, y=y, text=_plain(words), showarrow=True, arrowhead=0, arrowcolor=_MUTED, arrowwidth=1,
        ax=24, ay=26, xanchor="left", bgcolor=_PAPER, font={"color": _INK}, borderpad=2,
    )  # fmt: skip


def _tick_time(seconds):
    """Write a tick of a time axis without decimals."""
    factor, word = next((f, w) for f, w in ((3600, "hours"), (60, "minutes"), (1, "seconds")) if seconds >= f)
    return text(f"unit.{word}", value=f"{seconds / factor:g}")


def plot_pareto(results):
    """Draw amounts in falling order with the share that each and all before it make up.

    Parameters
    ----------
    results : one metric by one column, such as `reason`; a column `side` gives the bars their colours
    """
    metric, unit, groups = _checked(results)
    by = groups[0]
    drawn = results.dropna(subset=["value"]).sort_values("value", ascending=False, kind="stable")
    if drawn.empty:
        return _empty(results, metric)
    total = drawn["value"].sum()
    so_far = drawn["value"].cumsum() / (total or 1)
    drawn, so_far = drawn.head(MAX_GROUPS).reset_index(drop=True), so_far.tolist()
    scale = unit_scale(drawn["value"], unit)
    alt = text(
        "chart.pareto_alt",
        metric=metric_name(metric), by=column_name(by), count=str(int(results["value"].notna().sum())),
        top=word_of(by, drawn[by].iloc[0]), top_value=format_value(drawn["value"].iloc[0], unit),
    )  # fmt: skip
    figure = _figure(results, metric, [by], alt, _rows_height(len(drawn)), note=_cut_note(results))
    sides = drawn["side"] if "side" in drawn else pd.Series("accent", index=drawn.index)
    ends = [
        _plain(f"{format_value(v, unit)} · {text('chart.cumulative', value=format_value(share, 'rate'))}")
        for v, share in zip(drawn["value"], so_far, strict=False)
    ]
    hovers, drills = _hovers(drawn, unit, groups), _drills(drawn, [by])
    for side in pd.unique(sides):
        at = [number for number, each in enumerate(sides) if each == side]
        figure.add_trace(
            go.Bar(
                x=drawn["value"].iloc[at] / scale[0], y=at, orientation="h", width=0.62,
                name=_plain(word_of("side", side)), marker={"color": _COLOURS.get(str(side), _COLOURS["accent"])},
                text=[ends[number] for number in at], textposition="outside", cliponaxis=False,
                hovertext=[hovers[number] for number in at], hoverinfo="text",
                customdata=[drills[number] for number in at],
            )
        )  # fmt: skip
    _set_rows(figure, [_plain(_short(word_of(by, value))) for value in drawn[by]])
    _set_values(figure, metric, scale)
    largest = drawn["value"].max() / scale[0]
    figure.update_xaxes(range=[0, largest * 1.7 or 1])
    figure.update_layout(showlegend="side" in groups[1:], barmode="overlay")
    return figure


# ---- parts that the charts share


def _checked(results, *needed):
    """Give metric, unit and by-columns of results; refuse several metrics and missing columns."""
    columns = list(results.columns)
    metrics = list(pd.unique(results["metric"]))
    if len(metrics) > 1:
        raise ParameterError(
            f"a chart draws one metric; these results hold {len(metrics)}: {', '.join(metrics)}"
        )
    groups = columns[columns.index(ENDS[0]) + 1 : columns.index(ENDS[1])]
    lacking = [column for column in needed if column not in groups]
    if lacking or not groups:
        raise ParameterError(
            f"these results are grouped by {groups or 'nothing'}; the chart needs {lacking or 'a group'}"
        )
    return (metrics or [""])[0], (results["unit"].iloc[0] if len(results) else "number"), groups


def _figure(results, metric, by, alt, height=None, title=None, note=""):
    """Start a figure: its look, its title, and what a page says about it."""
    groups = [by] if isinstance(by, str) else list(by)
    words = title or text("chart.title_by", metric=metric_name(metric), by=_by_words(groups).lower())
    return go.Figure(
        layout={
            "template": "csnb",
            "title": {"text": _plain(words)},
            "height": height or _SIZES["chart_height"],
            "showlegend": False,
            "meta": {"title": words, "alt": alt, "note": note, "name": f"{metric}_by_{'_'.join(groups)}" if groups else metric,
                     "rows": json.loads(results.to_json(orient="split", index=False, double_precision=15))},
        }
    )  # fmt: skip


def _empty(results, metric):
    """Give a figure that says that there is nothing to draw."""
    name = metric_name(metric)
    figure = _figure(results, metric, [], text("chart.empty_alt", metric=name), 140, title=name)
    figure.add_annotation(text=_plain(text("chart.empty")), showarrow=False, font={"color": _MUTED})
    return figure.update_xaxes(visible=False).update_yaxes(visible=False)


def _rows_height(count):
    """Give the height of a chart with one row a group."""
    return count * _SIZES["row_height"] + 120


def _cells_height(count):
    """Give the height of a heat map; many rows are set closer."""
    return count * (_SIZES["row_height"] if count <= 12 else _SIZES["cell_height"]) + 170


def _set_rows(figure, ticks):
    """Label the rows of a horizontal chart, the first on top."""
    figure.update_yaxes(
        tickvals=list(range(len(ticks))), ticktext=ticks, range=[len(ticks) - 0.4, -0.6], showgrid=False
    )


def _set_values(figure, metric, scale):
    """Label the axis of values below a horizontal chart."""
    figure.update_xaxes(title_text=_axis(metric, scale), ticksuffix=_suffix(scale), showgrid=True, nticks=6)


def _add_line(figure, x, words):
    """Draw a dotted line to compare with, its words on top."""
    figure.add_vline(x=x, line={"color": _MUTED, "width": 1, "dash": "dot"})
    figure.add_annotation(
        x=x, y=1, yref="paper", yanchor="bottom", text=_plain(words), showarrow=False, font={"color": _MUTED}
    )


def _plain(value):
    """Make a text safe in a chart, which reads tags but no quotes."""
    return escape(value).replace("&quot;", '"')


def _axis(metric, scale):
    return _axis_words(metric_name(metric), scale[1])


def _axis_words(name, unit):
    """Name an axis with its unit; a count needs none."""
    if unit == "count":
        return _plain(name)
    return _plain(text("chart.axis", name=name, unit=text(f"chart.unit.{unit}")))


def _cut_note(results):
    """Say how many groups are drawn, where that is not all."""
    total = int(results["value"].notna().sum())
    return text("chart.cut", shown=str(MAX_GROUPS), total=str(total)) if total > MAX_GROUPS else ""


def _unit_words(scale):
    """Name a unit for a caption; percent stands at the ticks, a count needs none."""
    return "" if scale[1] in ("rate", "count") else text(f"chart.unit.{scale[1]}")


def _suffix(scale):
    return "%" if scale[1] == "rate" else ""


def _by_words(groups):
    return " × ".join(column_name(column) for column in groups)


def _word(column, value):
    return format_day(value) if column == "day" else word_of(column, value)


def _axis_word(column, value):
    """Write one value on an axis: a day without its year, a long name cut."""
    if column == "day" and str(value) != "unknown":
        return format_short_day(value)
    return _plain(_short(word_of(column, value)))


def _label(columns, values):
    return " · ".join(_word(column, value) for column, value in zip(columns, values, strict=True))


def _short(words):
    """Cut a long name for an axis, a Chinese sign counted as two; the hover text has it whole."""
    widths = np.cumsum([2 if sign > "\u2e80" else 1 for sign in words])
    return (
        words
        if len(words) == 0 or widths[-1] <= MAX_WIDTH
        else f"{words[: int((widths < MAX_WIDTH - 1).sum())]}…"
    )


def _two_lines(name, below):
    return f'{_plain(_short(name))}<br><span style="font-size:11px;color:{_MUTED}">{_plain(below)}</span>'


def _part_colours(values):
    """Give every part its colour: a side its own, numbers a scale from the largest down, others the series."""
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.notna().all():
        falling = sorted(numbers, reverse=True)
        steps = [falling.index(number) * (SCALE - 1) // max(len(falling) - 1, 1) for number in numbers]
        return [_COLOURS[f"scale{1 + step}"] for step in steps]
    series = [_COLOURS[f"series{number}"] for number in range(1, MAX_SERIES + 1)]
    return [_COLOURS.get(str(value), series[number % MAX_SERIES]) for number, value in enumerate(values)]


def _marker(rows, colour, size):
    """Give dots, hollow where n is small."""
    fill = [_PAPER if n < SMALL else colour for n in rows["n"]]
    return {"color": fill, "size": size, "line": {"color": colour, "width": 2}}


def _error(rows, scale, colour):
    """Give the interval of every row as a bar around its dot."""
    value, low, high = (rows[column] / scale[0] for column in ("value", "low", "high"))
    return {"type": "data", "symmetric": False, "array": (high - value).tolist(),
            "arrayminus": (value - low).tolist(), "color": colour, "thickness": 2, "width": 0}  # fmt: skip


def _with_interval(row):
    """Write a value with its interval, or the bounds alone."""
    interval = format_interval(row["low"], row["high"], row["unit"])
    if is_missing(row["value"]):
        return interval
    value = format_value(row["value"], row["unit"])
    return value if is_missing(row["low"]) else text("chart.hover", value=value, interval=interval)


def _tick(row):
    """Write a value with its interval below a name on an axis."""
    interval = format_interval(row["low"], row["high"], row["unit"])
    return text("chart.tick", value=format_value(row["value"], row["unit"]), interval=interval)


def _hovers(rows, unit, columns):
    """Write what a reader sees on touching each row: name, value with interval, n."""
    return [
        f"{_plain(_label(columns, [row[column] for column in columns]))}<br><b>{_plain(_with_interval(row))}</b>"
        f"<br>{_plain(text('chart.hover_n', n=format_value(row['n'], 'count')))}"
        for row in rows.assign(unit=unit).to_dict("records")
    ]


def _drills(rows, groups):
    """Give for every row the mark of the quotes behind it: first column and value."""
    return [f"{groups[0]}={value}" for value in rows[groups[0]]]


def _first_and_last(drawn, groups, unit):
    """Describe the first and the last row of a ranking."""
    names = [_label(groups, row) for row in drawn[groups].itertuples(index=False)]
    values = [format_value(value, unit) for value in drawn["value"]]
    return {"top": names[0], "top_value": values[0], "bottom": names[-1], "bottom_value": values[-1]}


def _trend_alt(drawn, metric, unit, by):
    """Describe a trend by its ends and extremes."""
    known = drawn.dropna(subset=["value"])
    first, last = known.iloc[0], known.iloc[-1]
    return text(
        "chart.trend_alt",
        metric=metric_name(metric), by=column_name(by), first=_word(by, first[by]), last=_word(by, last[by]),
        first_value=format_value(first["value"], unit), last_value=format_value(last["value"], unit),
        low=format_value(known["value"].min(), unit), high=format_value(known["value"].max(), unit),
    )  # fmt: skip


# ---- a figure in a page


def chart_html(figure):
    """Give the HTML of a figure in a report page: caption, place to draw, and its rows as a table.

    Parameters
    ----------
    figure : dict, the plotly JSON of a figure; with `layout.meta` if this module drew it

    Returns
    -------
    str; the page's script draws the chart, all else is readable without one
    """
    layout = dict(figure["layout"])
    meta = layout.pop("meta", None) or {}
    title = meta.get("title") or (layout.get("title") or {}).get("text") or ""
    y_axis = {key: value for key, value in (layout.get("yaxis") or {}).items() if key != "title"}
    height = layout.get("height") or _SIZES["chart_height"]
    has_legend = layout.get("showlegend") or any(trace["type"] == "heatmap" for trace in figure["data"])
    layout |= {
        "title": {"text": ""},
        "yaxis": y_axis,
        "margin": {"l": 8, "r": 16, "b": 8, "t": 40 if has_legend else 28},
    }
    spec = json.dumps({"data": figure["data"], "layout": layout, "config": CONFIG}, sort_keys=True)
    for unsafe in "<>&":
        spec = spec.replace(unsafe, f"\\u{ord(unsafe):04x}")
    note = f' <span class="axis">{escape(meta["note"])}</span>' if meta.get("note") else ""
    return (
        f'<figure class="chart"><figcaption>{escape(title)}{note}</figcaption>'
        f'<p class="fallback">{escape(text("page.chart_needs_script"))}</p>'
        f'<div class="plot" role="img" aria-label="{escape(meta.get("alt") or title)}" style="--height:{height}px"></div>'
        f'<script type="application/json" class="spec">{spec}</script>{_rows_html(meta)}</figure>'
    )


def _rows_html(meta):
    """Fold the rows of a figure away below it."""
    if not meta.get("rows"):
        return ""
    rows = pd.DataFrame(meta["rows"]["data"], columns=meta["rows"]["columns"])
    table = table_html(rows, meta["name"])
    summary = escape(text("page.data_rows", count=format_value(len(rows), "count")))
    return f'<details class="rows"><summary>{summary}</summary><div class="csnb">{table}</div></details>'
