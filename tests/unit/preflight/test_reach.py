"""The packets that agent.reach makes and reads."""

import ast
import inspect
import json
import os
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dockmesh.agent import probe, reach


def ip(message: bytes) -> bytes:
    return b"\x45" + b"\0" * 8 + bytes([47]) + b"\0" * 10 + message


def test_a_packet_says_who_it_is_from_and_for() -> None:
    message = reach.packet("token", "host1", "host2", reach.FULL, 1500, has_all=True)

    assert len(ip(message)) == 1500
    assert reach.read(ip(message), "token", "host2") == ("host1", reach.FULL, True)


@pytest.mark.parametrize(("token", "me"), [("other", "host2"), ("token", "host3")])
def test_what_is_of_another_run_or_for_another_host_is_not_heard(token: str, me: str) -> None:
    message = reach.packet("token", "host1", "host2", reach.SMALL, 0, has_all=False)

    assert reach.read(ip(message), token, me) is None


def test_a_tunnels_own_packets_are_not_heard_and_ours_are_no_tunnels() -> None:
    of_a_tunnel = struct.pack("!HH", 0, 0x6558) + b"\xff" * 40

    assert reach.read(ip(of_a_tunnel), "token", "host2") is None
    assert reach.packet("t", "a", "b", reach.SMALL, 0, has_all=False)[2:4] != of_a_tunnel[2:4]


@pytest.mark.parametrize(
    "received", [b"", b"\x45" * 24, ip(struct.pack("!HH", 0, 0x88B5) + b"[1]"), ip(b"\0\0\x88\xb5")]
)
def test_anything_may_come_and_nothing_breaks(received: bytes) -> None:
    assert reach.read(received, "token", "host2") is None


def test_hosts_with_an_old_python_can_read_it() -> None:
    tree = ast.parse(inspect.getsource(reach), feature_version=(3, 9))

    assert tree.body


def order(name: str, source: str, *peers: tuple[str, str]) -> str:
    named = [{"name": peer, "address": address, "size": 1500} for peer, address in peers]
    content = {"token": "t", "name": name, "source": source, "way": "wire", "window_s": 20, "peers": named}
    return json.dumps({**content, "probe": inspect.getsource(probe)})


def run(text: str) -> Any:
    argv = [sys.executable, "-c", inspect.getsource(reach)]
    return json.loads(subprocess.run(argv, input=text, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets want root")
def test_two_that_run_at_one_time_hear_each_other() -> None:
    orders = (order("a", "127.0.0.1", ("b", "127.0.0.2")), order("b", "127.0.0.2", ("a", "127.0.0.1")))

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(run, orders))

    assert [each["error"] for each in said] == [None, None]
    for each in said:
        (peer,) = each["peers"]
        assert set(peer["wire"]) == set(peer["raw"]) == {reach.SMALL, reach.FULL}
        assert peer["largest"] == 1500


@pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets want root")
def test_a_host_that_does_not_have_its_own_address_takes_part_all_the_same() -> None:
    assert run(order("a", "192.0.2.77")) == {"error": None, "peers": []}
