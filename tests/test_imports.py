"""Raw exports become staged rows by their layout; what cannot be read is counted, never lost."""

import gzip
import json
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from workbooks import write_xlsx

from csnb import readers
from csnb.errors import ExportError, ParameterError
from csnb.imports import stage_file
from csnb.layouts import FILE_KINDS, list_layouts
from csnb.lookup import SHIPPED
from csnb.masks import hash_id
from csnb.schema import dtypes

EXPORTS = sorted((Path(__file__).parent / "exports").iterdir())
SHARED = Path(__file__).parents[2] / "shared" / "data"
KEY = b"secret"
NOON = datetime(2026, 3, 2, 12)
HEADER = "session_id,sent_at,role,text"


def stage(path, platform="generic", kind="messages", zone=None, folder=None):
    """Rows and quarantine of a whole file."""
    batches = list(stage_file(path, platform, kind, KEY, zone, folder))
    assert all(batch.rows_read == batch.rows.height + batch.quarantined.height for batch in batches)
    return pl.concat([batch.rows for batch in batches]), pl.concat([batch.quarantined for batch in batches])


def csv_of(tmp_path, *lines, header=HEADER, name="file.csv"):
    """A CSV of these lines."""
    path = tmp_path / name
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")
    return path


def good(count):
    """Many good rows, so that a bad one does not refuse the file."""
    return [f"G,2026-03-02 09:00:00,买家,第{number}条" for number in range(count)]


def export(name):
    """An export of tests/exports, staged."""
    path = next(path for path in EXPORTS if path.name.startswith(name))
    layout = max((layout for layout in list_layouts() if name.startswith(layout)), key=len)
    kind = next(kind for kind in FILE_KINDS if f"_{kind}" in name)
    return stage(path, layout, kind)


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: path.name)
def test_every_example_export_is_read_without_an_unreadable_row(path):
    layout = max((layout for layout in list_layouts() if path.name.startswith(layout)), key=len)
    kind = next(kind for kind in FILE_KINDS if f"_{kind}" in path.name)
    rows, quarantined = stage(path, layout, kind)
    assert rows.height
    assert set(quarantined["reason"]) <= {"summary_row"}
    assert dict(rows.schema) == dtypes("staged" if kind == "messages" else kind)
    assert "13812345678" not in rows.write_csv()


@pytest.mark.parametrize("layout", list_layouts())
def test_every_layout_has_an_example_export_for_its_messages(layout):
    assert [path for path in EXPORTS if path.name.startswith(f"{layout}_messages")]


# ---------------------------------------------------------------- the generic layout


def test_chinese_headers_and_values_become_canonical():
    rows, _ = export("generic_messages")
    first = rows.row(0, named=True)
    assert (first["session_id"], first["role"], first["kind"], first["platform"]) == (
        "A1",
        "customer",
        "text",
        "jd",
    )
    assert first["text"] == "在吗，电话<手机>"
    assert first["product"] == "奶瓶"
    assert first["recalled"] is False
    assert rows["role"].to_list() == ["customer", "agent", "notice", "bot"]
    assert rows["line"].to_list() == [1, 2, 3, 4]


def test_ids_of_persons_become_hashes_that_join_and_session_ids_stay():
    rows, _ = export("generic_messages")
    orders, _ = export("generic_orders")
    assert rows["buyer_id"][0] == hash_id(pl.Series(["tb_1"]), KEY).item()
    assert rows["order_id"][0] == orders["order_id"][0]
    assert rows["buyer_id"][0] == orders["buyer_id"][0]
    assert rows["session_id"].to_list() == ["A1", "A1", "A1", "A2"]


def test_a_buyer_that_the_platform_masked_is_missing():
    orders, _ = export("generic_orders")
    assert orders["buyer_id"][1] is None


def test_other_columns_are_kept_masked_and_personal_ones_replaced(tmp_path):
    path = csv_of(
        tmp_path,
        "A,2026-03-02 09:00:00,买家,在吗,张三,打13812345678,x,-",
        header=f"{HEADER},收货人,备注,标签,空",
    )
    rows, _ = stage(path)
    assert json.loads(rows["extra"].item()) == {"收货人": "<隐去>", "备注": "打<手机>", "标签": "x"}


def test_extra_is_missing_where_no_other_column_holds_anything():
    rows, _ = export("generic_messages")
    assert rows["extra"].is_null().to_list() == [False, True, True, True]


