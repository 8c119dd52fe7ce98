"""Rule packs: how a platform's clock runs, in which hours, with which caps, from which date.

One file a platform in `definitions/rulepacks/`, one `[[pack]]` a period. Numbers that platforms
change several times a year stand there with their date, source and confidence, never in code.
"""

from datetime import date

import polars as pl

from csnb.lookup import definition_names, line_of, read_toml, wrong

WINDOW_OF = ("turn", "session")
STANDARD_UNITS = ("turn", "session", "session_first", "buyer")
CONFIDENCE = ("A", "B", "C", "?")

#: key -> (required, check, what is allowed)
KEYS = {
    "effective_from": (True, lambda v: isinstance(v, date), "a date, such as 2026-09-29"),
    "window": (
        True,
        lambda v: _seconds(v[0]) < _seconds(v[1]),
        'first and last time, such as ["08:00:00", "23:00:00"]',
    ),
    "window_of": (True, lambda v: v in WINDOW_OF, f"one of {WINDOW_OF}"),
    "cap_seconds": (False, lambda v: v > 0, "seconds above 0: a slower reply counts as this"),
    "unanswered_seconds": (
        False,
        lambda v: v > 0,
        "seconds above 0: what a question without reply counts as",
    ),
    "standard_seconds": (
        True,
        lambda v: v > 0,
        "seconds above 0: a reply within it meets the platform's standard",
    ),
    "standard_unit": (True, lambda v: v in STANDARD_UNITS, f"one of {STANDARD_UNITS}"),
    "slow_seconds": (True, lambda v: v > 0, "seconds above 0: a slower reply is slow"),
    "satisfied_scores": (True, lambda v: set(v) <= {1, 2, 3, 4, 5}, "scores from 1 to 5"),
    "dissatisfied_scores": (True, lambda v: set(v) <= {1, 2, 3, 4, 5}, "scores from 1 to 5"),
    "ungraded_days": (False, lambda v: all(len(d) == 2 for d in v), "pairs of dates, first and last day"),
    "perfunctory": (False, lambda v: all(isinstance(t, str) for t in v), "texts that are no valid reply"),
    "source": (True, lambda v: isinstance(v, str) and v, "where the rule is written"),
    "confidence": (True, lambda v: v in CONFIDENCE, f"one of {CONFIDENCE}"),
}


def load_rulepacks(folder=None):
    """Load and check the rule packs of all platforms.

    Parameters
    ----------
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    polars.DataFrame
        One row is one pack: the keys above plus `platform`, `rulepack` (platform and first day,
        such as "taobao 2000-01-01"), `window_from` and `window_to` in seconds of the day.
        Missing keys are missing values. Sorted by platform and first day.

    Raises
    ------
    DefinitionError
        If a key is unknown, missing or out of range; file, line and key are named.

    Examples
    --------
    >>> load_rulepacks().filter(platform="douyin")["rulepack"].to_list()
    ['douyin 2000-01-01', 'douyin 2026-09-29']
    """
    packs = [
        pack
        for name in definition_names("rulepacks", folder=folder)
        for pack in _platform_packs(name, folder)
    ]
    return pl.DataFrame(packs, schema_overrides=_DTYPES, infer_schema_length=None).sort(
        "platform", "effective_from"
    )


_DTYPES = {
    "cap_seconds": pl.Float64,
    "unanswered_seconds": pl.Float64,
    "standard_seconds": pl.Float64,
    "slow_seconds": pl.Float64,
    "satisfied_scores": pl.List(pl.Int64),
    "dissatisfied_scores": pl.List(pl.Int64),
    "ungraded_days": pl.List(pl.List(pl.Date)),
    "perfunctory": pl.List(pl.String),
}


def _platform_packs(name, folder):
    """Give the checked packs of one file."""
    relative = f"rulepacks/{name}.toml"
    for pack in read_toml(relative, folder)["pack"]:
        for key in pack:
            if key not in KEYS:
                raise wrong(
                    relative, line_of(relative, key, folder), key, f"unknown; allowed are {sorted(KEYS)}"
                )
        for key, (required, is_right, allowed) in KEYS.items():
            if key not in pack:
                if required:
                    raise wrong(relative, 1, key, f"missing; it must be {allowed}")
            elif not is_right(pack[key]):
                raise wrong(
                    relative, line_of(relative, key, folder), key, f"must be {allowed}; found {pack[key]!r}"
                )
        yield {
            "platform": name,
            "rulepack": f"{name} {pack['effective_from']}",
            **{key: pack.get(key) for key in KEYS},
            "window_from": _seconds(pack["window"][0]),
            "window_to": _seconds(pack["window"][1]),
        }


def _seconds(clock):
    """Give the second of the day of "HH:MM:SS"; "24:00:00" is the end of the day."""
    hours, minutes, seconds = map(int, clock.split(":"))
    return hours * 3600 + minutes * 60 + seconds


def packs_in_force(sessions, packs):
    """Give each session the rule pack of its platform on its day.

    Parameters
    ----------
    sessions : polars.DataFrame with `platform` and `started_at`
    packs : polars.DataFrame of `load_rulepacks`

    Returns
    -------
    polars.DataFrame
        `sessions` in the same order, with the pack's columns and `is_ungraded_day`. A platform
        without a file takes the generic packs; a session without time takes the latest pack.
    """
    known = packs["platform"].unique().to_list()
    dated = sessions.with_columns(
        pl.when(pl.col("platform").is_in(known))
        .then("platform")
        .otherwise(pl.lit("generic"))
        .alias("_clock"),
        pl.col("started_at").dt.date().fill_null(date.max).alias("_date"),
    ).with_row_index("_row")
    joined = (
        dated.sort("_date")
        .join_asof(
            packs.rename({"platform": "_clock"}),
            left_on="_date", right_on="effective_from", by="_clock", check_sortedness=False,
        )
        .sort("_row")
    )  # fmt: skip
    spans = packs.select("rulepack", "ungraded_days").explode("ungraded_days").drop_nulls()
    off_days = {
        (name, day)
        for name, (first, last) in spans.iter_rows()
        for day in pl.date_range(first, last, eager=True)
    }
    is_off = [pair in off_days for pair in zip(joined["rulepack"], joined["_date"], strict=True)]
    return joined.with_columns(pl.Series("is_ungraded_day", is_off, pl.Boolean)).drop(
        "_clock", "_date", "_row"
    )
