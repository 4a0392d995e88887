from collections.abc import Callable
from dataclasses import replace

import pytest

from dockmesh.diff.adopt import adopt
from dockmesh.diff.host import diff
from dockmesh.diff.origin import expected, explain
from dockmesh.diff.types import HostDiff, Origin
from dockmesh.errors import HostError
from dockmesh.model.mesh import Mesh, Renderer
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.build import build
from dockmesh.record.applied import read
from dockmesh.record.paths import APPLIED
from dockmesh.render.docker import DAEMON_JSON
from dockmesh.render.host import flows_of, render
from dockmesh.render.paths import DOCKER_DROP_IN, UNIT, UNIT_FILE, UP
from tests.support.fake_host import FakeHost, applied, bare
from tests.support.fake_ovs import Port
from tests.support.meshes import TREE, mesh_of, with_network, with_underlay, without
from tests.support.plans import config_of

MESH = mesh_of(3, fabric=TREE)


def of(host: FakeHost, mesh: Mesh = MESH) -> HostDiff:
    plan = build(mesh)
    facts = host.facts(flows_of(plan, plan.host("host1")))
    config = render(plan, adopt(plan.host("host1"), facts))
    return explain(plan, config, facts, diff(config, facts))


def reasons(found: HostDiff) -> list[tuple[str, str]]:
    return [(str(change.subject), change.why()) for change in found.differences]


def change_interface(port: str, column: str, key: str, value: str) -> Callable[[FakeHost], None]:
    def change(host: FakeHost) -> None:
        assert host.ovs is not None
        settings = host.ovs.bridges["br0"].ports[port].interface[column]
        assert isinstance(settings, dict)
        settings[key] = value

    return change


def change_bridge(column: str, value: str) -> Callable[[FakeHost], None]:
    def change(host: FakeHost) -> None:
        assert host.ovs is not None
        host.ovs.bridges["br0"].columns[column] = value

    return change


def delete_tunnel(host: FakeHost) -> None:
    assert host.ovs is not None
    del host.ovs.bridges["br0"].ports["gre1"]


def add_tunnel(host: FakeHost) -> None:
    assert host.ovs is not None
    extra = Port(interface={"type": "gre", "options": {"remote_ip": "10.9.9.9"}, "external_ids": {"dockmesh": "prod"}})
    host.ovs.bridges["br0"].ports["gre9"] = extra


def delete_fabric(host: FakeHost) -> None:
    assert host.ovs is not None
    del host.ovs.bridges["br0"]
    del host.devices["br0"]


def of_device(name: str, **values: object) -> Callable[[FakeHost], None]:
    def change(host: FakeHost) -> None:
        for attribute, value in values.items():
            setattr(host.devices[name], attribute, value)

    return change


def file_says(path: str, edit: Callable[[str], str], mode: int | None = None) -> Callable[[FakeHost], None]:
    def change(host: FakeHost) -> None:
        text, old_mode = host.files[path]
        host.files[path] = (edit(text), mode or old_mode)

    return change


def docker_uses(key: str, value: object) -> Callable[[FakeHost], None]:
    def change(host: FakeHost) -> None:
        assert host.docker is not None
        host.docker.settings[key] = value

    return change


def unit_is(**state: str) -> Callable[[FakeHost], None]:
    return lambda host: host.units[UNIT].update(state)


def stop_docker(host: FakeHost) -> None:
    host.docker = None


def delete_drop_in(host: FakeHost) -> None:
    del host.files[DOCKER_DROP_IN]


def same(text: str) -> str:
    return text


