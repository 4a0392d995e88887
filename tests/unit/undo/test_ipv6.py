"""What Docker's rules for IPv6 change of a host is known beforehand and put back afterwards."""

import asyncio
import json
from dataclasses import dataclass, field, replace

import pytest

from dockmesh.record.paths import IPV6
from dockmesh.render.docker import DAEMON_JSON
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Answer, Exec, Get, Put, Remove, Request
from dockmesh.undo.ipv6 import FORWARDING, forget, leaves, remember
from tests.support.fake_host import applied
from tests.support.meshes import mesh_of, with_network
from tests.support.plans import config_of

SIX = config_of(with_network(mesh_of(3), prefix6="fd00:80::/64"))
PLAIN = config_of(with_network(mesh_of(3)))
RULES = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -s fd99::/64 -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
"""


@dataclass
class Host:
    """Answers what this is about, and keeps what it was told to do."""

    rules: str = ""
    forwarding: str = "0"
    files: dict[str, str] = field(default_factory=dict)
    name: str = "host1"
    done: list[Exec] = field(default_factory=list)
    reached_from: str | None = None

    async def ask(
        self, *requests: Request, together: bool = False, until_failure: bool = False, within_s: float | None = None
    ) -> tuple[Answer, ...]:
        return tuple(map(self._answer, requests))

    async def close(self) -> None:
        pass

    def _answer(self, request: Request) -> Answer:
        match request:
            case Get(path) if path == FORWARDING:
                return Answer(0, self.forwarding)
            case Get(path):
                return Answer(0, self.files[path]) if path in self.files else Answer(1)
            case Put(path, text):
                self.files[path] = text
            case Remove(path):
                self.files.pop(path, None)
            case Exec(("ip6tables-save",)):
                return Answer(0, self.rules)
            case Exec():
                self.done.append(request)
        return Answer(0)


def remembered(host: Host, config: HostConfig = SIX) -> dict[str, object] | None:
    asyncio.run(remember(host, config))
    return json.loads(host.files[IPV6]) if IPV6 in host.files else None


def test_what_a_host_was_is_written_down_once() -> None:
    host = Host()

    first = remembered(host)
    host.forwarding, host.rules = "1", RULES

    assert first == remembered(host) == {"forwarded": False, "policy": None}


def test_without_ipv6_nothing_is_written_down() -> None:
    assert remembered(Host(), PLAIN) is None


@pytest.mark.parametrize(
    ("known", "switched_off", "policy"),
    [
        ({"forwarded": False, "policy": None}, True, True),
        ({"forwarded": True, "policy": "DROP"}, False, False),
        (None, False, False),
    ],
)
def test_its_rules_go_and_those_of_others_stay(
    known: dict[str, object] | None, switched_off: bool, policy: bool
) -> None:
    host = Host(RULES, "1", {} if known is None else {IPV6: json.dumps(known)})

    asyncio.run(forget(host))

    *before, restore = host.done
    assert (len(before) == 1) == switched_off
    assert (":FORWARD ACCEPT" in restore.stdin) == policy
    assert "-D FORWARD -j DOCKER-USER" in restore.stdin
    assert "fd99" not in restore.stdin
    assert IPV6 not in host.files


def test_they_go_only_where_they_are_ours_and_docker_leaves_them() -> None:
    facts = applied(SIX).facts(SIX.flows)
    assert facts.docker is not None
    plain = applied(PLAIN)

    assert leaves(facts, plain.files[DAEMON_JSON][0])
    assert leaves(facts, None)
    assert not leaves(facts, '{"ip6tables": true}')
    assert not leaves(plain.facts(PLAIN.flows), None)
    # It makes them without being told.
    assert not leaves(replace(facts, docker=replace(facts.docker, version="28.1.0")), None)
