"""The lab itself, before other tests rely on it."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockmesh.errors import LabError
from dockmesh.lab import cgroup, power, store
from dockmesh.lab.cut import cut, heal, heal_all
from dockmesh.lab.down import down
from dockmesh.lab.model import Lab
from dockmesh.lab.ssh import run_on
from dockmesh.lab.underlay import netns_of_mark
from dockmesh.lab.up import UpOptions, up
from dockmesh.meshfile.load import load
from dockmesh.model.mesh import Datapath

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    directory = tmp_path_factory.mktemp("lab") / "pair"
    yield up(UpOptions("pair", directory, hosts=2), say=print)
    down(directory)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """The directory of a lab that a test may ruin."""
    yield tmp_path / "scratch"
    down(tmp_path / "scratch")


def ask(lab: Lab, host: str, *argv: str) -> str:
    answer = run_on(lab, lab.host(host), argv, timeout_s=60)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def boot_id(lab: Lab, host: str) -> str:
    return ask(lab, host, *power.BOOT_ID)


def pings(lab: Lab, source: str, target: str) -> bool:
    ping = ("ping", "-c", "2", "-i", "0.1", "-W", "1", str(lab.host(target).address))
    return run_on(lab, lab.host(source), ping, timeout_s=60).returncode == 0


def answers_ssh(lab: Lab, source: str, target: str) -> bool:
    script = f"import socket; socket.create_connection(('{lab.host(target).address}', 22), 1)"
    return run_on(lab, lab.host(source), ("python3", "-c", script), timeout_s=60).returncode == 0


def marked(mark: str) -> dict[str, list[str]]:
    """What this machine has of a lab."""
    v1_and_v2 = [path for places in cgroup.hierarchies().values() for path in places]
    return {
        "namespaces": list(netns_of_mark(mark)),
        "cgroups": [str(path / mark) for path in v1_and_v2 if (path / mark).exists()],
        "mounts": [line for line in Path("/proc/self/mounts").read_text().splitlines() if mark in line],
        "nspawn": [str(path) for path in Path("/run/systemd/nspawn").glob(f"*/{mark}*")],
        "registry": [str(path) for path in store.REGISTRY.glob(f"*{mark.removeprefix('dm-')}*")],
    }


def test_hosts_start_bare_and_healthy(lab: Lab) -> None:
    assert ask(lab, "host1", "systemctl", "is-system-running") == "running"
    for program in ("ovs-vsctl", "dockerd", "brctl"):
        assert run_on(lab, lab.host("host1"), ("which", program), timeout_s=60).returncode != 0


def test_second_up_leaves_hosts_alone(lab: Lab) -> None:
    before = boot_id(lab, "host1"), boot_id(lab, "host2")

    again = up(UpOptions("pair", lab.directory), say=print)

    assert again == lab
    assert (boot_id(lab, "host1"), boot_id(lab, "host2")) == before


def test_nothing_leads_out_of_a_host(lab: Lab) -> None:
    routes = json.loads(ask(lab, "host1", "ip", "-json", "route"))

    assert [route["dst"] for route in routes] == [str(lab.subnet)]


def test_this_machine_has_no_interface_and_no_route_of_the_lab() -> None:
    links = subprocess.run(("ip", "-json", "address"), capture_output=True, text=True, check=True).stdout
    routes = subprocess.run(("ip", "-json", "route"), capture_output=True, text=True, check=True).stdout

    assert "10.77." not in links
    assert "10.77." not in routes


def openssh(lab: Lab, *words: str) -> "subprocess.CompletedProcess[str]":
    argv = ("ssh", "-F", str(lab.ssh_config), "-o", "BatchMode=yes", *words)
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_admin_may_sudo(lab: Lab) -> None:
    assert openssh(lab, "admin@host1", "sudo --non-interactive id -u").stdout == "0\n"


def test_a_changed_host_key_is_refused(lab: Lab, tmp_path: Path) -> None:
    swapped = tmp_path / "known_hosts"
    names, keys = zip(*(line.split(maxsplit=1) for line in lab.known_hosts.read_text().splitlines()), strict=True)
    swapped.write_text(f"{names[0]} {keys[1]}\n{names[1]} {keys[0]}\n")

    refused = openssh(lab, "-o", f"UserKnownHostsFile={swapped}", "host1", "true")

    assert refused.returncode == 255
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in refused.stderr


def test_cut_and_heal_may_be_repeated(lab: Lab) -> None:
    cut(lab, "host1", "host2")
    cut(lab, "host1", "host2")
    assert not pings(lab, "host1", "host2")

    heal(lab, "host2", "host1")
    heal(lab, "host2", "host1")
    assert pings(lab, "host1", "host2")


def test_one_protocol_may_be_cut(lab: Lab) -> None:
    cut(lab, "host1", "host2", protocol="icmp")
    cut(lab, "host1", "host2", protocol="gre")
    assert not pings(lab, "host1", "host2")
    assert answers_ssh(lab, "host1", "host2")

    heal(lab, "host1", "host2")
    assert pings(lab, "host1", "host2")


def test_one_direction_may_be_cut_and_all_healed(lab: Lab) -> None:
    cut(lab, "host1", "host2", one_way=True)
    assert not pings(lab, "host2", "host1")

    heal_all(lab)
    assert pings(lab, "host2", "host1")


def test_cut_of_an_unknown_host_is_refused(lab: Lab) -> None:
    with pytest.raises(LabError, match="has no host host3"):
        cut(lab, "host1", "host3")


def test_crash_silences_a_host_and_its_disk_stays(lab: Lab) -> None:
    ask(lab, "host2", "sh", "-c", "echo kept > /root/kept && sync")
    before = boot_id(lab, "host2")

    power.crash(lab, "host2")
    assert not power.is_running(lab, lab.host("host2"))
    assert not pings(lab, "host1", "host2")

    power.start(lab, "host2")
    assert pings(lab, "host1", "host2")
    assert ask(lab, "host2", "cat", "/root/kept") == "kept"
    assert boot_id(lab, "host2") != before


def test_reboot_is_another_boot(lab: Lab) -> None:
    before = boot_id(lab, "host1")

    power.reboot(lab, "host1")

    assert boot_id(lab, "host1") != before
    assert ask(lab, "host1", "systemctl", "is-system-running") == "running"


def test_a_host_that_lost_its_supervisor_gets_a_new_one(lab: Lab) -> None:
    pid = int((cgroup.supervisor_of(lab, lab.host("host1")) / "cgroup.procs").read_text())
    os.kill(pid, signal.SIGKILL)

    up(UpOptions("pair", lab.directory), say=print)
    power.reboot(lab, "host1")

    assert power.is_running(lab, lab.host("host1"))


def test_a_lab_grows_but_does_not_shrink(scratch: Path) -> None:
    up(UpOptions("scratch", scratch, hosts=1), say=print)

    grown = up(UpOptions("scratch", scratch, hosts=2, mtus={"host2": 1400}), say=print)

    assert pings(grown, "host1", "host2")
    assert ask(grown, "host2", "cat", "/sys/class/net/eth0/mtu") == "1400"
    with pytest.raises(LabError, match="has 2 hosts already"):
        up(UpOptions("scratch", scratch, hosts=1), say=print)


@pytest.mark.long
def test_a_killed_lab_comes_up_again_with_its_disks_and_goes_down(scratch: Path) -> None:
    killed = up(UpOptions("scratch", scratch, hosts=1), say=print)
    ask(killed, "host1", "sh", "-c", "echo kept > /root/kept && sync")
    cgroup.kill(cgroup.root_of(killed.mark))

    again = up(UpOptions("scratch", scratch), say=print)
    assert ask(again, "host1", "cat", "/root/kept") == "kept"

    cgroup.kill(cgroup.root_of(killed.mark))
    down(scratch)
    assert not any(marked(killed.mark).values()), marked(killed.mark)
    assert not scratch.exists()


def test_down_leaves_what_it_did_not_make(scratch: Path) -> None:
    scratch.mkdir()
    (scratch / "notes").write_text("mine")
    lab = up(UpOptions("scratch", scratch, hosts=1), say=print)

    down(scratch)

    assert [path.name for path in scratch.iterdir()] == ["notes"]
    assert not any(marked(lab.mark).values()), marked(lab.mark)
    (scratch / "notes").unlink()


def test_two_labs_run_side_by_side(lab: Lab, scratch: Path) -> None:
    other = up(UpOptions("scratch", scratch, hosts=1), say=print)

    assert other.hash != lab.hash
    assert {lab.directory, other.directory} <= set(store.registered())
    assert ask(lab, "host1", "cat", "/etc/machine-id") != ask(other, "host1", "cat", "/etc/machine-id")
    down(scratch)
    assert ask(lab, "host1", "hostname") == "host1"


def test_an_ssh_session_outlives_the_move_of_the_underlay_address(lab: Lab) -> None:
    """All in one session: the installation starts Open vSwitch, whose restarts then move the address again."""
    if lab.datapath is Datapath.SYSTEM:
        pytest.skip("this kernel has Open vSwitch's datapath: the address stays on eth0")
    script = (
        "set -e; export DEBIAN_FRONTEND=noninteractive;"
        "apt-get -q update; apt-get -qy install openvswitch-switch;"
        "systemctl restart openvswitch-switch; systemctl stop openvswitch-switch; systemctl start openvswitch-switch;"
        "ip -4 -brief address show br-phy"
    )

    done = ask(lab, "host1", "sh", "-c", script)

    assert str(lab.host("host1").address) in done.splitlines()[-1]
    assert pings(lab, "host2", "host1")


def test_the_lab_leaves_a_mesh_file_of_its_hosts(lab: Lab) -> None:
    mesh = load(lab.mesh_file)

    assert [(host.name, host.underlay) for host in mesh.hosts] == [(host.name, host.address) for host in lab.hosts]
    assert mesh.fabric.datapath is lab.datapath
