"""The page on agents runs on books that can say little, and says so."""

import pytest
from pages import book_of, run_page


@pytest.mark.parametrize(
    ("agents", "sessions", "said"),
    [
        (["小美"], 30, "one_agent"),
        ([""], 30, "no_agents"),
        (["小美", "小丽", "小雨"], 30, "few_agents"),
        ([f"客服{number}" for number in range(8)], 160, "people_basis_machine"),
        (["小美"], 1, "one_agent"),
    ],
    ids=["one agent", "no agent ids", "three agents", "no ratings", "one session"],
)
def test_a_book_that_can_say_little_has_a_page_that_says_so(tmp_path, agents, sessions, said):
    book = book_of(tmp_path, agents, sessions)
    for audience, lang in (("analyst", "zh"), ("leadership", "en")):
        known = run_page("agents", book, audience, lang)
        keys = {finding.key for finding in known["found"]}
        assert said in keys
        assert not keys & {"named_head", "named_tail", "hints_to_talk", "hints_counted"}
        assert not known["hints"]["is_named"].astype(bool).any()
