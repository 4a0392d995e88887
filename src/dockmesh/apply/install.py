"""Packages: the mesh's own, carried there, and what they lack from the host's own sources."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dockmesh.agent.texts import text_of
from dockmesh.debian.relation import group_text
from dockmesh.diff.docker import writes
from dockmesh.diff.packages import DOCKER
from dockmesh.diff.types import Step, StepName
from dockmesh.errors import HostError
from dockmesh.facts.packages import satisfy
from dockmesh.inspect.host import Inspection
from dockmesh.packages.apt import APT, APT_TIMEOUT_S
from dockmesh.packages.carry import FOLDER, carry, clear
from dockmesh.transport.demand import demand
from dockmesh.transport.progress import Progress
from dockmesh.transport.requests import Exec, Put, Transport
from dockmesh.undo.initial_state import add_packages
from dockmesh.undo.rollback import FINISH_EARLIER

NAMED = 4
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
DO_CARRIED = "look at what apt says; a package that is missing or too old goes under `packages`, then run it again"
DO = "check that the host's package sources work (`apt-get update` there), then run the command again"


async def refuse_unmet(host: Transport, steps: tuple[Step, ...]) -> None:
    """Nothing is installed that would lack a dependency: what neither the carried packages nor the host have.

    Raises HostError that names all of it, and ConnectError.
    """
    unmet = tuple(dict.fromkeys(each for step in steps for each in step.unmet))
    if not unmet:
        return
    answers = await host.ask(*(Exec(satisfy(group_text(each.group))) for each in unmet), together=True)
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


async def install(host: Transport, found: Inspection, step: Step, progress: Progress) -> None:
    """Install what the step names. Docker finds its settings when it starts for the first time.

    Raises CommandError and ConnectError.
    """
    packages = step.packages
    await host.ask(FINISH_EARLIER)  # what it cannot finish apt will name
    if packages or step.unmet:
        update = Exec((*APT, "update"), timeout_s=APT_TIMEOUT_S)
        await demand(host, "could not read the package sources", update, do=DO)
    if MAYBE_NO_PACKAGE in packages:
        (known,) = await host.ask(Exec(("apt-cache", "show", MAYBE_NO_PACKAGE)))
        if not known.ok:
            packages = tuple(package for package in packages if package != MAYBE_NO_PACKAGE)
    if step.debs:
        async with _carried(host, step, progress, packages) as command:
            await _prepare_docker(host, found, step)
            await demand(host, _could_not(step), command, do=DO_CARRIED)
        return
    what = ("install", "--no-install-recommends", *packages)
    simulation = Exec((*APT, "--simulate", *what), timeout_s=APT_TIMEOUT_S)
    (simulated,) = await demand(host, _could_not(step), simulation, do=DO)
    await add_packages(host, simulated.out)
    await _prepare_docker(host, found, step)
    await demand(host, _could_not(step), Exec((*APT, *what), timeout_s=APT_TIMEOUT_S), do=DO)


async def upgrade_carried(host: Transport, step: Step, progress: Progress) -> None:
    """Raises CommandError and ConnectError."""
    async with _carried(host, step, progress) as command:
        await demand(host, _could_not(step), command, do=DO_CARRIED)


@asynccontextmanager
async def _carried(
    host: Transport, step: Step, progress: Progress, packages: tuple[str, ...] = ()
) -> AsyncIterator[Exec]:
    """Carry the .debs of the step; what is to be run to install them, and `packages` with them.

    apt itself says beforehand whether it can. Whatever comes, nothing that was carried is left there.
    Raises CommandError and ConnectError.
    """
    offline = () if packages or step.unmet else OFFLINE
    try:
        await host.ask(FINISH_EARLIER)
        paths = await carry(host, step.debs, _Carrying(host.name, step, progress).told)
        progress.step(host.name, what_installs(step))
        apt = (*APT, *CARRIED, *offline)
        what = (*("install", "--no-install-recommends"), *packages, *paths)
        simulation = Exec((*apt, "--simulate", *what), timeout_s=APT_TIMEOUT_S)
        (simulated,) = await demand(host, "the carried packages do not fit this host", simulation, do=DO_CARRIED)
        await add_packages(host, simulated.out)
        keeper = f"{FOLDER}/keep_flows.py"
        source = text_of("preserve_flows")
        await demand(host, "could not write what keeps flows", Put(keeper, source, 0o600))
        yield Exec(("python3", keeper, *apt, *what), timeout_s=APT_TIMEOUT_S)
    finally:
        await clear(host)


def _could_not(step: Step) -> str:
    return f"could not {what_installs(step)}"


def what_installs(step: Step) -> str:
    """Of many packages the first ones: the others are what these depend on."""
    verb = "upgrade" if step.name is StepName.UPGRADE else "install"
    named, more = step.installs[:NAMED], len(step.installs) - NAMED
    return f"{verb} {', '.join(named)}{f' and {more} more' if more > 0 else ''}"


class _Carrying:
    """Tells every tenth of the way."""

    def __init__(self, host: str, step: Step, progress: Progress) -> None:
        self._host, self._progress = host, progress
        self._total = sum(deb.size for deb in step.debs)
        self._carried = self._tenths = 0

    def told(self, size: int) -> None:
        self._carried += size
        if (tenths := self._carried * 10 // self._total) > self._tenths:
            self._tenths = tenths
            carried, total = (f"{size / 1e6:.1f}" for size in (self._carried, self._total))
            self._progress.step(self._host, f"carry packages: {carried} of {total} MB")


async def _prepare_docker(host: Transport, found: Inspection, step: Step) -> None:
    """A daemon that starts with its defaults takes 172.17.0.1 on every host alike, and restarts to unlearn it."""
    if set(DOCKER) & set(step.installs) and (settings := writes(found.config, found.facts)):
        await demand(host, "could not write Docker's settings", *settings)
