"""Packages from the host's own sources."""

from dockmesh.remote.seam import Put, Request, Run, Transport, demand
from dockmesh.render import docker
from dockmesh.render.types import HostConfig

APT_TIMEOUT_S = 900
# Another apt may be at work, as unattended-upgrades is after a boot: wait for its lock instead of failing.
APT = ("apt-get", "--yes", "--option", "DPkg::Lock::Timeout=300", "--option", "Acquire::Retries=2")
# Docker's command line has been a package of its own since Debian 13; before, docker.io had it.
MAYBE_NO_PACKAGE = "docker-cli"
DO = "see that the host's package sources work (`apt-get update` there), then run the command again"


async def install(host: Transport, config: HostConfig, packages: tuple[str, ...]) -> None:
    """Install `packages`. Where Docker is among them, its settings are there before it starts for the first time.

    Raises CommandError and ConnectError.
    """
    await demand(host, "could not read the package sources", Run((*APT, "update"), timeout_s=APT_TIMEOUT_S), do=DO)
    if "docker.io" in packages:
        await _prepare_docker(host, config)
    if MAYBE_NO_PACKAGE in packages:
        (found,) = await host.ask(Run(("apt-cache", "show", MAYBE_NO_PACKAGE)))
        if not found.ok:
            packages = tuple(package for package in packages if package != MAYBE_NO_PACKAGE)
    command = Run((*APT, "install", "--no-install-recommends", *packages), timeout_s=APT_TIMEOUT_S)
    await demand(host, f"could not install {', '.join(packages)}", command, do=DO)


async def _prepare_docker(host: Transport, config: HostConfig) -> None:
    """A daemon that starts with its defaults takes 172.17.0.1 on every host alike, and restarts to unlearn it."""
    present = (await host.ask(docker.READ))[0]
    merged = docker.merge(config.host, config.daemon, present.out if present.ok else None)
    mode = int(present.err, 8) if present.ok else docker.MODE
    requests: list[Request] = [Put(docker.DAEMON_JSON, merged.text, mode)]
    if present.ok and not merged.ours_before:
        requests.insert(0, Put(docker.BEFORE, present.out, mode))
    await demand(host, "could not write Docker's settings", *requests)
