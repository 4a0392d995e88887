"""Encryption between hosts: it carries the mesh, nothing goes in clear, and no secret is anywhere else.

The lab's kernel has no WireGuard, so wireguard-go encrypts; virtual machines have the kernel's.
"""

import subprocess
from pathlib import Path

import pytest

from dockmesh.lab import store
from dockmesh.lab.pings import pinging
from dockmesh.meshfile.load import load
from dockmesh.model.encryption import Encryption
from tests.lab.conftest import MakeMesh
from tests.lab.forged import BFDS_OWN, SENT, dropped, taken
from tests.lab.mesh import DOCKMESH, Mesh, run, wait_until
from tests.lab.quiet_changes import settled
from tests.lab.secrets import forms, in_outputs, planted, search, watched
from tests.lab.silence import assert_cut_is_gone_round, lost
from tests.lab.snapshots import assert_same, snapshots
from tests.lab.test_changes import assert_none_lost, changes
from tests.lab.test_changes import host as in_file
from tests.lab.wire import MARK, listening

MTU, ICMP_HEADERS = 1390, 28
DEADLINE_S = 60
KEYS = "/var/lib/dockmesh/keys"
TABLE = "inet dockmesh_encryption"
PLANTED = "planted-where-it-must-be-found"
MARKED = f"ping -i 0.02 -c 100 -W 1 -p {MARK}"


@pytest.fixture(scope="module")
def bare(make_mesh: MakeMesh) -> tuple[Mesh, dict[str, list[str]]]:
    """host1 to host3, of which a mesh will be made; host4 is prepared and not in it. And what the three are before."""
    made = make_mesh("--prepared", "--underlay", "device", hosts=4)
    mesh = Mesh(made.directory, made.hosts[:3])
    return mesh, snapshots(mesh)


@pytest.fixture(scope="module")
def mesh(bare: tuple[Mesh, dict[str, list[str]]]) -> Mesh:
    """With a container on each host."""
    mesh, _ = bare
    mesh.file.unlink()
    done = run(
        *DOCKMESH, *("init", *mesh.hosts, "--encryption", "wireguard"),
        *("--file", str(mesh.file), "--ssh-config", str(mesh.ssh_config)),
    )  # fmt: skip
    assert done.code == 0, done.err
    mesh.apply()
    passes(mesh)
    for name in mesh.hosts:
        mesh.start_container(name, "web", "--restart always")
    return mesh


def passes(mesh: Mesh) -> None:
    wait_until(lambda: settled(mesh, mesh.hosts), "all tunnels are up")
    mesh.wait_for_mesh()


def test_init_writes_it_and_every_probe_passes_through_it(mesh: Mesh) -> None:
    with listening(mesh) as heard:
        report = mesh.verify()

    assert load(mesh.file).fabric.encryption == Encryption()
    assert [probe for probe in report["probes"] if probe["verdict"] != "pass"] == []
    assert (heard.clear, heard.missed) == ([], 0)
    assert heard.encrypted > 1000


def test_a_second_apply_changes_nothing_and_diff_finds_nothing(mesh: Mesh) -> None:
    assert mesh.apply()["changed"] is False
    mesh.assert_nothing_differs()


def test_a_full_size_packet_passes_and_one_byte_more_is_refused(mesh: Mesh) -> None:
    target, most = mesh.address("host2"), MTU - ICMP_HEADERS

    assert mesh.plan()["mtu"] == MTU
    assert mesh.ssh("host1", f"ping -c 1 -W 2 -M do -s {most} {target}").code == 0
    assert "message too long" in mesh.ssh("host1", f"ping -c 1 -W 2 -M do -s {most + 1} {target}").err.lower()


def keys_of(mesh: Mesh) -> dict[str, str]:
    """Private keys, and what two hosts share, by host and file."""
    return {
        f"{path.removeprefix(KEYS)} of {name}": key
        for name in mesh.hosts
        for path, _, key in (
            line.partition(":") for line in mesh.on(name, f"grep '' {KEYS}/private {KEYS}/preshared-*").splitlines()
        )
    }


