"""What the charts share: the look, the words on axes and under a pointer, and a figure's place in a page.

A figure's `layout.meta` holds its title, a text for those who do not see it, a note for its caption and
the rows it is drawn from; `chart_html` puts them around the chart.
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
    format_estimate,
    format_interval,
    format_short_day,
    format_value,
    is_missing,
    metric_name,
    sign_widths,
    word_of,
)
from csnb.strings import text
from csnb.tables import SMALL, table_html
from csnb.theme import theme_colour, theme_in_force, theme_size

CONFIG = {"displaylogo": False, "displayModeBar": False, "responsive": True, "showSendToCloud": False,
          "plotlyServerURL": ""}  # fmt: skip
SCALE, MAX_GROUPS, MAX_SERIES, MAX_WIDTH = 5, 30, 4, 24
pio.renderers["plotly_mimetype"].config = CONFIG


# ---- starting a figure


def check_results(results, *needed):
    """Give metric, unit and by-columns of results.

    Raises
    ------
    ParameterError
        If the results hold several metrics, are not grouped, or lack a column that is `needed`.
    """
    columns = list(results.columns)
    metrics = list(pd.unique(results["metric"]))
    if len(metrics) > 1:
        raise ParameterError(
            f"a chart draws one metric; these results hold {len(metrics)}: {', '.join(metrics)}"
        )
    groups = columns[columns.index("metric") + 1 : columns.index("n")]
    lacking = [column for column in needed if column not in groups]
    if lacking or not groups:
        raise ParameterError(
            f"these results are grouped by {groups or 'nothing'}; the chart needs {lacking or 'a group'}"
        )
    return (metrics or [""])[0], (results["unit"].iloc[0] if len(results) else "number"), groups


def without_platform(results, groups):
    """Give the columns to draw by and, where all rows are of one platform, its name for the title."""
    rest = [column for column in groups if column != "platform"]
    if not rest or "platform" not in groups or results["platform"].nunique() != 1:
        return groups, ""
    return rest, word_of("platform", results["platform"].iloc[0])


def start_figure(results, metric, by, alt, height=None, title=None, note="", where=""):
    """Start a figure: its look, its title, and what a page says about it."""
    groups = [by] if isinstance(by, str) else list(by)
    words = title or text("chart.title_by", metric=metric_name(metric), by=by_words(groups).lower())
    words = text("chart.title_where", where=where, title=words) if where else words
    return go.Figure(
        layout={
            "template": _look(),
            "title": {"text": plain(words)},
            "height": height or theme_size("chart_height"),
            "showlegend": False,
            "meta": {"title": words, "alt": alt, "note": note, "name": f"{metric}_by_{'_'.join(groups)}" if groups else metric,
                     "rows": json.loads(results.to_json(orient="split", index=False, double_precision=15))},
        }
    )  # fmt: skip


def _look():
    """Give the look of every figure, in the theme in force."""
    fonts = theme_in_force()["fonts"]
    plain = {"automargin": True, "fixedrange": True, "zeroline": False, "ticks": "", "linecolor": theme_colour("rule"),
             "gridcolor": theme_colour("rule"), "tickangle": 0,
             "title": {"font": {"color": theme_colour("muted"), "size": 12}, "standoff": 10}}  # fmt: skip
    return go.layout.Template(
        layout={
            "font": {"family": fonts["text"], "size": theme_size("chart_text"), "color": theme_colour("ink")},
            "title": {
                "font": {"family": fonts["head"], "size": 18},
                "x": 0,
                "xref": "container",
                "pad": {"l": 8},
            },
            "paper_bgcolor": theme_colour("paper"),
            "plot_bgcolor": theme_colour("paper"),
            "colorway": _series_colours(),
            "margin": {"l": 8, "r": 16, "t": 56, "b": 8},
            "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "title": {"text": ""}},
            "hoverlabel": {
                "bgcolor": theme_colour("card"),
                "bordercolor": theme_colour("rule"),
                "font": {"family": fonts["text"], "color": theme_colour("ink")},
                "align": "left",
            },
            "dragmode": False,
            "xaxis": {**plain, "showgrid": False},
            "yaxis": {**plain, "showline": False},
        }
    )


def empty_figure(results, metric):
    """Give a figure that says that there is nothing to draw."""
    name = metric_name(metric)
    alt = text("chart.empty_alt", metric=name) if name else text("chart.empty")
    figure = start_figure(results, metric, [], alt, 140, title=name or text("chart.nothing"))
    figure.add_annotation(
        text=plain(text("chart.empty")), showarrow=False, font={"color": theme_colour("muted")}
    )
    return figure.update_xaxes(visible=False).update_yaxes(visible=False)


# ---- sizes and axes


def rows_height(count):
    """Give the height of a chart with one row a group."""
    return count * theme_size("row_height") + 120


def cells_height(count):
    """Give the height of a heat map; many rows are set closer."""
    return count * (theme_size("row_height") if count <= 12 else theme_size("cell_height")) + 170


def label_rows(figure, ticks):
    """Label the rows of a horizontal chart, the first on top."""
    figure.update_yaxes(
        tickvals=list(range(len(ticks))), ticktext=ticks, range=[len(ticks) - 0.4, -0.6], showgrid=False
    )


def label_values(figure, metric, scale):
    """Label the axis of values below a horizontal chart."""
    figure.update_xaxes(
        title_text=metric_axis(metric, scale), ticksuffix=tick_suffix(scale), showgrid=True, nticks=6
    )


def add_line(figure, x, words):
    """Draw a dotted line to compare with, its words on top."""
    figure.add_vline(x=x, line={"color": theme_colour("muted"), "width": 1, "dash": "dot"})
    figure.add_annotation(
        x=x,
        y=1,
        yref="paper",
        yanchor="bottom",
        text=plain(words),
        showarrow=False,
        font={"color": theme_colour("muted")},
    )


# ---- words


def plain(value):
    """Make a text safe in a chart, which reads tags but no quotes."""
    return escape(value).replace("&quot;", '"')


def metric_axis(metric, scale):
    """Name the axis of a metric with the unit it is read in."""
    return axis_words(metric_name(metric), scale[1])


def axis_words(name, unit):
    """Name an axis with its unit; a count needs none."""
    if unit == "count":
        return plain(name)
    return plain(text("chart.axis", name=name, unit=text(f"chart.unit.{unit}")))


def cut_note(total, drawn):
    """Say how many groups are drawn, where that is not all."""
    return text("chart.cut", shown=str(drawn), total=str(total)) if total > drawn else ""


def unit_note(scale):
    """Name a unit for a caption; percent stands at the ticks, a count and a plain number need none."""
    return "" if scale[1] in ("rate", "count", "number") else text(f"chart.unit.{scale[1]}")


def tick_suffix(scale):
    """Give what follows the number at a tick."""
    return "%" if scale[1] == "rate" else ""


def by_words(groups):
    """Name the columns that results are grouped by."""
    return " × ".join(column_name(column) for column in groups)


def value_word(column, value):
    """Write one value of a column in words."""
    return format_day(value) if column == "day" else word_of(column, value)


def axis_word(column, value):
    """Write one value on an axis: a day without its year, a long name cut."""
    if column == "day" and str(value) != "unknown":
        return format_short_day(value)
    return plain(short(word_of(column, value)))


def group_label(columns, values):
    """Write one group in words."""
    return " · ".join(value_word(column, value) for column, value in zip(columns, values, strict=True))


def short(words):
    """Cut a long name for an axis, a Chinese sign counted as two; the hover text has it whole."""
    widths = np.cumsum(sign_widths(words))
    if not words or widths[-1] <= MAX_WIDTH:
        return words
    return f"{words[: int((widths < MAX_WIDTH - 1).sum())]}…"


def two_lines(name, below):
    """Set a name on an axis over smaller words."""
    muted = theme_colour("muted")
    return f'{plain(short(name))}<br><span style="font-size:11px;color:{muted}">{plain(below)}</span>'


# ---- colours and marks


def part_colours(values):
    """Give every part its colour: a side its own, numbers a scale from the largest down, others the series."""
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.notna().all():
        falling = sorted(numbers, reverse=True)
        steps = [falling.index(number) * (SCALE - 1) // max(len(falling) - 1, 1) for number in numbers]
        return [theme_colour(f"scale{1 + step}") for step in steps]
    series, own = _series_colours(), theme_in_force()["light"]
    return [own.get(str(value), series[number % MAX_SERIES]) for number, value in enumerate(values)]


def _series_colours():
    """Give the colours of lines and parts that have none of their own."""
    return [theme_colour(f"series{number}") for number in range(1, MAX_SERIES + 1)]


def dots(rows, colour, size):
    """Give dots, hollow where n is small."""
    fill = [theme_colour("paper") if n < SMALL else colour for n in rows["n"]]
    return {"color": fill, "size": size, "line": {"color": colour, "width": 2}}


def interval_bars(rows, scale, colour):
    """Give the interval of every row as a bar around its dot."""
    value, low, high = (rows[column] / scale[0] for column in ("value", "low", "high"))
    return {"type": "data", "symmetric": False, "array": (high - value).tolist(),
            "arrayminus": (value - low).tolist(), "color": colour, "thickness": 2, "width": 0}  # fmt: skip


# ---- what a reader sees on touching a mark


def with_interval(row):
    """Write a value with its interval, or the bounds alone."""
    if is_missing(row["value"]):
        return format_interval(row["low"], row["high"], row["unit"])
    return format_estimate(row)


def below_name(row):
    """Write a value with its interval, or the bounds alone, below a name on an axis."""
    interval = format_interval(row["low"], row["high"], row["unit"])
    if is_missing(row["value"]):
        return interval
    return text("chart.tick", value=format_value(row["value"], row["unit"]), interval=interval)


def hover_texts(rows, unit, columns):
    """Write what a reader sees on touching each row: name, value with interval, n."""
    return [
        f"{plain(group_label(columns, [row[column] for column in columns]))}<br><b>{plain(with_interval(row))}</b>"
        f"<br>{plain(text('chart.hover_n', n=format_value(row['n'], 'count')))}"
        for row in rows.assign(unit=unit).to_dict("records")
    ]


def drill_marks(rows, groups):
    """Give for every row the mark of the quotes behind it: first column and value."""
    return [f"{groups[0]}={value}" for value in rows[groups[0]]]


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
    height = layout.get("height") or theme_size("chart_height")
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
        f'<div class="plot" role="img" aria-label="{escape(meta.get("alt") or title)}" style="--height:{float(height):g}px"></div>'
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
