"""Accounts: whose conversations nothing counts, and whose are no one person's, because several people share them.

Which accounts these are stands in accounts.toml; a file of that name in your own definitions folder names your own.
"""

import re

from csnb.lookup import line_of, read_toml, wrong

FILE = "accounts.toml"
LISTS = ("test_agents", "internal_buyers", "shared_agents")
SHOP = "{shop}"


def read_accounts(folder=None):
    """Read which accounts are not one person each: `definitions/accounts.toml`.

    Returns
    -------
    dict
        `test_agents` and `shared_agents`, patterns of agent accounts, and `internal_buyers` as exported.

    Raises
    ------
    DefinitionError
        If one of the lists is missing, or a pattern of shared accounts cannot be read; file, line and key are named.

    Examples
    --------
    >>> read_accounts()["internal_buyers"]
    []
    """
    file = read_toml(FILE, folder)
    for name in LISTS:
        if not isinstance(file.get(name), list) or not all(isinstance(each, str) for each in file[name]):
            raise wrong(FILE, line_of(FILE, name, folder), name, "must be a list of texts; [] is none")
    for pattern in file["shared_agents"]:
        try:
            re.compile(pattern.replace(SHOP, ""))
        except re.error as error:
            place = line_of(FILE, "shared_agents", folder)
            raise wrong(FILE, place, "shared_agents", f"{pattern!r} is no pattern: {error}") from error
    return file


def mark_shared(sessions, folder=None):
    """Say which conversations were served from an account that several people share.

    Parameters
    ----------
    sessions : pandas.DataFrame with `agent_id` and `shop`
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        The same rows with `is_shared_account`; false where no agent is known. In a pattern `{shop}` stands for the name
        of any shop here.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"shop": "旗舰店", "agent_id": ["旗舰店:主账号", "旗舰店:小美", "旗舰店", None]})
    >>> mark_shared(table)["is_shared_account"].to_list()
    [True, False, True, False]
    """
    patterns = read_accounts(folder)["shared_agents"]
    shops = "|".join(re.escape(shop) for shop in sorted(sessions["shop"].dropna().unique()))
    named = [pattern.replace(SHOP, f"(?:{shops})") for pattern in patterns if shops or SHOP not in pattern]
    agents = sessions["agent_id"].dropna().unique()
    shared = [agent for agent in agents if any(re.search(pattern, agent) for pattern in named)]
    return sessions.assign(is_shared_account=sessions["agent_id"].isin(shared))
