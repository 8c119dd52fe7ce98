"""Facts of behaviour: what counts, from how many on, and what does not."""

import polars as pl
import pytest

from csnb.behaviour import measure_facts
from csnb.evidence import read_messages


def facts(*lines, turns=None):
    """The facts of one session written as "role: text" lines: fact to its count."""
    rows = [(1, number, *line.split(": ", 1)) for number, line in enumerate(lines)]
    messages = pl.DataFrame(rows, schema=["session_key", "number", "role", "text"], orient="row")
    return dict(measure_facts(read_messages(messages), turns).select("fact", "count").iter_rows())


def test_a_message_repeated_word_for_word_counts_from_the_second_time():
    assert (
        facts("customer: 什么时候发货", "agent: 您好", "customer: 什么时候发货？")["repeated_questions"] == 1
    )


def test_a_short_yes_and_a_masked_number_do_not_count_as_repeated():
    found = facts("customer: 好的", "customer: 好的", "customer: [ORDERID_1]", "customer: [ORDERID_2]")
    assert "repeated_questions" not in found


def test_asking_for_the_order_number_twice_counts_once():
    ask = "agent: 麻烦您提供一下订单号"
    assert facts(ask, "customer: [ORDERID_1]", ask)["asked_again"] == 1


def test_a_question_after_the_last_answer_hangs_only_where_there_is_no_clock():
    lines = ("agent: 您好", "customer: 这个能退吗？")
    assert facts(*lines)["left_hanging"] == 1
    clock = pl.DataFrame(
        {"session_key": [1], "is_graded": [True], "raw_reply_seconds": [5.0], "replied_at": ["x"]}
    )
    assert "left_hanging" not in facts(*lines, turns=clock)


@pytest.mark.parametrize(("seconds", "slow"), [(180.0, 0), (180.5, 1)])
def test_a_turn_is_slow_beyond_the_threshold_and_not_at_it(seconds, slow):
    clock = pl.DataFrame(
        {"session_key": [1], "is_graded": [True], "raw_reply_seconds": [seconds], "replied_at": ["x"]}
    )
    assert facts("customer: 在吗", turns=clock).get("slow_replies", 0) == slow
