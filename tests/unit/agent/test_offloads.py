"""What the kernel says of its devices' offloads; on the loopback device, which every machine has."""

from dockmesh.agent import offloads


def test_a_device_is_told_on_or_off_by_its_name() -> None:
    said = offloads.gro("lo")

    assert said["code"] == 0
    assert said["out"].splitlines()[0] in ("lo on", "lo off")


def test_where_no_device_has_such_a_name_nothing_is_said() -> None:
    assert offloads.gro("no-such-device-") == {"code": 0, "out": "", "err": ""}
