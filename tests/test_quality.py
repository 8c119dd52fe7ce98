"""Data quality: what came in, what agrees with the platform, and what these data cannot answer."""

import pandas as pd
import pytest

from csnb.book import open_book, select_sessions
from csnb.errors import ParameterError
from csnb.findings import find_data_issues, find_response_issues
from csnb.quality import (
    count_left_out,
    count_rows,
    count_unjoined_ratings,
    find_silent_days,
    list_limits,
    measure_known,
    reconcile,
)
from csnb.sources import import_export
from csnb.strings import text


def write(path, header, *lines):
    """Write a CSV export."""
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")
    return path


@pytest.fixture
def book(tmp_path):
    """Give a book of one shop on two days, a silent day between them, with two ratings."""
    messages = [
        f"s{day}{number},2026-03-0{day} 10:0{number}:00,{role},{words},taobao,甲店,b{number},a1"
        for day in (2, 4)
        for number in range(6)
        for role, words in [("customer", "什么时候发货")]
    ] + [
        f"s{day}{number},2026-03-0{day} 10:0{number}:30,agent,今天发,taobao,甲店,b{number},a1"
        for day in (2, 4)
        for number in range(6)
    ]
    header = "session_id,sent_at,role,text,platform,shop,buyer_id,agent_id"
    path = tmp_path / "books" / "shop"
    import_export(write(tmp_path / "m.csv", header, *messages), "generic", path)
    ratings = write(tmp_path / "r.csv", "session_id,score", "s20,5", "s21,1", "s99,1")
    import_export(ratings, "generic", path, kind="ratings")
    return open_book(path)


def official(*rows):
    """Make a table `official` from (day, agent, metric, value)."""
    frame = pd.DataFrame(rows, columns=["day", "agent_id", "metric", "value"])
    return frame.assign(shop="甲店", line=1)


def test_rows_are_accounted_for_file_by_file(book):
    rows = count_rows(book)
    assert rows["rows_read"].to_list() == [24, 3]
    parts = rows[["rows_kept", "rows_left_out", "rows_quarantined"]].sum(axis=1)
    assert (rows["rows_read"] == parts).all()


def test_a_rating_of_an_unknown_session_is_counted_as_unjoined(book):
    assert count_unjoined_ratings(book) == 1


def test_a_day_without_sessions_between_two_with_some_is_silent(book):
    assert find_silent_days(book.sessions)[["shop", "day"]].values.tolist() == [["甲店", "2026-03-03"]]


def test_sessions_outside_the_period_stay_and_say_so(book):
    chosen = select_sessions(book, "2026-03-04", "2026-03-04")
    assert chosen["left_out_because"].value_counts().to_dict() == {"out_of_period": 6}
    left = count_left_out(book, chosen).set_index("left_out_because")["rows"]
    assert left["out_of_period"] == 6


def test_an_empty_period_and_an_unknown_shop_are_refused_with_what_there_is(book):
    with pytest.raises(ParameterError, match="2026-03-02 to 2026-03-04"):
        select_sessions(book, "2025-01-01", "2025-01-31")
    with pytest.raises(ParameterError, match="甲店"):
        select_sessions(book, shops=["乙店"])


def test_known_fields_are_shares_of_the_period(book):
    known = measure_known(select_sessions(book)).set_index("field")
    assert known.loc["agent_id", "share"] == 1
    assert known.loc["team", "share"] == 0
    assert known.loc["score", "share"] == pytest.approx(2 / 12)


def test_limits_say_yes_partly_and_no(book):
    verdicts = list_limits(book, select_sessions(book)).set_index("question")["verdict"]
    assert verdicts[["clock", "satisfaction", "orders", "invitation"]].to_list() == [
        "yes",
        "partly",
        "no",
        "no",
    ]


@pytest.mark.parametrize(("reported", "is_within"), [(30, True), (31, True), (31.1, False)])
def test_our_figure_is_held_against_the_platforms_within_a_tolerance(book, reported, is_within):
    compared = reconcile(book.sessions, official(("2026-03-02", "a1", "mean_response_seconds", reported)))
    assert compared[["value", "official"]].values.tolist() == [[30, reported]]
    assert compared["is_within"].to_list() == [is_within]


def test_a_figure_missing_on_either_side_is_not_compared(book):
    compared = reconcile(
        book.sessions,
        official(("2026-03-02", "a1", "mean_response_seconds", None), ("2026-03-03", None, "reply_rate", 1)),
    )
    assert compared["is_within"].isna().all()


def test_shop_figures_and_agent_figures_are_compared_at_their_own_level(book):
    compared = reconcile(
        book.sessions, official(("2026-03-02", None, "sessions", 6), ("2026-03-02", "a1", "sessions", 6))
    )
    assert compared["value"].to_list() == [6, 6]


def sentences(findings):
    """Fill the sentence of each finding."""
    return [
        text(f"finding.{each.key}", **{k: v for k, v in each.values.items() if k not in ("n", "interval")})
        for each in findings
    ]


def test_every_finding_on_this_book_has_its_sentence(book):
    sessions = select_sessions(book)
    reconciled = reconcile(sessions, official(("2026-03-02", "a1", "mean_response_seconds", 60)))
    found = find_data_issues(
        count_rows(book),
        list_limits(book, sessions),
        find_silent_days(sessions),
        reconciled,
        count_unjoined_ratings(book),
    )
    said = sentences(found)
    assert {each.key for each in found} >= {"rows_close", "silent_days", "unjoined_ratings", "not_reconciled"}
    assert any("2026年3月3日" in sentence for sentence in said)
    said = sentences(find_response_issues(sessions))
    assert any("30 秒" in sentence for sentence in said)
