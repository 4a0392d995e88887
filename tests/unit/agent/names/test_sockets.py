"""The socket where questions come in, on the loopback device."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from dockmesh.agent.names import sockets

ADDRESS = "127.77.53.1"


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as free:
        free.bind((ADDRESS, 0))
        monkeypatch.setattr(sockets, "PORT", free.getsockname()[1])
    udp, tcp = sockets.listen([ADDRESS])
    with udp, tcp:
        udp.settimeout(30)
        yield udp


def test_large_datagrams_take_nobodys_room(listening: socket.socket) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
        mouth.connect(listening.getsockname())
        for size in (60000, 4097):
            for _ in range(40):
                with contextlib.suppress(OSError):
                    mouth.send(bytes(size))
        for size in (4096, 12):
            mouth.send(bytes(size))

    assert [len(listening.recv(65535)) for _ in range(2)] == [4096, 12]
