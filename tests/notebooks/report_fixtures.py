"""Small made-up results for the fixture notebooks: what `measure` gives, without a book."""

from collections import namedtuple
from pathlib import Path

import numpy as np
import pandas as pd

from csnb.strings import set_language

Finding = namedtuple("Finding", "key values grade weight section")
PEOPLE = (
    "小雨",
    "阿宁",
    "星星",
    "可可",
    "南风",
    "小满",
    "豆豆",
    "知夏",
    "木木",
    "言言",
    "果果",
    "安安",
    "清清",
)
ATTACK = '<script>document.title="owned"</script><img src=x onerror="document.title=1"><b>bold</b> & "quote\''


def set_words(book, lang):
    """Set the language, with the definitions folder beside the book if there is one."""
    folder = Path(book).resolve().parent / "definitions"
    set_language(lang, folder if folder.is_dir() else None)


def results(metric, unit, rows, by):
    """Make results: each row is its groups, n and value; the interval is a normal one."""
    frame = pd.DataFrame(rows, columns=[*by, "n", "value"])
    n = frame["n"].clip(lower=1)
    half = 1.96 * (
        np.sqrt(frame["value"] * (1 - frame["value"]) / n) if unit == "rate" else frame["value"] / np.sqrt(n)
    )
    frame.insert(0, "metric", metric)
    frame["low"], frame["high"] = frame["value"] - half, frame["value"] + half
    if unit == "rate":
        frame["low"], frame["high"] = frame["low"].clip(lower=0), frame["high"].clip(upper=1)
    small = frame["n"] < 5
    frame.loc[small, ["value", "low", "high"]] = np.nan
    return frame.assign(unit=unit, method=np.where(small, "suppressed", "wilson"), rulepack="taobao 2025-03")


def findings(lang):
    """Give three findings."""
    shop = {"zh": "海棠旗舰店", "en": "Begonia flagship"}[lang]
    return [
        Finding("test_hours", {"hours": "20:00–23:00", "wait": "96 秒" if lang == "zh" else "96 s", "times": "3.4",
                               "n": "2,118", "interval": "3.1–3.8"}, "C", 5.0, "test_hours"),
        Finding("test_share", {"share": "38.2%", "n": "1,204", "interval": "34.9–41.6%"}, "A", 9.0, "test_sides"),
        Finding("test_shop", {"shop": shop, "points": "1.8 个百分点" if lang == "zh" else "1.8 points",
                              "n": "864", "interval": "0.4–3.2"}, "B", 2.0, "test_trend"),
    ]  # fmt: skip


def sides():
    """Give the split of dissatisfied conversations."""
    rows = [("controllable", 1204, 0.382), ("mixed", 1204, 0.141), ("uncontrollable", 1204, 0.363),
            ("unexplained", 1204, 0.114)]  # fmt: skip
    return results("controllable_share", "rate", rows, ["side"])


def by_day():
    """Give four weeks of satisfaction, one day small and one suppressed."""
    rng = np.random.default_rng(1)
    days = pd.date_range("2026-10-26", "2026-11-22").strftime("%Y-%m-%d")
    rows = [
        (day, int(rng.integers(90, 260)), 0.87 + 0.03 * np.sin(i / 4) + rng.normal(0, 0.012))
        for i, day in enumerate(days)
    ]
    rows[9] = (rows[9][0], 17, 0.80)
    rows[18] = (rows[18][0], 3, 0.66)
    return results("satisfaction_rate", "rate", [*rows, ("unknown", 41, 0.85)], ["day"])


def by_day_and_platform():
    """Give waits of two platforms over two weeks."""
    rng = np.random.default_rng(2)
    days = pd.date_range("2026-11-09", "2026-11-22").strftime("%Y-%m-%d")
    rows = [(day, platform, int(rng.integers(60, 200)), base + rng.normal(0, 4))
            for day in days for platform, base in (("taobao", 38.0), ("douyin", 61.0))]  # fmt: skip
    return results("first_response_seconds", "seconds", rows, ["day", "platform"])


