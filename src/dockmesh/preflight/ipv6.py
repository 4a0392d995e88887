"""What stands in the way of networks with IPv6: one host at a time, and only where the file has such networks."""

from collections.abc import Iterator
from ipaddress import IPv6Network

from dockmesh.plan.types import HostNetwork, HostPlan, Plan
from dockmesh.preflight.types import Check, Finding, HostEvidence, Level
from dockmesh.render.network import LABEL

# What the kernel takes of a router while it forwards packets itself (ip-sysctl.rst, `accept_ra`).
TAKES_ALL_THE_SAME = 2


def judge(plan: Plan, evidence: HostEvidence) -> Iterator[Finding]:
    host = plan.host(evidence.facts.name)
    if not host.has_ipv6:
        return
    name = (host.name,)
    if evidence.around.ipv6_off:
        what = "IPv6 is switched off, and networks of the file have it"
        do = "set net.ipv6.conf.all.disable_ipv6 and net.ipv6.conf.default.disable_ipv6 to 0, in /etc/sysctl.d too"
        yield Finding(Check.ROUTES, Level.BLOCKER, name, what, do)
    docker = evidence.facts.docker
    if evidence.around.ipv6_forward and not (docker is not None and docker.keeps_ipv6_apart):
        what = "it forwards IPv6, and Docker's rules, which it is to have, drop what it forwards for others"
        do = "if somebody needs that, let it through in the chain DOCKER-USER of ip6tables once Docker has made it"
        yield Finding(Check.FORWARDING, Level.WARNING, name, what, do)
    if docker is not None and not docker.keeps_ipv6_apart:
        for other in docker.networks:
            if other.ipv6 and LABEL not in other.labels:
                what = (
                    f"Docker's network {other.name} has IPv6, and the rules that Docker is to make are for it, too: "
                    "its containers are reached from outside at published ports only, and have the host's address there"
                )
                do = "publish the ports that others need, or leave IPv6 out of the mesh on this host"
                yield Finding(Check.DOCKER_NETWORKS, Level.WARNING, name, what, do)
    for device in sorted({route.device for route in evidence.around.routes6 if route.by_router}):
        if evidence.around.accept_ra.get(device) == 1:
            what = (
                f"its IPv6 routes by {device} come from a router's advertisements, which the kernel does not take any "
                "more once Docker lets it forward IPv6: they end when they expire"
            )
            do = f"set net.ipv6.conf.{device}.accept_ra to {TAKES_ALL_THE_SAME}, in /etc/sysctl.d too"
            yield Finding(Check.ROUTES, Level.WARNING, name, what, do)
    for allocation in host.further:
        if allocation.prefix6 is not None:
            yield from _prefix(host, allocation, allocation.prefix6, evidence)


def _prefix(host: HostPlan, allocation: HostNetwork, prefix: IPv6Network, evidence: HostEvidence) -> Iterator[Finding]:
    """Docker's own networks are looked at by what apply refuses."""
    name = (host.name,)
    of_docker = {network.bridge for network in evidence.around.networks}
    skipped = {*of_docker, *(device for each in host.networks for device in (each.bridge, each.switch))}
    wrong = False
    for link in evidence.facts.links:
        inside = [each for each in link.addresses6 if each.ip in prefix and link.name not in skipped]
        if inside:
            skipped.add(link.name)
            wrong = True
            what = f"{link.name} has the address {inside[0]}, which is in the prefix6 of {allocation.name}, {prefix}"
            do = f"take it away (`ip address del {inside[0]} dev {link.name}`), "
            do += f"or give {allocation.name} another prefix6"
            yield Finding(Check.ROUTES, Level.BLOCKER, name, what, do)
    for route in evidence.around.routes6:
        if route.device not in skipped and route.network.overlaps(prefix) and route.network.prefixlen > 0:
            wrong = True
            where = route.device or "nowhere"
            what = f"the route {route.network} leads to {where}, and {prefix} of {allocation.name} overlaps it"
            do = f"remove that route, or give {allocation.name} another prefix6"
            level = Level.BLOCKER if route.network.subnet_of(prefix) else Level.WARNING
            yield Finding(Check.ROUTES, level, name, what, do)
    if not wrong:
        yield Finding(Check.ROUTES, Level.FINE, name, f"nothing else has routes or addresses in {prefix}")
