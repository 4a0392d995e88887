"""What is behind a host's bridges, by files as the kernel writes them."""

from pathlib import Path

import pytest

from dockmesh.agent.names.local import is_behind_bridge, is_own_address

ROUTES = """\
Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
docker_gwbridge\t000013AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
vmbr0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0
docker0\t000011AC\t010200C0\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


@pytest.fixture
def kernel(tmp_path: Path) -> tuple[str, str]:
    """docker_gwbridge has a veth in it, vmbr0 a real device too."""
    for path in ("docker_gwbridge/brif/veth1", "vmbr0/brif/veth2", "vmbr0/brif/eth1", "eth1/device", "eth0/device"):
        (tmp_path / "net" / path).mkdir(parents=True)
    (tmp_path / "routes").write_text(ROUTES)
    return str(tmp_path / "routes"), str(tmp_path / "net")


@pytest.mark.parametrize(
    ("address", "is_so"),
    [
        ("172.19.0.3", True),
        ("172.19.255.3", True),
        ("172.18.0.3", False),
        ("192.0.2.7", False),
        ("10.1.2.3", False),  # other machines are on that bridge
        ("172.17.0.3", False),  # behind a gateway
        ("8.8.8.8", False),
    ],
)
def test_only_what_is_on_a_bridge_of_its_own_is_behind_one(
    kernel: tuple[str, str], address: str, *, is_so: bool
) -> None:
    assert is_behind_bridge(address, *kernel) is is_so


def test_without_routes_nothing_is(tmp_path: Path) -> None:
    assert not is_behind_bridge("172.19.0.3", str(tmp_path / "nothing"), str(tmp_path))


def test_a_host_knows_its_own_addresses() -> None:
    assert is_own_address("127.0.0.1")
    assert not is_own_address("192.0.2.1")
