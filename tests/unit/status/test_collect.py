import asyncio
from dataclasses import dataclass, replace

from dockmesh.debian.deb import Deb
from dockmesh.diff.origin import expected
from dockmesh.errors import ConnectError
from dockmesh.status.collect import collect
from dockmesh.transport.requests import Answer, Request
from tests.support.fake_host import FakeHost, applied
from tests.support.plans import config_of, configs
from tests.unit.status.worlds import MESH, PLAN


@dataclass
class Hanging(FakeHost):
    """The transport gives it up when the time is over that it was given for it."""

    async def ask(
        self, *requests: Request, together: bool = False, until_failure: bool = False, within_s: float | None = None
    ) -> tuple[Answer, ...]:
        assert within_s is not None
        raise ConnectError(f"it did not answer for {within_s:g} s", host=self.name)


def hosts() -> dict[str, FakeHost]:
    return {name: applied(config) for name, config in configs(MESH).items()}


def test_every_host_is_heard_and_nothing_is_written() -> None:
    mesh = hosts()

    heard, gone = asyncio.run(collect(PLAN, mesh, {}))

    assert (set(heard), gone) == (set(mesh), {})
    assert all(heard[name].facts.name == name for name in mesh)


def test_a_host_that_hangs_is_told_and_the_others_are_heard() -> None:
    mesh = {**hosts(), "host2": Hanging("host2")}

    heard, gone = asyncio.run(collect(PLAN, mesh, {"host9": ConnectError("no SSH connection", host="host9")}))

    assert set(heard) == {"host1", "host3"}
    assert set(gone) == {"host2", "host9"}
    assert gone["host2"].report.what == "it did not answer for 5 s"


def test_tunnels_that_are_down_are_looked_below() -> None:
    """The hosts in memory know no BFD, so all of theirs are."""
    mesh = hosts()

    heard, _ = asyncio.run(collect(PLAN, mesh, {}))

    assert set(heard["host1"].underlay) == {"host2", "host3"}
    assert "iptables -S" in [str(request) for request in mesh["host1"].asked]


def test_a_mesh_that_brings_packages_asks_for_those_that_are_there_in_the_same_round_trip() -> None:
    mesh = hosts()
    plan = replace(PLAN, debs=(Deb("openvswitch-switch", "3.5.1", "amd64", (), (), "/x/o.deb", 1, "ab"),))

    asyncio.run(collect(plan, mesh, {}))

    asked = [str(request) for request in mesh["host1"].asked]
    assert asked.index("dpkg --print-architecture") < asked.index("iptables -S")


def test_carried_packages_are_recorded_with_their_versions() -> None:
    debs = tuple(
        Deb("openvswitch-switch", "3.5.1", arch, (), (), f"/x/{arch}.deb", 1, "ab") for arch in ("arm64", "amd64")
    )
    config = replace(config_of(MESH), debs=debs)

    assert expected(config)["openvswitch-switch"] == "3.5.1 amd64, 3.5.1 arm64"
    assert expected(config)["docker.io"] == "installed"
