"""Addresses that two have: by what the hosts say of themselves, and by who answered for them on the wire.

Neither is enough. Two containers with one address have one MAC too, so the wire shows one answer; and an address that
somebody set inside a container, or on a machine that is no host of the mesh, no host says.
"""

from collections import defaultdict
from collections.abc import Iterator

from dockmesh.plan.types import Plan
from dockmesh.verify.evidence import Evidence
from dockmesh.verify.host import PAIRS
from dockmesh.verify.types import Cause, Fault

Claims = dict[str, dict[str, str]]  # by address: who has it, and on which host; "" for nobody knows where


def problems(plan: Plan, evidence: Evidence) -> Iterator[Cause]:
    """Each address with more than one owner."""
    planned = {str(host.address.ip): host.name for host in plan.hosts}
    for address, owners in sorted(_claims(plan, evidence).items()):
        if len(owners) < 2:
            continue
        right = planned.get(address)
        hosts = dict.fromkeys(name for name in (right, *owners.values()) if name)
        others = [who for who, name in owners.items() if name != right] or list(owners)
        yield Cause(
            Fault.ADDRESS_TAKEN,
            tuple(hosts),
            f"{address} belongs to {' and to '.join(owners)}",
            f"take it from {' and '.join(others)}" + (f": it is {right}'s" if right else ""),
            PAIRS,
        )


def _claims(plan: Plan, evidence: Evidence) -> Claims:
    claims: Claims = defaultdict(dict)
    macs: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)  # by MAC and address, what is known to have both
    for name, known in evidence.hosts.items():
        for link in known.facts.links:
            for address in link.addresses:
                if address.ip in plan.prefix:
                    claims[str(address.ip)][f"{link.name} of {name}"] = name
                macs[link.mac].setdefault("", (f"{link.name} of {name}", name))
        for container in known.facts.docker.containers if known.facts.docker else ():
            if container.address:
                claims[container.address][f"container {container.name} on {name}"] = name
        if known.container:
            claims[known.container.address][f"the probe container on {name}"] = name
            macs[known.container.mac][known.container.address] = (f"the probe container on {name}", name)
    for known in evidence.hosts.values():
        for address, owners in known.from_container.owners.items():
            for mac in dict.fromkeys(owners.macs):
                who, where = macs[mac].get(address) or macs[mac].get("") or _unknown(mac)
                if not any(name == where for name in claims[address].values()) or not where:
                    claims[address][who] = where
    return claims


def _unknown(mac: str) -> tuple[str, str]:
    return f"somebody with the MAC address {mac}", ""