def test_a_second_column_for_a_hashed_one_does_not_bring_the_person_back(tmp_path):
    path = csv_of(tmp_path, "A,2026-03-02 09:00:00,买家,在吗,b1,Zhang", header=f"{HEADER},buyer_id,买家ID")
    rows, _ = stage(path)
    assert json.loads(rows["extra"].item()) == {"买家ID": "<隐去>"}


@pytest.mark.parametrize("mark", ["延迟统计", "暂无数据", "NULL", "null", "-", "--", "", " "])
def test_marks_for_missing_are_missing_and_never_zero(tmp_path, mark):
    path = csv_of(tmp_path, f"A,{mark}", header="session_id,score")
    rows, quarantined = stage(path, kind="ratings")
    assert rows["score"].to_list() == [None]
    assert quarantined.is_empty()


def test_a_message_that_is_only_a_dash_stays_a_message(tmp_path):
    rows, _ = stage(csv_of(tmp_path, "A,2026-03-02 09:00:00,买家,-", "A,2026-03-02 09:00:01,买家,"))
    assert rows["text"].to_list() == ["-", None]


def test_a_time_without_zone_is_shanghai_unless_another_is_given(tmp_path):
    path = csv_of(tmp_path, "A,2026-03-02 09:00:00,买家,在吗", "A,2026-03-02T09:00:00Z,买家,在吗")
    here, _ = stage(path)
    there, _ = stage(path, zone="UTC")
    assert here["sent_at"].dt.to_string("%H:%M %z").to_list() == ["09:00 +0800", "17:00 +0800"]
    assert there["sent_at"].dt.to_string("%H:%M %z").to_list() == ["17:00 +0800", "17:00 +0800"]


def test_an_unknown_zone_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="zone"):
        stage(csv_of(tmp_path, *good(1)), zone="Asia/Schanghai")


def test_a_notice_about_a_hand_over_is_a_transfer_unless_it_names_its_kind(tmp_path):
    path = csv_of(
        tmp_path,
        "A,2026-03-02 09:00:00,系统,会话转接给小丽,",
        "A,2026-03-02 09:00:01,系统,会话转接给小丽,关闭",
        "A,2026-03-02 09:00:02,客服,帮您转接,",
        header=f"{HEADER},kind",
    )
    rows, _ = stage(path)
    assert rows["kind"].to_list() == ["transfer", "close", "text"]


@pytest.mark.parametrize(
    ("line", "column", "value", "reason"),
    [
        ("A,昨天,买家,在吗", "sent_at", "昨天", "bad_time"),
        ("A,2026-03-02 09:00:00,老板,在吗", "role", "老板", "unknown_role"),
        ("A,2026-03-02 09:00:00,,在吗", "role", None, "missing_role"),
        (",2026-03-02 09:00:00,买家,在吗", "session_id", None, "missing_session_id"),
        ("A,打13812345678,买家,在吗", "sent_at", "打<手机>", "bad_time"),
        ("A,2026-03-02 09:00:00,买家", "row", "cells: 3, headers: 4", "broken_row"),
    ],
)
def test_a_row_that_cannot_be_read_is_quarantined_with_its_place(tmp_path, line, column, value, reason):
    path = csv_of(tmp_path, *good(30), line, *good(10))
    rows, quarantined = stage(path)
    assert quarantined.rows() == [("file.csv", 31, column, value, reason)]
    assert rows["line"].to_list() == [*range(1, 31), *range(32, 42)]


def test_a_file_of_which_more_than_a_twentieth_cannot_be_read_is_refused(tmp_path):
    bad = "A,昨天,买家,在吗"
    stage(csv_of(tmp_path, *good(19), bad))
    with pytest.raises(ExportError, match=r"1 of 19 rows.*bad_time 1 \(first in line 19, sent_at: 昨天\)"):
        stage(csv_of(tmp_path, *good(18), bad))


def test_a_missing_required_column_is_refused_and_the_headers_found_are_told(tmp_path):
    with pytest.raises(
        ExportError, match=r"missing sent_at \(sent_at / 发送时间.*Headers found: session_id, 时刻, text"
    ):
        stage(csv_of(tmp_path, header="session_id,时刻,text"))


