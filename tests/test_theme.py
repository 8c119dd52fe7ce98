from itertools import pairwise

import pandas as pd
import pytest

from csnb.charts import plot_distribution
from csnb.errors import DefinitionError
from csnb.lookup import SHIPPED
from csnb.pages import render_page
from csnb.strings import language
from csnb.theme import SCHEMES, dark_colours, read_theme

WORDS = ("ink", "muted", "accent", "warn")
PARTS = ("controllable", "mixed", "uncontrollable", "unexplained", "scale4", "scale5")
MARKS = ("series1", "series2", "series3", "series4", "accent", *PARTS)


def contrast(one, other):
    """Give the contrast of two colours as WCAG 2.2 defines it (relative luminance)."""
    return (max(_luminance(one), _luminance(other)) + 0.05) / (min(_luminance(one), _luminance(other)) + 0.05)


def _luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_black_on_white_has_the_contrast_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    ("word", "ground"),
    [("ink", "mark"), *((word, ground) for word in WORDS for ground in ("paper", "card", "soft"))],
)
def test_words_keep_the_contrast_of_wcag_aa(scheme, word, ground):
    colours = read_theme()[scheme]
    assert contrast(colours[word], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("part", PARTS)
def test_words_inside_the_parts_of_a_bar_keep_the_contrast_of_wcag_aa(scheme, part):
    colours = read_theme()[scheme]
    assert contrast(colours["card"], colours[part]) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("mark", MARKS)
def test_lines_and_dots_keep_the_contrast_of_graphics(scheme, mark):
    colours = read_theme()[scheme]
    assert contrast(colours[mark], colours["paper"]) >= 3


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("one", "other"), list(pairwise(PARTS[:4])))
def test_neighbours_in_the_stacked_bar_differ_in_lightness_or_from_blue_to_yellow(scheme, one, other):
    """Lightness and the blue-yellow axis are what the common kinds of colour blindness leave."""
    colours = read_theme()[scheme]
    yellow = [int(colours[name][1:3], 16) - int(colours[name][5:], 16) for name in (one, other)]
    assert contrast(colours[one], colours[other]) >= 1.5 or abs(yellow[0] - yellow[1]) >= 60


def test_every_light_colour_has_one_dark_colour():
    theme = read_theme()
    assert dark_colours() == {colour: theme["dark"][name] for name, colour in theme["light"].items()}


def test_the_theme_beside_a_book_colours_its_charts_and_its_pages(tmp_path):
    shipped = (SHIPPED / "theme.toml").read_text("utf-8")
    own = read_theme()["light"]["accent"]
    (tmp_path / "theme.toml").write_text(shipped.replace(own, "#7a1f5c"), "utf-8")
    with language("en", tmp_path):
        figure = plot_distribution(pd.Series([10.0, 20.0, 30.0], name="first_response_seconds"), "seconds")
        page = render_page("Waits", "", ["csnb"], "", ["csnb"], {})
    assert figure.data[0].line.color == "#7a1f5c"
    assert "--accent:#7a1f5c" in page
    assert own not in page


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('ink = "#1d2326"', 'ink = "black"', "light.ink: must be #rrggbb"),
        ('[dark]\npaper = "#13181a"', "[dark]", "dark.paper: is missing"),
        ("[dark]\n", '[dark]\nglow = "#ffffff"\n', "glow: stands in one scheme only"),
        ('series1 = "#6fc0da"', 'series1 = "#000000"', "dark.series1: light #0b5d78 is #6fc0da"),
        ("row_height = 38", "", "sizes.row_height: is missing"),
    ],
)
def test_a_wrong_theme_is_refused_with_its_key(tmp_path, was, becomes, said):
    shipped = (SHIPPED / "theme.toml").read_text("utf-8")
    assert was in shipped
    (tmp_path / "theme.toml").write_text(shipped.replace(was, becomes, 1), "utf-8")
    with pytest.raises(DefinitionError, match=said):
        read_theme(tmp_path)
