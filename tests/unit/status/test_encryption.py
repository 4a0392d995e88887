"""What status says of encryption: once a host, and of each pair without a key."""

from dockmesh.cli.json.status import status_json
from dockmesh.render.wireguard import UNIT
from dockmesh.status.types import Status
from tests.support.meshes import ENCRYPTED, mesh_of
from tests.unit.status import worlds

MESH = mesh_of(3, fabric=ENCRYPTED)


def status_of(text: str, down: bool = False, state: str = "active") -> Status:
    """Of a mesh that is well but for host2."""
    world = worlds.well(MESH)
    for host, found in world.items():
        well = {"ActiveState": "active", "StatusText": "encrypting"}
        unit = {"ActiveState": state, "StatusText": text} if host == "host2" else well
        worlds.change_units(world, host, {**found.facts.units, UNIT: {**found.facts.units.get(UNIT, {}), **unit}})
    if down:
        worlds.cut(world, "host1", "host2")
        worlds.cut(world, "host2", "host3")
    return worlds.status_of(world, mesh=MESH)


def said(found: Status) -> list[tuple[tuple[str, ...], str]]:
    return [(each.hosts, each.what) for each in found.findings]


def test_of_a_mesh_that_is_well_nothing_is_said() -> None:
    found = status_of("encrypting")

    assert said(found) == []
    assert status_json(found)["hosts"][1]["encryption"] == {
        "state": "active",
        "works": True,
        "why": "",
        "without_key": [],
    }


def test_a_host_that_does_not_encrypt_is_one_finding_and_not_one_a_tunnel() -> None:
    found = status_of("not encrypting: wg: no such file", down=True)

    assert [each for each in said(found) if "encrypt" in each[1]] == [
        (("host2",), "the host does not encrypt: wg: no such file")
    ]
    assert not [each for each in said(found) if "tunnel" in each[1]]


def test_what_guards_it_and_is_missing_is_said_while_the_tunnels_are_up() -> None:
    assert said(status_of("encrypting; trouble: nft: no such file")) == [
        (("host2",), "its encryption works, but not all that guards it: nft: no such file")
    ]


def test_a_pair_without_a_key_is_a_finding_of_its_tunnel() -> None:
    found = status_of("encrypting; no key with: host1", down=True)

    assert [each.hosts for each in found.findings if "no preshared key with host1" in each.what] == [("host2", "host1")]
    assert status_json(found)["hosts"][1]["encryption"]["without_key"] == ["host1"]


def test_a_unit_that_was_stopped_is_a_finding() -> None:
    assert (("host2",), f"nothing keeps its encryption: {UNIT} is inactive") in said(status_of("", state="inactive"))


def test_a_mesh_in_clear_has_none() -> None:
    assert status_json(worlds.status_of(worlds.well()))["hosts"][0]["encryption"] is None
