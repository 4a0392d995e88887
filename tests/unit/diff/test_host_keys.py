"""What keys of daemon.json that the mesh file names for one host change there, and what that costs."""

from dataclasses import replace
from typing import Any

from dockmesh.diff.deferred import Restart, without_restart
from dockmesh.diff.docker import DAEMON
from dockmesh.diff.host import diff
from dockmesh.diff.subject import RESTART_FOR_KEYS, Subject
from dockmesh.diff.types import HostDiff, StepName
from tests.support.fake_host import Container, Daemon, FakeHost, applied
from tests.support.meshes import mesh_of
from tests.support.plans import config_of

MESH = mesh_of(3)
PLAIN = config_of(MESH)
CONFIG = config_of(
    replace(MESH, hosts=(replace(MESH.hosts[0], docker={"log-driver": "local"}), *MESH.hosts[1:])),
)


def before(*containers: str, live_restore: bool = False) -> FakeHost:
    host = applied(PLAIN)
    host.containers = [Container(name) for name in containers]
    host.docker = Daemon(host.docker.settings if host.docker else {}, live_restore=live_restore)
    return host


def of(host: FakeHost) -> HostDiff:
    return diff(CONFIG, host.facts(CONFIG.flows))


def change(found: HostDiff, subject: Subject) -> Any:
    return next(each for each in found.changes if each.subject == subject)


def restarts(found: HostDiff) -> bool:
    step = found.step(StepName.DOCKER)
    return step is not None and "systemctl restart docker.service" in map(str, step.restart)


def test_they_are_a_change_of_the_file_and_restart_docker_where_nobody_notices() -> None:
    for host in (before(), before("web", live_restore=True)):
        found = of(host)

        assert change(found, DAEMON).expected == "log-driver local"
        assert change(found, DAEMON).reason == "the mesh file says so of this host"
        assert change(found, RESTART_FOR_KEYS).disturbs == ()
        assert restarts(found)
        assert found.step(StepName.DETACH) is None


def test_where_containers_would_stop_they_wait_for_dockers_next_start() -> None:
    found = of(before("web"))

    assert "from its next start on" in change(found, DAEMON).reason
    assert not restarts(found)


def test_without_a_restart_the_file_is_written_all_the_same() -> None:
    host = before()

    later = without_restart(of(host), host.facts(), Restart.DEFERRED)

    assert [each.subject for step in later.steps for each in step.changes] == [DAEMON]
    assert [each.subject for each in later.deferred] == [RESTART_FOR_KEYS]


def test_a_host_that_has_them_differs_in_nothing() -> None:
    assert of(applied(CONFIG)).changes == ()
