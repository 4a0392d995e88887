"""Nobody gets what another host still has."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from dockmesh.apply.inspection import Inspections
from dockmesh.diff.types import StepName
from dockmesh.errors import DockmeshError, HostError
from dockmesh.facts.gather import Inquiry, gather
from dockmesh.facts.types import Docker, HostFacts
from dockmesh.inspect.host import Inspection
from dockmesh.model.mesh import Host
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.plan.types import HostNetwork
from dockmesh.transport.requests import Transport
from dockmesh.transport.understand import understanding


async def read_owners(
    left_out: Iterable[Transport], before: Mapping[str, HostFacts] | None = None
) -> dict[str, Docker]:
    """By host what Docker has, where nothing can be changed and the host is in the mesh all the same.

    Who is out of reach, or gives no answer that can be read, has what it had `before`, if that is known: its containers
    do not need our connection.
    """
    owners: dict[str, Docker] = {}
    for host in left_out:
        try:
            with understanding(host.name):
                facts = await gather(host, Inquiry())
        except HostError:
            if (known := (before or {}).get(host.name)) is None:
                continue
            facts = known
        fabric = facts.link(FABRIC_BRIDGE)
        if facts.docker is not None and fabric is not None and fabric.master is not None:
            owners[host.name] = facts.docker
    return owners


def presumed(host: Host) -> Docker:
    """What a host has as far as anybody knows who cannot ask it."""
    return Docker(
        "",
        live_restore=False,
        prefix=None,
        gateway=str(host.address),
        pool=host.pool,
        mtu=None,
        containers=(),
        default_bridge=None,
    )


def takers(inspections: Inspections) -> tuple[str, ...]:
    """The hosts that are to have an address or a pool which their Docker does not use now."""
    return tuple(
        name
        for name, found in inspections.items()
        if isinstance(found, Inspection) and found.diff.step(StepName.DOCKER) is not None and not _has_all(found)
    )


def refuse_beforehand(inspections: Inspections, owners: Mapping[str, Docker]) -> Inspections:
    """The inspections, with an error in place of a host that is to have what another keeps: the file gives it away,
    but this run leaves the other out.
    """
    taking = takers(inspections)
    return {name: _refused(found, owners) if name in taking else found for name, found in inspections.items()}


def _refused(found: Inspection | DockmeshError, owners: Mapping[str, Docker]) -> Inspection | DockmeshError:
    if isinstance(found, DockmeshError):
        return found
    for owner, docker_now in owners.items():
        if shared := _shared(found, docker_now):
            return HostError(
                f"is to have {' and '.join(shared)}, which {owner} still has",
                host=found.config.host,
                answered=_containers(found, owner, docker_now),
                now="nothing was changed on this host",
                do=f"apply {owner} in the same run: each gives up the old before anybody gets the new",
            )
    return found


def refuse_second_owner(found: Inspection, owners: Mapping[str, Docker]) -> None:
    """A host that keeps what it has must not keep what this one is to get.

    Raises HostError.
    """
    for owner, docker_now in owners.items():
        if owner != found.config.host and (shared := _shared(found, docker_now)):
            raise HostError(
                f"is to have {' and '.join(shared)}, which {owner} still has",
                host=found.config.host,
                step=StepName.ATTACH,
                answered=_containers(found, owner, docker_now),
                do=f"check that {owner} can be applied, then run `dockmesh apply` again",
            )


def _shared(found: Inspection, docker_now: Docker) -> list[str]:
    address, pool = _wanted(found)
    shared = [address] if docker_now.gateway == address else []
    shared += [str(pool)] if docker_now.pool is not None and docker_now.pool.overlaps(pool) else []
    return shared + [each for network in found.config.further for each in _shared_in(network, docker_now)]


def _shared_in(network: HostNetwork, docker_now: Docker) -> list[str]:
    """In a further network, by whatever name the other host has it."""
    shared = []
    for theirs in docker_now.networks:
        shared += [str(network.address.ip)] if theirs.gateway == str(network.address.ip) else []
        shared += [str(network.pool)] if theirs.pool is not None and theirs.pool.overlaps(network.pool) else []
        shared += _shared6(network, theirs.gateway6, theirs.pool6)
    return shared


def _shared6(network: HostNetwork, gateway: str | None, pool: IPv6Network | None) -> list[str]:
    address6, pool6 = network.address6, network.pool6
    shared = [gateway] if address6 is not None and gateway == str(address6.ip) else []
    return shared + ([str(pool6)] if pool is not None and pool6 is not None and pool.overlaps(pool6) else [])


def _containers(found: Inspection, owner: str, docker_now: Docker) -> str | None:
    """Whose addresses would be given out twice."""
    _, pool = _wanted(found)
    sitting = [each for each in docker_now.containers if each.address and IPv4Address(each.address) in pool]
    if not sitting:
        return None
    return f"containers of {owner} in {pool}: " + ", ".join(f"{each.name} ({each.address})" for each in sitting)


def _wanted(found: Inspection) -> tuple[str, IPv4Network]:
    return str(found.config.docker0.address.ip), found.config.daemon.pool


def _has_all(found: Inspection) -> bool:
    docker_now, config = found.facts.docker, found.config
    return docker_now is not None and not docker_now.unlike(config.docker0.address, config.daemon.pool)
