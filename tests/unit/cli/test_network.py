"""Networks into a mesh file and out of it, by the command line."""

import re
from ipaddress import IPv6Network
from pathlib import Path

import pytest

from dockmesh.meshfile.load import load, parse
from dockmesh.model.network import Network
from tests.unit.cli.conftest import Dockmesh

ADD, REMOVE = ("network", "add"), ("network", "remove")


def test_a_network_gets_a_prefix_a_tag_and_a_place_at_each_host(dockmesh: Dockmesh, mesh_file: Path) -> None:
    ran = dockmesh(*ADD, "blue")

    assert ran.code == 0
    mesh = load(mesh_file)
    assert [(each.name, str(each.prefix), each.vlan, each.hosts) for each in mesh.further] == [
        ("blue", "10.80.0.0/16", 20, None)
    ]
    assert [str(host.allocations[1].address) for host in mesh.hosts] == ["10.80.42.1", "10.80.42.2", "10.80.42.3"]
    assert [str(host.allocations[1].pool) for host in mesh.hosts] == [
        "10.80.64.0/18",
        "10.80.128.0/18",
        "10.80.192.0/18",
    ]


def test_it_says_what_comes_and_what_stays(dockmesh: Dockmesh, mesh_file: Path) -> None:
    ran = dockmesh(*ADD, "blue")

    assert "+  - {name: blue, prefix: 10.80.0.0/16, vlan: 20}" in ran.out or "+  - name: blue" in ran.out
    assert "New network blue on host1, host2, host3: 10.80.0.0/16, VLAN 20." in ran.out
    assert "Other networks do not change, and no container restarts." in ran.out.replace("\n", " ")
    assert "Next: `dockmesh apply`" in ran.out


def test_another_one_gets_another_prefix_and_another_tag(dockmesh: Dockmesh, mesh_file: Path) -> None:
    dockmesh(*ADD, "blue")
    dockmesh(*ADD, "green", "--internal", "--hosts", "host3,host1")

    green = load(mesh_file).further[1]

    assert green == Network("green", green.prefix, 21, internal=True, hosts=("host1", "host3"))
    assert str(green.prefix) == "10.81.0.0/16"


def test_a_prefix_that_holds_an_underlay_address_is_not_chosen(dockmesh: Dockmesh, mesh_file: Path) -> None:
    mesh_file.write_text(mesh_file.read_text().replace("underlay: 1.1.1.1", "underlay: 10.80.3.4"))

    dockmesh(*ADD, "blue")

    assert str(load(mesh_file).further[0].prefix) == "10.81.0.0/16"


def test_prefix_and_tag_may_be_said(dockmesh: Dockmesh, mesh_file: Path) -> None:
    dockmesh(*ADD, "blue", "--prefix", "192.168.40.0/22", "--vlan", "7")

    (blue,) = load(mesh_file).further
    assert (str(blue.prefix), blue.vlan) == ("192.168.40.0/22", 7)


def test_with_a_prefix6_each_host_gets_an_address_and_a_pool_of_it(dockmesh: Dockmesh, mesh_file: Path) -> None:
    ran = dockmesh(*ADD, "blue", "--prefix6", "fd00:80::/64")
    dockmesh("host", "add", "root@server4=4.4.4.4", "--offline")

    mesh = load(mesh_file)
    assert str(mesh.further[0].prefix6) == "fd00:80::/64"
    assert [(str(host.allocations[1].address6), str(host.allocations[1].pool6)) for host in mesh.hosts] == [
        (f"fd00:80::{number}", f"fd00:80:0:0:{number}::/80") for number in (1, 2, 3, 4)
    ]
    assert "! Docker restarts on host1, host2, host3, with the containers there." in ran.out
    assert "10.80.0.0/16 and fd00:80::/64, VLAN 20" in ran.out


def test_a_prefix6_is_drawn_once_for_all_networks_of_a_mesh(dockmesh: Dockmesh, mesh_file: Path) -> None:
    for name in ("blue", "green"):
        dockmesh(*ADD, name, "--prefix6", "auto")

    blue, green = (network.prefix6 for network in load(mesh_file).further)
    assert blue is not None
    assert green is not None
    assert blue.subnet_of(IPv6Network("fd00::/8"))
    assert (blue.prefixlen, green.prefixlen) == (64, 64)
    assert blue.supernet(new_prefix=48) == green.supernet(new_prefix=48)
    assert blue != green


def test_what_was_added_goes_again_and_the_file_is_as_it_was(dockmesh: Dockmesh, mesh_file: Path) -> None:
    before = mesh_file.read_bytes()
    dockmesh(*ADD, "blue")
    dockmesh(*ADD, "green", "--hosts", "host1,host2")

    for name in ("blue", "green"):
        assert dockmesh(*REMOVE, name).code == 0

    assert mesh_file.read_bytes() == before