def test_a_file_of_another_shape_is_refused_before_any_row_is_given(tmp_path):
    path = tmp_path / "other.txt"
    path.write_text("<session 1>\nQ:\t你好\nA:\t您好\n" * 20, "utf-8")
    with pytest.raises(ExportError, match="layout jd_raw_chat"):
        next(stage_file(path, "jd_raw_chat"))


def test_an_unknown_kind_of_file_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="kind"):
        next(stage_file(csv_of(tmp_path), "generic", "sessions"))


def test_small_blocks_give_the_same_rows_as_large_ones(tmp_path, monkeypatch):
    lines = [f"S{n // 3},2026-03-02 09:00:{n % 60:02},买家,第{n}条 13812345678" for n in range(300)]
    path = csv_of(tmp_path, *lines, "S,昨天,买家,x")
    whole = stage(path)
    monkeypatch.setattr(readers, "BLOCK_BYTES", 2000)
    assert len(list(stage_file(path, "generic", key=KEY))) > 3
    for one, other in zip(whole, stage(path), strict=True):
        assert one.equals(other)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_encodings_and_compression_change_nothing(tmp_path, encoding):
    text = (Path(__file__).parent / "exports" / "generic_messages.csv").read_text("utf-8")
    path = tmp_path / "file.csv.gz"
    path.write_bytes(gzip.compress(text.encode(encoding)))
    assert stage(path)[0].equals(export("generic_messages")[0])


def test_a_workbook_gives_excel_dates_and_ids_as_text(tmp_path):
    path = write_xlsx(
        tmp_path / "file.xlsx",
        [
            ["聊天记录"],
            [],
            ["会话ID", "发送时间", "角色", "内容"],
            [1001, NOON, "买家", "在吗"],
            [1001, 46083.5, "客服", "在"],
        ],
    )
    rows, _ = stage(path)
    assert rows["session_id"].to_list() == ["1001", "1001"]
    assert rows["sent_at"].dt.to_string("%Y-%m-%d %H:%M").to_list() == ["2026-03-02 12:00"] * 2


def test_ids_keep_their_zeros_and_lose_the_armour_of_excel(tmp_path):
    rows, _ = stage(
        csv_of(tmp_path, '="007",2026-03-02 09:00:00,买家,在吗', "0008\t,2026-03-02 09:00:00,买家,在吗")
    )
    assert rows["session_id"].to_list() == ["007", "0008"]


def test_a_layout_may_say_that_session_ids_name_persons(tmp_path):
    text = (SHIPPED / "platforms" / "feige.toml").read_text("utf-8")
    (tmp_path / "platforms").mkdir()
    personal = text.replace("[[messages]]\n", '[[messages]]\nhashed = ["session_id"]\n')
    (tmp_path / "platforms" / "feige.toml").write_text(personal, "utf-8")
    path = csv_of(tmp_path, "tb_张三,2026-03-02 09:00:00,用户,在吗", header="会话ID,消息时间,发送方,消息内容")
    rows, _ = stage(path, "feige", folder=tmp_path)
    assert rows["session_id"].item() == hash_id(pl.Series(["tb_张三"]), KEY).item()


# ---------------------------------------------------------------- the other kinds of file


def test_ratings_know_words_invitations_and_platforms():
    rows, _ = export("generic_ratings")
    assert rows["score"].to_list() == [5.0, None, 1.0]
    assert rows["invited_by"].to_list() == ["agent", "auto", None]


@pytest.mark.parametrize("score", ["6", "0", "很棒棒"])
def test_a_score_out_of_range_is_quarantined(tmp_path, score):
    lines = [f"S{n},5" for n in range(30)]
    _, quarantined = stage(csv_of(tmp_path, *lines, f"A,{score}", header="会话ID,评分"), kind="ratings")
    assert quarantined.select("column", "value", "reason").rows() == [("score", score, "bad_score")]


def test_agents_know_suppliers_aliases_and_first_days():
    rows, _ = export("generic_agents")
    assert rows["supplier"].to_list() == ["own", "某外包"]
    assert rows["alias_of"].to_list() == [None, "小美"]
    assert [str(day) for day in rows["hired_on"]] == ["2025-06-01", "2025-07-01"]


def test_notes_and_reasons_are_masked():
    assert export("generic_events")[0]["note"][0] == "满减，咨询 <手机>"
    assert export("generic_refunds")[0]["reason"].item() == "不想要了 电话<手机>"


