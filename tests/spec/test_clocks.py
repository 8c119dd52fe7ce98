"""The platforms' clocks as paragraphs: every rule of the metric dictionary, and both sides of its edge.

Sources: the sixteen golden vectors of the metric dictionary, each derived from the platform texts
named in `csnb/definitions/rulepacks/`.
"""

import pytest

from csnb.measures import measure


def graded(tables):
    """Give the counted seconds of the graded turns."""
    turns = tables["turns"]
    return turns.loc[turns["is_graded"], "reply_seconds"].to_list()


def value(tables, metric):
    """Give one metric of the built sessions."""
    return measure(tables["sessions"], metric, smallest_group=1)["value"].iloc[0]


class TestRounds:
    """A round runs from the first question to the first valid reply."""

    def test_consecutive_questions_are_one_round_timed_from_the_first(self, build):
        tables = build("""
            sent_at  | role     | text
            10:10:15 | customer | 这款有货吗
            10:15:20 | customer | 有人吗
            10:18:10 | agent    | 有货的
        """, platform="taobao")  # fmt: skip
        assert graded(tables) == [475]
        assert value(tables, "reply_rate_3min") == 0

    def test_a_second_round_within_three_minutes_makes_half(self, build):
        tables = build("""
            sent_at  | role     | text
            10:10:15 | customer | 这款有货吗
            10:15:20 | customer | 有人吗
            10:18:10 | agent    | 有货的
            10:18:30 | customer | 多少钱
            10:19:00 | agent    | 三十元
        """, platform="taobao")  # fmt: skip
        assert value(tables, "reply_rate_3min") == 0.5
        assert value(tables, "mean_response_seconds") == 252.5

    def test_ten_questions_never_answered_are_one_round_of_600_seconds(self, build):
        questions = "\n".join(f"10:{minute:02}:00 | customer | 第{minute}次问" for minute in range(10))
        tables = build(f"sent_at | role | text\n{questions}", platform="taobao")
        assert graded(tables) == [600]
        assert value(tables, "reply_rate_3min") == 0

    @pytest.mark.parametrize(("second", "counted"), [("09:59", 599), ("10:00", 600), ("10:01", 600)])
    def test_taobao_caps_a_slow_reply_at_600_seconds(self, build, second, counted):
        tables = build(f"""
            sent_at  | role     | text
            10:00:00 | customer | 在吗
            10:{second} | agent    | 在的
        """, platform="taobao")  # fmt: skip
        assert graded(tables) == [counted]
        minutes, seconds = map(int, second.split(":"))
        assert tables["turns"]["raw_reply_seconds"].to_list() == [minutes * 60 + seconds]

    @pytest.mark.parametrize(("second", "rate"), [("02:59", 1), ("03:00", 1), ("03:01", 0)])
    def test_three_minutes_exactly_are_in_time(self, build, second, rate):
        tables = build(f"""
            sent_at  | role     | text
            10:00:00 | customer | 在吗
            10:{second} | agent    | 在的
        """, platform="taobao")  # fmt: skip
        assert value(tables, "reply_rate_3min") == rate


class TestTransfers:
    """Each account answers for its own round."""

    def test_a_silent_agent_keeps_600_seconds_and_the_next_starts_at_the_transfer(self, build):
        tables = build("""
            sent_at  | role     | kind     | agent | text
            10:00:00 | customer | text     | A     | 我要退货
            10:01:00 | notice   | transfer | A     | 会话已转接
            10:01:20 | agent    | text     | B     | 您好，我来处理
        """, platform="taobao")  # fmt: skip
        turns = tables["turns"]
        assert turns["reply_seconds"].to_list() == [600, 20]
        assert turns["agent_id"].to_list() == ["A", "B"]
        assert value(tables, "mean_response_seconds") == 310

    def test_a_transfer_after_the_answer_opens_no_round(self, build):
        tables = build("""
            sent_at  | role     | kind     | agent | text
            10:00:00 | customer | text     | A     | 我要退货
            10:00:30 | agent    | text     | A     | 帮您转售后
            10:01:00 | notice   | transfer | A     | 会话已转接
            10:01:20 | agent    | text     | B     | 您好，我来处理
        """, platform="taobao")  # fmt: skip
        assert graded(tables) == [30]
        assert tables["sessions"]["transfer_count"].to_list() == [1]


