"""Words that the fixture notebooks of the press tests need, laid over the shipped strings."""

import json
from pathlib import Path

from csnb.strings import texts

EXTRA = {
    "zh": {
        "report.weekly": {"title": "满意度周报", "lead": "哪些不满是客服本可避免的，谁能改进，能改进多少？"},
        "section.test_findings": {"title": "发现", "lead": "按可改进的幅度从大到小排列。"},
        "section.test_sides": {"title": "可控与不可控", "lead": "不满意会话按责任归类；区间来自按客服与日期聚类的自助法。"},
        "section.test_trend": {"title": "满意率走势", "lead": "空心点表示样本量不足 30，仅供参考。"},
        "section.test_agents": {"title": "客服之间", "lead": "差距只在区间不重叠时才值得讨论。"},
        "section.test_hours": {"title": "等待发生在何时", "lead": "颜色越深，首次响应越慢。"},
        "section.test_reasons": {"title": "原因", "lead": "点击条形可以读到背后的会话。"},
        "section.test_words": {"title": "口径与来源", "lead": "每个数字的含义，以及它来自哪里。"},
        "finding.test_share": "不满意会话中有 {share} 本可由客服团队避免，其中响应及时性占一半以上。",
        "finding.test_hours": "晚间 {hours} 的首次响应中位数为 {wait}，是白天的 {times} 倍；这段时间人手与来量不匹配。",
        "finding.test_shop": "{shop}的满意率比上一周低 {points}，变化主要来自售后会话增多，而不是服务变差。",
        "value.reason": {"timeliness": "响应及时性", "ability": "接待能力", "logistics": "物流履约", "quality": "产品质量",
                         "price": "价格", "attitude": "服务态度", "policy": "规则与售后政策"},
        "value.weekday": {f"d{n}": f"周{d}" for n, d in enumerate("一二三四五六日", start=1)},
    },
    "en": {
        "report.weekly": {"title": "Satisfaction weekly", "lead": "Which displeasure could service have prevented, who can act, and how much would be gained?"},
        "section.test_findings": {"title": "Findings", "lead": "In falling order of what could be gained."},
        "section.test_sides": {"title": "Controllable or not", "lead": "Dissatisfied conversations by who could have acted; intervals by bootstrap over agents and days."},
        "section.test_trend": {"title": "How satisfaction moved", "lead": "A hollow dot stands on fewer than 30 conversations and is indicative."},
        "section.test_agents": {"title": "Between agents", "lead": "A gap is worth talking about only where the intervals part."},
        "section.test_hours": {"title": "When customers wait", "lead": "The darker the cell, the slower the first response."},
        "section.test_reasons": {"title": "Reasons", "lead": "Choose a bar to read the conversations behind it."},
        "section.test_words": {"title": "Definitions and sources", "lead": "What each number means and where it comes from."},
        "finding.test_share": "{share} of dissatisfied conversations could have been prevented by the service team; slow replies are more than half of them.",
        "finding.test_hours": "From {hours} the median first response is {wait}, {times} times the daytime one: staff and arrivals do not match.",
        "finding.test_shop": "Satisfaction of {shop} fell by {points} against the week before, mostly because after-sales conversations grew and not because service got worse.",
        "value.reason": {"timeliness": "Timeliness", "ability": "Ability", "logistics": "Logistics", "quality": "Product quality",
                         "price": "Price", "attitude": "Attitude", "policy": "Rules and policy"},
        "value.weekday": {f"d{n}": d for n, d in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), start=1)},
    },
}  # fmt: skip


def make_definitions(folder):
    """Write a definitions folder whose strings are the shipped ones and these, and give its path."""
    for lang, extra in EXTRA.items():
        words = {**texts(lang), **dict(_flat(extra))}
        target = Path(folder) / "strings" / f"{lang}.toml"
        target.parent.mkdir(parents=True, exist_ok=True)
        lines = (
            f"{_quoted(key)} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in words.items()
        )
        target.write_text("".join(lines), "utf-8")
    return Path(folder)


def _flat(tables):
    """Turn a table under a dotted name into dotted keys."""
    for name, value in tables.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", words) for key, words in value.items())
        else:
            yield name, value


def _quoted(key):
    """Write a dotted key with each of its parts quoted, for a part may hold blanks."""
    return ".".join(json.dumps(part, ensure_ascii=False) for part in key.split("."))
