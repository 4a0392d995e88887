"""Names out of what Docker 26.1.5 said in the lab, of a container on two networks with aliases and a hostname."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dockmesh.agent.names.zone import Zone, as_listed, asks_elsewhere, read_inspected, read_listed
from tests.unit.agent.names.worlds import container

RECORDED = Path(__file__).parents[3] / "cases/names"
SHORT = "1937ac7da627"


def recorded(name: str) -> Any:
    return json.loads((RECORDED / name).read_text(encoding="utf-8"))


def test_a_container_has_all_names_that_docker_gives_it_and_on_the_default_bridge_its_own() -> None:
    found = read_inspected(recorded("inspected.json"))

    assert found is not None
    assert found.name == "app-web-1"
    assert found.pid > 0
    blue, bridge = found.endpoints
    assert (blue.network, blue.address, blue.address6) == ("blue", "10.80.0.2", "fd80::2")
    assert blue.names == {"app-web-1", "web", "www", "front", SHORT}
    assert (bridge.network, bridge.address, bridge.address6) == ("bridge", "172.17.64.2", "")
    assert bridge.names == {"app-web-1", SHORT}


def test_a_list_has_names_and_addresses_of_all() -> None:
    found = {each.name: each for each in map(read_listed, recorded("listed.json")) if each}

    assert set(found) == {"app-web-1", "db", "web1"}
    assert [each.address for each in found["app-web-1"].endpoints] == ["10.80.0.2", "172.17.64.2"]


def test_a_list_is_known_to_say_nothing_new() -> None:
    known = read_inspected(recorded("inspected.json"))
    listed = [each for each in map(read_listed, recorded("listed.json")) if each and known and each.id == known.id]

    assert known is not None
    assert [as_listed(known)] == listed


def test_a_container_that_does_not_run_has_no_names() -> None:
    content = recorded("inspected.json")
    content["State"]["Running"] = False

    assert read_inspected(content) is None


def test_before_docker_25_aliases_are_all_that_there_is() -> None:
    content = recorded("inspected.json")
    del content["NetworkSettings"]["Networks"]["blue"]["DNSNames"]

    found = read_inspected(content)

    assert found is not None
    assert found.endpoints[0].names == {"app-web-1", "web", "www", SHORT}


def test_a_container_that_goes_takes_its_names_and_no_others() -> None:
    zone = Zone(("bridge",))
    one, other = (
        container("one", ("bridge", "172.17.64.1"), names=("api",)),
        container("other", ("bridge", "172.17.64.2"), names=("api",)),
    )
    zone.put(one)
    zone.put(other)

    zone.drop(one.id)

    assert [each.address for each in zone.find("bridge", "api")] == ["172.17.64.2"]
    assert zone.find("bridge", "one") == []
    assert zone.owner("172.17.64.1") is None


def test_an_address_that_was_given_anew_stays_its_new_owners() -> None:
    zone = Zone(("bridge",))
    old, new = container("old", ("bridge", "172.17.64.1")), container("new", ("bridge", "172.17.64.1"))
    zone.put(old)
    zone.put(new)

    zone.drop(old.id)

    assert zone.name_of("bridge", "172.17.64.1") == "new"


def test_a_container_that_leaves_a_network_keeps_the_others() -> None:
    zone = Zone(("bridge", "blue"))
    both = container("both", ("bridge", "172.17.64.1"), ("blue", "10.80.64.1"))
    zone.put(both)

    zone.leave(both.id, "blue")

    assert zone.networks_of("172.17.64.1") == ("bridge",)
    assert zone.networks_of("10.80.64.1") is None
    assert zone.find("blue", "both") == []


def test_renamed_it_has_its_new_name_only() -> None:
    zone = Zone(("bridge",))
    before = container("before", ("bridge", "172.17.64.1"))
    zone.put(before)

    zone.put(type(before)(before.id, "after", 0, container("after", ("bridge", "172.17.64.1")).endpoints))

    assert zone.find("bridge", "before") == []
    assert zone.name_of("bridge", "172.17.64.1") == "after"


def test_a_name_for_which_dns_has_no_room_is_told_by_its_identifier() -> None:
    zone = Zone(("bridge",))
    zone.put(container("x" * 64, ("bridge", "172.17.64.1")))

    assert zone.name_of("bridge", "172.17.64.1") == "x" * 12


def test_names_are_counted_without_identifiers() -> None:
    zone = Zone(("bridge", "blue"))
    found = read_inspected(recorded("inspected.json"))
    assert found is not None

    zone.put(found)

    assert zone.size == 5


@pytest.mark.parametrize(
    ("text", "elsewhere"),
    [
        ("nameserver 172.17.42.1\nsearch mesh\n", False),
        ("nameserver 8.8.8.8\nnameserver 8.8.4.4\n", True),
        ("nameserver 127.0.0.11\noptions ndots:0\n\n# ExtServers: [172.17.42.1]\n", False),
        ("nameserver 127.0.0.11\noptions ndots:0\n\n# ExtServers: [host(127.0.0.53)]\n", True),
        ("nameserver 127.0.0.11\noptions ndots:0\n", False),
        ("", False),
    ],
)
def test_whom_a_container_asks_stands_in_its_resolv_conf(text: str, *, elsewhere: bool) -> None:
    assert asks_elsewhere(text, ("172.17.42.1",)) is elsewhere


def test_those_who_ask_elsewhere_are_named_if_they_are_on_a_network_of_the_mesh() -> None:
    zone = Zone(("bridge",))
    for name, network in (("old", "bridge"), ("other", "app_default")):
        zone.put(replace(container(name, (network, "172.17.64.1")), elsewhere=True))
    zone.put(container("new", ("bridge", "172.17.64.2")))

    assert zone.elsewhere == ["old"]
