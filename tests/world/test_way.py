"""One world the whole way, from bare hosts to bare hosts: `make world ROW=NAME` runs it, and NAME stands in rows.py.

In this order: each test begins where the one before it ended. Emulated machines go a shorter way, without those that
are marked `unhurried`.
"""

import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockmesh.lab.model import HostKind
from tests.lab.conftest import labs, skip_without
from tests.lab.left import unexplained
from tests.lab.mesh import DOCKMESH, PATIENT_BFD, Mesh, run, wait_until
from tests.lab.snapshots import snapshots
from tests.lab.test_docker_api import hold, name_of
from tests.lab.test_verify import faults, verify_fails
from tests.world.rows import Row, rows

ROW = "DOCKMESH_WORLD"
ON_UNDERLAY = {"gre": "gre", "vxlan": "udp", "geneve": "udp"}
LEGACY = "apt-get install --yes --quiet iptables && " + " && ".join(
    f"update-alternatives --set {name} /usr/sbin/{name}-legacy" for name in ("iptables", "ip6tables")
)
COMPOSE_FILE = """\
services:
  page:
    image: busybox
    command: ["httpd", "-f", "-h", "/etc"]
    networks: [blue]
networks:
  blue: {external: true}
"""
VERSIONS = (
    "echo Docker $(docker version --format '{{.Server.Version}}' | cut -d+ -f1),"
    " Open vSwitch $(ovs-vsctl --version | head -1 | grep -o '[0-9.]*$'), Linux $(uname -r | cut -d- -f1),"
    " Python $(python3 --version | cut -d' ' -f2), systemd $(systemctl --version | head -1 | cut -d' ' -f2)"
)
# What Compose and its Python bring, and a static busybox; and tables with nothing in them, which a boot forgets.
OF_THIS_TEST = re.compile(
    r"busybox|compose|python3|/etc/(ethertypes|networks|protocols|rpc|services)$|package (lib|netbase)"
    r"|ip6?tables-save (\*\w+|:\w+ ACCEPT ?|COMMIT)$|ldconfig"
)
unhurried = pytest.mark.skipif(os.environ.get(ROW, "").startswith("vm-"), reason="emulated machines go a shorter way")


@pytest.fixture(scope="module")
def row() -> Row:
    return next(row for row in rows() if row.name == os.environ.get(ROW))


