from pathlib import Path

from dockmesh.lab.vm.masked_units import FILES, MASKED_UNITS, spare


def test_what_is_spared_is_masked(tmp_path: Path) -> None:
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    spare(tmp_path)

    assert (tmp_path / "etc/systemd/system" / MASKED_UNITS[0]).readlink() == Path("/dev/null")
    assert all((tmp_path / file).read_text() == text for file, text in FILES.items())


def test_nothing_that_a_mesh_rests_on_is_spared() -> None:
    words = ("openvswitch", "ovs", "docker", "networking", "network-online", "udevd", "sysctl", "modules-load", "sshd")

    assert not [unit for unit in MASKED_UNITS for word in words if word in unit]
