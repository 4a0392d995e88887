"""Docker's API over TCP, before the mesh opens it."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from dockmesh.facts.types import FileState
from dockmesh.model.mesh import Listen
from dockmesh.preflight.questions import read_listeners
from dockmesh.preflight.run import judge
from dockmesh.preflight.types import Check, Level, Listener
from dockmesh.render.docker import DAEMON_JSON
from dockmesh.render.paths import API_UNIT
from tests.unit.preflight import worlds

PLAN = replace(worlds.plan(), docker_api=Listen.MESH)
READY = worlds.ready(PLAN)
ANYWHERE = "0.0.0.0"  # noqa: S104 — to be found, not to be bound
OWN = PLAN.host("host2").address.ip
DOCKER_UNIT = "{{ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd {} ; ignore_errors=no ; pid=7 }}"

PROC_NET_TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 012A11AC:0948 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:0016 0100007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
"""
PROC_NET_TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr
   0: 00000000000000000000000000000000:0948 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0
   1: 0000000000000000FFFF00000100007F:0947 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0
"""


def test_listeners_are_read_and_connections_are_none() -> None:
    assert list(read_listeners(PROC_NET_TCP)) == [Listener(ip_address("172.17.42.1"), 2376)]
    assert list(map(str, read_listeners(PROC_NET_TCP6))) == ["[::]:2376", "127.0.0.1:2375"]


@pytest.mark.parametrize("address", [ANYWHERE, "::", str(OWN)])
def test_a_port_that_is_taken_is_a_blocker(address: str) -> None:
    taken = frozenset({Listener(ip_address(address), 2376)})

    finding = worlds.only(PLAN, worlds.with_around(READY, "host2", tcp_listeners=taken))

    assert (finding.check, finding.level, finding.hosts) == (Check.DOCKER_API, Level.BLOCKER, ("host2",))


def test_a_port_that_is_ours_already_or_of_another_address_is_fine() -> None:
    ours = frozenset({Listener(OWN, 2376), Listener(ip_address("127.0.0.1"), 2376)})
    evidence = worlds.with_around(READY, "host2", tcp_listeners=ours)
    evidence = worlds.with_facts(evidence, "host2", units={API_UNIT: {"ActiveState": "active"}})

    assert worlds.trouble(PLAN, evidence) == []
    assert [each.level for each in judge(PLAN, evidence) if each.check is Check.DOCKER_API] == [Level.FINE] * 3


@pytest.mark.parametrize("flag", ["-H tcp://0.0.0.0:2375", "-H=tcp://0.0.0.0:2375", "--host=tcp://0.0.0.0:2375"])
def test_docker_on_tcp_by_a_flag_is_told_whatever_the_file_says(flag: str) -> None:
    units = {"docker.service": {"ExecStart": DOCKER_UNIT.format(f"{flag} -H fd://")}}

    finding = worlds.only(worlds.plan(), worlds.with_around(READY, "host2", units=units))

    assert (finding.check, finding.level) == (Check.DOCKER_API, Level.WARNING)
    assert "tcp://0.0.0.0:2375 on the command line of docker.service" in finding.what


def test_docker_on_tcp_by_its_file_or_its_socket_is_told() -> None:
    files = {DAEMON_JSON: FileState('{"hosts": ["fd://", "tcp://10.0.0.1:2376"]}', 0o644)}
    by_file = worlds.only(worlds.plan(), worlds.with_facts(READY, "host2", files=files))
    plain = frozenset({Listener(ip_address(ANYWHERE), 2375)})
    by_socket = worlds.only(worlds.plan(), worlds.with_around(READY, "host2", tcp_listeners=plain))

    assert "tcp://10.0.0.1:2376 in /etc/docker/daemon.json" in by_file.what
    assert "0.0.0.0:2375, Docker's port without TLS" in by_socket.what
