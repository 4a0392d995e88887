"""Which of the packages that we installed nobody else needs: pure."""

from collections.abc import Iterable

from dockmesh.diff.packages import DOCKER
from dockmesh.facts.packages import Dependent
from dockmesh.facts.types import HostFacts
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.render import ovs

SWITCH_PACKAGE = "openvswitch-switch"


def in_use(ours: Iterable[str], facts: HostFacts) -> dict[str, str]:
    """Those that must stay for what runs on them, and what that is."""
    used: dict[str, str] = {}
    containers = facts.docker.containers if facts.docker else ()
    bridges = [
        each.name for each in facts.ovs or () if each.name != FABRIC_BRIDGE and ovs.MARK not in each.external_ids
    ]
    for name in ours:
        if name in DOCKER and containers:
            used[name] = f"it runs {', '.join(container.name for container in containers)}"
        if name == SWITCH_PACKAGE and bridges:
            used[name] = f"it has {', '.join(bridges)}"
    return used


def removable(ours: Iterable[str], used: Iterable[str], known: tuple[Dependent, ...]) -> tuple[str, ...]:
    """Of ours those that neither a package of the user's nor one in use needs, or may need.

    A package that is one of several which would do counts as needed; what is only recommended, too.
    """
    mine = {*ours} - {*used}
    installed = [each for each in known if each.installed]
    by_name: dict[str, set[str]] = {}
    for each in installed:
        for name in (each.name, *each.provides):
            by_name.setdefault(name, set()).add(each.name)
    needs = {each.name: each.needs for each in installed}
    needed: set[str] = set()
    waiting = [name for name in needs if name not in mine]
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        needed.add(name)
        for wanted in needs[name]:
            waiting += by_name.get(wanted, ())
    return tuple(sorted(each.name for each in known if each.name in mine and each.name not in needed))
