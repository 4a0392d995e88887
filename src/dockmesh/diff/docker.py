"""Docker's settings: what differs, and how it is made to take them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from dockmesh.diff.subject import (
    RESTART,
    RESTART_FOR_IPV6,
    RESTART_FOR_KEYS,
    RESTART_FOR_NAMES,
    Desired,
    Subject,
    Thing,
)
from dockmesh.diff.types import Change, Origin, Step, StepName
from dockmesh.facts.types import Docker, HostFacts
from dockmesh.remote.seam import Put, Request, Run
from dockmesh.render import docker, network
from dockmesh.render.types import HostConfig

NO_RULES = "no rules for IPv6"
OTHER_DNS, NOT_SINCE = f"{docker.DAEMON_JSON} says another dns", "Docker has not been restarted since"
# Docker is restarted and answers within this, or has failed. Containers that ignore SIGTERM cost 10 s each in parallel.
DOCKER_TIMEOUT_S = 120
RESOLVER_GOES = "containers would go on asking the resolver, which goes"
KEYS_NEXT_START = (
    "Docker takes these at its start only, and its containers would stop with it (no live-restore): "
    "they count from its next start on"
)
NEXT_START = (
    "Docker takes dns at its start only, and its containers would stop with it (no live-restore): "
    "names work from its next start on"
)
DAEMON = Subject(Thing.FILE, docker.DAEMON_JSON)
RESTART_DOCKER = (
    # Three restarts within a minute, and systemd refuses the fourth and takes the API's socket down with it.
    Run(("systemctl", "reset-failed", "docker.*")),
    Run(("systemctl", "restart", "docker.service"), timeout_s=DOCKER_TIMEOUT_S),
)


def desired(config: HostConfig) -> Iterator[Desired]:
    keys = docker.shown_keys(docker.alone(config.daemon).text)
    yield Desired(DAEMON, ", ".join(f"{key} {value}" for key, value in keys.items()))
    bridge, daemon = config.docker_bridge, config.daemon
    yield Desired(RESTART, f"{bridge.address}, pool {daemon.fixed_cidr}, MTU {daemon.mtu}")


def _in_record(running: Docker) -> str:
    """What it uses, in the words of `desired`."""
    length = running.prefix.prefixlen if running.prefix else None
    return f"{running.gateway}/{length}, pool {running.pool}, MTU {running.mtu}"


def docker_step(config: HostConfig, facts: HostFacts) -> Step | None:
    """Its requests write the file; those of `restart` make Docker take it, where it uses other settings.

    Raises ConflictError for a file of the user's that says otherwise.
    """
    present = facts.file(docker.DAEMON_JSON)
    mode = facts.files[docker.DAEMON_JSON].mode if present is not None else docker.MODE
    merged = docker.merge(
        config.host, config.daemon, present, facts.file(docker.BEFORE), facts.file(docker.RESOLV_CONF)
    )
    changes: list[Change] = []
    writes: list[Request] = []
    restart: tuple[Request, ...] = ()
    if merged.text != present:
        if merged.before is not None:
            writes.append(Put(docker.BEFORE, merged.before, mode))
        writes.append(Put(docker.DAEMON_JSON, merged.text, mode))
        changes.append(_daemon_change(config, present, merged.text))
    change = _restart_change(config, facts.docker)
    ipv6 = _restart_for_ipv6(config, facts.docker, present, merged.text)
    if ipv6 is not None and merged.text != present:
        ipv6 = ipv6.following(f"{docker.DAEMON_JSON} says so")
    # Where there is no Docker yet, its installation starts it with these settings.
    if "dockerd" in facts.programs and (change or ipv6):
        changes += [each for each in (change, ipv6) if each]
        restart = restart_docker(merged.text, mode, live_restore=facts.docker is not None and facts.docker.live_restore)
        if change is None and not (_is_told_ours(present) and not _is_told_ours(merged.text)):
            restart = RESTART_DOCKER  # with live-restore on, its containers do not even notice
    elif facts.docker is not None and _names(present) != _names(merged.text):
        if _is_told_ours(present) and not _is_told_ours(merged.text):
            names = tuple(container.name for container in facts.docker.containers)
            change = Change(config.host, RESTART_FOR_NAMES, None, "once", RESOLVER_GOES, disturbs=names)
            changes.append(change.following(OTHER_DNS))
            restart = restart_docker(merged.text, mode, live_restore=facts.docker.live_restore)
        elif facts.docker.live_restore or not facts.docker.containers:
            reason = "Docker takes dns at its start only; containers keep what they have until they are started again"
            changes.append(Change(config.host, RESTART_FOR_NAMES, None, "once", reason).following(OTHER_DNS))
            restart = RESTART_DOCKER
        else:
            changes[-1] = replace(changes[-1], reason=NEXT_START)
    elif facts.docker is not None and _more(present) != _more(merged.text):
        if facts.docker.live_restore or not facts.docker.containers:
            reason = "Docker takes these at its start only; no container stops with it"
            change = Change(config.host, RESTART_FOR_KEYS, None, "once", reason)
            changes.append(change.following(f"{docker.DAEMON_JSON} says so"))
            restart = RESTART_DOCKER
        else:
            changes[-1] = replace(changes[-1], reason=KEYS_NEXT_START)
    return Step(StepName.DOCKER, tuple(changes), tuple(writes), restart=restart) if changes else None


def _restart_change(config: HostConfig, running: Docker | None) -> Change | None:
    used = None if running is None else f"{running.gateway} of {running.prefix}, pool {running.pool}, MTU {running.mtu}"
    address = config.docker_bridge.address
    needed = f"{address.ip} of {address.network}, pool {config.daemon.fixed_cidr}, MTU {config.daemon.mtu}"
    if used == needed:
        return None
    names = () if running is None else tuple(container.name for container in running.containers)
    reason = _why_restart(config, running) if running else "Docker is not running"
    found = None if running is None else _in_record(running)
    return Change(config.host, RESTART, used, needed, reason, disturbs=names, found=found)


def _restart_for_ipv6(config: HostConfig, running: Docker | None, present: str | None, text: str) -> Change | None:
    """Docker says of itself whether it makes experiments, and not whether its rules for IPv6 are among them."""
    wanted, had = config.daemon.ip6tables, docker.keeps_ipv6(present)
    keys = _ipv6(present) != _ipv6(text)
    if running is None or not ((wanted and (keys or not running.experimental)) or (had and not wanted)):
        return None
    names = () if running.live_restore else tuple(container.name for container in running.containers)
    rules = "its rules for IPv6"
    if wanted:
        reason = "without them its networks are not kept apart in IPv6; Docker makes them at its start only"
        if others := [each.name for each in running.networks if each.ipv6 and network.LABEL not in each.labels]:
            reason += f"; also for {', '.join(others)}: reached from outside at published ports only then, and NAT"
        return Change(config.host, RESTART_FOR_IPV6, NO_RULES, rules, reason, names, Origin.FILE, NOT_SINCE)
    reason = "no network has IPv6 any more; Docker leaves them at its start only"
    return Change(config.host, RESTART_FOR_IPV6, rules, NO_RULES, reason, names, Origin.FILE, NOT_SINCE)


def _ipv6(text: str | None) -> dict[str, object]:
    content = json.loads(text) if text and text.strip() else {}
    return {key: content[key] for key in docker.IPV6_KEYS if key in content}


def leaves_docker0(config: HostConfig, facts: HostFacts) -> bool:
    """Whether Docker restarts, and nothing of docker0 changes with it."""
    step = docker_step(config, facts)
    subjects = {*step.subjects} if step else set()
    return RESTART not in subjects and bool(subjects & {RESTART_FOR_NAMES, RESTART_FOR_IPV6, RESTART_FOR_KEYS})


def _why_restart(config: HostConfig, running: Docker) -> str:
    """With what it costs those whose addresses are not in the new pool."""
    pool = IPv4Network(config.daemon.fixed_cidr)
    outside = [each for each in running.containers if each.address and IPv4Address(each.address) not in pool]
    if not outside:
        return "Docker takes these at its start only"
    moved = ", ".join(f"{each.name} ({each.address})" for each in outside)
    return f"Docker takes these at its start only; out of the new pool, so moved into it: {moved}"


def _is_told_ours(text: str | None) -> bool:
    content = json.loads(text) if text and text.strip() else {}
    return docker.has_names(content)


def _names(text: str | None) -> dict[str, str]:
    shown = docker.shown_keys(text)
    return {key: shown[key] for key in (docker.DNS, docker.SEARCH) if key in shown}


def _more(text: str | None) -> dict[str, object]:
    content = json.loads(text) if text and text.strip() else {}
    return {key: content.get(key) for key in docker.more_keys(content)}


def _daemon_change(config: HostConfig, present: str | None, text: str) -> Change:
    """Only the keys that differ; all where there are none of ours yet."""
    found, wanted = docker.shown_keys(present), docker.shown_keys(text)
    differing = [key for key in (*wanted, *(found.keys() - wanted.keys())) if found.get(key) != wanted.get(key)]
    actual = ", ".join(f"{key} {found[key]}" for key in differing if key in found)
    expected = ", ".join(f"{key} {wanted[key]}" if key in wanted else f"no {key}" for key in differing)
    if not differing:
        actual, expected = "without our label", "with our label"
    reason = "Docker hands out this host's pool and no other address"
    if differing and set(differing) <= set(docker.IPV6_KEYS):
        reason = "Docker keeps its networks apart in IPv6, too" if config.daemon.ip6tables else "IPv6 has no network"
    if differing and set(differing) <= _more(present).keys() | _more(text).keys():
        reason = "the mesh file says so of this host"
    return Change(config.host, DAEMON, actual or None, expected, reason)


def restart_docker(text: str, mode: int, *, live_restore: bool) -> tuple[Request, ...]:
    """Restart it so that it takes `text`, its daemon.json.

    With live-restore on and a container running, a restart ignores bip, fixed-cidr and mtu without an error; so it is
    off for the restart itself, and on again, by a reload, after it.
    """
    if not live_restore:
        return RESTART_DOCKER
    return (
        Put(docker.DAEMON_JSON, docker.without_live_restore(text), mode),
        *RESTART_DOCKER,
        Put(docker.DAEMON_JSON, text, mode),
        Run(("systemctl", "reload", "docker.service")),
    )
