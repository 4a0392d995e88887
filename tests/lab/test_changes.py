"""A mesh that grows and shrinks: what a change costs the others, and that the rollback leads back."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from dockmesh.lab import store
from dockmesh.lab.pings import Pinging, pinging
from tests.lab.conftest import MakeMesh
from tests.lab.mesh import DOCKMESH, Done, Mesh, run, wait_until

DEADLINE_S = 120
# What dockmesh has on a host, in the words of those who hold it; nothing in it counts, ticks or depends on the moment.
SETTINGS = """
for file in /etc/docker/daemon.json /etc/dockmesh/* /etc/network/interfaces.d/* /etc/systemd/system/dockmesh.service \
    /etc/systemd/system/docker.service.d/*
do test ! -e $file || { echo "== $file"; cat $file; }; done
echo == units; systemctl is-enabled dockmesh docker; systemctl is-active dockmesh docker
echo == br0
ovs-vsctl --columns=name,datapath_type,rstp_enable,stp_enable,other_config,external_ids,fail_mode list bridge br0
for port in $(ovs-vsctl list-ports br0 | sort)
do ovs-vsctl --columns=name,type,options,bfd,external_ids list interface $port; done
echo == docker0; ip -4 -oneline address show docker0 | grep -o 'inet.*docker0'
cat /sys/class/net/docker0/address /sys/class/net/docker0/mtu; ls /sys/class/net/docker0/brif | grep -v veth
echo == docker; docker network inspect bridge --format '{{json .IPAM.Config}} {{json .Options}}'
"""


def host(mesh: Mesh, *words: str) -> Done:
    """`dockmesh host …`, which must succeed."""
    verb, *rest = words
    ssh = ("--ssh-config", str(mesh.ssh_config)) if verb == "add" else ()
    done = run(*DOCKMESH, "host", verb, "-f", str(mesh.file), *ssh, *rest)
    assert done.code == 0, done.err
    return done


LISTS = ("/etc/dockmesh/flows", "/etc/dockmesh/names.conf", "/etc/dockmesh/ports", "br0 flows", "br0 flows of before")


def settings(mesh: Mesh, *hosts: str) -> dict[str, str]:
    return {name: mesh.on(name, SETTINGS) for name in hosts or mesh.hosts}


def subjects(answer: dict[str, list[dict[str, list[dict[str, str]]]]]) -> dict[str, list[str]]:
    """By host what an apply changed, but for what lists all hosts: that follows, and disturbs nobody."""
    return {
        str(each["name"]): [change["subject"] for change in each["changes"] if change["subject"] not in LISTS]
        for each in answer["hosts"]
    }


def changes(answer: Any) -> list[Any]:
    """All that an apply changed, of all hosts."""
    return [change for host in answer["hosts"] for change in host["changes"]]


def assert_none_lost(pings: Pinging) -> None:
    heard = pings.heard()
    assert (heard.sent - heard.answered, heard.twice) == (0, 0), heard


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    """host1 to host3 in the mesh with a container each; host4 is prepared and not in it."""
    made = make_mesh("--prepared", hosts=4)
    mesh = Mesh(made.directory, made.hosts[:3])
    mesh.file.unlink()
    assert mesh.dockmesh("init", *mesh.hosts, "--encryption", "off").code == 0
    mesh.apply()
    mesh.wait_for_mesh()
    for name in mesh.hosts:
        mesh.start_container(name)
    return mesh


@pytest.fixture
def file(mesh: Mesh) -> Iterator[str]:
    """The text of the mesh file, which is put back and applied afterwards."""
    text = mesh.file.read_text()
    yield text
    mesh.file.write_text(text)
    mesh.apply()
    mesh.wait_for_mesh()


@pytest.mark.long
def test_a_dead_host_is_removed_and_cannot_hurt_when_it_comes_back(mesh: Mesh, file: str) -> None:
    """By then its address and its pool are another's, and so is the address of its container."""
    lab = store.load(mesh.directory)
    one = lab.host("host1")
    address, container = mesh.address("host3"), mesh.container_address("host3")
    mesh.lab("crash", "host3")
    host(mesh, "remove", "host3")
    mesh.apply()
    host(mesh, "add", "host4")
    mesh.apply()
    assert (mesh.address("host4"), mesh.start_container("host4")) == (address, container)
    mesh.wait_for_ping("host1", container, None)

    with pinging(lab, one, address) as to_host, pinging(lab, one, container) as to_container:
        assert to_host.wait_for_answers(100, DEADLINE_S)
        mesh.lab("start", "host3")
        mesh.on("host3", "docker start web")
        assert mesh.container_address("host3") == container
        assert "master docker0" in mesh.on("host3", "ip -oneline link show br0")
        wait_until(lambda: mesh.on("host3", "ovs-vsctl get interface gre1 bfd_status:state") == "down", "BFD is down")
        assert to_host.wait_for_answers(300, DEADLINE_S)
        assert to_container.wait_for_answers(300, DEADLINE_S)
        assert_none_lost(to_host)
        assert_none_lost(to_container)

    for name in (None, "web"):
        assert not mesh.pings("host3", mesh.address("host1"), name)
    mesh.on("host4", "docker rm --force web")


def test_a_reinstalled_host_is_taken_up_again_by_one_apply(mesh: Mesh, file: str) -> None:
    lab = store.load(mesh.directory)
    before = settings(mesh)
    old_key = lab.known_hosts.read_text()
    mesh.lab("crash", "host3")
    shutil.rmtree(lab.state_of(lab.host("host3")))
    mesh.lab("up")
    new_key = lab.known_hosts.read_text()

    lab.known_hosts.write_text(old_key)
    refused = mesh.dockmesh("apply", "--yes")
    lab.known_hosts.write_text(new_key)
    changed = subjects(mesh.apply())

    assert refused.code == 1
    assert "host3: its host key is not the one that known_hosts has" in refused.err
    assert "a new installation, or somebody in between" in refused.err
    assert (changed["host1"], changed["host2"]) == ([], [])
    mesh.wait_for_mesh()
    assert settings(mesh) == before
    mesh.start_container("host3")


EDITS: dict[str, tuple[str, str]] = {
    "renderer": ("renderer: systemd", "renderer: ifupdown"),
    "prefix": ("prefix: 172.17.0.0/16", "prefix: 172.16.0.0/15"),
    "forwarding": ("forwarding: direct", "forwarding: rstp"),
    "address": ("address: 172.17.42.2,", "address: 172.17.42.22,"),
    "pool": ("pool: 172.17.128.0/18", "pool: 172.17.160.0/19"),
}


@pytest.mark.long
@pytest.mark.parametrize("edit", EDITS)
def test_there_and_back_again_gives_the_hosts_of_before(mesh: Mesh, file: str, edit: str) -> None:
    before = settings(mesh)
    mesh.edit(*EDITS[edit])

    mesh.apply()
    mesh.wait_for_mesh(90)
    assert settings(mesh) != before
    assert changes(mesh.apply()) == []

    mesh.file.write_text(file)
    mesh.apply()
    assert settings(mesh) == before
    assert changes(mesh.apply()) == []
    mesh.wait_for_mesh()


def move(mesh: Mesh, name: str, old: str, new: str) -> None:
    """Another underlay address for the host: beside the old one first, so that SSH has a way at any moment."""
    mesh.on(name, f"sysctl -qw net.ipv4.conf.br-phy.promote_secondaries=1; ip address add {new}/24 dev br-phy")
    for path in (mesh.ssh_config, mesh.directory / "known_hosts"):
        path.write_text(path.read_text().replace(f"{old}\n", f"{new}\n").replace(f"{old} ", f"{new} "))
    mesh.disconnect(name)  # it goes by the old one
    mesh.on(name, f"ip address del {old}/24 dev br-phy")


@pytest.mark.long
def test_a_host_moves_to_another_underlay_address_and_back(mesh: Mesh, file: str) -> None:
    before = settings(mesh)
    old = next(each["underlay"] for each in mesh.plan()["hosts"] if each["name"] == "host2")
    new = old.rsplit(".", 1)[0] + ".200"
    move(mesh, "host2", old, new)
    mesh.edit(f"underlay: {old},", f"underlay: {new},")

    changed = subjects(mesh.apply())
    mesh.wait_for_mesh()

    assert [subject.split()[-1] for subject in changed["host1"]] == ["/etc/dockmesh/up", "options:remote_ip"]
    assert "docker restart" not in changed["host2"]
    move(mesh, "host2", new, old)
    mesh.file.write_text(file)
    mesh.apply()
    mesh.wait_for_mesh()
    assert settings(mesh) == before


def test_a_host_with_another_name_is_the_same_host(mesh: Mesh, file: str) -> None:
    lab = store.load(mesh.directory)
    before = settings(mesh)
    docker = mesh.on("host3", "systemctl show -p InvocationID docker")
    with pinging(lab, lab.host("host1"), mesh.address("host3")) as pings:
        assert pings.wait_for_answers(100, DEADLINE_S)
        line = next(line for line in file.splitlines() if line.startswith("  host3:"))
        mesh.edit(line, line.replace("host3:", "web3:").replace("}", ", ssh: {host: host3}}"))
        changed = subjects(mesh.apply())
        mesh.file.write_text(file)
        mesh.apply()
        assert pings.wait_for_answers(100, DEADLINE_S)
        assert_none_lost(pings)

    assert [subject.split()[-1] for subject in changed["host1"]] == ["/etc/dockmesh/up", "external_ids:dockmesh-peer"]
    assert mesh.on("host3", "systemctl show -p InvocationID docker") == docker
    assert settings(mesh) == before


@pytest.mark.long
def test_pools_change_hands_only_where_both_hosts_take_part(mesh: Mesh, file: str) -> None:
    before = settings(mesh)
    containers = {name: mesh.container_address(name) for name in ("host1", "host2")}
    for old, new in (("64.0/18", "X"), ("128.0/18", "64.0/18"), ("X", "128.0/18")):
        mesh.edit(f"pool: 172.17.{old}", f"pool: 172.17.{new}")

    refused = mesh.dockmesh("apply", "--yes", "--host", "host1")

    assert refused.code == 1
    assert "host1: is to have 172.17.128.0/18, which host2 still has" in refused.err
    assert f"containers of host2 in 172.17.128.0/18: web ({containers['host2']})" in refused.err
    assert settings(mesh) == before
    mesh.apply()
    mesh.wait_for_mesh()
    assert mesh.container_address("host1").startswith("172.17.128.")
    assert mesh.container_address("host2").startswith("172.17.64.")
