"""What keeps attached interfaces up, with programs and a /sys of our own."""

from pathlib import Path

import pytest

from dockmesh.agent import link_keeper
from dockmesh.agent.link_keeper import Keeper

OVS = """#!/bin/sh
case "$*" in
*external_ids) echo '{dockmesh=prod, dockmesh-was=down}' ;;
*vlan_mode) echo trunk ;;
esac
"""


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where each command notes that it was run."""
    log = tmp_path / "log"
    log.touch()
    for name, text in (("ip", "#!/bin/sh\n"), ("ovs-vsctl", OVS)):
        program = tmp_path / name
        program.write_text(text.replace("\n", f'\necho "{name} $*" >> {log}\n', 1))
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(link_keeper, "DEVICES", str(tmp_path / "net"))
    monkeypatch.setattr(link_keeper, "SAID", [])
    return log


def device(tmp_path: Path, name: str, *, up: bool, index: int = 7) -> None:
    folder = tmp_path / "net" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flags").write_text("0x1003\n" if up else "0x1002\n")
    (folder / "ifindex").write_text(f"{index}\n")


def commands(ran: Path) -> list[str]:
    return ran.read_text().splitlines()


def test_what_is_down_is_set_up_and_what_is_up_or_gone_is_let_alone(tmp_path: Path, ran: Path) -> None:
    device(tmp_path, "eth1", up=False)
    device(tmp_path, "eth2", up=True)

    assert Keeper(["eth1", "eth2", "eth3"]).look()

    assert commands(ran) == ["ip link set dev eth1 up"]


def test_what_cannot_be_set_up_is_tried_again_and_told_once(
    tmp_path: Path, ran: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    device(tmp_path, "eth1", up=False)
    (tmp_path / "ip").write_text("#!/bin/sh\necho 'RTNETLINK answers: no' >&2; exit 2\n")
    keeper = Keeper(["eth1"])

    assert not keeper.look()
    assert not keeper.look()

    assert capsys.readouterr().err == "ip link set dev eth1 up: RTNETLINK answers: no\n"


def test_one_that_went_and_came_again_is_put_into_the_userspace_datapath_again(tmp_path: Path, ran: Path) -> None:
    keeper = Keeper(["eth1=dma-eth1"])
    device(tmp_path, "eth1", up=True)
    assert keeper.look()
    assert commands(ran) == []
    device(tmp_path, "eth1", up=True, index=9)

    assert keeper.look()
    assert keeper.look()

    assert commands(ran) == [
        "ovs-vsctl --timeout=10 get interface eth1 external_ids",
        "ovs-vsctl --timeout=10 get port eth1 vlan_mode",
        "ovs-vsctl --timeout=10 del-port dma-eth1 eth1",
        "ovs-vsctl --timeout=10 -- --may-exist add-port dma-eth1 eth1 -- set port eth1 vlan_mode=trunk "
        "-- set interface eth1 external_ids={dockmesh=prod, dockmesh-was=down}",
    ]


def test_the_kernels_datapath_sees_that_by_itself(tmp_path: Path, ran: Path) -> None:
    keeper = Keeper(["eth1"])
    device(tmp_path, "eth1", up=True)
    keeper.look()
    device(tmp_path, "eth1", up=True, index=9)

    assert keeper.look()

    assert commands(ran) == []
