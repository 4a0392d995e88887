"""Containers and hosts by name, on three hosts: who finds whom, when something ends, and what goes outside."""

from typing import Any

import pytest
from dnslib import EDNS0, DNSRecord

from dockmesh.lab import cut as cutting
from dockmesh.lab import store
from tests.lab.conftest import MakeMesh
from tests.lab.mesh import Mesh, wait_until
from tests.lab.resolving import Allocation, prepare, put, start

RESOLVER = {"host1": "172.17.42.1", "host2": "172.17.42.2", "host3": "172.17.42.3"}
# A server for the names outside. What it answers hangs on the question alone, so that answers can be compared as bytes.
OUTSIDE = """
import sys
from dnslib import QTYPE, RR, TXT, A
from dnslib.server import DNSServer

class Zone:
    def resolve(self, request, handler):
        reply = request.reply()
        name = str(request.q.qname).rstrip(".").lower()
        if name.startswith("large"):
            reply.add_answer(*(RR(request.q.qname, QTYPE.TXT, ttl=60, rdata=TXT("x" * 200)) for _ in range(20)))
        elif name in ("www.example.com", "nas"):
            reply.add_answer(RR(request.q.qname, QTYPE.A, ttl=60, rdata=A(sys.argv[2])))
        else:
            reply.header.rcode = 3
        return reply

servers = [DNSServer(Zone(), address=sys.argv[1], port=53, tcp=tcp) for tcp in (False, True)]
servers[0].start_thread()
servers[1].start()
"""


@pytest.fixture(scope="module")
def named(make_mesh: MakeMesh) -> Mesh:
    """On each host `web1` … `web3` and one `db`, which start again when their host does."""
    mesh = make_mesh("--prepared")
    mesh.apply()
    mesh.wait_for_mesh()
    prepare(mesh)
    for number, host in enumerate(mesh.hosts, start=1):
        start(mesh, host, f"web{number}", "--restart=always")
        start(mesh, host, "db", "--restart=always")
    return mesh


@pytest.fixture(scope="module")
def allocations(named: Mesh) -> dict[str, Allocation]:
    """Where names are looked up, by host."""
    return {host: Allocation(named, host, f"web{number}") for number, host in enumerate(named.hosts, start=1)}


def address(mesh: Mesh, host: str, name: str) -> str:
    return mesh.container_address(host, name)


def test_a_container_is_found_from_every_host_by_every_one_of_its_names(
    named: Mesh, allocations: dict[str, Allocation]
) -> None:
    for number, host in enumerate(named.hosts, start=1):
        mine = address(named, host, f"web{number}")
        for allocation in allocations.values():
            for end in ("", ".mesh", f".{host}", f".{host}.mesh"):
                allocation.until_finds(f"web{number}{end}", mine)
            assert allocation.busybox_finds(f"web{number}") == [mine]
            assert allocation.busybox_finds(f"web{number}.{host}.mesh") == [mine]


def test_several_of_one_name_are_told_together_and_the_own_host_first(
    named: Mesh, allocations: dict[str, Allocation]
) -> None:
    db = {host: address(named, host, "db") for host in named.hosts}
    start(named, "host2", "cache")
    start(named, "host3", "cache")
    others = sorted(address(named, host, "cache") for host in ("host2", "host3"))

    allocations["host1"].until_finds("cache", *others)
    assert allocations["host1"].busybox_finds("cache") == others
    assert allocations["host1"].finds("db") == [db["host1"]]
    assert allocations["host1"].finds("db.host3") == [db["host3"]]


def test_hosts_and_addresses_have_names(named: Mesh, allocations: dict[str, Allocation]) -> None:
    for allocation in allocations.values():
        for number, host in enumerate(named.hosts, start=1):
            assert allocation.finds(f"{host}.mesh") == [RESOLVER[host]]
            assert allocation.name_of(RESOLVER[host]) == f"{host}.mesh"
            # Its own address a container finds in its /etc/hosts.
            if host != allocation.host:
                assert allocation.name_of(address(named, host, f"web{number}")) == f"web{number}.{host}.mesh"


