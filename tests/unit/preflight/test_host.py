"""What is fine on one host and what is not."""

from dataclasses import replace
from ipaddress import IPv4Interface, IPv4Network

import pytest

from dockmesh.errors import ConflictError, ConnectError
from dockmesh.facts import types as facts_types
from dockmesh.facts.types import Container, FileState, LinuxLink
from dockmesh.model.mesh import Datapath
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.build import build
from dockmesh.preflight.docker import read_flags
from dockmesh.preflight.managers import matches_device
from dockmesh.preflight.run import judge
from dockmesh.preflight.types import Check, DockerNetwork, Evidence, Finding, Level, Route
from dockmesh.render.docker import DAEMON_JSON
from tests.support.meshes import mesh_of, with_network
from tests.unit.preflight import worlds

PLAN = worlds.plan()
READY = worlds.ready(PLAN)
DOCKER_UNIT = "{{ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd {} ; ignore_errors=no ; pid=7 }}"


def around(**changes: object) -> Finding:
    """The one finding after host2 has changed."""
    return worlds.only(PLAN, worlds.with_around(READY, "host2", **changes))


def facts(**changes: object) -> Finding:
    return worlds.only(PLAN, worlds.with_facts(READY, "host2", **changes))


def with_docker(**changes: object) -> Evidence:
    docker = READY.hosts["host2"].facts.docker
    assert docker is not None
    return worlds.with_facts(READY, "host2", docker=replace(docker, **changes))  # type: ignore[arg-type]


def test_hosts_that_are_ready_have_nothing_but_fine() -> None:
    assert worlds.trouble(PLAN, READY) == []
    assert {finding.check for finding in judge(PLAN, READY)} == set(Check) - {
        Check.REFUSED,
        Check.ATTACHED,
        Check.DOCKER_API,
        Check.NETWORK_MANAGERS,
    }


def test_a_host_that_cannot_be_asked_is_a_blocker_with_its_reason() -> None:
    error = ConnectError("no SSH connection", host="host2", answered="refused", do="start sshd")
    evidence = replace(READY, unreachable={"host2": error})

    finding = worlds.only(PLAN, evidence)

    assert (finding.check, finding.level, finding.what) == (Check.SSH, Level.BLOCKER, "no SSH connection: refused")


def test_what_apply_would_refuse_is_said_before() -> None:
    refusal = ConflictError("has a file", host="host2", do="move it away")
    known = replace(READY.hosts["host2"], refusal=refusal)

    finding = worlds.only(PLAN, replace(READY, hosts={**READY.hosts, "host2": known}))

    assert (finding.check, finding.level, finding.do) == (Check.REFUSED, Level.BLOCKER, "move it away")


@pytest.mark.parametrize(
    ("python", "level"), [((3, 8, 10), Level.WARNING), ((), Level.UNKNOWN)], ids=["old", "unknown"]
)
def test_a_python_that_cannot_measure(python: tuple[int, ...], level: Level) -> None:
    finding = around(python=python)

    assert (finding.check, finding.level) == (Check.PYTHON, level)


def test_a_bare_host_is_fine_as_apply_installs_what_lacks() -> None:
    evidence = worlds.with_facts(READY, "host2", programs=frozenset({"apt-get"}), docker=None, ovs=None)

    assert worlds.trouble(PLAN, evidence) == []


def test_a_full_disk_is_a_blocker_and_too_little_for_packages_a_warning() -> None:
    bare = worlds.with_facts(READY, "host2", programs=frozenset({"apt-get"}), docker=None)
    little = worlds.with_around(bare, "host2", free={"/etc": 300 << 20, "/var": 9 << 30})

    assert around(free={"/etc": 9 << 30, "/var": 1 << 20}).level is Level.BLOCKER
    assert worlds.only(PLAN, little).level is Level.WARNING
    assert around(free={}).level is Level.UNKNOWN


