"""Personal data never passes; prices, sizes, dates and models always do."""

import polars as pl
import pytest

from csnb.errors import DefinitionError
from csnb.lookup import SHIPPED
from csnb.masks import hash64, hash_id, is_personal_header, mask_text, read_masks

DIGITS = str.maketrans("0123456789", "０１２３４５６７８９")
MOBILES = ["13812345678", "15900001111", "19987654321", "17012345678"]
SPELLINGS = [
    "{0}{1}{2}", "{0} {1} {2}", "{0}-{1}-{2}", "{0}.{1}.{2}", "{0}　{1}　{2}", "{0}—{1}—{2}", "{0} {1}{2}",
    "{0}{1} {2}", "+86{0}{1}{2}", "+86 {0} {1} {2}", "86-{0}{1}{2}", "0086{0}{1}{2}", "{0}_{1}_{2}",
]  # fmt: skip
ORDERS = [
    "2031234567890123456", "88123456789", "240101-123456789012345", "SF1234567890123", "YT8765432109876",
    "6918273645546372819", "JD0098765432101",
]  # fmt: skip
CARDS = ["6222021234567890123", "6217 0012 3456 7890 123", "6225-8801-2345-6789", "4111 1111 1111 1111"]
IDENTITIES = ["11010119900307123X", "440308199901010012", "440308 19990101 0012", "11010519491231002x"]
MAILS = ["zhang.san_88@qq.com", "foo+bar@mail.example.co.uk", "A1@163.com"]
ADDRESSES = [
    "广东省深圳市南山区科技园南路8号创维大厦A座1201室", "浙江省杭州市余杭区文一西路969号", "上海市浦东新区世纪大道100号",
    "北京市朝阳区建国路88号SOHO现代城3号楼1201室", "江苏省南京市鼓楼区中山北路200号3幢1单元602", "朝阳小区3栋2单元501",
    "湖南省长沙市岳麓区麓谷街道谷苑路166号", "四川省成都市武侯区天府大道中段1366号", "苏州工业园区星湖街328号",
    "河南省周口市郸城县石槽镇李楼村3组", "阳光花园12-3-501", "解放路12号3单元402室",
]  # fmt: skip
RECIPIENTS = [
    "收件人：张三",
    "收货人李小明，",
    "联系人：欧阳娜娜",
    "姓名：古丽·买买提",
    "王小明收",
    "陈先生 13812345678",
]
AROUND = ["{}", "我的是{}，谢谢", "（{}）", "{}。", "麻烦改成 {} ", "{}\n好的"]


def planted(parts, around=AROUND):
    """Every part in every surrounding."""
    return [frame.format(part) for part in parts for frame in around]


@pytest.mark.parametrize("mobile", MOBILES)
def test_a_mobile_number_is_masked_however_it_is_spelled(mobile):
    spelled = [form.format(mobile[:3], mobile[3:7], mobile[7:]) for form in SPELLINGS] + [" ".join(mobile)]
    texts = planted(spelled + [text.translate(DIGITS) for text in spelled])
    masked = mask_text(pl.Series(texts))
    assert [text for text in masked if "<手机>" not in text] == []
    assert masked.str.contains(r"[0-9０-９]{4}").sum() == 0


@pytest.mark.parametrize(
    "parts", [ORDERS, CARDS, IDENTITIES, [text.translate(DIGITS) for text in CARDS + IDENTITIES]]
)
def test_no_long_number_passes(parts):
    assert mask_text(pl.Series(planted(parts))).str.contains(r"[0-9０-９]{4}").sum() == 0


def test_no_mail_address_passes():
    assert mask_text(pl.Series(planted(MAILS))).str.contains("@").sum() == 0


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_passes(address):
    masked = mask_text(pl.Series(planted([address])))
    assert masked.str.contains("<地址>").all()
    assert masked.str.contains(r"[0-9]").sum() == 0


@pytest.mark.parametrize("recipient", RECIPIENTS)
def test_no_recipient_passes(recipient):
    texts = [recipient, f"寄给{ADDRESSES[0]}，{recipient}", f"{recipient} 谢谢"]
    assert mask_text(pl.Series(texts)).str.contains("<收件人>").all()


def test_several_numbers_side_by_side_are_all_masked():
    text = "13812345678,13987654321 13712345678/15012345678"
    assert mask_text(pl.Series([text])).item() == "<手机>,<手机> <手机>/<手机>"


