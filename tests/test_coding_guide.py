"""The coding guide names the reasons as reasons.toml does, in both languages."""

import re

import pytest

from csnb.lookup import definition_path
from csnb.reasons import read_reasons

SIDES = {
    "coding_guide.md": {side: side for side in ("controllable", "uncontrollable", "unexplained")},
    "coding_guide.zh.md": {"可控": "controllable", "不可控": "uncontrollable", "未能归因": "unexplained"},
}


@pytest.mark.parametrize("name", list(SIDES))
def test_the_guide_lists_every_code_with_its_side(name):
    rows = re.findall(r"^\| `(\w+)` \|(.*)$", definition_path(name).read_text("utf-8"), flags=re.M)
    sides = {
        code: next(SIDES[name][cell.strip()] for cell in rest.split("|") if cell.strip() in SIDES[name])
        for code, rest in rows
    }
    assert sides == dict(read_reasons().select("code", "side").iter_rows())


def test_the_chinese_guide_calls_the_reasons_by_their_names():
    rows = re.findall(
        r"^\| `(\w+)` \| (\S+) \|", definition_path("coding_guide.zh.md").read_text("utf-8"), flags=re.M
    )
    assert dict(rows) == dict(read_reasons().select("code", "zh").iter_rows())


def test_both_guides_decide_the_same_number_of_border_cases():
    counts = {definition_path(name).read_text("utf-8").count("\n- ") for name in SIDES}
    assert len(counts) == 1
