"""Any bytes at the sockets of a resolver: it lives, complains of nothing, and answers the next one soon."""

import socket
import struct
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.dns import HOSTILE, hostile
from tests.support.resolver_process import Running, resolver

# Of its own clock, with the honest question behind it: what took 0.2 to 1 ms on an idle machine. One datagram of the
# hostile kinds took more than a second where each name was built.
MOST_S = 0.1
MOST_BYTES = 40 << 20


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with resolver(tmp_path_factory.mktemp("resolver")) as found:
        yield found


def assert_well(running: Running, spent_s: float) -> None:
    before = running.cpu_s
    assert running.ask("web") == ("NOERROR", [running.place.container(1)])
    assert spent_s + running.cpu_s - before < MOST_S
    assert running.complaints == []
    assert running.memory_bytes < MOST_BYTES


def sources(running: Running) -> tuple[str, ...]:
    """A container, another host, and somebody whom nobody knows."""
    return running.place.container(2), running.place.peer, running.place.at("64.99"), running.place.at("200.1")


MESSAGES = st.one_of(st.binary(max_size=1500), st.randoms(use_true_random=False).map(hostile))
SENDERS = st.integers(0, 3)
RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@RELAXED
@given(MESSAGES, SENDERS)
@example(HOSTILE["additional"], 0)
@example(HOSTILE["answers"], 1)
@example(HOSTILE["authority"], 3)
def test_any_datagram_leaves_the_resolver_well(running: Running, data: bytes, sender: int) -> None:
    before = running.cpu_s

    with running.mouth(sources(running)[sender]) as mouth:
        mouth.send(data)

    assert_well(running, running.cpu_s - before)


@RELAXED
@given(st.lists(MESSAGES, max_size=3), st.integers(-3, 3), st.booleans(), SENDERS)
@example([HOSTILE["additional"]], 0, False, 0)
def test_any_stream_leaves_the_resolver_well(
    running: Running, messages: list[bytes], more: int, goes: bool, sender: int
) -> None:
    """`more` is by how many bytes the said length of the last message is wrong; who goes takes no answer."""
    before = running.cpu_s

    with running.mouth(sources(running)[sender], socket.SOCK_STREAM) as mouth:
        for number, data in enumerate(messages, start=1):
            length = len(data) + (more if number == len(messages) else 0)
            try:
                mouth.sendall(struct.pack("!H", max(0, length) & 0xFFFF) + data)
            except OSError:
                break  # it has closed the connection, as it may
        if goes:
            mouth.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert_well(running, running.cpu_s - before)


def test_chance_finds_all_kinds_of_messages() -> None:
    seen = {hostile(Random(number)) for number in range(1000)}  # noqa: S311 — the same each time

    assert set(HOSTILE.values()) <= seen
    assert len(seen) > 200
