"""Encryption on a real kernel: nothing leaves for an address inside in clear, whatever is done and in whatever order.

Open vSwitch's own tunnels have no device with an address, so here the locks are all that there is. Hosts and containers
send the whole time, and there is a way out: a default route to a machine that answers ARP.
"""

from collections.abc import Iterator

import pytest

from tests.lab.mesh import IMAGE, Mesh, wait_until
from tests.lab.wire import MARK, Heard, listening
from tests.lab_vm.conftest import wait_for_tunnels

KEYS = "/var/lib/dockmesh/keys"
# As a cloud's DHCP would: before Open vSwitch starts.
WAY_OUT = """\
[Unit]
DefaultDependencies=no
After=systemd-remount-fs.service
Before=ovsdb-server.service networking.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/ip route replace default via {gateway}
[Install]
WantedBy=sysinit.target
"""
SENDER = """\
[Service]
ExecStart=/bin/sh -c 'while :; do for to in {targets}; do ping -q -i 0.1 -c 5 -W 1 -p {mark} $to >/dev/null; done; done'
Restart=always
[Install]
WantedBy=multi-user.target
"""


@pytest.fixture(scope="module")
def talking(mesh: Mesh) -> Iterator[Mesh]:
    """All hosts, and a container on each, ping all others until the end."""
    addresses = {host: mesh.address(host) for host in mesh.hosts}
    gateway = mesh.plan()["hosts"][0]["underlay"].rpartition(".")[0] + ".1"  # the lab's switch

    def talk(host: str) -> None:
        targets = " ".join(address for other, address in addresses.items() if other != host)
        units = {"way-out": WAY_OUT.format(gateway=gateway), "sender": SENDER.format(targets=targets, mark=MARK)}
        for name, text in units.items():
            mesh.on(host, f"cat > /etc/systemd/system/{name}.service <<'E'\n{text}E\nsystemctl enable --now {name}")
        loop = f"while :; do for to in {targets}; do ping -q -c 5 -W 1 -p {MARK[:2]} $to; done; done"
        mesh.on(host, f"docker run --detach --restart always --name talk {IMAGE} sh -c '{loop}' >/dev/null")

    def hush(host: str) -> None:
        mesh.on(host, "docker rm --force talk >/dev/null; systemctl disable --now sender way-out; ip route del default")
        mesh.on(host, "rm /etc/systemd/system/sender.service /etc/systemd/system/way-out.service")

    mesh.on_all(talk)
    yield mesh
    mesh.on_all(hush)


def switch(mesh: Mesh, encryption: str) -> None:
    text = mesh.file.read_text()
    if "encryption:" in text:
        mesh.choose("encryption", encryption)
    else:
        mesh.edit("  renderer:", f"  encryption: {encryption}\n  renderer:")


def assert_nothing_leaked(heard: Heard) -> None:
    assert (heard.leaks, heard.missed) == (0, 0), heard.leaked
    assert heard.seen > 100


def settle(mesh: Mesh) -> None:
    wait_for_tunnels(mesh)
    mesh.wait_for_containers()


def test_to_turn_it_on_without_a_restart_of_docker_leaves_the_mesh_in_clear_as_it_is(talking: Mesh) -> None:
    switch(talking, "wireguard")
    with listening(talking) as heard:
        done = talking.dockmesh("apply", "--yes", "--no-verify", "--no-restart")
        settle(talking)

    assert done.code == 0, done.err
    assert_nothing_leaked(heard)
    assert heard.encrypted == 0
    assert "dmw-1" not in talking.on("host1", "ip -br link; ovs-vsctl show")


def test_to_turn_it_on_leaks_nothing(talking: Mesh) -> None:
    with listening(talking) as heard:
        talking.apply()
        settle(talking)

    assert_nothing_leaked(heard)
    assert heard.encrypted > 100
    local = talking.on("host1", "ovs-vsctl --bare get interface gre1 options:local_ip")
    assert local.strip('"').startswith("198.18.")


def test_every_probe_passes(talking: Mesh) -> None:
    with listening(talking) as heard:
        report = talking.verify()

    assert [probe for probe in report["probes"] if probe["verdict"] != "pass"] == []
    assert_nothing_leaked(heard)


OPEN = (
    "systemctl stop dockmesh-wireguard; ip link delete dmw-1; ip route flush type unreachable proto 83; "
    "nft delete table inet dockmesh_encryption"
)


def test_the_address_alone_keeps_tunnels_from_sending(talking: Mesh) -> None:
    """As it was for a moment at each change before tunnels had it."""
    with listening(talking) as heard:
        talking.on("host1", f"{OPEN}; sleep 5; systemctl start dockmesh-wireguard")
        settle(talking)

    assert_nothing_leaked(heard)


def test_without_it_the_same_look_finds_frames(talking: Mesh) -> None:
    """Sabotage: else the other tests prove nothing."""
    bare = "for port in gre1 gre2; do ovs-vsctl --if-exists remove interface $port options local_ip; done"
    with listening(talking) as heard:
        talking.on("host1", f"{bare}; {OPEN}; sleep 5; systemctl start dockmesh-wireguard")
    talking.apply()
    settle(talking)

    assert heard.leaks > 10
    assert {kind for kind, _ in heard.leaked} == {"GRE"}


