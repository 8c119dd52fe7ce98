"""Bytes become rows of text, whatever the encoding, the delimiter, the banners and the breaks."""

import gzip
import json
import zipfile
from datetime import datetime

import pytest
from workbooks import write_xlsx

from csnb import readers
from csnb.errors import ExportError
from csnb.layouts import Form
from csnb.readers import read_raw

PLAIN = Form()
NOON = datetime(2026, 3, 2, 12)
KNOWN = {"id", "text", "会话id", "内容"}


def rows_of(path, form=PLAIN, known=KNOWN):
    """All rows of a file, as dicts."""
    return [row for raw in read_raw(path, form, known) for row in raw.rows.to_dicts()]


def broken_of(path, form=PLAIN, known=KNOWN):
    """All broken rows of a file, as (line, value)."""
    return [row for raw in read_raw(path, form, known) for row in raw.broken.rows()]


def written(tmp_path, data, name="file.csv"):
    """A file with these bytes, or this text in UTF-8."""
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_text_is_read_in_its_own_encoding(tmp_path, encoding):
    path = written(tmp_path, "会话ID,内容\nA,你好😀\n".encode(encoding))
    assert rows_of(path) == [{"会话ID": "A", "内容": "你好😀", "line": 1}]


def test_gb18030_is_decoded_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "BLOCK_BYTES", 64)
    monkeypatch.setattr(readers, "_HEAD_CHARS", 16)
    texts = [f"第{number}条，您好😀" for number in range(200)]
    path = written(
        tmp_path,
        ("会话ID,内容\n" + "".join(f"{n},{text}\n" for n, text in enumerate(texts))).encode("gb18030"),
    )
    rows = rows_of(path)
    assert [row["内容"] for row in rows] == texts
    assert [row["line"] for row in rows] == list(range(1, 201))


@pytest.mark.parametrize("data", [bytes(range(128, 256)) * 40, b"id,text\nA,\0\0\n"])
def test_an_encoding_that_cannot_be_told_is_refused(tmp_path, data):
    with pytest.raises(ExportError, match=r"encoding cannot be told|no text file"):
        rows_of(written(tmp_path, data))


def test_one_damaged_row_is_set_apart_and_the_file_is_read(tmp_path):
    good = "".join(f"{n},你好，请问什么时候发货\n" for n in range(2, 60))
    data = "会话ID,内容\n1,".encode() + b"\xff\xfe" + "坏\n".encode() + good.encode()
    path = written(tmp_path, data)
    assert broken_of(path) == [(1, "unreadable bytes in 内容")]
    assert [row["line"] for row in rows_of(path)] == list(range(2, 60))


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_delimiter_is_found_by_the_headers(tmp_path, delimiter):
    path = written(tmp_path, f"id{delimiter}text\nA{delimiter}hi there\n", "file.txt")
    assert rows_of(path) == [{"id": "A", "text": "hi there", "line": 1}]


def test_banner_rows_before_the_header_are_left_out(tmp_path):
    path = written(tmp_path, "客服报表,,\n2026年3月\n\n id ,备注,text\nA,x,hi\n")
    assert rows_of(path) == [{"id": "A", "备注": "x", "text": "hi", "line": 1}]


def test_without_a_known_header_the_headers_found_are_told(tmp_path):
    with pytest.raises(ExportError, match="headers found: a, b"):
        rows_of(written(tmp_path, "a,b\n1,2\n"))


def test_quoted_cells_keep_line_breaks_commas_and_quotes(tmp_path):
    path = written(tmp_path, 'id,text\r\nA,"one\r\ntwo, ""three"""\r\nB,5" wide\r\n')
    assert [row["text"] for row in rows_of(path)] == ['one\r\ntwo, "three"', '5" wide']


def test_rows_of_another_width_are_broken_and_keep_their_number(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "BLOCK_BYTES", 100)
    lines = [f"{n},text {n}" if n % 7 else f"{n},a,b,c" for n in range(1, 101)]
    path = written(tmp_path, "id,text\n" + "\n".join(lines) + "\n101")
    assert broken_of(path) == [
        *((n, "cells: 4, headers: 2") for n in range(7, 101, 7)),
        (101, "cells: 1, headers: 2"),
    ]
    assert [(row["line"], row["text"]) for row in rows_of(path)] == [
        (n, f"text {n}") for n in range(1, 101) if n % 7
    ]


def test_a_last_row_cut_inside_a_quote_does_not_crash(tmp_path):
    path = written(tmp_path, 'id,text\nA,"whole"\nB,"cut in the mid')
    assert [row["text"] for row in rows_of(path)] == ["whole", "cut in the mid"]


@pytest.mark.parametrize("start", ['A,"open,x', 'A,x,"open'])
def test_a_quote_that_swallows_rows_is_refused(tmp_path, start):
    rows = "".join(f"{n},t,x\n" for n in range(20))
    with pytest.raises(ExportError, match="opened and not closed"):
        rows_of(written(tmp_path, f"id,text,more\n{start}\n{rows}"))


def test_without_quoting_the_last_cell_may_hold_the_delimiter(tmp_path):
    form = Form(delimiter="\t", names=("id", "text"), quote=False, rest_in_last=True)
    path = written(tmp_path, 'A\tone\ttwo\nB\t"open\nC\n', "file.txt")
    assert [(row["id"], row["text"]) for row in rows_of(path, form)] == [("A", "one\ttwo"), ("B", '"open')]
    assert broken_of(path, form) == [(3, "cells: 1, headers: 2")]


