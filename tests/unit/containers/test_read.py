"""Docker's list of containers as it is shown."""

import json
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from dockmesh.containers.read import read
from dockmesh.containers.types import Container, Published
from tests.unit.containers.worlds import row

PREFIX = [IPv4Network("172.17.0.0/16"), IPv4Network("10.80.0.0/16")]


def read_one(**more: Any) -> Container:
    (found,) = read("host1", json.dumps([row(**more)]), PREFIX)
    return found


def test_containers_come_by_name() -> None:
    found = read("host1", json.dumps([row("web", "a"), row("api", "b")]), PREFIX)

    assert [each.full_name for each in found] == ["api.host1", "web.host1"]


def test_an_address_of_another_network_is_none_of_the_mesh() -> None:
    networks = {"bridge": {"IPAddress": "172.17.64.7"}, "app_default": {"IPAddress": "172.18.0.2"}}

    found = read_one(NetworkSettings={"Networks": networks})

    assert found.addresses == (IPv4Address("172.17.64.7"),)
    assert found.networks == (("app_default", "172.18.0.2"), ("bridge", "172.17.64.7"))


def test_a_container_that_does_not_run_has_no_address() -> None:
    found = read_one(State="exited", NetworkSettings={"Networks": {"bridge": {"IPAddress": ""}}})

    assert (found.addresses, found.networks, found.runs) == ((), (("bridge", None),), False)


def test_a_port_of_both_ip_versions_is_one_and_one_that_is_not_published_is_none() -> None:
    ports = [
        {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},  # noqa: S104
        {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"IP": "127.0.0.1", "PrivatePort": 53, "PublicPort": 5353, "Type": "udp"},
        {"PrivatePort": 443, "Type": "tcp"},
    ]

    assert read_one(Ports=ports).ports == (
        Published("127.0.0.1", 5353, 53, "udp"),
        Published(None, 8080, 80, "tcp"),
    )


def test_an_image_without_a_name_is_shown_by_the_beginning_of_its_digest() -> None:
    assert read_one(Image="sha256:" + "0123456789abcdef" * 4).image == "sha256:0123456789ab"


def test_a_container_that_is_about_to_go_may_have_no_name_and_no_networks() -> None:
    found = read_one(Names=None, NetworkSettings=None, Ports=None)

    assert (found.name, found.addresses) == ("a" * 12, ())
