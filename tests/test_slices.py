"""Slices: bands and clock columns that sessions are grouped by."""

import pandas as pd
import pytest

from csnb.errors import DefinitionError
from csnb.slices import add_slices


def sessions_from(waits, start="2026-03-02 09:30:00+08:00"):
    """Make sessions with these first responses."""
    return pd.DataFrame(
        {
            "started_at": pd.to_datetime([start] * len(waits)).tz_convert("Asia/Shanghai"),
            "first_response_seconds": waits,
            "load_at_arrival": 0.0,
            "customer_message_count": 1,
        }
    )


@pytest.mark.parametrize(
    ("seconds", "band"),
    [(0, "0–30"), (29.9, "0–30"), (30, "30–60"), (599, "180–600"), (600, "600+"), (9999, "600+")],
)
def test_a_band_holds_its_lower_edge(seconds, band):
    assert add_slices(sessions_from([seconds]))["wait_band"].to_list() == [band]


def test_what_is_unknown_falls_into_no_band():
    assert add_slices(sessions_from([None]))["wait_band"].isna().all()


def test_the_clock_columns_are_of_the_start():
    row = add_slices(sessions_from([1])).iloc[0]
    assert (row["week"], row["weekday"], row["hour"]) == ("2026-W10", 1, 9)


def test_bands_keep_their_order_when_grouped():
    sliced = add_slices(sessions_from([700, 5, 100]))
    assert sliced.groupby("wait_band", observed=True).size().index.to_list() == ["0–30", "60–180", "600+"]


@pytest.mark.parametrize(
    ("words", "message"),
    [("of = 'colour'\nedges = [0]", "colour"), ("of = 'load_at_arrival'\nedges = [3, 1]", "rise")],
)
def test_a_wrong_band_is_refused_by_name(tmp_path, words, message):
    (tmp_path / "slices.toml").write_text(f"[odd_band]\n{words}\n", "utf-8")
    with pytest.raises(DefinitionError, match=f"line 1, odd_band.*{message}"):
        add_slices(sessions_from([1]), tmp_path)
