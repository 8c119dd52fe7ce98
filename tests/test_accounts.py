"""Accounts that several people share are found by a list that users can change, and are in no comparison of people."""

import pandas as pd
import pytest
from pages import book_of, run_page

from csnb.accounts import mark_shared, read_accounts
from csnb.book import open_book
from csnb.errors import DefinitionError

LISTS = "test_agents = []\ninternal_buyers = []\nshared_agents = "


def shared(agents, shop="旗舰店", folder=None):
    """Say which of some accounts of a shop are shared."""
    table = pd.DataFrame({"agent_id": agents, "shop": shop})
    return mark_shared(table, folder)["is_shared_account"].to_list()


def own_list(folder, patterns):
    """Write a list of shared accounts of one's own; gives the definitions folder."""
    folder.mkdir(exist_ok=True)
    (folder / "accounts.toml").write_text(LISTS + patterns, "utf-8")
    return folder


def test_main_accounts_and_accounts_named_as_their_shop_are_shared():
    assert all(
        shared(
            [
                "旗舰店:主账号",
                "旗舰店：主帐号",
                "旗舰店",
                "旗舰店:公共账号",
                "旗舰店:值班账号2",
                "旗舰店:主号",
            ]
        )
    )
    assert not any(shared(["旗舰店:小美", "旗舰店2", "小旗舰店", "旗舰店:主号小王", None]))


def test_a_shop_is_a_name_and_no_pattern_and_may_be_unknown():
    assert shared(["A.B", "AxB"], shop="A.B") == [True, False]
    assert shared(["A", "A:主账号"], shop=None) == [False, True]


def test_an_account_named_as_a_shop_is_shared_wherever_it_serves():
    table = pd.DataFrame({"agent_id": ["甲店", "甲店", "乙店:小美"], "shop": ["甲店", "乙店", "乙店"]})
    assert mark_shared(table)["is_shared_account"].to_list() == [True, True, False]
    assert mark_shared(table.iloc[:0])["is_shared_account"].empty


def test_users_name_their_own_shared_accounts(tmp_path):
    folder = own_list(tmp_path / "definitions", "['组$']")
    assert shared(["旗舰店:售后组", "旗舰店:主账号"], folder=folder) == [True, False]


def test_a_list_that_lacks_or_cannot_be_read_is_refused_with_its_line(tmp_path):
    folder = own_list(tmp_path / "definitions", "['(']")
    with pytest.raises(DefinitionError, match=r"accounts\.toml, line 3, shared_agents: '\(' is no pattern"):
        read_accounts(folder)
    (folder / "accounts.toml").write_text("test_agents = []\ninternal_buyers = []", "utf-8")
    with pytest.raises(DefinitionError, match=r"shared_agents: must be a list"):
        read_accounts(folder)


def people_in(known):
    """List every agent that the tables of the page hold."""
    tables = [known[name] for name in ("compared", "gaps", "fault_agents", "hints", "talks", "strain")]
    return {agent for table in tables if "agent_id" in table for agent in table["agent_id"].dropna()}


@pytest.mark.parametrize("audience", ["analyst", "leadership"])
def test_the_page_on_agents_leaves_shared_accounts_out_and_says_how_much_they_hold(tmp_path, audience):
    book = book_of(tmp_path, [*(f"客服{number}" for number in range(7)), "甲店:主账号"], 160)
    assert open_book(book).sessions["is_shared_account"].sum() == 20
    known = run_page("agents", book, audience, "zh")
    assert "甲店:主账号" not in people_in(known)
    assert known["basis"].set_index("basis").loc["shared"].to_list() == [1, 20]
    assert known["basis"].set_index("basis").loc["compared"].to_list() == [7, 140]
    (finding,) = [each for each in known["found"] if each.key == "shared_accounts"]
    assert finding.values == {"accounts": "1", "sessions": "20", "n": "20"}


def test_a_book_of_shared_accounts_only_compares_nobody_and_says_why(tmp_path):
    known = run_page("agents", book_of(tmp_path, ["甲店"], 30), "analyst", "en")
    assert [each.key for each in known["found"]] == ["only_shared"]
    assert not people_in(known)


def test_whose_account_is_no_longer_listed_is_compared_again(tmp_path):
    book = book_of(tmp_path, ["小美", "甲店:主账号"], 30)
    own_list(tmp_path / "definitions", "[]")
    assert not open_book(book).sessions["is_shared_account"].any()
