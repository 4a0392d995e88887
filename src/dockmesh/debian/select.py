"""Which .debs a host needs, and what neither they nor the host have: pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dockmesh.debian.deb import Deb
from dockmesh.debian.relation import Group, available, group_text, is_met


@dataclass(frozen=True, slots=True)
class Installed:
    version: str
    provides: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class Unmet:
    """A dependency that nothing meets, and of which packages."""

    group: Group
    packages: tuple[str, ...]

    def __str__(self) -> str:
        *others, last = self.packages
        who = f"{', '.join(others)} and {last} depend" if others else f"{last} depends"
        return f"{group_text(self.group)}, on which {who}"


@dataclass(frozen=True, slots=True)
class Selection:
    """`because` has for each deb that was not asked for the package that depends on it."""

    debs: tuple[Deb, ...]
    because: Mapping[str, str]
    unmet: tuple[Unmet, ...]


def select(roots: Sequence[Deb], offered: Iterable[Deb], installed: Mapping[str, Installed]) -> Selection:
    """The roots, and of `offered` what they need beyond what is installed.

    What is installed and good enough stays as it is: a carried library never replaces a newer one.
    """
    others = {deb.package: deb for deb in offered}
    chosen = {deb.package: deb for deb in roots}
    because: dict[str, str] = {}
    unmet: dict[Group, list[str]] = {}
    waiting = list(roots)
    while waiting:
        deb = waiting.pop(0)
        for group in deb.depends:
            # Again for each: whatever is chosen takes the place of what is installed.
            if is_met(group, _after(chosen, installed)):
                continue
            found = next((each for each in _candidates(group, others) if each.package not in chosen), None)
            if found is None:
                unmet.setdefault(group, []).append(deb.package)
                continue
            chosen[found.package] = found
            because[found.package] = deb.package
            waiting.append(found)
    lacks = tuple(Unmet(group, tuple(packages)) for group, packages in unmet.items())
    return Selection(tuple(chosen.values()), because, lacks)


def _after(chosen: Mapping[str, Deb], installed: Mapping[str, Installed]) -> Mapping[str, frozenset[str | None]]:
    return available(
        [
            *((deb.package, deb.version, deb.provides) for deb in chosen.values()),
            *((name, each.version, each.provides) for name, each in installed.items() if name not in chosen),
        ]
    )


def _candidates(group: Group, offered: Mapping[str, Deb]) -> Iterable[Deb]:
    """The .debs that meet the group, in its own order: the first alternative is its packager's choice."""
    for wanted in group:
        for deb in offered.values():
            if is_met((wanted,), available([(deb.package, deb.version, deb.provides)])):
                yield deb
