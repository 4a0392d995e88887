"""Docker's settings: what differs, and how it is made to take them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from dockmesh.diff import daemon_json
from dockmesh.diff.subject import (
    RESTART,
    RESTART_FOR_IPV6,
    RESTART_FOR_KEYS,
    RESTART_FOR_NAMES,
    Desired,
    Subject,
    Thing,
)
from dockmesh.diff.types import Change, HostDiff, Origin, Step, StepName
from dockmesh.facts.types import Docker, HostFacts
from dockmesh.render import docker, network
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Exec, Put, Request

NO_RULES = "no rules for IPv6"
OTHER_DNS, NOT_SINCE = f"{docker.DAEMON_JSON} says another dns", "Docker has not been restarted since"
# Docker is restarted and answers within this, or has failed. Containers that ignore SIGTERM cost 10 s each in parallel.
DOCKER_TIMEOUT_S = 120
RESOLVER_GOES = "containers would keep asking the resolver, which is removed"
KEYS_NEXT_START = (
    "Docker takes these only when it starts, and its containers would stop with it (no live-restore): "
    "they count from its next start on"
)
NEXT_START = (
    "Docker takes dns only when it starts, and its containers would stop with it (no live-restore): "
    "names work from its next start on"
)
DAEMON = Subject(Thing.FILE, docker.DAEMON_JSON)
RESTART_DOCKER = (
    # Three restarts within a minute, and systemd refuses the fourth and takes the API's socket down with it.
    Exec(("systemctl", "reset-failed", "docker.*")),
    Exec(("systemctl", "restart", "docker.service"), timeout_s=DOCKER_TIMEOUT_S),
)


def desired(config: HostConfig) -> Iterator[Desired]:
    keys = daemon_json.shown_keys(docker.alone(config.daemon).text)
    yield Desired(DAEMON, ", ".join(f"{key} {value}" for key, value in keys.items()))
    docker0 = config.docker0
    yield Desired(RESTART, f"{docker0.address}, pool {docker0.pool}, MTU {docker0.mtu}")


def _in_record(running: Docker) -> str:
    """What it uses, in the words of `desired`."""
    length = running.prefix.prefixlen if running.prefix else None
    return f"{running.gateway}/{length}, pool {running.pool}, MTU {running.mtu}"


@dataclass(frozen=True, slots=True)
class _File:
    """daemon.json as it is, and as it is to be."""

    present: str | None
    text: str
    mode: int
    before: str | None  # what the copy of the user's must say, if it does not

    @property
    def differs(self) -> bool:
        return self.text != self.present

    @property
    def says_ours(self) -> bool:
        """Whether it tells containers to ask our resolver, and will go on to."""
        return not (_is_told_ours(self.present) and not _is_told_ours(self.text))


def _file(config: HostConfig, facts: HostFacts) -> _File:
    """Raises ConflictError for a file of the user's that says otherwise."""
    state = facts.files.get(docker.DAEMON_JSON)
    present, mode = (state.text, state.mode) if state else (None, docker.MODE)
    before, resolv_conf = facts.file(docker.BEFORE), facts.file(daemon_json.RESOLV_CONF)
    merged = daemon_json.merge(config.host, config.daemon, present, before, resolv_conf)
    return _File(present, merged.text, mode, merged.before)


def writes(config: HostConfig, facts: HostFacts) -> tuple[Request, ...]:
    """What makes daemon.json say what it should; a Docker that is installed after it starts with its pool.

    Raises ConflictError for a file of the user's that says otherwise.
    """
    return _writes(_file(config, facts))


def _writes(file: _File) -> tuple[Request, ...]:
    if not file.differs:
        return ()
    copy = () if file.before is None else (Put(docker.BEFORE, file.before, file.mode),)
    return (*copy, Put(docker.DAEMON_JSON, file.text, file.mode))


def docker_step(config: HostConfig, facts: HostFacts) -> Step | None:
    """Its requests write the file; those of `restart` make Docker take it, where it uses other settings.

    Raises ConflictError for a file of the user's that says otherwise.
    """
    file, running = _file(config, facts), facts.docker
    changes = [_daemon_change(config, file.present, file.text)] if file.differs else []
    restart: tuple[Request, ...] = ()
    # Where there is no Docker yet, its installation starts it with these settings.
    because = tuple(_restarts(config, running, file)) if "dockerd" in facts.programs else ()
    if because:
        live_restore = running is not None and running.live_restore
        whole = RESTART in (change.subject for change in because) or not file.says_ours
        # Else, with live-restore on, its containers do not even notice.
        restart = restart_docker(file.text, file.mode, live_restore=live_restore) if whole else RESTART_DOCKER
        changes += because
    elif running is not None and _names(file.present) != _names(file.text):
        if not file.says_ours:
            names = tuple(container.name for container in running.containers)
            change = Change(config.host, RESTART_FOR_NAMES, None, "once", RESOLVER_GOES, disturbs=names)
            changes.append(change.following(OTHER_DNS))
            restart = restart_docker(file.text, file.mode, live_restore=running.live_restore)
        elif running.live_restore or not running.containers:
            reason = "Docker takes dns only when it starts; containers keep what they have until they are started again"
            changes.append(Change(config.host, RESTART_FOR_NAMES, None, "once", reason).following(OTHER_DNS))
            restart = RESTART_DOCKER
        else:
            changes[-1] = replace(changes[-1], reason=NEXT_START)
    elif running is not None and _more(file.present) != _more(file.text):
        if running.live_restore or not running.containers:
            reason = "Docker takes these only when it starts; no container stops with it"
            change = Change(config.host, RESTART_FOR_KEYS, None, "once", reason)
            changes.append(change.following(f"{docker.DAEMON_JSON} says so"))
            restart = RESTART_DOCKER
        else:
            changes[-1] = replace(changes[-1], reason=KEYS_NEXT_START)
    return Step(StepName.DOCKER, tuple(changes), _writes(file), restart=restart) if changes else None


