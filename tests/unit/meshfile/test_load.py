"""From a file on disk to a checked mesh, or to an error with exit code 2."""

import os
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from dockmesh.errors import UsageError
from dockmesh.meshfile.load import load, parse
from dockmesh.meshfile.problems import MeshFileError
from dockmesh.meshfile.write import write_mesh
from dockmesh.model.mesh import (
    Bfd,
    Degree,
    Fabric,
    Forwarding,
    FullMesh,
    Host,
    Links,
    Mesh,
    Ring,
    Sites,
    Ssh,
    Star,
    Topology,
)
from dockmesh.model.network import Network
from tests.support.meshes import in_docker0, mesh_of

GUIDE = """\
name: prod
networks:
  - name: docker0
    prefix: 172.17.0.0/16
hosts:
  host1: {underlay: 1.1.1.1, address: 172.17.42.1, pool: 172.17.64.0/18,  ssh: {user: root}}
  host2: {underlay: 2.2.2.2, address: 172.17.42.2, pool: 172.17.128.0/18}
  host3: {underlay: 3.3.3.3, address: 172.17.42.3, pool: 172.17.192.0/18}
"""


def guide(old: str = "", new: str = "") -> Mesh:
    assert old in GUIDE
    return parse("mesh.yaml", GUIDE.replace(old, new).encode())


def refusal(content: str | bytes) -> MeshFileError:
    with pytest.raises(MeshFileError) as refused:
        parse("mesh.yaml", content.encode() if isinstance(content, str) else content)
    return refused.value


def test_the_guides_file_becomes_the_guides_numbers(tmp_path: Path) -> None:
    file = tmp_path / "dockmesh.yaml"
    file.write_text(GUIDE)

    loaded = load(file)

    assert loaded == Mesh(
        name="prod",
        fabric=Fabric(),
        networks=(Network("docker0", IPv4Network("172.17.0.0/16")),),
        hosts=(
            Host(
                "host1",
                IPv4Address("1.1.1.1"),
                in_docker0("172.17.42.1", "172.17.64.0/18"),
                ssh=Ssh(user="root"),
            ),
            Host("host2", IPv4Address("2.2.2.2"), in_docker0("172.17.42.2", "172.17.128.0/18")),
            Host("host3", IPv4Address("3.3.3.3"), in_docker0("172.17.42.3", "172.17.192.0/18")),
        ),
    )


@pytest.mark.parametrize(
    ("text", "topology"),
    [
        ("full-mesh", FullMesh()),
        ("ring", Ring()),
        ("star", Star()),
        ("{star: host2}", Star("host2")),
        ("{sites: {b: [host3], a: [host2, host1]}}", Sites((("b", ("host3",)), ("a", ("host2", "host1"))))),
        ("{degree: 2}", Degree(2)),
        ("{links: [[host1, host2], [host3, host2]]}", Links((("host1", "host2"), ("host3", "host2")))),
    ],
)
def test_a_topology_has_many_forms(text: str, topology: object) -> None:
    loaded = guide("networks:", f"fabric: {{topology: {text}}}\nnetworks:")

    assert loaded.fabric.topology == topology


def test_every_fabric_setting_is_taken() -> None:
    settings = "{forwarding: stp, bfd: {interval_ms: 30, multiplier: 5}, datapath: netdev, renderer: ifupdown}"

    fabric = guide("networks:", f"fabric: {settings}\nnetworks:").fabric

    assert fabric.forwarding is Forwarding.STP
    assert fabric.bfd == Bfd(30, 5)
    assert (fabric.datapath, fabric.renderer) == ("netdev", "ifupdown")


def test_bfd_given_by_half_keeps_the_other_default() -> None:
    assert guide("networks:", "fabric: {bfd: {interval_ms: 30}}\nnetworks:").fabric.bfd == Bfd(30, 3)


def test_a_repeated_value_may_be_an_alias() -> None:
    loaded = parse(
        "mesh.yaml",
        GUIDE.replace("ssh: {user: root}", "ssh: &admin {user: admin}")
        .replace("172.17.128.0/18}", "172.17.128.0/18, ssh: *admin}")
        .encode(),
    )

    assert [host.ssh.user for host in loaded.hosts] == ["admin", "admin", None]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_are_read(line_break: str) -> None:
    text = GUIDE.replace("\n", line_break).replace("2.2.2.2", "2.2.2")

    assert [problem.span.line for problem in refusal(text).problems if problem.span] == [7]


def test_a_byte_order_mark_moves_no_column() -> None:
    assert "mesh.yaml:1:7:" in str(refusal(b"\xef\xbb\xbf" + GUIDE.replace("prod", "Prod").encode()))


def test_json_is_yaml_too() -> None:
    hosts = ", ".join(
        f'"h{i}": {{"underlay": "192.0.2.{i}", "address": "10.0.0.{i}", "pool": "10.0.{i}.0/24"}}' for i in (1, 2)
    )
    text = f'{{"name":"j","networks":[{{"name":"docker0","prefix":"10.0.0.0/16"}}],"hosts":{{{hosts}}}}}'

    assert len(parse("mesh.json", text.encode()).hosts) == 2


def test_a_host_may_have_its_own_address_in_its_own_pool() -> None:
    assert guide("172.17.42.2", "172.17.128.1").hosts[1].address == IPv4Address("172.17.128.1")