def test_a_new_container_is_found_everywhere_and_gone_everywhere_when_it_ends(
    named: Mesh, allocations: dict[str, Allocation]
) -> None:
    new = start(named, "host2", "new")
    for allocation in allocations.values():
        allocation.until_finds("new", new)

    named.on("host2", "docker rename new newer")
    for allocation in allocations.values():
        allocation.until_finds("newer", new)
        allocation.until_finds("new")

    named.on("host2", "docker rm --force newer")
    for allocation in allocations.values():
        allocation.until_finds("newer")
    assert allocations["host1"].name_of(new) == ""


def test_names_outside_are_answered_as_they_were_byte_for_byte(named: Mesh, allocations: dict[str, Allocation]) -> None:
    outside = named.plan()["hosts"][2]["underlay"]
    put(named, "host3", "/root/outside.py", OUTSIDE)
    named.on("host3", f"systemd-run --unit=outside python3 /root/outside.py {outside} 192.0.2.80")
    put(named, "host1", "/etc/resolv.conf", f"nameserver {outside}\n")
    allocation = allocations["host1"]
    wait_until(lambda: allocation.finds("www.example.com") == ["192.0.2.80"], "the server outside answers")

    roomy = DNSRecord.question("large.example.com", "TXT")
    roomy.add_ar(EDNS0(udp_len=8192, flags="do"))
    for kind, question in (
        ("udp", DNSRecord.question("WWW.example.com")),
        ("udp", DNSRecord.question("nothing.example.com", "MX")),
        ("udp", DNSRecord.question("large.example.com", "TXT")),
        ("udp", roomy),
        ("tcp", roomy),
        ("tcp", DNSRecord.question("www.example.com")),
        ("udp", DNSRecord.question("nas")),
    ):
        sent = bytes(question.pack())
        through = allocation.ask_raw(sent, RESOLVER["host1"], kind)
        assert through == allocation.ask_raw(sent, outside, kind), question
        assert DNSRecord.parse(through).header.id == question.header.id

    assert len(DNSRecord.parse(allocation.ask_raw(bytes(roomy.pack()), RESOLVER["host1"], "tcp")).rr) == 20
    assert allocation.finds("nas") == ["192.0.2.80"]
    assert allocation.finds("nothing.mesh") == []


def keep_containers_alive(mesh: Mesh, host: str, **keys: Any) -> None:
    """By `live-restore`, through restarts of Docker; with more keys of the user's in daemon.json."""
    edit = (
        "import json; path = '/etc/docker/daemon.json'; found = json.load(open(path)); "
        f"found.update({ {'live-restore': True, **keys} }); json.dump(found, open(path, 'w'))"
    )
    mesh.on(host, f'python3 -c "{edit}" && systemctl reload docker')
    wait_until(lambda: "true" in mesh.on(host, "docker info --format '{{.LiveRestoreEnabled}}'"), "live-restore is on")


def test_the_users_own_servers_of_daemon_json_are_asked_outside(
    named: Mesh, allocations: dict[str, Allocation]
) -> None:
    outside = named.plan()["hosts"][2]["underlay"]
    put(named, "host2", "/etc/resolv.conf", "nameserver 192.0.2.1\n")
    keep_containers_alive(named, "host2", dns=[outside])
    started = named.on("host2", "docker inspect --format '{{.State.StartedAt}}' web2 db")

    named.apply()

    assert '"172.17.42.2"' in named.on("host2", "cat /etc/docker/daemon.json")
    assert outside in named.on("host2", "cat /etc/docker/daemon.json.before-dockmesh")
    assert named.on("host2", "docker inspect --format '{{.State.StartedAt}}' web2 db") == started
    allocations["host2"].until_finds("www.example.com", "192.0.2.80")
    assert named.apply()["hosts"][1]["changes"] == []


