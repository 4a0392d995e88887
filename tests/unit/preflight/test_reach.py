"""The packets that agent.reach makes and reads."""

import errno
import inspect
import json
import os
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dockmesh.agent import echo, reach

PORTS = {"gre": None, "vxlan": 4789, "geneve": 6081}


def wire(kind: str = "gre", source: str = "192.0.2.1") -> reach.Wire:
    return reach.Wire({"kind": kind, "port": PORTS[kind], "source": source})


KINDS = pytest.mark.parametrize("kind", PORTS)


@KINDS
@pytest.mark.parametrize(("source", "header"), [("192.0.2.1", 20), ("fd00::1", 40)])
def test_a_packet_says_who_it_is_from_and_for(kind: str, source: str, header: int) -> None:
    out = wire(kind, source)
    message = reach.packet(out, "token", "host1", "host2", reach.FULL, size=1500, has_all=True)

    assert header + len(message) == 1500
    assert reach.read(out, message, "token", "host2") == ("host1", reach.FULL, True)


@pytest.mark.parametrize(("token", "me"), [("other", "host2"), ("token", "host3")])
def test_what_is_of_another_run_or_for_another_host_is_not_heard(token: str, me: str) -> None:
    message = reach.packet(wire(), "token", "host1", "host2", reach.SMALL, size=0, has_all=False)

    assert reach.read(wire(), message, token, me) is None


# By kind: what stands before the inner frame, and which of our bytes differ from it. RFC 2784, RFC 7348, RFC 8926.
HEADERS = {
    "gre": (struct.pack("!HH", 0, 0x6558), slice(2, 4)),
    "vxlan": (struct.pack("!HHHHII", 40000, 4789, 56, 0, 0x08000000, 7 << 8), slice(8, 9)),
    "geneve": (struct.pack("!HHHHHHI", 40000, 6081, 56, 0, 0, 0x6558, 7 << 8), slice(10, 12)),
}


@KINDS
def test_a_tunnels_own_packets_are_not_heard_and_ours_are_no_tunnels(kind: str) -> None:
    header, telling = HEADERS[kind]

    assert reach.read(wire(kind), header + b"\xff" * 40, "token", "host2") is None
    assert reach.packet(wire(kind), "t", "a", "b", reach.SMALL, size=0, has_all=False)[telling] != header[telling]


@KINDS
@pytest.mark.parametrize(
    "received", [b"", b"\x45" * 24, struct.pack("!HH", 0, 0x88B5) + b"[1]", b"\0\0\x88\xb5", b"\0" * 40]
)
def test_anything_may_come_and_nothing_breaks(kind: str, received: bytes) -> None:
    assert reach.read(wire(kind), received, "token", "host2") is None


@KINDS
@pytest.mark.parametrize(
    "said",
    [
        '["",' + "[" * 40_000,
        '["dockmesh-preflight", "token", {}, "host2", "full", true]',
        '["dockmesh-preflight", "token", [], "host2", "full", true]',
        '["dockmesh-preflight", "token", "host1", "host2", [], true]',
        '["dockmesh-preflight", "token", "host1", "host2", "another kind", true]',
        '["dockmesh-preflight", "token", "host1", "host2", "full", [1]]',
        '["dockmesh-preflight", {}, "host1", [], "full", true]',
        '["", ' + "9" * 5000 + "]",
    ],
)
def test_what_anybody_sends_is_not_heard_and_ends_nothing(kind: str, said: str) -> None:
    received = wire(kind).packet(said.encode(), 0)

    assert reach.read(wire(kind), received, "token", "host2") is None


def order(name: str, source: str, *peers: tuple[str, str], kind: str = "gre") -> str:
    named = [{"name": peer, "address": address, "size": 1500} for peer, address in peers]
    content = {"token": "t", "name": name, "source": source, "way": "raw", "window_s": 20, "peers": named}
    return json.dumps({**content, "kind": kind, "port": PORTS[kind], "echo": inspect.getsource(echo)})


def run(text: str) -> Any:
    argv = [sys.executable, "-c", inspect.getsource(reach)]
    return json.loads(subprocess.run(argv, input=text, capture_output=True, text=True, check=True).stdout)


@KINDS
@pytest.mark.exhaustive
@pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets want root")
def test_two_that_run_at_one_time_hear_each_other(kind: str) -> None:
    """Also by UDP ports that nobody listens on: raw sockets are shown a copy."""
    orders = (
        order("a", "127.0.0.1", ("b", "127.0.0.2"), kind=kind),
        order("b", "127.0.0.2", ("a", "127.0.0.1"), kind=kind),
    )

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(run, orders))

    assert [each["error"] for each in said] == [None, None]
    for each in said:
        (peer,) = each["peers"]
        assert set(peer["wire"]) == set(peer["raw"]) == {reach.SMALL, reach.FULL}
        assert peer["largest"] == 1500


def test_of_the_largest_packet_that_passes_one_may_get_lost() -> None:
    tried: list[int] = []

    class Echo:
        SMALL_PACKET = 28

        def echo(self, _address: str, size: int, _deadline_s: float) -> dict[str, Any]:
            tried.append(size)
            lost = size > 1400 or tried.count(size) == 1
            return {"ms": None if lost and size != self.SMALL_PACKET else 0.1, "error": None}

    peer = reach.ReachedPeer({"name": "b", "address": "192.0.2.2", "size": 1500})

    assert reach.ping(Echo(), peer)["largest"] == 1400


@pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets want root")
def test_a_host_that_does_not_have_its_own_address_takes_part_all_the_same() -> None:
    assert run(order("a", "192.0.2.77")) == {"error": None, "peers": []}


@KINDS
@pytest.mark.exhaustive
@pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets want root")
def test_two_hear_each_other_by_ipv6_as_well(kind: str) -> None:
    """Both are ::1 here, so each hears itself, too, and must not take that for the other."""
    orders = (order("a", "::1", ("b", "::1"), kind=kind), order("b", "::1", ("a", "::1"), kind=kind))

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(run, orders))

    assert [each["error"] for each in said] == [None, None]
    for each in said:
        (peer,) = each["peers"]
        assert set(peer["wire"]) == set(peer["raw"]) == {reach.SMALL, reach.FULL}
        assert peer["largest"] == 1500


def test_a_peer_that_no_route_leads_to_is_one_that_answers_no_ping() -> None:
    class Echo:
        SMALL_PACKET = 28

        def echo(self, _address: str, _size: int, _deadline_s: float) -> dict[str, Any]:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")

    peer = reach.ReachedPeer({"name": "b", "address": "192.0.2.2", "size": 1500})

    assert reach.ping(Echo(), peer) == {"ping_ms": None, "ping_error": "ENETUNREACH", "largest": None}


def test_a_peer_whose_place_is_learned_is_neither_pinged_nor_waited_for() -> None:
    peer = reach.ReachedPeer({"name": "b", "address": None, "size": 1500})

    assert reach.ping(None, peer)["ping_ms"] is None
    assert peer.has_all
    assert not peer.all_came("raw")
    assert reach.ReachedPeer({"name": "b", "address": "192.0.2.2", "size": 1500, "finds_us": False}).all_came("raw")


def test_a_packet_goes_to_the_port_that_a_nat_maps() -> None:
    message = reach.packet(wire("vxlan"), "t", "a", "b", reach.SMALL, size=0, has_all=False, port=443)

    assert struct.unpack("!H", message[2:4]) == (443,)
