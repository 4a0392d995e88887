"""What hosts get that no mesh file says: who gets in to Docker's API, and the keys of the encryption."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, repr=False)
class HostCertificate:
    """What a host shows who opens Docker's API there: texts in PEM below a line that says what they are.

    Whatever prints values must not print these: one is a private key.
    """

    certificate: str
    key: str


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody who was let in to Docker's API; the certificate itself is with them alone."""

    name: str
    serial: int
    made: datetime
    until: datetime
    revoked: datetime | None = None
    folder: str = ""  # where it was written to


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """Who gets in to Docker's API, by the certificate authority of the mesh, as far as hosts must know.

    `hosts` has no host that came since. `fresh`: nobody has seen this authority before.
    """

    ca: str
    ca_until: datetime
    revoked: str  # the list of certificates that shall not get in any more
    hosts: Mapping[str, HostCertificate]
    clients: tuple[Client, ...] = ()
    fresh: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class MeshKeys:
    """Of the encryption. Whatever prints values must not print these: preshared keys are secret.

    `public`: by host its public key, as far as this machine knows. `preshared`: those that pairs of hosts get now.
    """

    public: Mapping[str, str] = field(default_factory=dict)
    preshared: Mapping[frozenset[str], str] = field(default_factory=dict)
