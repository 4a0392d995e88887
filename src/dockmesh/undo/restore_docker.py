"""Docker without the mesh: its file without our keys, docker0 as it makes it by itself. Pure."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import IPv4Interface, IPv4Network
from typing import Any

from dockmesh.diff import daemon_json
from dockmesh.diff.docker import DAEMON, RESTART_DOCKER
from dockmesh.diff.packages import DOCKER
from dockmesh.diff.subject import RESTART, Subject, Thing
from dockmesh.diff.types import Change, Step, StepName
from dockmesh.facts.types import Docker, FileState, HostFacts
from dockmesh.model.mesh import ETHERNET_MTU
from dockmesh.model.network import DOCKER_BRIDGE, FABRIC_BRIDGE
from dockmesh.record.initial_state import InitialState
from dockmesh.record.paths import IPV6, RAN
from dockmesh.render import docker
from dockmesh.render.docker import BEFORE, DAEMON_JSON
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Exec, Put, Remove, Request

UNIT = "docker.service"
AS_BEFORE = "as it was before the first apply"
COPY, DAEMON_UNIT = Subject(Thing.FILE, BEFORE), Subject(Thing.UNIT, UNIT)
BRIDGE = Subject(Thing.DEVICE, DOCKER_BRIDGE)
CONTAINERS, RULES6 = Subject(Thing.DOCKER, "containers"), Subject(Thing.DOCKER, "rules for IPv6")
# What Docker takes networks from unless told (libnetwork, ipamutils), in their order.
DEFAULT_POOLS = (*((f"172.{number}.0.0/16", 16) for number in range(17, 32)), ("192.168.0.0/16", 20))
FIRST = "172.17.0.1/16"
STOP = Exec(("systemctl", "stop", "docker.socket", UNIT), timeout_s=120)
RELOAD = Exec(("systemctl", "reload", UNIT))


def restore_docker(
    config: HostConfig, facts: HostFacts, initial: InitialState | None, leaving: Iterable[str], ran: Iterable[str]
) -> Step | None:
    """Docker restarts only if it uses what ours said. `leaving`: packages that go; `ran`: containers to start again.

    Raises ConflictError for a daemon.json that is no JSON object.
    """
    host = config.host
    after = settings_after(host, facts, initial)
    present = facts.files.get(DAEMON_JSON)
    running = facts.docker
    changes: list[Change] = []
    if (present.text if present else None) != after:
        changes.append(_file_change(host, present, after, facts.file(BEFORE)))
    elif facts.file(BEFORE) is not None:
        changes.append(Change(host, COPY, "the copy of the file of before", None, "it is not needed any more"))
    going = any(package in leaving for package in DOCKER)
    idle = initial is not None and UNIT in initial.services and not initial.ran(UNIT)
    requests = list(_writes(facts, present, after))
    restart: tuple[Request, ...] = ()
    if running is not None and (going or (idle and not running.containers)):
        changes.append(Change(host, DAEMON_UNIT, "running", "not running", AS_BEFORE))
        requests += [STOP, *_own_bridge(facts)]
    elif running is not None and (
        not uses(running, _content(after)) or _names_go(present, after) or _rules_go(present, after)
    ):
        names = tuple(container.name for container in running.containers)
        used = f"{running.gateway} of {running.prefix}, pool {running.pool}, MTU {running.mtu}"
        changes.append(Change(host, RESTART, used, "its own defaults", "Docker takes these only when it starts", names))
        # Not what is written above: the restart has its own order.
        requests = []
        restart = tuple(_restart(facts, initial, running, after, ran))
    elif running is None and (bridge := facts.link(DOCKER_BRIDGE)) and bridge.mac == config.docker0.bridge_mac:
        changes.append(Change(host, BRIDGE, "a bridge of ours", None, "Docker makes its own when it starts"))
        requests += _own_bridge(facts)
    elif running is not None and ran:
        changes.append(Change(host, CONTAINERS, "stopped", "running", "they ran before Docker restarted"))
    if facts.file(IPV6) is not None and not has_rules6(facts, after):
        # Docker may be as it was, for a run that gave them to it was rolled back; its rules are not.
        changes.append(Change(host, RULES6, "what Docker left of them", None, AS_BEFORE))
    return Step(StepName.RESTORE_DOCKER, tuple(changes), tuple(requests), restart=restart) if changes else None


def has_rules6(facts: HostFacts, after: str | None) -> bool:
    """Whether Docker has rules for IPv6 by what its file will say, or without being told."""
    by_default = facts.docker is not None and replace(facts.docker, experimental=False).keeps_ipv6_apart
    return by_default or bool(_content(after).get("ip6tables"))


def settings_after(host: str, facts: HostFacts, initial: InitialState | None) -> str | None:
    """daemon.json as it is to be; None for no file.

    Raises ConflictError.
    """
    present = facts.file(DAEMON_JSON)
    before = facts.file(BEFORE)
    if daemon_json.is_for_restart(present):  # an earlier destroy was stopped at it
        return before
    if before is None and initial is not None and initial.daemon is not None:
        before = initial.daemon.text
    return daemon_json.part(host, present, before)


def uses(running: Docker, after: dict[str, Any]) -> bool:
    """Whether Docker has what its file will say. A pool of its own it has from no other place."""
    pool = IPv4Network(after["fixed-cidr"]) if "fixed-cidr" in after else None
    gateway = str(IPv4Interface(after["bip"]).ip) if "bip" in after else running.gateway
    return (running.pool, running.gateway, running.mtu) == (pool, gateway, after.get("mtu", running.mtu))


def _names_go(present: FileState | None, after: str | None) -> bool:
    """Docker would go on telling containers to ask a resolver that is gone."""
    found = _content(present.text if present else None)
    return daemon_json.has_names(found) and found.get(docker.DNS) != _content(after).get(docker.DNS)


def _rules_go(present: FileState | None, after: str | None) -> bool:
    """Those for IPv6, which Docker leaves only when it starts."""
    return daemon_json.keeps_ipv6(present.text if present else None) and not _content(after).get("ip6tables")


def uses_file(running: Docker, text: str | None) -> bool:
    return uses(running, _content(text))


def _content(text: str | None) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(text) if text and text.strip() else {}
    return content


def _file_change(host: str, present: FileState | None, after: str | None, before: str | None) -> Change:
    found = _content(present.text if present else None)
    actual = ", ".join(f"{key} {found[key]}" for key in docker.OUR_KEYS if key in found) or "our settings"
    if after is None:
        return Change(host, DAEMON, actual, None, "there was no such file")
    words = "the file of before" if after == before else "without our keys, the rest as it is"
    return Change(host, DAEMON, actual, words, AS_BEFORE)


def _writes(facts: HostFacts, present: FileState | None, after: str | None) -> Iterator[Request]:
    if after is None and present is not None:
        yield Remove(DAEMON_JSON)
    elif after is not None and (present is None or present.text != after):
        yield Put(DAEMON_JSON, after, present.mode if present else docker.MODE)
    if facts.file(BEFORE) is not None:
        if facts.docker is not None and not facts.docker.live_restore and _content(after).get("live-restore"):
            yield RELOAD  # an earlier destroy had it off for a restart
        yield Remove(BEFORE)


def _restart(
    facts: HostFacts, initial: InitialState | None, running: Docker, after: str | None, ran: Iterable[str]
) -> Iterator[Request]:
    """Should we be stopped in between, the copy is what comes after; and no copy means that no file does."""
    ids = sorted({*ran, *(container.id for container in running.containers)})
    if ids:
        yield Put(RAN, json.dumps(ids) + "\n", 0o600)
    present = facts.files.get(DAEMON_JSON)
    mode = present.mode if present else docker.MODE
    if after is not None:
        yield Put(BEFORE, after, mode)
    elif facts.file(BEFORE) is not None:
        yield Remove(BEFORE)
    yield Put(DAEMON_JSON, daemon_json.for_restart(after, _address(facts, initial, after)), mode)
    yield from _own_bridge(facts)
    yield from RESTART_DOCKER
    if after is None:
        yield Remove(DAEMON_JSON)
        return
    yield Put(DAEMON_JSON, after, mode)
    if _content(after).get("live-restore"):
        yield RELOAD
    yield Remove(BEFORE)


def _address(facts: HostFacts, initial: InitialState | None, after: str | None) -> str:
    """What docker0 had before; where there was none, what Docker would take: the first that is free."""
    if initial is not None and initial.docker_address:
        return initial.docker_address
    taken = [each.network for link in facts.links if link.name != DOCKER_BRIDGE for each in link.addresses]
    own = _content(after).get("default-address-pools")
    pools = [(each["base"], int(each["size"])) for each in own] if own else DEFAULT_POOLS
    for base, size in pools:
        for network in IPv4Network(base).subnets(new_prefix=size):
            if not any(network.overlaps(each) for each in taken):
                return f"{network[1]}/{size}"
    return FIRST


def _own_bridge(facts: HostFacts) -> Iterator[Request]:
    """Without docker0 Docker makes it as it would have; one that it finds it takes as it is, our address with it."""
    bridge = facts.link(DOCKER_BRIDGE)
    if bridge is None:
        return
    members = [link for link in facts.links if link.master == DOCKER_BRIDGE]
    if all(member.kind == "veth" or member.name == FABRIC_BRIDGE for member in members):
        yield Exec(("ip", "link", "delete", "dev", DOCKER_BRIDGE))
        return
    # Somebody put a device of theirs into it.
    for address in bridge.addresses:
        yield Exec(("ip", "address", "flush", "dev", DOCKER_BRIDGE, "to", f"{address.ip}/32"))
    yield Exec(("ip", "link", "set", "dev", DOCKER_BRIDGE, "mtu", str(ETHERNET_MTU)))
