"""Keys of daemon.json that the mesh file names for one host."""

import json
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest

from dockmesh.diff.daemon_json import Merged, merge, part, shown_keys
from dockmesh.errors import ConflictError
from dockmesh.render.docker import alone
from dockmesh.render.types import DaemonSettings
from tests.support.meshes import mesh_of
from tests.support.plans import config_of

PLAIN = DaemonSettings("dockmesh=made for host1", "172.17.42.1/16", IPv4Network("172.17.64.0/18"), 1462)
LOGS = {"log-driver": "local", "log-opts": {"max-size": "10m"}}
SETTINGS = replace(PLAIN, more=LOGS)


def merged(present: dict[str, Any], settings: DaemonSettings = SETTINGS, before: str | None = None) -> Merged:
    return merge("host1", settings, json.dumps(present), before)


def test_they_stand_in_the_file_of_that_host_alone() -> None:
    mesh = mesh_of(3)
    mesh = replace(mesh, hosts=(replace(mesh.hosts[0], docker=LOGS), *mesh.hosts[1:]))

    first, second = (json.loads(alone(config_of(mesh, name).daemon).text) for name in ("host1", "host2"))

    assert (first["log-driver"], first["log-opts"]) == ("local", {"max-size": "10m"})
    assert first["labels"][1:] == ["dockmesh-keys=log-driver,log-opts"]
    assert not {"log-driver", "log-opts"} & second.keys()
    assert len(second["labels"]) == 1


def test_all_else_of_the_users_stays_and_a_second_merge_changes_nothing() -> None:
    once = merged({"labels": ["rack=7"], "debug": True})

    content = json.loads(once.text)
    assert (content["debug"], content["labels"][2:]) == (True, ["rack=7"])
    assert merge("host1", SETTINGS, once.text, once.before).text == once.text


def test_a_key_of_the_users_with_another_value_is_refused() -> None:
    with pytest.raises(ConflictError) as error:
        merged({"log-driver": "journald"})

    assert 'log-driver: theirs "journald", ours "local" (what the mesh file says of this host)' in str(error.value)


def test_one_that_the_file_names_later_is_refused_too() -> None:
    present = json.loads(merged({"log-driver": "journald"}, PLAIN).text)

    with pytest.raises(ConflictError, match="contradicts the mesh file"):
        merged(present)


def test_one_that_leaves_the_file_goes_and_the_users_own_comes_back() -> None:
    mine = {"log-driver": "local", "debug": True}
    once = merged(mine)

    later = json.loads(merge("host1", PLAIN, once.text, once.before).text)

    assert later == {**mine, "labels": [PLAIN.label], **PLAIN.keys()}
    assert part("host1", once.text, once.before) == json.dumps(mine)


def test_the_users_own_is_kept_also_where_the_file_names_it_later() -> None:
    first = merged({"debug": True}, PLAIN)
    edited = {**json.loads(first.text), "log-driver": "local"}

    found = merged(edited, before=first.before)

    assert json.loads(found.before or "{}") == {"debug": True, "log-driver": "local"}
    assert json.loads(part("host1", found.text, found.before) or "{}")["log-driver"] == "local"


def test_a_changed_value_replaces_ours() -> None:
    once = merged({"debug": True})

    later = json.loads(merge("host1", replace(PLAIN, more={"log-driver": "none"}), once.text, once.before).text)

    assert later["log-driver"] == "none"
    assert "log-opts" not in later
    assert later["labels"] == [PLAIN.label, "dockmesh-keys=log-driver"]


def test_people_read_them_beside_ours() -> None:
    shown = shown_keys(alone(SETTINGS).text)

    assert shown["log-opts"] == '{"max-size": "10m"}'
    assert shown["log-driver"] == "local"
