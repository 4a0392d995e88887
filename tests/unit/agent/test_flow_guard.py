"""The guard of flows, against a switch that is a socket and a script; tests/lab/test_direct.py has a real one."""

import contextlib
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockmesh.agent import flow_guard
from dockmesh.agent.flow_guard import FlowGuard, LostError, Monitor, flows_of

BUNDLE = """\
# Managed by dockmesh.
group add_or_mod group_id=1,type=indirect,bucket=actions=drop
flow add cookie=0x100,table=0,actions=drop
flow delete cookie=0/0x100
"""
# An ovs-ofctl: `flows` and `groups` are what the switch has, `asked` what was asked of it.
OFCTL = """\
#!/bin/sh
cd "$(dirname "$0")"
shift 3
echo "$1" >> asked
case $1 in
bundle) cp wanted-flows flows; cp wanted-groups groups;;
diff-flows) cat > given; cmp -s given flows || { echo "+table=0 actions=drop"; exit 2; };;
dump-groups) cat groups;;
esac
"""


class Switch:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("wanted-flows", flows_of(BUNDLE))
        self.write("wanted-groups", "reply:\n group_id=1,type=indirect,bucket=bucket_id:0,actions=drop\n")
        self.write("flows", "")
        self.write("groups", "")
        self.write("bundle", BUNDLE)
        program = folder / "ovs-ofctl"
        program.write_text(OFCTL)
        program.chmod(0o755)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def asked(self) -> list[str]:
        """Since this was last asked for."""
        found = (self.folder / "asked").read_text().split()
        self.write("asked", "")
        return found


@pytest.fixture
def switch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Switch:
    made = Switch(tmp_path)
    monkeypatch.setattr(flow_guard, "OFCTL", (str(tmp_path / "ovs-ofctl"), *flow_guard.OFCTL[1:]))
    return made


@pytest.fixture
def guard(switch: Switch) -> FlowGuard:
    """It has installed the flows."""
    made = FlowGuard("br0", str(switch.folder / "bundle"))
    assert made.install()
    switch.asked()
    return made


def test_the_flows_of_a_bundle_are_what_it_adds() -> None:
    assert flows_of(BUNDLE) == "cookie=0x100,table=0,actions=drop\n"


def test_what_is_right_is_left_alone(switch: Switch, guard: FlowGuard) -> None:
    guard.look()

    assert switch.asked() == ["diff-flows", "dump-groups"]


def test_flows_that_are_lost_are_put_back(switch: Switch, guard: FlowGuard) -> None:
    switch.write("flows", "")

    guard.look()

    assert "bundle" in switch.asked()
    assert guard.wrong() == ""


def test_groups_that_were_changed_are_put_back(switch: Switch, guard: FlowGuard) -> None:
    switch.write("groups", " group_id=1,type=indirect,bucket=bucket_id:0,actions=output:7\n")

    guard.look()

    assert guard.wrong() == ""


def test_a_group_that_is_gone_is_put_back(switch: Switch, guard: FlowGuard) -> None:
    switch.write("groups", "")

    guard.look()

    assert guard.wrong() == ""


def test_a_group_that_was_there_before_is_left_alone(switch: Switch, guard: FlowGuard) -> None:
    left = " group_id=9,type=indirect,bucket=bucket_id:0,actions=drop\n"
    switch.write("groups", (switch.folder / "groups").read_text() + left)

    guard.look()

    assert "bundle" not in switch.asked()


ANOTHER = BUNDLE.replace("0x100", "0x300")


def test_a_new_file_is_left_to_whoever_wrote_it_and_then_guarded(
    switch: Switch, guard: FlowGuard, capsys: pytest.CaptureFixture[str]
) -> None:
    switch.write("bundle", ANOTHER)
    switch.write("wanted-flows", flows_of(ANOTHER))
    guard.look()
    assert "bundle" not in switch.asked()

    switch.write("flows", flows_of(ANOTHER))
    guard.look()
    assert "bundle" not in switch.asked()
    assert capsys.readouterr().err == ""

    switch.write("flows", "")
    guard.look()
    assert "bundle" in switch.asked()
    assert "flows missing" in capsys.readouterr().err


