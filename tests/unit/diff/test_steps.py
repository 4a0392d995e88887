from dataclasses import replace

import pytest

from dockmesh.diff.host import INTERFACES_FILE, diff
from dockmesh.diff.subject import Subject, Thing
from dockmesh.diff.types import Change, HostDiff, StepName
from dockmesh.errors import DatapathError, HostError
from dockmesh.facts import types as facts_types
from dockmesh.model.mesh import Datapath, Fabric, Forwarding, Renderer
from dockmesh.model.tunnel import Tunnel
from dockmesh.render.docker import BEFORE, DAEMON_JSON, alone
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Put
from tests.support.fake_host import Container, FakeHost, applied, bare, installed
from tests.support.meshes import TREE, mesh_of, moved, with_underlay, without
from tests.support.plans import config_of

CONFIG = config_of(mesh_of(3, fabric=TREE))


def texts(found: HostDiff) -> list[str]:
    return [change.text() for change in found.changes]


def names(found: HostDiff) -> list[StepName]:
    return [step.name for step in found.steps]


def requests(found: HostDiff, name: StepName) -> list[str]:
    step = found.step(name)
    return [] if step is None else [str(request) for request in (*step.requests, *step.restart)]


def of(host: FakeHost, config: HostConfig = CONFIG) -> HostDiff:
    return diff(config, host.facts(config.flows))


@pytest.mark.parametrize(
    ("actual", "expected", "text"),
    [
        (None, "written", "up: written"),
        ("1500", None, "up: 1500 goes"),
        ("1500", "1462", "up: 1500 → 1462"),
    ],
)
def test_a_change_says_what_it_is_in_half_a_line(actual: str | None, expected: str | None, text: str) -> None:
    assert Change("host1", Subject(Thing.FILE, "up"), actual, expected, "a reason").text() == text


def test_a_bare_host_is_installed_before_all_else() -> None:
    found = of(bare(CONFIG))

    assert names(found) == [
        StepName.INSTALL,
        StepName.DOCKER,
        StepName.FILES,
        StepName.FABRIC,
        StepName.ATTACH,
    ]
    assert found.steps[0].packages == (
        *("openvswitch-switch", "docker.io", "docker-cli", "iptables", "python3-dnslib"),
    )


def test_ifupdown_needs_bridge_utils() -> None:
    host = installed(CONFIG)
    host.programs.remove("brctl")

    (step, *_) = of(host, config_of(mesh_of(3, fabric=replace(TREE, renderer=Renderer.IFUPDOWN)))).steps

    assert step.packages == ("bridge-utils",)


def test_a_host_without_apt_is_told_what_it_lacks() -> None:
    host = bare(CONFIG)
    host.programs.remove("apt-get")

    with pytest.raises(
        HostError,
        match=r"lacks openvswitch-switch, docker\.io, docker-cli, iptables, python3-dnslib, and has no apt-get",
    ):
        of(host)


def test_a_host_without_apt_that_has_all_it_needs_is_fine() -> None:
    host = applied(CONFIG)
    host.programs.remove("apt-get")

    assert of(host).steps == ()


def test_docker_restarts_where_it_uses_its_defaults_and_names_who_notices() -> None:
    host = installed(CONFIG)
    host.containers = [Container("web"), Container("db")]

    change = next(change for change in of(host).changes if str(change.subject) == "docker restart")

    assert change.text() == (
        "docker restart: 172.17.0.1 of 172.17.0.0/16, pool None, MTU None → "
        "172.17.42.1 of 172.17.0.0/16, pool 172.17.64.0/18, MTU 1462"
    )
    assert change.disturbs == ("db", "web")


def test_br0_leaves_docker0_while_docker_changes_and_comes_back_last() -> None:
    host = applied(config_of(mesh_of(4, fabric=TREE)))  # other pools

    assert names(of(host))[0] is StepName.DETACH
    assert names(of(host))[-1] is StepName.ATTACH
    assert requests(of(host), StepName.DETACH) == ["ip link set dev br0 nomaster"]
    assert "ip link set dev br0 master docker0 up" in requests(of(host), StepName.ATTACH)


def test_a_new_peer_is_one_transaction_and_restarts_nothing() -> None:
    host = applied(CONFIG)
    assert host.ovs is not None
    del host.ovs.bridges["br0"].ports["gre2"]

    found = of(host)

    assert names(found) == [StepName.FABRIC]
    assert texts(found) == ["tunnel gre2: to host3 at 10.77.0.3"]
    assert len(found.steps[0].requests) == 1