def test_only_the_mesh_is_answered(named: Mesh, allocations: dict[str, Allocation]) -> None:
    underlay = named.plan()["hosts"][0]["underlay"]
    question = bytes(DNSRecord.question("web1.mesh").pack())
    route = f"ip route replace {RESOLVER['host1']}/32 via {underlay}"
    raw = f"python3 /root/raw.py {RESOLVER['host1']} udp"

    by_underlay = named.on("host2", f"{route} && echo {question.hex()} | {raw}; ip route del {RESOLVER['host1']}/32")
    foreign = allocations["host3"].ask_raw(question, RESOLVER["host1"])
    listening = named.on("host1", "ss -lntuH 'sport = :53'")

    assert DNSRecord.parse(bytes.fromhex(by_underlay)).header.rcode == 5
    assert DNSRecord.parse(foreign).header.rcode == 5
    assert {line.split()[4] for line in listening.splitlines()} == {f"{RESOLVER['host1']}:53"}


def test_another_host_is_told_what_runs_here_and_nothing_else(named: Mesh) -> None:
    def told(name: str) -> list[str]:
        question = bytes(DNSRecord.question(name).pack()).hex()
        answer = named.on("host2", f"echo {question} | python3 /root/raw.py {RESOLVER['host1']} udp")
        return [str(each.rdata) for each in DNSRecord.parse(bytes.fromhex(answer)).rr]

    assert told("web1") == [address(named, "host1", "web1")]
    assert told("web3") == told("www.example.com") == told("host3") == []


@pytest.mark.parametrize("harm", ["systemctl kill --signal=KILL dockmesh-names", "systemctl restart dockmesh-names"])
def test_a_resolver_that_is_started_again_loses_nothing(
    named: Mesh, allocations: dict[str, Allocation], harm: str
) -> None:
    mine, other = address(named, "host1", "web1"), address(named, "host2", "web2")
    before = named.on("host1", "systemctl show --property=MainPID --value dockmesh-names")

    with (
        allocations["host1"].asking(RESOLVER["host1"], "web1.mesh") as here,
        allocations["host1"].asking(RESOLVER["host1"], "web2.mesh") as there,
    ):
        named.on("host1", harm)
        named.on("host2", harm)

    assert named.on("host1", "systemctl show --property=MainPID --value dockmesh-names") != before
    assert set(here.said) == {mine}
    # While host2's is away nobody says that its names are gone: that would be code 3.
    assert other in there.said
    assert set(there.said) <= {other, "2"}
    allocations["host3"].until_finds("web2", other)


@pytest.mark.long
def test_a_resolver_that_hangs_is_not_taken_for_a_dead_host(named: Mesh, allocations: dict[str, Allocation]) -> None:
    other = address(named, "host2", "web2")
    named.on("host2", "systemctl kill --signal=STOP dockmesh-names")

    with allocations["host1"].asking(RESOLVER["host1"], "web2.mesh", 20, 0.1) as asked:
        pass

    assert set(asked.said) == {"2"}
    named.on("host2", "systemctl kill --signal=CONT dockmesh-names")
    allocations["host1"].until_finds("web2", other)


def test_docker_stops_without_waiting_for_the_resolver_which_knows_its_containers_again(
    named: Mesh, allocations: dict[str, Allocation]
) -> None:
    """For an open request Docker waits 5 s, ends it by force, and says so."""
    named.on("host3", "systemctl reset-failed 'docker.*'; systemctl restart docker")

    assert "Error shutting down http server" not in named.on("host3", "journalctl --unit docker --output cat")
    wait_until(lambda: len(allocations["host1"].finds("web3")) == 1, "web3 is found again")


