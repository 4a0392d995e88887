"""What dpkg has installed, and what apt could install beside it."""

from dockmesh.debian.relation import read_relations
from dockmesh.debian.select import Installed
from dockmesh.facts.types import Packages

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
