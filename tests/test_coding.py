"""csnb code: conversations in, codes out, one JSON object a line."""

import json

import pytest

from csnb.coding import code_file
from csnb.errors import ExportError
from csnb.reasons import read_reasons


def write(path, *records):
    """Write records as JSONL; a text stands as it is."""
    lines = [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in records]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_every_conversation_gets_one_record_in_order(tmp_path):
    talk = [
        {"role": "customer", "text": "等了十天了还没发货，太过分了！", "mood": "ignored"},
        {"role": "agent", "text": "请耐心等待", "sent_at": "2026-03-02 10:00:00"},
        {"role": "customer", "text": "又是耐心等待，天天这句，投诉你们！"},
    ]
    source = write(tmp_path / "in.jsonl", {"id": "a", "messages": talk}, {"id": "b", "messages": []})
    code_file(source, tmp_path / "out.jsonl")
    first, second = map(json.loads, (tmp_path / "out.jsonl").read_text("utf-8").splitlines())
    assert set(first) >= {"id", "dissatisfied", "reasons", "primary", "side", "p", "p_dissatisfied"}
    assert (first["id"], first["dissatisfied"]) == ("a", 1)
    assert first["primary"] in first["reasons"]
    assert set(first["reasons"].values()) <= {0, 1, 2}
    assert set(first["p"]) <= set(read_reasons()["code"])
    assert (second["dissatisfied"], second["reasons"], second["primary"], second["side"]) == (
        0,
        {},
        None,
        "none",
    )


def test_conversations_without_any_text_are_named_and_not_only_coded_0(tmp_path, capsys):
    image = {"role": "customer", "text": None}
    records = [
        {"id": "a", "messages": []},
        {"id": "b", "messages": [{"role": "customer", "text": "在吗"}]},
        {"id": 3, "messages": [image]},
    ]
    code_file(write(tmp_path / "in.jsonl", *records), tmp_path / "out.jsonl")
    assert "2 without any text, coded 0 though nobody could read them: a, 3\n" in capsys.readouterr().err
    code_file(write(tmp_path / "in.jsonl", records[1]), tmp_path / "out.jsonl")
    assert "without any text" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("{not json", "line 2"),
        ({"messages": []}, "line 2, id"),
        ({"id": "a", "messages": []}, "line 2, id: 'a'"),
        ({"id": "b", "messages": [{"role": "boss", "text": "x"}]}, r"line 2, messages\[0\].role"),
        ({"id": "b", "messages": "x"}, "line 2, messages"),
    ],
)
def test_a_bad_record_is_refused_by_line_and_key_and_nothing_is_written(tmp_path, bad, message):
    source = write(tmp_path / "in.jsonl", {"id": "a", "messages": []}, bad)
    with pytest.raises(ExportError, match=message):
        code_file(source, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()
