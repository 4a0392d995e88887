import json
from ipaddress import IPv4Network
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dockmesh.diff.daemon_json import merge
from dockmesh.errors import ConflictError
from dockmesh.render.docker import alone
from dockmesh.render.types import DaemonSettings

OURS = DaemonSettings("dockmesh=made for host1", "172.17.42.1/16", IPv4Network("172.17.64.0/18"), 1462)
LATER = DaemonSettings("dockmesh=made for host1, later", "172.17.42.9/16", IPv4Network("172.17.0.0/19"), 1362)
KEYS = st.sampled_from(
    ["log-driver", "dns", "storage-opts", "registry-mirrors", "hosts", "é", "runtimes"]
) | st.text().filter(lambda key: key not in ("labels", "bip", "fixed-cidr", "mtu", "bridge", "icc"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def daemon_jsons(draw: st.DrawFn) -> dict[str, Any]:
    """What a user's daemon.json may hold, without what stands against ours."""
    content = draw(st.dictionaries(KEYS, VALUES, max_size=6))
    if draw(st.booleans()):
        content["labels"] = draw(st.lists(st.sampled_from(["rack=7", "owner=me", "é=ü"]), unique=True))
    for key, value in OURS.keys().items():
        if draw(st.booleans()):
            content[key] = value
    return dict(draw(st.permutations(list(content.items()))))


def as_file(content: dict[str, Any]) -> str:
    return json.dumps(content)


@given(daemon_jsons())
def test_the_users_keys_stay_and_ours_are_added(content: dict[str, Any]) -> None:
    merged = json.loads(merge("host1", OURS, as_file(content)).text)

    assert {**content, "labels": [OURS.label, *content.get("labels", [])], **OURS.keys()} == merged


@given(daemon_jsons())
def test_the_order_of_the_users_keys_stays(content: dict[str, Any]) -> None:
    merged = json.loads(merge("host1", OURS, as_file(content)).text)

    assert list(merged)[: len(content)] == list(content)


@given(daemon_jsons())
def test_a_second_merge_changes_nothing(content: dict[str, Any]) -> None:
    once = merge("host1", OURS, as_file(content))

    twice = merge("host1", OURS, once.text)

    assert twice.text == once.text
    assert twice.ours_before


@given(daemon_jsons())
def test_settings_that_changed_in_the_mesh_replace_ours_alone(content: dict[str, Any]) -> None:
    once = merge("host1", OURS, as_file(content)).text

    later = json.loads(merge("host1", LATER, once).text)

    assert later == {**json.loads(once), "labels": [LATER.label, *content.get("labels", [])], **LATER.keys()}


@given(st.text())
def test_a_file_of_any_text_is_merged_or_refused(text: str) -> None:
    try:
        merged = json.loads(merge("host1", OURS, text).text)
    except ConflictError:
        return

    assert merged["bip"] == OURS.bip


def test_a_bridge_by_an_empty_name_is_dockers_own() -> None:
    assert json.loads(merge("host1", OURS, '{"bridge": ""}').text)["bip"] == OURS.bip


def test_a_host_without_the_file_gets_ours_alone() -> None:
    assert merge("host1", OURS, None).text == merge("host1", OURS, " \n").text == alone(OURS).text
