"""The resolver of a host: what it is told, and its program."""

import json
from functools import cache
from importlib.resources import files as resources

from dockmesh.model.network import DEFAULT_NETWORK
from dockmesh.plan.types import HostNetwork, HostPlan, Plan

SETTINGS = "/etc/dockmesh/names.conf"
PROGRAM = "/etc/dockmesh/names.py"
UNIT = "dockmesh-names.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
PACKAGE = "names"
ABOUT, MAIN = "The resolver of this host.", f"{PACKAGE}.main"


def settings(plan: Plan, host: HostPlan) -> str:
    """The networks of the host: where it listens, and who else is there."""
    networks = [
        {
            "name": network.name,
            "docker": DEFAULT_NETWORK if network.vlan is None else network.name,
            "address": str(network.address.ip),
            "prefix": str(network.prefix),
            "pool": str(network.pool),
            "peers": {
                other.name: str(allocation.address.ip)
                for other, allocation in plan.allocations(network.name)
                if other.name != host.name
            },
            **_ipv6(plan, host, network),
            **({"internal": True} if network.internal else {}),
        }
        for network in host.networks
    ]
    return json.dumps({"host": host.name, "domain": plan.domain, "networks": networks}, indent=1)


def _ipv6(plan: Plan, host: HostPlan, network: HostNetwork) -> dict[str, object]:
    if network.address6 is None:
        return {}
    others = (
        (other.name, allocation.address6)
        for other, allocation in plan.allocations(network.name)
        if other.name != host.name
    )
    return {
        "prefix6": str(network.prefix6),
        "address6": str(network.address6.ip),
        "peers6": {name: str(address.ip) for name, address in others if address is not None},
    }


def addresses(host: HostPlan) -> tuple[str, ...]:
    """Where the containers of a host ask. From an internal network no other address than its own can be reached."""
    asked = (network for network in host.networks if network.vlan is None or network.internal)
    return tuple(str(network.address.ip) for network in asked)


@cache
def modules() -> tuple[tuple[str, str], ...]:
    """The modules of the program, by name, with their texts; the package itself first."""
    folder = resources("dockmesh.agent.names")
    texts = {
        each.name.removesuffix(".py"): each.read_text(encoding="utf-8").rstrip("\n")
        for each in folder.iterdir()
        if each.name.endswith(".py")
    }
    package = texts.pop("__init__")
    return ((PACKAGE, package), *((f"{PACKAGE}.{name}", text) for name, text in sorted(texts.items())))
