"""Cells to values: times, numbers and durations as exports write them.

Every reader takes a Series of texts and gives a Series of values of the same length; what it
cannot read becomes missing, and the caller compares to see which cells those were.
"""

import polars as pl

from csnb.schema import TIME, ZONE

_EPOCH_DIGITS = {"epoch_s": r"^\d{9,10}(?:\.\d+)?$", "epoch_ms": r"^\d{12,13}$"}
_EXCEL = r"^[2-7]\d{4}(?:\.\d+)?$"
_EXCEL_EPOCH_DAYS = 25569
_DAY_SECONDS = 86400
_DURATION = r"^(?:(?<d>[\d.]+)(?:天|d))?(?:(?<h>[\d.]+)(?:小时|时|h))?(?:(?<m>[\d.]+)(?:分钟|分|min|m))?(?:(?<s>[\d.]+)(?:秒|s))?$"
_CLOCK = r"^(?:(?<h>\d+):)?(?<m>\d{1,2}):(?<s>\d{1,2}(?:\.\d+)?)$"
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


def read_numbers(texts):
    """Read numbers, with thousands separators, signs of money, percent or units of counting around them.

    Returns
    -------
    pl.Series of Float64; missing where there is no number; "85%" is 85

    Examples
    --------
    >>> read_numbers(pl.Series(["¥1,299.00", "4星", "85%", "nan", "x"])).to_list()
    [1299.0, 4.0, 85.0, None, None]
    """
    plain = texts.str.replace_all(r"[,，\s]|^[¥￥$]|[元人次个条单分星%％]$", "")
    return _matching(plain, r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$").cast(pl.Float64)


def read_figures(texts, unit, metric):
    """Read the figures of an official export in the unit of their metric.

    Parameters
    ----------
    texts : pl.Series of String
    unit : str, how the export writes a plain number: seconds, minutes, hours, rate (0 to 1), percent
        (0 to 100), count, ratio or yuan; a percent sign or a written duration always counts
    metric : str, id of the metric; durations become seconds, or hours where the id ends in `_hours`

    Returns
    -------
    pl.Series of Float64; missing where nothing can be read

    Examples
    --------
    >>> read_figures(pl.Series(["7小时42分", "01:30:00", "36秒", "2"]), "hours", "online_hours").to_list()
    [7.7, 1.5, 0.01, 2.0]
    >>> read_figures(pl.Series(["85%", "0.85"]), "rate", "reply_rate").to_list()
    [0.85, 0.85]
    """
    numbers = read_numbers(texts)
    if unit in _UNIT_SECONDS:
        written = _read_durations(texts)
        seconds = written.zip_with(written.is_not_null(), numbers * _UNIT_SECONDS[unit])
        return seconds / 3600 if metric.endswith("_hours") else seconds
    if unit in ("rate", "percent"):
        is_percent = texts.str.contains("[%％]") if unit == "rate" else texts.is_not_null()
        return (numbers / 100).round(12).zip_with(is_percent.fill_null(False), numbers)
    return numbers


def _read_durations(texts):
    """Read durations such as 7小时41分52秒 or 01:02:03 into seconds."""
    plain = texts.str.replace_all(r"\s", "")
    written, clock = _matching(plain, _DURATION), _matching(plain, _CLOCK)
    parts = [(written, _DURATION, "dhms"), (clock, _CLOCK, "hms")]
    sums = [
        sum(
            series.str.extract_groups(pattern).struct.field(name).cast(pl.Float64).fill_null(0.0)
            * {"d": 86400, "h": 3600, "m": 60, "s": 1}[name]
            for name in names
        ).set(series.is_null() | (series == ""), None)
        for series, pattern, names in parts
    ]
    return sums[0].zip_with(sums[0].is_not_null(), sums[1])