def test_secrets_are_where_they_belong_and_nowhere_else(mesh: Mesh) -> None:
    """Private keys at their host; what two hosts share, at these two."""
    keys = forms(keys_of(mesh))
    with planted(mesh, "host1", PLANTED) as places:
        found = {name: search(mesh, name, {**keys, "planted": PLANTED}, (KEYS,)) for name in mesh.hosts}

    assert {place for name, place in found["host1"] if name == "planted"} >= places  # else the search proves nothing
    assert not [each for places in found.values() for each in places if each[0] != "planted"]
    for name in mesh.hosts:
        modes = mesh.on(name, f"stat -c '%n %a %U' {KEYS} {KEYS}/*").splitlines()
        wanted = {f"{KEYS} 700 root"} | {
            f"{KEYS}/{file} 600 root"
            for file in ("private", "public", *(f"preshared-{peer}" for peer in mesh.hosts if peer != name))
        }
        assert set(modes) == wanted, name
    here = (*(mesh.directory / ".dockmesh").rglob("*"), mesh.file)
    assert not [path for path in here if path.is_file() and any(key in path.read_text() for key in keys.values())]
    assert len({key for name, key in keys.items() if "hex" not in name}) == 3 + 3


def test_no_secret_is_in_a_command_line_or_output_while_keys_are_made_and_changed(mesh: Mesh, tmp_path: Path) -> None:
    keys = keys_of(mesh)
    mesh.on("host1", f"rm {KEYS}/preshared-host2")
    with watched(mesh, tmp_path) as seen:
        mesh.on("host2", f"sh -c 'sleep 0.05; :' {PLANTED}")
        applied = mesh.dockmesh("apply", "--yes", "--json", environment=seen.environment)
        keys |= {f"applied: {name}": key for name, key in keys_of(mesh).items()}
        rekeyed = mesh.dockmesh("rekey", "--yes", "--json", environment=seen.environment)
        proven = mesh.dockmesh("verify", "--json", environment=seen.environment)
        keys |= {f"rekeyed: {name}": key for name, key in keys_of(mesh).items()}

    assert [done.code for done in (applied, rekeyed, proven)] == [0, 0, 0], applied.err + rekeyed.err + proven.err
    assert applied.json()["changed"]
    assert seen.found({**forms(keys), "planted": PLANTED}) == {("planted", "host2")}
    assert seen.files.keys() >= {"ssh_config"}  # else nobody looked at the operator's temporary folder
    assert seen.left == []
    assert in_outputs(forms(keys), applied, rekeyed, proven) == set()
    assert len(set(keys.values())) >= 3 + 3 + 1 + 3  # the third: of host1 and host2, drawn by apply


# Another VPN that takes all of a host's traffic, as they do: by a policy that comes before the main table.
VPN = "ip route add default via {peer} dev eth0 table 52; ip rule add priority 5270 lookup 52; "
NO_VPN = "ip rule delete priority 5270; ip route flush table 52"
HARMS = {
    "wireguard-go killed": "pkill -9 wireguard-go",
    "the device deleted": "ip link delete dmw-1",
    "the device down": "ip link set dmw-1 down",
    "its address gone": "ip address flush dev dmw-1",
    "its route gone": "ip route delete 198.18.0.0/16 dev dmw-1",
    "the lock gone": "ip route flush type unreachable proto 83",
    "its policy gone": "ip rule delete priority 83",
    "its keeper killed": "systemctl kill --signal KILL dockmesh-wireguard",
    "all restarted": "systemctl restart dockmesh-wireguard openvswitch-switch docker",
    "rules flushed": "nft flush ruleset",
    "another VPN, and rules flushed": f"{VPN}nft flush ruleset; sleep 1; {NO_VPN}",
    "another VPN, the device deleted": f"{VPN}ip link delete dmw-1; sleep 1; {NO_VPN}",
}
SHORT = ("the device deleted", "its keeper killed", "its policy gone", "another VPN, and rules flushed")


@pytest.mark.parametrize("harm", [pytest.param(h, marks=() if h in SHORT else pytest.mark.long) for h in HARMS])
def test_nothing_goes_in_clear_whatever_is_done_to_it_and_it_comes_back_by_itself(mesh: Mesh, harm: str) -> None:
    does = HARMS[harm].format(peer=underlay(mesh, "host2"))
    with listening(mesh) as heard:
        mesh.on("host1", f"{marked(mesh)} & sleep 0.3; {does}; wait")
        passes(mesh)

    assert (heard.clear, heard.leaked, heard.missed) == ([], [], 0)
    assert heard.encrypted > 0
    wait_until(lambda: "83:" in mesh.on("host1", "ip rule"), "the policy is back", DEADLINE_S)
    mesh.assert_nothing_differs()


def marked(mesh: Mesh) -> str:
    """Pings from a container of host1's to one of host2's: a frame of a host's own goes where its policies say."""
    inside = "nsenter --net=/proc/$(docker inspect --format '{{.State.Pid}}' web)/ns/net"
    return f"{inside} {MARKED} {mesh.container_address('host2')} >/dev/null"