def test_a_removed_host_costs_its_tunnel_and_nothing_else() -> None:
    host = applied(CONFIG)

    found = of(host, config_of(without(mesh_of(3, fabric=TREE), "host3")))

    assert names(found) == [StepName.FILES, StepName.FABRIC]
    (gone,) = (change for change in found.changes if change.text() == "tunnel gre2: to 10.77.0.3 goes")
    assert gone.reason == "host3 is not a peer of this host"


def test_a_peer_that_moved_changes_one_option() -> None:
    found = of(applied(CONFIG), config_of(with_underlay(mesh_of(3, fabric=TREE), host2="10.77.0.22")))

    assert texts(found)[-1] == "gre1 options:remote_ip: 10.77.0.2 → 10.77.0.22"


def test_another_kind_of_tunnel_is_given_up_deleted_and_made_in_one_transaction() -> None:
    found = of(applied(CONFIG), config_of(mesh_of(3, fabric=replace(TREE, tunnel=Tunnel.GENEVE))))

    *leaving, transaction = requests(found, StepName.FABRIC)
    assert leaving == [f"ovs-appctl bfd/set-forwarding {port} false" for port in ("gre1", "gre2")]
    for clause in ("del-port br0 gre1", "del-port br0 gre2", "add-port br0 geneve1", "add-port br0 geneve2"):
        assert clause in transaction
    reasons = {str(change.subject): change.reason for change in found.changes}
    assert reasons["tunnel gre1"] == "geneve1 takes its place: the tunnels are of geneve now"
    assert reasons["tunnel geneve1"] == (
        "in place of gre1, which is gre: no frame passes this tunnel until both ends have it so"
    )


def test_a_key_is_set_changed_and_taken_away_in_place() -> None:
    keyed = config_of(mesh_of(3, fabric=replace(TREE, key=7)))
    host = applied(CONFIG)

    texts_of_keys = [
        next(text for text in texts(of(before, after)) if "key" in text)
        for before, after in (
            (host, keyed),
            (applied(keyed), config_of(mesh_of(3, fabric=replace(TREE, key=8)))),
            (applied(keyed), CONFIG),
        )
    ]

    assert texts_of_keys == ["gre1 options:key: 7", "gre1 options:key: 7 → 8", "gre1 options:key: 7 goes"]
    assert "-- remove interface gre1 options key" in requests(of(applied(keyed), CONFIG), StepName.FABRIC)[-1]


def test_an_address_of_ipv6_does_not_stay_on_a_tunnel_that_goes_by_ipv4() -> None:
    """Open vSwitch 3.5.0 refuses it: 'remote_ip' and 'local_ip' has to be of the same address family."""
    ipv6 = config_of(with_underlay(mesh_of(3, fabric=TREE), host1="fd00::1", host2="fd00::2", host3="fd00::3"))

    found = of(applied(ipv6), CONFIG)

    assert "gre1 options:local_ip: fd00::1 goes" in texts(found)
    assert "-- remove interface gre1 options local_ip" in requests(found, StepName.FABRIC)[-1]


def test_a_tunnel_that_open_vswitch_could_not_make_is_deleted_without_asking_its_bfd() -> None:
    host = applied(config_of(mesh_of(4, fabric=TREE)))
    assert host.ovs is not None
    host.ovs.bridges["br0"].ports["gre3"].interface["error"] = "could not set configuration"

    found = of(host, config_of(without(mesh_of(4, fabric=TREE), "host4")))

    transaction, _ = requests(found, StepName.FABRIC)
    assert "del-port br0 gre3" in transaction


def test_another_spanning_tree_makes_the_bridge_anew_in_a_transaction_of_its_own() -> None:
    found = of(applied(CONFIG), config_of(mesh_of(3, fabric=Fabric(forwarding=Forwarding.STP))))

    drop, build, _ = requests(found, StepName.FABRIC)
    assert drop == "ovs-vsctl --retry --timeout=20 -- --if-exists del-br br0"
    assert "--may-exist add-br br0" in build
    assert "stp_enable=true" in build
    assert "bridge br0: rstp, system datapath → stp, system datapath" in texts(found)
    assert names(found)[-1] is StepName.ATTACH


def test_a_bridge_is_only_ever_made_together_with_its_spanning_tree() -> None:
    transaction, _ = requests(of(installed(CONFIG)), StepName.FABRIC)

    assert transaction.index("add-br br0") < transaction.index("rstp_enable=true")


def test_a_file_of_another_mode_is_written_again() -> None:
    host = applied(CONFIG)
    file = CONFIG.files[0]
    host.files[file.path] = (file.text, 0o600)

    (step,) = of(host).steps

    assert step.requests == (Put(file.path, file.text, 0o644),)


