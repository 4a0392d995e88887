"""The units of systemd that stand on a host, whoever writes them."""

from configparser import RawConfigParser
from dataclasses import replace
from itertools import product

import pytest

from dockmesh.agent.commit_confirm import BACK
from dockmesh.model.encryption import Encryption
from dockmesh.model.mesh import Fabric, Forwarding, Listen, Mesh, Renderer
from dockmesh.model.network import Attachment
from dockmesh.record import back_unit
from dockmesh.render.names import UNIT as NAMES
from dockmesh.render.paths import UNITS
from tests.support.meshes import mesh_of, with_attachment
from tests.support.plans import config_of

# What was measured on a host, of the process and of the largest program that it runs, in MB.
MEASURED = {
    "dockmesh.service": 10,
    "dockmesh-flows.service": 15 + 10,
    "dockmesh-attach.service": 15 + 10,
    "dockmesh-ports.service": 16 + 11,
    "dockmesh-names.service": 24,
    "dockmesh-api.service": 54,  # with 500 connections
    "dockmesh-wireguard.service": 14 + 28,  # where wireguard-go encrypts, under load
    "dockmesh-back.service": 14,
}
SIZES = {"M": 1, "G": 1024}


def mesh(renderer: Renderer, forwarding: Forwarding) -> Mesh:
    """With all that has a unit."""
    made = mesh_of(3, fabric=Fabric(renderer=renderer, forwarding=forwarding, encryption=Encryption()))
    return with_attachment(replace(made, docker_api=Listen.MESH), "docker0", Attachment("host2", "eth1"))


def units() -> dict[str, str]:
    """Text by name; where a name has several texts, the last."""
    found = {f"{BACK}.service": back_unit.UNIT}
    for renderer, forwarding in product(Renderer, Forwarding):
        files = config_of(mesh(renderer, forwarding), "host2").files
        found |= {file.path.rpartition("/")[2]: file.text for file in files if file.path.endswith(".service")}
    return found


def service(text: str) -> dict[str, str]:
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return dict(parser["Service"])


def test_all_units_are_looked_at() -> None:
    assert set(units()) == {*UNITS.values(), f"{BACK}.service"} == set(MEASURED)


@pytest.mark.parametrize("unit", MEASURED)
def test_no_unit_may_take_all_of_its_host(unit: str) -> None:
    limits = service(units()[unit])

    memory = int(limits["MemoryMax"][:-1]) * SIZES[limits["MemoryMax"][-1]]
    assert 4 * MEASURED[unit] < memory <= 2048
    assert 32 < int(limits["TasksMax"]) <= 2048


def test_a_slow_host_has_the_time_to_start_its_resolver() -> None:
    """Emulated and busy, one took more than 20 s; 90 s are systemd's own measure."""
    assert int(service(units()[NAMES])["TimeoutStartSec"]) >= 90
