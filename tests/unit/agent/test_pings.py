"""The pinger of drills, without a network: what it notes of the answers that it hears."""

import socket
import struct
import time

from dockmesh.agent.gap import request
from dockmesh.agent.pings import hear

HEADER = b"\x45" + bytes(19)


def heard(*packets: bytes, sent: dict[int, float] | None = None) -> list[str]:
    lines: list[str] = []
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, kernels:
        ours.setblocking(False)
        for packet in packets:
            kernels.send(packet)
        hear(ours, {70: 0, 71: 1}, {3: 0.0} if sent is None else sent, lines)
    return lines


def reply(ident: int, number: int) -> bytes:
    return HEADER + struct.pack("!BBHHH", 0, 0, 0, ident, number)


def test_an_answer_is_noted_with_its_round_and_its_place() -> None:
    lines = heard(reply(71, 3), reply(70, 3))

    assert [line.split()[:3] for line in lines] == [["A", "3", "1"], ["A", "3", "0"]]


def test_answers_to_others_and_to_rounds_that_were_not_sent_are_none() -> None:
    assert heard(reply(72, 3), reply(70, 4), HEADER + request(70, 3), b"\x45") == []


def test_how_long_an_answer_took_is_in_microseconds() -> None:
    (line,) = heard(reply(70, 3), sent={3: time.monotonic() - 0.5})

    assert int(line.split()[3]) >= 500_000
