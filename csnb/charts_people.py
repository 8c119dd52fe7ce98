"""Draw how people differ: charts in the style of `csnb.charts`."""

import numpy as np
import plotly.graph_objects as go
from scipy import stats as distributions

from csnb.figures import (
    axis_words,
    check_results,
    dots,
    empty_figure,
    hover_texts,
    start_figure,
)
from csnb.formats import format_value, metric_name
from csnb.strings import text
from csnb.theme import theme_colour

LIMITS = ((0.95, "dot"), (0.998, "dash"))
POINTS = 60


def plot_funnel(compared):
    """Draw each agent's rate less the expected one against n, within the limits of chance and ordinary variety.

    Parameters
    ----------
    compared : DataFrame of `csnb.compare_agents`; an agent without a name stays a dot
        Agents beyond the outer limits (99.8 %) have a colour of their own; the fewer the cases, the wider the limits.

    Returns
    -------
    plotly Figure

    Examples
    --------
    >>> import csnb
    >>> figure = csnb.plot_funnel(csnb.compare_agents(csnb.select_sessions(book)))
    >>> figure.layout.title.text
    '不满意率'
    """
    metric, _, groups = check_results(compared)
    drawn = compared[compared["value"].notna() & compared["expected_rate"].notna()]
    if drawn.empty:
        return empty_figure(compared, metric)
    gap = drawn["value"] - drawn["expected_rate"]
    is_out = (drawn["value"] < drawn["low998_od"]) | (drawn["value"] > drawn["high998_od"])
    alt = text(
        "chart.funnel_alt",
        metric=metric_name(metric), count=str(len(drawn)), out=str(int(is_out.sum())),
        low=format_value(gap.min(), "points"), high=format_value(gap.max(), "points"),
    )  # fmt: skip
    title = text("chart.funnel_title", metric=metric_name(metric))
    figure = start_figure(compared, metric, groups, alt, title=title, note=text("chart.funnel_note"))
    for trace in _limits(drawn):
        figure.add_trace(trace)
    hovers = [
        f"{words}<br>{text('chart.funnel_expected', value=format_value(row.expected_rate, 'rate'))}"
        for words, row in zip(hover_texts(drawn, "rate", ["agent_id"]), drawn.itertuples(), strict=True)
    ]
    colours = np.where(is_out, theme_colour("series2"), theme_colour("accent"))
    marker = dots(drawn, theme_colour("accent"), size=10)
    fill = np.where(drawn["n"] < 30, marker["color"], colours)
    figure.add_trace(
        go.Scatter(
            x=drawn["n"], y=gap * 100, mode="markers", hovertext=hovers, hoverinfo="text",
            marker={"color": fill.tolist(), "size": 10, "line": {"color": colours.tolist(), "width": 2}},
        )
    )  # fmt: skip
    figure.update_xaxes(title_text=axis_words(text("column.n"), "count"), rangemode="tozero", nticks=6)
    return figure.update_yaxes(
        title_text=axis_words(text("chart.funnel_gap"), "points"),
        zeroline=True,
        zerolinecolor=theme_colour("muted"),
        nticks=7,
    )


def _limits(drawn):
    """Give the lines within which agents stay by chance and ordinary variety, at the team's own rate."""
    n = np.linspace(max(1, drawn["n"].min() * 0.9), drawn["n"].max() * 1.05, POINTS)
    rate = (drawn["value"] * drawn["n"]).sum() / drawn["n"].sum()
    error = np.sqrt(rate * (1 - rate) / n + drawn["tau2"].iloc[0])
    for level, dash in LIMITS:
        half = distributions.norm.ppf((1 + level) / 2) * error
        for side in (-1, 1):
            edge = np.clip(side * half, -rate, 1 - rate) * 100
            line = {"color": theme_colour("muted"), "width": 1, "dash": dash}
            yield go.Scatter(x=n, y=edge, mode="lines", line=line, hoverinfo="skip")
