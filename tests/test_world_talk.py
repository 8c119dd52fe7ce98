"""The text lane: the same causal draw as messages, read as a platform would export them."""

import json
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from csnb.cli import app
from csnb.errors import DefinitionError, ParameterError
from csnb.imports import stage_file
from csnb.utterances import read_bank
from csnb.world import make_world, simulate, write_exports
from csnb.world.exports import messages_table
from csnb.world.grammar import parse
from csnb.world.talk import talk
from validation.kept import read_kept
from validation.originality import read_real_sessions, read_real_texts, shared_runs, simulated_sessions
from validation.realism import measure_talk

SHARED = Path(__file__).parents[2] / "shared"
needs_real_chats = pytest.mark.skipif(
    not (SHARED / "data/jd_chat_raw").is_dir(), reason=f"there are no real chats below {SHARED}"
)


@pytest.fixture(scope="module")
def world():
    return make_world("S1", 11, sessions_per_week=1500)


@pytest.fixture(scope="module")
def sessions(world):
    return list(talk(world.truth.draw))


def test_talk_writes_200000_messages_a_minute(world):
    start = time.process_time()
    count = sum(len(session) for session in talk(world.truth.draw))
    assert count / (time.process_time() - start) * 60 >= 200_000


def test_the_same_world_says_the_same(world, sessions):
    assert list(talk(world.truth.draw)) == sessions


def test_what_is_said_elsewhere_does_not_change_a_session(sessions):
    """Words depend on the session's own seed: another world of the same customers speaks alike where it draws alike."""
    fewer = list(talk(make_world("S1", 11, sessions_per_week=1500, ticket_share=0.5).truth.draw))
    assert fewer == sessions


def test_replies_come_as_late_as_the_draw_has_it(world, sessions):
    """The first agent message of a turn follows the turn's first customer message by the drawn delay."""
    draw = world.truth.draw
    delays = np.split(draw.service["turn_delay_seconds"], draw.service["turn_first"][1:])
    for session, drawn in list(zip(sessions, delays, strict=True))[:400]:
        asked, waits = None, []
        for message in session:
            if message.role == "customer" and message.kind == "text" and asked is None:
                asked = message.second
            if message.role in ("bot", "auto"):
                asked = None
            if message.role == "agent" and asked is not None:
                waits.append(message.second - asked)
                asked = None
        seen = drawn[~np.isnan(drawn)]
        if np.isnan(drawn).any() or draw.service["transfer_count"][session[0].row]:
            continue
        assert waits == pytest.approx(seen, abs=0.01)


def test_customers_show_only_reasons_that_are_true(world, sessions):
    truth = world.truth.sessions
    for session in sessions:
        shown = {message.code for message in session if message.code}
        row = truth.iloc[session[0].row]
        assert all(row[code] for code in shown)
        if row["is_dissatisfied"] and row["is_handled"]:
            assert shown


def test_satisfied_customers_show_nothing(world, sessions):
    truth = world.truth.sessions["is_dissatisfied"].to_numpy()
    assert not any(message.code for session in sessions if not truth[session[0].row] for message in session)


def test_customers_vary_and_sessions_have_the_length_of_real_ones():
    """The quartiles are those of the JD raw chats, measured and kept by `python -m validation --talk`."""
    found, real = (
        measure_talk(simulated_sessions(sessions_per_week=4000)),
        read_kept("talk").set_index("measure")["real"],
    )
    assert 0.65 <= found["distinct customer messages, of 6,000"] <= 0.80
    for what in ("messages a session", "characters a customer message", "characters an agent message"):
        low, high = real[f"{what}, lower quartile"], real[f"{what}, upper quartile"]
        assert low <= found[f"{what}, median"] <= high
    assert 0.10 <= found["canned agent messages, of 6,000"] <= 0.25


@needs_real_chats
def test_real_chats_measure_as_it_is_kept():
    found, kept = (
        measure_talk(read_real_sessions(SHARED)),
        read_kept("talk").set_index("measure")["real"].dropna(),
    )
    assert found == pytest.approx(kept.to_dict(), abs=0.0006)


@needs_real_chats
def test_nothing_said_stands_in_the_real_chats(sessions):
    said = {message.text for session in sessions for message in session}
    assert shared_runs(sorted(said), read_real_texts(SHARED)) == []


@pytest.mark.parametrize(
    ("line", "said"), [("(a|b", "is not closed"), ("a)b", "without '('"), ("{goods", "is not closed")]
)
def test_a_broken_grammar_line_is_named(line, said):
    with pytest.raises(DefinitionError, match=r"talk\.toml") as error:
        parse(line)
    assert said in str(error.value) and line in str(error.value)


def staged(folder, index):
    """Import all message files of an export index."""
    files = index.filter(kind="messages").select("file", "layout").iter_rows()
    return pl.concat(
        [
            batch.rows
            for file, layout in files
            for batch in stage_file(folder / file, layout, "messages", key=b"k")
        ]
    )


@pytest.mark.parametrize(
    ("file_format", "encoding"),
    [("csv", "utf-8"), ("csv.gz", "gb18030"), ("xlsx", "utf-8"), ("jsonl", "utf-8")],
)
def test_exports_come_back_through_the_import(tmp_path, file_format, encoding):
    platforms = ["taobao", "jd", "douyin", "pinduoduo", "kuaishou"]
    clean = dict.fromkeys(
        ["duplicate_share", "skew_share", "missing_agent_share", "merged_share", "personal_share"], 0.0
    )
    world = make_world("S1", 5, sessions_per_week=120, shops=5, agents=10, platforms=platforms, **clean)
    rows = staged(tmp_path, write_exports(world, tmp_path, file_format=file_format, encoding=encoding))
    sent, _ = messages_table(world)
    for role in ("customer", "agent"):
        came, went = (
            table.filter(role=role).sort("sent_at", "text")["text"].to_list() for table in (rows, sent)
        )
        assert came == went
    assert rows["platform"].unique().sort().to_list() == sorted(set(sent["platform"]))


