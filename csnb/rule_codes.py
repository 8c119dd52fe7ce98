"""What the text rules say by themselves: a judge beside the model, which only takes them as hints.

A rule on causes (`definitions/rules/causes.tsv`) that hits what a customer writes says that there is this reason,
one on displeasure that the customer is dissatisfied. The model weighs both and may overrule them, so how good the rules
are shows only here.
"""

import pandas as pd
import polars as pl

from csnb.book import read_conversations
from csnb.evidence import is_spoken, read_messages
from csnb.tags import read_rules, tag_spoken

CODER = "text_rules"
_COLUMNS = ["session_key", "code", "p", "coder"]


def rule_labels(book, human):
    """Say which reasons the text rules alone see in the conversations that people drew at random and labelled.

    Parameters
    ----------
    book : Book
    human : pandas.DataFrame of `select_labels`

    Returns
    -------
    pandas.DataFrame
        One row a conversation and code that a rule hits: `session_key, code, p, coder`; `p` from the weights of the rules as
        if they erred apart, `coder` is `text_rules`. What agents say and behaviour measured are not in it.

    Examples
    --------
    >>> import csnb
    >>> rule_labels(book, csnb.select_labels(book, book.sessions)).empty   # nobody has labelled yet
    True
    """
    keys, folder = human.loc[human["use"] == "estimate", "session_key"].unique(), book.definitions_folder
    messages = read_conversations(book, keys)
    if not is_spoken(messages).any():
        return pd.DataFrame(columns=_COLUMNS)
    spoken = read_messages(messages, folder).spoken.filter(speaker="customer")
    texts = spoken["folded"].unique(maintain_order=True)
    rules = read_rules(folder).filter(pl.col("table").is_in(["causes", "displeasure"]))
    hits = tag_spoken(texts, "customer", folder).join(rules.select("rule", "code", "weight"), on="rule")
    said = spoken.join(hits.with_columns(folded=texts.gather(hits["row"])), on="folded")
    said = said.unique(["session_key", "rule"]).select("session_key", "code", "weight")
    found = pl.concat(
        [said.filter(pl.col("code") != "displeased"), said.with_columns(code=pl.lit("dissatisfied"))]
    )
    p = found.group_by("session_key", "code").agg(p=1 - (1 - pl.col("weight")).product())
    return p.sort("session_key", "code").with_columns(coder=pl.lit(CODER)).select(_COLUMNS).to_pandas()
