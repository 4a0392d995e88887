from pathlib import Path

import pytest

from dockmesh.meshfile.load import load
from tests.support.meshes import MESH_FILE
from tests.unit.cli.conftest import OFFLINE, Dockmesh

ADD = ("host", "add", "--offline")


def test_a_new_host_gets_what_is_free_and_the_next_step_is_named(dockmesh: Dockmesh, mesh_file: Path) -> None:
    ran = dockmesh(*ADD, "root@web4=4.4.4.4")

    new = load(mesh_file).hosts[-1]
    assert (new.name, str(new.address), str(new.pool)) == ("web4", "172.17.42.4", "172.17.0.0/19")
    assert ran.out.splitlines() == [
        "@@ -8 +8,2 @@",
        "   host3: {underlay: 3.3.3.3, address: 172.17.42.3, pool: 172.17.192.0/18}",
        "+  web4:  {underlay: 4.4.4.4, address: 172.17.42.4, pool: 172.17.0.0/19, ssh: {user: root}}",
        "host1, host2, host3 gain a tunnel to web4.",
        "5 more hosts fit into docker0 without changing others. "
        "Their pools in docker0, in turn: /20, /21, /22, /23, /24.",
        "Next: `dockmesh apply` makes it real.",
    ]


def test_a_host_in_and_out_leaves_the_file_as_it_was(dockmesh: Dockmesh, mesh_file: Path) -> None:
    dockmesh(*ADD, "a.example.com:2222=4.4.4.4", "5.5.5.5", "--name", "four")
    assert [host.name for host in load(mesh_file).hosts[3:]] == ["four", "host5"]

    ran = dockmesh("host", "remove", "four", "host5")

    assert ran.out.splitlines()[-3:] == [
        "host1, host2, host3 lose tunnels to four, host5.",
        "four, host5 are not contacted. Once applied, the others take no tunnel from there.",
        "Next: `dockmesh apply` makes it real.",
    ]
    assert mesh_file.read_text() == MESH_FILE


def test_a_host_that_leaves_keeps_its_certificate_and_it_is_said(dockmesh: Dockmesh, mesh_file: Path) -> None:
    shut = dockmesh("host", "remove", "host3", "--dry-run")
    mesh_file.write_text(MESH_FILE + "docker_api: {listen: mesh}\n")

    said = dockmesh("host", "remove", "host3")

    assert "certificate" not in shut.out
    assert "`dockmesh destroy --host host3` takes it away" in " ".join(said.out.split())


def test_the_comment_on_the_room_left_is_kept_true(dockmesh: Dockmesh, mesh_file: Path) -> None:
    dockmesh("init", *OFFLINE, "-f", "new.yaml", "a=10.0.0.1", "b=10.0.0.2")
    before = Path("new.yaml").read_text()

    dockmesh(*ADD, "-f", "new.yaml", "c=10.0.0.3")

    assert "# 6 more hosts fit into docker0 without changing others." in Path("new.yaml").read_text()
    dockmesh("host", "remove", "-f", "new.yaml", "c")
    assert Path("new.yaml").read_text() == before


def test_a_dry_run_writes_nothing(dockmesh: Dockmesh, mesh_file: Path) -> None:
    assert "Nothing was written." in dockmesh(*ADD, "web4=4.4.4.4", "--dry-run").out
    assert "Nothing was written." in dockmesh("host", "remove", "host1", "--dry-run").out
    assert mesh_file.read_text() == MESH_FILE


def test_mode_and_link_of_the_file_stay(dockmesh: Dockmesh, mesh_file: Path, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere.yaml"
    mesh_file.rename(real)
    real.chmod(0o640)
    mesh_file.symlink_to(real)

    assert dockmesh(*ADD, "web4=4.4.4.4").code == 0

    assert mesh_file.is_symlink()
    assert real.stat().st_mode & 0o7777 == 0o640
    assert len(load(real).hosts) == 4
    assert {path.name for path in tmp_path.iterdir()} == {"dockmesh.yaml", "elsewhere.yaml"}


def test_a_full_prefix_is_refused_with_the_ways_out(dockmesh: Dockmesh) -> None:
    dockmesh("init", *OFFLINE, "--prefix", "10.9.0.0/28", "a=10.0.0.1", "b=10.0.0.2", "c=10.0.0.3")

    ran = dockmesh(*ADD, "d=10.0.0.4")

    assert ran.code == 2
    assert "10.9.0.0/28 has no room for another host beside those of dockmesh.yaml" in ran.err
    assert "enlarge the prefix to 10.9.0.0/27: every address and pool stays" in ran.err
    assert "halve a pool, such as that of a to 10.9.0.4/31" not in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["host1=9.9.9.9"], "there is a host host1 already\n   answered  in dockmesh.yaml:6:3"),
        (["new=1.1.1.1"], "dockmesh.yaml:9:21: underlay of new is also the underlay of host1"),
        (["n_w=9.9.9.9"], 'host name is "n_w", which is not a valid name'),
        (["new=9.9.9.9", "--link", "host1"], "--link is for a file that lists its links"),
        (["new=9.9.9.9", "--site", "here"], "--site is for a file that has sites"),
        (["new=9.9.9.9", "--name", "a", "--name", "b"], "there are more names than hosts"),
        (["new.invalid:x=9.9.9.9"], "new.invalid:x=9.9.9.9: x is not a port"),
    ],
)
def test_what_cannot_be_added_is_refused_and_the_file_kept(
    dockmesh: Dockmesh, mesh_file: Path, words: list[str], said: str
) -> None:
    ran = dockmesh(*ADD, *words)

    assert ran.code == 2
    assert said in ran.err
    assert mesh_file.read_text() == MESH_FILE


