"""The truth behind a world: read by tests, validation and the simulator, and by nothing else."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd
from scipy.special import logit

from csnb.errors import ParameterError, one_of
from csnb.world.aftermath import order_chances
from csnb.world.arrivals import draw_unresolved
from csnb.world.causes import BEHAVIOURS, CODES, combine, external_chances, sides
from csnb.world.observed import session_ids
from csnb.world.people import SKILLS, TRAITS
from csnb.world.scenarios import world_table
from csnb.world.service import serve


@dataclass(frozen=True)
class Truth:
    """Everything hidden about one world, and what would have been under an intervention."""

    draw: object

    @property
    def sessions(self):
        """Give, by session id: dissatisfaction, its probability, causes, side and chances of rating."""
        d = self.draw
        return pd.DataFrame(
            {
                "is_handled": d.contacts["is_handled"],
                "is_rated": d.ratings["is_rated"],
                "agent": d.contacts["agent"],
                "week": d.contacts["week"],
                "difficulty": d.contacts["difficulty"],
                "p_dissatisfied": d.outcome["p_dissatisfied"],
                "is_dissatisfied": d.outcome["is_dissatisfied"],
                "side": sides(d.outcome),
                **{code: d.outcome[code] for code in CODES},
                "p_rated_if_dissatisfied": d.ratings["p_rated_if_dissatisfied"],
                "p_rated_if_satisfied": d.ratings["p_rated_if_satisfied"],
                "p_ordered": order_chances(d.p, d.contacts, d.agents, d.service),
            },
            index=pd.Index(session_ids(d), name="session_id"),
        )

    @property
    def agents(self):
        """Give, by agent id: lasting traits, skills, training, and the adjusted effect on the log odds of dissatisfaction."""
        a = self.draw.agents
        lasting = dict(zip(TRAITS, a["lasting"], strict=True))
        return pd.DataFrame(
            {
                **lasting,
                **{skill: a[skill] for skill in SKILLS},
                "tier": world_table("tiers").index.to_numpy()[a["tier"]],
                "knot": world_table("tiers")["knot"].to_numpy()[a["tier"]],
                "is_trained": a["is_trained"],
                "effect": self._agent_effects(),
            },
            index=pd.Index(a["agent_id"], name="agent_id"),
        )

    @property
    def shops(self):
        """Give, by shop: platform, share of traffic, price level and commission rate."""
        names = ("platform", "traffic", "price_level", "commission_rate")
        shops = self.draw.shops
        return pd.DataFrame({name: shops[name] for name in names}, index=pd.Index(shops["shop"], name="shop"))

    def _agent_effects(self, sample=1500):
        """Give every agent's effect: the same handled sessions, given to each agent in turn, at lasting traits."""
        d = self.draw
        rows = np.flatnonzero(d.contacts["is_handled"])
        rows = rows[np.linspace(0, len(rows) - 1, min(sample, len(rows))).astype(int)]
        n = d.p.agents
        contacts = {name: np.tile(values[rows], n) for name, values in d.contacts.items()}
        contacts["agent"] = np.repeat(np.arange(n), len(rows))
        contacts["week"] = np.zeros(len(contacts["agent"]), int)
        agents = {**d.agents, "traits": d.agents["lasting"][:, :, None]}
        groups = {"reference": len(contacts["agent"])}
        service = _common_service(d, groups, contacts, agents, np.tile(d.service["load"][rows], n), n)
        chances = np.tile(d.chances[rows], (n, 1))
        outcome = combine(d.p, d.seed, groups, chances, service, np.zeros(len(chances)))
        odds = logit(outcome["p_dissatisfied"].reshape(n, -1).mean(axis=1))
        return odds - odds.mean()

    @property
    def tau2(self):
        """Give the variance of the agents' lasting effects on the log odds of dissatisfaction."""
        return float(np.var(self._agent_effects(), ddof=1))

    def do(self, behaviour="as_is", only=BEHAVIOURS, load="as_is", shock="as_is"):
        """Give what would have been under an intervention, with all draws as they were.

        Parameters
        ----------
        behaviour : "as_is", or "standard": the behaviours in `only` do not happen, the others stay; every
            inquiry is followed up
        only : names of behaviours (csnb.world.causes.BEHAVIOURS)
        load : "as_is", or the number of other open conversations that every agent has instead: one number,
            or one for each row of `sessions`
        shock : "as_is", or "off": external causes keep their usual chances

        Returns
        -------
        DataFrame by session id: p_dissatisfied, is_dissatisfied, p_ordered. No dissatisfaction arises
        that was not there when behaviours are taken away.

        Examples
        --------
        >>> from csnb.world import make_world
        >>> truth = make_world("S1", 1, sessions_per_week=500, agents=6).truth
        >>> seen, better = truth.do(), truth.do(behaviour="standard")
        >>> bool((better["p_dissatisfied"] <= seen["p_dissatisfied"]).all())
        True
        >>> bool((better["is_dissatisfied"] & ~seen["is_dissatisfied"]).any())
        False
        """
        d = self.draw
        one_of("behaviour", behaviour, ("as_is", "standard"))
        one_of("shock", shock, ("as_is", "off"))
        for name in only:
            one_of("only", name, BEHAVIOURS)
        service = d.service if isinstance(load, str) else self._served_at(load)
        if isinstance(load, str) and load != "as_is":
            raise ParameterError(f"load must be 'as_is', or numbers of 0 or more; got: {load!r}")
        acts = {name: service[name] for name in (*BEHAVIOURS, "is_followed_up")}
        if behaviour == "standard":
            acts |= {name: np.zeros_like(acts[name]) for name in only}
            acts["is_followed_up"] = d.contacts["is_handled"]
        chances = d.chances
        if shock == "off":
            calm = SimpleNamespace(**{**vars(d.p), "shock_cause": "none"})
            chances = external_chances(calm, d.seed, d.contacts, d.shops)
        outcome = combine(d.p, d.seed, d.groups, chances, acts, d.averted)
        return pd.DataFrame(
            {
                "p_dissatisfied": outcome["p_dissatisfied"],
                "is_dissatisfied": outcome["is_dissatisfied"],
                "p_ordered": order_chances(d.p, d.contacts, d.agents, acts),
            },
            index=pd.Index(session_ids(d), name="session_id"),
        )

    def _served_at(self, load):
        """Serve all sessions again at another load."""
        d = self.draw
        load = np.asarray(load, float)
        if load.shape not in ((), d.contacts["second"].shape) or not np.nanmin(load) >= 0:
            raise ParameterError(f"load must be 'as_is', or numbers of 0 or more; got: {load!r}")
        return serve(d.p, d.seed, d.groups, d.contacts, d.agents, load=load)

    def change(self, before, after):
        """Split the change of the mean chance of dissatisfaction between two sets of days into its true parts.

        Parameters
        ----------
        before, after : lists of day numbers from 0

        Returns
        -------
        Series of total, load, shock and rest, which add up: `load` is what the later sessions owe to their
            load instead of the earlier one of the same rank; `shock` what is left of it owed to the shock; `rest` is
            mix, training, the weather of single days and chance.
        """
        d = self.draw
        handled, day = d.contacts["is_handled"], d.contacts["day"]
        first, second = handled & np.isin(day, before), handled & np.isin(day, after)
        if not first.any() or not second.any():
            raise ParameterError(
                f"before and after must each hold a day with sessions; got: {before!r}, {after!r}"
            )
        usual = d.service["load"].copy()
        usual[second] = _same_rank(usual[second], usual[first])
        mean = {
            "before": self.do()["p_dissatisfied"].to_numpy()[first].mean(),
            "after": self.do()["p_dissatisfied"].to_numpy()[second].mean(),
            "at usual load": self.do(load=usual)["p_dissatisfied"].to_numpy()[second].mean(),
            "calm": self.do(load=usual, shock="off")["p_dissatisfied"].to_numpy()[second].mean(),
        }
        return pd.Series({
            "total": mean["after"] - mean["before"],
            "load": mean["after"] - mean["at usual load"],
            "shock": mean["at usual load"] - mean["calm"],
            "rest": mean["calm"] - mean["before"],
        })  # fmt: skip

    @property
    def containment(self):
        """Give, for every session that met a bot, whether the bot settled it: not handed over, no matter left, no refund."""
        d = self.draw
        refunded = np.zeros(len(d.contacts["second"]), bool)
        refunded[d.followed["refunds"]["row"]] = True
        settled = ~d.contacts["is_handled"] & ~d.contacts["is_unresolved"] & ~refunded
        return pd.Series(settled, index=pd.Index(session_ids(d), name="session_id"))[d.contacts["has_bot"]]

    def recoverable(self, only=BEHAVIOURS, among="handled"):
        """Give the fall in the mean chance of dissatisfaction if the behaviours in `only` did not happen.

        `among` is "handled" (all sessions an agent served) or "rated" (those rated, whose chance is the
        one given that they rate).
        """
        one_of("among", among, ("handled", "rated"))
        d = self.draw
        seen, better = self.do()["p_dissatisfied"], self.do("standard", only)["p_dissatisfied"]
        if among == "handled":
            return float((seen - better)[d.contacts["is_handled"]].mean())
        bad, good = d.ratings["p_rated_if_dissatisfied"], d.ratings["p_rated_if_satisfied"]
        given = [p * bad / (p * bad + (1 - p) * good) for p in (seen, better)]
        return float((given[0] - given[1])[d.ratings["is_rated"]].mean())

    def shares(self, among=None):
        """Give the shares of the dissatisfied by side: any_controllable and the four sides, which add up to 1.

        `among` is a bool array over the rows of `sessions`; default: the handled sessions.
        """
        d = self.draw
        among = d.contacts["is_handled"] if among is None else np.asarray(among)
        side = pd.Series(sides(d.outcome)[among & d.outcome["is_dissatisfied"]])
        names = ["controllable", "mixed", "uncontrollable", "unexplained"]
        shares = side.value_counts(normalize=True).reindex(names, fill_value=0.0)
        return pd.concat([pd.Series({"any_controllable": shares["controllable"] + shares["mixed"]}), shares])


def _same_rank(later, earlier):
    """Give the earlier values that hold the ranks of the later ones."""
    rank = (np.argsort(np.argsort(later, kind="stable"), kind="stable") + 0.5) / len(later)
    return np.quantile(earlier, rank, method="inverted_cdf")


def _common_service(d, groups, contacts, agents, load, copies):
    """Serve the same sessions by every agent with one set of draws, repeated."""
    one = {"reference": groups["reference"] // copies}
    parts = []
    for k in range(copies):
        rows = slice(k * one["reference"], (k + 1) * one["reference"])
        part = {name: values[rows] for name, values in contacts.items()}
        part["is_unresolved"] = draw_unresolved(d.p, d.seed, one, part, agents)
        parts.append(serve(d.p, d.seed, one, part, agents, load=load[rows]))
    return {name: np.concatenate([part[name] for part in parts]) for name in BEHAVIOURS}
