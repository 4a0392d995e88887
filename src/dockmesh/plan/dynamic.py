"""Links that cannot be: of two hosts neither of which knows where the other is."""

from collections.abc import Sequence

from dockmesh.errors import UsageError
from dockmesh.model.mesh import Host
from dockmesh.plan.graph import depths, neighbours
from dockmesh.plan.types import Link


def split(hosts: Sequence[Host], links: Sequence[Link]) -> tuple[tuple[Link, ...], tuple[Link, ...]]:
    """The links that can be, and those that cannot. Raises UsageError where the former leave the mesh in parts."""
    moving = {host.name for host in hosts if host.endpoint is not None and host.endpoint.is_learned}
    kept = tuple(link for link in links if not {link.a, link.b} <= moving)
    left_out = tuple(link for link in links if {link.a, link.b} <= moving)
    if left_out:
        _refuse_parts([host.name for host in hosts], kept, moving)
    return kept, left_out


def _refuse_parts(names: Sequence[str], links: Sequence[Link], moving: set[str]) -> None:
    reached = depths(neighbours(names, links), next((name for name in names if name not in moving), names[0]))
    if lost := [name for name in names if name not in reached]:
        shown = ", ".join(lost[:6]) + (f" and {len(lost) - 6} more" if len(lost) > 6 else "")
        raise UsageError(
            f"without links between hosts of `endpoint: dynamic` nothing leads to {shown}",
            do="link each of them to a host that the others find: one without `endpoint`, or with an address there",
        )
