"""Faults on real hosts, with hosts behind the transport that only write down what they are asked."""

import asyncio
import json
from dataclasses import replace

import pytest

from dockmesh.drill import drop
from dockmesh.drill.hosts import HostsInjector
from dockmesh.drill.pingers import clock_ahead_s
from dockmesh.drill.types import Fault, FaultKind
from dockmesh.errors import CommandError, ConnectError, DatapathError, HostError
from dockmesh.model.mesh import Datapath
from dockmesh.plan.types import Plan
from dockmesh.transport.requests import Answer, Exec, Request
from tests.unit.drill.worlds import plan_of

CUT = Fault(FaultKind.CUT, ("host1", "host2"))


class Host:
    """Answers by the first word of a command; the others succeed and say nothing."""

    def __init__(self, name: str, **answers: Answer) -> None:
        self.name = name
        self.asked: list[tuple[str, ...]] = []
        self.answers = answers
        self.lost = False
        self.reached_from: str | None = None

    async def ask(
        self, *requests: Request, together: bool = False, until_failure: bool = False, within_s: float | None = None
    ) -> tuple[Answer, ...]:
        if self.lost:
            raise ConnectError("lost", host=self.name)
        given = []
        for request in requests:
            assert isinstance(request, Exec)
            self.asked.append(request.argv)
            given.append(self.answers.get(request.argv[0].replace("-", "_"), Answer(0)))
            if until_failure and not given[-1].ok:
                break
        return tuple(given)

    async def close(self) -> None:
        pass


def world(plan: Plan, **answers: Answer) -> dict[str, Host]:
    return {host.name: Host(host.name, **answers) for host in plan.hosts}


def netdev() -> Plan:
    plan = plan_of()
    return replace(plan, fabric=replace(plan.fabric, datapath=Datapath.NETDEV))


def test_the_timer_is_there_before_the_fault_and_gone_after_the_heal() -> None:
    plan = plan_of()
    hosts = world(plan)
    injector = HostsInjector(plan, hosts)

    asyncio.run(injector.inject(CUT, 4))
    asyncio.run(injector.heal(CUT))

    assert [argv[:2] for argv in hosts["host1"].asked] == [
        ("systemd-run", "--quiet"),
        ("nft", "-f"),
        ("nft", "add table inet dockmesh_drill; delete table inet dockmesh_drill"),
        ("systemctl", "stop"),
    ]
    assert "--on-active=14" in hosts["host1"].asked[0]
    assert hosts["host3"].asked == []


def test_without_a_timer_nothing_is_dropped() -> None:
    plan = plan_of()
    hosts = world(plan, systemd_run=Answer(1, err="Failed to start transient timer unit"))

    with pytest.raises(CommandError, match="the fault could not be made"):
        asyncio.run(HostsInjector(plan, hosts).inject(CUT, 4))

    assert not [argv for host in hosts.values() for argv in host.asked if argv[0] == "nft"]


def test_a_userspace_datapath_is_harmed_on_the_bridge_of_the_underlay() -> None:
    plan = netdev()
    hosts = world(plan, ip=Answer(0, json.dumps([{}, {"ifname": "br-phy"}])))

    asyncio.run(HostsInjector(plan, hosts).inject(CUT, 4))

    assert [argv[:3] for argv in hosts["host2"].asked if argv[0] == "ovs-ofctl"] == [
        ("ovs-ofctl", "add-flow", "br-phy")
    ]


def test_a_userspace_datapath_cannot_lose_a_part() -> None:
    plan = netdev()
    hosts = world(plan, ip=Answer(0, json.dumps([{"ifname": "br-phy"}])))

    with pytest.raises(DatapathError, match="lose a part"):
        asyncio.run(HostsInjector(plan, hosts).inject(Fault(FaultKind.LOSSY, ("host1", "host2"), 5), 4))

    assert {argv[0] for host in hosts.values() for argv in host.asked} == {"ip"}


def test_what_an_earlier_drill_left_is_healed_and_said() -> None:
    plan = plan_of()
    hosts = world(plan)
    hosts["host2"].answers = {"systemctl": Answer(0)}
    for name in ("host1", "host3"):
        hosts[name].answers = {"systemctl": Answer(3)}

    left = asyncio.run(HostsInjector(plan, hosts).leftovers())

    assert left == ("host2 had a fault of an earlier drill that ended before healing it",)
    assert all(drop.heal(None).argv in host.asked for host in hosts.values())


def test_a_host_that_is_lost_is_said_to_heal_itself() -> None:
    plan = plan_of()
    hosts = world(plan)
    injector = HostsInjector(plan, hosts)
    asyncio.run(injector.inject(CUT, 4))
    hosts["host2"].lost = True

    with pytest.raises(ConnectError) as raised:
        asyncio.run(injector.heal(CUT))

    assert "it heals itself within 14 s of the fault" in str(raised.value)
    assert drop.heal(None).argv in hosts["host1"].asked


def test_a_fault_that_drops_nothing_is_none() -> None:
    plan = plan_of()
    hosts = world(plan, nft=Answer(0, "counter packets 0 bytes 0 drop"))
    injector = HostsInjector(plan, hosts)

    asyncio.run(injector.inject(CUT, 4))

    assert asyncio.run(injector.lacks(CUT)) == "host1 dropped no packet"


def test_a_count_that_is_no_number_of_pythons_is_its_hosts_error() -> None:
    plan = plan_of()
    injector = HostsInjector(plan, world(plan, nft=Answer(0, f"counter packets {'9' * 5000} bytes 0 drop")))
    asyncio.run(injector.inject(CUT, 4))

    with pytest.raises(HostError, match="host1: gave an answer that cannot be read"):
        asyncio.run(injector.lacks(CUT))


@pytest.mark.parametrize("says", ["inf", "nan", "1e999", "soon"])
def test_a_clock_that_tells_no_time_is_no_clock(says: str) -> None:
    host = Host("host1", date=Answer(0, f"{says}\n"))

    with pytest.raises(ValueError, match=r"clock|float"):
        asyncio.run(clock_ahead_s(host))
