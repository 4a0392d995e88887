"""Docker's settings: what differs, and how it is made to take them."""

from ipaddress import IPv4Address, IPv4Network

from dockmesh.diff.types import Change, Step, StepName
from dockmesh.facts.types import Docker, HostFacts
from dockmesh.remote.seam import Put, Request, Run
from dockmesh.render import docker
from dockmesh.render.types import HostConfig

RESTART = "docker restart"
# Docker is restarted and answers within this, or has failed. Containers that ignore SIGTERM cost 10 s each in parallel.
DOCKER_TIMEOUT_S = 120
RESTART_DOCKER = (
    # Three restarts within a minute, and systemd refuses the fourth and takes the API's socket down with it.
    Run(("systemctl", "reset-failed", "docker.*")),
    Run(("systemctl", "restart", "docker.service"), timeout_s=DOCKER_TIMEOUT_S),
)


def docker_step(config: HostConfig, facts: HostFacts) -> Step | None:
    """Its requests write the file; those of `restart` make Docker take it, where it uses other settings.

    Raises ConflictError for a file of the user's that says otherwise.
    """
    present = facts.file(docker.DAEMON_JSON)
    mode = facts.files[docker.DAEMON_JSON].mode if present is not None else docker.MODE
    merged = docker.merge(config.host, config.daemon, present)
    changes: list[Change] = []
    writes: list[Request] = []
    restart: tuple[Request, ...] = ()
    if merged.text != present:
        if present is not None and not merged.ours_before:
            writes.append(Put(docker.BEFORE, present, mode))
        writes.append(Put(docker.DAEMON_JSON, merged.text, mode))
        changes.append(_daemon_change(config, present))
    # Where there is no Docker yet, its installation starts it with these settings.
    if "dockerd" in facts.programs and (change := _restart_change(config, facts.docker)):
        changes.append(change)
        restart = restart_docker(merged.text, mode, live_restore=facts.docker is not None and facts.docker.live_restore)
    return Step(StepName.DOCKER, tuple(changes), tuple(writes), restart=restart) if changes else None


def _restart_change(config: HostConfig, running: Docker | None) -> Change | None:
    used = None if running is None else f"{running.gateway} of {running.prefix}, pool {running.pool}, MTU {running.mtu}"
    address = config.docker_bridge.address
    needed = f"{address.ip} of {address.network}, pool {config.daemon.fixed_cidr}, MTU {config.daemon.mtu}"
    if used == needed:
        return None
    names = () if running is None else tuple(container.name for container in running.containers)
    reason = _why_restart(config, running) if running else "Docker is not running"
    return Change(config.host, RESTART, used, needed, reason, disturbs=names)


def _why_restart(config: HostConfig, running: Docker) -> str:
    """With what it costs those whose addresses are not in the new pool."""
    pool = IPv4Network(config.daemon.fixed_cidr)
    outside = [each for each in running.containers if each.address and IPv4Address(each.address) not in pool]
    if not outside:
        return "Docker takes these at its start only"
    moved = ", ".join(f"{each.name} ({each.address})" for each in outside)
    return f"Docker takes these at its start only; out of the new pool, so moved into it: {moved}"


def _daemon_change(config: HostConfig, present: str | None) -> Change:
    """Only the keys that differ; all where there are none of ours yet."""
    found, wanted = docker.present_keys(config.daemon, present), config.daemon.keys()
    differing = [key for key in wanted if found.get(key) != wanted[key]]
    actual = ", ".join(f"{key} {found[key]}" for key in differing if key in found)
    expected = ", ".join(f"{key} {wanted[key]}" for key in differing)
    if not differing:
        actual, expected = "without our label", "with our label"
    reason = "Docker hands out this host's pool and no other address"
    return Change(config.host, docker.DAEMON_JSON, actual or None, expected, reason)


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
