"""What flows say of an address, and whether those of two plans say the same: pure.

In two tables a flow only says whose an address is, by the number of a host; the way there follows from the numbers
alone. So an address that only one of the plans knows sends no frame in a circle: where both plans say the number, the
way is the same, and elsewhere the frame is dropped.
"""

from bisect import bisect_left
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network

from dockmesh.render.flows import DESTINATION, SOURCE

FIELDS = ("nw_dst", "arp_tpa", "ipv6_dst", "nw_src", "arp_spa", "ipv6_src")
TABLES = (f"table={DESTINATION},", f"table={SOURCE},")

Network = IPv4Network | IPv6Network


class Meanings:
    """Of the flows of one plan: by table, field and addresses what they do."""

    def __init__(self, flows: Iterable[str]) -> None:
        self._actions: dict[str, dict[Network, set[str]]] = {}
        for words in flows:
            if found := _address(words):
                key, network, actions = found
                self._actions.setdefault(key, {}).setdefault(network, set()).add(actions)
        self._sorted = {
            key: sorted((int(network.network_address), network.prefixlen, network) for network in known)
            for key, known in self._actions.items()
        }

    def agree(self, words: str) -> bool:
        """Whether the flow says whose its addresses are, and no flow here says of one of them anything else.

        `words`: a flow without its cookie, from its table on.
        """
        found = _address(words)
        if found is None:
            return False
        key, network, actions = found
        known = self._actions.get(key, {})
        return all(known[each] == {actions} for each in self._meeting(key, network))

    def _meeting(self, key: str, network: Network) -> Iterable[Network]:
        """What has an address in common with the network: what it lies in, itself among them, and what lies in it."""
        known = self._actions.get(key, {})
        yield from (
            each for bits in range(network.prefixlen + 1) if (each := network.supernet(new_prefix=bits)) in known
        )
        inside = self._sorted.get(key, [])
        first = bisect_left(inside, (int(network.network_address), network.prefixlen + 1))
        for start, _, each in inside[first:]:
            if start > int(network.broadcast_address):
                break
            yield each


def _address(words: str) -> tuple[str, Network, str] | None:
    """Table and field, the addresses, and the actions, of a flow that says whose an address is."""
    table = next((table for table in TABLES if words.startswith(table)), None)
    match, _, actions = words.partition(",actions=")
    if table is None:
        return None
    named = [each.partition("=") for each in match.split(",")]
    addresses = [(name, value) for name, _, value in named if name in FIELDS]
    if len(addresses) != 1:
        return None
    ((name, value),) = addresses
    return f"{table}{name}", ip_network(value), actions
