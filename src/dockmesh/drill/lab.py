"""Faults in a lab, by the lab's own verbs; and a note of what is harmed, for the case that this program is killed."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from dockmesh.drill import faults
from dockmesh.drill.types import Fault, FaultKind
from dockmesh.errors import LabError
from dockmesh.lab import cut as cutting
from dockmesh.lab import impair, power
from dockmesh.lab.model import Lab
from dockmesh.lab.ssh import run_on
from dockmesh.lab.store import DRILL

PING = ("ping", "-n", "-c", "1", "-W", "1")
SWITCH_PID = ("cat", "/run/openvswitch/ovs-vswitchd.pid")
DOCKER = ("docker.service", "docker.socket")
ASKED_WITHIN_S = 30

T = TypeVar("T")


class LabInjector:
    """The faults of a lab; see FaultInjector."""

    def __init__(self, lab: Lab):
        self._place = FaultedLab(lab)
        self._note = lab.directory / DRILL
        self._turn = asyncio.Lock()  # an interrupted heal and the next one take turns

    async def leftovers(self) -> tuple[str, ...]:
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ()
        fault = Fault(FaultKind(note["kind"]), tuple(note["hosts"]), note["amount"])
        await self.heal(fault)
        return (f"the drill of {note['since']} was ended before it healed its fault: {faults.words(fault)}",)

    async def inject(self, fault: Fault, lasts_s: float) -> None:  # noqa: ARG002  a lab has no timer of its own
        since = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        self._note.write_text(json.dumps({**asdict(fault), "since": since}) + "\n", encoding="utf-8")
        self._place.before.clear()
        async with self._turn:
            await _whole(lambda: HOW[fault.kind].inject(self._place, fault))

    async def lacks(self, fault: Fault) -> str | None:
        return await _whole(lambda: HOW[fault.kind].lacks(self._place, fault))

    async def heal(self, fault: Fault) -> None:
        async with self._turn:
            await _whole(lambda: HOW[fault.kind].heal(self._place, fault))
        self._note.unlink(missing_ok=True)


async def _whole(work: Callable[[], T]) -> T:
    """In a thread, and to its end also when interrupted: half a verb of the lab's is nothing to go on from."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


@dataclass(frozen=True, slots=True)
class FaultedLab:
    """The lab, and what its hosts were before the fault: boots, or processes of Open vSwitch."""

    lab: Lab
    before: dict[str, str] = field(default_factory=dict)

    def on(self, name: str, *argv: str) -> str:
        """Raises LabError if it fails."""
        answer = run_on(self.lab, self.lab.host(name), argv, timeout_s=ASKED_WITHIN_S)
        if answer.returncode != 0:
            said = answer.stderr.strip() or f"exit {answer.returncode}"
            raise LabError("the fault could not be made or healed", host=name, ran=" ".join(argv), answered=said)
        return answer.stdout.strip()

    def on_each(self, fault: Fault, *argv: str) -> None:
        for name in fault.hosts:
            self.on(name, *argv)

    def holds(self, name: str, *argv: str) -> bool:
        return run_on(self.lab, self.lab.host(name), argv, timeout_s=ASKED_WITHIN_S).returncode == 0


@dataclass(frozen=True, slots=True)
class Method:
    """How a kind is done, undone, and seen not to be done. `heal` may be repeated."""

    inject: Callable[[FaultedLab, Fault], None]
    heal: Callable[[FaultedLab, Fault], None]
    lacks: Callable[[FaultedLab, Fault], str | None]


def _nothing(_place: FaultedLab, _fault: Fault) -> str | None:
    """Nothing of it can be seen at once."""


def _borders(place: FaultedLab, fault: Fault) -> list[tuple[str, str]]:
    """The pairs that are cut."""
    if fault.kind is not FaultKind.PARTITION:
        return [(fault.hosts[0], fault.hosts[1])]
    others = [host.name for host in place.lab.hosts if host.name not in fault.hosts]
    return [(a, b) for a in fault.hosts for b in others]


