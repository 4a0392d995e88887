"""What IPv6 in a network changes on a host, and what it leaves behind."""

import json
from typing import Any

import pytest

from dockmesh.diff.daemon_json import merge, part
from dockmesh.diff.deferred import Restart, without_restart
from dockmesh.diff.docker import NO_RULES
from dockmesh.diff.host import diff
from dockmesh.diff.origin import expected
from dockmesh.diff.types import HostDiff, StepName
from dockmesh.errors import ConflictError
from dockmesh.render.docker import BEFORE, DAEMON_JSON
from dockmesh.render.types import HostConfig
from tests.support.fake_host import Container, FakeHost, applied, network_row
from tests.support.meshes import mesh_of, with_network
from tests.support.plans import config_of

RESTART, RESTART_FOR_IPV6 = "docker restart", "docker restart for IPv6"

PLAIN = config_of(with_network(mesh_of(3)))
SIX = config_of(with_network(mesh_of(3), prefix6="fd00:80::/64"))


def of(host: FakeHost, config: HostConfig = SIX) -> HostDiff:
    return diff(config, host.facts(config.flows))


def requests(found: HostDiff, name: StepName) -> list[str]:
    step = found.step(name)
    return [] if step is None else [str(request) for request in (*step.requests, *step.restart)]


def subjects(found: HostDiff) -> list[str]:
    return [str(change.subject) for change in found.changes]


def change(found: HostDiff, subject: str) -> Any:
    return next(each for each in found.changes if str(each.subject) == subject)


def daemon(host: FakeHost) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(host.files[DAEMON_JSON][0])
    return content


def test_a_network_with_ipv6_that_is_as_planned_needs_nothing() -> None:
    assert of(applied(SIX)).changes == ()


def test_a_mesh_without_ipv6_is_told_nothing_of_it() -> None:
    assert "ip6tables" not in json.dumps(expected(PLAIN))
    assert of(applied(PLAIN), PLAIN).changes == ()


def test_docker_restarts_for_its_rules_and_names_who_runs() -> None:
    host = applied(PLAIN)
    host.containers = [Container("web")]

    found = of(host)

    assert change(found, RESTART_FOR_IPV6).disturbs == ("web",)
    assert change(found, DAEMON_JSON).expected == "ip6tables true, experimental true"
    assert RESTART not in subjects(found)
    assert found.step(StepName.DETACH) is None
    assert "systemctl restart docker.service" in requests(found, StepName.DOCKER)


def test_networks_of_others_that_get_the_rules_too_are_named() -> None:
    host = applied(PLAIN)
    assert host.docker is not None
    options = ["--driver", "bridge", "--subnet", "10.99.0.0/16", "--ipv6", "--subnet", "fd00:99::/64"]
    host.docker.networks["theirs"] = network_row("theirs", options)

    assert "also for theirs" in change(of(host), RESTART_FOR_IPV6).reason


def test_with_live_restore_its_containers_do_not_notice() -> None:
    host = applied(PLAIN)
    host.containers = [Container("web")]
    assert host.docker is not None
    host.docker.live_restore = True
    content = {**daemon(host), "live-restore": True}
    host.files[DAEMON_JSON] = (json.dumps(content), 0o644)

    found = of(host)

    assert change(found, RESTART_FOR_IPV6).disturbs == ()
    assert [each for each in requests(found, StepName.DOCKER) if each == f"write {DAEMON_JSON}"] == [
        f"write {DAEMON_JSON}"
    ]


def test_the_network_is_made_anew_with_both_prefixes() -> None:
    found = of(applied(PLAIN))

    assert change(found, "network blue").actual == "prefix6 None, address6 None, pool6 None"
    assert requests(found, StepName.LEAVE) == ["docker network rm blue"]
    assert "ip address replace fd00:80::1/64 dev dm-blue nodad" in requests(found, StepName.NETWORKS)
    create = requests(found, StepName.NETWORKS)[-1]
    assert "--ipv6 --subnet fd00:80::/64 --ip-range fd00:80:0:0:1::/80 --gateway fd00:80::1" in create


