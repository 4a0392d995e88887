"""A host that is as rendered needs nothing; each way to differ is seen and named."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from dockmesh.diff.adopt import adopt
from dockmesh.diff.host import diff
from dockmesh.model.mesh import Mesh, Renderer
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.build import build
from dockmesh.render.docker import DAEMON_JSON
from dockmesh.render.host import render
from dockmesh.render.types import HostConfig
from tests.support.fake_host import Daemon, FakeHost, applied, bare, installed
from tests.support.fake_ovs import Bridge, Port, assign
from tests.support.meshes import attached_meshes, mesh_of, meshes, with_underlay
from tests.support.plans import configs


@given(attached_meshes())
def test_a_host_that_is_as_rendered_needs_nothing(mesh: Mesh) -> None:
    for config in configs(mesh).values():
        assert diff(config, applied(config).facts(config.flows)).steps == ()


@given(meshes())
def test_a_users_own_things_are_no_difference(mesh: Mesh) -> None:
    config = configs(mesh)["host1"]
    host = applied(config)
    fabric = fabric_of(host)
    fabric.ports["mirror0"] = Port(interface={"type": "internal"})
    assign(fabric.columns, "external_ids:owner=me")
    assign(fabric.columns, "other_config:mac-aging-time=60")
    host.files["/etc/docker/daemon.json.before-dockmesh"] = ("{}", 0o600)

    assert diff(config, host.facts(config.flows)).steps == ()


def fabric_of(host: FakeHost) -> Bridge:
    assert host.ovs is not None
    return host.ovs.bridges["br0"]


def daemon_of(host: FakeHost) -> Daemon:
    assert host.docker is not None
    return host.docker


def is_gone(host: FakeHost, device: str) -> None:
    del host.devices[device]
    if host.ovs:
        host.ovs.bridges.pop(device, None)


def tunnel_of(host: FakeHost) -> str:
    """The name of its first tunnel."""
    return min(name for name, port in fabric_of(host).ports.items() if "bfd" in port.interface)


def turn_kind(host: FakeHost) -> None:
    record = fabric_of(host).ports[tunnel_of(host)].interface
    assign(record, f"type={'gre' if record['type'] == 'vxlan' else 'vxlan'}")


FaultInjector = Callable[[FakeHost], object]
# The subject that a harm is told as; TUNNEL stands for the name of the first tunnel.
HARMS: dict[str, tuple[FaultInjector, str]] = {
    "docker0 has another MTU": (lambda host: setattr(host.devices["docker0"], "mtu", 1500), "docker0 MTU"),
    "docker0 has another MAC": (lambda host: setattr(host.devices["docker0"], "mac", "02:00:00:00:00:07"), "docker0 M"),
    "docker0 is down": (lambda host: setattr(host.devices["docker0"], "up", False), "docker0 state"),
    "docker0 has a tree": (lambda host: setattr(host.devices["docker0"], "stp", 1), "docker0 spanning tree"),
    "docker0 has no address": (lambda host: host.devices["docker0"].addresses.clear(), "docker0 address"),
    "docker0 is gone": (lambda host: is_gone(host, "docker0"), "docker0"),
    "br0 is out of docker0": (lambda host: setattr(host.devices["br0"], "master", None), "br0"),
    "br0 is in another bridge": (lambda host: setattr(host.devices["br0"], "master", "virbr0"), "br0"),
    "br0 is down": (lambda host: setattr(host.devices["br0"], "up", False), "br0"),
    "br0 is gone": (lambda host: is_gone(host, "br0"), "bridge br0"),
    "a tunnel is gone": (lambda host: fabric_of(host).ports.pop(tunnel_of(host)), "tunnel TUNNEL"),
    "a tunnel is of another kind": (turn_kind, "TUNNEL type"),
    "a tunnel has another key": (
        lambda host: assign(fabric_of(host).ports[tunnel_of(host)].interface, "options:key=4712"),
        "TUNNEL options:key",
    ),
    "a tunnel is no longer marked": (
        lambda host: fabric_of(host).ports[tunnel_of(host)].interface.pop("external_ids"),
        "TUNNEL external_ids",
    ),
    "a tunnel to nobody": (
        lambda host: fabric_of(host).ports.update(
            gre99=Port(interface={"options": {"remote_ip": "10.8.8.8"}, "external_ids": {"dockmesh": "prod"}})
        ),
        "tunnel gre99",
    ),
    "BFD is off": (
        lambda host: assign(fabric_of(host).ports[tunnel_of(host)].interface, "bfd:enable=false"),
        "TUNNEL bfd:enable",
    ),
    "br0 is a trunk": (lambda host: fabric_of(host).ports["br0"].port.pop("vlan_mode"), "br0 vlan_mode"),
    "br0 is in a VLAN": (lambda host: assign(fabric_of(host).ports["br0"].port, "tag=20"), "br0 tag"),
    "no tree": (lambda host: fabric_of(host).columns.update(rstp_enable="false", stp_enable="false"), "bridge br0"),
    "another MAC of br0": (
        lambda host: assign(fabric_of(host).columns, "other_config:hwaddr=02:00:00:00:00:08"),
        "br",  # a bridge with a rapid spanning tree is recreated
    ),
    "no mtu_request": (lambda host: fabric_of(host).ports["br0"].interface.pop("mtu_request"), "br0 mtu_request"),
    "Docker is down": (lambda host: setattr(host, "docker", None), "docker restart"),
    "Docker uses another pool": (
        lambda host: daemon_of(host).settings.update({"fixed-cidr": "172.17.0.0/24"}),
        "docker restart",
    ),
    "Docker uses another MTU": (lambda host: daemon_of(host).settings.pop("mtu"), "docker restart"),
    "daemon.json is gone": (lambda host: host.files.pop(DAEMON_JSON), DAEMON_JSON),
    "daemon.json lost a key": (lambda host: host.files.update({DAEMON_JSON: ("{}", 0o644)}), DAEMON_JSON),
    "Docker is not installed": (lambda host: host.programs.remove("dockerd"), "docker.io"),
    "Open vSwitch's tool is gone": (lambda host: host.programs.remove("ovs-vsctl"), "openvswitch-switch"),
}


@given(meshes(), st.sampled_from(sorted(HARMS)))
def test_each_harm_is_named(mesh: Mesh, harm: str) -> None:
    assume(harm != "no tree" or mesh.fabric.forwarding.has_tree)
    config = configs(mesh)["host1"]
    host = applied(config)
    do, subject = HARMS[harm]
    subject = subject.replace("TUNNEL", tunnel_of(host))
    do(host)

    subjects = [str(change.subject) for change in diff(config, host.facts(config.flows)).changes]

    assert any(each.startswith(subject) for each in subjects), subjects


@given(meshes(), st.data())
def test_each_file_that_is_edited_gone_or_of_another_mode_is_named(mesh: Mesh, data: st.DataObject) -> None:
    config = configs(mesh)["host1"]
    host = applied(config)
    file = data.draw(st.sampled_from(config.files))
    edited = [None, (file.text + "# mine\n", file.mode), (file.text, 0o600)]
    if (chosen := data.draw(st.sampled_from(edited))) is None:
        del host.files[file.path]
    else:
        host.files[file.path] = chosen

    assert [str(change.subject) for change in diff(config, host.facts(config.flows)).changes] == [file.path]


@given(attached_meshes(), st.data())
def test_each_setting_of_open_vswitch_that_differs_is_named(mesh: Mesh, data: st.DataObject) -> None:
    config = configs(mesh)["host1"]
    host = applied(config)
    marks = [each for each in config.settings if each.key == "dockmesh" and each.table == "bridge"]
    setting = data.draw(st.sampled_from([each for each in config.settings if each not in marks]))
    key = f":{setting.key}" if setting.key else ""
    another = {"true": "false", "false": "true", "7": "8"}.get(setting.value, "7")
    assert host.ovs is not None
    owning = next(each for each in host.ovs.bridges.values() if setting.record in each.ports)
    assign(owning.record(setting.table, setting.record), f"{setting.column}{key}={another}")

    changes = diff(config, host.facts(config.flows)).changes
    # Another datapath recreates the fabric's bridge, and a network's for itself.
    change = next(change for change in changes if str(change.subject) != "br0 flows")

    assert setting.record in str(change.subject)
    assert change.actual != change.expected


def may_loop(host: FakeHost) -> bool:
    """Two tunnels, no spanning tree, and no flows that everything hangs on."""
    return any(
        sum(port.interface.get("type") in tuple(Tunnel) for port in bridge.ports.values()) > 1
        and "true" not in (bridge.columns.get("rstp_enable"), bridge.columns.get("stp_enable"))
        and bridge.columns.get("fail_mode") != "secure"
        for bridge in (host.ovs.bridges.values() if host.ovs else ())
    )


def carry_out(host: FakeHost, config: HostConfig) -> None:
    looped = may_loop(host)
    for step in diff(config, host.facts(config.flows)).steps:
        if step.packages:
            host.answer_install(step.packages)
        for request in (*step.requests, *step.restart):
            asyncio.run(host.ask(request))
            assert looped or not may_loop(host), f"a loop after {request}"


STATES: dict[str, Callable[[HostConfig], FakeHost]] = {"bare": bare, "installed": installed, "applied": applied}


@given(attached_meshes(), attached_meshes(), st.sampled_from(sorted(STATES)), st.sampled_from(["", *sorted(HARMS)]))
def test_after_the_steps_were_carried_out_nothing_differs(now: Mesh, later: Mesh, state: str, harm: str) -> None:
    """From any state and from any mesh to any other."""
    config = configs(now)["host1"]
    host = STATES[state](config)
    if state == "applied" and harm:
        HARMS[harm][0](host)
    move_underlay(host, configs(later)["host1"])
    plan = build(later)
    wanted = render(plan, adopt(plan.host("host1"), host.facts()))

    carry_out(host, wanted)
    wanted = render(plan, adopt(plan.host("host1"), host.facts()))
    carry_out(host, wanted)  # what waited for the packages

    assert [change.text() for change in diff(wanted, host.facts(wanted.flows)).changes] == []
    # Nothing of the former mesh stays where no change would look for it.
    assert fabric_of(host) == fabric_of(applied(wanted))


@given(meshes(most=3), st.data())
def test_a_living_tunnel_keeps_nothing_of_what_it_was(now: Mesh, data: st.DataObject) -> None:
    """Another family of addresses, another key or none, and all else as it was: the port stays."""
    family = data.draw(st.sampled_from(["10.77.0.", "fd77::"]))
    key = data.draw(st.none() | st.integers(1, now.fabric.tunnel.encapsulation.largest_key))
    later = with_underlay(now, **{host.name: f"{family}{number}" for number, host in enumerate(now.hosts, start=11)})
    wanted = configs(replace(later, fabric=replace(now.fabric, key=key)))["host1"]
    host = applied(configs(now)["host1"])
    move_underlay(host, wanted)

    carry_out(host, wanted)

    assert fabric_of(host) == fabric_of(applied(wanted))


def move_underlay(host: FakeHost, config: HostConfig) -> None:
    """The underlay address where the datapath of the mesh to come wants it: that is not dockmesh's to do."""
    ready = bare(config)
    for name in ("eth0", "br-phy"):
        host.devices.pop(name, None)
    host.devices |= ready.devices
    if ready.ovs:
        host.programs.add("ovs-vsctl")
        host.answer_with_ovs(ready.ovs.bridges)


def test_the_systemd_renderer_needs_its_unit_enabled_and_active() -> None:
    config = configs(mesh_of(3))["host1"]
    assert config.renderer is Renderer.SYSTEMD
    host = applied(config)
    host.units["dockmesh.service"] = {"UnitFileState": "disabled", "ActiveState": "failed"}

    assert [change.text() for change in diff(config, host.facts(config.flows)).changes] == [
        "dockmesh.service: disabled → enabled",
        "dockmesh.service: failed → active",
    ]
