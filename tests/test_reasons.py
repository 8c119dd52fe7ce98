"""Reason coding: what is displeasure, about what, and where it shows; own conversations, none of them real."""

import polars as pl
import pytest

from csnb.errors import DefinitionError
from csnb.lookup import definition_path
from csnb.reasons import code_sessions, code_with_chances, read_owners, read_reasons, read_sure
from csnb.schema import dtypes


def code(*lines):
    """Code one conversation written as "role: text" lines; gives code -> row of those that hold."""
    messages = pl.DataFrame(
        [
            {
                "session_key": 1,
                "number": number,
                **dict(zip(("role", "text"), line.split(": ", 1), strict=True)),
            }
            for number, line in enumerate(lines)
        ],
        schema_overrides={"number": pl.Int32},
    )
    labels = code_sessions(messages)
    assert labels.schema == dtypes("labels")
    overall = labels.filter(code="dissatisfied").row(0, named=True)
    held = {row["code"]: row for row in labels.iter_rows(named=True) if row["code"] != "dissatisfied"}
    return overall["p"] >= 0.5, {**held, "dissatisfied": overall}


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["customer: 下单都八天了物流一动不动", "agent: 请您耐心等待", "customer: 你们发货也太慢了吧！！"], "logistics"),
        (["customer: 昨天刚买今天就降了一百块，太坑人了", "agent: 价格是浮动的", "customer: 差价不退？气死我了"], "price"),
        (["customer: 才穿两次鞋底就开胶了，什么破质量", "agent: 抱歉", "customer: 以后再也不买你家的了"], "quality"),
        (["customer: 在吗", "customer: 人呢？？？", "customer: 半天了没一个人理我，什么服务"], "timeliness"),
        (["customer: 券明明没过期，下单就是不能用，骗人的吧", "agent: 不能叠加", "customer: 太坑了这优惠券"], "discount"),
        (["bot: 亲，请选择您的问题", "customer: 别拿机器人糊弄我！转了五遍都转不到人工", "bot: 亲，请选择您的问题"], "bot"),
    ],
)  # fmt: skip
def test_a_plain_complaint_gets_its_reason(lines, reason):
    is_dissatisfied, held = code(*lines)
    assert is_dissatisfied
    assert reason in held


@pytest.mark.parametrize(
    "lines",
    [
        ["customer: 你好，请问这款什么时候发货", "agent: 今天下午发", "customer: 好的谢谢"],
        ["customer: 这件有优惠券吗", "agent: 有的，满一百减十", "customer: 好"],
        ["customer: 在吗", "agent: 在的", "customer: 这个尺码偏大吗"],
        ["customer: 帮我转人工", "agent: 您好", "customer: 我想改一下收货地址"],
        ["customer: 客服态度很好，五星", "agent: 谢谢支持"],
    ],
)
def test_a_calm_question_is_no_dissatisfaction(lines):
    assert not code(*lines)[0]


@pytest.mark.parametrize(
    "lines",
    [
        ["customer: 在另一家买的杯子漏得一塌糊涂，气死我了", "agent: 我们家可以放心", "customer: 嗯，拍了"],
        ["customer: 如对商品不满意请拨打投诉热线，我们将竭诚为您服务", "agent: 您好", "customer: 包裹里这张卡是你们放的吗"],
        ["customer: 都怪我自己眼花，又选错颜色了，烦死了", "agent: 可以换的", "customer: 好的谢谢"],
        ["customer: 物业把我的包裹弄丢了，真服了他们", "agent: 需要补拍吗", "customer: 嗯，再来一件"],
        ["customer: 我没有怪你们的意思，也不是要投诉", "agent: 您请说", "customer: 就想问问怎么清洗"],
        ["customer: [商品链接] 散粉", "agent: 在的"],
        ["customer: 👌👌", "agent: 不客气", "customer: 😊"],
    ],
)  # fmt: skip
def test_displeasure_with_others_denied_or_quoted_is_none_with_the_shop(lines):
    assert not code(*lines)[0]


@pytest.mark.parametrize(
    "line",
    [
        "隔壁店都便宜二十，你们怎么这么贵",
        "老公等了一天快递都没来，你们搞什么",
        "感谢您的耐心等待？这句话你们发了五遍了",
        "不是投诉就没人管是吧，问了三天了",
        "如果你解决不了请转投诉部门，我跟你说了半天了",
        "搞得像是我自己的错一样，明明是你们发错货",
    ],
)
def test_words_that_spare_do_not_hide_displeasure_with_the_shop(line):
    assert code(f"customer: {line}", "agent: 亲")[0]


