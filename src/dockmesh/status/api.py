"""Docker's API in the mesh: whether it is open on a host, why not, and how long certificates last."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from dockmesh.access.lifetimes import CA_WARNED, HOST_LIFE, in_last_third
from dockmesh.diff import api
from dockmesh.facts.types import HostFacts
from dockmesh.model.mesh import API_PORT
from dockmesh.plan.secrets import Client
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.record.applied import Applied
from dockmesh.render.paths import API_UNIT
from dockmesh.status.types import Api, HostStatus, StatusFinding


def read(plan: Plan, host: HostPlan, facts: HostFacts, applied: Applied | None) -> Api | None:
    """Only where an apply opened it: before that, it is what the file wants and the host has not."""
    if plan.docker_api is None or applied is None or API_UNIT not in applied.expected:
        return None
    state = facts.units.get(API_UNIT, {}).get("ActiveState") or "inactive"
    return Api(
        address=f"{host.address.ip}:{API_PORT}",
        open=state == "active",
        until=api.until(facts.files),
        why="" if state == "active" else _why(facts, state),
    )


def _why(facts: HostFacts, state: str) -> str:
    if "stunnel" not in facts.programs:
        return "stunnel is not there"
    if gone := api.missing(facts):
        return f"{' and '.join(gone)} {'is' if len(gone) == 1 else 'are'} not there"
    return f"{API_UNIT} is {state}"


def findings(host: HostStatus, now: datetime) -> Iterator[StatusFinding]:
    known = host.api
    if known is None:
        return
    if not known.open:
        do = f"run `dockmesh apply`; if it stays shut, look at `journalctl -u {API_UNIT}` on {host.name}"
        yield StatusFinding((host.name,), f"Docker's API is shut: {known.why}", do)
    if known.until is not None and known.until <= now:
        what = f"its certificate for Docker's API ended {_when(known.until)}: clients refuse it"
        yield StatusFinding(
            (host.name,), what, "run `dockmesh apply`, which renews it; if it ends again, look at the clock"
        )


def warnings(plan: Plan, hosts: Sequence[HostStatus], now: datetime) -> Iterator[StatusFinding]:
    for host in hosts:
        end = host.api.until if host.api else None
        if end is not None and now < end and in_last_third(end - HOST_LIFE, end, now):
            what = f"its certificate for Docker's API ends {_when(end)}"
            yield StatusFinding((host.name,), what, "run `dockmesh apply`, which renews it")
    if plan.access is None or plan.docker_api is None:
        return
    mesh = (plan.name,)
    if plan.access.ca_until - now < CA_WARNED:
        what = f"the authority of Docker's API ends {_when(plan.access.ca_until)}, and everybody's certificate with it"
        yield StatusFinding(mesh, what, "run `dockmesh access rotate`, then `dockmesh apply`")
    for client in last(plan.access.clients):
        if client.revoked is None and now < client.until and in_last_third(client.made, client.until, now):
            what = f"{client.name}'s certificate for Docker's API ends {_when(client.until)}"
            yield StatusFinding(mesh, what, f"`dockmesh access create --again {client.name}` makes another")


def last(clients: Sequence[Client]) -> tuple[Client, ...]:
    """Of each name the certificate that lasts longest."""
    found: dict[str, Client] = {}
    for client in clients:
        known = found.get(client.name)
        if known is None or (known.revoked is not None, -_age(known)) >= (client.revoked is not None, -_age(client)):
            found[client.name] = client
    return tuple(found.values())


def _age(client: Client) -> float:
    return client.until.timestamp()


def _when(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