@pytest.mark.parametrize("event", ["crash", "reboot"])
def test_a_boot_leaks_nothing(talking: Mesh, event: str) -> None:
    with listening(talking) as heard:
        talking.on("host1", "sync")
        talking.lab(event, "host1")
        if event == "crash":
            talking.lab("start", "host1")
        settle(talking)

    assert_nothing_leaked(heard)
    assert talking.on("host1", "systemctl --failed --no-legend") == ""
    order = talking.on("host1", "journalctl --boot --output short-monotonic -u dockmesh-wireguard -u ovs-vswitchd")
    started = [line for line in order.splitlines() if "Started" in line]
    assert "dockmesh-wireguard" in started[0], order


def interrupted(mesh: Mesh, step: str) -> None:
    """An apply that gets Ctrl-C when it says so, and its rollback."""
    process = mesh.start_apply("--no-verify")
    assert process.stderr is not None
    try:
        next(line for line in process.stderr if step in line)
    finally:
        process.send_signal(2)
        process.communicate(timeout=600)
    assert process.returncode not in (0, None)


@pytest.mark.parametrize(("goes_on", "was"), [("off", "wireguard"), ("wireguard", "off")])
def test_a_change_that_is_rolled_back_leaks_nothing(talking: Mesh, goes_on: str, was: str) -> None:
    switch(talking, was)
    talking.apply()
    settle(talking)
    switch(talking, goes_on)
    with listening(talking) as heard:
        interrupted(talking, "put br0 into docker0")
        switch(talking, was)
        wait_until(lambda: talking.dockmesh("diff", "--exit-code").code == 0, "all hosts are as they were")
        settle(talking)

    assert_nothing_leaked(heard)


def test_off_on_and_another_prefix_leak_nothing(talking: Mesh) -> None:
    with listening(talking) as heard:
        for encryption in ("wireguard", "{kind: wireguard, prefix: 198.19.0.0/16}", "wireguard", "off"):
            text = talking.file.read_text()
            line = next(line for line in text.splitlines() if "encryption:" in line)
            talking.file.write_text(text.replace(line, f"  encryption: {encryption}"))
            talking.apply()
            settle(talking)
            left = talking.on("host1", "ip route; ip address; nft list tables")
            other = "198.18." if "198.19." in encryption else "198.19."
            assert other not in left, left
            assert ("dmw-1" in left) == (encryption != "off")

    assert_nothing_leaked(heard)


def test_a_host_that_is_applied_alone_and_knows_nobody_leaks_nothing(talking: Mesh) -> None:
    switch(talking, "wireguard")
    with listening(talking) as heard:
        done = talking.dockmesh("apply", "--yes", "--no-verify", "--host", "host1")
        assert done.code == 0, done.err
        talking.on("host1", "sleep 5")
        state = talking.on("host1", "ip route show type unreachable; nft list table inet dockmesh_encryption")
    with listening(talking) as later:
        talking.apply()
        settle(talking)

    assert_nothing_leaked(heard)
    assert_nothing_leaked(later)
    assert "198.18.0.0/16" in state


@pytest.mark.parametrize("harm", ["rm /etc/dockmesh/wireguard.json", "mv /usr/sbin/nft /usr/sbin/nft.gone"])
def test_a_boot_without_what_it_needs_leaks_nothing_and_says_so(talking: Mesh, harm: str) -> None:
    with listening(talking) as heard:
        talking.on("host1", f"{harm}; sync")
        talking.lab("reboot", "host1")
        wait_until(lambda: talking.ssh("host1", "systemctl is-active docker").code == 0, "Docker runs")
        talking.on("host1", "sleep 5")
        said = talking.on("host1", "systemctl show --property StatusText dockmesh-wireguard; ip route")
    talking.on("host1", "mv /usr/sbin/nft.gone /usr/sbin/nft 2>/dev/null || true")
    talking.apply()
    settle(talking)

    assert_nothing_leaked(heard)
    assert "not encrypting" in said
    assert "unreachable 198.18.0.0/16" in said


@pytest.mark.parametrize("tunnel", ["vxlan", "geneve"])
def test_so_it_is_with_other_tunnels(talking: Mesh, tunnel: str) -> None:
    """On, off, and the sabotage once more."""
    switch(talking, "off")
    talking.choose("tunnel", tunnel)
    talking.apply()
    settle(talking)
    with listening(talking) as heard:
        for encryption in ("wireguard", "off", "wireguard"):
            switch(talking, encryption)
            talking.apply()
            settle(talking)
        talking.on("host1", f"{OPEN}; sleep 5; systemctl start dockmesh-wireguard")
        settle(talking)
    assert_nothing_leaked(heard)

    ports = "$(ovs-vsctl --bare --columns=name find interface external_ids:dockmesh-peer!=nobody | tr -s '\\n' ' ')"
    bare = f"for port in {ports}; do ovs-vsctl remove interface $port options local_ip; done"
    with listening(talking) as without:
        talking.on("host1", f"{bare}; {OPEN}; sleep 5; systemctl start dockmesh-wireguard")
    assert without.leaks > 10
    talking.apply()
    settle(talking)


def test_destroy_leaks_nothing(talking: Mesh) -> None:
    with listening(talking) as heard:
        done = talking.dockmesh("destroy", "--yes", "--host", "host3")

    assert_nothing_leaked(heard)
    assert done.code == 0, done.err
    left = talking.on("host3", "ip route; ip -br link; nft list tables")
    assert not [word for word in ("198.18.", "dmw-1", "dockmesh_encryption") if word in left], left
    talking.apply()
    settle(talking)
