"""What a host may have of its user's where ours would go, and beside each the full text that the user gets.

`DOCKMESH_GOLDEN=write pytest tests/cases/test_conflicts.py` writes the texts again. Read every line of the diff.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dockmesh.diff.host import diff
from dockmesh.errors import ConflictError
from dockmesh.render.docker import DAEMON_JSON
from dockmesh.render.paths import INTERFACES, UP
from tests.support.fake_host import Device, FakeHost, installed
from tests.support.fake_ovs import Bridge, Port
from tests.support.meshes import mesh_of
from tests.support.plans import config_of

FOLDER = Path(__file__).parent / "conflicts"


def daemon_json(text: str) -> Callable[[FakeHost], None]:
    return lambda host: host.files.update({DAEMON_JSON: (text, 0o644)})


def file(path: str, text: str) -> Callable[[FakeHost], None]:
    return lambda host: host.files.update({path: (text, 0o644)})


def device(kind: str | None, addresses: list[str] | None = None) -> Callable[[FakeHost], None]:
    return lambda host: host.devices.update({"br0": Device(kind=kind, addresses=addresses or [])})


def fabric(**external_ids: str) -> Callable[[FakeHost], None]:
    bridge = Bridge({"external_ids": external_ids}, {"br0": Port()})
    return lambda host: host.answer_with_ovs({"br0": bridge})


CASES: dict[str, Callable[[FakeHost], None]] = {
    "daemon-json-another-bip": daemon_json('{"bip": "172.17.0.1/16"}'),
    "daemon-json-another-pool-and-mtu": daemon_json('{"fixed-cidr": "172.17.9.0/24", "mtu": 1500}'),
    "daemon-json-all-at-once": daemon_json('{"bip": "10.0.0.1/24", "bridge": "br7", "icc": false, "mtu": 9000}'),
    "daemon-json-bridge": daemon_json('{"bridge": "virbr0"}'),
    "daemon-json-bridge-none": daemon_json('{"bridge": "none", "log-driver": "journald"}'),
    "daemon-json-broken": daemon_json('{"log-driver": journald}'),
    "daemon-json-bom": daemon_json('\ufeff{"mtu": 1462}'),
    "daemon-json-icc": daemon_json('{"icc": false}'),
    "daemon-json-labels-are-a-text": daemon_json('{"labels": "rack=7"}'),
    "daemon-json-list": daemon_json("[1, 2]"),
    "daemon-json-mtu-is-a-text": daemon_json('{"mtu": "1462"}'),
    "daemon-json-null": daemon_json("null"),
    "device-br0-of-the-kernels": device(kind="bridge", addresses=["10.77.0.1/24"]),
    "device-br0-that-is-real": device(kind=None),
    "file-empty": file(UP, ""),
    "file-of-somebody-elses": file(UP, "#!/bin/sh\n# my own script\n"),
    "file-of-the-other-renderer": file(INTERFACES, "\nauto br1\niface br1 inet manual\n"),
    "fabric-bridge-of-another-mesh": fabric(dockmesh="staging"),
    "fabric-bridge-of-somebody-elses": fabric(owner="ops"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_conflict_is_refused_with_this_text(case: str) -> None:
    golden = FOLDER / f"{case}.txt"
    config = config_of(mesh_of(3))
    host = installed(config)
    CASES[case](host)

    with pytest.raises(ConflictError) as refused:
        diff(config, host.facts(config.flows))

    if os.environ.get("DOCKMESH_GOLDEN") == "write":
        golden.write_text(f"{refused.value}\n", encoding="utf-8")
    assert f"{refused.value}\n" == golden.read_text(encoding="utf-8")


def test_every_text_belongs_to_a_case() -> None:
    assert {text.stem for text in FOLDER.glob("*.txt")} == set(CASES)
