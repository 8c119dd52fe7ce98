"""The pages on the pulse and on changes run on books that can say little, and say so."""

import pytest
from pages import book_of, run_page


@pytest.fixture
def shown(monkeypatch):
    """Collect the headings, findings and charts that a page shows."""
    kept = {"sections": [], "findings": [], "charts": []}

    def keep(bundle, **kinds):
        words = bundle.get("text/html", "") if isinstance(bundle, dict) else ""
        kept["sections"] += [words.split('id="')[1].split('"')[0]] if '<h2 class="section"' in words else []
        kept["charts"] += [] if isinstance(bundle, dict) else [bundle]

    monkeypatch.setattr("csnb.outputs.display", keep)
    monkeypatch.setattr("csnb.charts.display", keep)
    return kept


@pytest.mark.parametrize("report", ["pulse", "change"])
@pytest.mark.parametrize(
    ("agents", "sessions"),
    [(["小美"], 30), ([""], 30), (["小美"], 1), ([f"客服{number}" for number in range(8)], 160)],
    ids=["one agent", "no agent ids", "one session", "no ratings"],
)
def test_a_book_that_can_say_little_has_a_page(tmp_path, shown, report, agents, sessions):
    book = book_of(tmp_path, agents, sessions)
    for audience, lang in (("analyst", "zh"), ("leadership", "en")):
        run_page(report, book, audience, lang)
        assert {"findings", "definitions", "provenance"} <= set(shown["sections"])


def test_without_a_change_there_is_no_story(tmp_path, shown):
    known = run_page("change", book_of(tmp_path, ["小美", "小丽"], 40), "analyst", "zh")
    assert not set(shown["sections"]) & {"traffic", "pulls", "mix", "trace", "residual"}
    assert shown["charts"] == []
    assert known["changes"]["judgement"].isin(["none", "too_few", "no_last"]).all()
