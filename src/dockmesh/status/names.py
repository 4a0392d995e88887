"""The resolver of a host: whether it runs, what it knows, and whom it does not hear."""

from collections.abc import Collection, Iterator

from dockmesh.facts.types import HostFacts
from dockmesh.plan.types import Plan
from dockmesh.record.applied import Applied
from dockmesh.render.names import UNIT
from dockmesh.status.types import HostStatus, Names, StatusFinding

NOBODY = "none"


def read(plan: Plan, facts: HostFacts, applied: Applied | None) -> Names | None:
    """By what it tells systemd of itself. Only where an apply put it there: before that, it is only wanted."""
    if plan.domain is None or applied is None or UNIT not in applied.expected:
        return None
    states = facts.units.get(UNIT, {})
    said = dict(part.split(": ", 1) for part in states.get("StatusText", "").split("; ") if ": " in part)
    return Names(
        state=states.get("ActiveState") or "inactive",
        count=int(said["names"]) if said.get("names", "").isdecimal() else None,
        silent=_list(said.get("silent", NOBODY)),
        elsewhere=_list(said.get("elsewhere", NOBODY)),
    )


def _list(text: str) -> tuple[str, ...]:
    return () if text == NOBODY else tuple(text.split(", "))


def findings(host: HostStatus, heard: Collection[str]) -> Iterator[StatusFinding]:
    """`heard` are the hosts that answer: of another one it is said already that it does not."""
    known = host.names
    if known is None:
        return
    if known.state != "active":
        do = f"look at `journalctl -u {UNIT}` on {host.name}, then run `dockmesh apply`"
        yield StatusFinding((host.name,), f"nobody answers names: {UNIT} is {known.state}", do)
    for peer in known.silent:
        if peer in heard:
            do = f"check that {UNIT} runs on {peer}, and that `dockmesh verify` passes between the two"
            yield StatusFinding(
                (host.name, peer), f"the resolver of {host.name} gets no answer from that of {peer}", do
            )


def warnings(host: HostStatus) -> Iterator[StatusFinding]:
    if host.names and host.names.elsewhere:
        named = ", ".join(host.names.elsewhere)
        what = f"containers started before it had names ask other servers: {named}"
        do = f"restart them, on {host.name}: `docker restart {' '.join(host.names.elsewhere)}`"
        yield StatusFinding((host.name,), what, do)
