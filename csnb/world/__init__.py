"""The simulator: worlds with known truth, for the demo data and every validation study.

    make_world      one world, fast: sessions and other tables as the house builds them, and the truth
    simulate        one world as chat exports in the platforms' own layouts
    write_exports   the same for a world that is already made
    scenario_names  the worlds there are

The rooms, in the order of cause and effect: scenarios (what is asked for), draws (named streams of chance),
people (shops, agents), arrivals (customers, bot, routing, repeats), service (load, reply times, behaviours),
causes (why customers are dissatisfied), ratings (who answers, machine scores, analysts), aftermath (orders,
refunds, tickets), making (the whole chain), observed (what is seen), truth (what is not). The text lane: plot
(who does what when), grammar and stock (words), talk (messages), faults (dirt), exports (files), coders (labels on a sample of
them). What the worlds are made of stands in definitions/world/.
"""

from csnb.world.exports import simulate, write_exports
from csnb.world.making import World, make_world
from csnb.world.scenarios import scenario_names

__all__ = ["World", "make_world", "scenario_names", "simulate", "write_exports"]
