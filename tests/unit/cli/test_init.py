import asyncio
from pathlib import Path

import pytest

from dockmesh.meshfile.load import load
from dockmesh.model.mesh import Degree, Forwarding, FullMesh, Topology
from tests.unit.cli.conftest import OFFLINE, Dockmesh


async def nobody_knows(name: str, patience_s: float) -> tuple[str, ...]:
    return ()


def test_three_hosts_offline_get_the_numbers_of_the_guide(dockmesh: Dockmesh) -> None:
    assert dockmesh("init", *OFFLINE, "host1", "host2", "host3").code == 0

    hosts = load(Path("dockmesh.yaml")).hosts
    assert [(host.name, str(host.address), str(host.pool)) for host in hosts] == [
        ("host1", "172.17.42.1", "172.17.64.0/18"),
        ("host2", "172.17.42.2", "172.17.128.0/18"),
        ("host3", "172.17.42.3", "172.17.192.0/18"),
    ]


def test_it_says_how_many_more_hosts_fit(dockmesh: Dockmesh) -> None:
    ran = dockmesh("init", *OFFLINE, "host1", "host2", "--max-hosts", "7")

    said = "10 more hosts fit into docker0 without changing others. Their pools in docker0, in turn: 5 of /19, "
    assert said in ran.out
    assert f"# {said}" in Path("dockmesh.yaml").read_text(encoding="utf-8")


def test_its_json_names_the_hosts_and_the_room(dockmesh: Dockmesh) -> None:
    ran = dockmesh("init", *OFFLINE, "--json", "host1", "host2", "host3")

    assert ran.json() == {
        "file": "dockmesh.yaml",
        "hosts": ["host1", "host2", "host3"],
        "room": 6,
        "room_pools": [19, 20, 21, 22, 23, 24],
        "stand_ins": ["host1", "host2", "host3"],
    }


def test_a_file_that_is_there_is_never_written_over(dockmesh: Dockmesh) -> None:
    Path("dockmesh.yaml").write_text("mine", encoding="utf-8")

    ran = dockmesh("init", *OFFLINE, "host1", "host2")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: dockmesh.yaml is there already\n")
    assert Path("dockmesh.yaml").read_text(encoding="utf-8") == "mine"


def test_a_dangling_link_is_not_followed(dockmesh: Dockmesh, tmp_path: Path) -> None:
    Path("dockmesh.yaml").symlink_to(tmp_path / "elsewhere")

    assert dockmesh("init", *OFFLINE, "host1", "host2").code == 2
    assert not (tmp_path / "elsewhere").exists()


def test_addresses_that_nobody_said_are_marked_in_the_file_and_on_the_screen(dockmesh: Dockmesh) -> None:
    ran = dockmesh("init", *OFFLINE, "host1", "host2=10.0.0.2", "10.0.0.3")

    text = Path("dockmesh.yaml").read_text(encoding="utf-8")
    assert "the underlay address of host1:" in ran.err
    assert text.count("FIXME") == 1


def test_user_name_and_domain_go_into_ssh(dockmesh: Dockmesh) -> None:
    dockmesh("init", *OFFLINE, "ann@Web1.Example.COM=10.0.0.1", "root@10.0.0.2", "db=10.0.0.3")

    web1, second, db = load(Path("dockmesh.yaml")).hosts
    assert (web1.name, web1.ssh.host, web1.ssh.user) == ("web1", "Web1.Example.COM", "ann")
    assert (second.name, second.ssh.host, second.ssh.user) == ("host2", "10.0.0.2", "root")
    assert (db.name, db.ssh.host, db.ssh.user, str(db.underlay)) == ("db", None, None, "10.0.0.3")


def test_stand_ins_never_meet_an_address_that_was_given(dockmesh: Dockmesh) -> None:
    assert dockmesh("init", *OFFLINE, "host1=192.0.2.1", "host2", "host3").code == 0

    underlays = [str(host.underlay) for host in load(Path("dockmesh.yaml")).hosts]
    assert len(set(underlays)) == 3


