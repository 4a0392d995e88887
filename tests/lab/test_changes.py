"""A mesh that grows and shrinks: what a change costs the others, and that the way back leads back."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from dockmesh.lab import store
from dockmesh.lab.pings import Pinging, pinging
from tests.lab.conftest import MakeMesh
from tests.lab.mesh import DOCKMESH, Done, Mesh, run

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


def settings(mesh: Mesh, *hosts: str) -> dict[str, str]:
    return {name: mesh.on(name, SETTINGS) for name in hosts or mesh.hosts}


def subjects(answer: dict[str, list[dict[str, list[dict[str, str]]]]]) -> dict[str, list[str]]:
    """By host what an apply changed."""
    return {str(each["name"]): [change["subject"] for change in each["changes"]] for each in answer["hosts"]}


def assert_none_lost(pings: Pinging) -> None:
    heard = pings.heard()
    assert (heard.sent - heard.answered, heard.duplicates) == (0, 0), heard


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    """host1 to host3 in the mesh, with a container each; host4 is prepared and not in it."""
    mesh = make_mesh("--prepared", hosts=4)
    host(mesh, "remove", "host4")
    mesh = Mesh(mesh.directory, mesh.hosts[:3])
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


def test_no_ping_between_two_hosts_is_lost_while_another_comes_goes_and_comes_again(mesh: Mesh, file: str) -> None:
    """host2 and host3 speak through host1, the root, so all three are in the way of every ping."""
    lab = store.load(mesh.directory)
    two = lab.host("host2")
    before = settings(mesh)
    docker = {name: mesh.on(name, "systemctl show -p InvocationID docker") for name in mesh.hosts}
    with ExitStack() as stack:
        running = [
            stack.enter_context(pinging(lab, two, mesh.address("host3"))),
            stack.enter_context(pinging(lab, two, mesh.address("host1"))),
            stack.enter_context(pinging(lab, two, mesh.container_address("host3"), "web")),
        ]
        for words in (("add", "host4"), ("remove", "host4"), ("add", "host4")):
            assert all(pings.wait_for_answers(100, DEADLINE_S) for pings in running)
            host(mesh, *words)
            changed = subjects(mesh.apply())
            if words[0] == "add":
                mesh.wait_for_ping("host2", mesh.address("host4"), None)
            assert all(changed[name] == ["/etc/dockmesh/up", "tunnel gre3"] for name in mesh.hosts), changed
        assert all(pings.wait_for_answers(300, DEADLINE_S) for pings in running)
        for pings in running:
            assert_none_lost(pings)

    assert {name: mesh.on(name, "systemctl show -p InvocationID docker") for name in mesh.hosts} == docker
    host(mesh, "remove", "host4")
    assert mesh.file.read_text() == file
    mesh.apply()
    assert settings(mesh) == before