def test_a_pool_that_holds_one_container_beside_an_end_of_the_prefix_is_enough() -> None:
    assert guide("172.17.192.0/18", "172.17.0.0/31").hosts[2].pool == IPv4Network("172.17.0.0/31")


def test_names_that_old_yaml_takes_for_truth_values_are_names() -> None:
    assert guide("host2", "no").hosts[1].name == "no"


def test_degree_one_suits_two_hosts() -> None:
    two = "".join(GUIDE.splitlines(keepends=True)[:-1]).replace(
        "networks:", "fabric: {topology: {degree: 1}}\nnetworks:"
    )

    assert parse("mesh.yaml", two.encode()).fabric.topology == Degree(1)


def test_1318_bytes_are_the_smallest_underlay() -> None:
    assert guide("18}", "18, underlay_mtu: 1318}").hosts[1].underlay_mtu == 1318


def test_a_spec_error_is_a_usage_error_with_exit_code_2() -> None:
    error = refusal("")

    assert isinstance(error, UsageError)
    assert error.exit_code == 2


def test_a_missing_file_is_refused_with_the_way_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(MeshFileError, match=r"dockmesh\.yaml: no such file\n   Write one with `dockmesh init HOST…`"):
        load(tmp_path / "dockmesh.yaml")


def test_a_directory_is_refused_with_the_file_in_it(tmp_path: Path) -> None:
    with pytest.raises(MeshFileError, match="this is a directory, not a mesh file"):
        load(tmp_path)


def test_a_path_through_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(MeshFileError, match="cannot be read: Not a directory"):
        load(tmp_path / "file" / "dockmesh.yaml")


def test_a_path_with_nul_is_refused() -> None:
    with pytest.raises(MeshFileError, match="this is not a path"):
        load(Path("a\0b"))


def test_a_path_that_would_obey_to_a_terminal_is_shown_escaped(tmp_path: Path) -> None:
    with pytest.raises(MeshFileError) as refused:
        load(tmp_path / "\x1b[2Jmesh.yaml")

    assert "\x1b" not in str(refused.value)
    assert "\\x1b[2Jmesh.yaml: no such file" in str(refused.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "dockmesh.yaml"
    file.touch(mode=0)

    with pytest.raises(MeshFileError, match="may not be read by you"):
        load(file)


def test_a_name_offered_as_nearest_is_shown_escaped() -> None:
    text = GUIDE.replace("  host1", '  "ho\\nst\\e1"').replace(
        "networks:", "fabric: {topology: {links: [[host1, host2]]}}\nnetworks:"
    )

    assert r"Did you mean `ho\nst\x1b1`?" in str(refusal(text))


@pytest.mark.exhaustive
def test_one_mebibyte_is_read_and_a_byte_more_is_not(tmp_path: Path) -> None:
    file = tmp_path / "dockmesh.yaml"
    file.write_text(GUIDE + "#" * (1024 * 1024 - len(GUIDE)))
    assert len(load(file).hosts) == 3

    file.write_text(GUIDE + "#" * (1024 * 1024 - len(GUIDE) + 1))
    with pytest.raises(MeshFileError, match="larger than 1 MiB"):
        load(file)


def test_an_endless_file_is_not_read_to_its_end() -> None:
    with pytest.raises(MeshFileError, match="larger than 1 MiB"):
        load(Path("/dev/zero"))


def test_mistakes_of_every_stage_are_told_at_once_and_in_order() -> None:
    text = GUIDE.replace("name: prod", "name: prod\nname: test").replace("3.3.3.3", "x").replace("2.2.2.2", "1.1.1.1")

    assert [problem.span.line for problem in refusal(text).problems if problem.span] == [2, 8, 9]


def test_a_thousand_mistakes_are_counted_and_a_hundred_shown() -> None:
    error = refusal("name: prod\n" + "".join(f"key{number}: 1\n" for number in range(1000)))

    assert len(error.problems) == 100
    # The two keys that are missing make one mistake.
    assert error.more == 901
    assert str(error).endswith("mesh.yaml: 1001 mistakes, of which these are the first 100")


@pytest.mark.parametrize(
    "text",
    [
        "hosts: {'[key]': {}, '<degree>': 1, h: {'[key]': 1}}\nfabric: {topology: {degree: 2, '<degree>': 1}}",
        "fabric: {topology: {links: {links: [1]}}, '[key]': 1}\nhosts: {bfd: 1, ssh: root, topology: 2}",
        "networks: [[docker0], {name: {}}, null]\nhosts: {a: [], 1: {}, ~: {}, true: {}, '': {}}",
    ],
)
def test_keys_named_like_our_own_marks_confuse_nothing(text: str) -> None:
    assert "mesh.yaml:1:" in str(refusal(text))


@pytest.mark.parametrize(
    ("hosts", "topology", "wrong"),
    [
        (50, Ring(), ""),
        (51, Ring(), "a ring of 51 hosts is too long"),
        (200, Degree(4), ""),
        (201, Degree(4), "201 hosts are more than direct takes"),
    ],
)
def test_direct_takes_so_many_hosts_and_no_more(hosts: int, topology: Topology, wrong: str) -> None:
    fabric = Fabric(forwarding=Forwarding.DIRECT, topology=topology)
    text = write_mesh(mesh_of(hosts, prefix="172.16.0.0/12", fabric=fabric)).encode()

    if not wrong:
        assert len(parse("mesh.yaml", text).hosts) == hosts
        return
    with pytest.raises(MeshFileError, match=wrong):
        parse("mesh.yaml", text)