@pytest.mark.exhaustive
def test_three_hundred_hosts_are_no_trouble(dockmesh: Dockmesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dockmesh.cli.work.new_hosts.addresses_of", nobody_knows)  # no name server is asked 300 times

    assert dockmesh("init", *OFFLINE, *(f"host{number}" for number in range(1, 301))).code == 0
    loaded = load(Path("dockmesh.yaml"))
    assert len(loaded.hosts) == 300
    assert loaded.fabric.forwarding is Forwarding.RSTP  # more than `direct` takes


@pytest.mark.exhaustive
def test_more_hosts_than_stand_ins_are_refused(dockmesh: Dockmesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dockmesh.cli.work.new_hosts.addresses_of", nobody_knows)

    ran = dockmesh(
        "init",
        *OFFLINE,
        "--prefix",
        "10.0.0.0/8",
        *(f"host{number}" for number in range(1, 801)),
    )

    assert ran.code == 2
    assert "say theirs as HOST=UNDERLAY" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["host1"], "a mesh has at least two hosts"),
        (["host1", "host1"], "host1 is given twice"),
        (["web.a.example", "ann@web.b.example:2"], "name of its own: web1=web.a.example web2=ann@web.b.example:2"),
        (["10.0.0.1", "host1"], "host1 is given twice"),
        (["root@", "host2"], "'root@' names no host"),
        (["", "host2"], "'' names no host"),
        (["=10.0.0.1", "host2"], "names no host"),
        (["host1=10.0.0", "host2"], "host1=10.0.0: 10.0.0 is not an address"),
        (["host1=fe80::1", "host2"], "underlay of host1 is a link-local address"),
        (["host1=10.0.0.1", "host2=10.0.0.1"], "underlay of host2 is also the underlay of host1"),
        (["host_1", "host2"], 'host name is "host_1", which is not a valid name'),
        (["host1:ssh", "host2"], "host1:ssh: ssh is not a port"),
        (["ssh://host1", "host2"], "ssh://host1: //host1 is not a port"),
        (["::1", "host2"], "underlay of host1 is a loopback address"),
        (["=::1", "host2"], "names no host"),
        (["a=b=c=d", "host2"], "there are too many `=`"),
        (["a=10.0.0.1,b=10.0.0.2"], "give one host after another, with spaces between them"),
        (["a=root@b=nowhere", "host2"], "nowhere is not an address"),
        (["host1:70000", "host2"], "host1:70000: 70000 is not a port"),
        (["--prefix", "10.0.0.0/30", "h1", "h2"], "10.0.0.0/30 is too small for 2 hosts"),
        (["--prefix", "10.0.0.1/24", "h1", "h2"], "10.0.0.1/24 has host bits set"),
        (["--prefix", "fd00::/64", "h1", "h2"], "--prefix fd00::/64"),
        (["--prefix", "", "h1", "h2"], "--prefix "),
        (["--prefix", "127.0.0.0/8", "h1", "h2"], "the prefix overlaps 127.0.0.0/8"),
        (["--prefix", "10.0.0.0/8", "h1=10.0.0.1", "h2"], "the prefix contains the underlay of h1"),
        (["--max-hosts", "0", "h1", "h2"], "--max-hosts"),
        (["--max-hosts", "99999999999", "h1", "h2"], "is too small for 99999999999 hosts"),
        (["--name", "A b", "h1", "h2"], 'name is "A b"'),
        (["-f", "none/mesh.yaml", "h1", "h2"], "cannot write none/mesh.yaml: No such file or directory"),
        (["-f", ".", "h1", "h2"], "is there already"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(
    dockmesh: Dockmesh, tmp_path: Path, arguments: list[str], said: str
) -> None:
    ran = dockmesh("init", *OFFLINE, *arguments)

    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert list(tmp_path.iterdir()) == []


def test_odd_names_of_the_file_are_shown_as_they_are(dockmesh: Dockmesh, tmp_path: Path) -> None:
    (tmp_path / "[").mkdir()

    ran = dockmesh("init", *OFFLINE, "-f", "[/] a.yaml", "h1", "h2")

    assert ran.code == 0
    assert "[/] a.yaml: 2 hosts in 172.17.0.0/16" in ran.out
    assert "dockmesh plan -f '[/] a.yaml'" in ran.out


def test_hosts_get_the_names_that_are_given(dockmesh: Dockmesh) -> None:
    dockmesh(
        "init",
        *OFFLINE,
        "a=root@web.example.com=10.0.0.1",
        "b=web.example.org=10.0.0.2",
        "c=ann@10.0.0.3:222",
    )

    a, b, c = load(Path("dockmesh.yaml")).hosts
    assert (a.name, a.ssh.host, a.ssh.user, str(a.underlay)) == ("a", "web.example.com", "root", "10.0.0.1")
    assert (b.name, b.ssh.host, str(b.underlay)) == ("b", "web.example.org", "10.0.0.2")
    assert (c.name, c.ssh.host, c.ssh.user, c.ssh.port, str(c.underlay)) == ("c", "10.0.0.3", "ann", 222, "10.0.0.3")


def test_addresses_of_ipv6_are_hosts_too(dockmesh: Dockmesh) -> None:
    ran = dockmesh(
        "init",
        *OFFLINE,
        "fd00::1",
        "[fd00::2]:22",
        "root@[fd00::3]",
        "web=ann@[fd00::4]:222",
        "db=fd00::5",
    )

    assert ran.code == 0, ran.err
    hosts = load(Path("dockmesh.yaml")).hosts
    assert [(host.name, str(host.underlay), host.ssh.host, host.ssh.port) for host in hosts] == [
        ("host1", "fd00::1", "fd00::1", None),
        ("host2", "fd00::2", "fd00::2", 22),
        ("host3", "fd00::3", "fd00::3", None),
        ("web", "fd00::4", "fd00::4", 222),
        ("db", "fd00::5", None, None),
    ]


def test_an_error_names_no_line_of_a_file_that_is_not_there(dockmesh: Dockmesh) -> None:
    ran = dockmesh("init", *OFFLINE, "a=10.0.0.1", "b=10.0.0.1", "c=10.0.0.1")

    assert "dockmesh.yaml" not in ran.err
    assert "(line" not in ran.err
    assert "in line" not in ran.err
    assert "nothing was written" in ran.err


@pytest.mark.parametrize(("hosts", "topology"), [(20, FullMesh()), (21, Degree(4))])
def test_beyond_twenty_hosts_not_each_has_a_link_to_each_other(
    dockmesh: Dockmesh, hosts: int, topology: Topology
) -> None:
    ran = dockmesh("init", *OFFLINE, *(f"h{number}=10.0.0.{number}" for number in range(1, hosts + 1)))

    assert load(Path("dockmesh.yaml")).fabric.topology == topology
    few = "which would be 210 links: `topology: {degree: 4}` gives each 4."
    assert (few in ran.out, few in Path("dockmesh.yaml").read_text()) == ((hosts > 20,) * 2)


def test_names_are_looked_up_at_once(dockmesh: Dockmesh, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer waits until all three have been asked for."""
    everybody = asyncio.Barrier(3)

    async def slow(name: str, patience_s: float) -> tuple[str, ...]:
        await asyncio.wait_for(everybody.wait(), 30)
        return (f"10.0.0.{name[-1]}", "fe80::1", "fd00::1")

    monkeypatch.setattr("dockmesh.cli.work.new_hosts.addresses_of", slow)

    assert dockmesh("init", *OFFLINE, "host1", "host2", "host3").code == 0
    assert [str(host.underlay) for host in load(Path("dockmesh.yaml")).hosts] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


@pytest.mark.exhaustive
def test_what_is_said_of_room_becomes_true(dockmesh: Dockmesh) -> None:
    """Each host that is added gets a pool as large as was said, until there is no room."""
    lengths = dockmesh("init", *OFFLINE, "--json", "a=10.0.0.1", "b=10.0.0.2", "c=10.0.0.3").json()["room_pools"]

    for number, length in enumerate(lengths, start=4):
        dockmesh("host", "add", "--offline", f"h{number}=10.0.0.{number}")
        assert load(Path("dockmesh.yaml")).hosts[-1].pool.prefixlen == length

    assert dockmesh("host", "add", "--offline", "late=10.0.0.99").code == 2
    assert (
        "# No more hosts fit into docker0 (172.17.0.0/16) without changing others; `dockmesh host add` names ways."
        in (Path("dockmesh.yaml").read_text())
    )


def test_a_small_network_is_named_as_what_is_full(dockmesh: Dockmesh) -> None:
    dockmesh("init", *OFFLINE, "a=10.0.0.1", "b=10.0.0.2", "c=10.0.0.3")

    ran = dockmesh("network", "add", "blue", "--prefix", "10.80.0.0/28")

    assert "No more hosts fit into blue (10.80.0.0/28) without changing others" in ran.out
    assert "10.80.0.0/28 has no room for another host" in dockmesh("host", "add", "--offline", "d=10.0.0.4").err


def test_a_network_can_leave_room(dockmesh: Dockmesh) -> None:
    dockmesh("init", *OFFLINE, "a=10.0.0.1", "b=10.0.0.2", "--max-hosts", "7")

    dockmesh("network", "add", "blue", "--prefix", "10.80.0.0/24", "--max-hosts", "7")

    assert dockmesh("host", "add", "--offline", *(f"h{number}=10.0.0.{number}" for number in range(3, 8))).code == 0
