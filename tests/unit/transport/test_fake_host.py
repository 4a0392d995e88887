"""The host in memory takes nothing for done that it does not know: else a misspelt command passes all tests."""

import pytest

from dockmesh.transport.requests import Exec
from tests.support.fake_host import Device, FakeHost
from tests.support.known_commands import SAYS_NOTHING, UnknownCommandError


@pytest.mark.parametrize(
    "line",
    [
        "sytemctl start docker.service",
        "systemctl strat docker.service",
        "systemctl try-restart dockmesh-flow.service",
        "ip link set dev eth0 nomastre",
        "ip adress flush dev eth0 to 10.0.0.1/32",
        "ovs-ofctl add-flwo br0",
        "ovs-vsctlx show",
        "sysctl -q -w net.ipv4.ip_forwarding=0",
    ],
)
def test_a_misspelt_command_is_refused(line: str) -> None:
    with pytest.raises(UnknownCommandError):
        FakeHost("host1", devices={"eth0": Device()}).answer(Exec(tuple(line.split())))


@pytest.mark.parametrize("argv", sorted(SAYS_NOTHING), ids=" ".join)
def test_a_command_that_is_known_is_so_word_for_word(argv: tuple[str, ...]) -> None:
    assert FakeHost("host1").answer(Exec(argv)).ok
    for place, word in enumerate(argv):
        with pytest.raises(UnknownCommandError):
            FakeHost("host1").answer(Exec((*argv[:place], f"{word}x", *argv[place + 1 :])))