def test_a_new_file_that_nobody_puts_there_is_put_there(
    switch: Switch, guard: FlowGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch.write("bundle", ANOTHER)
    switch.write("wanted-flows", flows_of(ANOTHER))
    guard.look()
    monkeypatch.setattr(flow_guard, "LOOK_S", 0.0)

    guard.look()

    assert "bundle" in switch.asked()
    assert guard.wrong() == ""


def test_flows_that_are_lost_while_a_new_file_waits_are_put_back(switch: Switch, guard: FlowGuard) -> None:
    switch.write("bundle", ANOTHER)
    switch.write("wanted-flows", flows_of(ANOTHER))
    switch.write("flows", "")

    guard.look()

    assert "bundle" in switch.asked()
    assert guard.wrong() == ""


def test_what_comes_while_it_looks_is_left_alone(
    switch: Switch, guard: FlowGuard, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a busy host: when it compares, the file that it read is no more what the switch has got meanwhile."""

    def then(name: str, *words: str, text: str = "") -> subprocess.CompletedProcess[str] | None:
        switch.write("bundle", ANOTHER)
        switch.write("flows", flows_of(ANOTHER))
        return ofctl(name, *words, text=text)

    ofctl = flow_guard.ofctl
    monkeypatch.setattr(flow_guard, "ofctl", then)

    guard.look()
    guard.look()

    assert "bundle" not in switch.asked()
    assert guard.installed == ANOTHER
    assert capsys.readouterr().err == ""


def test_a_new_file_is_not_taken_as_put_there_by_a_switch_that_does_not_answer(
    switch: Switch, guard: FlowGuard
) -> None:
    switch.write("bundle", ANOTHER)
    switch.write("ovs-ofctl", "#!/bin/sh\nexit 1\n")

    assert guard.wrong() == ""
    assert guard.installed == BUNDLE


def test_what_it_cannot_put_right_is_tried_less_and_less(switch: Switch, guard: FlowGuard) -> None:
    switch.write("wanted-flows", "")
    switch.write("flows", "")

    waits = [guard.look() for _ in range(10)]

    assert waits == sorted(waits)
    assert waits[0] < 1
    assert waits[-1] == flow_guard.LOOK_S


def test_what_is_changed_while_it_puts_back_is_looked_at_at_once(switch: Switch, guard: FlowGuard) -> None:
    """So it happened: after each of a loop's changes of groups the next one."""
    switch.write("groups", "")
    switch.write("wanted-flows", "")

    assert guard.look() == flow_guard.CALM_S

    switch.write("wanted-flows", flows_of(BUNDLE))
    assert guard.look() == flow_guard.LOOK_S
    assert guard.wrong() == ""


def test_a_switch_that_does_not_answer_is_no_reason_to_write(switch: Switch, guard: FlowGuard) -> None:
    switch.write("ovs-ofctl", "#!/bin/sh\nexit 1\n")

    assert guard.wrong() == ""


def test_without_a_file_nothing_is_put_there(switch: Switch, capsys: pytest.CaptureFixture[str]) -> None:
    guard = FlowGuard("br0", str(switch.folder / "none"))

    assert not guard.install()
    assert "no flows to put back" in capsys.readouterr().err


def frame(kind: int, transaction: int = 0, body: bytes = b"") -> bytes:
    return struct.pack("!BBHI", 5, kind, 8 + len(body), transaction) + body


@pytest.fixture
def monitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Monitor, socket.socket]]:
    """It, and the switch's end of its connection."""
    monkeypatch.setattr(flow_guard, "SOCKET", f"{tmp_path}/{{}}.mgmt")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{tmp_path}/br0.mgmt")
        listening.listen()
        made = Monitor("br0", flow_guard.OF14, flow_guard.watch_groups())
        there, _ = listening.accept()
    with made.socket, there:
        yield made, there


@pytest.mark.parametrize(
    ("message", "changed"),
    [
        (frame(flow_guard.HELLO), False),
        (frame(flow_guard.STATS_REPLY, flow_guard.OURS), False),  # the answer to our own request
        (frame(flow_guard.STATS_REPLY), True),
        (frame(flow_guard.REQUESTFORWARD, body=bytes(16)), True),
        (frame(flow_guard.HELLO) + frame(flow_guard.REQUESTFORWARD), True),
    ],
)
def test_a_change_is_told_from_other_words(
    monitor: tuple[Monitor, socket.socket], message: bytes, *, changed: bool
) -> None:
    here, there = monitor
    there.sendall(message)

    assert here.hear() is changed


def test_half_a_message_waits_for_its_other_half(monitor: tuple[Monitor, socket.socket]) -> None:
    here, there = monitor
    message = frame(flow_guard.REQUESTFORWARD, body=bytes(16))

    there.sendall(message[:11])
    assert not here.hear()
    there.sendall(message[11:])
    assert here.hear()


def test_a_switch_that_asks_whether_we_live_is_told(monitor: tuple[Monitor, socket.socket]) -> None:
    here, there = monitor
    there.recv(1 << 16)

    there.sendall(frame(flow_guard.ECHO_REQUEST, 7, b"you?"))

    assert not here.hear()
    assert there.recv(1 << 16) == frame(flow_guard.ECHO_REPLY, 7, b"you?")


def test_it_looks_by_itself_though_the_switch_keeps_asking_whether_it_lives(
    monitor: tuple[Monitor, socket.socket], switch: Switch, guard: FlowGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = monitor
    monkeypatch.setattr(flow_guard, "LOOK_S", 0.1)
    switch.write("flows", "")

    def ask_until_put_back() -> None:
        with contextlib.suppress(OSError):  # the other end is closed
            end = time.monotonic() + 10
            while "bundle" not in (switch.folder / "asked").read_text() and time.monotonic() < end:
                there.sendall(frame(flow_guard.ECHO_REQUEST))
                time.sleep(0.01)
        there.shutdown(socket.SHUT_RDWR)

    asking = threading.Thread(target=ask_until_put_back)
    asking.start()
    with pytest.raises(LostError):
        guard.stay([here])
    asking.join()

    assert "bundle" in switch.asked()


def test_the_end_of_the_connection_is_the_end_of_the_switch(monitor: tuple[Monitor, socket.socket]) -> None:
    here, there = monitor
    there.close()

    with pytest.raises(LostError):
        here.hear()
