from pathlib import Path

import pytest

from dockmesh.lab.model import Accelerator, HostKind, Image, Lab, make_hosts
from dockmesh.lab.release import DEFAULT
from dockmesh.lab.vm.machine import MEMORY_MIB, qemu_argv
from dockmesh.model.mesh import Datapath


def make_lab(directory: str, accelerator: Accelerator = Accelerator.TCG) -> Lab:
    where = Path(directory)
    hosts = make_hosts(where, 2, {"host2": 1400})
    images = {DEFAULT: Image(Path("/cache/vm"), Path("/p"))}
    return Lab("x", where, True, Datapath.SYSTEM, images, hosts, kind=HostKind.VM, accelerator=accelerator)


def after(argv: tuple[str, ...], option: str) -> str:
    return argv[argv.index(option) + 1]


def test_a_machine_carries_the_labs_mark_and_lies_in_the_switchs_network() -> None:
    lab = make_lab("/srv/one")
    argv = qemu_argv(lab, lab.hosts[0])

    assert argv[:3] == ("nsenter", f"--net=/run/netns/{lab.mark}-net", "qemu-system-x86_64")
    assert after(argv, "-name") == f"{lab.mark}-host1"
    assert any(word.startswith("tap,id=uplink,ifname=host1,") for word in argv)


def test_the_card_has_mtu_and_mac_address_of_the_host() -> None:
    lab = make_lab("/srv/one")
    card = next(word for word in qemu_argv(lab, lab.hosts[1]) if word.startswith("virtio-net"))

    assert f"mac={lab.mac_of(lab.hosts[1])}" in card.split(",")
    assert "host_mtu=1400" in card.split(",")


def test_a_comma_in_a_path_is_no_end_of_it() -> None:
    lab = make_lab("/srv/one,two")

    assert "file=/srv/one,,two/hosts/host1/disk.qcow2,format=qcow2" in after(qemu_argv(lab, lab.hosts[0]), "-drive")


def test_three_fit_into_a_small_machine() -> None:
    assert MEMORY_MIB <= 1024
    lab = make_lab("/srv/one")
    assert after(qemu_argv(lab, lab.hosts[0]), "-smp") == "1"


@pytest.mark.parametrize(("accelerator", "word"), [(Accelerator.KVM, "kvm"), (Accelerator.TCG, "tcg,thread=multi")])
def test_the_labs_accelerator_is_used(accelerator: Accelerator, word: str) -> None:
    lab = make_lab("/srv/one", accelerator)

    assert after(qemu_argv(lab, lab.hosts[0]), "-accel") == word