def by_agent():
    """Give 26 agents, some small, one suppressed."""
    rng = np.random.default_rng(3)
    names = [f"{shop}:{name}" for shop in ("海棠", "青禾") for name in PEOPLE]
    rows = [
        (name, int(rng.integers(20, 420)), float(np.clip(rng.normal(0.86, 0.05), 0, 0.99))) for name in names
    ]
    rows[4] = (names[4], 3, 0.5)
    return results("satisfaction_rate", "rate", rows, ["agent_id"])


def by_hour():
    """Give waits by weekday and hour; the night is partly empty."""
    rows = [(f"d{day}", hour, 40 + 3 * day, 25.0 + (60 if 20 <= hour < 23 else 0) + 2 * day + (hour % 5) * 3)
            for day in range(1, 8) for hour in range(8, 24) if (day, hour) != (3, 23)]  # fmt: skip
    return results("first_response_seconds", "seconds", rows, ["weekday", "hour"])


def waits():
    """Give five thousand waits."""
    return pd.Series(np.random.default_rng(4).lognormal(3.4, 1.1, 5000), name="first_response_seconds")


def by_reason():
    """Give how often each reason was found, with its side."""
    rows = [("logistics", "uncontrollable", 1204, 262.0), ("timeliness", "controllable", 1204, 241.0),
            ("quality", "uncontrollable", 1204, 133.0), ("ability", "controllable", 1204, 120.0),
            ("price", "uncontrollable", 1204, 71.0), ("policy", "uncontrollable", 1204, 48.0),
            ("attitude", "controllable", 1204, 33.0)]  # fmt: skip
    return results("reason_sessions", "count", rows, ["reason", "side"]).assign(low=np.nan, high=np.nan)


def overall():
    """Give several metrics of one period."""
    return pd.concat(
        [
            results("satisfaction_rate", "rate", [(4211, 0.861)], []),
            results("first_response_seconds", "seconds", [(12873, 42.0)], []),
            results("mean_response_seconds", "seconds", [(38110, 133.0)], []),
            results("repeat_rate_24h", "rate", [(11002, 0.072)], []),
            results("transfer_rate", "rate", [(21, 0.095)], []),
            results("bot_share", "rate", [(4, 0.25)], []),
        ],
        ignore_index=True,
    )


def quotes():
    """Give two conversations of two reasons."""
    said = [
        ("timeliness", "S-1001", "customer", "在吗，衣服什么时候能发", None),
        ("timeliness", "S-1001", "customer", "人呢，等了快二十分钟了", "等了快二十分钟了"),
        ("timeliness", "S-1001", "agent", "亲，久等了，这边帮您看一下哦", None),
        ("timeliness", "S-1044", "customer", "问了三遍没有一个人回，你们还营业吗", "问了三遍没有一个人回"),
        ("quality", "S-1017", "customer", "穿了一次侧边就开线，这叫质量好？", "侧边就开线"),
        ("quality", "S-1017", "agent", "非常抱歉，麻烦拍张照片，我们给您补发一件", None),
    ]
    return pd.DataFrame(said, columns=["reason", "session_id", "role", "text", "quote"])


def hostile_findings():
    """Give a finding whose shop is an attack."""
    return [Finding("test_shop", {"shop": ATTACK, "points": "1"}, "D", 1.0, None)]


def hostile_table():
    """Give a table whose header, words and index are attacks."""
    return pd.DataFrame({"shop": [ATTACK, "=1+1"], ATTACK: [ATTACK, "a"], "n": [10, 40]}, index=[ATTACK, "x"])


def hostile_results():
    """Give results whose groups and metric are attacks."""
    return results(ATTACK, "rate", [(ATTACK, 100, 0.5), ("<b>b</b>", 50, 0.3)], ["shop"])


def hostile_quotes():
    """Give a message and ids that are attacks."""
    return pd.DataFrame(
        {
            "code": [ATTACK],
            "session_id": [ATTACK],
            "role": [ATTACK],
            "text": [ATTACK],
            "quote": ["<b>bold</b>"],
        }
    )
