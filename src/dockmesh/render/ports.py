"""What keeps a container from being a host, or another container: nftables' rules of a host.

Frames from one container to another of its host, or to the host itself, do not pass the flows of the fabric. These
rules stand where a container's frames come into a bridge of ours; agent/port_guard.py adds which ports those are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from dockmesh.plan.types import HostNetwork, HostPlan, Plan
from dockmesh.render import nft, peers
from dockmesh.render.neighbours import (
    LINK_LOCAL,
    NEIGHBOUR_ADVERTISEMENT,
    NEIGHBOUR_SOLICITATION,
    REDIRECT,
    ROUTER_ADVERTISEMENT,
    ROUTER_SOLICITATION,
)
from dockmesh.render.neighbours import of_bridge as addresses_of_bridge
from dockmesh.render.nft import NEEDS, listed

RULES = "/etc/dockmesh/ports"
PROGRAM = "/etc/dockmesh/port-guard.py"
UNIT = "dockmesh-ports.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
FILES = (RULES, PROGRAM, UNIT_FILE)
# No error where it is not there. The program leaves its rules: they stand while another one takes its place.
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
    underlays: str  # what matches packets from an underlay address; empty in an encrypted mesh
    named: str  # the bridges by name, for kernels that know the bridge of a port
    switches: str  # ports that lead to other hosts
    needs: str  # before what a line needs of the kernel
    inet: tuple[str, ...]  # chains about packets that the host takes or passes on


def words(plan: Plan, host: HostPlan) -> Words:
    bridges = [allocation for network in host.networks for _, allocation in plan.allocations(network.name)]
    six = [address for allocation in bridges for address in addresses_of_bridge(allocation)]
    pools6 = [IPv6Network(LINK_LOCAL), *(network.pool6 for network in host.networks if network.pool6)]
    return Words(
        rules_file=RULES,
        program=PROGRAM,
        bridges=tuple(f"{network.bridge}={network.switch}" for network in host.networks),
        of_ipv4=listed(str(allocation.address.ip) for allocation in bridges),
        of_ipv6=listed(map(str, six)),
        advertised=listed(map(_raw, six)),
        own_ipv4=listed(["0.0.0.0", *(str(network.pool) for network in host.networks)]),  # noqa: S104 — of nobody
        own_ipv6=listed(["::", *map(str, pools6)]),
        own_targets=listed(f"{_raw(pool[0])}-{_raw(pool[-1])}" for pool in pools6),
        routers=listed(map(str, (ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, REDIRECT))),
        neighbours=listed(map(str, (NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT))),
        advertisement=NEIGHBOUR_ADVERTISEMENT,
        underlays="" if plan.fabric.encryption else peers.from_underlay(plan),
        named=listed(f'"{network.bridge}"' for network in host.networks),
        switches=listed(f'"{network.switch}"' for network in host.networks),
        needs=NEEDS,
        inet=(*peers.rules(plan, host), *_names(plan, host)),
    )


def _names(plan: Plan, host: HostPlan) -> tuple[str, ...]:
    """The resolver knows by its address who asks from an internal network, and asks nobody outside for it."""
    inner = [network for network in host.networks if network.internal]
    return (
        tuple(nft.chain("names", "input", [line for each in inner for line in _forged_question(each)]))
        if inner and plan.domain
        else ()
    )


def _forged_question(network: HostNetwork) -> Iterator[str]:
    asks = "meta l4proto { tcp, udp } th dport 53 counter drop"
    yield f"iifname {network.bridge} ip saddr != {network.prefix} {asks}"
    six = "meta nfproto ipv6" if network.prefix6 is None else f"ip6 saddr != {network.prefix6}"
    yield f"iifname {network.bridge} {six} {asks}"


def _raw(address: IPv6Address) -> str:
    """As a number: older nftables have no name for the target of a neighbour's message."""
    return f"0x{int(address):032x}"
