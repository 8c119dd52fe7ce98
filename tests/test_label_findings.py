"""Findings of the audit: what the labels can bear, in both languages."""

import pandas as pd
import pytest
from test_audit import drifting, machine, people, two_coders

from csnb.audit import list_disputes, measure_accuracy, measure_drift, measure_gap
from csnb.blocks import findings_html
from csnb.label_findings import find_label_issues
from csnb.label_plan import plan_margins
from csnb.strings import LANGUAGES, set_language
from csnb.trust import judge_labels


def scored_of(n):
    """Make scored conversations of one stratum, in one week."""
    return pd.DataFrame(
        {"session_key": range(n), "stratum": "d1/*/1", "side": "unexplained", "rulepack": "generic",
         "week": "2026-W10", "p_controllable": 0.5, "p_uncontrollable": 0.5}
    )  # fmt: skip


def found(human, codes, scored):
    """Give the findings by key."""
    issues = find_label_issues(
        human, judge_labels(human), measure_accuracy(human, codes), measure_gap(human, scored), measure_drift(human, scored),
        plan_margins(scored, human), list_disputes(human, codes),
    )  # fmt: skip
    for lang in LANGUAGES:
        set_language(lang)
        assert findings_html(issues).count('class="finding"') == len(issues)
    set_language("zh")
    return {issue.key: issue for issue in issues}


def test_without_labels_it_says_so_first_and_what_a_draw_would_bring():
    issues = found(people(), machine((1, "price", 0.9)), scored_of(1000))
    assert set(issues) == {"labels_none", "labels_first"}
    assert issues["labels_none"].weight > issues["labels_first"].weight
    assert issues["labels_first"].values["margin"].startswith("9.3")


def test_without_labels_or_conversations_it_only_says_that_there_are_no_labels():
    assert set(found(people(), machine(), scored_of(0))) == {"labels_none"}


@pytest.mark.parametrize(
    ("differ", "key"), [(0, "labels_agreed"), (12, "labels_tentative"), (20, "labels_poor")]
)
def test_the_verdict_on_the_labels_stands_first_where_it_is_a_warning(differ, key):
    issues = found(two_coders(40, differ), machine(), scored_of(500))
    assert (issues[key].weight > issues["labels_counted"].weight + 5) == (key != "labels_agreed")


def test_coders_who_all_see_the_same_one_side_agree():
    human = people(*((n, coder, ["price"]) for n in range(40) for coder in ("ann", "ben")))
    assert found(human, machine(), scored_of(500))["labels_agreed"].values["value"] == "1.00"


def test_the_weakest_code_is_named_with_its_n_and_interval():
    human = people(*((n, "ann", ["price"] if n < 20 else ["ability"]) for n in range(40)))
    codes = machine(
        *((n, "price", 0.9) for n in range(10, 40)), *((n, "ability", 0.9) for n in range(20, 40))
    )
    weakest = found(human, codes, scored_of(500))["machine_weakest"]
    assert weakest.values["code"] == "价格"
    assert {"n", "interval"} <= set(weakest.values)


def test_a_week_that_drifts_weighs_more_than_the_labels_themselves():
    human, scored = drifting(missed=0.9)
    issues = found(
        human, machine(), scored_of(200).assign(week=scored["week"], p_controllable=scored["p_controllable"])
    )
    assert issues["drift_week"].values["week"] == "2026-W13"
    assert issues["drift_week"].weight > issues["labels_counted"].weight


def test_disputes_are_counted_in_conversations():
    human = people((1, "ann", ["price"]), (1, "ben", ["ability"]), (2, "ann", ["price"]))
    assert found(human, machine((2, "ability", 0.95)), scored_of(50))["labels_disputed"].values == {
        "sessions": "2"
    }


@pytest.mark.parametrize(("p", "key"), [(0.1, "machine_low"), (0.9, "machine_high"), (0.5, None)])
def test_it_says_how_far_off_the_machine_alone_would_be(p, key):
    human = people(*((n, "ann", ["ability"] if n % 2 else ["price"]) for n in range(40)))
    issues = found(human, machine(), scored_of(500).assign(p_controllable=p))
    assert {"machine_low", "machine_high"} & set(issues) == ({key} if key else set())
    if key:
        assert issues[key].values["value"].startswith("40.0")