@pytest.mark.parametrize(
    ("platform", "file_format", "encoding"),
    [
        ("taobao", "csv", "gb18030"),
        ("jd", "xlsx", "utf-8"),
        ("douyin", "jsonl", "utf-8"),
        ("pinduoduo", "csv.gz", "utf-8"),
        ("kuaishou", "csv.gz", "gb18030"),
        ("generic", "xlsx", "utf-8"),
    ],
)
def test_the_command_writes_what_the_import_accounts_for_row_by_row(
    tmp_path, platform, file_format, encoding
):
    def csnb(*words):
        result = CliRunner().invoke(app, [str(word) for word in words])
        assert result.exit_code == 0, result.output
        return result.stdout

    out, book = tmp_path / "out", tmp_path / "book"
    csnb("simulate", "--scenario", "S11", "--weeks", 1, "--platform", platform, "--format", file_format,
         "--encoding", encoding, "--out", out)  # fmt: skip
    index = pl.read_csv(out / "exports.csv")
    for file, layout, kind, _ in index.iter_rows():
        csnb("import", out / file, "--platform", layout, "--kind", kind, "--into", book)
    found = json.loads(csnb("check", book, "--json"))
    assert found["rows_read"] == index["rows"].sum() == found["rows_kept"] + sum(found["left_out"].values())
    assert found["quarantined"] == {}


def test_personal_data_are_masked_on_import(tmp_path):
    world = make_world("S1", 3, sessions_per_week=1500, personal_share=0.1)
    index = write_exports(world, tmp_path / "out", truth=tmp_path / "truth")
    faults = pl.read_csv(tmp_path / "truth/faults.csv.gz").filter(kind="personal")
    texts = "\n".join(staged(tmp_path / "out", index)["text"].drop_nulls())
    assert faults.height > 200
    assert [token for token in faults["detail"] if token in texts] == []


def test_every_fault_is_recorded(tmp_path):
    world = make_world(
        "S1", 3, sessions_per_week=1500, duplicate_share=0.02, missing_agent_share=0.02, merged_share=0.5
    )
    index = write_exports(world, tmp_path / "out", truth=tmp_path / "truth", encoding="gb18030")
    count = dict(pl.read_csv(tmp_path / "truth/faults.csv.gz")["kind"].value_counts().iter_rows())
    rows = staged(tmp_path / "out", index)
    assert rows.is_duplicated().sum() == 0  # the running number tells copies apart
    seen = ["session_id", "sent_at", "role", "text"]
    assert rows.height - rows.unique(seen).height >= count["duplicate"]
    assert count["encoding"] == index.height
    merged = set(pl.read_csv(tmp_path / "truth/faults.csv.gz").filter(kind="merged_session")["detail"])
    assert merged and not merged & set(rows["session_id"])


def test_other_known_headers_are_imported_and_recorded(tmp_path):
    world = make_world("S11", 3, platforms=["douyin"], alias_share=0.6)
    index = write_exports(world, tmp_path / "out", truth=tmp_path / "truth")
    aliases = pl.read_csv(tmp_path / "truth/faults.csv.gz").filter(kind="header_alias")["detail"]
    assert any("session_id as 会话id" in detail or "sent_at as 发送时间" in detail for detail in aliases)
    assert staged(tmp_path / "out", index).height == index.filter(kind="messages")["rows"].sum()


def test_drift_brings_words_that_are_not_in_the_bank():
    bank = set(read_bank()["text"])
    shares = []
    for drift in (0.0, 0.5):
        world = make_world("S12", 3, sessions_per_week=1500, drift=drift)
        shown = [m.text for session in talk(world.truth.draw) for m in session if m.code]
        shares.append(sum(text in bank for text in shown) / len(shown))
    assert shares[1] < 0.7 * shares[0]


def test_truth_is_written_apart_and_only_when_asked(tmp_path):
    simulate("S11", 1, 1, ["taobao"], tmp_path / "out")
    assert not any("truth" in path.name for path in tmp_path.rglob("*"))


def test_truth_among_the_exports_is_refused_and_so_is_a_platform_without_a_shop(tmp_path):
    with pytest.raises(ParameterError, match="truth must be another folder"):
        simulate("S11", 1, 1, ["taobao"], tmp_path, truth=tmp_path / ".")
    with pytest.raises(ParameterError, match="platforms must be one of: taobao; got: 'douyin'"):
        simulate("S11", 1, 1, ["taobao", "douyin"], tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_world_takes_the_place_of_an_earlier_one_and_leaves_other_files_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for file_format in ("jsonl", "csv"):
        index = simulate("S11", 1, 1, None, tmp_path, file_format=file_format)
    assert {path.name for path in tmp_path.iterdir()} == {*index["file"], "exports.csv", "notes.txt"}


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(
        ParameterError, match=r"file_format must be one of: csv, csv\.gz, xlsx, jsonl; got: 'parquet'"
    ):
        write_exports(make_world("S11", 1), tmp_path, file_format="parquet")
