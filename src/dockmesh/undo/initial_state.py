"""Before the first change of a host, what it was; and afterwards, which packages we brought."""

from collections.abc import Iterable

from dockmesh.diff.daemon_json import is_ours
from dockmesh.facts.system import read_units
from dockmesh.facts.types import HostFacts
from dockmesh.model.network import DOCKER_BRIDGE, FABRIC_BRIDGE
from dockmesh.record import initial_state
from dockmesh.record.initial_state import InitialState
from dockmesh.record.paths import APPLIED, ORIGIN, STATE
from dockmesh.render import docker, ovs
from dockmesh.render.paths import MARK, PATHS
from dockmesh.transport.demand import demand
from dockmesh.transport.requests import Exec, Get, Put, Transport
from dockmesh.undo.restore import docker_address

WHAT = "could not record its current state, so nothing was changed"


async def keep(host: Transport, facts: HostFacts, mesh: str) -> InitialState | None:
    """Written before anything else, once in the life of a host in a mesh; a rollback leaves it.

    None on a host that has something of ours and no such record: a version before this one made that.
    Raises CommandError and ConnectError.
    """
    present, services, folders, forwarding, *bridge_nf = await host.ask(
        Get(ORIGIN),
        Exec(initial_state.SERVICE_STATES),
        Exec(initial_state.FOLDERS_THERE),
        Get(initial_state.FORWARDING),
        *map(Get, map(initial_state.file_of, initial_state.BRIDGE_NF)),
        together=True,
    )
    if present.ok or _has_ours(facts):
        return initial_state.read(present.out)
    units = {
        unit: {key: states.get(key, "") for key in ("ActiveState", "UnitFileState")}
        for unit, states in read_units(services.out).items()
        if states.get("LoadState") == "loaded"
    }
    made = InitialState(
        mesh,
        facts.files.get(docker.DAEMON_JSON),
        units,
        tuple(folders.out.split()),
        docker_bridge=facts.link(DOCKER_BRIDGE) is not None,
        docker_address=docker_address(facts.docker),
        forwarded=forwarding.out.strip() != "0",
        bridge_nf={
            setting: answer.out.strip()
            for setting, answer in zip(initial_state.BRIDGE_NF, bridge_nf, strict=True)
            if answer.ok
        },
    )
    await _write(host, made)
    return made


async def add_packages(host: Transport, simulated: str) -> None:
    """The packages that apt said it would install and that are not there yet. Before it does so.

    Raises CommandError and ConnectError.
    """
    (present,) = await host.ask(Get(ORIGIN))
    made = initial_state.read(present.out) if present.ok else None
    names = frozenset(new_packages(simulated))
    if made is not None and not names <= {*made.packages}:
        await _write(host, made.with_packages(names))


def new_packages(simulated: str) -> Iterable[str]:
    """`Inst NAME (VERSION …)` is new; `Inst NAME [OLD] (VERSION …)` is another version of what is there."""
    for line in simulated.splitlines():
        words = line.split()
        if len(words) > 2 and words[0] == "Inst" and not words[2].startswith("["):
            yield words[1].partition(":")[0]


async def _write(host: Transport, made: InitialState) -> None:
    folder = Exec(("install", "-d", "-m", "0700", STATE))
    await demand(host, WHAT, folder, Put(ORIGIN, initial_state.write(made), initial_state.MODE))


def _has_ours(facts: HostFacts) -> bool:
    bridge = facts.bridge(FABRIC_BRIDGE)
    return (
        facts.file(APPLIED) is not None
        or (bridge is not None and ovs.MARK in bridge.external_ids)
        or any((facts.file(path) or "").startswith(MARK) for path in PATHS)
        or is_ours(facts.file(docker.DAEMON_JSON))
    )