def underlay(mesh: Mesh, host: str) -> str:
    return next(str(each["underlay"]) for each in mesh.plan()["hosts"] if each["name"] == host)


# Sabotage: each takes locks away until one more harm lets frames out. Else the other tests prove nothing.
WITHOUT = {
    "without the lock and the device": (
        "systemctl stop dockmesh-wireguard; ip link delete dmw-1; ip route flush proto 83; ip rule delete priority 83; "
        f"nft delete table {TABLE}; ip address add 198.18.42.1/32 dev lo; "
        "ip route add 198.18.42.2 via {peer} dev eth0 src 198.18.42.1",
        "ip route delete 198.18.42.2 via {peer} dev eth0; ip address delete 198.18.42.1/32 dev lo",
    ),
    "without the policy, beside another VPN": (
        f"systemctl stop dockmesh-wireguard; ip rule delete priority 83; nft delete table {TABLE}; {VPN}true",
        NO_VPN,
    ),
}


@pytest.mark.parametrize("way", WITHOUT)
def test_without_its_locks_the_same_look_finds_frames(mesh: Mesh, way: str) -> None:
    harm, mend = (text.format(peer=underlay(mesh, "host2")) for text in WITHOUT[way])
    with listening(mesh) as heard:
        mesh.on("host1", f"{harm}; {marked(mesh)}; {mend}; systemctl start dockmesh-wireguard")
        passes(mesh)

    assert heard.count > 10
    assert "VXLAN" in {kind for kind, _ in heard.clear}


def test_frames_in_clear_are_not_taken_and_each_is_counted(mesh: Mesh) -> None:
    passes(mesh)
    mesh.on("host1", "systemctl restart dockmesh-wireguard")  # the counters begin anew
    passes(mesh)
    before = dropped(mesh, TABLE)
    assert taken(mesh, "host4") < BFDS_OWN
    assert dropped(mesh, TABLE) - before == SENT

    mesh.on("host1", "nft flush ruleset")
    wait_until(lambda: "dockmesh_encryption" in mesh.on("host1", "nft list tables"), "the rules are back")
    before = dropped(mesh, TABLE)
    assert taken(mesh, "host4") < BFDS_OWN
    assert dropped(mesh, TABLE) - before == SENT

    mesh.on("host1", f"systemctl stop dockmesh-wireguard; nft delete table {TABLE}")
    without = taken(mesh, "host4")
    mesh.on("host1", "systemctl start dockmesh-wireguard")
    passes(mesh)
    assert without >= 0.99 * SENT  # else the test proves nothing


def test_a_cut_is_gone_round_within_the_time_of_bfd(mesh: Mesh) -> None:
    """As without encryption: test_kernel_tunnels.py asks the same of a mesh in clear."""
    passes(mesh)

    assert_cut_is_gone_round(mesh)


def test_after_a_power_cut_of_all_nothing_was_in_clear_and_the_keys_are_those_of_before(mesh: Mesh) -> None:
    before = mesh.on_all(lambda host: mesh.on(host, f"sha256sum {KEYS}/*"))
    with listening(mesh) as heard:
        mesh.on_all(lambda host: mesh.lab("crash", host))
        mesh.on_all(lambda host: mesh.lab("start", host))
        passes(mesh)

    assert (heard.clear, heard.missed) == ([], 0)
    assert heard.encrypted > 0
    assert mesh.on_all(lambda host: mesh.on(host, f"sha256sum {KEYS}/*")) == before
    mesh.assert_nothing_differs()


def rekeyed(mesh: Mesh) -> None:
    """Every pair has another key afterwards, and no 10 ms ping is lost, of hosts or containers."""
    lab, one = store.load(mesh.directory), store.load(mesh.directory).host("host1")
    before = mesh.on_all(lambda host: mesh.on(host, f"sha256sum {KEYS}/preshared-*"))
    with (
        pinging(lab, one, mesh.address("host2")) as hosts,
        pinging(lab, one, mesh.container_address("host2"), "web") as containers,
    ):
        assert all(pings.wait_for_answers(100, DEADLINE_S) for pings in (hosts, containers))
        done = mesh.dockmesh("rekey", "--yes", "--json")
        assert all(pings.wait_for_answers(200, DEADLINE_S) for pings in (hosts, containers))
        for pings in (hosts, containers):
            assert_none_lost(pings)
    after = mesh.on_all(lambda host: mesh.on(host, f"sha256sum {KEYS}/preshared-*"))

    assert done.code == 0, done.err
    assert len(changes(done.json())) == 2 * 3
    assert all(not set(before[host].splitlines()) & set(after[host].splitlines()) for host in mesh.hosts)


