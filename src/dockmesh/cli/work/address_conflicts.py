"""Nobody is given what a host still has that takes no part in this run."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

from dockmesh.apply.address_conflicts import presumed, read_owners, refuse_beforehand, takers
from dockmesh.apply.inspection import Inspections
from dockmesh.errors import ConnectError, DockmeshError
from dockmesh.history.store import last_text_of
from dockmesh.meshfile.load import parse
from dockmesh.meshfile.problems import MeshFileError
from dockmesh.model.mesh import Host
from dockmesh.plan.types import HostPlan
from dockmesh.transport.fleet import fleet


async def without_address_conflicts(
    left_out: tuple[HostPlan, ...],
    inspections: Inspections,
    failed: Mapping[str, DockmeshError],
    *,
    file: Path,
    ssh_config: Path | None,
) -> Inspections:
    """The inspections, with an error in place of a host that is to have what another keeps.

    Hosts that `--host` leaves out are asked, only if it matters. Those that cannot be asked, of these and of the
    `failed` ones, have what the last run from this file made of them: their containers do not need our connection.
    """
    if not takers(inspections):
        return inspections
    async with fleet(left_out, ssh_config) as others:
        owners = await read_owners(others.opened.values())
    errors = {**failed, **inspections, **others.failed}
    silent = [name for name, error in errors.items() if isinstance(error, ConnectError)]
    made = {name: presumed(host) for name in silent if (host := as_it_was_made(file, name)) is not None}
    return refuse_beforehand(inspections, made | owners)


def as_it_was_made(file: Path, name: str) -> Host | None:
    """A host of the mesh file as the last run left it; None where no run of this file did, or none can be read."""
    text = last_text_of(file, name)
    if text is None:
        return None
    with contextlib.suppress(MeshFileError):  # a later dockmesh may refuse what an earlier one took
        return next((host for host in parse(str(file), text.encode()).hosts if host.name == name), None)
    return None
