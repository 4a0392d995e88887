"""Rules about what the file says to Docker on a host."""

from collections.abc import Iterator

from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.problems import Problem
from dockmesh.model.mesh import DAEMON_KEYS


def check_keys(mesh: MeshSection) -> Iterator[Problem]:
    for docker in [host.docker for host in mesh.every_host if host.docker]:
        for name, found in docker.value.items():
            if name in DAEMON_KEYS and (name, found.value) != ("icc", True):
                hint = f"The mesh's value is used ({DAEMON_KEYS[name]}). Leave it out."
                yield Problem(f"{docker.subject} contradicts the mesh file: {name}", hint, found.span)


RULES = (check_keys,)