def test_all_pairs_get_new_keys(mesh: Mesh) -> None:
    """That no ping is lost meanwhile is counted in the long tests, where nothing runs beside."""
    before = mesh.on_all(lambda host: mesh.on(host, f"sha256sum {KEYS}/preshared-*"))

    done = mesh.dockmesh("rekey", "--yes", "--json")

    after = mesh.on_all(lambda host: mesh.on(host, f"sha256sum {KEYS}/preshared-*"))
    assert (done.code, len(changes(done.json()))) == (0, 2 * 3), done.err
    assert all(not set(before[host].splitlines()) & set(after[host].splitlines()) for host in mesh.hosts)
    passes(mesh)
    assert mesh.apply()["changed"] is False


@pytest.mark.long
def test_new_keys_are_taken_with_the_next_handshake_and_the_old_ones_forgotten(mesh: Mesh) -> None:
    """WireGuard makes one every 120 s where there is traffic."""
    rekeyed(mesh)
    assert "before-host2" in mesh.on("host1", f"ls {KEYS}")

    wait_until(
        lambda: not any("before-" in mesh.on(host, f"ls {KEYS}") for host in mesh.hosts), "the old keys are gone", 200
    )
    passes(mesh)


@pytest.mark.long
@pytest.mark.parametrize("number", range(20))
def test_so_it_is_every_time(mesh: Mesh, number: int) -> None:
    rekeyed(mesh)


@pytest.mark.long
def test_a_key_that_reached_one_end_only_costs_nothing_and_the_next_apply_mends_it(mesh: Mesh) -> None:
    """The session would die 180 s after its last handshake; before that the key of before is tried again."""
    mesh.on(
        "host1",
        f"cd {KEYS} && mv preshared-host2 before-host2 && umask 077 && "
        "head -c 32 /dev/urandom | base64 > preshared-host2 && systemctl reload dockmesh-wireguard",
    )
    lab = store.load(mesh.directory)
    one = lab.host("host1")
    with pinging(lab, one, mesh.address("host2")) as pings, pinging(lab, one, mesh.address("host3")) as control:
        assert pings.wait_for_answers(20_000, 400)
        heard, noise = pings.heard(), control.heard()
    shared = mesh.on("host1", f"cat {KEYS}/before-host2").strip()
    assert lost(heard) <= lost(noise), (heard, noise)
    assert mesh.on("host2", f"cat {KEYS}/preshared-host1").strip() == shared

    changed = mesh.apply()["changed"]

    assert changed is True
    assert mesh.apply()["changed"] is False
    passes(mesh)


@pytest.mark.long
def test_keys_of_hosts_that_are_not_as_the_file_says_are_not_changed(mesh: Mesh) -> None:
    mesh.on("host1", "ip link set dmt-vxlan1 mtu 1300")

    refused = mesh.dockmesh("rekey", "--yes")

    mesh.apply()
    assert (refused.code, "host1: not as the file says" in refused.err) == (2, True)


def test_at_rest_nothing_is_set_again(mesh: Mesh) -> None:
    """What its keeper sets, the kernel tells it of: set each time it looks, it never slept."""
    passes(mesh)

    for host, heard in mesh.on_all(lambda host: mesh.on(host, "timeout 3 ip monitor all 2>&1 || true")).items():
        assert not [line for line in heard.splitlines() if "dmw-1" in line or "198.18." in line], host


# By what is done on host1: what `status` and `verify` say of it then.
FAULTS = {
    "systemctl stop dockmesh-wireguard": "nothing keeps its encryption: dockmesh-wireguard.service is inactive",
    "rm /etc/dockmesh/wireguard.json; systemctl reload dockmesh-wireguard": "not all that guards it: cannot read",
    "systemctl stop dockmesh-wireguard; ip link delete dmw-1; ip link add dmw-1 type bridge; "
    "systemctl start dockmesh-wireguard": "the host does not encrypt: a device dmw-1 is not dockmesh's",
    f"rm {KEYS}/preshared-host2; systemctl reload dockmesh-wireguard": "no preshared key with host2",
}
# What the advice says to do before, where `dockmesh apply` alone is not it.
BEFORE = {"ip link add dmw-1 type bridge": "ip link set dmw-1 down name other"}


