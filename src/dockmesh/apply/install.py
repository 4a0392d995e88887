"""Packages: the mesh's own, carried there, and what they lack from the host's own sources."""

from dockmesh.apply.origin import add_packages
from dockmesh.debian.relation import group_text
from dockmesh.diff.packages import DOCKER
from dockmesh.diff.types import Step
from dockmesh.errors import HostError
from dockmesh.facts.packages import satisfy
from dockmesh.packages.carry import carry, clear
from dockmesh.remote.seam import Put, Request, Run, Transport, demand
from dockmesh.render import docker
from dockmesh.render.types import HostConfig

APT_TIMEOUT_S = 900
# Another apt may be at work, as unattended-upgrades is after a boot: wait for its lock instead of failing.
APT = ("apt-get", "--yes", "--option", "DPkg::Lock::Timeout=300", "--option", "Acquire::Retries=2")
# For what we carry: whoever edited a configuration file keeps it, nothing of the user's is removed to make room.
CARRIED = (
    *("--option", "Dpkg::Options::=--force-confdef", "--option", "Dpkg::Options::=--force-confold"),
    "--no-remove",
)
# No source at all: apt then asks nobody and takes nothing but what is carried. `--no-download` would do, if apt did not
# forget the paths of the files with it (apt 3.0: "Pathname to install is not absolute").
OFFLINE = ("--option", "Dir::Etc::SourceList=/dev/null", "--option", "Dir::Etc::SourceParts=/dev/null")
# Docker's command line has been a package of its own since Debian 13; before, docker.io had it.
MAYBE_NO_PACKAGE = "docker-cli"
DO = "see that the host's package sources work (`apt-get update` there), then run the command again"


async def refuse_unmet(host: Transport, steps: tuple[Step, ...]) -> None:
    """Nothing is installed that would lack a dependency: what neither the carried packages nor the host have.

    Raises HostError that names all of it, and ConnectError.
    """
    unmet = tuple(dict.fromkeys(each for step in steps for each in step.unmet))
    if not unmet:
        return
    answers = await host.ask(*(Run(satisfy(group_text(each.group))) for each in unmet), together=True)
    missing = [each for each, answer in zip(unmet, answers, strict=True) if not answer.ok]
    if missing:
        raise HostError(
            f"{len(missing)} dependencies of the carried packages are missing"
            if len(missing) > 1
            else "a dependency of the carried packages is missing",
            host=host.name,
            answered="\n".join(map(str, missing)),
            now="nothing was changed on this host",
            do="put packages that have them under `packages`; "
            "or, if the host reaches package sources, run `apt-get update` there",
        )


async def install(host: Transport, config: HostConfig, step: Step) -> None:
    """Install what the step names. Docker finds its settings when it starts for the first time.

    Raises CommandError and ConnectError.
    """
    packages, from_sources = step.packages, bool(step.packages or step.unmet)
    if from_sources:
        update = Run((*APT, "update"), timeout_s=APT_TIMEOUT_S)
        await demand(host, "could not read the package sources", update, do=DO)
    if set(DOCKER) & set(step.installs):
        await _prepare_docker(host, config)
    if MAYBE_NO_PACKAGE in packages:
        (found,) = await host.ask(Run(("apt-cache", "show", MAYBE_NO_PACKAGE)))
        if not found.ok:
            packages = tuple(package for package in packages if package != MAYBE_NO_PACKAGE)
    if step.debs:
        await install_carried(host, step, packages)
        return
    what = ("install", "--no-install-recommends", *packages)
    cannot = f"could not install {', '.join(packages)}"
    (simulated,) = await demand(host, cannot, Run((*APT, "--simulate", *what), timeout_s=APT_TIMEOUT_S), do=DO)
    await add_packages(host, simulated.out)
    await demand(host, cannot, Run((*APT, *what), timeout_s=APT_TIMEOUT_S), do=DO)


async def install_carried(host: Transport, step: Step, packages: tuple[str, ...] = ()) -> None:
    """Carry and install the .debs of the step, and `packages` with them; apt itself says beforehand whether it can.

    Raises CommandError and ConnectError.
    """
    offline = () if packages or step.unmet else OFFLINE
    try:
        paths = await carry(host, step.debs)
        apt = (*APT, *CARRIED, *offline)
        what = (*("install", "--no-install-recommends"), *packages, *paths)
        simulation = Run((*apt, "--simulate", *what), timeout_s=APT_TIMEOUT_S)
        (simulated,) = await demand(host, "the carried packages do not fit this host", simulation, do=DO_CARRIED)
        await add_packages(host, simulated.out)
        command = Run((*apt, *what), timeout_s=APT_TIMEOUT_S)
        await demand(host, f"could not install {', '.join(step.installs)}", command, do=DO_CARRIED)
    finally:
        await clear(host)


DO_CARRIED = "look at what apt says; a package that is missing or too old goes under `packages`, then run it again"


async def _prepare_docker(host: Transport, config: HostConfig) -> None:
    """A daemon that starts with its defaults takes 172.17.0.1 on every host alike, and restarts to unlearn it."""
    present = (await host.ask(docker.READ))[0]
    merged = docker.merge(config.host, config.daemon, present.out if present.ok else None)
    mode = int(present.err, 8) if present.ok else docker.MODE
    requests: list[Request] = [Put(docker.DAEMON_JSON, merged.text, mode)]
    if present.ok and not merged.ours_before:
        requests.insert(0, Put(docker.BEFORE, present.out, mode))
    await demand(host, "could not write Docker's settings", *requests)
