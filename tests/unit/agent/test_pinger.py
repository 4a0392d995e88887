"""The pinger, without a network: what it sends, and what it notes of what it hears."""

import contextlib
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dockmesh.agent import pinger
from dockmesh.agent.pinger import ECHO, Pinger, read_reply, request

HEADER = b"\x45" + bytes(19)
FAMILIES = pytest.mark.parametrize(("family", "header"), [(socket.AF_INET, HEADER), (socket.AF_INET6, b"")])


@pytest.mark.parametrize("number", [1, 0xFFFF, 0x1_0000_0001])
def test_the_checksum_of_a_request_is_right(number: int) -> None:
    total = sum(struct.unpack("!8H", request(socket.AF_INET, 0xBEEF, number)))

    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF  # RFC 1071


@FAMILIES
def test_only_answers_to_an_echo_are_heard(family: socket.AddressFamily, header: bytes) -> None:
    asked = request(family, 7, 70_000)
    answer = header + bytes([ECHO[family][1]]) + asked[1:]

    assert read_reply(family, answer) == (7, 70_000)
    assert read_reply(family, header + asked) is None
    assert read_reply(family, answer[:-1]) is None


def reply(ident: int, number: int) -> bytes:
    return HEADER + b"\x00" + request(socket.AF_INET, ident, number)[1:]


def heard(*packets: bytes, sent: dict[int, float] | None = None) -> list[str]:
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with contextlib.ExitStack() as stack, ours, kernels:
        ours.setblocking(False)
        for packet in packets:
            kernels.send(packet)
        listener = Pinger(stack, [])
        listener.listeners = {ours: socket.AF_INET}
        listener.places = {70: 0, 71: 1}
        listener.sent = {3: 0.0} if sent is None else sent
        listener.hear(ours)
    return listener.lines


def test_an_answer_is_noted_with_its_round_and_its_place() -> None:
    lines = heard(reply(71, 3), reply(70, 3))

    assert [line.split()[:3] for line in lines] == [["A", "3", "1"], ["A", "3", "0"]]


def test_answers_to_others_and_to_rounds_that_were_not_sent_are_none() -> None:
    assert heard(reply(72, 3), reply(70, 4), HEADER + request(socket.AF_INET, 70, 3), b"\x45") == []


def test_how_long_an_answer_took_is_in_microseconds() -> None:
    (line,) = heard(reply(70, 3), sent={3: time.monotonic() - 0.5})

    assert int(line.split()[3]) >= 500_000


@pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets are root's")
def test_it_pings_until_its_standard_input_ends() -> None:
    command = (sys.executable, Path(pinger.__file__), "-", "60", "10", "127.0.0.1", "::1")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        lines = [process.stdout.readline().split() for _ in range(30)]
        process.stdin.close()
        process.wait(timeout=10)

    assert {tuple(line[:1] + line[2:3]) for line in lines if line[0] == "A"} >= {("A", "0")}
    assert lines[0][:2] == ["R", "1"]
