"""Colours, fonts and sizes from `definitions/theme.toml`, for charts and for pages."""

import re
from functools import cache

from csnb.lookup import line_of, read_toml, wrong

FILE = "theme.toml"
WHITE = "#ffffff"
SCHEMES = ("light", "dark")
FONTS = ("text", "head", "code")
SIZES = ("chart_text", "chart_height", "row_height", "cell_height", "share_bar_height")


@cache
def read_theme(folder=None):
    """Read the theme and check it.

    Returns
    -------
    dict with `fonts`, `sizes`, `light` and `dark`

    Raises
    ------
    DefinitionError
        If a key is missing, a colour is not #rrggbb, the schemes differ in their keys, or one light
        colour has two dark ones (a chart could not be turned dark then).

    Examples
    --------
    >>> sorted(read_theme())
    ['dark', 'fonts', 'light', 'sizes']
    """
    theme = read_toml(FILE, folder)
    for part, keys in (("fonts", FONTS), ("sizes", SIZES), ("light", ("ink",)), ("dark", ("ink",))):
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


def dark_colours(folder=None):
    """Give the dark colour of every light colour: how a page turns its charts dark.

    Examples
    --------
    >>> dark_colours()[read_theme()["light"]["paper"]] == read_theme()["dark"]["paper"]
    True
    """
    theme = read_theme(folder)
    return {colour: theme["dark"][name] for name, colour in theme["light"].items()}


def print_colours(folder=None):
    """Give what a light colour becomes on paper: the tint of the page is left to the paper itself.

    Examples
    --------
    >>> list(print_colours().values())
    ['#ffffff']
    """
    return {read_theme(folder)["light"]["paper"]: WHITE}


def css_variables(folder=None):
    """Give the theme as CSS custom properties: light, dark where the device asks for it, white in print.

    Examples
    --------
    >>> "prefers-color-scheme:dark" in css_variables()
    True
    """
    dark = _properties(read_theme(folder)["dark"])
    return (
        f":root{{color-scheme:light dark;{light_variables(folder)}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
        f"@media print{{:root{{--paper:{WHITE}}}}}"
    )


def light_variables(folder=None):
    """Give the fonts and the light colours as CSS declarations.

    Examples
    --------
    >>> "--ink:#" in light_variables()
    True
    """
    theme = read_theme(folder)
    fonts = {f"{name}-font": stack for name, stack in theme["fonts"].items()}
    return _properties({**fonts, **theme["light"]})


def _properties(values):
    return "".join(f"--{name}:{value};" for name, value in values.items())