def test_a_removal_says_that_containers_must_have_left(dockmesh: Dockmesh, mesh_file: Path) -> None:
    dockmesh(*ADD, "blue")

    ran = dockmesh(*REMOVE, "blue")

    assert "Network blue is removed from host1, host2, host3." in ran.out
    assert "Containers must leave it first" in ran.out


def test_a_dry_run_leaves_the_file(dockmesh: Dockmesh, mesh_file: Path) -> None:
    before = mesh_file.read_bytes()

    ran = dockmesh(*ADD, "blue", "--dry-run")

    assert "Nothing was written." in ran.out
    assert mesh_file.read_bytes() == before


def test_its_json_names_the_network(dockmesh: Dockmesh, mesh_file: Path) -> None:
    ran = dockmesh(*ADD, "blue", "--json")

    assert ran.json()["networks_added"] == [
        {"name": "blue", "prefix": "10.80.0.0/16", "vlan": 20, "internal": False, "hosts": None}
    ]
    assert ran.json()["networks_removed"] == []
    assert dockmesh(*REMOVE, "blue", "--json").json()["networks_removed"] == ["blue"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("blue", "--hosts", "host1,host9"), "there is no host 'host9'"),
        (("blue", "--prefix", "10.80.1.0/16"), "has host bits set"),
        (("blue", "--prefix", "172.17.0.0/20"), "prefix of blue overlaps the prefix of docker0"),
        (("blue", "--prefix", "10.80.0.0/30"), "too small for 3 hosts"),
        (("blue", "--prefix6", "fd00:80::1/64"), "has host bits set"),
        (("blue", "--prefix6", "fd00:80::/48"), "its length is not between /64 and /112"),
        (("blue", "--prefix6", "ff02::/64"), "prefix6 of blue overlaps ff00::/8"),
        (("docker0",), "there is a network docker0 already"),
        (("bridge",), "bridge is a network of Docker's own"),
        (("a-very-long-one",), "the name of the network a-very-long-one is too long"),
        (("Blue",), "not a valid name"),
    ],
)
def test_what_cannot_be_added_is_refused_and_the_file_kept(
    dockmesh: Dockmesh, mesh_file: Path, words: tuple[str, ...], said: str
) -> None:
    before = mesh_file.read_bytes()

    ran = dockmesh(*ADD, *words)

    assert ran.code == 2
    assert said in ran.err
    assert mesh_file.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "said"),
    [("docker0", "docker0 is Docker's own network"), ("blue", "has no network blue"), ("", "has no network")],
)
def test_what_cannot_be_removed_is_refused(dockmesh: Dockmesh, mesh_file: Path, name: str, said: str) -> None:
    ran = dockmesh(*REMOVE, name)

    assert ran.code == 2
    assert said in ran.err


def test_a_new_host_is_on_every_network_that_lists_none(dockmesh: Dockmesh, mesh_file: Path) -> None:
    dockmesh(*ADD, "blue")
    dockmesh(*ADD, "green", "--hosts", "host1,host2")

    assert dockmesh("host", "add", "--offline", "host4=4.4.4.4").code == 0

    mesh = load(mesh_file)
    assert [allocation.network for allocation in mesh.hosts[3].allocations] == ["docker0", "blue"]
    assert mesh.further[1].hosts == ("host1", "host2")


def test_a_new_host_comes_onto_a_network_that_lists_its_hosts_if_that_is_said(
    dockmesh: Dockmesh, mesh_file: Path
) -> None:
    dockmesh(*ADD, "green", "--hosts", "host1,host2")

    assert dockmesh("host", "add", "--offline", "host4=4.4.4.4", "--network", "green").code == 0

    mesh = load(mesh_file)
    assert mesh.further[0].hosts == ("host1", "host2", "host4")
    assert [allocation.network for allocation in mesh.hosts[3].allocations] == ["docker0", "green"]


def test_a_host_that_goes_is_on_no_network_any_more(dockmesh: Dockmesh, mesh_file: Path) -> None:
    dockmesh(*ADD, "blue")
    dockmesh(*ADD, "green", "--hosts", "host1,host2")

    assert dockmesh("host", "remove", "host2").code == 0

    assert load(mesh_file).further[1].hosts == ("host1",)


def test_the_last_host_of_a_network_does_not_go_without_it(dockmesh: Dockmesh, mesh_file: Path) -> None:
    dockmesh(*ADD, "green", "--hosts", "host2")

    ran = dockmesh("host", "remove", "host2")

    assert ran.code == 2
    assert "that leaves no host on the network green" in ran.err


