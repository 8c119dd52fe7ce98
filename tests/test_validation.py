"""The studies' smoke run, the judge behind their verdicts, and the page of what is kept."""

import numpy as np
import pandas as pd
import pytest

from validation.__main__ import main
from validation.kept import RESULTS, is_stale, keep, read_kept
from validation.page import PAGE, compose_page
from validation.registry import STUDIES
from validation.runner import Estimate, Figure, Study, is_full, passes, run_study


def honest(seed):
    """Give a right 95 % interval of a normal mean."""
    x = np.random.default_rng(seed).normal(1.0, 1.0)
    yield Estimate("mean", 1.0, x, x - 1.96, x + 1.96)


def too_narrow(seed):
    """Give an 80 % interval as one of 95 %."""
    x = np.random.default_rng(seed).normal(1.0, 1.0)
    yield Estimate("mean", 1.0, x, x - 1.28, x + 1.28)


def too_wide(seed):
    """Give an interval that cannot miss."""
    x = np.random.default_rng(seed).normal(1.0, 1.0)
    yield Estimate("mean", 1.0, x, x - 9, x + 9)


def now_and_then(seed):
    """Give a right interval in most worlds, and none in some."""
    x = np.random.default_rng(seed).normal(1.0, 1.0)
    yield Estimate("mean", 1.0, x, *((x - 1.96, x + 1.96) if seed % 10 else (np.nan, np.nan)))


def coin(seed):
    """Give heads or tails."""
    yield Figure("heads", float(np.random.default_rng(seed).random() < 0.5))


@pytest.mark.parametrize(
    ("replicate", "verdict"), [(honest, True), (too_narrow, False), (too_wide, False), (now_and_then, False)]
)
def test_the_judge_passes_honest_intervals_only(replicate, verdict):
    study = Study("judge", "", replicate)
    assert passes(study, run_study(study)) is verdict


@pytest.mark.parametrize(("bounds", "verdict"), [((0.4, 0.6), True), ((0.8, 1.0), False)])
def test_figures_pass_between_their_bounds(bounds, verdict):
    study = Study("coin", "", coin, {"heads": bounds})
    assert passes(study, run_study(study)) is verdict


def rare_coin(seed):
    """Give heads, in one world of forty."""
    if seed % 40 == 0:
        yield Figure("heads", 1.0)


def test_a_figure_from_a_handful_of_worlds_does_not_pass():
    study = Study("rare coin", "", rare_coin, {"heads": (0.9, 1.0)})
    assert run_study(study)["n"].item() == 10
    assert not passes(study, run_study(study))


def test_a_smoke_run_allows_what_few_worlds_can_bring_and_no_more():
    study = Study("coin", "", coin, {"heads": (0.0, 0.05)}, smoke=4)
    for heads, error, verdict in (
        (0.25, 0.25, True),
        (0.5, 0.28868, True),
        (0.75, 0.25, False),
        (1.0, 0.0, False),
    ):
        few = pd.DataFrame({"cell": ["heads"], "worlds": 4, "n": 4, "estimate": heads, "error": error})
        assert passes(study, few) is verdict


def test_a_smoke_run_fails_coverage_that_bad_luck_cannot_explain():
    study = Study("judge", "", honest, smoke=12)
    for covered, verdict in ((12, True), (9, True), (6, False)):
        few = pd.DataFrame(
            {"cell": ["mean"], "worlds": 12, "n": 12, "estimate": 1.0, "coverage": covered / 12}
        )
        assert passes(study, few) is verdict


def test_what_other_code_kept_is_seen_from_the_first_worlds(tmp_path, monkeypatch):
    monkeypatch.setattr("validation.kept.RESULTS", tmp_path)
    study = Study("judge", "", honest, smoke=20)
    assert not is_stale("judge", run_study(study, study.smoke))
    keep("judge", run_study(study))
    assert not is_stale("judge", run_study(study, study.smoke))
    assert is_stale("judge", run_study(study._replace(replicate=coin, bounds={"heads": (0, 1)}), study.smoke))


def test_seeds_follow_from_the_name_alone():
    first, again = (run_study(Study("judge", "", honest), 80) for _ in range(2))
    assert first.equals(again)


def test_every_study_has_its_own_name_and_a_claim():
    assert len({study.name for study in STUDIES}) == len(STUDIES)
    assert all(study.claim.endswith(".") for study in STUDIES)


def test_coverage_is_judged_on_400_worlds():
    assert [study.name for study in STUDIES if not study.bounds and study.worlds < 400] == []


def test_kept_results_come_back_and_give_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("validation.kept.RESULTS", tmp_path)
    study = Study("judge", "", honest)
    results = run_study(study)
    keep("judge", results)
    first = (tmp_path / "judge.csv").read_bytes()
    keep("judge", read_kept("judge"))
    assert (tmp_path / "judge.csv").read_bytes() == first
    assert passes(study, read_kept("judge"))
    assert read_kept("other") is None


def test_the_page_says_what_is_kept():
    assert PAGE.read_text("utf-8") == compose_page(), "run: python -m validation --page"


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_every_study_has_passed_in_full(study):
    results = read_kept(study.name)
    assert results is not None, f"run: python -m validation --only {study.name}"
    assert is_full(study, results)
    assert passes(study, results)


def test_nothing_is_kept_of_studies_that_are_no_more():
    known = {study.name for study in STUDIES} | {"talk"}
    assert {path.stem for path in RESULTS.glob("*.csv")} <= known


def test_all_studies_pass_their_smoke_run(capsys):
    code = main(["--smoke"])
    assert code == 0, capsys.readouterr().out