@pytest.mark.parametrize(
    "text",
    [
        "价格1299.00元，原价1599，省300", "iPhone 15 Pro Max 256GB 9999元", "2026年3月2日 12:30", "2026-03-02 12:30:45",
        "尺码 165/88A 170/92A 175/96A", "36 37 38 39 40 41码", "XPS13-9310-R1608S", "KFR-35GW/BDN8Y-YA400(1)",
        "满300减40 满1000减150", "规格 120*200*15cm", "SM-G9980 5G", "400-820-8820", "8:00-22:00", "1399 1599 1799",
        "几号发货，3号还是5号", "618活动价", "超市买的", "有什么区别", "浙江省杭州市能送到吗", "路由器 AX3000", "王女士您好",
        "版本 12.4.1.300", "¥1,234,567.00", "138****5678", "[电话x] [ORDERID_10124449] #E-s[数字x] [地址x]", "<手机>",
        "2室1厅 3楼", "小区门口的快递柜", "@115712 We can help",
        "https://item.jd.com/20185936243.html", "商品编号:26475022706", "条码6901234567892", "1 2 3 4 5 6 7",
    ],
)  # fmt: skip
def test_what_is_not_personal_stays(text):
    assert mask_text(pl.Series([text])).item() == text


def test_masking_twice_is_masking_once():
    texts = pl.Series(planted(MOBILES + ORDERS + CARDS + IDENTITIES + MAILS + ADDRESSES + RECIPIENTS))
    once = mask_text(texts)
    assert mask_text(once).to_list() == once.to_list()


@pytest.mark.parametrize("mask", read_masks(), ids=lambda mask: mask.name)
def test_each_mask_meets_its_own_examples(mask):
    for text, masked in mask.examples:
        assert mask_text(pl.Series([text])).item() == masked
        assert mask.placeholder in masked or mask.name.startswith("product_id")
    for text in mask.counter_examples:
        assert mask_text(pl.Series([text])).item() == text


def test_a_column_expression_is_masked_like_a_series_and_missing_stays_missing():
    frame = pl.DataFrame({"text": ["13812345678", None, "在吗"]})
    assert frame.select(mask_text(pl.col("text")))["text"].to_list() == ["<手机>", None, "在吗"]


def test_the_given_series_is_not_changed():
    texts = pl.Series(["13812345678"])
    mask_text(texts)
    assert texts.to_list() == ["13812345678"]


@pytest.mark.parametrize("header", ["收货人", "收货人 手机", "买家昵称", "Buyer_Nick", "身份证号", "Email"])
def test_personal_headers_are_known(header):
    assert is_personal_header(header)


@pytest.mark.parametrize("header", ["客服昵称", "商品名称", "店铺", "订单金额", "sku"])
def test_other_headers_are_not_personal(header):
    assert not is_personal_header(header)


def test_equal_ids_hash_equally_and_another_key_hashes_otherwise():
    ids = pl.Series(["a", "b", "a", None])
    first, second = hash_id(ids, b"one"), hash_id(ids, b"two")
    assert first[0] == first[2] != first[1]
    assert first[3] is None
    assert set(first.drop_nulls()).isdisjoint(second.drop_nulls())
    assert first.drop_nulls().str.contains(r"^[0-9a-f]{16}$").all()


def test_text_hashes_are_the_documented_blake2b():
    """Expected: python -c "from hashlib import blake2b; print(int.from_bytes(blake2b('在吗'.encode(),
    digest_size=8).digest(), 'big', signed=True))"."""
    assert hash64(pl.Series(["在吗", None, "在吗"])).to_list() == [
        -5689501698441248615,
        None,
        -5689501698441248615,
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name = "landline"', 'nom = "landline"', "needs exactly"),
        ("{start}[(（]?", "(?=x)", "landline, pattern"),
    ],
)
def test_a_wrong_mask_is_refused_with_file_and_name(tmp_path, old, new, told):
    text = (SHIPPED / "masks.toml").read_text("utf-8")
    assert old in text
    (tmp_path / "masks.toml").write_text(text.replace(old, new), "utf-8")
    with pytest.raises(DefinitionError, match=r"masks\.toml") as caught:
        read_masks(tmp_path)
    assert told in str(caught.value)