class TestGradedHours:
    """What is asked outside the platform's hours stays in the table and is not counted."""

    def test_jd_leaves_out_what_starts_before_nine(self, build):
        tables = build("""
            session | sent_at  | role     | text
            early   | 08:56:00 | customer | 在吗
            early   | 09:01:00 | agent    | 在的
            sharp   | 09:00:00 | customer | 在吗
            sharp   | 09:00:29 | agent    | 在的
        """, platform="jd")  # fmt: skip
        turns = tables["turns"].set_index("session_id")
        assert turns["is_graded"].to_dict() == {"early": False, "sharp": True}
        assert value(tables, "answer_30s_rate") == 1

    @pytest.mark.parametrize(("second", "rate"), [("29", 1), ("30", 1), ("31", 0)])
    def test_jd_counts_thirty_seconds_as_in_time(self, build, second, rate):
        tables = build(f"""
            sent_at  | role     | text
            09:00:00 | customer | 在吗
            09:00:{second} | agent    | 在的
        """, platform="jd")  # fmt: skip
        assert value(tables, "answer_30s_rate") == rate

    @pytest.mark.parametrize("platform", ["taobao", "douyin", "kuaishou"])
    @pytest.mark.parametrize(
        ("clock", "is_graded"),
        [("07:59:59", False), ("08:00:00", True), ("22:59:59", True), ("23:00:00", False)],
    )
    def test_the_day_runs_from_eight_to_twenty_three(self, build, platform, clock, is_graded):
        tables = build(f"sent_at | role | text\n{clock} | customer | 在吗", platform=platform)
        assert tables["turns"]["is_graded"].to_list() == [is_graded]

    @pytest.mark.parametrize(("clock", "is_graded"), [("23:00:00", True), ("23:00:01", False)])
    def test_pinduoduo_counts_twenty_three_sharp(self, build, clock, is_graded):
        tables = build(f"sent_at | role | text\n{clock} | customer | 在吗", platform="pinduoduo")
        assert tables["turns"]["is_graded"].to_list() == [is_graded]

    def test_taobao_looks_at_the_question_and_douyin_at_the_session(self, build):
        table = """
            sent_at  | role     | text
            22:59:00 | customer | 在吗
            22:59:10 | agent    | 在的
            23:00:00 | customer | 多少钱
            23:00:20 | agent    | 三十元
        """
        assert graded(build(table, platform="taobao")) == [10]
        assert graded(build(table, platform="douyin", day="2026-03-02")) == [10, 20]

    def test_a_generic_source_is_graded_all_day_without_cap(self, build):
        tables = build("""
            sent_at  | role     | text
            03:00:00 | customer | 在吗
            03:30:00 | agent    | 在的
        """)  # fmt: skip
        assert graded(tables) == [1800]

    @pytest.mark.parametrize(
        ("day", "is_graded"),
        [("2024-02-03", True), ("2024-02-04", False), ("2024-02-17", False), ("2024-02-18", True)],
    )
    def test_jd_does_not_grade_the_spring_festival_of_2024(self, build, day, is_graded):
        tables = build("sent_at | role | text\n10:00:00 | customer | 在吗", platform="jd", day=day)
        assert tables["turns"]["is_graded"].to_list() == [is_graded]
        assert (tables["sessions"]["left_out_because"] == "ungraded_day").to_list() == [not is_graded]


class TestUnitsOfTheThreeMinuteRate:
    """One late round of ten: what it costs depends on what the platform counts."""

    TABLE = "sent_at | role | buyer | text\n" + "\n".join(
        f"10:{minute * 5:02}:00 | customer | b1 | 第{minute}问\n"
        f"10:{minute * 5 + (3 if minute == 4 else 0):02}:{20 if minute == 4 else 30} | agent | b1 | 第{minute}答"
        for minute in range(10)
    )

    @pytest.mark.parametrize(("platform", "rate"), [("pinduoduo", 0), ("douyin", 0), ("taobao", 0.9)])
    def test_buyer_and_session_are_all_or_nothing_and_rounds_are_counted(self, build, platform, rate):
        assert value(build(self.TABLE, platform=platform), "reply_rate_3min") == pytest.approx(rate)


class TestPerfunctoryReplies:
    """Douyin, from 2026-09-29: a reply that says nothing is no valid reply."""

    TABLE = """
        sent_at  | role     | text
        10:00:00 | customer | 这件能机洗吗
        10:00:05 | agent    | 在的
        10:01:35 | agent    | 可以机洗，水温三十度以下
    """

    @pytest.mark.parametrize(("day", "seconds"), [("2026-09-28", 5), ("2026-09-29", 95)])
    def test_the_real_answer_counts_from_its_date(self, build, day, seconds):
        assert graded(build(self.TABLE, platform="douyin", day=day)) == [seconds]

    def test_nothing_but_perfunctory_replies_is_no_reply(self, build):
        tables = build("""
            sent_at  | role     | text
            10:00:00 | customer | 这件能机洗吗
            10:00:05 | agent    | 在的呢~ #E-s[数字x]
        """, platform="douyin", day="2026-10-01")  # fmt: skip
        assert graded(tables) == [600]


