"""Cells to values: times, numbers and durations as exports write them.

Every reader takes a Series of texts and gives a Series of values of the same length; what it
cannot read becomes missing, and the caller compares to see which cells those were.
"""

import re
from functools import cache

import polars as pl

from csnb.lookup import read_toml
from csnb.schema import TIME, ZONE

_EPOCH_DIGITS = {"epoch_s": r"^\d{9,10}(?:\.\d+)?$", "epoch_ms": r"^\d{12,13}$"}
_EXCEL = r"^[2-7]\d{4}(?:\.\d+)?$"
_EXCEL_EPOCH_DAYS = 25569
_DAY_SECONDS = 86400
_CLOCK = r"^(?:(?<u3600>\d+):)?(?<u60>\d{1,2}):(?<u1>\d{1,2}(?:\.\d+)?)$"
_UNIT_SECONDS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0}


def read_times(texts, formats, zone=ZONE):
    """Read times written in any of several formats.

    Parameters
    ----------
    texts : pl.Series of String
    formats : sequence of str, tried in order: strptime formats, or one of iso, epoch_s, epoch_ms and
        excel (days since 1899-12-30)
    zone : str, the time zone of times that name none; also of Excel days

    Returns
    -------
    pl.Series of TIME (milliseconds, Asia/Shanghai); missing where no format fits

    Examples
    --------
    >>> read_times(pl.Series(["2026/3/2 9:05"]), ["iso", "%Y/%m/%d %H:%M"]).dt.to_string("%H:%M %z").item()
    '09:05 +0800'
    """
    times = pl.Series(texts.name, [None], dtype=TIME).new_from_index(0, len(texts))
    rows = texts.is_not_null().arg_true()
    for format in formats:
        if rows.is_empty():
            break
        read = _read_format(texts.gather(rows), format, zone)
        times = times.scatter(rows.filter(read.is_not_null()), read.drop_nulls())
        rows = rows.filter(read.is_null())
    return times


def _read_format(texts, format, zone):
    """Read times of one format."""
    if format == "iso":
        return _read_iso(texts, zone)
    if format in _EPOCH_DIGITS:
        factor = 1000 if format == "epoch_s" else 1
        number = _matching(texts, _EPOCH_DIGITS[format]).cast(pl.Float64) * factor
        return number.round().cast(pl.Int64).cast(pl.Datetime("ms", "UTC")).dt.convert_time_zone(ZONE)
    if format == "excel":
        days = _matching(texts, _EXCEL).cast(pl.Float64) - _EXCEL_EPOCH_DAYS
        return _place((days * _DAY_SECONDS).round().cast(pl.Int64) * 1000, zone)
    return _place(texts.str.to_datetime(format, strict=False, time_unit="ms"), zone)


def _read_iso(texts, zone):
    """Read ISO 8601 times, with T or a space, with or without fraction and offset."""
    plain = texts.str.replace(" ", "T").str.replace("(?:Z|UTC)$", "+00:00")
    with_zone = plain.str.contains(r"T.*[+-]\d{2}:?\d{2}$")
    offset = plain.set(~with_zone, None).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%z", strict=False, time_unit="ms"
    )
    local = plain.set(with_zone, None).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="ms")
    return _place(offset, zone).zip_with(with_zone, _place(local, zone))


def _place(times, zone):
    """Put times into ZONE: those without a zone were meant in `zone`."""
    times = times.cast(pl.Datetime("ms")) if times.dtype == pl.Int64 else times
    if times.dtype.time_zone is None:
        times = times.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return times.dt.convert_time_zone(ZONE)


def _matching(texts, pattern):
    """Keep the texts that match; the others become missing."""
    return texts.set(~texts.str.contains(pattern), None)


def read_numbers(texts, folder=None):
    """Read numbers, with thousands separators, signs of money, percent or units of counting around them.

    Parameters
    ----------
    texts : pl.Series of String
    folder : path of the user's own definitions folder, or None; the signs stand in fields.toml

    Returns
    -------
    pl.Series of Float64; missing where there is no number; "85%" is 85

    Examples
    --------
    >>> read_numbers(pl.Series(["¥1,299.00", "4 %", "nan", "x"])).to_list()
    [1299.0, 4.0, None, None]
    """
    around, between = _writing(folder)["around"], _writing(folder)["thousands"]
    plain = texts.str.replace_all(rf"\s|{between}", "").str.replace_all(f"^{around}|{around}$", "")
    return _matching(plain, r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$").cast(pl.Float64)


def read_figures(texts, unit, metric, folder=None):
    """Read the figures of an official export in the unit of their metric.

    Parameters
    ----------
    texts : pl.Series of String
    unit : str, how the export writes a plain number: seconds, minutes, hours, rate (0 to 1), percent
        (0 to 100), count, ratio or yuan; a percent sign or a written duration always counts
    metric : str, id of the metric; durations become seconds, or hours where the id ends in `_hours`
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pl.Series of Float64; missing where nothing can be read

    Examples
    --------
    >>> read_figures(pl.Series(["7h42m", "01:30:00", "36s", "2"]), "hours", "online_hours").to_list()
    [7.7, 1.5, 0.01, 2.0]
    >>> read_figures(pl.Series(["85%", "0.85"]), "rate", "reply_rate").to_list()
    [0.85, 0.85]
    """
    numbers = read_numbers(texts, folder)
    if unit in _UNIT_SECONDS:
        written = _read_durations(texts, folder)
        seconds = written.zip_with(written.is_not_null(), numbers * _UNIT_SECONDS[unit])
        return seconds / 3600 if metric.endswith("_hours") else seconds
    if unit in ("rate", "percent"):
        has_sign = texts.str.contains(_writing(folder)["percent"]).fill_null(False)
        return (numbers / 100).round(12).zip_with(has_sign | (unit == "percent"), numbers)
    return numbers


def _read_durations(texts, folder):
    """Read durations such as 7h41m52s or 01:02:03 into seconds."""
    plain = texts.str.replace_all(r"\s", "")
    written, clock = (_sum_units(plain, pattern) for pattern in (_writing(folder)["duration"], _CLOCK))
    return written.zip_with(written.is_not_null(), clock)


def _sum_units(texts, pattern):
    """Add up the groups of a pattern, each named by the seconds of its unit; missing where it does not fit."""
    groups = _matching(texts.set(texts == "", None), pattern).str.extract_groups(pattern).struct.unnest()
    parts = groups.select(pl.all().cast(pl.Float64, strict=False))
    seconds = parts.select(
        pl.sum_horizontal(pl.col(name) * int(name[1:]) for name in parts.columns)
    ).to_series()
    return seconds.set(parts.select(pl.all_horizontal(pl.all().is_null())).to_series(), None)


@cache
def _writing(folder):
    """Read fields.toml into patterns."""
    tree = read_toml("fields.toml", folder)
    units = "".join(f"(?:(?<u{unit}>[\\d.]+)(?:{_any(words)}))?" for unit, words in tree["durations"].items())
    return {
        **{name: f"(?:{_any(signs)})" for name, signs in tree["numbers"].items()},
        "duration": f"^{units}$",
    }


def _any(words):
    """Make a pattern of any of these words."""
    return "|".join(re.escape(word) for word in words)
