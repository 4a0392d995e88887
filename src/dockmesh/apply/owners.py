"""Nobody gets what another host still has."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network

from dockmesh.apply.types import Look
from dockmesh.diff.types import StepName
from dockmesh.errors import ConnectError, HostError
from dockmesh.facts.gather import gather
from dockmesh.facts.types import Docker
from dockmesh.model import FABRIC_BRIDGE
from dockmesh.remote.seam import Transport


async def read_owners(left_out: Iterable[Transport]) -> dict[str, Docker]:
    """By host what Docker has, where nothing can be changed and the host is in the mesh all the same."""
    owners: dict[str, Docker] = {}
    for host in left_out:
        try:
            facts = await gather(host, ())
        except ConnectError:
            continue
        fabric = facts.link(FABRIC_BRIDGE)
        if facts.docker is not None and fabric is not None and fabric.master is not None:
            owners[host.name] = facts.docker
    return owners


def refuse_second_owner(found: Look, owners: Mapping[str, Docker]) -> None:
    """A host that keeps what it has must not keep what this one is to get.

    Raises HostError.
    """
    address, pool = str(found.config.docker_bridge.address.ip), IPv4Network(found.config.daemon.fixed_cidr)
    for name, docker_now in owners.items():
        shared = [address] if docker_now.gateway == address else []
        shared += [str(pool)] if docker_now.pool is not None and docker_now.pool.overlaps(pool) else []
        if shared:
            raise HostError(
                f"is to have {' and '.join(shared)}, which {name} still has",
                host=found.config.host,
                step=StepName.ATTACH,
                do=f"see that {name} can be applied, then run `dockmesh apply` again",
            )