def test_what_the_other_renderer_made_goes() -> None:
    found = of(applied(CONFIG), config_of(mesh_of(3, fabric=replace(TREE, renderer=Renderer.IFUPDOWN))))

    assert [text for text in texts(found) if text.endswith(" goes")] == [
        "/etc/dockmesh/up: a file of ours goes",
        "/etc/systemd/system/dockmesh.service: a file of ours goes",
    ]
    assert "systemctl disable --now dockmesh.service" in requests(found, StepName.FILES)


# Docker's daemon.json


def test_the_users_file_is_kept_beside_with_its_mode() -> None:
    host = installed(CONFIG)
    host.files[DAEMON_JSON] = ('{"dns": ["9.9.9.9"]}', 0o600)

    step = of(host).step(StepName.DOCKER)

    assert step is not None
    assert step.requests[0] == Put(BEFORE, '{"dns": ["9.9.9.9"]}', 0o600)
    assert isinstance(step.requests[1], Put)
    assert step.requests[1].mode == 0o600


def test_a_file_that_is_ours_already_is_not_kept_again() -> None:
    host = applied(CONFIG)

    found = of(host, config_of(mesh_of(4, fabric=TREE)))

    assert f"write {BEFORE}" not in requests(found, StepName.DOCKER)


def test_a_right_file_that_docker_has_not_taken_costs_a_restart_and_no_write() -> None:
    host = installed(CONFIG)
    host.files[DAEMON_JSON] = (alone(CONFIG.daemon).text, 0o644)

    assert requests(of(host), StepName.DOCKER) == [
        "systemctl reset-failed 'docker.*'",
        "systemctl restart docker.service",
    ]


def test_live_restore_is_off_for_the_restart_and_on_after_it() -> None:
    host = installed(CONFIG)
    host.files[DAEMON_JSON] = ('{"live-restore": true}', 0o644)
    assert host.docker is not None
    host.docker.live_restore = True

    step = of(host).step(StepName.DOCKER)

    assert step is not None
    off, _, restart, on, reload = step.restart
    assert isinstance(off, Put)
    assert '"live-restore": false' in off.text
    assert str(restart) == "systemctl restart docker.service"
    assert isinstance(on, Put)
    assert '"live-restore": true' in on.text
    assert str(reload) == "systemctl reload docker.service"


# The datapath


def test_a_kernel_without_open_vswitch_is_refused_before_anything_is_written() -> None:
    facts = replace(bare(CONFIG).facts(), kernel_datapath=False)

    with pytest.raises(DatapathError, match="its kernel has no openvswitch module"):
        diff(CONFIG, facts)


def test_the_datapath_in_userspace_needs_the_underlay_on_a_bridge_of_its() -> None:
    netdev = config_of(mesh_of(3, fabric=Fabric(datapath=Datapath.NETDEV)))

    with pytest.raises(DatapathError) as refused:
        of(installed(CONFIG), netdev)

    assert refused.value.report.answered == "it is on eth0"


@pytest.mark.parametrize("forwarding", [Forwarding.RSTP, Forwarding.STP])
def test_a_switch_that_floods_nothing_beside_a_spanning_tree_is_refused(forwarding: Forwarding) -> None:
    config = config_of(mesh_of(3, fabric=Fabric(forwarding=forwarding)))
    facts = applied(config).facts()

    diff(config, replace(facts, switch_version="3.5.0"))

    with pytest.raises(DatapathError, match=r"Open vSwitch 4\.0\.0 floods nothing to a host while"):
        diff(config, replace(facts, switch_version="4.0.0"))


def test_without_a_spanning_tree_every_version_will_do() -> None:
    config = config_of(mesh_of(3, fabric=Fabric(forwarding=Forwarding.DIRECT)))

    diff(config, replace(applied(config).facts(), switch_version="4.0.0"))


def test_a_switch_that_does_not_run_is_started_before_anything_is_said_of_the_fabric() -> None:
    host = applied(CONFIG)
    host.ovs = None

    found = of(host)

    assert found.step(StepName.SWITCH) is not None
    assert found.step(StepName.FABRIC) is None


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("source /etc/network/interfaces.d/*\n", True),
        ("  source interfaces.d/*.conf\n", True),
        ("source-directory /etc/network/interfaces.d\n", True),
        ("auto lo\niface lo inet loopback\n", False),
        ("# source /etc/network/interfaces.d/*\n", False),
    ],
)
def test_ifupdown_must_read_the_folder_that_we_write_to(text: str, reads: bool) -> None:
    config = config_of(mesh_of(3, fabric=replace(TREE, renderer=Renderer.IFUPDOWN)))
    host = bare(config)
    host.files[INTERFACES_FILE] = (text, 0o644)

    if reads:
        assert of(host, config).step(StepName.FILES) is not None
    else:
        with pytest.raises(HostError, match=r"does not read the files in interfaces\.d"):
            of(host, config)


