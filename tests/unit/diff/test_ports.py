"""The guard of containers' ports on a host: what it needs, and what other rules cost."""

import shlex

from dockmesh.diff.host import diff
from dockmesh.diff.types import StepName
from dockmesh.render import ports
from dockmesh.render.types import HostConfig
from dockmesh.undo.destroy import Leftovers, destroy
from tests.support.fake_host import FakeHost, applied
from tests.support.meshes import mesh_of, with_network
from tests.support.plans import config_of

CONFIG = config_of(with_network(mesh_of(3), prefix6="fd00:80::/64"))


def requests(host: FakeHost, name: StepName, config: HostConfig = CONFIG) -> list[str]:
    step = diff(config, host.facts(config.flows)).step(name)
    return [] if step is None else [str(request) for request in step.requests]


def test_a_host_without_nft_gets_it() -> None:
    host = applied(CONFIG)
    host.programs.discard("nft")

    step = diff(CONFIG, host.facts(CONFIG.flows)).step(StepName.INSTALL)

    assert step is not None
    assert step.packages == ("nftables",)


def test_other_rules_are_taken_without_letting_go_of_the_old_ones() -> None:
    host = applied(CONFIG)
    host.files[ports.RULES] = ("# Managed by dockmesh.\nother rules\n", 0o644)

    assert requests(host, StepName.FILES)[-1] == f"systemctl try-reload-or-restart {ports.UNIT}"


def test_another_program_is_started() -> None:
    host = applied(CONFIG)
    host.files[ports.PROGRAM] = ("# Managed by dockmesh.\nanother\n", 0o644)

    assert requests(host, StepName.FILES)[-1] == f"systemctl try-restart {ports.UNIT}"


def test_one_that_is_stopped_is_a_difference_and_is_started() -> None:
    host = applied(CONFIG)
    host.units[ports.UNIT] = {"UnitFileState": "enabled", "ActiveState": "inactive"}

    (change,) = diff(CONFIG, host.facts(CONFIG.flows)).changes

    assert change.text() == f"{ports.UNIT}: inactive → active"
    assert f"systemctl start {ports.UNIT}" in requests(host, StepName.ATTACH)


def test_destroy_stops_it_and_takes_its_files() -> None:
    host = applied(CONFIG)

    step = destroy(CONFIG, host.facts(), Leftovers()).step(StepName.UNMAKE_FILES)

    assert step is not None
    found = [str(request) for request in step.requests]
    (stop,) = (each for each in found if each.startswith("systemctl stop ") and ports.UNIT in each)
    # It takes the rules away when it is stopped; where it had died they are still there.
    assert found.index(stop) < found.index(shlex.join(ports.FORGET))
    assert {str(change.subject) for change in step.changes} >= set(ports.FILES)


def test_the_rules_know_every_bridge_of_the_mesh_and_the_hosts_own_pools() -> None:
    (rules,) = (file.text for file in CONFIG.files if file.path == ports.RULES)

    bridges = [f"{prefix}.42.{number}" for prefix in ("172.17", "10.80") for number in (1, 2, 3)]
    assert f"arp saddr ip {{ {', '.join(bridges)} }} counter drop" in rules
    assert "arp saddr ip != { 0.0.0.0, 172.17.64.0/18, 10.80.64.0/18 } iifname . arp saddr ip != @addresses" in rules
    assert "fd00:80::3" in rules
