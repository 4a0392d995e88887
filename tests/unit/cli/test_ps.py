"""The containers of a mesh at a fixed width, and their names in JSON."""

import io
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from rich.console import Console

from dockmesh.cli.json.ps import ps_json
from dockmesh.cli.screens.ps import port_text, table
from dockmesh.containers.types import Published
from dockmesh.errors import ConnectError
from tests.unit.containers.worlds import container

WEB = replace(container("web"), addresses=(IPv4Address("172.17.64.0"),), ports=(Published(None, 8080, 80, "tcp"),))
JOB = replace(container("job", "host3", "b" * 64, "exited"), status="Exited (5) 2 hours ago", image="[odd]")


def test_a_container_is_a_line() -> None:
    text = io.StringIO()

    Console(file=text, width=100).print(table([WEB, JOB]))

    assert [line.rstrip() for line in text.getvalue().splitlines()] == [
        "host   container  image    state                   address      ports",
        "host1  web        busybox  Up 5 minutes            172.17.64.0  8080→80/tcp",
        "host3  job        [odd]    Exited (5) 2 hours ago  –            –",
    ]


@pytest.mark.parametrize(
    ("port", "text"),
    [
        (Published(None, 53, 5353, "udp"), "53→5353/udp"),
        (Published("127.0.0.1", 80, 80, "tcp"), "127.0.0.1:80→80/tcp"),
        (Published("::1", 80, 80, "tcp"), "[::1]:80→80/tcp"),
    ],
)
def test_a_port_says_where_it_is_published_if_not_everywhere(port: Published, text: str) -> None:
    assert port_text(port) == text


def test_the_json_has_every_host_whether_it_answers_or_not() -> None:
    answer = ps_json("prod", ["host1", "host2"], {"host1": (WEB,)}, {"host2": ConnectError("no SSH connection")})

    assert [(host["name"], len(host["containers"]), bool(host["error"])) for host in answer["hosts"]] == [
        ("host1", 1, False),
        ("host2", 0, True),
    ]