@pytest.mark.parametrize(
    ("lines", "reason", "other"),
    [
        (["customer: 不是说你态度不好，是这裤子洗一次就掉色", "agent: 抱歉", "customer: 染得到处都是，什么质量"], "quality", "attitude"),
        (["customer: 凭什么不支持配送到我们县", "agent: 您的地区暂时不发货", "customer: 别的县都能送"], "stock", "logistics"),
        (["customer: 说好的赠品没有，骗人"], "campaign", "quality"),
        (["customer: 这个怎么装", "agent: 看不懂就别买，烦不烦", "customer: 你什么态度！再骂一句试试"], "emotion", "price"),
    ],
)  # fmt: skip
def test_a_reason_is_the_one_complained_of_and_not_the_one_named_beside_it(lines, reason, other):
    is_dissatisfied, held = code(*lines)
    assert is_dissatisfied
    assert reason in held
    assert other not in held


def test_evidence_is_an_exact_part_of_the_message_it_names():
    lines = ["customer: 你好", "agent: 您好", "customer: 等了十天快递还没到，太离谱了！"]
    _, held = code(*lines)
    for row in held.values():
        if row["quote"] is not None:
            assert row["quote"] in lines[row["number"]].split(": ", 1)[1]


def test_unclear_stands_alone():
    is_dissatisfied, held = code("customer: 呵呵，真是服了你们了，垃圾！", "agent: 您好")
    assert is_dissatisfied
    if "unclear" in held:
        assert set(held) == {"unclear", "dissatisfied"}


def test_every_code_has_a_side_and_known_owners():
    table = read_reasons()
    assert table.height == 14
    assert {owner for owners in table["owners"] for owner in owners} <= set(read_owners())
    assert table.filter(code="unclear")["side"].to_list() == ["unexplained"]


def test_the_order_of_sessions_changes_nothing():
    one = pl.DataFrame(
        {
            "session_key": [1, 1],
            "number": [0, 1],
            "role": ["customer", "agent"],
            "text": ["太慢了！！人呢", "稍等"],
        }
    )
    two = one.with_columns(session_key=pl.lit(2, pl.Int64), text=pl.Series(["质量太差了，刚用就坏", "抱歉"]))
    forth, back = (
        code_sessions(pl.concat(pair)).sort("session_key", "code") for pair in ((one, two), (two, one))
    )
    assert forth.equals(back)


def test_chances_are_kept_where_no_code_is_given_and_labels_stay_the_same():
    messages = pl.DataFrame({
        "session_key": [1, 1, 2, 2], "number": [0, 1, 0, 1], "role": ["customer", "agent"] * 2,
        "text": ["太慢了！！人呢", "稍等", "这价格比上周贵了一点", "亲，已经是最低价了呢"],
    })  # fmt: skip
    labels, chances = code_with_chances(messages)
    assert labels.equals(code_sessions(messages))
    given = labels.filter(pl.col("code") != "dissatisfied")
    assert set(given["session_key"]) == {1}
    kept = {(key, code): p for key, code, p in chances.iter_rows()}
    for key, code, p in given.select("session_key", "code", "p").iter_rows():
        assert kept[key, code] == pytest.approx(p, abs=5e-4)
    assert kept[2, "price"] >= 0.02 and min(kept.values()) >= 0.02 and len(kept) == chances.height


def test_nothing_to_read_gives_no_labels():
    assert code_sessions(
        pl.DataFrame(
            schema={"session_key": pl.Int64, "number": pl.Int32, "role": pl.String, "text": pl.String}
        )
    ).is_empty()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [("price = 0.0", "price = 1.5", "1.5 is not between"), ("price = 0.0\n", "", "one number is needed")],
)
def test_a_wrong_bound_of_what_is_sure_is_refused(tmp_path, old, new, complaint):
    shipped = definition_path("sure.toml").read_text("utf-8")
    (tmp_path / "sure.toml").write_text(shipped.replace(old, new), "utf-8")
    with pytest.raises(DefinitionError, match=complaint):
        read_sure(str(tmp_path))
