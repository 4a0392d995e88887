"""The resolver of a host: what it is told, and its program."""

import json
from functools import cache
from importlib.resources import files as resources

from dockmesh.model import DEFAULT_NETWORK, DOCKER_BRIDGE
from dockmesh.plan.types import HostPlan, Plan

SETTINGS = "/etc/dockmesh/names.conf"
PROGRAM = "/etc/dockmesh/names.py"
UNIT = "dockmesh-names.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
PACKAGE = "names"


def settings(plan: Plan, host: HostPlan) -> str:
    """The networks of the host: where it listens, and who else is there."""
    network = {
        "name": DOCKER_BRIDGE,
        "docker": DEFAULT_NETWORK,
        "address": str(host.address.ip),
        "prefix": str(host.address.network),
        "peers": {other.name: str(other.address.ip) for other in plan.hosts if other.name != host.name},
    }
    content = {"host": host.name, "domain": plan.domain, "networks": [network]}
    return json.dumps(content, indent=1)


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
