"""The Debian releases that a lab's hosts can run."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from dockmesh.errors import LabError


class Release(StrEnum):
    """By code name, as in apt's sources."""

    BOOKWORM = "bookworm"  # 12: Docker 20.10, Open vSwitch 3.1, Linux 6.1
    TRIXIE = "trixie"  # 13: Docker 26.1, Open vSwitch 3.5, Linux 6.12
    FORKY = "forky"  # 14, in the making: Docker 28.5, Open vSwitch 4.0


DEFAULT = Release.TRIXIE


def parse_releases(text: str) -> Release | dict[str, Release]:
    """`trixie` for all hosts, or `host1=bookworm,host2=trixie` for some of them.

    Raises LabError for a release that is not known, a host named twice, and for a mixture of both forms.
    """
    if "=" not in text:
        return _known(text)
    releases: dict[str, Release] = {}
    for part in text.split(","):
        host, equals, release = part.strip().partition("=")
        if not (host and equals):
            raise LabError(f"--release {text}: {part!r} is not HOST=RELEASE", do=_FORMS)
        if host in releases:
            raise LabError(f"--release {text}: {host} is given twice", do=_FORMS)
        releases[host] = _known(release)
    return releases


_FORMS = "write it like --release trixie, or --release host1=bookworm,host2=trixie"


def _known(text: str) -> Release:
    if text not in list(Release):
        raise LabError(f"--release: the lab has no release {text!r}", do=f"name one of {', '.join(Release)}")
    return Release(text)


def releases_of(
    names: Sequence[str], wanted: Release | Mapping[str, Release] | None, old: Mapping[str, Release]
) -> tuple[Release, ...]:
    """Pure: the release of each host by name: what is wanted, else what it has, else that of all others.

    Raises LabError where `wanted` names a host that is not there.
    """
    if isinstance(wanted, Release):
        return (wanted,) * len(names)
    wanted = wanted or {}
    if unknown := sorted(set(wanted) - set(names)):
        raise LabError(
            f"--release names {', '.join(unknown)}, but the hosts are {names[0]} to {names[-1]}",
            do="name these, or add --hosts NUMBER",
        )
    others = set(old.values())
    default = others.pop() if len(others) == 1 else DEFAULT
    return tuple(wanted.get(name, old.get(name, default)) for name in names)
