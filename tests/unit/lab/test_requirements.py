import os
import shutil
from pathlib import Path

import pytest

from dockmesh.errors import LabError
from dockmesh.lab.kinds import MACHINES
from dockmesh.lab.model import HostKind
from dockmesh.lab.requirements import PROGRAMS, check_machine


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(LabError, match="a lab needs root"):
        check_machine()


def test_all_lacks_are_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: None if name in ("nft", "nc", "mmdebstrap") else f"/bin/{name}")
    monkeypatch.setattr(Path, "is_char_device", lambda self: False)

    with pytest.raises(LabError) as caught:
        check_machine()

    assert "apt-get install mmdebstrap netcat-openbsd nftables" in str(caught.value)
    assert "There is no /dev/net/tun" in str(caught.value)


def test_every_program_has_a_package() -> None:
    programs = [PROGRAMS, *(machines.programs for machines in MACHINES.values())]
    assert all(package and package == package.lower() for each in programs for package in each.values())


def test_qemu_is_asked_for_only_where_virtual_machines_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(LabError) as of_containers:
        check_machine()
    with pytest.raises(LabError) as of_machines:
        check_machine(HostKind.VM)

    assert "qemu" not in str(of_containers.value)
    assert "systemd-container" not in str(of_machines.value)
    assert "qemu-system-x86 qemu-utils" in str(of_machines.value)