def test_ifupdown_is_not_brought_onto_a_host_that_something_else_configures() -> None:
    config = config_of(mesh_of(3, fabric=replace(TREE, renderer=Renderer.IFUPDOWN)))
    host = bare(config)
    host.programs.remove("ifup")

    with pytest.raises(HostError, match="not managed by ifupdown"):
        of(host, config)


def test_an_address_that_was_moved_is_taken_away_before_its_own_comes_back() -> None:
    host = applied(CONFIG)
    host.devices["docker0"].addresses = ["172.17.42.99/16", "10.9.9.9/24"]

    commands = requests(of(host), StepName.ATTACH)

    assert commands[0] == "ip address flush dev docker0 to 172.17.42.99/32"
    assert not any("10.9.9.9" in command for command in commands)


def test_an_address_beside_its_own_is_somebodys() -> None:
    host = applied(CONFIG)
    host.devices["docker0"].addresses.append("172.17.42.99/16")

    assert of(host).steps == ()


@pytest.mark.parametrize("device", ["docker0", "br0"])
@pytest.mark.parametrize("address", ["172.17.42.3/32", "172.17.42.2/16", "172.17.192.7/32", "172.17.64.7/32"], ids=str)
def test_an_address_that_the_mesh_gives_to_somebody_else_is_taken_away(device: str, address: str) -> None:
    """Another host's, or one that a container may get, of another host's pool or of its own."""
    host = applied(CONFIG)
    host.devices[device].addresses.append(address)

    found = of(host)

    assert texts(found) == [f"{device} address: {address} goes"]
    assert requests(found, StepName.ATTACH)[0] == f"ip address flush dev {device} to {address.partition('/')[0]}/32"


def test_a_bridge_that_somebody_made_narrower_than_open_vswitch_was_told_is_widened() -> None:
    host = applied(CONFIG)
    host.devices["br0"].mtu = 1280

    assert texts(of(host)) == ["br0 MTU: 1280 → 1462"]


def test_a_key_of_daemon_json_shows_alone() -> None:
    host = applied(CONFIG)
    text, mode = host.files[DAEMON_JSON]
    host.files[DAEMON_JSON] = (text.replace("1462", "1500"), mode)

    assert texts(of(host)) == [f"{DAEMON_JSON}: mtu 1500 → mtu 1462"]


def test_another_address_makes_the_bridge_anew_for_its_mac_address_is_who_it_is_in_the_tree() -> None:
    mesh = mesh_of(3, fabric=TREE)
    mesh = replace(mesh, hosts=(moved(mesh.hosts[0], "172.17.42.9"), *mesh.hosts[1:]))

    found = of(applied(CONFIG), config_of(mesh))

    (change,) = [change for change in found.changes if str(change.subject) == "bridge br0"]
    assert (change.actual or "").endswith("MAC address 0e:6d:ac:11:2a:01")
    assert "its host is cut off until the tunnels are up again" in change.reason


def test_a_restart_names_the_containers_whose_addresses_are_not_in_the_new_pool() -> None:
    facts = applied(CONFIG).facts()
    assert facts.docker is not None
    held = (facts_types.Container("1", "web", "172.17.64.2"), facts_types.Container("2", "db", "172.17.1.2"))
    facts = replace(facts, docker=replace(facts.docker, containers=held))
    smaller = moved(mesh_of(3, fabric=TREE).hosts[0], pool="172.17.0.0/19")

    found = diff(
        config_of(replace(mesh_of(3, fabric=TREE), hosts=(smaller, *mesh_of(3, fabric=TREE).hosts[1:]))), facts
    )

    (change,) = [change for change in found.changes if str(change.subject) == "docker restart"]
    assert change.disturbs == ("web", "db")
    assert change.reason.endswith("outside the new pool, so moved into it: web (172.17.64.2)")


def test_a_peer_that_moved_costs_its_tunnel_only() -> None:
    found = of(applied(CONFIG), config_of(with_underlay(mesh_of(3, fabric=TREE), host2="10.77.0.99")))

    (change,) = [change for change in found.changes if str(change.subject) == "gre1 options:remote_ip"]
    assert change.reason == "the peer is reached there: no frame passes this tunnel until both ends have it so"
    assert names(found) == [StepName.FILES, StepName.FABRIC]


def test_the_tree_gives_up_a_tunnel_before_it_is_deleted() -> None:
    four = mesh_of(4, fabric=TREE)

    found = of(applied(config_of(four)), config_of(without(four, "host4")))

    first, second, _ = requests(found, StepName.FABRIC)
    assert first == "ovs-appctl bfd/set-forwarding gre3 false"
    assert "--if-exists del-port br0 gre3" in second
