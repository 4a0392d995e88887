"""What is read of a pinger's file, whatever its host makes of it."""

import asyncio
import base64
from dataclasses import dataclass

import pytest

from dockmesh.errors import HostError
from dockmesh.pings.host import MOST_READ, PingerUnit
from dockmesh.pings.log import PingLog
from dockmesh.transport.requests import Answer, GetBytes, Request
from tests.support.fake_host import FakeHost

UNIT = PingerUnit("pings", life_s=60, interval_ms=10)


@dataclass
class Endless(FakeHost):
    """Its files have these bytes over and over."""

    text: bytes = b""
    asked_for: int = 0

    def answer(self, request: Request) -> Answer:
        match request:
            case GetBytes(_, _, length):
                self.asked_for += 1
                return Answer(0, base64.b64encode(self.text * (length // len(self.text))).decode())
        return super().answer(request)


def test_a_file_without_end_is_that_hosts_error() -> None:
    host = Endless("host2", text=b"R 1 2000000000\n\n")

    with pytest.raises(HostError, match=r"host2: has a file /run/pings that does not end: more than 65 MiB"):
        asyncio.run(UNIT.read(host, PingLog(("host1",), 10)))

    assert host.asked_for <= MOST_READ / (1 << 20) + 1


def test_what_is_new_is_read_in_one_piece() -> None:
    host, log = FakeHost("host2"), PingLog(("host1",), 10)
    host.blobs["/run/pings"] = b"R 1 1000000\n"

    there = asyncio.run(UNIT.read(host, log))

    assert there
    assert log.read == 12
    assert len(host.asked) == 1


def test_a_pinger_that_left_no_file_is_told_apart() -> None:
    assert asyncio.run(UNIT.read(FakeHost("host2"), PingLog(("host1",), 10))) is False
