"""The resolver's files, and what daemon.json says of it."""

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from dockmesh.agent.names.config import read
from dockmesh.diff.daemon_json import merge, part
from dockmesh.model.mesh import Fabric, Renderer
from dockmesh.render import docker, names
from dockmesh.render.types import DaemonSettings, HostConfig
from tests.support.meshes import mesh_of, with_network
from tests.support.plans import config_of

CONFIG = config_of(mesh_of(3))
SETTINGS = CONFIG.daemon
NAMELESS = replace(SETTINGS, dns=(), search=None)


def text_of(config: HostConfig, path: str) -> str:
    return next(file.text for file in config.files if file.path == path)


def test_the_resolver_reads_what_it_is_told() -> None:
    settings = read(text_of(CONFIG, names.SETTINGS))

    (network,) = settings.networks
    assert (settings.host, settings.domain) == ("host1", "mesh")
    assert (network.name, network.docker, network.address) == ("docker0", "bridge", "172.17.42.1")
    assert network.peers == {"host2": "172.17.42.2", "host3": "172.17.42.3"}
    assert network.has("172.17.128.1")
    assert not network.has("172.18.0.1")


def test_the_program_is_one_file_that_finds_its_modules(tmp_path: Any) -> None:
    program = tmp_path / "names.py"
    program.write_text(text_of(CONFIG, names.PROGRAM), encoding="utf-8")

    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "nothing")], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"{tmp_path}/nothing: FileNotFoundError")


def test_the_program_holds_every_module_as_it_is() -> None:
    modules = dict(names.modules())

    assert {"names", "names.main", "names.zone"} < set(modules)
    assert all("'''" not in text and not text.endswith("\\") for text in modules.values())


def test_each_network_of_a_host_has_a_listener_and_its_own_peers() -> None:
    mesh = with_network(mesh_of(3), hosts=("host1", "host3"))

    red, blue = read(text_of(config_of(mesh), names.SETTINGS)).networks

    assert (blue.name, blue.docker, blue.address) == ("blue", "blue", "10.80.42.1")
    assert blue.peers == {"host3": "10.80.42.2"}
    assert set(red.peers) == {"host2", "host3"}
    assert len(read(text_of(config_of(mesh, "host2"), names.SETTINGS)).networks) == 1


def test_who_is_shut_in_is_told_the_address_in_its_own_network() -> None:
    mesh = with_network(mesh_of(3))
    shut = replace(mesh, networks=(mesh.docker0, *(replace(each, internal=True) for each in mesh.further)))

    assert config_of(mesh).daemon.dns == ("172.17.42.1",)
    assert config_of(shut).daemon.dns == ("172.17.42.1", "10.80.42.1")


@pytest.mark.parametrize("renderer", Renderer)
def test_a_mesh_without_names_has_nothing_of_them(renderer: Renderer) -> None:
    config = config_of(replace(mesh_of(3, fabric=Fabric(renderer=renderer)), domain=None))

    assert not [file.path for file in config.files if "names" in file.path]
    assert names.UNIT not in config.units
    assert "dns" not in docker.alone(config.daemon).text


def merged(present: dict[str, Any] | None, before: str | None = None, settings: DaemonSettings = SETTINGS) -> Any:
    return merge("host1", settings, None if present is None else json.dumps(present), before)


def test_containers_ask_the_resolver_and_search_its_domain() -> None:
    content = json.loads(merged(None).text)

    assert content["dns"] == ["172.17.42.1"]
    assert content["dns-search"] == ["mesh"]


def test_the_users_own_servers_are_kept_where_the_resolver_finds_them_and_their_domains_come_last() -> None:
    mine = {"dns": ["192.0.2.53"], "dns-search": ["example.com"], "log-level": "warn"}

    found = merged(mine)

    content = json.loads(found.text)
    assert content["dns"] == ["172.17.42.1"]
    assert content["dns-search"] == ["mesh", "example.com"]
    assert found.before == json.dumps(mine)
    assert part("host1", found.text, found.before) == found.before


def test_the_hosts_own_domains_come_behind_ours_when_ours_come_and_then_stay() -> None:
    resolv_conf = "domain old.example\nsearch example.com lan .\nnameserver 192.0.2.53\n"

    for present in (None, json.dumps({"log-level": "warn"})):
        found = merge("host1", SETTINGS, present, None, resolv_conf)
        later = merge("host1", SETTINGS, found.text, found.before, "search other.example\n")

        assert json.loads(found.text)["dns-search"] == ["mesh", "example.com", "lan"]
        assert later.text == found.text


def test_the_users_own_domains_count_more_than_the_hosts() -> None:
    mine = json.dumps({"dns-search": ["corp.example"]})

    found = merge("host1", SETTINGS, mine, None, "search example.com\n")

    assert json.loads(found.text)["dns-search"] == ["mesh", "corp.example"]


def test_a_second_merge_changes_nothing() -> None:
    first = merged({"dns": ["192.0.2.53"], "dns-search": ["mesh", "example.com"]})

    second = merge("host1", SETTINGS, first.text, first.before)

    assert (second.text, second.before) == (first.text, None)


def test_servers_that_the_user_writes_later_become_what_is_asked_outside() -> None:
    first = merged({"log-level": "warn"})
    edited = {**json.loads(first.text), "dns": ["192.0.2.99"]}
    del edited["dns-search"]

    found = merge("host1", SETTINGS, json.dumps(edited), first.before)

    assert json.loads(found.text)["dns"] == ["172.17.42.1"]
    assert json.loads(found.before or "") == {"log-level": "warn", "dns": ["192.0.2.99"]}
    assert json.loads(part("host1", found.text, found.before) or "") == {"log-level": "warn", "dns": ["192.0.2.99"]}


def test_names_come_to_a_host_that_has_the_mesh_without_them_and_go_again() -> None:
    mine = {"dns": ["192.0.2.53"], "dns-search": ["example.com"]}
    without = merged(mine, settings=NAMELESS)
    assert json.loads(without.text)["dns"] == ["192.0.2.53"]

    with_names = merge("host1", SETTINGS, without.text, without.before)
    again = merge("host1", NAMELESS, with_names.text, with_names.before or without.before)

    assert json.loads(with_names.text)["dns"] == ["172.17.42.1"]
    assert json.loads(again.text) == json.loads(without.text)


def test_a_host_that_gets_another_address_does_not_take_its_old_resolver_for_the_users() -> None:
    first = merged({"log-level": "warn"})
    moved = replace(SETTINGS, bip="172.17.42.9/16", dns=("172.17.42.9",))

    found = merge("host1", moved, first.text, first.before)

    assert json.loads(found.text)["dns"] == ["172.17.42.9"]
    assert found.before is None