LAYOUTS = {
    "blocks": """\
name: prod
networks:
  - name: docker0   # Docker's own
    prefix: 172.17.0.0/16
# all of them
hosts:
  host1:   # the first
    underlay: 1.1.1.1
    address: 172.17.42.1
    pool: 172.17.64.0/18

  # the second
  host2:
    underlay: 2.2.2.2
    address: 172.17.42.2
    pool: 172.17.128.0/18
""",
    "one line each": """\
name: prod
networks: [{name: docker0, prefix: 172.17.0.0/16}]
hosts:
  host1: {underlay: 1.1.1.1, address: 172.17.42.1, pool: 172.17.64.0/18}   # the first
  host2: {underlay: 2.2.2.2, address: 172.17.42.2, pool: 172.17.128.0/18, ssh: {user: root}}
fabric: {forwarding: direct}
""",
    "JSON": """\
{"name": "prod", "networks": [{"name": "docker0", "prefix": "172.17.0.0/16"}], "hosts": {
  "host1": {"underlay": "1.1.1.1", "address": "172.17.42.1", "pool": "172.17.64.0/18"},
  "host2": {"underlay": "2.2.2.2", "address": "172.17.42.2", "pool": "172.17.128.0/18"}}}
""",
}


COMMENT = re.compile(r"#.*")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_comments_and_layout_stay_whatever_they_are(dockmesh: Dockmesh, mesh_file: Path, layout: str) -> None:
    text = LAYOUTS[layout]
    mesh_file.write_text(text)

    assert dockmesh(*ADD, "blue").code == 0
    assert dockmesh(*ADD, "green").code == 0

    with_both = mesh_file.read_text()
    assert [each.name for each in parse("mesh.yaml", with_both.encode()).further] == ["blue", "green"]
    assert COMMENT.findall(text) == COMMENT.findall(with_both)
    for name in ("blue", "green"):
        assert dockmesh(*REMOVE, name).code == 0
    assert mesh_file.read_text() == text


def test_a_network_that_is_there_is_not_put_in_again(dockmesh: Dockmesh, mesh_file: Path) -> None:
    dockmesh("network", "add", "blue")
    before = mesh_file.read_text()

    ran = dockmesh("network", "add", "blue")

    assert ran.err.splitlines() == [
        "error: there is a network blue already",
        "   answered  in dockmesh.yaml:5:11",
        "   now       the file is as it was",
        "   do        give the new one another name, or take that one out first: dockmesh network remove blue",
    ]
    assert mesh_file.read_text() == before
    assert "there is a network docker0 already" in dockmesh("network", "add", "docker0").err


def test_what_is_said_of_a_network_that_was_put_in_by_hand_helps(dockmesh: Dockmesh, mesh_file: Path) -> None:
    before = mesh_file.read_text()
    by_hand = "  - {name: blue, prefix: 10.80.0.0/16, vlan: 7, internal: true}\n"
    mesh_file.write_text(before.replace("hosts:\n", f"{by_hand}hosts:\n"))

    said = " ".join(dockmesh("plan").err.split())

    advice = said.partition("then `dockmesh ")[2].partition("`")[0].split()
    mesh_file.write_text(before)
    assert dockmesh(*advice).code == 0
    (blue,) = load(mesh_file).further
    assert (blue.name, str(blue.prefix), blue.vlan, blue.internal) == ("blue", "10.80.0.0/16", 7, True)


def test_what_is_said_of_a_host_without_an_entry_helps(dockmesh: Dockmesh, mesh_file: Path) -> None:
    dockmesh("network", "add", "blue")
    lines = mesh_file.read_text().splitlines(keepends=True)
    entry = next(line for line in lines if "host2:" in line).partition("networks: ")[2].rstrip("}\n")
    mesh_file.write_text("".join(lines).replace(f", networks: {entry}}}}}", "", 1))

    said = " ".join(dockmesh("plan").err.split())

    advice = said.partition("Put at host2: `")[2].partition("`")[0]
    mesh_file.write_text(mesh_file.read_text().replace("pool: 172.17.128.0/18", f"pool: 172.17.128.0/18, {advice}"))
    assert dockmesh("plan").code == 0


@pytest.mark.parametrize(
    ("prefix", "public"), [("8.8.0.0/16", True), ("172.32.0.0/16", True), ("100.64.0.0/16", False)]
)
def test_a_public_range_is_remarked(dockmesh: Dockmesh, mesh_file: Path, prefix: str, public: bool) -> None:
    ran = dockmesh("network", "add", "blue", "--prefix", prefix)

    said = f"! {prefix} of blue is a public range"
    assert ((said in ran.err), (said in dockmesh("plan").out)) == (public, public)
    assert bool(dockmesh("plan", "--json").json()["remarks"]) == public
