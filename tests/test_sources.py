"""A book from files: every row accounted for, a file replaced and never added twice, only changes built."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from csnb.book import open_book
from csnb.build import build_book
from csnb.cli import app
from csnb.contents import check_book
from csnb.errors import BookError, CsnbError, ExportError, ParameterError
from csnb.sources import import_export

HEADER = "session_id,sent_at,role,text,shop,buyer_id,agent_id,message_id"
DAY_ONE = [
    "s1,2026-03-02 10:00:00,customer,有货吗,甲店,b1,a1,m1",
    "s1,2026-03-02 10:00:20,agent,有的,甲店,b1,a1,m2",
    "s2,2026-03-02 11:00:00,customer,发什么快递,甲店,b2,a1,m3",
]
DAY_TWO = [
    "s3,2026-03-03 10:00:00,customer,退款到哪了,甲店,b1,a1,m4",
    "s3,2026-03-03 10:00:40,agent,已退,甲店,b1,a1,m5",
]


def write(path, lines, header=HEADER):
    """Write a CSV export."""
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")
    return path


@pytest.fixture
def book_path(tmp_path):
    """Give the place of a book that is not there yet."""
    return tmp_path / "books" / "shop"


def built_parts(path):
    """Tell when each partition's turns were written."""
    return {file.name: file.stat().st_mtime_ns for file in (path / "turns").glob("*.parquet")}


def test_a_book_holds_what_its_files_brought(tmp_path, book_path):
    imported = import_export(write(tmp_path / "a.csv", DAY_ONE + DAY_TWO), "generic", book_path)
    book = open_book(book_path)
    assert [(file.file, file.rows_read, file.rows_staged) for file in imported] == [("a.csv", 5, 5)]
    assert book.sessions["session_id"].to_list() == ["s1", "s2", "s3"]
    assert book.sessions["message_count"].to_list() == [2, 1, 2]
    assert book.turns["raw_reply_seconds"].dropna().to_list() == [20, 40]
    assert book.texts.collect()["count"].sum() == 5


def test_the_same_file_again_changes_nothing(tmp_path, book_path):
    file = write(tmp_path / "a.csv", DAY_ONE)
    import_export(file, "generic", book_path)
    before = built_parts(book_path)
    import_export(file, "generic", book_path)
    assert built_parts(book_path) == before
    assert check_book(open_book(book_path))["rows_read"] == 3


def test_a_corrected_file_replaces_what_it_brought(tmp_path, book_path):
    file = write(tmp_path / "a.csv", DAY_ONE + DAY_TWO)
    import_export(file, "generic", book_path)
    import_export(write(file, DAY_ONE[:2]), "generic", book_path)
    assert open_book(book_path).sessions["session_id"].to_list() == ["s1"]


def test_a_copy_of_a_file_under_another_name_is_the_same_file(tmp_path, book_path):
    import_export(write(tmp_path / "a.csv", DAY_ONE), "generic", book_path)
    import_export(write(tmp_path / "copy.csv", DAY_ONE), "generic", book_path)
    assert check_book(open_book(book_path))["rows_read"] == 3


def test_rows_that_two_files_share_are_duplicates_of_one_session(tmp_path, book_path):
    files = [write(tmp_path / "a.csv", DAY_ONE), write(tmp_path / "b.csv", DAY_ONE[1:] + DAY_TWO)]
    import_export(files, "generic", book_path)
    counts = check_book(open_book(book_path))
    assert counts["left_out"] == {"duplicate": 2}
    assert open_book(book_path).sessions["message_count"].to_list() == [2, 1, 2]


