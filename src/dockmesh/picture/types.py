"""A mesh as it is drawn, as values: what stands where is decided in `layout`, how it looks in `svg`."""

from dataclasses import dataclass
from enum import StrEnum


class LineKind(StrEnum):
    """How a link is doing. The value is what the legend says."""

    CARRIES = "carries frames"
    STANDBY = "standby: carries frames when another link fails"
    DOWN = "down"
    UNKNOWN = "not known: a host did not answer"


@dataclass(frozen=True, slots=True)
class Node:
    """A host. `lines` stand below its name, `mark` beside it; `wrong`: something about it is not right."""

    name: str
    lines: tuple[str, ...] = ()
    mark: str = ""
    wrong: bool = False

    @property
    def label(self) -> str:
        return f"{self.name}, {self.mark}" if self.mark else self.name


@dataclass(frozen=True, slots=True)
class LinkLine:
    """A link between two hosts."""

    a: str
    b: str
    kind: LineKind = LineKind.CARRIES


@dataclass(frozen=True, slots=True)
class SiteGroup:
    """Hosts that are drawn together: a site."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MeshPicture:
    """`hub` is drawn in the middle. Of `groups` every host is in one, or there are none. `notes` stand below."""

    title: str
    subtitle: str
    nodes: tuple[Node, ...]
    lines: tuple[LinkLine, ...]
    hub: str | None = None
    groups: tuple[SiteGroup, ...] = ()
    notes: tuple[str, ...] = ()
