"""The simulator: worlds with known truth, for the demo data and every validation study.

make_world      one world, fast: sessions and other tables as the house builds them, and the truth
simulate        one world as chat exports in the platforms' own layouts
write_exports   the same for a world that is already made
scenario_names  the worlds there are
"""

from csnb.world.exports import simulate, write_exports
from csnb.world.making import World, make_world
from csnb.world.scenarios import scenario_names

__all__ = ["World", "make_world", "scenario_names", "simulate", "write_exports"]
