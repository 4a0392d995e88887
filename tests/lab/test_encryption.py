"""Encryption between hosts: it carries the mesh, nothing goes in clear, and no secret is anywhere else.

The lab's kernel has no WireGuard, so wireguard-go encrypts; virtual machines have the kernel's.
"""

import subprocess

import pytest

from dockmesh.lab import store
from dockmesh.lab.pings import pinging
from dockmesh.meshfile.load import load
from dockmesh.model.encryption import Encryption
from tests.lab.conftest import MakeMesh
from tests.lab.mesh import DOCKMESH, Mesh, run, wait_until
from tests.lab.quiet_changes import settled
from tests.lab.test_changes import assert_none_lost, changes
from tests.lab.test_changes import host as in_file
from tests.lab.wire import MARK, listening

MTU, ICMP_HEADERS = 1390, 28
DEADLINE_S = 60
KEYS = "/var/lib/dockmesh/keys"
MARKED = f"ping -i 0.02 -c 100 -W 1 -p {MARK}"


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    """host1 to host3 in the mesh with a container each; host4 is prepared and not in it."""
    made = make_mesh("--prepared", "--underlay", "device", hosts=4)
    mesh = Mesh(made.directory, made.hosts[:3])
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
    assert mesh.dockmesh("diff").code == 0


def test_a_full_size_packet_passes_and_one_byte_more_is_refused(mesh: Mesh) -> None:
    target, most = mesh.address("host2"), MTU - ICMP_HEADERS

    assert mesh.plan()["mtu"] == MTU
    assert mesh.ssh("host1", f"ping -c 1 -W 2 -M do -s {most} {target}").code == 0
    assert "message too long" in mesh.ssh("host1", f"ping -c 1 -W 2 -M do -s {most + 1} {target}").err.lower()


def test_secrets_are_where_they_belong_and_nowhere_else(mesh: Mesh) -> None:
    """Private keys at their host; what two hosts share, at these two."""
    secrets = {name: mesh.on(name, f"cat {KEYS}/private {KEYS}/preshared-*").split() for name in mesh.hosts}
    everywhere = (
        "ps -eo args; journalctl --no-pager -o cat; ovsdb-client dump; cat /etc/dockmesh/* /var/lib/dockmesh/*.json*; "
        "grep -r . /run/dockmesh*; docker info; ls /var/lib/dockmesh/keys"
    )
    for name in mesh.hosts:
        text = mesh.on(name, f"({everywhere}) 2>/dev/null || true")
        assert not [key for keys in secrets.values() for key in keys if key in text], name
        modes = mesh.on(name, f"stat -c '%a %U' {KEYS} {KEYS}/*").splitlines()
        assert modes == ["700 root", *["600 root"] * 4], name
    keys = {key for keys in secrets.values() for key in keys}
    here = (*(mesh.directory / ".dockmesh").rglob("*"), mesh.file)
    assert not [path for path in here if path.is_file() and any(key in path.read_text() for key in keys)]
    assert len(keys) == 3 + 3


HARMS = {
    "wireguard-go killed": "pkill -9 wireguard-go",
    "the device deleted": "ip link delete dmw-1",
    "the device down": "ip link set dmw-1 down",
    "its address gone": "ip address flush dev dmw-1",
    "its route gone": "ip route delete 198.18.0.0/16 dev dmw-1",
    "the lock gone": "ip route flush type unreachable proto 83",
    "its keeper killed": "systemctl kill --signal KILL dockmesh-wireguard",
    "all restarted": "systemctl restart dockmesh-wireguard openvswitch-switch docker",
    "rules flushed": "nft flush ruleset",
}
SHORT = ("the device deleted", "its keeper killed")


@pytest.mark.parametrize("harm", [pytest.param(h, marks=() if h in SHORT else pytest.mark.long) for h in HARMS])
def test_nothing_goes_in_clear_whatever_is_done_to_it_and_it_comes_back_by_itself(mesh: Mesh, harm: str) -> None:
    with listening(mesh) as heard:
        mesh.on("host1", f"{MARKED} {mesh.address('host2')} >/dev/null & sleep 0.3; {HARMS[harm]}; wait")
        passes(mesh)

    assert (heard.clear, heard.missed) == ([], 0)
    assert heard.encrypted > 0
    assert mesh.dockmesh("diff").code == 0


def test_without_the_lock_and_the_device_the_same_look_finds_frames(mesh: Mesh) -> None:
    """Sabotage: else the other tests prove nothing."""
    to = f"198.18.42.2 via {mesh.plan()['hosts'][1]['underlay']} dev eth0"
    with listening(mesh) as heard:
        mesh.on(
            "host1",
            f"systemctl stop dockmesh-wireguard; ip link delete dmw-1; ip route flush proto 83; "
            f"nft delete table inet dockmesh_encryption; ip address add 198.18.42.1/32 dev lo; "
            f"ip route add {to} src 198.18.42.1; "
            f"{MARKED} {mesh.address('host2')} >/dev/null; "
            f"ip route delete {to}; ip address delete 198.18.42.1/32 dev lo; systemctl start dockmesh-wireguard",
        )
        passes(mesh)

    assert heard.count > 10
    assert {kind for kind, _ in heard.clear} == {"VXLAN"}


FORGED = """
import socket, struct, sys
frame = b"\\xff" * 6 + bytes.fromhex("02000000f00d") + b"\\x08\\x06" + bytes(46)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
    for _ in range(1000):
        sending.sendto(struct.pack("!II", 1 << 27, int(sys.argv[2]) << 8) + frame, (sys.argv[1], 4789))
"""


