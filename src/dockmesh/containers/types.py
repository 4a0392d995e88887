"""What is said of a container on some host of the mesh."""

from dataclasses import dataclass
from ipaddress import IPv4Address


@dataclass(frozen=True, slots=True)
class Published:
    """A port of a container that its host answers for; `address` is the host's, None for all of them."""

    address: str | None
    host_port: int
    port: int
    protocol: str


@dataclass(frozen=True, slots=True)
class Container:
    host: str
    id: str
    name: str
    image: str
    state: str  # Docker's word: created, running, paused, restarting, removing, exited or dead
    status: str  # its sentence: "Up 5 minutes (healthy)"
    created: int  # in seconds since 1970, UTC
    networks: tuple[tuple[str, str | None], ...]  # by name, with the container's address there
    addresses: tuple[IPv4Address, ...]  # those in a network of the mesh
    ports: tuple[Published, ...]

    @property
    def full_name(self) -> str:
        """Its name in the mesh: no other container has it."""
        return f"{self.name}.{self.host}"

    @property
    def runs(self) -> bool:
        """Whether a command can be run in it; Docker says so of a paused one when it is asked to."""
        return self.state in ("running", "paused", "restarting")