@pytest.mark.long
def test_a_restart_of_docker_loses_nothing_where_containers_live_on(
    named: Mesh, allocations: dict[str, Allocation]
) -> None:
    other = address(named, "host2", "web2")
    keep_containers_alive(named, "host2")

    with allocations["host1"].asking(RESOLVER["host1"], "web2.mesh", 300) as asked:
        named.on("host2", "systemctl reset-failed 'docker.*'; systemctl restart docker")

    # Busy, it may be late with an answer: code 2. Nobody ever says that the name is gone.
    assert set(asked.said) <= {other, "2"}
    assert asked.said[other] > 10 * asked.said.get("2", 0)


@pytest.mark.long
def test_a_docker_that_is_stopped_stays_so_and_its_containers_names_go_with_them(
    named: Mesh, allocations: dict[str, Allocation]
) -> None:
    mine = address(named, "host2", "web2")
    keep_containers_alive(named, "host2")
    process = named.on("host2", "docker inspect --format '{{.State.Pid}}' db")
    named.on("host2", "systemctl stop docker.service 2>/dev/null")

    allocations["host1"].until_finds("web2", mine)
    named.on("host2", f"kill -9 {process}")
    allocations["host1"].until_finds("db.host2")

    assert named.ssh("host2", "systemctl is-active docker.service").out.strip() == "inactive"
    named.on("host2", "systemctl start docker.service")
    wait_until(lambda: len(allocations["host1"].finds("db.host2")) == 1, "db runs again and is found")


def test_a_host_that_is_cut_off_knows_its_own_and_is_known_again_when_it_is_back(
    named: Mesh, allocations: dict[str, Allocation]
) -> None:
    lab = store.load(named.directory)
    addresses = {host: address(named, host, f"web{number}") for number, host in enumerate(named.hosts, start=1)}
    for other in ("host1", "host2"):
        cutting.cut(lab, other, "host3")

    allocations["host1"].until_finds("web3")
    allocations["host3"].until_finds("web1")
    assert allocations["host3"].finds("web3") == [addresses["host3"]]
    assert allocations["host1"].finds("web2") == [addresses["host2"]]

    cutting.heal_all(lab)
    allocations["host1"].until_finds("web3", addresses["host3"])
    allocations["host3"].until_finds("web1", addresses["host1"])


@pytest.mark.long
def test_the_names_of_a_host_that_crashes_vanish_and_come_back_with_it(
    named: Mesh, allocations: dict[str, Allocation]
) -> None:
    mine = address(named, "host1", "web1")

    def said(times: int) -> set[str]:
        with allocations["host1"].asking(RESOLVER["host1"], "web3.mesh", times) as asked:
            pass
        return set(asked.said)

    named.lab("crash", "host3")
    # While host3 is only suspect the answer is code 2, which to a program is no address either.
    wait_until(lambda: said(1) == {"3"}, "web3 is no name any more")
    assert said(20) == {"3"}
    assert allocations["host2"].finds("web1") == [mine]

    named.lab("start", "host3")
    wait_until(lambda: len(allocations["host1"].finds("web3")) == 1, "web3 is found again")
    allocations["host3"].until_finds("web1", mine)


@pytest.mark.long
def test_after_a_reboot_all_of_it_is_there_again(named: Mesh, allocations: dict[str, Allocation]) -> None:
    named.lab("reboot", "host1")

    wait_until(lambda: len(allocations["host2"].finds("web1")) == 1, "web1 is found again")
    wait_until(lambda: len(allocations["host1"].finds("web2")) == 1, "web1 finds again")
    assert named.on("host1", "systemctl is-active dockmesh-names") == "active"


def test_without_a_domain_nothing_of_it_stays_and_docker_is_as_it_was(named: Mesh) -> None:
    text = named.file.read_text()
    named.file.write_text(text + "domain: false\n")

    named.apply()

    for host in named.hosts:
        assert named.on(host, "ls /etc/dockmesh; ls /etc/systemd/system").count("names") == 0
        assert RESOLVER[host] not in named.on(host, "grep -v bip /etc/docker/daemon.json")
        assert named.ssh(host, "systemctl is-active dockmesh-names").out.strip() == "inactive"
