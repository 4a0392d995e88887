"""An edit of the mesh file, and what follows from it."""

from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from dockmesh.meshfile.excerpt import shown
from dockmesh.model.mesh import Host, Mesh
from dockmesh.model.network import Network
from dockmesh.plan.effect import Effect


@dataclass(frozen=True, slots=True)
class Edit:
    file: Path
    before: bytes
    after: bytes
    old: Mesh
    new: Mesh
    effect: Effect

    @property
    def gone(self) -> list[str]:
        staying = {host.name for host in self.new.hosts}
        return [host.name for host in self.old.hosts if host.name not in staying]

    @property
    def came(self) -> list[Host]:
        known = {host.name for host in self.old.hosts}
        return [host for host in self.new.hosts if host.name not in known]

    @property
    def networks_gone(self) -> list[Network]:
        return [network for network in self.old.further if network.name not in _names(self.new)]

    @property
    def networks_came(self) -> list[Network]:
        return [network for network in self.new.further if network.name not in _names(self.old)]

    @property
    def difference(self) -> list[str]:
        """As `diff -u` shows it, with one line around each change."""
        old, new = (content.decode("utf-8").splitlines() for content in (self.before, self.after))
        return [shown(line) for line in list(unified_diff(old, new, lineterm="", n=1))[2:]]


def _names(mesh: Mesh) -> set[str]:
    return {network.name for network in mesh.networks}
