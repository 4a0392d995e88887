"""What dpkg has installed, and what apt could install beside it."""

import re
from dataclasses import dataclass

from dockmesh.debian.relation import read_relations
from dockmesh.debian.select import Installed
from dockmesh.facts.fact import Fact
from dockmesh.facts.types import Packages
from dockmesh.transport.requests import Answer, Exec

ARCHITECTURE = ("dpkg", "--print-architecture")
INSTALLED = (
    *("dpkg-query", "--show"),
    r"--showformat=${db:Status-Status}\t${Package}\t${Architecture}\t${Version}\t${Provides}\n",
)


def satisfy(relation: str) -> tuple[str, ...]:
    """Whether the host's sources, as it last read them, have what meets a relation; changes nothing."""
    return ("apt-get", "--simulate", "--no-remove", "--no-install-recommends", "satisfy", relation)


def read_packages(architecture: str, installed: str) -> Packages:
    """Packages of another architecture on the same host are left out: they serve nothing of ours."""
    own = architecture.strip()
    found: dict[str, Installed] = {}
    for line in installed.splitlines():
        status, name, of, version, provides = line.split("\t")
        if status == "installed" and of in (own, "all"):
            found[name] = Installed(version, read_relations(provides))
    return Packages(own, found)


def read(architecture: Answer, installed: Answer) -> Packages | None:
    """None where there is no dpkg."""
    return read_packages(architecture.out, installed.out) if architecture.ok and installed.ok else None


FACT = Fact((Exec(ARCHITECTURE), Exec(INSTALLED)), lambda *answers: {"packages": read(*answers)})
DEPENDENCIES = (
    *("dpkg-query", "--show"),
    r"--showformat=${db:Status-Status}\t${Package}\t${Pre-Depends}, ${Depends}, ${Recommends}\t${Provides}\n",
)
NAME = re.compile(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]+)")


@dataclass(frozen=True, slots=True)
class Dependent:
    """A package that dpkg knows, with the names of all that it may need and of all that it stands in for."""

    name: str
    installed: bool  # else only a rest of it is there, its settings
    needs: frozenset[str]
    provides: frozenset[str]


def read_dependencies(answer: str) -> tuple[Dependent, ...]:
    rows = (line.split("\t") for line in answer.splitlines())
    return tuple(
        Dependent(name, status == "installed", frozenset(NAME.findall(needs)), frozenset(NAME.findall(provides)))
        for status, name, needs, provides in rows
        if status != "not-installed"
    )