@pytest.mark.parametrize(
    "fault", [pytest.param(f, marks=() if f.startswith("rm") else pytest.mark.long) for f in FAULTS]
)
def test_what_is_wrong_with_it_is_said_and_the_advice_ends_it(mesh: Mesh, fault: str) -> None:
    mesh.on("host1", fault)
    wait_until(lambda: FAULTS[fault] in str(mesh.dockmesh("status", "--json").json()["findings"]), "status says it")
    verified = mesh.dockmesh("verify", "--json").json()
    advice = {
        each["do"] for each in mesh.dockmesh("status", "--json").json()["findings"] if FAULTS[fault] in each["what"]
    }

    for part, command in BEFORE.items():
        if part in fault:
            mesh.on("host1", command)
    mesh.apply()
    passes(mesh)

    assert [each for each in verified["causes"] if each["fault"] == "encryption" and each["hosts"] == ["host1"]]
    assert {each.startswith("run `dockmesh apply`") for each in advice} == {True}
    assert mesh.dockmesh("status", "--json").json()["findings"] == []
    assert mesh.dockmesh("verify").code == 0
    mesh.ssh("host1", "ip link delete other")


@pytest.mark.long
def test_a_host_comes_and_goes_and_nothing_is_in_clear(mesh: Mesh) -> None:
    file = mesh.file.read_text()
    with listening(mesh) as heard:
        in_file(mesh, "add", "host4")
        mesh.apply()
        mesh.wait_for_ping("host1", mesh.address("host4"), None)
        in_file(mesh, "remove", "host4")
        mesh.apply()

    assert (heard.clear, heard.missed) == ([], 0)
    assert not mesh.pings("host4", mesh.address("host1"), None)
    kept = ["preshared-host2", "preshared-host3", "private", "public"]
    wait_until(lambda: mesh.on("host1", f"ls {KEYS}").split() == kept, "the key with host4 is gone", 90)
    assert mesh.file.read_text() == file


@pytest.mark.long
def test_each_way_of_forwarding_goes_through_it(mesh: Mesh) -> None:
    for forwarding in ("rstp", "direct"):
        mesh.choose("forwarding", forwarding)
        with listening(mesh) as heard:
            mesh.apply()
            passes(mesh)
            mesh.assert_proven()
        assert (heard.clear, heard.missed) == ([], 0)


@pytest.mark.long
def test_off_and_on_again_in_a_living_mesh(mesh: Mesh) -> None:
    mesh.choose("encryption", "off")
    mesh.apply()
    passes(mesh)
    off = mesh.on("host1", "ip -br link show type tun; ip route; systemctl is-enabled dockmesh-wireguard || true")
    with listening(mesh) as clear:
        mesh.assert_proven()
    other = "encryption: {kind: wireguard, prefix: 198.19.0.0/16, port: 443}"
    mesh.edit("encryption: off", other)
    mesh.apply()
    passes(mesh)
    with listening(mesh, port=443) as again:
        mesh.assert_proven()
    mesh.edit(other, "encryption: wireguard")
    mesh.apply()
    passes(mesh)

    assert "198.18." not in off
    assert "dmw-1" not in off
    assert clear.count > 100
    assert (again.clear, again.encrypted > 1000) == ([], True)


@pytest.mark.long
def test_a_run_that_turns_it_on_and_is_interrupted_leaves_the_hosts_as_they_were(mesh: Mesh) -> None:
    mesh.choose("encryption", "off")
    mesh.apply()
    passes(mesh)
    mesh.choose("encryption", "wireguard")

    process = subprocess.Popen(
        (*DOCKMESH, "apply", "--yes", "-f", str(mesh.file), "--ssh-config", str(mesh.ssh_config)),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    next(line for line in process.stdout if "build the fabric" in line)
    process.send_signal(2)
    process.communicate(timeout=120)

    mesh.choose("encryption", "off")
    passes(mesh)
    mesh.assert_nothing_differs()
    assert "198.18." not in mesh.on("host1", "ip route; ip address")
    mesh.choose("encryption", "wireguard")
    mesh.apply()
    passes(mesh)


def test_at_the_end_all_hosts_are_as_before(mesh: Mesh, bare: tuple[Mesh, dict[str, list[str]]]) -> None:
    """Rules, policies and routes are in the snapshot, and files, devices and units."""
    mesh.on_all(lambda host: mesh.on(host, "docker rm --force web"))

    assert mesh.dockmesh("destroy", "--yes").code == 0

    assert_same(bare[1], snapshots(mesh))
    for name in mesh.hosts:
        left = mesh.on(name, "ps -eo comm; ip -details link; ip route show table all; ip rule; nft list ruleset")
        assert not [word for word in ("wireguard", "dockmesh", "198.18.", "dmw-", "dmt-") if word in left], left
