"""Docker's settings: what differs, and how it is made to take them."""

from dockmesh.diff.types import Change
from dockmesh.facts.types import HostFacts
from dockmesh.remote.seam import Put, Request, Run
from dockmesh.render import docker
from dockmesh.render.types import HostConfig

# Docker is restarted and answers within this, or has failed. Containers that ignore SIGTERM cost 10 s each in parallel.
DOCKER_TIMEOUT_S = 120
RESTART_DOCKER = (
    # Three restarts within a minute, and systemd refuses the fourth and takes the API's socket down with it.
    Run(("systemctl", "reset-failed", "docker.*")),
    Run(("systemctl", "restart", "docker.service"), timeout_s=DOCKER_TIMEOUT_S),
)


def docker_step(config: HostConfig, facts: HostFacts) -> tuple[tuple[Change, ...], tuple[Request, ...]]:
    present = facts.file(docker.DAEMON_JSON)
    mode = facts.files[docker.DAEMON_JSON].mode if present is not None else docker.MODE
    merged = docker.merge(config.host, config.daemon, present)
    running = facts.docker
    changes: list[Change] = []
    requests: list[Request] = []
    if merged.text != present:
        if present is not None and not merged.ours_before:
            requests.append(Put(docker.BEFORE, present, mode))
        requests.append(Put(docker.DAEMON_JSON, merged.text, mode))
        keys = ", ".join(f"{key} {value}" for key, value in config.daemon.keys().items())
        changes.append(
            Change(
                config.host, docker.DAEMON_JSON, None, keys, "Docker hands out this host's pool and no other address"
            )
        )
    if "dockerd" not in facts.programs:
        return tuple(changes), tuple(requests)  # its installation starts it, with these settings
    used = None if running is None else f"{running.gateway} of {running.prefix}, pool {running.pool}, MTU {running.mtu}"
    address = config.docker_bridge.address
    needed = f"{address.ip} of {address.network}, pool {config.daemon.fixed_cidr}, MTU {config.daemon.mtu}"
    if used != needed:
        names = () if running is None else tuple(container.name for container in running.containers)
        reason = "Docker takes these at its start only" if running else "Docker is not running"
        changes.append(Change(config.host, "docker restart", used, needed, reason, disturbs=names))
        requests += restart_docker(merged.text, mode, live_restore=running is not None and running.live_restore)
    return tuple(changes), tuple(requests)


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
