"""What iptables does with a frame between two members of docker0."""

from ipaddress import IPv4Address, IPv6Address

import pytest

from dockmesh.facts.iptables import BRIDGED, Fate, Packet, Seen, read_bridged, walk
from dockmesh.transport.requests import Answer

DOCKER_26 = """\
-P INPUT ACCEPT
-P FORWARD DROP
-P OUTPUT ACCEPT
-N DOCKER
-N DOCKER-ISOLATION-STAGE-1
-N DOCKER-ISOLATION-STAGE-2
-N DOCKER-USER
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
"""
OWN_RULE = "-A FORWARD -i docker0 -o docker0 -j ACCEPT\n"
DOCKER_28 = """\
-P FORWARD DROP
-N DOCKER-FORWARD
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-FORWARD
-A DOCKER-FORWARD -j DOCKER-CT
-A DOCKER-FORWARD -i docker0 -j ACCEPT
"""


@pytest.mark.parametrize("rules", [DOCKER_26, DOCKER_28, "-P FORWARD ACCEPT\n", ""])
def test_dockers_own_rules_let_it_pass(rules: str) -> None:
    assert walk(rules, "FORWARD", BRIDGED).fate is Fate.PASSES


def test_without_dockers_rule_the_policy_drops_it() -> None:
    found = walk(DOCKER_26.replace(OWN_RULE, ""), "FORWARD", BRIDGED)

    assert (found.fate, found.rule) == (Fate.POLICY, "-P FORWARD DROP")


def test_icc_false_is_a_rule_that_drops_it() -> None:
    found = walk(DOCKER_26.replace(OWN_RULE, OWN_RULE.replace("ACCEPT", "DROP")), "FORWARD", BRIDGED)

    assert (found.fate, found.rule) == (Fate.RULE, "-A FORWARD -i docker0 -o docker0 -j DROP")


def test_a_rule_of_the_user_counts_if_it_means_every_frame() -> None:
    every = DOCKER_26.replace("-A DOCKER-USER -j RETURN", "-A DOCKER-USER -m comment --comment no -j REJECT")
    some = DOCKER_26.replace("-A DOCKER-USER -j RETURN", "-A DOCKER-USER -s 10.0.0.0/8 -j DROP")

    assert walk(every, "FORWARD", BRIDGED).fate is Fate.RULE
    assert walk(some, "FORWARD", BRIDGED).fate is Fate.PASSES


def test_frames_that_iptables_never_sees_pass() -> None:
    rules = Answer(0, "-P FORWARD DROP\n")

    assert read_bridged(Answer(0, "0\n"), rules).fate is Fate.PASSES
    assert read_bridged(Answer(2), rules).fate is Fate.PASSES
    assert read_bridged(Answer(0, "1\n"), rules).fate is Fate.POLICY
    assert read_bridged(Answer(0, "1\n"), Answer(127)).fate is Fate.UNKNOWN


GRE = Packet(came_in="eth0", protocols=("gre", "47"), source=IPv4Address("192.0.2.2"))


@pytest.mark.parametrize(
    "rule",
    [
        "-p gre -j DROP",
        "-i eth0 -p 47 -j DROP",
        "-i eth+ -s 192.0.2.0/24 -j REJECT --reject-with icmp-port-unreachable",
    ],
)
def test_a_rule_that_drops_gre_is_named(rule: str) -> None:
    found = walk(f"-P INPUT ACCEPT\n-A INPUT {rule}\n", "INPUT", GRE)

    assert (found.fate, found.rule) == (Fate.RULE, f"-A INPUT {rule}")


@pytest.mark.parametrize("rule", ["-p tcp -j DROP", "-i eth1 -j DROP", "-s 198.51.100.0/24 -j DROP", "-m foo -j DROP"])
def test_a_rule_about_something_else_lets_gre_pass(rule: str) -> None:
    assert walk(f"-P INPUT ACCEPT\n-A INPUT {rule}\n", "INPUT", GRE).fate is Fate.PASSES


VXLAN = Packet(came_in="eth0", protocols=("udp", "17"), port=4789, source=IPv4Address("192.0.2.2"))


@pytest.mark.parametrize(
    "rule",
    [
        "-p udp -j DROP",
        "-p udp -m udp --dport 4789 -j DROP",
        "-p udp -m udp --dport 4000:5000 -j DROP",
        "-p udp -m multiport --dports 53,4789,6081 -j DROP",
    ],
)
def test_a_rule_that_drops_a_port_is_named(rule: str) -> None:
    assert walk(f"-P INPUT ACCEPT\n-A INPUT {rule}\n", "INPUT", VXLAN).rule == f"-A INPUT {rule}"


@pytest.mark.parametrize(
    "rule", ["-p udp -m udp --dport 6081 -j DROP", "-p udp -m udp --sport 4789 -j DROP", "-p tcp --dport 4789 -j DROP"]
)
def test_a_rule_about_another_port_lets_it_pass(rule: str) -> None:
    assert walk(f"-P INPUT ACCEPT\n-A INPUT {rule}\n", "INPUT", VXLAN).fate is Fate.PASSES


def test_rules_of_ip6tables_are_read_for_an_ipv6_packet() -> None:
    packet = Packet(came_in="eth0", protocols=("gre", "47"), source=IPv6Address("fd00::2"))

    assert walk("-A INPUT -s fd00::/64 -p gre -j DROP\n", "INPUT", packet).fate is Fate.RULE
    assert walk("-A INPUT -s 192.0.2.0/24 -p gre -j DROP\n", "INPUT", packet).fate is Fate.PASSES


def test_a_policy_without_a_rule_for_gre_drops_it() -> None:
    rules = "-P INPUT DROP\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p icmp -j ACCEPT\n"

    assert walk(rules, "INPUT", GRE) == Seen(Fate.POLICY, "-P INPUT DROP")
    assert walk(f"{rules}-A INPUT -p gre -j ACCEPT\n", "INPUT", GRE).fate is Fate.PASSES
