"""Who gets in, without cryptography: what the stages before the hosts need of it are texts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dockmesh.model.mesh import Listen, Mesh
from dockmesh.plan.build import build
from dockmesh.plan.secrets import Access, Client, HostCertificate
from dockmesh.plan.types import Plan
from dockmesh.render.host import render
from dockmesh.render.paths import MARK
from dockmesh.render.types import HostConfig
from tests.support.meshes import mesh_of

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
FIRST = "2027-02-25 12:00:00"


def mesh(hosts: int = 3) -> Mesh:
    made = mesh_of(hosts)
    return Mesh(made.name, made.fabric, made.networks[:1], made.hosts, docker_api=Listen.MESH)


def pem(words: str) -> str:
    return f"{MARK}\n# {words}\n-----BEGIN SOMETHING-----\n{words.encode().hex()}\n-----END SOMETHING-----\n"


def access(
    *hosts: str,
    until: str = FIRST,
    revoked: str = "none; list 1",
    clients: tuple[Client, ...] = (),
    fresh: bool = False,
) -> Access:
    return Access(
        ca=pem("The authority of Docker's API in mesh prod, until 2031-11-26 12:00:00 UTC."),
        ca_until=NOW + timedelta(days=5 * 365),
        revoked=pem(f"Revoked: {revoked}."),
        hosts={
            name: HostCertificate(
                pem(f"Certificate of {name} in mesh prod, until {until} UTC, serial 1f."),
                pem(f"Private key of {name} in mesh prod, until {until} UTC, serial 1f."),
            )
            for name in hosts or ("host1", "host2", "host3")
        },
        clients=clients,
        fresh=fresh,
    )


def plan(known: Access | None = None) -> Plan:
    made = build(mesh())
    return made if known is None else replace(made, access=known)


def config(known: Access | None = None, host: str = "host1") -> HostConfig:
    made = plan(known)
    return render(made, made.host(host))
