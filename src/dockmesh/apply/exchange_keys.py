"""Which keys the hosts of a mesh have, and which they are to get."""

import base64
import secrets
from collections.abc import Collection, Mapping
from dataclasses import replace

from dockmesh.errors import ConflictError, DockmeshError
from dockmesh.facts import keys
from dockmesh.facts.types import HostKeys
from dockmesh.plan.secrets import MeshKeys
from dockmesh.plan.types import Plan
from dockmesh.transport.fanout import all_of
from dockmesh.transport.requests import Transport

KEY_BYTES = 32
KEPT = "on this machine"


async def exchange(
    plan: Plan, hosts: Mapping[str, Transport], kept: Mapping[str, str], *, make: bool, renew: bool = False
) -> Plan:
    """The plan with the public keys of its hosts, and with a new preshared key for each pair that has none in common.

    `kept`: the public keys of hosts that are not asked. `make`: whether a host without a private key makes one; nothing
    else is written. `renew`: all pairs get a new one. A host that does not answer is left as it is, and whoever reads
    it next says why. Raises ConflictError where it is not clear which key an absent host has.
    """
    answers = await all_of({name: _ask(host, make=make) for name, host in hosts.items()})
    found = {name: answer for name, answer in answers.items() if not isinstance(answer, DockmeshError)}
    names = {host.name for host in plan.hosts}
    own = {name: each.public for name, each in found.items() if each.public is not None}
    public = {**_of_absent(found, kept, names - {*own}), **own}
    return replace(plan, keys=MeshKeys(public, _preshared(plan, found, renew=renew)))


def _of_absent(found: Mapping[str, HostKeys], kept: Mapping[str, str], absent: Collection[str]) -> dict[str, str]:
    """The public keys of hosts that say none themselves: what this machine kept, else what their peers have.

    A host that says another key of its peer could be in that peer's place. Raises ConflictError where they differ.
    """
    public: dict[str, str] = {}
    for name in sorted(absent):
        said = {KEPT: kept[name]} if name in kept else {}
        said |= {f"on {host}": each.peers[name] for host, each in sorted(found.items()) if name in each.peers}
        if len({*said.values()}) > 1:
            (first, key), *others = said.items()
            other = next(where for where, value in others if value != key)
            raise ConflictError(
                f"has one public key {first} and another one {other}, and does not answer",
                host=name,
                now="nothing was changed",
                do=f"bring {name} into the run: what it says itself counts; if it will not come back, take it out of "
                f"the file (`dockmesh host remove {name}`)",
            )
        if said:
            public[name] = next(iter(said.values()))
    return public


async def _ask(host: Transport, *, make: bool) -> HostKeys:
    (answer,) = await host.ask(keys.order(make=make))
    return keys.read(answer)


def _preshared(plan: Plan, found: Mapping[str, HostKeys], *, renew: bool) -> Mapping[frozenset[str], str]:
    """Of pairs of which both ends can be given one: with one alone no packet would pass."""
    pairs = [(link.a, link.b) for link in plan.links if link.a in found and link.b in found]
    return {
        frozenset((a, b)): base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        for a, b in pairs
        if renew or not found[a].preshared.get(b) or found[a].preshared.get(b) != found[b].preshared.get(a)
    }
