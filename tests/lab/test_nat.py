"""Hosts behind NATs, all with the same private address there: the others learn where they are."""

from functools import reduce

import pytest

from dockmesh.lab import nat, store
from dockmesh.lab.pings import pinging
from dockmesh.lab.underlay import inside
from dockmesh.meshfile.load import load
from tests.lab.conftest import MakeMesh
from tests.lab.mesh import DOCKMESH, Mesh, run, wait_until
from tests.lab.quiet_changes import settled
from tests.lab.silence import silence_ms
from tests.lab.wire import listening

pytestmark = pytest.mark.long

HIDDEN = ("host2", "host3")
DEADLINE_S = 60


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    """host1 is found; host2 and host3 have the same address, each behind a NAT of its own."""
    mesh = make_mesh("--prepared", "--nat", ",".join(HIDDEN))
    mesh.apply()
    passes(mesh)
    return mesh


def passes(mesh: Mesh) -> None:
    wait_until(lambda: settled(mesh, mesh.hosts), "all tunnels are up", DEADLINE_S)
    mesh.wait_for_mesh()


def endpoints(mesh: Mesh) -> list[str]:
    """Where host1 has learned that the others are."""
    return sorted(line.split()[1] for line in mesh.on("host1", "wg show dmw-1 endpoints").splitlines())


def test_each_pair_passes_every_probe_and_those_behind_nats_have_no_link_of_their_own(mesh: Mesh) -> None:
    with listening(mesh) as heard:
        report = mesh.verify()

    assert [probe for probe in report["probes"] if probe["verdict"] != "pass"] == []
    assert mesh.plan()["left_out"] == [{"a": "host2", "b": "host3"}]
    assert {host["underlay"] for host in mesh.plan()["hosts"][1:]} == {"192.168.77.2"}
    assert (heard.clear, heard.missed) == ([], 0)
    mesh.assert_nothing_differs()
    assert mesh.apply()["changed"] is False


def test_the_others_learned_where_they_are_and_no_settings_take_that_away(mesh: Mesh) -> None:
    lab = store.load(mesh.directory)
    before = endpoints(mesh)
    mesh.on("host1", "systemctl reload dockmesh-wireguard; systemctl restart dockmesh-wireguard")
    passes(mesh)

    after = endpoints(mesh)
    assert {each.partition(":")[0] for each in before} == {str(lab.host(name).address) for name in HIDDEN}
    assert {each.partition(":")[0] for each in after} == {each.partition(":")[0] for each in before}
    assert "Endpoint" not in mesh.on("host1", "cat /etc/dockmesh/wireguard.json")


def test_preflight_asks_only_for_what_can_arrive(mesh: Mesh) -> None:
    found = mesh.dockmesh("preflight", "--json")

    words = [finding["what"] for finding in found.json()["findings"] if finding["check"] in ("tunnel", "path-mtu")]
    assert found.code == 0, found.out
    assert "WireGuard passes from host2, host3" in " ".join(words)


def test_a_nat_that_forgets_costs_little_whoever_of_the_two_pings(mesh: Mesh) -> None:
    lab = store.load(mesh.directory)
    before = endpoints(mesh)
    with (
        pinging(lab, lab.host("host1"), mesh.address("host2")) as there,
        pinging(lab, lab.host("host2"), mesh.address("host3")) as across,
    ):
        assert all(pings.wait_for_answers(50, DEADLINE_S) for pings in (there, across))
        nat.forget(lab, lab.host("host2"))
        assert all(pings.wait_for_answers(100, DEADLINE_S) for pings in (there, across))
        heard = [pings.heard() for pings in (there, across)]
    passes(mesh)

    assert endpoints(mesh) != before
    # BFD sends all the time, so the others hear at once where it is now; the rest is the router's and a busy machine's.
    assert all(silence_ms(each) < 5000 for each in heard)


@pytest.mark.parametrize("host", ["host1", "host2"])
def test_a_reboot_of_either_end_heals_by_itself(mesh: Mesh, host: str) -> None:
    with listening(mesh) as heard:
        mesh.lab("reboot", host)
        passes(mesh)

    assert (heard.clear, heard.missed) == ([], 0)
    mesh.assert_proven()