def test_a_session_cut_at_midnight_into_two_files_is_one_session(tmp_path, book_path):
    evening = write(tmp_path / "evening.csv", ["s1,2026-03-02 23:59:50,customer,在吗,甲店,b1,a1,m1"])
    morning = write(tmp_path / "morning.csv", ["s1,2026-03-03 00:00:10,agent,在的,甲店,b1,a1,m2"])
    import_export(evening, "generic", book_path)
    import_export(morning, "generic", book_path)
    book = open_book(book_path)
    assert book.sessions[["day", "message_count", "first_response_seconds"]].values.tolist() == [
        ["2026-03-02", 2, 20]
    ]
    assert book.partitions[0].startswith("2026-03-02")
    assert len(book.partitions) == 1


def test_equal_session_ids_of_two_shops_are_two_sessions(tmp_path, book_path):
    lines = [*DAY_ONE[:2], "s1,2026-03-02 12:00:00,customer,有红色吗,乙店,b9,a9,m9"]
    import_export(write(tmp_path / "a.csv", lines), "generic", book_path)
    assert len(open_book(book_path).sessions) == 2


def test_a_new_day_leaves_the_built_days_alone_and_completes_their_links(tmp_path, book_path):
    import_export(write(tmp_path / "a.csv", DAY_ONE), "generic", book_path)
    before = built_parts(book_path)
    late = "s4,2026-03-05 12:00:00,customer,在吗,甲店,b4,a1,m8"
    import_export(write(tmp_path / "b.csv", [*DAY_TWO, late]), "generic", book_path)
    after = built_parts(book_path)
    assert {name: after[name] for name in before} == before
    repeats = open_book(book_path).sessions.set_index("session_id")["is_repeat_24h"]
    assert repeats["s1"]


def test_a_killed_build_goes_on_where_it_stopped(tmp_path, book_path):
    import_export(write(tmp_path / "a.csv", DAY_ONE + DAY_TWO), "generic", book_path)
    whole = open_book(book_path).sessions
    manifest = json.loads((book_path / "manifest.json").read_text("utf-8"))
    done, missing = sorted(manifest["partitions"])
    entry = {"partition": done, **manifest["partitions"][done]}
    (book_path / "progress.jsonl").write_text(json.dumps(entry) + "\n", "utf-8")
    (book_path / "manifest.json").write_text(json.dumps({**manifest, "partitions": {}}), "utf-8")
    before = built_parts(book_path)
    assert build_book(book_path)["built"] == 1
    after = built_parts(book_path)
    assert [name for name in after if after[name] != before[name]] == [f"{missing}.parquet"]
    assert open_book(book_path).sessions.equals(whole)


def test_a_changed_definition_builds_everything_again(tmp_path, book_path):
    import_export(write(tmp_path / "a.csv", DAY_ONE + DAY_TWO), "generic", book_path)
    own = book_path.parent / "definitions"
    own.mkdir()
    (own / "stages.toml").write_text('presale = ["有货"]\naftersale = ["退款"]\n', "utf-8")
    assert build_book(book_path, own)["built"] == 2
    assert open_book(book_path).sessions["stage"].to_list() == ["presale", "unknown", "aftersale"]


def test_every_row_is_kept_left_out_or_quarantined(tmp_path, book_path):
    bad = ["s9,yesterday,customer,几点,甲店,b1,a1,m7"]
    notice = ["s1,2026-03-02 10:05:00,notice,会话结束,甲店,,,m6"]
    import_export(write(tmp_path / "a.csv", DAY_ONE * 10 + notice + bad), "generic", book_path)
    counts = check_book(open_book(book_path))
    assert counts["rows_read"] == 32
    assert counts["left_out"] == {"duplicate": 27, "notice": 1}
    assert counts["quarantined"] == {"bad_time": 1}
    assert counts["rows_kept"] == 3


def test_ids_are_hashed_and_masked_before_anything_is_written(tmp_path, book_path):
    line = "s1,2026-03-02 10:00:00,customer,我电话13912345678,甲店,王小明的账号,a1,m1"
    import_export(write(tmp_path / "a.csv", [line]), "generic", book_path)
    for file in book_path.rglob("*.parquet"):
        content = pl.read_parquet(file).write_ndjson()
        assert "13912345678" not in content
        assert "王小明的账号" not in content


