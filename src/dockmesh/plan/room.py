"""How many hosts still fit into a mesh without moving one, and what each of them would get."""

from dataclasses import dataclass
from itertools import groupby, islice

from dockmesh.model.mesh import Mesh
from dockmesh.model.network import Network
from dockmesh.plan.address import later_slots, outside_of, slots_in


@dataclass(frozen=True, slots=True)
class Room:
    """`narrowest` is the network that fills up first; `pools` are those of docker0, by the lengths of their prefixes,
    in the order in which hosts get them.
    """

    hosts: int
    narrowest: Network
    pools: tuple[int, ...]

    @property
    def text(self) -> str:
        """For the screen, and for the comment that `dockmesh init` puts into the file."""
        name = self.narrowest.name
        if self.hosts == 0:
            prefix = self.narrowest.prefix
            return f"No more hosts fit into {name} ({prefix}) without changing others; `dockmesh host add` names ways."
        hosts = "1 more host fits" if self.hosts == 1 else f"{self.hosts} more hosts fit"
        runs = ((length, len(list(alike))) for length, alike in groupby(self.pools))
        sizes = ", ".join(f"/{length}" if count == 1 else f"{count} of /{length}" for length, count in runs)
        return f"{hosts} into {name} without changing others. Their pools in docker0, in turn: {sizes}."


def room_of(mesh: Mesh) -> Room:
    """Of the networks that are on all hosts: a new host must have a place in each of them."""
    lengths = {
        network.name: [
            slot.pool.prefixlen
            for slot in later_slots(network.prefix, slots_in(mesh, network.name).values(), outside_of(network))
        ]
        for network in mesh.networks
        if network.hosts is None
    }
    narrowest = min(
        (network for network in mesh.networks if network.name in lengths), key=lambda each: len(lengths[each.name])
    )
    hosts = len(lengths[narrowest.name])
    return Room(hosts, narrowest, tuple(islice(lengths[mesh.docker0.name], hosts)))
