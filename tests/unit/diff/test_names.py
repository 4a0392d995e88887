"""What of names must change on a host, and what that costs."""

import json
from dataclasses import replace
from typing import Any

from dockmesh.diff.deferred import Restart, without_restart
from dockmesh.diff.host import diff
from dockmesh.diff.subject import RESTART_FOR_NAMES
from dockmesh.diff.types import HostDiff, StepName
from dockmesh.render import names
from dockmesh.render.docker import BEFORE, DAEMON_JSON
from dockmesh.render.types import HostConfig
from tests.support.fake_host import Container, Daemon, FakeHost, applied
from tests.support.meshes import mesh_of
from tests.support.plans import config_of

CONFIG = config_of(mesh_of(3))
NAMELESS = config_of(replace(mesh_of(3), domain=None))


def without_names(*containers: str, live_restore: bool = False) -> FakeHost:
    """A host with the mesh of before names."""
    host = applied(NAMELESS)
    host.containers = [Container(name) for name in containers]
    host.docker = Daemon(host.docker.settings if host.docker else {}, live_restore=live_restore)
    return host


def requests(found: HostDiff, name: StepName) -> list[str]:
    step = found.step(name)
    return [] if step is None else [str(request) for request in (*step.requests, *step.restart)]


def of(host: FakeHost, config: HostConfig = CONFIG) -> HostDiff:
    return diff(config, host.facts(config.flows))


def change(found: HostDiff, subject: str) -> Any:
    return next(each for each in found.changes if str(each.subject) == subject)


def test_names_that_come_restart_docker_where_containers_live_on() -> None:
    found = of(without_names("web", live_restore=True))

    assert change(found, str(RESTART_FOR_NAMES)).disturbs == ()
    assert "systemctl restart docker.service" in requests(found, StepName.DOCKER)
    assert not [each for each in requests(found, StepName.DOCKER) if "nomaster" in each]
    assert found.step(StepName.DETACH) is None


def test_they_restart_docker_where_nothing_runs() -> None:
    assert "systemctl restart docker.service" in requests(of(without_names()), StepName.DOCKER)


def test_where_containers_would_stop_they_wait_and_that_is_said() -> None:
    found = of(without_names("web"))

    assert requests(found, StepName.DOCKER) == [f"write {DAEMON_JSON}"]
    assert "from its next start on" in change(found, DAEMON_JSON).reason


def test_names_that_go_restart_docker_with_its_containers_which_are_named() -> None:
    for live_restore in (True, False):
        host = applied(CONFIG)
        host.containers = [Container("web")]
        host.docker = Daemon(host.docker.settings if host.docker else {}, live_restore=live_restore)

        found = of(host, NAMELESS)

        assert change(found, str(RESTART_FOR_NAMES)).disturbs == ("web",)
        assert "systemctl restart docker.service" in requests(found, StepName.DOCKER)
        assert f"systemctl disable --now {names.UNIT}" in requests(found, StepName.FILES)


def test_without_a_restart_the_resolver_stays_as_long_as_it_is_asked() -> None:
    host = applied(CONFIG)
    host.containers = [Container("web")]

    later = without_restart(of(host, NAMELESS), host.facts(), Restart.DEFERRED)

    assert later.steps == ()
    assert {DAEMON_JSON, names.PROGRAM, names.UNIT_FILE} <= {str(each.subject) for each in later.deferred}


def test_a_resolver_that_is_told_something_else_is_started_again() -> None:
    host = applied(CONFIG)
    host.files[names.SETTINGS] = (host.files[names.SETTINGS][0] + "\n", 0o644)

    assert f"systemctl try-restart {names.UNIT}" in requests(of(host), StepName.FILES)


def test_one_that_was_stopped_is_started() -> None:
    host = applied(CONFIG)
    host.units[names.UNIT]["ActiveState"] = "inactive"

    assert f"systemctl start {names.UNIT}" in requests(of(host), StepName.ATTACH)


def test_servers_of_the_users_are_kept_before_ours_take_their_place() -> None:
    host = applied(CONFIG)
    mine = {**json.loads(host.files[DAEMON_JSON][0]), "dns": ["192.0.2.53"]}
    host.files[DAEMON_JSON] = (json.dumps(mine), 0o644)

    written = requests(of(host), StepName.DOCKER)

    assert written[:2] == [f"write {BEFORE}", f"write {DAEMON_JSON}"]