def test_equal_and_empty_headers_get_names_of_their_own(tmp_path):
    path = written(tmp_path, "id,text,,text,\nA,hi,x,y,z\n")
    assert rows_of(path) == [
        {"id": "A", "text": "hi", "column 3": "x", "text (4)": "y", "column 5": "z", "line": 1}
    ]


def test_a_header_called_line_does_not_hide_the_number_of_the_row(tmp_path):
    assert rows_of(written(tmp_path, "id,line\nA,x\n")) == [{"id": "A", "line (2)": "x", "line": 1}]
    assert rows_of(written(tmp_path, '{"line": "x"}\n', "file.jsonl")) == [{"line (1)": "x", "line": 1}]


def test_trailing_delimiters_do_not_break_the_rows(tmp_path):
    assert [row["text"] for row in rows_of(written(tmp_path, "id,text\nA,hi,\nB,ho,\n"))] == ["hi", "ho"]


def test_an_empty_table_has_headers_and_no_rows(tmp_path):
    (raw,) = read_raw(written(tmp_path, "id,text\n"), Form(), KNOWN)
    assert raw.rows.columns == ["id", "text", "line"]
    assert raw.rows.is_empty()


def test_compressed_files_are_read_like_plain_ones(tmp_path):
    text = "id,text\nA,hi\n"
    written(tmp_path, gzip.compress(text.encode()), "file.csv.gz")
    with zipfile.ZipFile(tmp_path / "file.zip", "w") as archive:
        archive.writestr("inner.csv", text)
    assert (
        rows_of(tmp_path / "file.csv.gz")
        == rows_of(tmp_path / "file.zip")
        == rows_of(written(tmp_path, text))
    )


def test_an_archive_of_several_files_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "file.zip", "w") as archive:
        archive.writestr("a.csv", "id,text\n")
        archive.writestr("b.csv", "id,text\n")
    with pytest.raises(ExportError, match=r"exactly one file; found: a\.csv, b\.csv"):
        rows_of(tmp_path / "file.zip")


def test_an_unknown_type_of_file_is_refused(tmp_path):
    with pytest.raises(ExportError, match="unknown type of file"):
        rows_of(written(tmp_path, "x", "file.pdf"))


def test_a_sheet_is_read_below_its_banner_with_dates_and_numbers_as_text(tmp_path):
    path = write_xlsx(
        tmp_path / "file.xlsx",
        [
            ["报表"],
            [],
            ["id", "text", "at"],
            ["A", "hi", NOON],
            [None, None, None],
            [7, None, 46083.5],
        ],
    )
    assert rows_of(path) == [
        {"id": "A", "text": "hi", "at": "2026-03-02 12:00:00", "line": 1},
        {"id": "7", "text": None, "at": "46083.5", "line": 3},
    ]


def test_a_workbook_that_cannot_be_opened_is_refused(tmp_path):
    with pytest.raises(ExportError, match="cannot be opened as a workbook"):
        rows_of(written(tmp_path, b"not a workbook", "file.xlsx"))


def test_json_rows_are_found_where_the_layout_says_and_flattened(tmp_path):
    document = {
        "data": {"list": [{"id": 1, "text": {"content": "hi"}, "to": ["a", "b"], "ok": True, "no": None}]}
    }
    path = written(tmp_path, json.dumps(document), "file.json")
    assert rows_of(path, Form(rows=("data.list",))) == [
        {"id": "1", "text.content": "hi", "to": "a,b", "ok": "true", "no": None, "line": 1}
    ]


def test_json_sessions_hand_their_values_down_to_their_messages(tmp_path):
    record = {"id": "S", "shop": {"name": "x"}, "messages": [{"id": "m1", "text": "hi"}, {"text": "ho"}]}
    path = written(tmp_path, json.dumps([record]), "file.json")
    assert rows_of(path, Form(children="messages")) == [
        {"id": "m1", "shop.name": "x", "text": "hi", "line": 1},
        {"id": "S", "shop.name": "x", "text": "ho", "line": 2},
    ]


@pytest.mark.parametrize("name", ["file.jsonl", "file.json"])
def test_json_lines_are_read_one_by_one_and_a_bad_line_is_broken(tmp_path, name):
    path = written(tmp_path, '{"id": "A"}\n{"id": "B", "text": "hi"}\n\n{"id": \n', name)
    assert [row["id"] for row in rows_of(path)] == ["A", "B"]
    assert broken_of(path) == [(3, "no JSON record")]


TRANSCRIPT = Form(
    line=r"^(?P<sender>[^(]+) \((?P<time>[^)]+)\): (?P<text>.*)$", mark=r"^(?:=+|ID: (?P<session_id>\S+))$"
)


def test_a_transcript_message_holds_the_lines_below_it(tmp_path):
    path = written(tmp_path, "noise\nA (9:00): hi\nsecond line\n\nB (9:01): ho\n", "file.txt")
    assert [(row["sender"], row["text"]) for row in rows_of(path, TRANSCRIPT)] == [
        ("A", "hi\nsecond line"),
        ("B", "ho"),
    ]
    assert broken_of(path, TRANSCRIPT) == [(1, "text before the first message")]


def test_marks_cut_a_transcript_into_blocks_and_may_name_the_session(tmp_path):
    path = written(tmp_path, "ID: S1\nA (9:00): hi\n====\nA (9:01): ho\n", "file.txt")
    assert [(row["block"], row["session_id"]) for row in rows_of(path, TRANSCRIPT)] == [
        ("1", "S1"),
        ("2", None),
    ]
