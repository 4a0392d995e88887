"""All facts of a host in one round trip."""

from collections.abc import Collection

from dockmesh.facts import docker, flows, link, ovs, packages, system
from dockmesh.facts.types import Docker, FileState, HostFacts, Packages
from dockmesh.remote.seam import Answer, Ask, Find, Get, Request, Run, Stat, Transport
from dockmesh.typed import of_its_type

DOCKER_UNIT = "docker.service"
DOCKER_QUESTIONS = tuple(
    Ask(docker.SOCKET, url, DOCKER_UNIT) for url in (docker.INFO, docker.NETWORK, docker.CONTAINERS, docker.NETWORKS)
)


PACKAGE_QUESTIONS = (Run(packages.ARCHITECTURE), Run(packages.INSTALLED))


async def gather(host: Transport, paths: Collection[str], bundle: str | None = None) -> HostFacts:
    """Ask everything at once; `paths` are the files whose text is wanted, `bundle` the wanted flows, if any.

    Raises ConnectError.
    """
    files = tuple(sorted(paths))
    answers = await host.ask(*questions(files, bundle), together=True)
    return read(host.name, files, answers, bundle)


async def gather_docker(host: Transport) -> Docker | None:
    """Only what the daemon says; None if it does not answer.

    Raises ConnectError.
    """
    return _read_docker(*await host.ask(*DOCKER_QUESTIONS, together=True))


async def gather_packages(host: Transport) -> Packages | None:
    """Only what dpkg says; None where there is no dpkg.

    Raises ConnectError.
    """
    return read_packages(*await host.ask(*PACKAGE_QUESTIONS, together=True))


def read_packages(architecture: Answer, installed: Answer) -> Packages | None:
    """Pure: the answers to PACKAGE_QUESTIONS."""
    if not (architecture.ok and installed.ok):
        return None
    return of_its_type(packages.read_packages(architecture.out, installed.out))


def _read_docker(info: Answer, network: Answer, containers: Answer, networks: Answer) -> Docker | None:
    if not (info.ok and containers.ok and networks.ok):
        return None
    return of_its_type(docker.read_docker(info.out, network.out, containers.out, networks.out))


def questions(files: tuple[str, ...], bundle: str | None = None) -> tuple[Request, ...]:
    return (
        Run(link.LINKS),
        Run(link.ROUTERS),
        ovs.DATABASE,
        system.UNIT_STATES,
        Find(system.PROGRAMS),
        Stat(system.LIBRARY_FILE),
        Run(system.MODULE),
        Get(system.LOADED_MODULES),
        Get(system.OS_RELEASE),
        *DOCKER_QUESTIONS,
        *(Get(path) for path in files),
        *(flows.questions(bundle) if bundle is not None else ()),
    )


def read(name: str, files: tuple[str, ...], answers: tuple[Answer, ...], bundle: str | None = None) -> HostFacts:
    """Pure: the answers to `questions(files, bundle)`, in their order.

    Raises what Python raises where an answer is of another form: remote/understand.py makes it the host's error.
    """
    links, routers, database, units, found, library, module, loaded, release, *rest = answers
    of_docker, more = rest[: len(DOCKER_QUESTIONS)], rest[len(DOCKER_QUESTIONS) :]
    texts, compared = more[: len(files)], more[len(files) :]
    programs = system.read_programs(found.out) | ({system.LIBRARY} if library.ok else frozenset())
    facts = HostFacts(
        name=name,
        programs=programs,
        package_manager="apt-get" in programs,
        system=system.read_os_release(release.out),
        units=system.read_units(units.out),
        links=link.read_links(links.out, routers.out),
        ovs=ovs.read_bridges(database.out) if database.ok else None,
        switch_version=ovs.read_version(database.out) if database.ok else None,
        docker=_read_docker(*of_docker),
        files={path: FileState(text.out, int(text.err, 8)) for path, text in zip(files, texts, strict=True) if text.ok},
        flows=flows.read(bundle, *compared) if bundle is not None else None,
        kernel_datapath=system.read_kernel_datapath(loaded.out, loadable=module.ok),
    )
    return of_its_type(facts)
