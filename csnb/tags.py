"""Which rule hits which text: readable tables of words and patterns, applied to distinct texts.

A rule hits a folded text when one of its `words` stands in it, and its `pattern`, if it has one, is
found, and its `unless` is not. All words of all rules are looked up in one pass; patterns are tried
only on the texts where a word was found, so a thousand rules cost little more than ten.
"""

from functools import cache

import polars as pl

from csnb.lookup import definition_names, read_rows, read_toml, wrong

COLUMNS = (
    "rule", "code", "speaker", "weight", "words", "pattern", "unless", "negation", "example", "counter_example",
)  # fmt: skip
SPEAKERS = ("customer", "agent", "bot")

_WIDTHS = dict(zip("?!,:;()~", "？！，：；（）～", strict=True))


def fold_texts(texts):
    """Give texts the one spelling that rules and models read.

    Numbers become `0`, masks and links `□`, emoji codes and doubled spaces vanish, letters are
    lower case, frequent traditional signs simplified and punctuation is full width. Of "not X, but Y" only Y
    stays. Missing texts become empty.

    Examples
    --------
    >>> fold_texts(pl.Series(["等了15天了?? #E-s12", "[ORDERID_1] 还没到!"])).to_list()
    ['等了0天了？？', '□ 还没到！']
    """
    folded = texts.fill_null("")
    signs = _simple_signs()
    folded = folded.str.replace_many(list(signs), list(signs.values()))
    for pattern, replacement in _folds():
        folded = folded.str.replace_all(pattern, replacement)
    folded = folded.str.to_lowercase().str.replace_many(list(_WIDTHS), list(_WIDTHS.values()))
    return folded.str.strip_chars().rename(texts.name)


@cache
def _folds():
    """Read what is folded into what: `folds` of rules/settings.toml, shipped for all, for models read it too."""
    return [tuple(pair) for pair in read_toml("rules/settings.toml")["folds"]]


@cache
def _simple_signs():
    """Read which sign is read for which traditional one, shipped for all as the folds are."""
    settings = read_toml("rules/settings.toml")
    return dict(zip(settings["traditional"], settings["simplified"], strict=True))


@cache
def read_rules(folder=None):
    """Read and check all rule tables: `definitions/rules/*.tsv`.

    Parameters
    ----------
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    polars.DataFrame
        One row is one rule: the columns of the file (`words` as a list, `weight` a share in 0 to 1,
        `negation` in characters) plus `table` and `line`. `pattern`, `unless` and `negated` are
        complete Rust regular expressions, or missing.

    Raises
    ------
    DefinitionError
        If a rule's id is doubled, a cell is not allowed, a pattern does not compile (look-around and
        back-references do not), the example is not hit, or the counter-example is. File and line are named.
    """
    settings = read_toml("rules/settings.toml", folder)
    rows = [
        _checked(row, table, settings)
        for table in definition_names("rules", ".tsv", folder)
        for row in read_rows(f"rules/{table}.tsv", COLUMNS, folder)
    ]
    rules = pl.DataFrame(
        rows,
        infer_schema_length=None,
        schema_overrides={"pattern": pl.String, "unless": pl.String, "negated": pl.String},
    )
    _check_examples(rules)
    return rules


def _checked(row, table, settings):
    """Give one row its types, or say which cell is wrong."""
    file = f"rules/{table}.tsv"
    if row["speaker"] not in SPEAKERS:
        raise wrong(file, row["line"], "speaker", f"{row['speaker']!r} is not one of {SPEAKERS}")
    try:
        weight, negation = float(row["weight"]), int(row["negation"] or 0)
    except ValueError:
        raise wrong(
            file, row["line"], "weight, negation", "a share such as 0.6, and a number of characters"
        ) from None
    if not 0 < weight <= 1:
        raise wrong(file, row["line"], "weight", f"{weight} is not above 0 and at most 1")
    words = [word for word in row["words"].split("|") if word]
    if not words:
        raise wrong(file, row["line"], "words", "at least one word is needed, several are parted by |")
    negated = None
    if negation:
        either = "|".join(pl.Series(words).str.escape_regex())
        negated = f"(?:{'|'.join(settings['negators'])})[^，。！？；、 ]{{0,{negation}}}(?:{either})"
    rule = {
        **row, "table": table, "weight": weight, "negation": negation, "words": words, "negated": negated,
        "pattern": _expanded(row["pattern"], settings["macros"]),
        "unless": _expanded(row["unless"], settings["macros"]),
    }  # fmt: skip
    for key in ("pattern", "unless"):
        try:
            pl.Series([""]).str.contains(rule[key] or "")
        except pl.exceptions.ComputeError as error:
            raise wrong(file, row["line"], key, f"not a pattern that Rust reads: {error}") from error
    return rule


