"""Who works where: the shops, and the agents with their hidden traits."""

import numpy as np

from csnb.world.draws import choose, normals, uniforms
from csnb.world.scenarios import world_table

TRAITS = ("ability", "willingness", "capacity")
SKILLS = ("reception", "service", "presale_selling", "aftersale_solving", "product_knowledge")


def open_shops(p, seed):
    """Give the shops: name, platform, share of traffic, price level and product mix, as arrays."""
    n, lines = p.shops, world_table("product_lines")
    traffic = np.exp(p.shop_spread * normals(seed, "shop traffic", n))
    spread = np.exp(p.mix_spread * 0.8 * normals(seed, "shop lines", n * len(lines))).reshape(n, -1)
    return {
        "shop": np.array([f"{_SHOP_NAMES[i % len(_SHOP_NAMES)]}{_branch(i)}" for i in range(n)]),
        "platform": np.array([p.platforms[i % len(p.platforms)] for i in range(n)]),
        "traffic": traffic / traffic.sum(),
        "price_level": np.exp(p.shop_spread * normals(seed, "shop prices", n)),
        "line_weights": lines["share"].to_numpy() * spread,
        "commission_rate": np.round(0.01 + 0.03 * uniforms(seed, "shop commission", n), 4),
    }


_SHOP_NAMES = ("青禾优选", "北岸家居", "云朵母婴", "山行户外", "拾光美妆", "橙意数码", "南屿食品", "木槿女装")


def _branch(number):
    """Tell shops of one name apart."""
    return "" if number < len(_SHOP_NAMES) else f"{number // len(_SHOP_NAMES) + 1}店"


def hire(p, seed, shops):
    """Give the agents as arrays: traits by week, skills, tenure, tier, shift, shop, team, supplier.

    The three traits are normal with unit spread and one correlation (own Cholesky factor); tiers
    follow ability; everyone's traits wander from week to week around the lasting level.
    """
    n = p.agents
    lasting = p.trait_spread * _correlated(seed, n, p.trait_correlation)
    wander = p.week_spread * np.stack(
        [normals(seed, f"{trait} by week", n * p.weeks).reshape(n, p.weeks) for trait in TRAITS]
    )
    shop = np.arange(n) % p.shops if p.shops > n else _deal(shops["traffic"], n)
    place = np.arange(n) - np.searchsorted(np.sort(shop), shop) if p.shops <= n else np.arange(n)
    shifts = world_table("shifts")
    agents = {
        "agent_id": np.array([f"{shops['shop'][shop[i]]}:{_NICKNAMES[i % 20]}{i + 1:02d}" for i in range(n)]),
        "name": np.array([_FAMILY[i % len(_FAMILY)] + _GIVEN[i * 7 % len(_GIVEN)] for i in range(n)]),
        "shop": shop,
        "is_presale_team": place % 2 == 0,
        "tier": _tiers(p, seed, lasting[0]),
        "shift": choose(_spread_out(place // 2), shifts["share"].to_numpy()),
        "supplier": np.floor(uniforms(seed, "supplier", n) * p.suppliers).astype(int),
        "tenure_days": np.round(30 + 700 * uniforms(seed, "tenure", n) ** 2).astype(int),
        "day_off": place * 3 % 7,
        "lasting": lasting,
        "traits": lasting[:, :, None] + wander,
    }
    for skill in SKILLS:
        agents[skill] = 0.6 * lasting[0] + 0.8 * p.trait_spread * normals(seed, skill, n)
    return agents


_FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN = ("婷", "敏", "静", "丽", "强", "磊", "洋", "勇", "艳", "杰", "娟", "涛", "霞", "超", "玲", "欣怡", "雨桐", "浩然", "子轩", "佳琪", "思远", "梦洁", "志豪")  # fmt: skip
_NICKNAMES = ("小鹿", "桃子", "阿布", "星星", "米粒", "可乐", "豆豆", "夏天", "年糕", "七七", "团子", "小满", "青柠", "布丁", "糖糖", "阿木", "小北", "果果", "柚子", "十一")  # fmt: skip


def _correlated(seed, n, correlation):
    """Give three rows of unit normals with one common correlation, by a Cholesky factor written out."""
    first, second, third = (normals(seed, trait, n) for trait in TRAITS)
    r = correlation
    b = np.sqrt(1 - r * r)
    c = (r - r * r) / b
    return np.stack(
        [first, r * first + b * second, r * first + c * second + np.sqrt(1 - r * r - c * c) * third]
    )


def _deal(traffic, n):
    """Give every agent a shop: at least one agent a shop, the others by traffic (largest remainder)."""
    spare = n - len(traffic)
    exact = traffic * spare
    counts = np.floor(exact).astype(int)
    order = np.argsort(counts - exact, kind="stable")
    counts[order[: spare - counts.sum()]] += 1
    return np.sort(np.repeat(np.arange(len(traffic)), counts + 1))


def _spread_out(place):
    """Give numbers in [0, 1) that fill every stretch evenly (golden-ratio steps): rosters, not dice."""
    return np.round((0.5 + 0.6180339887 * place) % 1, 6)


def _tiers(p, seed, ability):
    """Give every agent a tier: the order follows ability, more or less."""
    tiers = world_table("tiers")
    noise = normals(seed, "tier", len(ability))
    order = np.argsort(p.tier_by_ability * ability + (1.2 - p.tier_by_ability) * noise, kind="stable")
    place = np.empty(len(ability))
    place[order] = (np.arange(len(ability)) + 0.5) / len(ability)
    bounds = np.cumsum(tiers["share"].to_numpy()) / tiers["share"].sum()
    return np.minimum(np.searchsorted(bounds, place), len(tiers) - 1)


def on_duty(p, agents):
    """Say who works when: agents x half hours of a week (Monday 0:00 first), True on duty."""
    shifts = world_table("shifts")
    starts, ends = (shifts[edge].to_numpy()[agents["shift"], None] for edge in ("starts", "ends"))
    slot = np.arange(7 * 48)
    hour, day = (slot % 48) / 2, slot // 48
    today = (hour >= starts) & (hour < ends)
    since_yesterday = hour + 24 < ends
    worked = (np.arange(7)[None, :] - agents["day_off"][:, None]) % 7 >= 7 - p.days_a_week
    return today & worked[:, day] | since_yesterday & worked[:, (day - 1) % 7]
