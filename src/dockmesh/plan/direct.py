"""`direct` forwarding: for each host, what it does with the frames of each pair of hosts."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address

from dockmesh.plan.graph import neighbours
from dockmesh.plan.search import Searches
from dockmesh.plan.types import Forward, Link

# Up to so many hosts every link is searched. The rules of a host grow with the cube of their number then.
EVERYWHERE = 8
# Beyond, the searches go along so many paths that share no link.
BRANCHES = 4


def branches(hosts: int) -> int:
    """How many paths that share no link are searched at most, in a mesh of so many hosts."""
    return hosts - 1 if hosts <= EVERYWHERE else BRANCHES


def forwards(addresses: Mapping[str, IPv4Address], links: Sequence[Link]) -> dict[str, tuple[Forward, ...]]:
    """By host, in the order of pairs; hosts come in the order of their bridge addresses."""
    names = list(addresses)
    place = {name: number for number, name in enumerate(names)}
    around = [[place[peer] for peer in peers] for peers in neighbours(names, links).values()]
    keys = [int(address) for address in addresses.values()]
    searches = Searches(around, keys, branches(len(names)), everywhere=len(names) <= EVERYWHERE)
    found: dict[str, list[Forward]] = {name: [] for name in names}
    named: dict[tuple[int, ...], tuple[str, ...]] = {}
    for source, from_name in enumerate(names):
        for destination, to_name in enumerate(names):
            if source == destination:
                continue
            for (host, came_from), step in searches.rules(source, destination).items():
                if (choices := named.get(step.choices)) is None:
                    choices = named[step.choices] = tuple(names[choice] for choice in step.choices)
                found[names[host]].append(
                    Forward(
                        None if came_from is None else names[came_from],
                        from_name,
                        to_name,
                        choices,
                        None if step.resort is None else names[step.resort],
                    )
                )
    return {name: tuple(rows) for name, rows in found.items()}