def test_a_host_of_a_file_that_lists_its_links_is_linked(dockmesh: Dockmesh, mesh_file: Path) -> None:
    links = "fabric:\n  topology:\n    links: [[host1, host2], [host2, host3]]\n"
    mesh_file.write_text(MESH_FILE + links)

    refused = dockmesh(*ADD, "new=9.9.9.9")
    ran = dockmesh(*ADD, "new=9.9.9.9", "--link", "host1", "--link", "host3")

    assert "say which hosts it is linked to: --link PEER, once for each" in refused.err
    assert ran.code == 0, ran.err
    assert "links: [[host1, host2], [host2, host3], [host1, new], [host3, new]]" in mesh_file.read_text()


def test_a_host_of_a_file_that_has_sites_is_put_into_one(dockmesh: Dockmesh, mesh_file: Path) -> None:
    mesh_file.write_text(MESH_FILE + "fabric: {topology: {sites: {here: [host1, host2], there: [host3]}}}\n")

    refused = dockmesh(*ADD, "new=9.9.9.9")
    misspelt = dockmesh(*ADD, "new=9.9.9.9", "--site", "ther")
    ran = dockmesh(*ADD, "new=9.9.9.9", "--site", "there")

    assert "say in which it is: --site here or --site there" in refused.err
    assert "the sites are here, there" in misspelt.err
    assert ran.code == 0, ran.err
    assert "sites: {here: [host1, host2], there: [host3, new]}" in mesh_file.read_text()


def test_its_json_names_what_changed_and_on_whom(dockmesh: Dockmesh, mesh_file: Path) -> None:
    ran = dockmesh("host", "remove", "host2", "--json")

    assert ran.json() == {
        "file": str(mesh_file.name),
        "written": True,
        "added": [],
        "removed": ["host2"],
        "difference": [
            "@@ -6,3 +6,2 @@",
            "   host1: {underlay: 1.1.1.1, address: 172.17.42.1, pool: 172.17.64.0/18}",
            "-  host2: {underlay: 2.2.2.2, address: 172.17.42.2, pool: 172.17.128.0/18}",
            "   host3: {underlay: 3.3.3.3, address: 172.17.42.3, pool: 172.17.192.0/18}",
        ],
        "networks_added": [],
        "networks_removed": [],
        "more_tunnels": {},
        "fewer_tunnels": {"host1": ["host2"], "host3": ["host2"]},
        "docker_restarts": [],
        "bridge_recreated": [],
        "bridge_made_anew": [],
        "room": 7,
        "room_in": "docker0",
        "room_pools": [18, 19, 20, 21, 22, 23, 24],
    }


def test_a_host_in_a_ring_takes_a_tunnel_from_two_and_gives_each_one(dockmesh: Dockmesh, mesh_file: Path) -> None:
    mesh_file.write_text("fabric: {topology: {degree: 2}}\n" + MESH_FILE)
    dockmesh(*ADD, "four=4.4.4.4")

    ran = dockmesh(*ADD, "five=5.5.5.5")

    assert "host1 gains a tunnel to five and loses a tunnel to four." in ran.out
    assert "four gains a tunnel to five and loses a tunnel to host1." in ran.out


@pytest.mark.parametrize("odd", ["y", "no", "1e3"])
def test_a_name_that_needs_quotes_is_no_habit(dockmesh: Dockmesh, odd: str) -> None:
    dockmesh("init", *OFFLINE, "a=10.0.0.1", f"{odd}=10.0.0.2")

    dockmesh(*ADD, "c=10.0.0.3", "d=10.0.0.4")

    text = Path("dockmesh.yaml").read_text()
    assert f'"{odd}":' in text
    assert all(f"  {name}: " in text for name in "cd")
