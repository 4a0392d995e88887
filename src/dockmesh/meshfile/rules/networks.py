"""Rules about the list of networks."""

from collections.abc import Iterator

from dockmesh.meshfile.excerpt import clipped, listed
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.keys.network import MOST_CHARACTERS, NetworkSection
from dockmesh.meshfile.nearest import did_you_mean
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.values import VLAN
from dockmesh.model.network import DOCKER_BRIDGE

# Networks that Docker makes itself, and a name that it takes for one of them.
DOCKERS = ("bridge", "host", "none", "default")
# What is offered first: the numbers before are in use in many a network.
FIRST_FREE = 20


def check_first(mesh: MeshSection) -> Iterator[Problem]:
    """docker0 comes first, and is as Docker has it."""
    for network in mesh.every_network[:1]:
        if network.label.value not in ("", DOCKER_BRIDGE):
            what = f"the first network is not {DOCKER_BRIDGE}"
            hint = f"{DOCKER_BRIDGE}, Docker's default bridge, comes first: `- {{name: {DOCKER_BRIDGE}, prefix: …}}`."
            yield Problem(what, hint, network.label.span)
            continue
        if network.vlan:
            yield Problem(f"{DOCKER_BRIDGE} has a vlan", "Its frames have no tag: leave `vlan` out.", network.vlan.span)
        if network.internal and network.internal.value:
            hint = "Docker's default bridge has a way out: leave `internal` out, or make a network that is internal."
            yield Problem(f"{DOCKER_BRIDGE} is internal", hint, network.internal.span)
        if network.hosts:
            yield Problem(f"{DOCKER_BRIDGE} has hosts", "It is on all hosts: leave `hosts` out.", network.hosts.span)
    for network in mesh.every_network[:1]:
        if network.prefix6:
            hint = (
                "Docker takes no pool within a prefix for its default bridge in IPv6, so two hosts would give out the "
                "same addresses. Take it out here, and give it to a network beside docker0: "
                "dockmesh network add NAME --prefix6 auto"
            )
            yield Problem(f"{DOCKER_BRIDGE} has a prefix6", hint, network.prefix6.span)


def check_names(mesh: MeshSection) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for place, network in enumerate(mesh.every_network):
        name, span, shown = network.label.value, network.label.span, network.shown
        if name in seen:
            hint = f"The other is in line {seen[name]}. "
            hint += (
                "Docker has one default bridge: give this one another name, such as blue, with a vlan, and an entry "
                "at each host."
                if name == DOCKER_BRIDGE
                else "Give each a name of its own."
            )
            yield Problem(f"there are two networks {shown}", hint, span)
        elif place and name in DOCKERS:
            hint = "Docker has one of that name, and makes no other. Choose another name."
            yield Problem(f"{shown} is a network of Docker's own", hint, span)
        elif place and len(name) > MOST_CHARACTERS:
            hint = (
                f"It has {len(name)} characters, and at most {MOST_CHARACTERS} fit: its bridge is called dm-{shown}, "
                "what joins that to the fabric dmv- and the name, and Linux takes 15 characters."
            )
            yield Problem(f"the name of the network {shown} is too long", hint, span)
        if name:
            seen.setdefault(name, span.line)


def check_vlans(mesh: MeshSection) -> Iterator[Problem]:
    seen: dict[int, NetworkSection] = {}
    taken = {network.vlan.value for network in mesh.every_network if network.vlan}
    free = next((number for number in range(FIRST_FREE, VLAN.high + 1) if number not in taken), VLAN.low)
    for network in once(mesh):
        if network.vlan is None:
            if network.whole:
                hint = f"Its frames need a tag between hosts, another one than other networks': vlan: {free}"
                yield Problem(f"{network.shown} has no vlan", hint, network.label.span)
        elif (other := seen.setdefault(network.vlan.value, network)) is not network:
            what = f"vlan of {network.shown} is also the vlan of {other.shown}"
            yield Problem(what, f"{other.shown} is in line {other.label.line}. Free is {free}.", network.vlan.span)


def check_hosts(mesh: MeshSection) -> Iterator[Problem]:
    names = [host.label.value for host in mesh.every_host]
    for network in mesh.every_network[1:]:
        seen = set()
        for host in network.hosts.value if network.hosts else ():
            if host.value not in names:
                what = f"{network.shown} names {clipped(host.value)}, and there is no such host"
                hint = f"The hosts are {listed(names)}.{did_you_mean(host.value, names)}"
                yield Problem(what, hint, host.span)
            elif host.value in seen:
                yield Problem(f"{network.shown} names {clipped(host.value)} twice", "Once is enough.", host.span)
            seen.add(host.value)


def once(mesh: MeshSection) -> Iterator[NetworkSection]:
    """The networks after docker0, each name once: that it is given twice is told by itself."""
    seen = {"", DOCKER_BRIDGE}
    for network in mesh.every_network[1:]:
        if network.label.value not in seen:
            seen.add(network.label.value)
            yield network


RULES = (check_first, check_names, check_vlans, check_hosts)
