"""What the text rules alone say of the conversations that people labelled."""

import pandas as pd
from label_book import make_book
from test_audit import machine, people

from csnb.audit import measure_accuracy
from csnb.rule_codes import rule_labels


def labelled(sessions, use="estimate"):
    """Say that people labelled these conversations."""
    return pd.DataFrame({"session_key": sessions["session_key"], "use": use})


def test_a_rule_that_hits_what_customers_write_gives_its_code_and_dissatisfaction(tmp_path):
    book = make_book(tmp_path)
    sessions = book.sessions
    number = sessions["session_id"].str[1:].astype(int)
    found = rule_labels(book, labelled(sessions))
    unanswered = sessions.loc[(number < 60) & (number % 4 == 1), "session_key"]  # 人呢？？怎么一直不回我
    codes = found[found["session_key"].isin(unanswered)].groupby("session_key")["code"].agg(set)
    assert len(codes) == len(unanswered)
    assert all({"timeliness", "dissatisfied"} <= said for said in codes)
    calm = sessions.loc[number >= 60, "session_key"]  # 请问这个有货吗
    assert not found["session_key"].isin(calm).any()
    assert found["p"].between(0, 1).all()


def test_only_conversations_drawn_at_random_are_read(tmp_path):
    book = make_book(tmp_path)
    assert rule_labels(book, labelled(book.sessions, "train")).empty
    assert rule_labels(book, labelled(book.sessions.head(0))).empty


def test_rules_and_model_are_judged_side_by_side_code_by_code():
    human = people(*((key, "ann", ["price"]) for key in range(20)))
    model = machine(*((key, "price", 0.9) for key in range(20)))
    rules = machine(*((key, "price", 0.7) for key in range(15)), coder="text_rules").drop(
        columns=["number", "quote"]
    )
    table = measure_accuracy(human, model, rules=rules)
    recall = table[(table["code"] == "price") & (table["metric"] == "recall")]
    assert recall[["coder", "n", "value"]].values.tolist() == [["model", 20, 1.0], ["text_rules", 20, 0.75]]