DRIFTS: dict[str, tuple[Callable[[FakeHost], None], list[tuple[str, str]]]] = {
    "a tunnel deleted": (delete_tunnel, [("tunnel gre1", "drift: removed by hand")]),
    "a tunnel led elsewhere": (
        change_interface("gre1", "options", "remote_ip", "10.9.9.9"),
        [("gre1 options:remote_ip", "drift: changed by hand")],
    ),
    "a tunnel led to where another leads": (
        change_interface("gre2", "options", "remote_ip", "10.77.0.2"),
        [("gre2 options:remote_ip", "drift: changed by hand")],
    ),
    "a tunnel with our mark added": (add_tunnel, [("tunnel gre9", "drift: added by hand")]),
    "a key given to a tunnel": (
        change_interface("gre1", "options", "key", "7"),
        [("gre1 options:key", "drift: added by hand")],
    ),
    "BFD switched off": (
        change_interface("gre1", "bfd", "enable", "false"),
        [("gre1 bfd:enable", "drift: changed by hand")],
    ),
    "the spanning tree switched off": (
        change_bridge("rstp_enable", "false"),
        [("bridge br0", "drift: changed by hand")],
    ),
    "br0 deleted": (delete_fabric, [("bridge br0", "drift: removed by hand")]),
    "br0 taken out of docker0": (of_device("br0", master=None), [("br0", "drift: removed by hand")]),
    "br0 down": (of_device("br0", up=False), [("br0", "drift: changed by hand")]),
    "docker0's MTU": (of_device("docker0", mtu=1400), [("docker0 MTU", "drift: changed by hand")]),
    "docker0's MAC address": (
        of_device("docker0", mac="02:42:00:00:00:99"),
        [("docker0 MAC address", "drift: changed by hand")],
    ),
    "docker0's address moved": (
        of_device("docker0", addresses=["172.17.42.9/16"]),
        [("docker0 address", "drift: changed by hand")],
    ),
    "docker0's address removed": (of_device("docker0", addresses=[]), [("docker0 address", "drift: removed by hand")]),
    "docker0's kernel spanning tree": (
        of_device("docker0", stp=1),
        [("docker0 spanning tree", "drift: changed by hand")],
    ),
    "a key of daemon.json": (
        file_says(DAEMON_JSON, lambda text: text.replace("1462", "1500")),
        [(DAEMON_JSON, "drift: changed by hand")],
    ),
    "a file edited": (file_says(UP, lambda text: text + "# mine\n"), [(UP, "drift: changed by hand")]),
    "a file's mode": (file_says(UP, same, 0o600), [(UP, "drift: changed by hand")]),
    "a file deleted": (
        delete_drop_in,
        [(DOCKER_DROP_IN, "drift: removed by hand")],
    ),
    "the unit disabled": (unit_is(UnitFileState="disabled"), [(UNIT, "drift: disabled by hand")]),
    "the unit stopped": (unit_is(ActiveState="inactive"), [(UNIT, "drift: stopped")]),
    "Docker with other settings": (
        docker_uses("mtu", 1500),
        [("docker restart", "drift: Docker runs with settings of its own")],
    ),
    "Docker stopped": (stop_docker, [("docker restart", "drift: Docker does not run")]),
}


@pytest.mark.parametrize("kind", DRIFTS)
def test_drift_is_named_and_nothing_beside_it(kind: str) -> None:
    harm, named = DRIFTS[kind]
    host = applied(config_of(MESH))
    harm(host)

    assert reasons(of(host)) == named


def test_a_host_as_the_file_says_has_no_difference() -> None:
    assert of(applied(config_of(MESH))).changes == ()


def test_what_only_follows_is_no_difference_of_its_own() -> None:
    host = applied(config_of(MESH))
    delete_fabric(host)

    found = of(host)

    followers = {str(change.subject): change.because for change in found.changes if change.origin is Origin.FOLLOWS}
    assert followers == dict.fromkeys(("tunnel gre1", "tunnel gre2", "br0 flows", "br0"), "br0 is recreated")


def test_a_host_that_was_added_is_named() -> None:
    found = of(applied(config_of(without(mesh_of(4, fabric=TREE), "host4"))), mesh_of(4, fabric=TREE))

    assert ("tunnel gre3", "the file changed: host4 was added") in reasons(found)
    assert {change.origin for change in found.differences} == {Origin.FILE}


def test_a_host_that_was_removed_is_named() -> None:
    found = of(applied(config_of(mesh_of(4, fabric=TREE))), without(mesh_of(4, fabric=TREE), "host3"))

    assert ("tunnel gre2", "the file changed: host3 was removed") in reasons(found)


def test_a_value_that_the_file_changed_shows_both() -> None:
    moved = with_underlay(MESH, host2="10.77.0.99")

    assert ("gre1 options:remote_ip", "the file changed: 10.77.0.2 → 10.77.0.99") in reasons(
        of(applied(config_of(MESH)), moved)
    )