@pytest.mark.parametrize(
    ("seconds", "words"), [(1100.0, "99 s ahead of"), (900.0, "100 s behind")], ids=["ahead", "behind"]
)
def test_a_wrong_clock_is_told_by_the_least_that_it_is_wrong(seconds: float, words: str) -> None:
    finding = around(seconds=seconds)

    assert (finding.check, finding.level) == (Check.CLOCK, Level.WARNING)
    assert words in finding.what


def test_a_slow_answer_is_no_wrong_clock() -> None:
    known = replace(READY.hosts["host2"], asked=(1000.0, 1030.0))
    evidence = replace(READY, hosts={**READY.hosts, "host2": known})

    assert worlds.trouble(PLAN, worlds.with_around(evidence, "host2", seconds=1028.0)) == []


def test_the_kernel_datapath_needs_gre_in_the_kernel_and_the_userspace_one_does_not() -> None:
    netdev = worlds.plan(datapath=Datapath.NETDEV)
    without = worlds.with_around(worlds.ready(netdev), "host2", tunnel_modules=frozenset())

    assert around(tunnel_modules=frozenset()).level is Level.BLOCKER
    assert worlds.trouble(netdev, without) == []


VXLAN = worlds.plan(tunnel=Tunnel.VXLAN)


@pytest.mark.parametrize("datapath", Datapath)
def test_a_port_that_somebody_else_has_is_a_blocker_with_other_tunnels_to_take(datapath: Datapath) -> None:
    planned = worlds.plan(datapath=datapath, tunnel=Tunnel.VXLAN)

    finding = worlds.only(planned, worlds.with_around(worlds.ready(planned), "host2", udp_ports=frozenset({4789})))

    assert (finding.check, finding.level, finding.hosts) == (Check.TUNNEL, Level.BLOCKER, ("host2",))
    assert "UDP port 4789 is used already" in finding.what
    assert "Docker Swarm" in finding.what
    assert "`tunnel: geneve`" in str(finding.do)


def test_the_device_that_has_the_port_is_named() -> None:
    flannel = LinuxLink("flannel.1", 1450, up=True, mac="", kind="vxlan")
    evidence = worlds.with_around(worlds.ready(VXLAN), "host2", udp_ports=frozenset({4789}))

    finding = worlds.only(
        VXLAN, worlds.with_facts(evidence, "host2", links=(*evidence.hosts["host2"].facts.links, flannel))
    )

    assert "by flannel.1" in finding.what


def test_open_vswitchs_own_port_and_other_ports_are_fine() -> None:
    own = LinuxLink("vxlan_sys_4789", 65000, up=True, mac="", kind="vxlan")
    evidence = worlds.with_around(worlds.ready(VXLAN), "host2", udp_ports=frozenset({4789}))
    evidence = worlds.with_facts(evidence, "host2", links=(*evidence.hosts["host2"].facts.links, own))

    assert worlds.trouble(VXLAN, evidence) == []
    assert worlds.trouble(VXLAN, worlds.with_around(worlds.ready(VXLAN), "host2", udp_ports=frozenset({8472}))) == []


def test_the_userspace_datapath_on_a_bare_host_wants_a_bridge_that_is_not_there_yet() -> None:
    netdev = worlds.plan(datapath=Datapath.NETDEV)
    bare = worlds.with_facts(worlds.ready(netdev), "host2", programs=frozenset({"apt-get"}), docker=None, ovs=None)

    assert worlds.checks(worlds.trouble(netdev, bare)) == [(Check.DATAPATH, Level.WARNING, ("host2",))]


def test_an_underlay_device_with_too_small_an_mtu() -> None:
    links = (LinuxLink("eth0", 1450, up=True, mac="", addresses=(IPv4Interface("10.77.0.2/24"),)),)

    finding = facts(links=links)

    assert (finding.check, finding.level) == (Check.UNDERLAY, Level.BLOCKER)
    assert "underlay_mtu: 1450" in str(finding.do)


def test_an_underlay_address_that_no_device_has_may_be_that_of_a_nat() -> None:
    links = (LinuxLink("eth0", 1500, up=True, mac="", addresses=(IPv4Interface("192.168.1.2/24"),)),)

    assert (facts(links=links).check, facts(links=links).level) == (Check.UNDERLAY, Level.WARNING)


