"""Further networks on a host: what is made, what is mended, what goes, and what is refused."""

from collections.abc import Callable

import pytest

from dockmesh.diff.host import diff
from dockmesh.diff.types import HostDiff, StepName
from dockmesh.errors import ConflictError
from dockmesh.model.mesh import Datapath, Fabric, Mesh
from dockmesh.render import network
from tests.support.fake_host import Container, Device, FakeHost, applied, installed, network_row
from tests.support.fake_ovs import Bridge, Port
from tests.support.meshes import TREE, mesh_of, with_network
from tests.support.plans import config_of

ALONE = config_of(mesh_of(3, fabric=TREE))
BLUE = config_of(with_network(mesh_of(3, fabric=TREE)))


def of(host: FakeHost, mesh: Mesh | None = None) -> HostDiff:
    config = BLUE if mesh is None else config_of(mesh)
    return diff(config, host.facts(config.flows))


def texts(found: HostDiff) -> list[str]:
    return [change.text() for change in found.changes]


def requests(found: HostDiff, name: StepName) -> list[str]:
    step = found.step(name)
    return [] if step is None else [str(request) for request in step.requests]


def networks_of(host: FakeHost) -> dict[str, dict[str, object]]:
    assert host.docker is not None
    return host.docker.networks


def test_a_network_that_is_as_planned_needs_nothing() -> None:
    assert of(applied(BLUE)).changes == ()


def test_a_new_network_touches_nothing_of_docker0() -> None:
    found = of(applied(ALONE))

    assert [step.name for step in found.steps] == [StepName.FILES, StepName.FABRIC, StepName.NETWORKS]
    words = [word for step in found.steps for request in step.requests for word in str(request).split()]
    assert not {"docker0", "restart", "del-port", "del-br"} & set(words)


def test_a_new_network_is_a_bridge_a_switch_a_patch_and_a_network_of_dockers() -> None:
    found = of(applied(ALONE))

    transaction, _ = requests(found, StepName.FABRIC)
    assert "--may-exist add-br dmv-blue" in transaction
    assert "--may-exist add-port br0 dmp-blue" in transaction
    assert "set port dmp-blue vlan_mode=access tag=20 other_config:rstp-port-admin-edge=true" in transaction
    assert requests(found, StepName.NETWORKS) == [
        "ip link add name dm-blue type bridge",
        "sysctl -q -e -w net/ipv6/conf/dm-blue/accept_ra=0",
        "ip link set dev dm-blue address 02:42:0a:50:2a:01 mtu 1458",
        "ip link set dev dm-blue type bridge stp_state 0 forward_delay 0",
        "ip address replace 10.80.42.1/16 broadcast + dev dm-blue",
        "ip link set dev dm-blue up",
        "ip link set dev dmv-blue master dm-blue up",
        "docker network create --driver bridge --subnet 10.80.0.0/16 --ip-range 10.80.64.0/18 --gateway 10.80.42.1 "
        "--opt com.docker.network.bridge.name=dm-blue --opt com.docker.network.driver.mtu=1458 "
        "--label dockmesh=prod blue",
    ]


def test_an_internal_network_is_one_to_docker() -> None:
    found = of(applied(ALONE), with_network(mesh_of(3, fabric=TREE), internal=True))

    assert "--internal blue" in requests(found, StepName.NETWORKS)[-1]
    assert texts(found)[-1].endswith("MTU 1458, internal")


def test_a_host_that_is_not_on_the_network_gets_nothing_of_it() -> None:
    found = of(applied(ALONE), with_network(mesh_of(3, fabric=TREE), hosts=("host2", "host3")))

    assert found.changes == ()


def test_a_network_that_docker_lost_is_made_again_and_nothing_else() -> None:
    """By `docker network prune`: the bridge stays, as it was there before the network."""
    host = applied(BLUE)
    networks_of(host).clear()

    found = of(host)

    assert texts(found) == ["network blue: 10.80.42.1 of 10.80.0.0/16, pool 10.80.64.0/18, MTU 1458"]
    assert requests(found, StepName.NETWORKS) == [str_of(network.create(BLUE.further[0], BLUE.mesh))]


def str_of(argv: tuple[str, ...]) -> str:
    return " ".join(argv)


def other_pool(host: FakeHost) -> None:
    words = [word.replace("10.80.64.0/18", "10.80.0.0/18") for word in network.create(BLUE.further[0], BLUE.mesh)]
    networks_of(host)["blue"] = network_row("blue", words[3:-1])


def test_a_network_with_another_pool_goes_before_all_hosts_wait_and_comes_after() -> None:
    host = applied(BLUE)
    other_pool(host)

    found = of(host)

    assert [step.name for step in found.steps] == [StepName.LEAVE, StepName.NETWORKS]
    assert texts(found)[0] == "network blue: pool 10.80.0.0/18 → none for a moment"
    assert requests(found, StepName.LEAVE) == ["docker network rm blue"]
    assert requests(found, StepName.NETWORKS)[-1].startswith("docker network create")


def test_a_network_that_must_be_made_anew_is_refused_while_containers_run_on_it() -> None:
    host = applied(BLUE)
    other_pool(host)
    host.containers = [Container("db", network="blue"), Container("web"), Container("old", runs=False, network="blue")]

    with pytest.raises(
        ConflictError, match="running containers on the network blue, which must be recreated: pool 10"
    ) as error:
        of(host)

    assert error.value.report.answered == "db"
    assert "docker network disconnect blue db" in (error.value.report.do or "")