def test_money_is_read_with_its_signs():
    assert export("generic_orders")[0]["amount"].to_list() == [1299.0, None]


def test_an_unknown_event_is_quarantined(tmp_path):
    lines = [f"2026-03-{day:02},大促" for day in range(1, 29)]
    _, quarantined = stage(csv_of(tmp_path, *lines, "2026-03-02,聚餐", header="开始,类型"), kind="events")
    assert quarantined["reason"].to_list() == ["unknown_kind"]


# ---------------------------------------------------------------- official figures


def test_a_wide_export_becomes_one_row_a_figure_below_its_banner():
    rows, _ = export("qianniu_official")
    mine = rows.filter(agent_id="花园旗舰店:小美")
    assert dict(mine.select("metric", "value").rows()) == {
        "consulting_buyers": 120, "buyers": 118, "unanswered_buyers": 2, "mean_response_seconds": 35.5,
        "reply_rate_3min": 0.97, "first_response_seconds": 12, "answer_ask_ratio": 1.3,
    }  # fmt: skip
    assert set(rows["day"]) == {"2026-03-02"}


def test_figures_not_yet_counted_are_missing_and_never_zero():
    rows, _ = export("qianniu_official")
    late = rows.filter(agent_id="花园旗舰店:小丽").filter(pl.col("value").is_null())["metric"]
    assert set(late) == {"mean_response_seconds", "reply_rate_3min", "first_response_seconds"}


@pytest.mark.parametrize("name", ["qianniu_official", "feige_official"])
def test_rows_that_sum_up_others_are_quarantined_and_do_not_refuse_the_file(name):
    _, quarantined = export(name)
    assert quarantined["reason"].to_list() == ["summary_row"] * 2


def test_minutes_percent_and_written_durations_come_in_one_unit():
    assert dict(export("pinduoduo_official")[0].select("metric", "value").rows()) == {
        "consulting_buyers": 60, "reply_rate_3min": 0.985, "reply_rate_3min_all_day": 0.95, "mean_response_seconds": 90,
    }  # fmt: skip
    assert dict(export("feige_official")[0].select("metric", "value").rows()) == {
        "sessions": 50, "mean_response_seconds_all_day": 65, "dissatisfaction_rate_all_day": 0.035, "online_hours": 7.7,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["客服表现.csv", "2026-03-01至2026-03-07.csv"])
def test_a_wide_export_of_no_single_day_is_refused(tmp_path, name):
    path = csv_of(tmp_path, "美美,50", header="客服昵称,接待会话量", name=name)
    with pytest.raises(ExportError, match="exactly one"):
        stage(path, "feige", "official")


def test_a_long_official_table_reads_percents_as_rates():
    assert export("generic_official")[0]["value"].to_list() == [32.5, 0.98, None]


# ---------------------------------------------------------------- the other layouts


def test_jd_raw_chats_keep_their_order_and_have_no_times():
    rows, _ = export("jd_raw_chat_messages")
    assert rows["sent_at"].is_null().all()
    assert rows["role"].to_list() == ["customer", "agent", "customer"]
    assert rows["text"].to_list() == ['什么时候"发货#E-s[数字x]', "亲\t今天发", "[ORDERID_7] 到哪了"]
    assert rows["platform"].unique().to_list() == ["jd"]
    assert rows["product"].to_list() == [None, "100001", None]
    assert json.loads(rows["extra"][2])["is_transfer"] == "1"


def test_jd_chat_logs_know_assistance_and_recalls():
    rows, _ = export("jd_open_messages.json")
    assert rows["role"].to_list() == ["customer", "assist"]
    assert rows["recalled"].to_list() == [False, True]
    assert rows["sent_at"].dt.to_string("%Y-%m-%d %H:%M:%S").to_list() == [
        "2026-03-02 10:10:15",
        "2026-03-02 10:10:25",
    ]


def test_jd_sessions_become_the_notice_that_assigned_them():
    rows, _ = export("jd_open_messages_sessions")
    assert rows.select("session_id", "role", "kind", "agent_id", "channel").row(0) == (
        "S1", "notice", "assigned", "kf_1", "商品详情页",
    )  # fmt: skip