@pytest.mark.parametrize(
    ("network", "level"), [("172.17.5.0/24", Level.BLOCKER), ("172.16.0.0/12", Level.WARNING)], ids=["part", "around"]
)
def test_a_route_that_collides_with_the_prefix(network: str, level: Level) -> None:
    finding = around(routes=(Route(IPv4Network(network), "tun0"), Route(IPv4Network("192.168.0.0/16"), "eth0")))

    assert (finding.check, finding.level) == (Check.ROUTES, level)
    assert network in finding.what


def test_dockers_own_route_is_no_collision() -> None:
    routes = (Route(IPv4Network("172.17.0.0/16"), "docker0"),)

    assert worlds.trouble(PLAN, worlds.with_around(READY, "host2", routes=routes)) == []


def test_a_device_with_an_address_in_the_prefix_is_said_once_not_for_its_route_again() -> None:
    links = (
        *READY.hosts["host2"].facts.links,
        LinuxLink("tun0", 1500, up=True, mac="", addresses=(IPv4Interface("172.17.9.1/24"),)),
    )
    evidence = worlds.with_facts(READY, "host2", links=links)
    evidence = worlds.with_around(evidence, "host2", routes=(Route(IPv4Network("172.17.9.0/24"), "tun0"),))

    finding = worlds.only(PLAN, evidence)

    assert (finding.check, finding.level) == (Check.ROUTES, Level.BLOCKER)
    assert "tun0 has the address 172.17.9.1/24" in finding.what


def test_another_network_of_dockers_in_the_prefix_is_said_once() -> None:
    prefix = IPv4Network("172.17.64.0/20")
    evidence = worlds.with_around(
        READY,
        "host2",
        networks=(DockerNetwork("bridge", (PLAN.prefix,), "docker0"), DockerNetwork("blue", (prefix,), "br-1")),
        routes=(Route(prefix, "br-1"),),
    )

    finding = worlds.only(PLAN, evidence)

    assert (finding.check, finding.level) == (Check.DOCKER_NETWORKS, Level.BLOCKER)
    assert "blue" in finding.what


ACTIVE = {"ActiveState": "active"}
MATCH_ALL = "[Match]\nName=*\n\n[Network]\nDHCP=yes\n"


def test_networkd_with_a_file_that_matches_all_takes_our_bridges() -> None:
    finding = around(
        units={"systemd-networkd.service": ACTIVE}, network_files=(("/etc/systemd/network/all.network", MATCH_ALL),)
    )

    assert (finding.check, finding.level) == (Check.NETWORK_MANAGERS, Level.WARNING)
    assert "takes br0 and docker0 for its own" in finding.what


def test_networkd_is_asked_about_the_bridges_of_further_networks() -> None:
    plan = build(with_network(mesh_of(3)))
    files = (("/etc/systemd/network/all.network", "[Match]\nName=d*\n\n[Network]\nDHCP=yes\n"),)
    units = {"systemd-networkd.service": ACTIVE}

    finding = worlds.only(plan, worlds.with_around(worlds.ready(plan), "host2", units=units, network_files=files))

    assert "takes docker0, dm-blue and dmv-blue for its own" in finding.what
    assert "`Name=docker0 br0 dm-* dmv-*`" in str(finding.do)


def test_networkd_is_no_trouble_where_it_does_not_run_or_leaves_ours_unmanaged() -> None:
    files = (("/etc/systemd/network/zz.network", MATCH_ALL),)
    ours = ("/etc/systemd/network/00.network", "[Match]\nName=docker0 br0\n[Link]\nUnmanaged=yes\n")
    idle = worlds.with_around(READY, "host2", network_files=files)
    kept = worlds.with_around(READY, "host2", units={"systemd-networkd.service": ACTIVE}, network_files=(ours, *files))

    assert worlds.trouble(PLAN, idle) == worlds.trouble(PLAN, kept) == []


