"""All facts of a host in one round trip."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from dockmesh.facts import docker, flows, keys, link, ovs, packages, system
from dockmesh.facts.fact import Fact
from dockmesh.facts.types import Docker, FileState, HostFacts, Packages
from dockmesh.transport.requests import Answer, Ask, Get, Request, Transport
from dockmesh.typed import of_its_type

ALWAYS = (link.FACT, ovs.FACT, *system.FACTS, docker.FACT)


@dataclass(frozen=True)
class Inquiry:
    """What is asked of a host. `paths` are the files whose text is wanted, `bundle` the wanted flows, if any.

    `docker_s`: how long Docker is waited for, where that is less than the time of a request: one that hangs is
    Docker's trouble, and not the host's. `packages`: what dpkg has, too. `keys`: those of the
    encryption.
    """

    paths: Collection[str] = ()
    bundle: str | None = None
    docker_s: float | None = None
    packages: bool = False
    keys: bool = False

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        files = tuple(sorted(self.paths))
        return (
            *ALWAYS,
            Fact(tuple(map(Get, files)), lambda *texts: {"files": _files(files, texts)}),
            *((flows.fact(self.bundle),) if self.bundle is not None else ()),
            *((packages.FACT,) if self.packages else ()),
            *((keys.FACT, system.WIREGUARD_FACT) if self.keys else ()),
        )

    @property
    def requests(self) -> tuple[Request, ...]:
        return tuple(self._patient(request) for fact in self.facts for request in fact.requests)

    def _patient(self, request: Request) -> Request:
        if self.docker_s is None or not isinstance(request, Ask):
            return request
        return replace(request, timeout_s=self.docker_s)

    def read(self, host: str, answers: tuple[Answer, ...]) -> HostFacts:
        """Pure: the answers to `requests`, in their order.

        Raises what Python raises where an answer is of another form: transport/understand.py makes it the host's error.
        """
        fields: dict[str, Any] = {}
        rest = iter(answers)
        for fact in self.facts:
            fields |= fact.read(*(next(rest) for _ in fact.requests))
        facts = HostFacts(name=host, **fields)
        # Debian's 4.0 starts the database for whoever asks it, also beside a switch that somebody has stopped.
        return of_its_type(replace(facts, ovs=None, switch_version=None) if _stopped(facts) else facts)


def _stopped(facts: HostFacts) -> bool:
    return facts.units.get(system.SWITCH_UNIT, {}).get("ActiveState") in ("inactive", "failed")


def _files(paths: tuple[str, ...], texts: tuple[Answer, ...]) -> Mapping[str, FileState]:
    return {path: FileState(text.out, int(text.err, 8)) for path, text in zip(paths, texts, strict=True) if text.ok}


async def gather(host: Transport, inquiry: Inquiry) -> HostFacts:
    """Ask everything at once.

    Raises ConnectError.
    """
    return inquiry.read(host.name, await host.ask(*inquiry.requests, together=True))


async def gather_docker(host: Transport) -> Docker | None:
    """Only what the daemon says; None if it does not answer.

    Raises ConnectError.
    """
    found = docker.read_daemon(*await host.ask(*docker.FACT.requests, together=True))
    return of_its_type(found) if found else None


async def gather_packages(host: Transport) -> Packages | None:
    """Only what dpkg says; None where there is no dpkg.

    Raises ConnectError.
    """
    found = packages.read(*await host.ask(*packages.FACT.requests, together=True))
    return of_its_type(found) if found else None
