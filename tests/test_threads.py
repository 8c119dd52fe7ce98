"""Sessions where the export has none: threads of replies, and conversations cut by silence."""

from datetime import datetime, timedelta
from itertools import permutations

import polars as pl

from csnb.schema import TIME
from csnb.threads import cut_by_silence, link_threads


def messages(rows, **columns):
    """Messages at minutes after ten, in file order."""
    at = [datetime(2026, 3, 2, 10) + timedelta(minutes=row) for row in rows]
    times = pl.Series(at).dt.replace_time_zone("Asia/Shanghai").cast(TIME)
    return pl.DataFrame({"line": range(1, len(rows) + 1), "sent_at": times, **columns})


def test_messages_joined_directly_or_not_are_one_thread_in_any_order():
    rows = [
        ("12", "11.0", "13,14"),
        ("13", "12.0", None),
        ("11", None, "12"),
        ("14", "12.0", None),
        ("9", None, None),
    ]
    for order in permutations(rows):
        frame = pl.DataFrame(order, schema=["message_id", "replies_to", "replied_by"], orient="row")
        assert dict(zip(frame["message_id"], link_threads(frame), strict=True)) == {
            "9": "9", "11": "11", "12": "11", "13": "11", "14": "11",
        }  # fmt: skip


def test_an_answer_that_the_file_does_not_hold_still_joins_its_questions():
    frame = pl.DataFrame({"message_id": ["100", "99"], "replies_to": ["50", "50"]})
    assert link_threads(frame).to_list() == ["99", "99"]


def test_a_longer_silence_begins_another_session_and_an_equal_one_does_not():
    talk = {"sender": ["a", "b", "a", "b"], "receiver": ["b", "a", "b", "a"]}
    ids = cut_by_silence(messages([0, 30, 61, 62], **talk), 30, b"k")
    assert ids[0] == ids[1] != ids[2] == ids[3]


def test_rooms_pairs_and_blocks_are_conversations_of_their_own():
    frame = messages(
        [0, 1, 2, 3, 4],
        sender=["a", "a", "c", "b", "a"],
        receiver=["b", "c", None, "a", "b"],
        room=[None, None, "r", None, None],
        block=["0", "0", "0", "0", "1"],
    )
    ids = cut_by_silence(frame, 30, b"k").to_list()
    assert ids[0] == ids[3]
    assert len(set(ids)) == 4


def test_two_who_begin_at_one_moment_have_sessions_of_their_own():
    ids = [cut_by_silence(messages([0], sender=[name]), 30, b"k").item() for name in ("a", "b")]
    assert ids[0] != ids[1]


def test_session_ids_do_not_depend_on_what_else_the_file_holds():
    talk = {"sender": ["a", "b", "a"], "receiver": ["b", "a", "b"]}
    whole = cut_by_silence(messages([0, 1, 90], **talk), 30, b"k")
    part = cut_by_silence(messages([90], sender=["a"], receiver=["b"]), 30, b"k")
    assert part[0] == whole[2]
    assert cut_by_silence(messages([90], sender=["a"], receiver=["b"]), 30, b"other")[0] != part[0]