def _cut(place: FaultedLab, fault: Fault) -> None:
    for a, b in _borders(place, fault):
        cutting.cut(place.lab, a, b, one_way=fault.kind is FaultKind.ONE_WAY)


def _mend(place: FaultedLab, fault: Fault) -> None:
    for a, b in _borders(place, fault):
        cutting.heal(place.lab, a, b)


def _passes(place: FaultedLab, fault: Fault) -> str | None:
    pairs = _borders(place, fault)
    through = ((a, b) for a, b in pairs if place.holds(a, *PING, str(place.lab.host(b).address)))
    return next((f"{a} still pings {b} in the underlay" for a, b in through), None)


def _lose(place: FaultedLab, fault: Fault) -> None:
    impair.lose(place.lab, fault.hosts[0], fault.hosts[1], fault.amount or 0)


def _narrow(place: FaultedLab, fault: Fault) -> None:
    impair.narrow(place.lab, fault.hosts[0], fault.hosts[1], fault.amount or 0)


def _make_good(place: FaultedLab, _: Fault) -> None:
    impair.mend(place.lab)


def _crash(place: FaultedLab, fault: Fault) -> None:
    for name in fault.hosts:
        power.crash(place.lab, name)


def _power_on(place: FaultedLab, fault: Fault) -> None:
    for name in fault.hosts:
        power.power_on(place.lab, place.lab.host(name))
    _wait_until_booted(place, fault)


def _wait_until_booted(place: FaultedLab, fault: Fault) -> None:
    for name in fault.hosts:
        power.wait_until_booted(place.lab, place.lab.host(name), place.before.get(name))


def _runs(place: FaultedLab, fault: Fault) -> str | None:
    return _first(fault.hosts, lambda name: power.is_running(place.lab, place.lab.host(name)), "still runs")


def _reboot(place: FaultedLab, fault: Fault) -> None:
    place.before.update({name: place.on(name, *power.BOOT_ID) for name in fault.hosts})
    place.on_each(fault, "systemctl", "--no-block", "reboot")


def _kill_switch(place: FaultedLab, fault: Fault) -> None:
    place.before.update({name: place.on(name, *SWITCH_PID) for name in fault.hosts})
    for name in fault.hosts:
        place.on(name, "kill", "-KILL", place.before[name])


def _start_switch(place: FaultedLab, fault: Fault) -> None:
    place.on_each(fault, "systemctl", "start", "openvswitch-switch.service")


def _switch_lives(place: FaultedLab, fault: Fault) -> str | None:
    lives = "has the same ovs-vswitchd still"
    return _first(fault.hosts, lambda name: place.holds(name, "test", "-d", f"/proc/{place.before[name]}"), lives)


def _stop_docker(place: FaultedLab, fault: Fault) -> None:
    place.on_each(fault, "systemctl", "stop", *DOCKER)


def _start_docker(place: FaultedLab, fault: Fault) -> None:
    place.on_each(fault, "systemctl", "start", *DOCKER)


def _docker_runs(place: FaultedLab, fault: Fault) -> str | None:
    runs = "has Docker running"
    return _first(fault.hosts, lambda name: place.holds(name, "systemctl", "is-active", "--quiet", DOCKER[0]), runs)


def _first(hosts: Iterable[str], is_so: Callable[[str], bool], what: str) -> str | None:
    return next((f"{name} {what}" for name in hosts if is_so(name)), None)


HOW: Mapping[FaultKind, Method] = {
    FaultKind.CUT: Method(_cut, _mend, _passes),
    FaultKind.ONE_WAY: Method(_cut, _mend, _passes),
    FaultKind.LOSSY: Method(_lose, _make_good, _nothing),
    FaultKind.SLOW: Method(_narrow, _make_good, _nothing),
    FaultKind.PARTITION: Method(_cut, _mend, _passes),
    FaultKind.CRASH: Method(_crash, _power_on, _runs),
    FaultKind.REBOOT: Method(_reboot, _wait_until_booted, _nothing),
    FaultKind.SWITCH: Method(_kill_switch, _start_switch, _switch_lives),
    FaultKind.DOCKER: Method(_stop_docker, _start_docker, _docker_runs),
}