class TestBots:
    """A full bot answers for nobody; an assist bot answers for its agent; a greeting counts for no one."""

    def test_full_bot_rounds_drop_from_both_sides(self, build):
        tables = build("""
            sent_at  | role     | text
            10:00:00 | customer | 什么时候发货
            10:00:01 | bot      | 亲，48小时内发货
            10:00:30 | customer | 转人工
            10:01:10 | agent    | 您好
        """, platform="taobao")  # fmt: skip
        turns = tables["turns"]
        assert turns["is_graded"].to_list() == [False, True]
        assert turns["replied_by"].to_list() == ["bot", "agent"]
        assert value(tables, "mean_response_seconds") == 40

    def test_an_assist_bot_counts_as_a_reply_and_a_greeting_does_not(self, build):
        table = """
            sent_at  | role     | text
            10:00:00 | customer | 什么时候发货
            10:00:01 | {}   | 欢迎光临
            10:00:40 | agent    | 今天发
        """
        assert graded(build(table.format("assist"), platform="taobao")) == [1]
        assert graded(build(table.format("auto"), platform="taobao")) == [40]

    def test_words_to_the_bot_wait_for_nobody_while_no_human_stage_began(self, build):
        tables = build("""
            sent_at  | role     | text
            10:00:00 | customer | 什么时候发货
            10:00:01 | bot      | 亲，48小时内发货
            10:00:30 | customer | 好的
        """, platform="taobao")  # fmt: skip
        assert graded(tables) == []
        assert tables["sessions"]["left_out_because"].to_list() == ["bot_only"]
        assert tables["sessions"]["unanswered_count"].to_list() == [0]

    def test_whoever_asked_for_a_human_and_got_none_was_not_answered(self, build):
        tables = build("""
            sent_at  | role     | kind              | text
            10:00:00 | customer | text              | 转人工
            10:00:01 | bot      | text              | 正在为您转接
            10:00:05 | notice   | transfer_to_human | 进入人工队列
        """, platform="douyin")  # fmt: skip
        assert graded(tables) == [600]
        assert tables["sessions"]["unanswered_count"].to_list() == [1]


class TestFirstResponse:
    """The first response is timed from the start of the human stage."""

    def test_a_reopened_session_is_timed_from_the_reopening(self, build):
        tables = build("""
            sent_at             | role     | kind   | text
            2026-03-02 12:50:00 | customer | text   | 怎么退货
            2026-03-02 12:50:02 | bot      | text   | 请在订单页申请
            2026-03-02 13:00:00 | notice   | close  | 会话结束
            2026-03-06 14:00:00 | notice   | reopen | 会话重开
            2026-03-06 14:10:00 | agent    | text   | 您好，我来帮您
        """)  # fmt: skip
        assert tables["sessions"]["first_response_seconds"].to_list() == [600]

    def test_waiting_for_a_human_starts_at_the_hand_over(self, build):
        tables = build("""
            sent_at  | role     | kind              | text
            10:00:00 | customer | text              | 转人工
            10:00:01 | bot      | text              | 正在为您转接
            10:00:05 | notice   | transfer_to_human | 进入人工队列
            10:00:35 | agent    | text              | 您好
        """)  # fmt: skip
        assert tables["sessions"]["first_response_seconds"].to_list() == [30]

    def test_a_transfer_does_not_shorten_the_customers_wait(self, build):
        tables = build("""
            sent_at  | role     | kind     | agent | text
            10:00:00 | customer | text     | A     | 我要退货
            10:01:00 | notice   | transfer | A     | 会话已转接
            10:01:20 | agent    | text     | B     | 您好
        """)  # fmt: skip
        assert tables["sessions"]["first_response_seconds"].to_list() == [80]


class TestReception:
    """Who wrote, who was received, and what is no conversation at all."""

    def test_a_buyer_whom_nobody_answered_asked_and_was_not_received(self, build):
        tables = build("sent_at | role | text\n10:00:00 | customer | 在吗")
        session = tables["sessions"].iloc[0]
        assert not session["is_replied"]
        assert tables["sessions"]["left_out_because"].isna().all()
        assert value(tables, "reply_rate") == 0

    def test_an_agent_talking_alone_is_one_way(self, build):
        tables = build("sent_at | role | text\n10:00:00 | agent | 亲，今天有活动哦")
        assert tables["sessions"]["left_out_because"].to_list() == ["one_way"]

    def test_a_mean_over_groups_is_a_mean_over_rounds(self, build):
        """Nine rounds in ten at 10 s and one at 50 s are 14 s; the mean of the two means would be 30 s."""

        def rounds(agent, seconds, hours):
            return "\n".join(
                f"{agent}{hour}{minute} | {hour:02}:{minute:02}:00 | customer | {agent} | 问\n"
                f"{agent}{hour}{minute} | {hour:02}:{minute:02}:{seconds} | agent | {agent} | 答"
                for hour in hours
                for minute in range(50)
            )

        table = "session | sent_at | role | agent | text\n" + "\n".join(
            [rounds("A", 10, range(9, 18)), rounds("B", 50, range(20, 21))]
        )
        tables = build(table, platform="taobao")
        by_agent = measure(tables["sessions"], "mean_response_seconds", by="agent_id").set_index("agent_id")
        assert by_agent["value"].to_dict() == {"A": 10, "B": 50}
        assert value(tables, "mean_response_seconds") == 14
