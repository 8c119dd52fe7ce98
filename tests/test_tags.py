"""Rules on text: what hits, what does not, and what a wrong rule file says."""

import polars as pl
import pytest

from csnb.errors import DefinitionError
from csnb.tags import COLUMNS, fold_texts, read_rules, tag_spoken, tag_texts

HEADER = "\t".join(COLUMNS)


def rule(**cells):
    """One line of a rule table; what is not given is harmless."""
    row = {
        "rule": "wait", "code": "timeliness", "speaker": "customer", "weight": "0.5", "words": "等", "pattern": "",
        "unless": "", "negation": "0", "example": "等", "counter_example": "",
    }  # fmt: skip
    return "\t".join((row | cells)[name] for name in COLUMNS)


@pytest.fixture
def rules_from(tmp_path):
    """Rules read from the lines given, in the place of all shipped tables."""

    def read(*lines):
        folder = tmp_path / str(len(list(tmp_path.iterdir()))) / "rules"
        folder.mkdir(parents=True)
        for table in read_rules()["table"].unique():
            folder.joinpath(f"{table}.tsv").write_text(HEADER + "\n", "utf-8")
        folder.joinpath("causes.tsv").write_text("\n".join([HEADER, *lines]) + "\n", "utf-8")
        return read_rules(str(folder.parent))

    return read


def hits(rules, *texts):
    """Which of the texts any rule hits."""
    return tag_texts(fold_texts(pl.Series(texts)), rules)["row"].unique().to_list()


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("等了15天了??", "等了0天了？？"),
        ("[数字x]天 [金额x]", "0天 0"),
        ("{days}天了", "0天了"),
        ("[ORDERID_10002311] 没到", "□ 没到"),
        ("好的#E-s[数字x]#E-s01", "好的"),
        ("  NB  App ", "nb app"),
        ("看 https://item.jd.com/1.html 这个", "看 □ 这个"),
        ("[商品链接] 散粉", "□ 散粉"),
        ("不是说你们客服不好，是这壶漏水", "这壶漏水"),
        ("我没嫌慢，不是价格贵 而是真的用不惯", "我没嫌慢，真的用不惯"),
        ("你们不是说今天发吗，是不是忘了", "你们不是说今天发吗，是不是忘了"),
        ("還沒發貨，為什麼這麼慢", "还没发货，为什么这么慢"),
        (None, ""),
    ],
)
def test_texts_fold_to_one_spelling(text, folded):
    assert fold_texts(pl.Series([text], dtype=pl.String)).to_list() == [folded]


def test_every_shipped_rule_hits_its_example_and_not_its_counter_example():
    rules = read_rules()
    for column, should in (("example", True), ("counter_example", False)):
        for row in rules.filter(pl.col(column) != "").iter_rows(named=True):
            own = rules.filter(rule=row["rule"])
            assert (hits(own, row[column]) == [0]) is should, (row["rule"], column)


def test_every_shipped_rule_on_words_has_a_counter_example():
    rules = read_rules().filter(~pl.col("table").is_in(["topics", "agent"]))
    with_one = rules.filter(pl.col("counter_example") != "").height
    assert with_one / rules.height > 0.7


def test_words_overlap_without_hiding_each_other(rules_from):
    rules = rules_from(
        rule(rule="a", words="不回", example="不回"), rule(rule="b", words="回我", example="回我")
    )
    found = tag_texts(pl.Series(["怎么不回我"]), rules)
    assert found["rule"].to_list() == ["a", "b"]


def test_a_pattern_narrows_and_unless_excludes(rules_from):
    rules = rules_from(rule(pattern="等了<n><time>", unless="打折", example="等了三天"))
    assert hits(rules, "等了三天", "等一下", "等了三天打折") == [0]


def test_a_negated_word_does_not_count_but_another_one_beside_it_does(rules_from):
    rules = rules_from(rule(words="生气", example="生气", negation="2"))
    assert hits(rules, "没有生气", "我不是很生气", "没有生气？我很生气") == [2]


def test_a_rule_is_for_its_speaker_and_topics_are_for_all():
    texts = pl.Series(["快递差评"])
    assert tag_spoken(texts, "agent")["rule"].to_list() == ["topic_logistics"]
    assert tag_spoken(texts, "customer")["rule"].to_list() == ["d_bad_review", "topic_logistics"]


@pytest.mark.parametrize(
    ("cells", "key"),
    [
        ({"speaker": "boss"}, "speaker"),
        ({"weight": "1.5"}, "weight"),
        ({"weight": "viel"}, "weight"),
        ({"words": ""}, "words"),
        ({"pattern": "(?=等)"}, "pattern"),
        ({"unless": "("}, "unless"),
        ({"example": "好"}, "example"),
        ({"counter_example": "等等"}, "counter_example"),
    ],
)
def test_a_wrong_cell_is_refused_with_file_line_and_key(rules_from, cells, key):
    with pytest.raises(DefinitionError, match=rf"rules/causes.tsv, line 2, .*{key}"):
        rules_from(rule(**cells))


def test_a_doubled_rule_id_is_refused(rules_from):
    with pytest.raises(DefinitionError, match="'wait' stands twice"):
        rules_from(rule(), rule())


def test_hits_do_not_depend_on_the_order_of_texts():
    texts = pl.Series(["人呢？？", "好的", "快递怎么还没到", "差评"])
    forward = tag_texts(texts, read_rules())
    backward = tag_texts(texts.reverse(), read_rules()).with_columns(row=3 - pl.col("row").cast(pl.Int64))
    assert set(forward.with_columns(pl.col("row").cast(pl.Int64)).rows()) == set(backward.rows())


def test_no_texts_give_no_hits():
    assert tag_texts(pl.Series([], dtype=pl.String), read_rules()).height == 0