def _restarts(config: HostConfig, running: Docker | None, file: _File) -> Iterator[Change]:
    if change := _restart_change(config, running):
        yield change
    if ipv6 := _restart_for_ipv6(config, running, file.present, file.text):
        yield ipv6.following(f"{docker.DAEMON_JSON} says so") if file.differs else ipv6


def _restart_change(config: HostConfig, running: Docker | None) -> Change | None:
    docker0 = config.docker0
    needed = f"{docker0.address.ip} of {docker0.prefix}, pool {docker0.pool}, MTU {docker0.mtu}"
    if running is None:
        return Change(config.host, RESTART, None, needed, "Docker is not running")
    if not running.unlike(docker0.address, docker0.pool, docker0.mtu):
        return None
    used = f"{running.gateway} of {running.prefix}, pool {running.pool}, MTU {running.mtu}"
    names = tuple(container.name for container in running.containers)
    return Change(config.host, RESTART, used, needed, _why_restart(config, running), names, found=_in_record(running))


def _restart_for_ipv6(config: HostConfig, running: Docker | None, present: str | None, text: str) -> Change | None:
    """Docker says of itself whether it makes experiments, and not whether its rules for IPv6 are among them."""
    wanted, had = config.daemon.ip6tables, daemon_json.keeps_ipv6(present)
    keys = _ipv6(present) != _ipv6(text)
    if running is None or not ((wanted and (keys or not running.experimental)) or (had and not wanted)):
        return None
    names = () if running.live_restore else tuple(container.name for container in running.containers)
    rules = "its rules for IPv6"
    if wanted:
        reason = "without them its networks are not kept apart in IPv6; Docker makes them only when it starts"
        if others := [each.name for each in running.networks if each.ipv6 and network.LABEL not in each.labels]:
            reason += f"; also for {', '.join(others)}: reached from outside at published ports only then, and NAT"
        return Change(config.host, RESTART_FOR_IPV6, NO_RULES, rules, reason, names, Origin.FILE, NOT_SINCE)
    reason = "no network has IPv6 any more; Docker leaves them only when it starts"
    return Change(config.host, RESTART_FOR_IPV6, rules, NO_RULES, reason, names, Origin.FILE, NOT_SINCE)


def _ipv6(text: str | None) -> dict[str, object]:
    content = json.loads(text) if text and text.strip() else {}
    return {key: content[key] for key in docker.IPV6_KEYS if key in content}


def leaves_docker0(diff: HostDiff) -> bool:
    """Whether Docker restarts, now or later, and nothing of docker0 changes with it."""
    subjects = {change.subject for change in (*diff.changes, *diff.deferred)}
    return RESTART not in subjects and bool(subjects & {RESTART_FOR_NAMES, RESTART_FOR_IPV6, RESTART_FOR_KEYS})


def _why_restart(config: HostConfig, running: Docker) -> str:
    """With what it costs those whose addresses are not in the new pool."""
    pool = config.docker0.pool
    outside = [each for each in running.containers if each.address and IPv4Address(each.address) not in pool]
    if not outside:
        return "Docker takes these only when it starts"
    moved = ", ".join(f"{each.name} ({each.address})" for each in outside)
    return f"Docker takes these only when it starts; outside the new pool, so moved into it: {moved}"


def _is_told_ours(text: str | None) -> bool:
    content = json.loads(text) if text and text.strip() else {}
    return daemon_json.has_names(content)


def _names(text: str | None) -> dict[str, str]:
    shown = daemon_json.shown_keys(text)
    return {key: shown[key] for key in (docker.DNS, docker.SEARCH) if key in shown}


def _more(text: str | None) -> dict[str, object]:
    content = json.loads(text) if text and text.strip() else {}
    return {key: content.get(key) for key in daemon_json.more_keys(content)}


def _daemon_change(config: HostConfig, present: str | None, text: str) -> Change:
    """Only the keys that differ; all where there are none of ours yet."""
    found, wanted = daemon_json.shown_keys(present), daemon_json.shown_keys(text)
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
        Put(docker.DAEMON_JSON, daemon_json.without_live_restore(text), mode),
        *RESTART_DOCKER,
        Put(docker.DAEMON_JSON, text, mode),
        Exec(("systemctl", "reload", "docker.service")),
    )
