from dataclasses import replace

import pytest

from dockmesh.model.encryption import HostEndpoint
from dockmesh.status.types import UnderlayCheck
from dockmesh.status.underlay_check import questions, read
from dockmesh.transport.requests import Answer
from tests.unit.status.worlds import PLAN, well

HOST = PLAN.host("host1")
FACTS = well()["host1"].facts
ENDS = HOST.tunnels


def test_a_ping_a_tunnel_and_the_rules_once() -> None:
    asked = [str(request) for request in questions(HOST, ENDS)]

    assert asked == ["iptables -S", "ping -n -c 1 -W 1 10.77.0.2", "ping -n -c 1 -W 1 10.77.0.3"]


def test_answers_are_read_by_peer() -> None:
    answers = (Answer(0, "-P INPUT ACCEPT\n-A INPUT -s 10.77.0.2/32 -p gre -j DROP\n"), Answer(0), Answer(1))

    assert read(HOST, FACTS, ENDS, answers) == {
        "host2": UnderlayCheck(True, "-A INPUT -s 10.77.0.2/32 -p gre -j DROP"),
        "host3": UnderlayCheck(False, ""),
    }


def test_a_host_without_iptables_and_ping_says_nothing() -> None:
    assert read(HOST, FACTS, ENDS[:1], (Answer(127), Answer(127))) == {"host2": UnderlayCheck(None, "")}


@pytest.mark.parametrize(
    ("rules", "dropped"),
    [
        ("-A INPUT -p gre -j DROP", "-A INPUT -p gre -j DROP"),
        ("-A OUTPUT -p gre -j REJECT", "-A OUTPUT -p gre -j REJECT"),
        ("-P INPUT DROP", "-P INPUT DROP"),
        ("-P INPUT DROP\n-A INPUT -p gre -j ACCEPT", ""),
        ("-A INPUT -p tcp -j DROP", ""),
        ("", ""),
    ],
)
def test_what_drops_gre_is_told_from_what_does_not(rules: str, dropped: str) -> None:
    found = read(HOST, FACTS, ENDS[:1], (Answer(0, rules), Answer(0)))

    assert found == {"host2": UnderlayCheck(True, dropped)}


def test_a_peer_whose_place_is_learned_is_not_pinged_and_the_others_are() -> None:
    ends = (replace(ENDS[0], encrypted_to=HostEndpoint()), ENDS[1])

    asked = [str(request) for request in questions(HOST, ends)]
    found = read(HOST, FACTS, ends, (Answer(0), Answer(1)))

    assert asked == ["iptables -S", "ping -n -c 1 -W 1 10.77.0.3"]
    assert found == {"host2": UnderlayCheck(None, ""), "host3": UnderlayCheck(False, "")}
