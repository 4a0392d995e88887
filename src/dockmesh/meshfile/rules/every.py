"""All rules that hold between values: each a function from what was read to the problems that it finds."""

from collections.abc import Callable, Iterator

from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.rules import (
    addresses,
    allocations,
    attach,
    docker,
    encryption,
    endpoint,
    hosts,
    links,
    networks,
    pools,
    prefix,
    sites,
    topology,
    tunnel_devices,
    underlay,
)
from dockmesh.meshfile.rules.view import NetworkView, views

RULES: tuple[Callable[[MeshSection], Iterator[Problem]], ...] = (
    *(
        *hosts.RULES,
        *underlay.RULES,
        *tunnel_devices.RULES,
        *encryption.RULES,
        *endpoint.RULES,
        *topology.RULES,
        *links.RULES,
        *sites.RULES,
    ),
    *(*networks.RULES, *allocations.RULES, *prefix.RULES, *attach.RULES, *docker.RULES),
)
# Each looks at the prefix of one network, and at what its hosts have there; in IPv6 as in IPv4.
OF_EACH_NETWORK: tuple[Callable[[NetworkView], Iterator[Problem]], ...] = (
    *(prefix.check_range, prefix.check_size),
    *(addresses.check_same, addresses.check_in_prefix, addresses.check_against_pools),
    *(pools.check_in_prefix, pools.check_apart, pools.check_holds_a_container),
    attach.check_addresses,
)


def check(mesh: MeshSection) -> list[Problem]:
    """Every problem that every rule finds."""
    of_networks = list(views(mesh))
    return [
        *(problem for rule in RULES for problem in rule(mesh)),
        *(problem for rule in OF_EACH_NETWORK for view in of_networks for problem in rule(view)),
    ]
