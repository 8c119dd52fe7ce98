"""The truth behind a world: read by tests, validation and the simulator, and by nothing else."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import logit

from csnb.errors import ParameterError, one_of
from csnb.world.aftermath import order_chances
from csnb.world.causes import BEHAVIOURS, CONTROLLABLE, EXTERNAL, combine, sides
from csnb.world.observed import session_ids
from csnb.world.people import SKILLS, TRAITS
from csnb.world.scenarios import world_table
from csnb.world.service import serve

CODES = (*CONTROLLABLE, *EXTERNAL, "unclear")


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

    def _agent_effects(self, sample=400):
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

    def do(self, behaviour="as_is", only=BEHAVIOURS, load="as_is"):
        """Give what would have been under an intervention, with all draws as they were.

        Parameters
        ----------
        behaviour : "as_is", or "standard": the behaviours in `only` do not happen, the others stay
        only : names of behaviours (csnb.world.causes.BEHAVIOURS)
        load : "as_is", or the number of other open conversations that every agent has instead

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
        one_of("behaviour", behaviour, ("as_is", "standard"))
        for name in only:
            one_of("only", name, BEHAVIOURS)
        d, service = self.draw, self.draw.service
        if not isinstance(load, str):
            if not 0 <= load < np.inf:
                raise ParameterError(f"load must be 'as_is' or 0 or more; got: {load!r}")
            service = serve(d.p, d.seed, d.groups, d.contacts, d.agents, load=float(load))
        elif load != "as_is":
            raise ParameterError(f"load must be 'as_is' or 0 or more; got: {load!r}")
        gone = only if behaviour == "standard" else ()
        acts = {name: service[name] & (name not in gone) for name in BEHAVIOURS}
        outcome = combine(d.p, d.seed, d.groups, d.chances, acts, d.averted)
        return pd.DataFrame(
            {
                "p_dissatisfied": outcome["p_dissatisfied"],
                "is_dissatisfied": outcome["is_dissatisfied"],
                "p_ordered": order_chances(d.p, d.contacts, d.agents, acts),
            },
            index=pd.Index(session_ids(d), name="session_id"),
        )

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


def _common_service(d, groups, contacts, agents, load, copies):
    """Serve the same sessions by every agent with one set of draws, repeated."""
    one = {"reference": groups["reference"] // copies}
    parts = []
    for k in range(copies):
        rows = slice(k * one["reference"], (k + 1) * one["reference"])
        part = {name: values[rows] for name, values in contacts.items()}
        parts.append(serve(d.p, d.seed, one, part, agents, load=load[rows]))
    return {name: np.concatenate([part[name] for part in parts]) for name in BEHAVIOURS}
