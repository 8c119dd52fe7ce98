"""Colours, fonts and sizes from `definitions/theme.toml`, for charts and for pages.

The theme in force is that of the definitions folder in force (`strings.set_language`), else the shipped one.
"""

import re
from functools import cache

from csnb.lookup import line_of, read_toml, wrong
from csnb.strings import get_definitions_folder

FILE = "theme.toml"
WHITE = "#ffffff"
SCHEMES = ("light", "dark")


@cache
def read_theme(folder=None):
    """Read the theme and check it.

    Returns
    -------
    dict with `fonts`, `sizes`, `light` and `dark`

    Raises
    ------
    DefinitionError
        If a key of the shipped theme is missing, a colour is not #rrggbb, the schemes differ in their keys, or one light
        colour has two dark ones (a chart could not be turned dark then).

    Examples
    --------
    >>> sorted(read_theme())
    ['dark', 'fonts', 'light', 'sizes']
    """
    theme, shipped = read_toml(FILE, folder), read_toml(FILE)
    for part, keys in shipped.items():
        for key in keys:
            if key not in theme.get(part, {}):
                raise wrong(FILE, line_of(FILE, f"[{part}]", folder), f"{part}.{key}", "is missing")
    for scheme in SCHEMES:
        for name, colour in theme[scheme].items():
            if not re.fullmatch(r"#[0-9a-f]{6}", str(colour)):
                line = line_of(FILE, colour, folder)
                raise wrong(
                    FILE, line, f"{scheme}.{name}", f"must be #rrggbb in small letters, found {colour!r}"
                )
    apart = set(theme["light"]) ^ set(theme["dark"])
    if apart:
        raise wrong(FILE, line_of(FILE, "[dark]", folder), sorted(apart)[0], "stands in one scheme only")
    _check_turns_dark(theme, folder)
    return theme


def _check_turns_dark(theme, folder):
    """Refuse two dark colours for one light colour."""
    seen = {}
    for name, colour in theme["light"].items():
        dark = theme["dark"][name]
        if seen.setdefault(colour, dark) != dark:
            line = line_of(FILE, dark, folder)
            raise wrong(
                FILE, line, f"dark.{name}", f"light {colour} is {seen[colour]} in dark elsewhere, not {dark}"
            )


def theme_in_force():
    """Give the theme that charts and pages are made with now.

    Examples
    --------
    >>> theme_in_force() == read_theme()
    True
    """
    return read_theme(get_definitions_folder())


def theme_colour(name):
    """Give a light colour of the theme in force; a page turns it dark where the device asks for it.

    Examples
    --------
    >>> theme_colour("ink") == read_theme()["light"]["ink"]
    True
    """
    return theme_in_force()["light"][name]


def theme_size(name):
    """Give a size of the theme in force, in pixels.

    Examples
    --------
    >>> theme_size("chart_height") == read_theme()["sizes"]["chart_height"]
    True
    """
    return theme_in_force()["sizes"][name]


def dark_colours():
    """Give the dark colour of every light colour: how a page turns its charts dark.

    Examples
    --------
    >>> dark_colours()[read_theme()["light"]["paper"]] == read_theme()["dark"]["paper"]
    True
    """
    theme = theme_in_force()
    return {colour: theme["dark"][name] for name, colour in theme["light"].items()}


def print_colours():
    """Give what a light colour becomes on paper: the tint of the page is left to the paper itself.

    Examples
    --------
    >>> list(print_colours().values())
    ['#ffffff']
    """
    return {theme_colour("paper"): WHITE}


def css_variables():
    """Give the theme as CSS custom properties: light, dark where the device asks for it, white in print.

    Examples
    --------
    >>> "prefers-color-scheme:dark" in css_variables()
    True
    """
    dark = _properties(theme_in_force()["dark"])
    return (
        f":root{{color-scheme:light dark;{light_variables()}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
        f"@media print{{:root{{--paper:{WHITE}}}}}"
    )


def light_variables():
    """Give the fonts and the light colours as CSS declarations.

    Examples
    --------
    >>> "--ink:#" in light_variables()
    True
    """
    theme = theme_in_force()
    fonts = {f"{name}-font": stack for name, stack in theme["fonts"].items()}
    return _properties({**fonts, **theme["light"]})


def _properties(values):
    return "".join(f"--{name}:{value};" for name, value in values.items())
