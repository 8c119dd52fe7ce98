"""csnb code: conversations in, codes out, one JSON object a line."""

import json

import pytest

from csnb.coding import code_file, code_records, read_records
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


def test_a_customer_who_cannot_be_read_is_named_and_gets_no_probability(tmp_path, capsys):
    said = {
        "nobody": [],
        "agent": [{"role": "agent", "text": "您好"}, {"role": "bot", "text": "请选择"}],
        "image": [{"role": "customer", "text": None}, {"role": "customer", "text": " "}],
        "english": [{"role": "customer", "text": "Worst service ever!"}],
        "link": [{"role": "customer", "text": "https://shop.example/1"}],
        "sign": [{"role": "customer", "text": "😡😡"}],
        "calm": [{"role": "customer", "text": "在吗"}],
    }
    records = [{"id": name, "messages": messages} for name, messages in said.items()]
    code_file(write(tmp_path / "in.jsonl", *records), tmp_path / "out.jsonl")
    coded = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert {each["id"]: each.get("unread") for each in coded} == {
        "nobody": "no message of a customer", "agent": "no message of a customer", "image": "no text of the customer",
        "english": "no Chinese from the customer", "link": "no Chinese from the customer", "sign": None, "calm": None,
    }  # fmt: skip
    assert [each["dissatisfied"] for each in coded] == [0] * 5 + [1, 0]
    assert all(each["p_dissatisfied"] is None and not each["p"] for each in coded[:5])
    said = capsys.readouterr().err
    assert (
        "5 could not be read, so that their 0 has no probability: nobody (no message of a customer)" in said
    )
    code_file(write(tmp_path / "in.jsonl", records[-1]), tmp_path / "out.jsonl")
    assert "could not be read" not in capsys.readouterr().err


def test_a_sentence_pasted_a_thousand_times_counts_as_said_once():
    once, often = (
        code_records(
            [{"id": "a", "messages": [{"role": "customer", "text": "快递怎么还没到，都八天了。" * times}]}]
        )[0]
        for times in (2, 4000)
    )
    assert once == often


def test_a_file_that_is_not_utf8_is_refused_in_words(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes('{"id": "a", "messages": [{"role": "customer", "text": "太慢"}]}'.encode("gb18030"))
    with pytest.raises(ExportError, match="not UTF-8"):
        read_records(path)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("{not json", "line 2"),
        ({"messages": []}, "line 2, id"),
        ({"id": "a", "messages": []}, "line 2, id: 'a'"),
        ({"id": "b", "messages": [{"role": "boss", "text": "x"}]}, r"line 2, messages\[0\].role"),
        ({"id": "b", "messages": "x"}, "line 2, messages"),
        ({"id": "b", "messages": [{"role": "customer", "text": 5}]}, r"line 2, messages\[0\].text"),
        (
            '{"id": "b", "messages": [{"role": "customer", "text": "\\ud83d"}]}',
            r"messages\[0\].text: half of",
        ),
    ],
)
def test_a_bad_record_is_refused_by_line_and_key_and_nothing_is_written(tmp_path, bad, message):
    source = write(tmp_path / "in.jsonl", {"id": "a", "messages": []}, bad)
    with pytest.raises(ExportError, match=message):
        code_file(source, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()