def test_another_kind_of_tunnel_is_told_of_the_old_ports_and_the_new_ones() -> None:
    vxlan = replace(MESH, fabric=replace(TREE, tunnel=Tunnel.VXLAN))

    told = reasons(of(applied(config_of(MESH)), vxlan))

    assert [each for each in told if each[0].startswith("tunnel ")] == [
        (f"tunnel {port}", "the file changed: gre → vxlan") for port in ("gre1", "gre2", "vxlan1", "vxlan2")
    ]


def test_a_key_that_the_file_has_no_more_is_told() -> None:
    keyed = replace(MESH, fabric=replace(TREE, key=7))

    told = reasons(of(applied(config_of(keyed)), MESH))

    assert ("gre1 options:key", "the file changed: no longer wanted") in told


def test_what_both_changed_is_told_as_both() -> None:
    host = applied(config_of(MESH))
    change_interface("gre1", "options", "remote_ip", "10.9.9.9")(host)

    found = of(host, with_underlay(MESH, host2="10.77.0.99"))

    (change,) = (change for change in found.differences if str(change.subject) == "gre1 options:remote_ip")
    assert change.origin is Origin.BOTH
    assert change.why() == "the file changed: 10.77.0.2 → 10.77.0.99; and changed by hand"


def test_another_renderer_is_a_change_of_the_file() -> None:
    host = applied(config_of(MESH))
    host.programs |= {"brctl"}

    found = of(host, mesh_of(3, fabric=replace(TREE, renderer=Renderer.IFUPDOWN)))

    assert (UP, "the file changed: no longer wanted") in reasons(found)


def test_a_bare_host_is_not_applied_yet() -> None:
    assert {change.origin for change in of(bare(config_of(MESH))).changes} == {Origin.FIRST}


def test_without_a_record_nobody_knows() -> None:
    host = applied(config_of(MESH))
    del host.files[APPLIED]
    host.devices["docker0"].mtu = 1400

    (change,) = of(host).changes

    assert change.origin is Origin.UNKNOWN


def test_the_record_of_another_mesh_tells_nothing() -> None:
    host = applied(config_of(MESH))
    file_says(APPLIED, lambda text: text.replace('"mesh": "prod"', '"mesh": "other"'))(host)
    host.devices["docker0"].mtu = 1400

    (change,) = of(host).changes

    assert change.origin is Origin.UNKNOWN


def test_a_record_without_a_form_is_of_the_first_one() -> None:
    host = applied(config_of(MESH))
    file_says(APPLIED, lambda text: text.replace(' "form": 1,\n', ""))(host)
    host.devices["docker0"].mtu = 1400

    assert '"form"' not in host.files[APPLIED][0]
    assert reasons(of(host)) == [("docker0 MTU", "drift: changed by hand")]


def test_a_record_of_a_newer_form_is_refused_in_one_sentence() -> None:
    host = applied(config_of(MESH))
    file_says(APPLIED, lambda text: text.replace('"form": 1,', '"form": 2,'))(host)

    with pytest.raises(HostError, match=r"a newer dockmesh wrote .*/applied\.json, in form 2") as refused:
        of(host)
    assert refused.value.report.do == "use that dockmesh, or a newer one"


def test_a_file_of_a_unit_that_was_edited_is_told_as_a_file() -> None:
    host = applied(config_of(MESH))
    file_says(UNIT_FILE, lambda text: text + "# mine\n")(host)

    assert reasons(of(host)) == [(UNIT_FILE, "drift: changed by hand")]


def test_a_network_that_the_file_changed_is_told_as_that_alone() -> None:
    host = applied(config_of(with_network(MESH)))

    found = of(host, with_network(MESH, internal=True))

    told = {change.origin for change in found.differences if str(change.subject) == "network blue"}
    assert told == {Origin.FILE}


def test_texts_that_only_name_other_ports_follow() -> None:
    host = applied(config_of(MESH))
    assert host.ovs is not None
    ports = host.ovs.bridges["br0"].ports
    ports["gre7"] = ports.pop("gre2")

    (change,) = of(host).changes

    assert (str(change.subject), change.origin) == (UP, Origin.FOLLOWS)


def test_the_record_knows_all_that_is_made_on_a_bare_host() -> None:
    config = config_of(MESH)
    record = read(applied(config).files[APPLIED][0])
    assert record is not None

    for change in diff(config, bare(config).facts(config.flows)).changes:
        assert change.subject.key in record.expected
    assert record.expected == expected(config)
