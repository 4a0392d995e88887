"""What keeps a container from being a host, or another container: nftables' rules of a host.

Frames from one container to another of its host, or to the host itself, do not pass the flows of the fabric. These
rules stand where a container's frames come into a bridge of ours; agent/port_guard.py adds which ports those are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from dockmesh.plan.types import HostPlan, Plan
from dockmesh.render import peers
from dockmesh.render.neighbours import (
    LINK_LOCAL,
    NEIGHBOUR_ADVERTISEMENT,
    NEIGHBOUR_SOLICITATION,
    REDIRECT,
    ROUTER_ADVERTISEMENT,
    ROUTER_SOLICITATION,
)
from dockmesh.render.neighbours import of_bridge as addresses_of_bridge

RULES = "/etc/dockmesh/ports"
PROGRAM = "/etc/dockmesh/port-guard.py"
UNIT = "dockmesh-ports.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
FILES = (RULES, PROGRAM, UNIT_FILE)
# No error where it is not there. The program does it when it is stopped, and not where it had died.
FORGET = (
    *("nft", "add", "table", "bridge", "dockmesh;", "delete", "table", "bridge", "dockmesh;"),
    *("add", "table", "inet", "dockmesh_peers;", "delete", "table", "inet", "dockmesh_peers"),
)


@dataclass(frozen=True, slots=True)
class Words:
    """What the templates need; each a list as nftables writes it."""

    rules_file: str
    program: str
    bridges: tuple[str, ...]  # as the program wants them: the name, and the port to other hosts
    of_ipv4: str  # the addresses of all bridges of the mesh, in this host's networks
    of_ipv6: str
    advertised: str  # the same of IPv6
    own_ipv4: str  # what this host may have given its containers; who has no address yet has 0.0.0.0 or ::
    own_ipv6: str
    own_targets: str
    routers: str
    neighbours: str
    advertisement: int
    peers: tuple[str, ...]  # chains about who may send the host tunnels' packets; empty where nobody asks


def words(plan: Plan, host: HostPlan) -> Words:
    bridges = [allocation for network in host.networks for _, allocation in plan.allocations(network.name)]
    six = [address for allocation in bridges for address in addresses_of_bridge(allocation)]
    pools6 = [IPv6Network(LINK_LOCAL), *(network.pool6 for network in host.networks if network.pool6)]
    return Words(
        rules_file=RULES,
        program=PROGRAM,
        bridges=tuple(f"{network.bridge}={network.switch}" for network in host.networks),
        of_ipv4=_listed(str(allocation.address.ip) for allocation in bridges),
        of_ipv6=_listed(map(str, six)),
        advertised=_listed(map(_raw, six)),
        own_ipv4=_listed(["0.0.0.0", *(str(network.pool) for network in host.networks)]),  # noqa: S104 — of nobody
        own_ipv6=_listed(["::", *map(str, pools6)]),
        own_targets=_listed(f"{_raw(pool[0])}-{_raw(pool[-1])}" for pool in pools6),
        routers=_listed(map(str, (ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, REDIRECT))),
        neighbours=_listed(map(str, (NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT))),
        advertisement=NEIGHBOUR_ADVERTISEMENT,
        peers=peers.rules(plan, host),
    )


def _listed(values: Iterable[str]) -> str:
    return f"{{ {', '.join(values)} }}"


def _raw(address: IPv6Address) -> str:
    """As a number: older nftables have no name for the target of a neighbour's message."""
    return f"0x{int(address):032x}"
