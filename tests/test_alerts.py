"""Alerts: raised by facts, held against the usual, deduplicated, checked; and ten conversations to read first."""

import pandas as pd
import pytest

from csnb.alerts import add_alerts, list_reading, list_transcripts, measure_alerts, read_alerts
from csnb.book import open_book
from csnb.errors import DefinitionError
from csnb.sources import import_export
from csnb.stats import wilson_interval
from csnb.windows import find_periods

NO_LABELS = pd.DataFrame({"session_key": [], "code": [], "holds": []})


def sessions_from(n=20, **this):
    """Make `n` quiet sessions a day over three weeks; in the last week columns are those of `this`."""
    days = [day for day in pd.date_range("2026-03-02", periods=21).strftime("%Y-%m-%d") for _ in range(n)]
    frame = pd.DataFrame(
        {"day": days, "session_key": range(len(days)), "session_id": [f"S{k}" for k in range(len(days))], "shop": "S",
         "buyer_id": [f"B{k}" for k in range(len(days))], "platform": "jd", "left_out_because": None,
         "started_at": pd.to_datetime(days), "unanswered_count": 0, "p_dissatisfied": 0.1, "primary": None,
         "is_dissatisfied": pd.array([pd.NA] * len(days), "boolean"), "max_response_seconds": 20.0,
         "is_satisfied": pd.array([pd.NA] * len(days), "boolean"), "transfer_count": 0, "is_repeat_24h": False}
    )  # fmt: skip
    now = frame.index[frame["day"] >= "2026-03-16"]
    for name, values in this.items():
        frame.loc[now[: len(values)], name] = values
    return frame


def digest(sessions, labels=NO_LABELS):
    """Give the alerts by name."""
    return measure_alerts(sessions, find_periods(sessions), labels).set_index("alert")


def test_a_fact_raises_its_alert_and_a_missing_fact_none():
    sessions = sessions_from(unanswered_count=[1], max_response_seconds=[600.0], primary=["attitude"])
    sessions.loc[sessions.index[-1], "max_response_seconds"] = None
    alerts = add_alerts(sessions)
    raised = alerts[[f"alert_{name}" for name in read_alerts()]].sum()
    assert raised[raised > 0].to_dict() == {"alert_attitude": 1, "alert_unanswered": 1, "alert_very_slow": 1}
    assert not add_alerts(sessions.drop(columns="primary"))["alert_attitude"].any()


def test_alerts_are_held_against_the_weeks_before_and_one_buyer_and_day_is_one_case():
    more = sessions_from(unanswered_count=[1] * 20, buyer_id=["same"] * 10 + [f"other{k}" for k in range(10)])
    row = digest(more).loc["unanswered"]
    assert (row["n"], row["case_count"], row["value_base"]) == (140, 11, 0)
    assert row["value"] == pytest.approx(20 / 140)
    assert row["movement"] == "more"
    assert digest(sessions_from(unanswered_count=[1]))["movement"].to_list() == ["none"] * len(read_alerts())


def test_false_alarms_are_told_by_analysts_and_else_by_ratings():
    rated = sessions_from(p_dissatisfied=[0.9] * 6, is_satisfied=[True, True, False, pd.NA, True, True])
    row = digest(rated).loc["suspected"]
    assert (row["checked_count"], row["false_alarm_rate"]) == (5, pytest.approx(4 / 5))
    assert row[["false_alarm_rate_low", "false_alarm_rate_high"]].to_list() == list(wilson_interval(4, 5))
    keys = rated.loc[rated["p_dissatisfied"] > 0.5, "session_key"].to_list()
    labels = pd.DataFrame(
        {"session_key": [keys[0], keys[3], keys[3]], "code": "dissatisfied", "holds": [True, False, False]}
    )
    row = digest(rated, labels).loc["suspected"]
    assert (row["checked_count"], row["false_alarm_rate"]) == (6, pytest.approx(4 / 6))
    assert digest(rated, labels).loc["unanswered", "checked_count"] == 0


def test_shares_of_fewer_than_five_are_suppressed():
    rated = sessions_from(p_dissatisfied=[0.9] * 4, is_satisfied=[True] * 4)
    row = digest(rated).loc["suspected"]
    assert (row["checked_count"], row["n"], row["n_base"], row["method"]) == (4, 140, 280, "wilson")
    assert row[["false_alarm_rate", "false_alarm_rate_low", "false_alarm_rate_high"]].isna().all()
    few = pd.concat([rated[rated["day"] < "2026-03-16"], rated[rated["day"] >= "2026-03-16"].head(4)])
    row = measure_alerts(few, find_periods(rated), NO_LABELS).set_index("alert").loc["suspected"]
    assert (row["n"], row["method"]) == (4, "suppressed")
    assert row[["value", "low", "high", "difference", "movement"]].isna().all()
    assert row["value_base"] == 0


def test_without_a_period_nothing_is_raised():
    sessions = sessions_from()
    none = find_periods(sessions).iloc[:0]
    assert measure_alerts(sessions, none, NO_LABELS)["n"].to_list() == [0] * len(read_alerts())
    assert list_reading(sessions, none).empty


def test_the_weightiest_conversations_come_first_one_a_buyer():
    sessions = sessions_from(
        unanswered_count=[1, 0, 1, 1, 1], is_dissatisfied=[pd.NA, True, pd.NA, pd.NA, True],
        p_dissatisfied=[0.2, 0.3, 0.4, 0.4, 0.1], buyer_id=["a", "b", "c", "c", "d"],
    )  # fmt: skip
    reading = list_reading(sessions, find_periods(sessions), count=3)
    assert reading["buyer_id"].to_list() == ["d", "b", "c"]
    assert reading["place"].to_list() == [1, 2, 3]
    assert reading["alerts"].iloc[0] == "差评、有提问未答"
    assert len(list_reading(sessions, find_periods(sessions))) == 4


def test_transcripts_follow_the_list_with_messages_in_order(tmp_path):
    (tmp_path / "messages.csv").write_text(
        "session_id,sent_at,role,agent_id,buyer_id,shop,text\n"
        "A,2026-03-02 10:00:00,customer,,b1,S,在吗\n"
        "A,2026-03-02 10:00:20,agent,k,b1,S,在的\n"
        "B,2026-03-02 11:00:00,customer,,b2,S,没人理我\n",
        "utf-8",
    )
    import_export(tmp_path / "messages.csv", "generic", tmp_path / "book", jobs=1)
    book = open_book(tmp_path / "book")
    reading = book.sessions.sort_values("session_id", ascending=False).assign(place=[1, 2], alerts="差评")
    said = list_transcripts(book, reading)
    assert said["text"].to_list() == ["没人理我", "在吗", "在的"]
    assert said["case"].unique().tolist() == ["1. S · B", "2. S · A"]


@pytest.mark.parametrize("lines", ['[odd]\ncolumn = "x"\n', '[odd]\ncolumn = "x"\nweight = 1\nmore = 2\n'])
def test_an_alert_without_weight_or_with_an_unknown_key_is_refused(tmp_path, lines):
    (tmp_path / "alerts.toml").write_text(lines, "utf-8")
    with pytest.raises(DefinitionError, match="odd"):
        read_alerts(tmp_path)