def test_without_a_restart_no_network_comes_that_nothing_keeps_apart() -> None:
    host = applied(PLAIN)
    left = without_restart(of(host), host.facts(SIX.flows), Restart.DEFERRED)

    assert {StepName.NETWORKS, StepName.LEAVE}.isdisjoint(step.name for step in left.steps)
    assert requests(left, StepName.DOCKER) == [f"write {DAEMON_JSON}"]
    assert {"network blue", RESTART_FOR_IPV6} <= {str(each.subject) for each in left.deferred}


def test_a_docker_that_was_not_restarted_since_is_restarted() -> None:
    host = applied(SIX)
    assert host.docker is not None
    host.docker.settings = {key: value for key, value in host.docker.settings.items() if key != "experimental"}

    assert subjects(of(host)) == [RESTART_FOR_IPV6]


def test_when_the_last_network_with_ipv6_goes_its_traces_go() -> None:
    found = of(applied(SIX), PLAIN)

    assert change(found, RESTART_FOR_IPV6).expected == NO_RULES
    assert change(found, "dm-blue address6").actual == "fd00:80::1/64"
    assert "ip address flush dev dm-blue to fd00:80::1/128" in requests(found, StepName.NETWORKS)
    assert requests(found, StepName.LEAVE) == ["docker network rm blue"]


def test_without_a_restart_dockers_rules_stay_until_it_can_leave_them() -> None:
    host = applied(SIX)

    left = without_restart(of(host, PLAIN), host.facts(PLAIN.flows), Restart.DEFERRED)

    assert left.step(StepName.DOCKER) is None
    assert {DAEMON_JSON, RESTART_FOR_IPV6} <= {str(each.subject) for each in left.deferred}


def test_an_address_that_was_taken_away_comes_back() -> None:
    host = applied(SIX)
    host.devices["dm-blue"].addresses.remove("fd00:80::1/64")

    found = of(host)

    assert [each.text() for each in found.changes] == ["dm-blue address6: fd00:80::1/64"]


def test_a_network_of_somebody_elses_with_the_same_ipv6_is_in_the_way() -> None:
    host = applied(SIX)
    assert host.docker is not None
    options = ["--driver", "bridge", "--subnet", "10.99.0.0/16", "--ipv6", "--subnet", "fd00:80:0:0:7::/80"]
    host.docker.networks["theirs"] = network_row("theirs", options)

    with pytest.raises(ConflictError, match="theirs whose fd00:80:0:0:7::/80 overlaps fd00:80::/64"):
        of(host)


def test_keys_of_the_users_own_come_back_when_ours_go() -> None:
    theirs = json.dumps({"experimental": True, "debug": True})
    ours = merge("host1", SIX.daemon, theirs)

    back = merge("host1", PLAIN.daemon, ours.text, ours.before)

    assert json.loads(ours.text)["ip6tables"] is True
    assert "ip6tables" not in json.loads(back.text)
    assert json.loads(back.text)["experimental"] is True
    assert part("host1", ours.text, ours.before) == theirs


def test_keys_that_the_user_set_in_our_file_are_kept_beforehand() -> None:
    mixed = {**json.loads(merge("host1", PLAIN.daemon, None).text), "experimental": True}

    merged = merge("host1", SIX.daemon, json.dumps(mixed))

    assert merged.before is not None
    assert json.loads(merged.before) == {"experimental": True}
    assert json.loads(merge("host1", PLAIN.daemon, merged.text, merged.before).text)["experimental"] is True


def test_a_user_who_wants_no_such_rules_is_asked() -> None:
    with pytest.raises(ConflictError, match="contradicts the mesh file"):
        merge("host1", SIX.daemon, json.dumps({"ip6tables": False}))


def test_a_first_apply_writes_all_at_once() -> None:
    merged = merge("host1", SIX.daemon, None)

    assert json.loads(merged.text)["labels"] == [
        "dockmesh=made for host1 of mesh prod by dockmesh apply, with Docker's rules for IPv6"
    ]
    assert BEFORE
