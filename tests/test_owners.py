"""Owners: who answers for a reason, how much that is, what is asked of them."""

import numpy as np
import pandas as pd
import pytest

from csnb.errors import DefinitionError
from csnb.owners import (
    DUTIES,
    assign_owners,
    coded_owners,
    count_owners,
    keep_owner,
    list_asks,
    list_owner_quotes,
    measure_duties,
    measure_owner_figures,
    measure_owners,
    owned_sessions,
    read_owner_rules,
)
from csnb.reason_shares import as_amounts, measure_reasons
from csnb.reasons import read_owners, read_reasons
from csnb.refunds import add_refunds
from csnb.schema import RESULTS
from csnb.shares import measure_controllable, scored_sessions
from csnb.strings import set_language

NOTHING_DRAWN = pd.DataFrame({"session_key": [], "stratum": []})


def sessions_from(n, **columns):
    """Make n conversations rated dissatisfied, handled by an agent with nothing else open."""
    frame = pd.DataFrame({"session_key": range(n), "session_id": [f"S{place}" for place in range(n)]})
    usual = {
        "left_out_because": None, "is_rated": True, "is_dissatisfied": True, "score": 1.0, "primary": "price", "side": "mixed",
        "load_at_arrival": 0.0, "transfer_count": 0, "order_id": None, "shop": "A", "platform": "jd", "rulepack": "jd",
        "is_repeat_72h": False, "week": "2026-W10",
    }  # fmt: skip
    return frame.assign(**(usual | columns))


def labels_from(*rows):
    """Make machine labels of (session_key, code, p)."""
    frame = pd.DataFrame(rows, columns=["session_key", "code", "p"])
    return frame.assign(session_id="S" + frame["session_key"].astype(str), source="stated")


def human_from(codes, coder="li", use="estimate"):
    """Make answers of people: session_key to the codes that hold."""
    every = [code for code in read_reasons()["code"] if code != "unclear"]
    return pd.DataFrame(
        [
            {"session_key": key, "coder": coder, "code": code, "holds": code in held, "use": use}
            for key, held in codes.items()
            for code in every
        ]
    )


def test_every_owner_of_the_guide_is_known_and_asked_for_every_reason_it_can_have():
    rules = read_owner_rules()
    for code, owners in read_reasons().select("code", "owners").iter_rows():
        for owner in owners[:1]:
            assert {"zh", "en"} <= set(rules["ask"][owner][code])
    for reason, rule in rules["instead"].items():
        assert {"zh", "en"} <= set(rules["ask"][rule["owner"]][reason])


@pytest.mark.parametrize(("load", "owner"), [(4, "agent"), (5, "cs_management"), (np.nan, "agent")])
def test_waiting_is_rostering_where_the_agent_had_too_many_conversations(load, owner):
    owned = assign_owners(labels_from((0, "timeliness", 0.9)), sessions_from(1, load_at_arrival=load))
    assert owned["owner"].to_list() == [owner]
    assert owned["side"].to_list() == ["controllable"]


def test_a_reason_without_an_owner_and_foreign_conversations_are_left_out():
    labels = labels_from((0, "unclear", 0.9), (0, "dissatisfied", 0.9), (7, "price", 0.9), (0, "price", 0.6))
    assert assign_owners(labels, sessions_from(2))["code"].to_list() == ["price"]


def test_an_owner_that_nobody_knows_is_refused(tmp_path):
    (tmp_path / "owners.toml").write_text(
        '[instead.price]\nowner = "nobody"\nof = "x"\nfrom = 1\n[ask.agent]\n'
    )
    with pytest.raises(DefinitionError, match="price"):
        read_owner_rules(tmp_path)


def test_a_conversation_counts_once_for_each_owner_and_reason():
    sessions = sessions_from(4)
    labels = labels_from(
        (0, "price", 0.9), (0, "price", 0.8), (0, "stock", 0.9), (1, "ability", 0.9), (2, "price", 0.9)
    )
    owned = coded_owners(labels, sessions)
    counts = count_owners(sessions, owned).set_index("owner")
    assert counts["value"].to_dict() == {"merchandising": 2, "agent": 1}
    assert set(counts["n"]) == {4}
    assert counts["low"].isna().all()


def test_a_fact_of_a_conversation_in_which_the_machine_sees_no_dissatisfaction_has_no_owner():
    owned = coded_owners(labels_from((0, "ability", 0.4)), sessions_from(1, primary=None))
    assert owned.empty


def test_without_labels_shares_are_bounds_that_say_so():
    sessions = sessions_from(10)
    labels = labels_from(*((key, "price", 0.9) for key in range(4)))
    scored = scored_sessions(sessions, labels, NOTHING_DRAWN)
    table = measure_owners(scored, labels).set_index("owner")
    assert list(table.index) == list(read_owners())
    assert table["value"].isna().all() and set(table["method"]) == {"unverified"} and set(table["n"]) == {0}
    assert table.loc["merchandising", "low"] <= 0.4 <= table.loc["merchandising", "high"]
    duties = measure_duties(scored, labels)
    assert duties["value"].isna().all() and (duties["low"] <= duties["high"]).all()