@pytest.fixture(scope="module")
def world(row: Row, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """Bare hosts, with the keys of Docker that an operator has set, and the file of this row."""
    kind = HostKind.VM if row.kind == "vm" else HostKind.CONTAINER
    skip_without(kind)
    ipv6 = ("--ipv6",) if row.underlay == "ipv6" else ()
    with labs(tmp_path_factory, kind) as make:
        mesh = make("--release", row.releases, "--offer", "docker-compose", *ipv6, forwarding=row.forwarding)
        for key, value in (("tunnel", row.tunnel), ("renderer", row.renderer)):
            mesh.choose(key, value)
        if row.kind == "vm":
            mesh.edit(*PATIENT_BFD)
        keys = {"live-restore": row.live_restore == "on", "userland-proxy": row.userland_proxy == "on"}
        mesh.on_all(
            lambda host: mesh.on(
                host, f"mkdir -p /etc/docker && echo {shlex.quote(json.dumps(keys))} > /etc/docker/daemon.json"
            )
        )
        mesh.on_all(lambda host: mesh.on(host, "apt-get update --quiet"))
        if row.iptables == "legacy":
            mesh.on_all(lambda host: mesh.on(host, LEGACY))
        yield mesh


@pytest.fixture(scope="module")
def before(world: Mesh) -> dict[str, list[str]]:
    """What the hosts are before the first apply."""
    return snapshots(world)


def proven(mesh: Mesh) -> None:
    mesh.assert_proven()


def test_preflight_lets_it_pass(world: Mesh) -> None:
    done = world.dockmesh("preflight")

    assert done.code == 0, done.out + done.err


def test_bare_hosts_become_a_mesh(world: Mesh, before: dict[str, list[str]]) -> None:
    done = world.dockmesh("apply", "--yes")

    assert done.code == 0, done.err
    world.on_all(lambda host: world.on(host, "apt-get install --yes --quiet busybox-static"))
    world.on_all(lambda host: world.start_container(host, "web", "--restart always"))
    world.wait_for_containers()
    proven(world)


def test_the_hosts_are_what_the_row_says(world: Mesh, row: Row) -> None:
    shown = "\n".join(dict.fromkeys(world.on_all(lambda host: world.on(host, VERSIONS)).values()))
    if file := os.environ.get(f"{ROW}_VERSIONS"):
        Path(file).write_text(shown.replace("\n", "; "))

    releases = {world.on(host, ". /etc/os-release; echo $VERSION_CODENAME") for host in world.hosts}
    assert releases == ({"bookworm", "trixie", "forky"} if row.release == "mixed" else {row.release})


def test_the_operators_own_keys_of_docker_stay(world: Mesh, row: Row) -> None:
    keys = json.loads(world.on("host1", "cat /etc/docker/daemon.json"))

    assert (keys["live-restore"], keys["userland-proxy"]) == (row.live_restore == "on", row.userland_proxy == "on")
    assert row.iptables in world.on("host1", "iptables --version").replace("nf_tables", "nft")


def test_a_second_apply_touches_nothing(world: Mesh) -> None:
    assert not world.apply()["changed"]


def test_a_cut_link_is_gone_round(world: Mesh) -> None:
    world.lab("cut", "host1", "host2")

    world.wait_for_containers()

    world.lab("heal")
    proven(world)


@unhurried
def test_verify_finds_each_harm_and_apply_mends_it(world: Mesh, row: Row) -> None:
    world.on("host1", f"ovs-vsctl del-port br0 {row.tunnel}1")
    assert "tunnel-missing" in faults(verify_fails(world))
    world.on("host2", "ip link set br0 nomaster")
    assert "not-attached" in faults(verify_fails(world))
    world.on("host3", "ip link set docker0 mtu 1400")
    assert "mtu" in faults(verify_fails(world))

    world.apply()

    proven(world)


@unhurried
def test_names_are_found_in_docker0_and_by_compose_in_another_network(world: Mesh) -> None:
    assert run(*DOCKMESH, "network", "add", "blue", "-f", str(world.file)).code == 0
    world.apply()
    for host in world.hosts:
        world.on(host, "apt-get install --yes --quiet docker-compose")
    words = (
        "mkdir -p /srv/page && cat > /srv/page/compose.yaml && docker-compose --project-directory /srv/page up --detach"
    )
    world.on("host3", f"printf %s {shlex.quote(COMPOSE_FILE)} | sh -c {shlex.quote(words)}")
    world.on("host1", "docker run --detach --name asks --network blue --stop-signal KILL busybox sleep 1000000")

    wait_until(
        lambda: world.ssh("host1", "docker exec asks /bin/busybox wget -q -O - http://page/hostname").code == 0,
        "the page of host3 is found by its service's name",
    )
    lookup = "docker exec web /bin/busybox nslookup -type=a web.host3.mesh"
    wait_until(lambda: world.container_address("host3") in world.ssh("host2", lookup).out, "web.host3.mesh is found")


@unhurried
def test_dockers_api_lets_in_who_has_a_certificate(world: Mesh) -> None:
    with world.file.open("a") as file:
        file.write("\ndocker_api: {listen: mesh}\n")
    world.apply()
    made = run(*DOCKMESH, "access", "create", "ann", "-f", str(world.file), "--json")
    assert made.code == 0, made.err
    hold(world, "host1", "ann", Path(made.json()["folder"]))

    wait_until(lambda: name_of(world, "host1", "host2") == "host2", "host2 lets ann in")


def test_all_hosts_rebooted_are_a_mesh_again(world: Mesh) -> None:
    for host in world.hosts:
        world.lab("crash", host)
    for host in world.hosts:
        world.lab("start", host)

    world.wait_for_containers()
    proven(world)
    assert not world.apply()["changed"]


def test_destroy_leaves_nothing(world: Mesh, before: dict[str, list[str]]) -> None:
    world.on_all(lambda host: world.ssh(host, "docker ps --all --quiet | xargs --no-run-if-empty docker rm --force"))
    world.on_all(lambda host: world.ssh(host, "apt-get purge --yes --quiet docker-compose"))

    done = world.dockmesh("destroy", "--yes", "--packages")

    assert done.code == 0, done.err
    left = [line for line in unexplained(world, before) if not OF_THIS_TEST.search(line)]
    assert not left, "\n".join(left)[:3000]
