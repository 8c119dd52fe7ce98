"""Tiny tables for tests: a conversation is written as it reads, one message a line."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from csnb.build import build_partition, read_rules
from csnb.masks import hash64
from csnb.schema import ZONE, conform
from csnb.strings import set_language

COLUMNS = {"session": "session_id", "agent": "agent_id", "buyer": "buyer_id"}


@pytest.fixture(autouse=True)
def chinese_texts():
    """Every test starts in Chinese, the default."""
    set_language("zh")


@pytest.fixture
def displayed(monkeypatch):
    """Collect what is displayed, as the notebook's front end would get it."""
    bundles = []
    monkeypatch.setattr("csnb.outputs.display", lambda bundle, raw: bundles.append(bundle))
    return bundles


def rows_from(table, platform="generic", day="2026-03-02", shop=None):
    """Read an ASCII table of messages into staged rows; an empty cell is a missing value.

    `sent_at` is "HH:MM:SS" on `day`, or "YYYY-MM-DD HH:MM:SS". `session` defaults to A, `role` to
    customer, `kind` to text.
    """
    lines = [line for line in table.strip().splitlines() if line.strip()]
    header = [cell.strip() for cell in lines[0].split("|")]
    records = []
    for number, line in enumerate(lines[1:], start=1):
        cells = {
            COLUMNS.get(name, name): cell.strip() or None
            for name, cell in zip(header, line.split("|"), strict=True)
        }
        records.append(
            {"session_id": "A", "role": "customer", "kind": "text", "platform": platform, "shop": shop}
            | {name: cell for name, cell in cells.items() if cell is not None}
            | {
                "sent_at": _time(cells.get("sent_at"), day),
                "line": number,
                "recalled": cells.get("recalled") == "yes",
            }
        )
    frame = conform(pl.DataFrame(records, infer_schema_length=None), "staged")
    identity = frame.select(
        pl.concat_str(["platform", pl.col("shop").fill_null(""), "session_id"], separator="\x1f")
    ).to_series()
    return frame.with_columns(hash64(identity).alias("session_key"), pl.lit("test").alias("source"))


def _time(cell, day):
    """Read "HH:MM:SS" on a day, or a full date and time, in Shanghai."""
    if cell is None:
        return None
    moment = datetime.fromisoformat(cell if " " in cell else f"{day} {cell}")
    return moment.replace(tzinfo=ZoneInfo(ZONE))


@pytest.fixture
def build():
    """Build an ASCII table of messages; gives all tables as pandas DataFrames, sorted by session id."""

    def built(table, platform="generic", day="2026-03-02", shop=None):
        tables = build_partition(
            rows_from(table, platform, str(date.fromisoformat(day)), shop), read_rules(b"key")
        )
        tables["sessions"] = tables.pop("facts").sort("session_id")
        return {name: frame.to_pandas() for name, frame in tables.items()}

    return built
