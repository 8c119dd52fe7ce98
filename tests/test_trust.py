"""Trust: one verdict on people's labels, in words and as the best grade that anything made of them may have."""

import pandas as pd
import pytest
from test_audit import people, two_coders

from csnb.blocks import findings_html
from csnb.findings import Finding
from csnb.strings import LANGUAGES, set_language
from csnb.trust import cap_grades, find_label_verdict, judge_labels


def settled(human, keys):
    """Let the disputes on some sessions be settled in favour of the first coder."""
    final = human[human["session_key"].isin(keys) & (human["coder"] == "ann")].assign(coder="final")
    return pd.concat([human, final], ignore_index=True)


@pytest.mark.parametrize(
    ("n", "differ", "level", "because", "grade"),
    [
        (40, 0, "usable", "agreed", "A"),
        (40, 12, "with_care", "tentative", "C"),
        (40, 20, "not_yet", "poor", "D"),
        (31, 6, "with_care", "wide", "C"),
        (29, 0, "with_care", "few", "C"),
    ],
)
def test_the_verdict_goes_by_agreement_its_interval_and_the_number_of_labels(
    n, differ, level, because, grade
):
    trust = judge_labels(two_coders(n, differ))
    assert (trust.level, trust.because, trust.grade) == (level, because, grade)
    assert (trust.labelled, trust.twice) == (n, n)


def test_without_labels_of_the_random_draw_there_is_nothing_to_trust():
    chosen = people(*((key, "ann", ["price"], {"use": "train"}) for key in range(40)))
    for human in (people(), chosen):
        trust = judge_labels(human)
        assert (trust.level, trust.because, trust.grade, trust.labelled) == ("not_yet", "none", "D", 0)
        assert find_label_verdict(trust) == []


def test_one_coder_alone_is_used_with_care_for_nobody_knows_whether_another_would_agree():
    trust = judge_labels(people(*((key, "ann", ["price"]) for key in range(40))))
    assert (trust.level, trust.because, trust.twice) == ("with_care", "unknown", 0)
    assert "interval" not in find_label_verdict(trust)[0].values


@pytest.mark.parametrize(
    ("n", "differ", "final", "key", "values"),
    [
        (40, 0, 0, "coders_corrected", {"settled": "40"}),
        (22, 0, 0, "coders_uncorrected", {"settled": "22", "plain": "30"}),
        (40, 12, 0, "coders_disputed", {"disputed": "6", "plain": "30"}),
        (40, 12, 12, "coders_corrected", {"settled": "40"}),
    ],
)
def test_it_says_whether_the_errors_of_single_coders_are_corrected(n, differ, final, key, values):
    trust = judge_labels(settled(two_coders(n, differ), range(final)))
    said = find_label_verdict(trust)[1]
    assert (said.key, said.values) == (key, {**values, "n": str(n)})
    assert trust.is_corrected == (key == "coders_corrected")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("n", "differ"), [(40, 0), (40, 12), (40, 20), (31, 6), (29, 0), (3, 1)])
def test_every_verdict_has_words(lang, n, differ):
    set_language(lang)
    found = find_label_verdict(judge_labels(two_coders(n, differ)))
    assert findings_html(found).count('class="finding"') == 2


def test_nothing_made_of_labels_has_a_better_grade_than_they_allow():
    found = [Finding("share", {}, "A", 3), Finding("recoverable", {}, "B", 2), Finding("counts", {}, "D", 1)]
    assert [each.grade for each in cap_grades(found, judge_labels(two_coders(40, 20)))] == ["D", "B", "D"]
    assert [each.grade for each in cap_grades(found, judge_labels(two_coders(40, 0)))] == ["A", "B", "D"]
