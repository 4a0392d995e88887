"""What the lab's pings send, and what they take for an answer."""

import socket
import struct

import pytest

from dockmesh.lab.pinger import ECHO, number_of, request
from dockmesh.lab.pings import read_pings

IPV4_HEAD = bytes([0x45]) + bytes(19)


@pytest.mark.parametrize("number", [1, 0xFFFF, 0x1_0000_0001])
def test_the_checksum_of_a_request_is_right(number: int) -> None:
    total = sum(struct.unpack("!8H", request(socket.AF_INET, 0xBEEF, number)))

    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF  # RFC 1071


@pytest.mark.parametrize(("family", "head"), [(socket.AF_INET, IPV4_HEAD), (socket.AF_INET6, b"")])
def test_an_answer_is_one_to_a_request_of_ours(family: socket.AddressFamily, head: bytes) -> None:
    asked = request(family, 7, 70_000)
    answer = head + bytes([ECHO[family][1]]) + asked[1:]

    assert number_of(answer, family, 7) == 70_000
    assert number_of(answer, family, 8) is None
    assert number_of(head + asked, family, 7) is None
    assert number_of(answer[:-1], family, 7) is None


def test_lost_pings_and_doubled_answers_are_counted() -> None:
    lines = "[10.000000] 172.17.42.2: icmp_seq=1 \n[10.010000] 172.17.42.2: icmp_seq=2 \n"
    lines += "[10.010100] 172.17.42.2: icmp_seq=2 (DUP!)\n[10.060000] 172.17.42.2: icmp_seq=5 \n"

    pings = read_pings(lines)

    assert (pings.sent, pings.answered, pings.duplicates) == (5, 3, 1)
    assert round(pings.longest_gap_ms, 3) == 39.9
