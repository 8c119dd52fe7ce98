"""How conversations begin: who is displeased before anybody of the service has said a word.

Displeasure in the first message cannot come of what the service does next, so it belongs to the case mix:
customers who come in angry are compared with each other. Later displeasure does not: it may be what a fault brought about.
"""

import pandas as pd
import polars as pl

from csnb.book import read_conversations
from csnb.evidence import read_messages

_SHOWS = 0.5  # probability from which a message shows displeasure


def add_openings(book, sessions):
    """Say of every rated conversation whether the customer's first message shows displeasure.

    Parameters
    ----------
    book : Book
    sessions : pandas.DataFrame of `select_sessions`

    Returns
    -------
    pandas.DataFrame
        The rows of `sessions` with `opens_displeased`; missing where nobody rated, or where the conversation
        cannot be read.

    Examples
    --------
    >>> seen = add_openings(book, book.sessions)
    >>> seen.loc[seen["is_rated"].astype(bool), "opens_displeased"].tolist()
    [False, True, False, False, False, False]
    """
    is_read = sessions["is_rated"].astype(bool) & sessions["p_dissatisfied"].notna()
    first = _first_messages(book, sessions.loc[is_read, "session_key"])
    shows = pd.Series(pd.NA, sessions.index, "boolean")
    if len(first):
        evidence = read_messages(first)
        said = evidence.spoken.select("session_key", p=pl.Series(evidence.displeased)).to_pandas()
        shown = said.groupby("session_key")["p"].max() >= _SHOWS
        shows = sessions["session_key"].map(shown).astype("boolean")
    return sessions.assign(opens_displeased=shows)


def _first_messages(book, keys):
    """Give the first readable message of the customer in each of some conversations."""
    said = read_conversations(book, keys).filter(pl.col("text").is_not_null(), role="customer")
    first = said.group_by("session_key", maintain_order=True).first()
    return first.select("session_key", "number", "role", "text")