def taken(mesh: Mesh) -> int:
    """Of a thousand frames in clear, from a machine that is in no mesh, so many more than BFD's own come in."""
    host = mesh.plan()["hosts"][0]
    end = host["tunnels"][0]
    count = f"cat /sys/class/net/{end['port']}/statistics/rx_packets"
    before = int(mesh.on("host1", count))
    send = f"cat > /root/forged.py <<'E'\n{FORGED}\nE\npython3 /root/forged.py {host['underlay']} {end['vni']}"
    assert mesh.ssh("host4", send).code == 0
    return int(mesh.on("host1", count)) - before


def test_frames_in_clear_are_not_taken(mesh: Mesh) -> None:
    passes(mesh)
    assert taken(mesh) < 500

    mesh.on("host1", "nft flush ruleset")
    wait_until(lambda: "dockmesh_encryption" in mesh.on("host1", "nft list tables"), "the rules are back")
    assert taken(mesh) < 500

    mesh.on("host1", "systemctl stop dockmesh-wireguard; nft delete table inet dockmesh_encryption")
    without = taken(mesh)
    mesh.on("host1", "systemctl start dockmesh-wireguard")
    passes(mesh)
    assert without > 900  # else the test proves nothing


def test_a_cut_is_gone_round_as_fast_as_in_clear(mesh: Mesh) -> None:
    passes(mesh)
    lab = store.load(mesh.directory)
    with pinging(lab, lab.host("host1"), mesh.address("host2")) as running:
        assert running.wait_for_answers(20, DEADLINE_S)
        mesh.lab("cut", "host1", "host2")
        assert running.wait_for_answers(100, DEADLINE_S)
        heard = running.heard()
    mesh.lab("heal")

    # 0.3 s by BFD; the rest is a busy machine's.
    assert (heard.longest_ms or 0) < 2000


def test_after_a_power_cut_of_all_nothing_was_in_clear_and_the_keys_are_those_of_before(mesh: Mesh) -> None:
    before = mesh.on_all(lambda host: mesh.on(host, f"sha256sum {KEYS}/*"))
    with listening(mesh) as heard:
        mesh.on_all(lambda host: mesh.lab("crash", host))
        mesh.on_all(lambda host: mesh.lab("start", host))
        passes(mesh)

    assert (heard.clear, heard.missed) == ([], 0)
    assert heard.encrypted > 0
    assert mesh.on_all(lambda host: mesh.on(host, f"sha256sum {KEYS}/*")) == before
    assert mesh.dockmesh("diff").code == 0


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
    with pinging(lab, lab.host("host1"), mesh.address("host2")) as pings:
        assert pings.wait_for_answers(20_000, 400)
        heard = pings.heard()
    shared = mesh.on("host1", f"cat {KEYS}/before-host2").strip()
    assert (heard.longest_ms or 0) < 1000, heard
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


# By what is done on host1: what `status` and `verify` say of it then.
FAULTS = {
    "systemctl stop dockmesh-wireguard": "nothing keeps its encryption: dockmesh-wireguard.service is inactive",
    "rm /etc/dockmesh/wireguard.json; systemctl reload dockmesh-wireguard": "not all that guards it: cannot read",
    "systemctl stop dockmesh-wireguard; ip link delete dmw-1; ip link add dmw-1 type dummy; "
    "systemctl start dockmesh-wireguard": "the host does not encrypt: a device dmw-1 is not dockmesh's",
    f"rm {KEYS}/preshared-host2; systemctl reload dockmesh-wireguard": "no preshared key with host2",
}
# What the advice says to do before, where `dockmesh apply` alone is not it.
BEFORE = {"ip link add dmw-1 type dummy": "ip link set dmw-1 down name other"}


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
            assert mesh.dockmesh("verify").code == 0, forwarding
        assert (heard.clear, heard.missed) == ([], 0)


@pytest.mark.long
def test_off_and_on_again_in_a_living_mesh(mesh: Mesh) -> None:
    mesh.choose("encryption", "off")
    mesh.apply()
    passes(mesh)
    off = mesh.on("host1", "ip -br link show type tun; ip route; systemctl is-enabled dockmesh-wireguard || true")
    with listening(mesh) as clear:
        assert mesh.dockmesh("verify").code == 0
    other = "encryption: {kind: wireguard, prefix: 198.19.0.0/16, port: 443}"
    mesh.edit("encryption: off", other)
    mesh.apply()
    passes(mesh)
    with listening(mesh, port=443) as again:
        assert mesh.dockmesh("verify").code == 0
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
    assert mesh.dockmesh("diff").code == 0
    assert "198.18." not in mesh.on("host1", "ip route; ip address")
    mesh.choose("encryption", "wireguard")
    mesh.apply()
    passes(mesh)


def test_at_the_end_no_key_no_device_and_no_route_is_left(mesh: Mesh) -> None:
    assert mesh.dockmesh("destroy", "--yes").code == 0

    for name in mesh.hosts:
        left = mesh.on(
            name, "ip route; ip -br link; ls -d /var/lib/dockmesh || true; ps -eo comm; ls /etc/systemd/system"
        )
        assert not [
            word for word in ("198.18.", "dmw-", "dockmesh.service", "wireguard", "lib/dockmesh") if word in left
        ], left
