"""Relations between Debian packages, as control files write them: deb-control(5), Debian policy chapter 7."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dockmesh.debian.version import satisfies

ONE = re.compile(
    r"""(?P<name>[a-zA-Z0-9][a-zA-Z0-9+.-]*)
        (?: : [a-z0-9-]+ )? \s*                                       # :any, :native, or an architecture
        (?: \( \s* (?P<operator><<|<=|=|>=|>>|<|>) \s* (?P<version>[0-9A-Za-z][^\s)]*) \s* \) )?""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A package by its name, and perhaps in some versions only."""

    name: str
    operator: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.operator} {self.version})" if self.operator else self.name


# One of these is needed: what stands between two commas, cut at its bars.
Group = tuple[Wanted, ...]

# Names with the versions in which they are there; None: provided without saying which.
Available = Mapping[str, frozenset[str | None]]


def read_relations(text: str) -> tuple[Group, ...]:
    """Raises ValueError where it is no list of relations."""
    groups = [part.strip() for part in " ".join(text.split()).split(",")]
    return tuple(tuple(_read_one(part) for part in group.split("|")) for group in groups if group)


def _read_one(text: str) -> Wanted:
    found = ONE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"no relation: {text.strip()!r}")
    return Wanted(found["name"], found["operator"], found["version"])


def group_text(group: Group) -> str:
    return " | ".join(map(str, group))


def is_met(group: Group, available: Available) -> bool:
    """Whether one of the group is there. What is provided without a version meets no versioned relation (7.5)."""
    return any(
        wanted.operator is None
        or any(version and satisfies(version, wanted.operator, wanted.version or "") for version in versions)
        for wanted in group
        if (versions := available.get(wanted.name))
    )


def available(packages: Iterable[tuple[str, str, tuple[Group, ...]]]) -> dict[str, frozenset[str | None]]:
    """All names under which these packages (name, version, Provides) are there."""
    names: dict[str, set[str | None]] = {}
    for name, version, provides in packages:
        names.setdefault(name, set()).add(version)
        for group in provides:
            for provided in group:
                names.setdefault(provided.name, set()).add(provided.version)
    return {name: frozenset(versions) for name, versions in names.items()}
