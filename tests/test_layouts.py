"""Every layout is complete, readable backwards, and refused with file, line and key when it is wrong."""

import pytest

from csnb.errors import DefinitionError, ExportError
from csnb.layouts import (
    FILE_KINDS,
    list_layouts,
    plain_header,
    read_layout,
    shapes_of,
)
from csnb.lookup import SHIPPED

LAYOUTS = (
    "generic", "jd_raw_chat", "jd_open", "qianniu", "feige", "pinduoduo", "wecom_archive", "chatwoot",
    "twitter_support", "transcript",
)  # fmt: skip


def changed(tmp_path, name, old, new):
    """A definitions folder in which one layout has a change."""
    text = (SHIPPED / "platforms" / f"{name}.toml").read_text("utf-8")
    assert old in text
    (tmp_path / "platforms").mkdir()
    (tmp_path / "platforms" / f"{name}.toml").write_text(text.replace(old, new, 1), "utf-8")
    return tmp_path


def test_all_layouts_are_there_and_say_what_they_describe():
    assert sorted(list_layouts()) == sorted(LAYOUTS)
    assert all(list_layouts().values())


def test_the_generic_layout_knows_every_kind_of_file():
    assert set(read_layout("generic").shapes) == set(FILE_KINDS)


@pytest.mark.parametrize("name", LAYOUTS)
def test_no_header_of_a_shape_stands_for_two_columns(name):
    for kind, shapes in read_layout(name).shapes.items():
        for shape in shapes:
            headers = [plain_header(header) for known in shape.columns.values() for header in known]
            headers += [plain_header(row[0]) for row in shape.metrics]
            assert len(set(headers)) == len(headers), (name, kind)


@pytest.mark.parametrize("name", LAYOUTS)
def test_no_exported_word_stands_for_two_values(name):
    for shapes in read_layout(name).shapes.values():
        for shape in shapes:
            for words in shape.values.values():
                listed = [word.lower() for known in words.values() for word in known]
                assert len(set(listed)) == len(listed), (name, listed)


def test_a_layout_uses_the_words_of_the_generic_one_where_it_lists_none():
    (feige, *_), (generic, *_) = (shapes_of(read_layout(name), "messages") for name in ("feige", "generic"))
    assert feige.values["role"] == generic.values["role"]
    assert read_layout("feige").missing == read_layout("generic").missing


def test_an_unknown_kind_of_file_is_refused_with_those_there_are():
    with pytest.raises(ExportError, match="jd_raw_chat has no files of kind ratings; it has: messages"):
        shapes_of(read_layout("jd_raw_chat"), "ratings")


def test_an_unknown_layout_is_refused_with_those_there_are():
    with pytest.raises(DefinitionError, match="generic"):
        read_layout("whatsapp")


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("feige", 'platform = "douyin"', 'plattform = "douyin"', "unknown key"),
        ("feige", 'sent_at = ["消息时间"', 'send_at = ["消息时间"', "send_at"),
        ("feige", '"sent_at", "role", "text"]', '"sent_at", "rolle", "text"]', "rolle"),
        ("twitter_support", 'customer = ["True"]', 'buyer = ["True"]', "role must be one of"),
        ("twitter_support", 'session = "threads"', 'session = "thread"', "column, threads or silence"),
        ("transcript", "notice = ['^系统']", "notice = ['(']", "no regular expression"),
        ("feige", '["接待会话量", "sessions", "count"]', '["接待会话量", "sessions", "pieces"]', "unit"),
        ("jd_open", 'to = { role = "assist" }', 'then = { role = "assist" }', "a rule is"),
        ("jd_open", 'note = "an integer', 'remark = "an integer', "remark"),
        ("transcript", "silence_minutes = 30", "silence_minutes = 0", "silence_minutes"),
        ("transcript", "mark = '^", "mark = '(^", "no regular expression"),
        ("jd_open", 'describes = "', 'describes = 1 # "', "describes"),
    ],
)
def test_a_wrong_layout_is_refused_with_file_and_key(tmp_path, name, old, new, told):
    folder = changed(tmp_path, name, old, new)
    with pytest.raises(DefinitionError, match=rf"{name}\.toml") as caught:
        read_layout(name, folder)
    assert told in str(caught.value)


def test_a_user_layout_stands_in_for_the_shipped_one(tmp_path):
    folder = changed(tmp_path, "feige", '"消息时间"', '"时刻"')
    assert shapes_of(read_layout("feige", folder), "messages")[0].columns["sent_at"][0] == "时刻"


def test_headers_match_whatever_the_width_of_their_brackets():
    assert plain_header("平均响应时长（秒)") == plain_header(" 平均响应时长 (秒）")