def _expanded(pattern, macros):
    """Write the macros of settings.toml out; an empty cell is missing."""
    for name, meaning in macros.items():
        pattern = pattern.replace(f"<{name}>", meaning)
    return pattern or None


def _check_examples(rules):
    """Try every rule on its own example and counter-example."""
    doubled = rules.filter(pl.col("rule").is_duplicated())
    for row in doubled.head(1).iter_rows(named=True):
        raise wrong(f"rules/{row['table']}.tsv", row["line"], "rule", f"{row['rule']!r} stands twice")
    for column, should in (("example", True), ("counter_example", False)):
        hits = tag_texts(fold_texts(rules[column]), rules)
        own = rules.with_row_index("row").join(hits, on=["row", "rule"], how="semi" if not should else "anti")
        for row in own.filter(pl.col(column) != "").head(1).iter_rows(named=True):
            what = "does not hit its example" if should else "hits its counter-example"
            raise wrong(
                f"rules/{row['table']}.tsv",
                row["line"],
                column,
                f"rule {row['rule']!r} {what} {row[column]!r}",
            )


def tag_texts(texts, rules):
    """Find every rule that hits every text.

    Parameters
    ----------
    texts : polars.Series of str, folded; give distinct texts and join the result back
    rules : polars.DataFrame, as `read_rules` gives it; who speaks is not looked at here

    Returns
    -------
    polars.DataFrame
        `row` (position in `texts`) and `rule`; one row a hit, sorted, without doubles.

    Examples
    --------
    >>> texts = pl.Series(["人呢？", "好的"])
    >>> hits = tag_texts(texts, read_rules())
    >>> hits["row"].unique().to_list()
    [0]
    """
    by_word = rules.select("rule", word="words").explode("word")
    found = (
        texts.rename("word").to_frame()
        .select(row=pl.int_range(pl.len(), dtype=pl.UInt32), word=pl.col("word").str.extract_many(by_word["word"].unique().to_list(), overlapping=True))
        .explode("word", empty_as_null=False, keep_nulls=False)
        .unique()
        .join(by_word, on="word")
        .select("row", "rule")
        .unique()
    )  # fmt: skip
    plain = rules.filter(pl.all_horizontal(pl.col("pattern", "unless", "negated").is_null()))
    kept = [found.join(plain, on="rule", how="semi")]
    candidates = found.join(plain, on="rule", how="anti").partition_by("rule", as_dict=True)
    for rule in rules.iter_rows(named=True):
        if (rule["rule"],) in candidates:
            rows = candidates[rule["rule"],]
            kept.append(rows.filter(_verified(texts.gather(rows["row"]), rule)))
    return pl.concat(kept).sort("row", "rule")


def tag_spoken(texts, speaker, folder=None):
    """Find the rules that hit what one speaker says: the rules for that speaker, and all topics.

    Examples
    --------
    >>> tag_spoken(pl.Series(["快递到哪了"]), "agent")["rule"].to_list()
    ['topic_logistics']
    """
    rules = read_rules(folder)
    return tag_texts(texts, rules.filter((pl.col("speaker") == speaker) | (pl.col("table") == "topics")))


def _verified(texts, rule):
    """Say which of the texts that hold a word of the rule also meet its other conditions."""
    meets = pl.Series([True]).new_from_index(0, len(texts))
    if rule["negated"]:
        texts = texts.str.replace_all(rule["negated"], "")
        meets &= texts.str.contains_any(rule["words"])
    if rule["pattern"]:
        meets &= texts.str.contains(rule["pattern"])
    if rule["unless"]:
        meets &= ~texts.str.contains(rule["unless"])
    return meets