def test_a_network_that_the_file_has_no_more_goes_whole() -> None:
    found = diff(ALONE, applied(BLUE).facts(ALONE.flows))

    assert [step.name for step in found.steps] == [StepName.LEAVE, StepName.FILES, StepName.FABRIC]
    assert requests(found, StepName.LEAVE) == [
        "docker network rm blue",
        "find /sys/class/net -maxdepth 1 -name dm-blue -exec ip link delete dev dm-blue ';'",
        "ovs-vsctl --retry --timeout=20 -- --if-exists del-port br0 dmp-blue -- --if-exists del-br dmv-blue",
    ]


def test_a_network_in_use_that_the_file_has_no_more_is_refused() -> None:
    host = applied(BLUE)
    host.containers = [Container("db", network="blue")]

    with pytest.raises(
        ConflictError, match="running containers on the network blue, which is not in the file any more"
    ):
        diff(ALONE, host.facts(ALONE.flows))


def test_networks_of_others_are_let_alone() -> None:
    host = applied(BLUE)
    networks_of(host)["theirs"] = network_row("theirs", ["--driver", "bridge", "--subnet", "192.168.7.0/24"])
    host.devices["dm-theirs"] = Device(kind="bridge")

    assert of(host).changes == ()


@pytest.mark.parametrize("label", [[], ["--label", "dockmesh=other"]])
def test_a_network_of_the_same_name_that_is_not_ours_is_refused(label: list[str]) -> None:
    host = applied(ALONE)
    networks_of(host)["blue"] = network_row("blue", ["--driver", "bridge", "--subnet", "192.168.7.0/24", *label])

    with pytest.raises(ConflictError, match="has a Docker network blue that is not of this mesh"):
        of(host)


def test_a_network_whose_prefix_overlaps_is_refused() -> None:
    host = applied(ALONE)
    networks_of(host)["theirs"] = network_row("theirs", ["--driver", "bridge", "--subnet", "10.80.7.0/24"])

    with pytest.raises(
        ConflictError, match=r"has a Docker network theirs whose 10\.80\.7\.0/24 overlaps 10\.80\.0\.0/16"
    ):
        of(host)


def test_a_device_of_the_same_name_that_is_not_ours_is_refused() -> None:
    host = applied(ALONE)
    host.devices["dm-blue"] = Device(kind="bridge", addresses=["192.168.9.1/24"])

    with pytest.raises(ConflictError, match="has a network device dm-blue that dockmesh did not make"):
        of(host)


def test_a_switch_of_the_same_name_that_is_not_ours_is_refused() -> None:
    host = installed(BLUE)
    host.answer_with_ovs({"dmv-blue": Bridge(ports={"dmv-blue": Port()})})

    with pytest.raises(ConflictError, match="has an Open vSwitch bridge dmv-blue that is not of this mesh"):
        of(host)


def test_a_bridge_that_docker_made_at_boot_becomes_ours() -> None:
    """Where Docker starts before us it makes the bridge itself, with a MAC address of its own."""
    host = applied(BLUE)
    host.devices["dm-blue"].mac = "02:42:99:99:99:99"
    host.devices["dmv-blue"].master = None

    assert texts(of(host)) == [
        "dm-blue MAC address: 02:42:99:99:99:99 → 02:42:0a:50:2a:01",
        "dmv-blue: in dm-blue",
    ]


def test_another_datapath_makes_the_switch_anew_with_the_fabric() -> None:
    netdev = with_network(mesh_of(3, fabric=Fabric(datapath=Datapath.NETDEV)))
    host = applied(BLUE)
    host.answer_with_ovs({"br-phy": Bridge({"datapath_type": "netdev"}, {"br-phy": Port(), "eth0": Port()})})
    host.devices["br-phy"] = host.devices.pop("eth0")

    found = of(host, netdev)

    drops = [request for request in requests(found, StepName.FABRIC) if "del-br" in request]
    assert [drop.rsplit(" ", 1)[-1] for drop in drops] == ["br0", "dmv-blue"]
    assert "dmv-blue: in dm-blue" in texts(found)


HARMS: dict[str, tuple[Callable[[FakeHost], object], str]] = {
    "another tag": (lambda host: port(host, "br0", "dmp-blue").port.update(tag="30"), "dmp-blue tag: 30 → 20"),
    "a trunk": (lambda host: port(host, "br0", "dmp-blue").port.pop("vlan_mode"), "dmp-blue vlan_mode: access"),
    "the patch is gone": (lambda host: bridge(host, "br0").ports.pop("dmp-blue"), "patch dmp-blue: for blue"),
    "its other end is": (lambda host: bridge(host, "dmv-blue").ports.pop("dmq-blue"), "patch dmq-blue: for blue"),
    "the bridge is down": (lambda host: setattr(host.devices["dm-blue"], "up", False), "dm-blue state: down → up"),
    "the switch is out of it": (lambda host: setattr(host.devices["dmv-blue"], "master", None), "dmv-blue: in dm-blue"),
    "another MTU": (lambda host: setattr(host.devices["dm-blue"], "mtu", 1500), "dm-blue MTU: 1500 → 1458"),
}


def bridge(host: FakeHost, name: str) -> Bridge:
    assert host.ovs is not None
    return host.ovs.bridges[name]


def port(host: FakeHost, on: str, name: str) -> Port:
    return bridge(host, on).ports[name]


@pytest.mark.parametrize("harm", HARMS)
def test_what_somebody_changed_is_seen_and_named(harm: str) -> None:
    do, text = HARMS[harm]
    host = applied(BLUE)
    do(host)

    assert texts(of(host)) == [text]