@pytest.mark.parametrize(
    ("match", "matches"),
    [
        ("Name=*", True),
        ("Name=eth* docker*", True),
        ("Name=!eth0", True),
        ("Type=bridge", True),
        ("Name=en*", False),
        ("Type=ether", False),
        ("Type=!bridge", False),
        ("Name=*\nMACAddress=02:42:00:00:00:01", False),
        ("# Name=*", False),
    ],
)
def test_match_of_a_network_file(match: str, *, matches: bool) -> None:
    assert matches_device(f"[Match]\n{match}\n[Network]\nDHCP=yes\n", "docker0", "bridge") is matches


def test_network_manager_leaves_alone_what_it_calls_external() -> None:
    units = {"NetworkManager.service": ACTIVE}
    external = {"eth0": "connected", "docker0": "connected (externally)", "br0": "unmanaged"}
    quiet = worlds.with_around(READY, "host2", units=units, managed=external)

    finding = around(units=units, managed={"docker0": "connected"})

    assert worlds.trouble(PLAN, quiet) == []
    assert (finding.check, finding.level) == (Check.NETWORK_MANAGERS, Level.WARNING)


@pytest.mark.parametrize(
    "flags", ["--bip 10.0.0.1/24", "--bip=10.0.0.1/24", "--mtu=1400", "-b br7", "--icc=false", "--config-file=/x"]
)
def test_flags_of_dockerd_that_stand_against_daemon_json(flags: str) -> None:
    finding = around(units={"docker.service": {"ExecStart": DOCKER_UNIT.format(f"-H fd:// {flags}")}})

    assert (finding.check, finding.level) == (Check.DOCKER, Level.BLOCKER)


def test_hosts_in_daemon_json_and_on_the_command_line_are_one_too_many() -> None:
    evidence = worlds.with_facts(READY, "host2", files={DAEMON_JSON: FileState('{"hosts": ["fd://"]}', 0o644)})
    units = {"docker.service": {"ExecStart": DOCKER_UNIT.format("-H fd://")}}

    assert "`hosts`" in worlds.only(PLAN, worlds.with_around(evidence, "host2", units=units)).what
    assert worlds.trouble(PLAN, worlds.with_around(READY, "host2", units=units)) == []


def test_the_options_of_etc_default_count_only_where_the_unit_takes_them() -> None:
    options = '# DOCKER_OPTS="--dns 1.1.1.1"\nDOCKER_OPTS="--bip 10.0.0.1/24"\n'

    assert read_flags(DOCKER_UNIT.format("-H fd:// $DOCKER_OPTS"), options) == ("-H", "fd://", "--bip", "10.0.0.1/24")
    assert read_flags(DOCKER_UNIT.format("-H fd://"), options) == ("-H", "fd://")
    assert read_flags("", options) == ()


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("20.10.24+dfsg1", "Docker 20.10.24"),
        ("27.5.1", "has run 20.10, 26.1 and 28.5"),
        ("28.1.1", "bridged, not routed"),
        ("29.0.0", "DOCKER-USER"),
        ("26.1.5+dfsg1", "Docker 26.1.5"),
    ],
)
def test_what_a_version_of_docker_does_differently_is_told(version: str, words: str) -> None:
    found = [each for each in judge(PLAN, with_docker(version=version)) if each.check is Check.DOCKER]

    assert [each.level for each in found] == [Level.FINE] * 3
    assert words in next(each.what for each in found if each.hosts == ("host2",))


def test_an_old_docker_and_the_rules_of_nftables_are_warnings() -> None:
    settings = {DAEMON_JSON: FileState('{"firewall-backend": "nftables"}', 0o644)}

    assert worlds.only(PLAN, with_docker(version="19.03.8")).level is Level.WARNING
    assert worlds.only(PLAN, worlds.with_facts(with_docker(version="29.0.0"), "host2", files=settings)).level is (
        Level.WARNING
    )


def test_a_snap_of_docker_is_a_blocker() -> None:
    assert around(units={"snap.docker.dockerd.service": ACTIVE}).level is Level.BLOCKER