def test_a_device_that_is_made_again_is_told_where_they_were(mesh: Mesh) -> None:
    """A peer would notice by itself only after 15 s, and it could not be reached meanwhile."""
    lab = store.load(mesh.directory)
    mesh.on("host1", "systemctl reload dockmesh-wireguard; sleep 1")
    with pinging(lab, lab.host("host1"), mesh.address("host2")) as pings:
        assert pings.wait_for_answers(50, DEADLINE_S)
        mesh.on("host1", "ip link delete dmw-1")
        assert pings.wait_for_answers(100, DEADLINE_S)
        heard = pings.heard()
    passes(mesh)

    assert silence_ms(heard) < 10_000


def test_status_says_of_a_cut_which_way_nothing_passes(mesh: Mesh) -> None:
    mesh.lab("cut", "host1", "host2")
    wait_until(lambda: mesh.dockmesh("status").code != 0, "status sees it", DEADLINE_S)
    status, verify = mesh.dockmesh("status"), mesh.dockmesh("verify")
    mesh.lab("heal")
    passes(mesh)

    assert "no ping" in status.out
    assert "host1" in verify.out + verify.err
    assert "192.168.77.2" not in status.out.partition("findings")[2] + verify.err


def one_to_one(mesh: Mesh, host: str) -> None:
    """The router of a host maps the encryption's port to it, too."""
    lab = store.load(mesh.directory)
    run(
        *inside(lab.router_netns_of(lab.host(host)), "nft"),
        "add chain ip nat prerouting { type nat hook prerouting priority -100; }; "
        f"add rule ip nat prerouting iifname eth0 udp dport 51820 dnat to {lab.address_of(lab.host(host))}; "
        "add rule ip filter forward ct status dnat accept",
    )


def test_a_host_that_a_nat_maps_one_to_one_is_found_and_has_a_link_to_a_hidden_one(mesh: Mesh) -> None:
    address, file = store.load(mesh.directory).host("host2").address, mesh.file.read_text()
    one_to_one(mesh, "host2")
    lines = file.splitlines(keepends=True)
    mesh.file.write_text(
        "".join(line.replace("dynamic", str(address)) if line.startswith("  host2:") else line for line in lines)
    )
    mesh.apply()
    passes(mesh)
    plan, report = mesh.plan(), mesh.verify()
    mesh.file.write_text(file)
    mesh.apply()
    passes(mesh)

    assert plan["left_out"] == []
    assert [probe for probe in report["probes"] if probe["verdict"] != "pass"] == []


def test_init_notices_a_nat_that_ssh_goes_through(mesh: Mesh) -> None:
    lab = store.load(mesh.directory)
    config, file = mesh.directory / "through", mesh.directory / "through.yaml"
    hidden = lab.address_of(lab.host("host2"))
    first, *entries = mesh.ssh_config.read_text().split("\nHost ")
    words = {f"HostName {hidden}": f"HostName {lab.host('host2').address}", "nc -N %h": f"nc -N {hidden}"}
    there = [reduce(lambda text, old: text.replace(old, words[old]), words, each) for each in entries[1:2]]
    config.write_text("\nHost ".join([first, entries[0], *there]))

    done = run(*DOCKMESH, "init", "host1", "host2", "--file", str(file), "--ssh-config", str(config))

    assert done.code == 0, done.err
    assert "host2 is behind a NAT" in done.err
    assert load(file).fabric.encryption is not None
    assert [str(host.endpoint) for host in load(file).hosts] == ["None", str(lab.host("host2").address)]
    assert str(load(file).hosts[1].underlay) == str(hidden)


def test_preflight_notices_one_that_ssh_passes_by(mesh: Mesh) -> None:
    file = mesh.directory / "unsaid.yaml"
    lines = (line for line in mesh.file.read_text().splitlines() if not line.startswith("  host3:"))
    file.write_text("\n".join(lines).replace(", endpoint: dynamic", "") + "\n")

    found = run(*DOCKMESH, "preflight", "--json", "-f", str(file), "--ssh-config", str(mesh.ssh_config)).json()

    (finding,) = [each for each in found["findings"] if each["level"] == "blocker"]
    assert (finding["hosts"], "set `endpoint: dynamic`" in finding["do"]) == (["host2"], True)


def test_at_the_end_nothing_is_left(mesh: Mesh) -> None:
    assert mesh.dockmesh("destroy", "--yes").code == 0

    assert all("dmw-" not in mesh.on(host, "ip -br link") for host in mesh.hosts)