def test_chances_below_a_code_narrow_the_share_of_an_owner_and_leave_the_bounds_alone():
    n = 400
    sessions, codes = sessions_from(n), labels_from((0, "attitude", 0.9))
    chances = labels_from(*((key, "price", 0.2 if key % 2 else 0.02) for key in range(n)))
    human = human_from({key: ["price"] if key % 2 and key % 10 else [] for key in range(80)})
    scored = scored_sessions(sessions, codes, NOTHING_DRAWN, chances=chances)
    plain, helped = (
        measure_owners(scored, codes, human, chances=given).set_index("owner").loc["merchandising"]
        for given in (None, chances)
    )
    assert helped["high"] - helped["low"] < 0.9 * (plain["high"] - plain["low"])
    assert measure_owners(scored, codes, chances=chances).equals(measure_owners(scored, codes))


def test_with_all_labelled_shares_are_what_people_say_and_duties_add_up_to_the_controllable_share():
    sessions = sessions_from(8, load_at_arrival=[0.0] * 4 + [9.0] * 4)
    labels = labels_from(*((key, "price", 0.5) for key in range(8)))
    codes = dict(
        enumerate(
            (
                ["attitude"],
                ["timeliness"],
                ["price"],
                [],
                ["timeliness"],
                ["bot", "emotion"],
                ["bot"],
                ["stock"],
            )
        )
    )
    human = human_from(codes)
    scored = scored_sessions(sessions, labels, NOTHING_DRAWN)
    owners = measure_owners(scored, labels, human).set_index("owner")
    assert owners.loc["merchandising", ["value", "low", "high"]].to_list() == [0.25] * 3
    assert set(owners["n"]) == {8} and set(owners["sessions"]) == {8}
    duties = measure_duties(scored, labels, human).set_index("duty")["value"]
    assert duties.to_dict() == {"agent": 0.25, "both": 0.125, "management": 0.25}
    assert list(duties.index) == list(DUTIES)
    broad = measure_controllable(scored, human).iloc[0]["value"]
    assert duties.sum() == pytest.approx(broad)


def test_a_machine_that_knows_nothing_moves_no_share_and_few_labels_are_suppressed():
    rng = np.random.default_rng(3)
    sessions = sessions_from(400)
    truth = {key: (["price"] if rng.random() < 0.3 else []) for key in range(400)}
    chosen = rng.choice(400, 120, replace=False).tolist()
    labels = labels_from(*((key, "price", rng.random()) for key in range(400)))
    scored = scored_sessions(sessions, labels, NOTHING_DRAWN)
    row = (
        measure_owners(scored, labels, human_from({key: truth[key] for key in chosen}))
        .set_index("owner")
        .loc["merchandising"]
    )
    true_share = np.mean([bool(codes) for codes in truth.values()])
    assert row["low"] <= true_share <= row["high"] and row["n"] == 120 and row["high"] - row["low"] < 0.2
    few = measure_owners(scored, labels, human_from({key: truth[key] for key in chosen[:4]}))
    assert few["value"].isna().all() and set(few["method"]) == {"suppressed"}


def test_a_settled_answer_replaces_those_it_settles_and_training_answers_do_not_count():
    sessions = sessions_from(6)
    labels = labels_from((0, "price", 0.9))
    scored = scored_sessions(sessions, labels, NOTHING_DRAWN)
    every = {key: ["price"] for key in range(6)}
    human = pd.concat([human_from(every), human_from({0: []}, "wu"), human_from({0: []}, "final")])
    table = measure_owners(scored, labels, human).set_index("owner")
    assert table.loc["merchandising", "value"] == pytest.approx(5 / 6)
    assert set(measure_owners(scored, labels, human_from(every, use="train"))["method"]) == {"unverified"}


def test_an_owner_is_told_the_same_columns_of_every_figure_and_few_are_suppressed():
    sessions = sessions_from(4, order_id=["o1", "o1", "o2", None])
    refunds = pd.DataFrame({"order_id": ["o1", "o1", "o9"], "amount": [10.0, 5.0, 99.0]})
    owned = coded_owners(labels_from(*((key, "quality", 0.9) for key in range(4))), sessions)
    both = owned_sessions(add_refunds(sessions, refunds), owned)
    shares = measure_owners(scored_sessions(sessions, owned, NOTHING_DRAWN), owned)
    figures = keep_owner(measure_owner_figures(shares, both), "product_quality").set_index("metric")
    assert figures.reset_index().columns.to_list() == list(RESULTS.columns)
    assert figures.loc["refund_amount", ["n", "method"]].to_list() == [1, "suppressed"]
    assert figures["n"].isna().sum() == 0 and np.isnan(figures.loc["refund_rate", "value"])  # three orders
    assert figures.loc["lowest_score_rate", "method"] == "suppressed"


def test_asks_are_in_the_language_in_force_and_only_for_what_occurs():
    sessions = sessions_from(3)
    labels = labels_from((0, "price", 0.9))
    reasons = measure_reasons(scored_sessions(sessions, labels, NOTHING_DRAWN), labels)
    chinese = list_asks(as_amounts(reasons), "merchandising")
    set_language("en")
    english = list_asks(as_amounts(reasons), "merchandising")
    assert chinese["reason"].to_list() == ["price"] and english["ask"].iloc[0] != chinese["ask"].iloc[0]
    assert english["ask"].iloc[0].isascii() and english["value"].to_list() == [1.0]
    assert list_asks(reasons, "logistics").empty


def test_a_quote_goes_to_the_owner_of_its_reason():
    owned = coded_owners(labels_from((0, "price", 0.9), (0, "bot", 0.9)), sessions_from(1))
    quotes = pd.DataFrame(
        {"reason": ["price", "bot"], "session_id": "S0", "role": "customer", "text": "x", "quote": "x"}
    )
    assert list_owner_quotes(quotes, owned)["owner"].to_list() == ["merchandising", "cs_management"]