def test_containers_that_restart_with_docker_are_named() -> None:
    web = Container("c" * 64, "web", "172.17.0.2")

    finding = worlds.only(PLAN, with_docker(containers=(web,)))

    assert (finding.check, finding.level) == (Check.CONTAINERS, Level.WARNING)
    assert "web (172.17.0.2)" in finding.what


def test_containers_outside_the_pool_are_named_where_docker_is_as_planned() -> None:
    host = PLAN.host("host2")
    settings = {"gateway": str(host.address.ip), "pool": host.pool}
    inside, outside = Container("a" * 64, "in", str(host.pool[3])), Container("b" * 64, "out", "172.17.0.9")

    finding = worlds.only(PLAN, with_docker(**settings, containers=(inside, outside)))

    assert "out (172.17.0.9)" in finding.what
    assert worlds.trouble(PLAN, with_docker(**settings, containers=(inside,))) == []


def test_frames_between_containers_that_the_host_drops() -> None:
    finding = around(iptables="-P FORWARD DROP\n")

    assert (finding.check, finding.level) == (Check.FORWARDING, Level.BLOCKER)
    assert "-P FORWARD DROP" in finding.what


def test_forwarding_that_is_off_while_docker_runs() -> None:
    assert (around(ip_forward=False).check, around(ip_forward=False).level) == (Check.FORWARDING, Level.WARNING)


def test_rules_in_two_places_are_a_warning() -> None:
    assert (around(legacy_tables=("filter",)).check) is Check.FIREWALL


def test_managers_of_firewalls_are_named_and_no_trouble_by_themselves() -> None:
    evidence = worlds.with_around(READY, "host2", ufw=True, units={"firewalld.service": ACTIVE})

    found = next(each for each in judge(PLAN, evidence) if each.check is Check.FIREWALL and each.hosts == ("host2",))

    assert (found.level, found.what) == (Level.FINE, "ufw and firewalld, iptables (nf_tables)")


TWO = build(with_network(mesh_of(3)))


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (DockerNetwork("theirs", (IPv4Network("10.80.7.0/24"),), "br-1"), "overlaps the prefix of blue 10.80.0.0/16"),
        (DockerNetwork("blue", (IPv4Network("10.9.0.0/24"),), "br-1"), "Docker has a network blue that is not of this"),
    ],
)
def test_a_network_of_dockers_in_the_way_of_a_further_one_is_said(network: DockerNetwork, said: str) -> None:
    evidence = worlds.with_around(worlds.ready(TWO), "host2", networks=(network,))

    finding = worlds.only(TWO, evidence)

    assert (finding.check, finding.level) == (Check.DOCKER_NETWORKS, Level.BLOCKER)
    assert said in finding.what


def test_a_network_that_apply_made_is_not_in_its_own_way() -> None:
    prefix = IPv4Network("10.80.0.0/16")
    evidence = worlds.ready(TWO)
    docker = evidence.hosts["host2"].facts.docker
    assert docker is not None
    made = facts_types.DockerNetwork(
        "blue", "bridge", False, (prefix,), None, None, None, "dm-blue", {"dockmesh": "prod"}
    )
    evidence = worlds.with_facts(evidence, "host2", docker=replace(docker, networks=(made,)))
    evidence = worlds.with_around(
        evidence, "host2", networks=(DockerNetwork("blue", (prefix,), "dm-blue"),), routes=(Route(prefix, "dm-blue"),)
    )

    assert worlds.trouble(TWO, evidence) == []


def test_a_route_into_a_further_network_is_in_the_way() -> None:
    evidence = worlds.with_around(worlds.ready(TWO), "host2", routes=(Route(IPv4Network("10.80.9.0/24"), "tun0"),))

    finding = worlds.only(TWO, evidence)

    assert (finding.check, finding.level) == (Check.ROUTES, Level.BLOCKER)
    assert "takes a part of the prefix of blue 10.80.0.0/16" in finding.what
