"""Rule packs: dated, checked on load, and one of them in force for every session."""

from datetime import datetime

import polars as pl
import pytest

from csnb.errors import DefinitionError
from csnb.lookup import definition_path
from csnb.rulepacks import load_rulepacks, packs_in_force
from csnb.schema import TIME


def sessions_on(platform, *days):
    """Make sessions of one platform that start at noon on these days; None is no time."""
    times = [day and datetime.fromisoformat(f"{day} 12:00:00") for day in days]
    naive = pl.Series(times, dtype=pl.Datetime("ms"))
    return pl.DataFrame(
        {"platform": [platform] * len(days), "started_at": naive.dt.replace_time_zone(TIME.time_zone)}
    )


def in_force(platform, *days):
    """Name the pack in force on each day."""
    return packs_in_force(sessions_on(platform, *days), load_rulepacks())["rulepack"].to_list()


def test_the_pack_changes_on_its_first_day():
    assert in_force("douyin", "2026-09-28", "2026-09-29") == ["douyin 2000-01-01", "douyin 2026-09-29"]


def test_a_session_without_time_takes_the_latest_pack_of_its_platform():
    assert in_force("jd", None) == ["jd 2021-12-01"]


def test_an_unknown_platform_takes_the_generic_pack():
    assert in_force("xiaohongshu", "2026-03-02") == ["generic 2000-01-01"]


def test_every_pack_names_its_source():
    assert load_rulepacks()["source"].str.len_chars().min() > 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('window_of = "turn"', 'window_of = "buyer"', r"line 7, window_of: must be one of"),
        ("cap_seconds = 600", "cap_secs = 600", r"line 8, cap_secs: unknown"),
        ("slow_seconds = 100", "", r"slow_seconds: missing"),
        ('"23:00:00"', '"07:00:00"', r"line 6, window: must be first and last time"),
        ("cap_seconds = 600", "cap_seconds = ", r"taobao.toml.*line 8"),
    ],
)
def test_a_wrong_pack_is_refused_with_file_line_and_key(tmp_path, old, new, message):
    own = tmp_path / "rulepacks" / "taobao.toml"
    own.parent.mkdir()
    own.write_text(definition_path("rulepacks/taobao.toml").read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(DefinitionError, match=message):
        load_rulepacks(tmp_path)


def test_the_users_own_pack_stands_in_for_the_shipped_one(tmp_path):
    own = tmp_path / "rulepacks" / "generic.toml"
    own.parent.mkdir()
    shipped = definition_path("rulepacks/generic.toml").read_text("utf-8")
    own.write_text(shipped.replace("standard_seconds = 180", "standard_seconds = 60"), "utf-8")
    packs = load_rulepacks(tmp_path)
    assert packs.filter(platform="generic")["standard_seconds"].to_list() == [60]
    assert packs.filter(platform="taobao").height == 1
