"""Session facts, alone and beside their neighbours."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from conftest import rows_from
from csnb.build import build_partition, read_rules
from csnb.schema import ZONE, conform, empty
from csnb.sessions import link_sessions

MONDAY = datetime(2026, 3, 2, 10, tzinfo=ZoneInfo(ZONE))


def sessions_from(*spans, shop="S", agent="A"):
    """Make linked-to-be sessions from (buyer, start hour, end hour), hours counted from Monday 10:00."""
    return conform(
        pl.DataFrame(
            {
                "session_key": range(len(spans)),
                "session_id": [str(number) for number in range(len(spans))],
                "platform": "generic",
                "shop": shop,
                "agent_id": agent,
                "buyer_id": [buyer for buyer, _, _ in spans],
                "started_at": [MONDAY + timedelta(hours=start) for _, start, _ in spans],
                "ended_at": [MONDAY + timedelta(hours=end) for _, _, end in spans],
                "customer_message_count": 1,
                "stage": "unknown",
            }
        ),
        "sessions",
    )


def link(frame, orders=None):
    """Link sessions, by default without orders."""
    return link_sessions(frame, empty("orders") if orders is None else orders)


class TestRepeats:
    def test_the_next_contact_within_the_window_is_a_repeat(self):
        linked = link(sessions_from(("b", 0, 1), ("b", 24.5, 25), ("x", 200, 201)))
        assert linked["is_repeat_24h"].to_list() == [True, False, None]
        assert linked["is_repeat_72h"].to_list() == [True, False, None]

    def test_exactly_24_hours_after_the_end_is_within_24_hours(self):
        linked = link(sessions_from(("b", 0, 1), ("b", 25, 26), ("b", 51, 52), ("x", 200, 201)))
        assert linked["is_repeat_24h"].to_list() == [True, False, False, None]
        assert linked["is_repeat_48h"].to_list() == [True, True, False, None]

    def test_a_session_whose_window_is_not_covered_is_not_in_the_denominator(self):
        linked = link(sessions_from(("b", 0, 1), ("x", 30, 31)))
        assert linked["is_repeat_24h"].to_list() == [False, None]
        assert linked["is_repeat_48h"].to_list() == [None, None]

    def test_an_unknown_buyer_cannot_be_seen_coming_back(self):
        linked = link(sessions_from((None, 0, 1), (None, 2, 3), ("x", 200, 201)))
        assert linked["is_repeat_24h"].to_list() == [None, None, None]

    def test_a_parallel_conversation_is_no_repeat(self):
        linked = link(sessions_from(("b", 0, 3), ("b", 1, 2), ("x", 200, 201)))
        assert linked["is_repeat_24h"].to_list()[0] is False

    def test_another_shop_is_another_matter(self):
        frame = pl.concat([sessions_from(("b", 0, 1)), sessions_from(("b", 2, 3), ("x", 200, 201), shop="T")])
        linked = link(frame.with_columns(pl.int_range(pl.len()).alias("session_key")))
        assert linked["is_repeat_24h"].to_list() == [None, False, None]


class TestLoad:
    def test_the_load_counts_open_conversations_of_the_same_agent(self):
        linked = link(sessions_from(("a", 0, 4), ("b", 1, 2), ("c", 1.5, 5), ("d", 3, 6)))
        assert linked["load_at_arrival"].to_list() == [0, 1, 2, 2]

    def test_a_conversation_of_one_second_still_counts_itself_out(self):
        linked = link(sessions_from(("a", 0, 0), ("b", 1, 1)))
        assert linked["load_at_arrival"].to_list() == [0, 0]

    def test_without_an_agent_there_is_no_load(self):
        assert link(sessions_from(("a", 0, 1), agent=None))["load_at_arrival"].to_list() == [None]


class TestStage:
    def orders(self, buyer, hour):
        """Make one order of a buyer, hours counted from Monday 10:00."""
        return conform(
            pl.DataFrame(
                {"order_id": ["o"], "buyer_id": [buyer], "ordered_at": [MONDAY + timedelta(hours=hour)]}
            ),
            "orders",
        )

    def test_an_order_before_the_conversation_makes_it_aftersale(self):
        assert link(sessions_from(("b", 0, 1)), self.orders("b", -1))["stage"].to_list() == ["aftersale"]

    def test_an_order_after_it_or_long_before_it_tells_nothing(self):
        for hour in (0.5, -24 * 16):
            assert link(sessions_from(("b", 0, 1)), self.orders("b", hour))["stage"].to_list() == ["unknown"]

    def test_words_tell_the_stage_where_no_order_does(self, build):
        tables = build("""
            session | sent_at  | role     | text
            A       | 10:00:00 | customer | 这件有货吗，有优惠吗
            B       | 10:00:00 | customer | 退款什么时候到
            C       | 10:00:00 | customer | 你好
            D       | 10:00:00 | agent    | 需要退款吗
        """)
        assert tables["sessions"]["stage"].to_list() == ["presale", "aftersale", "unknown", "unknown"]


class TestMessages:
    def test_left_out_messages_stay_with_their_reason_and_are_not_counted(self, build):
        tables = build("""
            sent_at  | role     | text     | message_id | recalled | kind
            10:00:00 | customer | 在吗     | m1         |          | text
            10:00:00 | customer | 在吗     | m1         |          | text
            10:00:05 | agent    | 说错了   | m2         | yes      | text
            10:00:06 | agent    | 在的     | m3         |          | text
            10:00:09 | notice   | 会话结束 | m4         |          | close
        """)
        reasons = tables["messages"]["left_out_because"].fillna("").to_list()
        assert reasons == ["", "duplicate", "recalled", "", "notice"]
        assert tables["sessions"]["message_count"].to_list() == [2]

    def test_equal_rows_are_duplicates_only_with_a_time(self, build):
        timed = build("sent_at | text\n10:00:00 | 好的\n10:00:00 | 好的")
        assert timed["sessions"]["message_count"].to_list() == [1]
        untimed = build("role | text\ncustomer | 好的\ncustomer | 好的")
        assert untimed["sessions"]["message_count"].to_list() == [2]

    def test_a_session_without_times_keeps_its_order_and_has_no_clock(self, build):
        tables = build("role | text\ncustomer | 在吗\nagent | 在的\ncustomer | 谢谢")
        session = tables["sessions"].iloc[0]
        assert session["day"] == "unknown"
        assert session["is_replied"]
        assert tables["messages"]["number"].to_list() == [0, 1, 2]
        assert tables["turns"]["is_graded"].to_list() == [False, False]
        assert tables["sessions"]["mean_response_seconds"].isna().all()

    def test_a_message_without_time_in_a_timed_session_is_left_out(self, build):
        tables = build("sent_at | role | text\n10:00:00 | customer | 在吗\n | agent | 在的")
        assert sorted(tables["messages"]["left_out_because"].fillna("")) == ["", "no_time"]

    def test_the_order_of_rows_in_the_file_changes_nothing(self, build):
        lines = [
            "10:00:00 | customer | 在吗",
            "10:00:30 | agent | 在的",
            "10:01:00 | customer | 好",
            "10:01:40 | agent | 嗯",
        ]
        forward, backward = (
            build("sent_at | role | text\n" + "\n".join(part)) for part in (lines, lines[::-1])
        )
        assert forward["sessions"].equals(backward["sessions"])
        assert forward["turns"].equals(backward["turns"])

    def test_no_rows_give_every_table_empty(self):
        rows, rules = rows_from("sent_at | text\n10:00:00 | 在吗"), read_rules(b"key")
        some, none = build_partition(rows, rules), build_partition(rows.head(0), rules)
        assert {name: table.schema for name, table in some.items()} == {
            name: table.schema for name, table in none.items()
        }
        assert not any(len(table) for table in none.values())