def test_a_refused_file_leaves_the_book_as_it_was(tmp_path, book_path):
    import_export(write(tmp_path / "a.csv", DAY_ONE), "generic", book_path)
    with pytest.raises(ExportError, match="role"):
        import_export(write(tmp_path / "b.csv", ["s1,x"], "session_id,body"), "generic", book_path)
    assert check_book(open_book(book_path))["rows_read"] == 3
    assert not list((book_path / "sources").glob(".*"))


def test_what_is_unknown_is_refused_with_what_is_known(tmp_path, book_path):
    with pytest.raises(ParameterError, match="generic"):
        import_export(write(tmp_path / "a.csv", DAY_ONE), "wangwang", book_path)
    with pytest.raises(ParameterError, match="ratings"):
        import_export(tmp_path / "a.csv", "generic", book_path, kind="scores")
    with pytest.raises(ExportError, match="no file"):
        import_export(tmp_path / "gone.csv", "generic", book_path)
    with pytest.raises(BookError, match="csnb import"):
        open_book(tmp_path)


def test_ratings_and_agents_join_the_sessions(tmp_path, book_path):
    import_export(write(tmp_path / "a.csv", DAY_ONE + DAY_TWO), "generic", book_path)
    ratings = ["s1,5,2026-03-02 10:06:00", "s1,2,2026-03-02 10:07:00", "s2,,", "s77,1,2026-03-02 10:07:00"]
    import_export(
        write(tmp_path / "r.csv", ratings, "session_id,score,rated_at"), "generic", book_path, kind="ratings"
    )
    agents = ["a1,小美,售前,自营,,", "a2,,,,,a1"]
    header = "agent_id,name,team,supplier,tier,alias_of"
    import_export(write(tmp_path / "p.csv", agents, header), "generic", book_path, kind="agents")
    sessions = open_book(book_path).sessions.set_index("session_id")
    assert sessions["score"].to_dict() == pytest.approx(
        {"s1": 2, "s2": float("nan"), "s3": float("nan")}, nan_ok=True
    )
    assert sessions["is_invited"].to_list() == [True, True, False]
    assert sessions["is_dissatisfied"].fillna(False).to_list() == [True, False, False]
    assert set(sessions["team"]) == {"售前"}


class TestCommands:
    """The same from the command line."""

    def run(self, *words):
        """Run csnb with some words."""
        return CliRunner().invoke(app, [str(word) for word in words])

    def test_import_check_turns_and_sessions(self, tmp_path, book_path):
        file = write(tmp_path / "a.csv", DAY_ONE)
        assert self.run("import", file, "--platform", "generic", "--into", book_path).exit_code == 0
        counts = json.loads(self.run("check", book_path, "--json").stdout)
        assert counts["rows_read"] == counts["rows_kept"] == 3
        self.run("turns", book_path, "--out", tmp_path / "turns.csv")
        self.run("sessions", book_path, "--out", tmp_path / "sessions.csv")
        turns = pl.read_csv(tmp_path / "turns.csv", infer_schema_length=0)
        assert turns["asked_at"].to_list() == ["2026-03-02T10:00:00+08:00", "2026-03-02T11:00:00+08:00"]
        assert turns["is_graded"].to_list() == ["true", "true"]
        assert turns["raw_reply_seconds"].to_list() == ["20.0", None]
        sessions = pl.read_csv(tmp_path / "sessions.csv", infer_schema_length=0)
        assert sessions["is_replied"].to_list() == ["true", "false"]

    def test_bad_data_is_an_error_that_says_what_to_do(self, tmp_path, book_path):
        file = write(tmp_path / "a.csv", ["s1,x"], "session_id,body")
        result = self.run("import", file, "--platform", "generic", "--into", book_path)
        assert isinstance(result.exception, CsnbError)
        assert "body" in str(result.exception)
