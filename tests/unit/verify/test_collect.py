"""What verify believes of a host about its own probes, before it sends other hosts to them."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from dockmesh.agent.texts import probe_text, text_of
from dockmesh.errors import DockmeshError
from dockmesh.model.mesh import Fabric
from dockmesh.plan.build import build
from dockmesh.transport.progress import Steps
from dockmesh.transport.requests import Answer, Exec, Request
from dockmesh.transport.script import PYTHON
from dockmesh.verify import collect
from dockmesh.verify.evidence import MeshEvidence
from tests.support.fake_host import FakeHost, applied, remake
from tests.support.meshes import mesh_of
from tests.support.plans import configs

MESH = mesh_of(3, fabric=Fabric())
PLAN = build(MESH)
BEGUN: dict[str, dict[str, Any]] = {
    "listener": {"port": 40001},
    "container": {"id": "a" * 64, "mac": "02:42:0a:00:00:01", "port": 40002},
}


@dataclass
class Prober(FakeHost):
    """Its scripts start probes and measure nothing. `says`: what it says in place of the truth."""

    says: dict[str, Any] = field(default_factory=dict)
    targets: list[tuple[str, int]] = field(default_factory=list)  # where its probes were sent to

    def answer(self, request: Request) -> Answer:
        match request:
            case Exec((*python, role), stdin) if tuple(python) == PYTHON:
                source, _, order = stdin.partition("\n")
                return Answer(0, json.dumps(self._script(json.loads(source), role, json.loads(order))))
        return super().answer(request)

    def _script(self, source: str, role: str, order: dict[str, Any]) -> object:
        if role == "begin":
            address = str(PLAN.host(self.name).pool[5])
            container = {"address": address, **BEGUN["container"], **self.says.get("container", {})}
            return {"listener": {**BEGUN["listener"], **self.says.get("listener", {})}, "container": container}
        if role == "measure":
            measure = order if source == probe_text() else order["measure"]
            self.targets += [(target["address"], target["port"]) for target in measure["targets"]]
            return {"error": "nothing was measured"}
        assert source == text_of("probe_container")
        return {"heard": []}


class Silent(Steps):
    def step(self, host: str, text: str) -> None:
        pass


def verified(**begun: dict[str, Any]) -> tuple[MeshEvidence, dict[str, Prober]]:
    """host2 says so."""
    hosts = {name: remake(Prober, applied(config)) for name, config in configs(MESH).items()}
    hosts["host2"].says = begun
    return asyncio.run(collect.collect(PLAN, hosts, {}, Silent())), hosts


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "TUNNELS_SETTLE_S", 0)


def test_probes_go_to_the_containers_of_the_other_hosts() -> None:
    evidence, hosts = verified()

    pool = PLAN.host("host2").pool
    assert evidence.unreachable == {}
    assert (str(pool[5]), 40002) in hosts["host1"].targets
    assert (str(PLAN.host("host2").address.ip), 40001) in hosts["host1"].targets


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "127.0.0.1", "192.0.2.1", str(PLAN.host("host3").pool[9]), "0.0.0.0"],  # noqa: S104
)
def test_nobody_is_sent_to_an_address_outside_the_hosts_pool(address: str) -> None:
    evidence, hosts = verified(container={"address": address})

    assert address not in {target for each in hosts.values() for target, port in each.targets if port == 40002}
    assert address in (evidence.hosts["host2"].container_error or "")
    assert evidence.hosts["host1"].container_error is None


@pytest.mark.parametrize(
    "begun",
    [
        *({part: {"port": port}} for part in ("listener", "container") for port in (22, 1023, 1 << 16, -1, "80", True)),
        {"container": {"address": "metadata.internal"}},
        {"container": {"address": 2852039166}},
        {"container": {"id": 7}},
    ],
)
def test_a_port_or_an_address_that_is_none_is_that_hosts_error(begun: dict[str, dict[str, Any]]) -> None:
    evidence, hosts = verified(**begun)

    assert isinstance(evidence.unreachable["host2"], DockmeshError)
    assert set(evidence.hosts) == {"host1", "host3"}
    assert not {target for target in hosts["host1"].targets if target[1] not in (0, 40001, 40002)}
