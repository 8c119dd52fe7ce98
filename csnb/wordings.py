"""Wordings: what customers wrote, grouped by likeness, so that people read many kinds and not one kind many times.

New words of customers stand out here before any rule or model knows them: the groups are made of what was
written, not of what the machine saw in it.
"""

import polars as pl
from sklearn.cluster import AgglomerativeClustering
from sklearn.feature_extraction.text import TfidfVectorizer

from csnb.book import read_conversations

LONGEST = 400  # characters of a conversation that are compared


def read_wordings(book, session_keys):
    """Read what the customers of some conversations wrote.

    Parameters
    ----------
    book : Book
    session_keys : pandas.Series of int

    Returns
    -------
    pandas.Series of str by `session_key`: the customer's messages, one a line; conversations without any are left out

    Examples
    --------
    >>> import csnb
    >>> len(read_wordings(book, csnb.dissatisfied_sessions(book.sessions)["session_key"]))
    3
    """
    said = (
        read_conversations(book, session_keys)
        .filter(pl.col("text").is_not_null(), role="customer")
        .group_by("session_key", maintain_order=True)
        .agg(pl.col("text").str.join("\n").str.slice(0, LONGEST))
    )
    return said.to_pandas().set_index("session_key")["text"]


def one_of_each_wording(ranked, said, n, pool):
    """Choose n conversations from the head of a ranking, each of another wording.

    Parameters
    ----------
    ranked : list of session_key, the most wanted first
    said : pandas.Series of `read_wordings`
    n : int
    pool : int, how many times n conversations to choose from

    Returns
    -------
    list of session_key, in the order of the ranking
        The head of the ranking is parted into n groups of like wording, and the first of each is taken. The same
        input gives the same groups. Where nobody wrote anything it is the first n.

    Source
    ------
    Groups: Ward (1963), JASA 58:236-244, on tf-idf of single characters and pairs, which needs no word list.

    Examples
    --------
    >>> import pandas as pd
    >>> said = pd.Series({1: "还没发货", 2: "怎么还没发货", 3: "发货了没有", 4: "充电口松了"})
    >>> one_of_each_wording([1, 2, 3, 4], said, 2, pool=2)
    [1, 4]
    """
    head = ranked[: pool * n]
    texts = said.reindex(head).fillna("")
    if len(head) <= n or n < 2 or not texts.str.strip().any():
        return head[:n]
    words = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 2), max_features=3000).fit_transform(texts)
    groups = AgglomerativeClustering(n).fit_predict(words.toarray())
    return texts.groupby(groups).head(1).index.to_list()
