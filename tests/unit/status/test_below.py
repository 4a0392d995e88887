import pytest

from dockmesh.plan.types import TunnelEnd
from dockmesh.remote.seam import Answer
from dockmesh.status.below import dropping_rule, questions, read
from dockmesh.status.types import Below
from tests.unit.status.worlds import PLAN

ENDS = PLAN.host("host1").tunnels


def test_a_ping_a_tunnel_and_the_rules_once() -> None:
    asked = [str(request) for request in questions(ENDS)]

    assert asked == ["iptables -S", "ping -n -c 1 -W 1 10.77.0.2", "ping -n -c 1 -W 1 10.77.0.3"]


def test_answers_are_read_by_peer() -> None:
    answers = (Answer(0, "-P INPUT ACCEPT\n-A INPUT -p gre -j DROP\n"), Answer(0), Answer(1))

    assert read(ENDS, answers) == {
        "host2": Below(True, "-A INPUT -p gre -j DROP"),
        "host3": Below(False, "-A INPUT -p gre -j DROP"),
    }


def test_a_host_without_iptables_and_ping_says_nothing() -> None:
    one: tuple[TunnelEnd, ...] = ENDS[:1]

    assert read(one, (Answer(127), Answer(127))) == {"host2": Below(None, "")}


@pytest.mark.parametrize(
    ("rule", "drops"),
    [
        ("-A INPUT -p gre -j DROP", True),
        ("-A INPUT -s 192.0.2.1/32 -p 47 -j REJECT --reject-with icmp-port-unreachable", True),
        ("-A INPUT -p gre -j ACCEPT", False),
        ("-A INPUT -p tcp -j DROP", False),
        ("-A INPUT ! -p gre -j DROP", False),
        ("-P INPUT DROP", False),
        ("", False),
    ],
)
def test_a_rule_that_drops_gre_is_told_from_others(rule: str, drops: bool) -> None:
    assert dropping_rule(f"-N mine\n{rule}\n") == (rule if drops else "")
