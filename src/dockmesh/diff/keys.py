"""Keys that a host gets or forgets, and encryption that ends."""

from collections.abc import Iterator

from dockmesh.diff.subject import tunnel
from dockmesh.diff.types import Change, Step, StepName
from dockmesh.facts import keys
from dockmesh.facts.types import HostFacts
from dockmesh.render import wireguard
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Exec

PRESHARED = "preshared key"


def keys_step(config: HostConfig, facts: HostFacts) -> Step | None:
    """What the device is told is read by the unit, which may not run yet. A rollback brings no key back."""
    if facts.keys is None:
        return None
    changes = tuple(_changes(config, facts))
    if not changes:
        return None
    drop = tuple(each for each in facts.keys.preshared if each not in _peers(config))
    # Where it does not run yet there is nothing to take them.
    reload = Exec(("systemctl", "reload", wireguard.UNIT))
    runs = facts.units.get(wireguard.UNIT, {}).get("ActiveState") == "active"
    given = keys.order(take=dict(config.preshared), drop=drop)
    return Step(StepName.KEYS, changes, (given, *((reload,) if runs else ())))


def _changes(config: HostConfig, facts: HostFacts) -> Iterator[Change]:
    there = facts.keys.preshared if facts.keys else {}
    ports = {end.peer: end.port for end in config.tunnels}
    for peer in config.preshared:
        was = "the one of before" if peer in there else None
        why = "what is recorded today stays secret even if WireGuard's own key exchange is broken"
        yield Change(config.host, tunnel(peer, ports[peer]).of(PRESHARED), was, "new", why)
    for peer in there:
        if peer not in ports:
            yield Change(config.host, tunnel(peer, peer).of(PRESHARED), "there", None, "no link leads there")


def _peers(config: HostConfig) -> set[str]:
    return {end.peer for end in config.tunnels}
