"""Faults on real hosts: the harmless ones, each with a timer on the host that heals it whatever becomes of us."""

import asyncio
import json
from collections.abc import Mapping

from dockmesh.drill import drop, faults
from dockmesh.drill.drop import Drop
from dockmesh.drill.types import Fault, FaultKind
from dockmesh.errors import ConnectError, DatapathError
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.transport.demand import demand
from dockmesh.transport.fanout import fan_out
from dockmesh.transport.requests import Exec, Transport
from dockmesh.transport.understand import understanding

MARGIN_S = 10.0  # that a fault may last longer than planned, before its host heals it itself


class HostsInjector:
    """The faults of real hosts; see FaultInjector. `hosts` are all of the plan, and locked."""

    def __init__(self, plan: Plan, hosts: Mapping[str, Transport]):
        self._plan = plan
        self._hosts = hosts
        self._bridges: dict[str, str | None] = {}
        self._lasts_s = 0.0

    async def leftovers(self) -> tuple[str, ...]:
        left = []
        for name, host in self._hosts.items():
            bridge = await self._bridge(self._plan.host(name))
            waits, *_ = await host.ask(drop.WAITS, drop.heal(bridge), drop.NO_DEAD_MAN)
            if waits.ok:
                left.append(f"{name} had a fault of an earlier drill that ended before healing it")
        return tuple(left)

    async def inject(self, fault: Fault, lasts_s: float) -> None:
        self._lasts_s = lasts_s
        drops = [await self._drop(name, peers) for name, peers in drop.deaf(self._plan, fault).items()]
        for each in drops:
            if each.bridge is not None and fault.kind in (FaultKind.LOSSY, FaultKind.SLOW):
                raise DatapathError(
                    f"a userspace datapath cannot be made to lose a part of its packets ({fault})",
                    host=each.host.name,
                    now="no fault was made",
                    do="take cut, one-way or partition, or a lab",
                )
        await asyncio.gather(*(self._inject(fault, each) for each in drops))

    async def _inject(self, fault: Fault, each: Drop) -> None:
        """The timer first."""
        alone = drop.dead_man(each.bridge, self._lasts_s + MARGIN_S)
        await demand(
            self._hosts[each.host.name], f"the fault could not be made: {faults.words(fault)}", alone,
            *drop.inject(self._plan, fault, each),
        )  # fmt: skip

    async def lacks(self, fault: Fault) -> str | None:
        for name in drop.deaf(self._plan, fault):
            (answer,) = await self._hosts[name].ask(drop.count(self._bridges[name]))
            with understanding(name):
                dropped = drop.counted(answer.out)
            if not dropped:
                return f"{name} dropped no packet"
        return None

    async def heal(self, fault: Fault) -> None:
        names = tuple(drop.deaf(self._plan, fault))
        healed = await fan_out({name: self._heal(name) for name in names})
        for name, error in healed.items():
            if isinstance(error, ConnectError):
                raise ConnectError(
                    "was lost while its fault lasted",
                    host=name,
                    now=f"it heals itself within {self._lasts_s + MARGIN_S:.0f} s of the fault",
                    do="check that the host is up, then `dockmesh verify`",
                ) from error
            if error is not None:
                raise error

    async def _heal(self, name: str) -> None:
        if name not in self._bridges:
            return  # nothing was done there
        await demand(self._hosts[name], "could not heal the fault", drop.heal(self._bridges[name]))
        await self._hosts[name].ask(drop.NO_DEAD_MAN)

    async def _drop(self, name: str, peers: tuple[str, ...]) -> Drop:
        host = self._plan.host(name)
        return Drop(host, tuple(map(self._plan.host, peers)), await self._bridge(host))

    async def _bridge(self, host: HostPlan) -> str | None:
        """The bridge with the underlay address, where packets of tunnels go past the kernel."""
        if host.name not in self._bridges:
            self._bridges[host.name] = None
            if not self._plan.fabric.in_kernel:
                question = Exec(("ip", "-json", "address", "show", "to", str(host.underlay)))
                (answer,) = await demand(self._hosts[host.name], "could not find the underlay's bridge", question)
                with understanding(host.name):
                    found = [str(link["ifname"]) for link in json.loads(answer.out or "[]") if link]
                if not found:
                    raise DatapathError(
                        f"no device has its underlay address {host.underlay}",
                        host=host.name,
                        do="`dockmesh status` says more",
                    )
                self._bridges[host.name] = found[0]
        return self._bridges[host.name]
