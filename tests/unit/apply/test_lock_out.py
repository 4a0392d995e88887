"""A prefix that would cut off the person who applies it is refused, by preflight too."""

import asyncio

import pytest

from dockmesh.apply.inspection import inspect_all
from dockmesh.errors import ConflictError
from dockmesh.inspect.host import Inspection
from dockmesh.plan.build import build
from dockmesh.preflight.collect import collect
from dockmesh.transport.progress import Steps
from tests.support.fake_host import FakeHost, applied
from tests.support.meshes import ENCRYPTED, mesh_of
from tests.support.plans import config_of

MESH = mesh_of(2, fabric=ENCRYPTED)
CLEAR = mesh_of(2)


class Quiet(Steps):
    def step(self, host: str, text: str) -> None:
        pass


def host_reached_from(address: str | None) -> FakeHost:
    host = applied(config_of(MESH))
    host.reached_from = address
    return host


@pytest.mark.parametrize(
    ("address", "shown"),
    [("198.18.7.9", "198.18.7.9"), ("198.18.255.255", "198.18.255.255"), ("::ffff:198.18.7.9", "198.18.7.9")],
)
def test_it_is_refused_and_nothing_is_changed(address: str, shown: str) -> None:
    host = host_reached_from(address)

    refused = asyncio.run(inspect_all(build(MESH), {"host1": host}))["host1"]

    assert isinstance(refused, ConflictError)
    assert refused.report.what == (
        f"your connection comes from {shown}, and the encryption would take that address away from it: its prefix is "
        "198.18.0.0/16"
    )
    assert refused.report.now == "nothing was changed on this host"
    assert "encryption: {kind: wireguard, prefix:" in str(refused.report.do)


@pytest.mark.parametrize(
    "address", ["198.19.0.1", "192.0.2.1", "2001:db8::1", "fe80::1%eth0", None, "198.18.42.2"], ids=str
)
def test_others_pass_and_so_does_a_host_of_the_mesh(address: str | None) -> None:
    assert isinstance(asyncio.run(inspect_all(build(MESH), {"host1": host_reached_from(address)}))["host1"], Inspection)


def test_a_mesh_in_clear_takes_nobody_s_address() -> None:
    host = applied(config_of(CLEAR))
    host.reached_from = "198.18.7.9"

    assert isinstance(asyncio.run(inspect_all(build(CLEAR), {"host1": host}))["host1"], Inspection)


def test_preflight_refuses_it_beforehand() -> None:
    found = asyncio.run(collect(build(MESH), {"host1": host_reached_from("198.18.7.9")}, {}, {"host1": ()}, Quiet()))

    assert "your connection comes from 198.18.7.9" in str(found.hosts["host1"].refusal)