def test_qianniu_tells_speakers_by_their_names_and_the_shop_by_the_agent():
    rows, _ = export("qianniu_messages")
    assert rows["role"].to_list() == ["customer", "agent"]
    assert rows["shop"].to_list() == ["花园旗舰店"] * 2
    assert rows["agent_id"].to_list() == ["花园旗舰店:小美"] * 2
    assert rows["buyer_id"].is_null().all()


def test_wecom_cuts_by_silence_and_knows_recalls_switches_robots_and_rooms():
    rows, _ = export("wecom_archive_messages")
    by_id = {row["message_id"]: row for row in rows.to_dicts()}
    session = {name: row["session_id"] for name, row in by_id.items()}
    assert session["m1"] == session["m2"] == session["m3"] == session["m4"]
    assert session["m6"] == session["m7"]
    assert len({session[name] for name in ("m1", "m5", "m6", "m8")}) == 4
    assert [name for name, row in by_id.items() if row["recalled"]] == ["m3"]
    assert [(row["role"], row["kind"]) for row in rows.to_dicts()] == [
        ("customer", "text"), ("agent", "text"), ("agent", "text"), ("notice", "recall"), ("customer", "text"),
        ("bot", "text"), ("customer", "image"), ("notice", "text"),
    ]  # fmt: skip
    assert by_id["m2"]["agent_id"] == by_id["m1"]["agent_id"] == "ZhangLi"
    assert (
        by_id["m2"]["buyer_id"] == by_id["m1"]["buyer_id"] == hash_id(pl.Series(["wmCustomer1"]), KEY).item()
    )


def test_chatwoot_knows_bots_private_notes_activities_and_templates():
    rows, _ = export("chatwoot_messages")
    assert rows["role"].to_list() == ["customer", "bot", "notice", "agent", "notice", "auto"]
    assert json.loads(rows["extra"][0])["sender.phone_number"] == "<隐去>"


def test_twitter_threads_are_sessions_of_the_company():
    rows, _ = export("twitter_support_messages")
    assert rows["session_id"].to_list() == ["11", "11", "11", "20", "20"]
    assert rows["shop"].to_list() == ["ShopHelp"] * 3 + ["AirCo"] * 2
    assert rows["sent_at"].dt.to_string("%Y-%m-%d %H:%M:%S")[0] == "2017-11-01 06:10:47"


def test_transcripts_know_agents_by_their_nick_and_cut_by_marks_and_silence():
    rows, _ = export("transcript_messages")
    assert rows["role"].to_list() == ["customer", "agent", "customer", "customer", "customer", "notice"]
    assert rows["session_id"][:3].to_list() == ["T1"] * 3
    assert rows["session_id"][3] != rows["session_id"][4] == rows["session_id"][5]
    assert rows["text"][1] == "您好，\n请问有什么可以帮您？"
    assert rows["kind"][5] == "transfer"


def test_a_user_may_list_the_agents_of_a_transcript(tmp_path):
    text = (SHIPPED / "platforms" / "transcript.toml").read_text("utf-8")
    (tmp_path / "platforms").mkdir()
    (tmp_path / "platforms" / "transcript.toml").write_text(
        text.replace("agent = ['客服']", "agent = ['^小王$']"), "utf-8"
    )
    path = tmp_path / "chat.txt"
    path.write_text("小王 (2026-03-02 10:00): 您好\n小王同学 (2026-03-02 10:01): 在吗\n", "utf-8")
    assert stage(path, "transcript", folder=tmp_path)[0]["role"].to_list() == ["agent", "customer"]


# ---------------------------------------------------------------- real files


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared evaluation data are not beside the repository")
@pytest.mark.parametrize(
    ("file", "layout", "staged", "bad"),
    [
        ("jd_chat_raw/chat_0.1per.txt", "jd_raw_chat", 11560, 0),
        ("twitter_support/twcs.csv", "twitter_support", 4999, 2),
    ],
)
def test_real_exports_are_read_whole_and_the_counts_close(file, layout, staged, bad):
    rows, quarantined = stage(SHARED / file, layout)
    assert (rows.height, quarantined.height) == (staged, bad)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared evaluation data are not beside the repository")
@pytest.mark.parametrize("layout", ["jd_raw_chat", "generic", "transcript"])
def test_a_real_file_of_another_shape_is_refused(layout):
    with pytest.raises(ExportError, match=r"dev_question\.txt"):
        stage(SHARED / "jd_chat_raw" / "dev_question.txt", layout)
