"""The parsers against answers made by hand: shapes that the lab's hosts do not show."""

import json
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface

import pytest

from dockmesh.facts.docker import read_docker
from dockmesh.facts.link import read_links
from dockmesh.facts.ovs import read_bridges, read_version
from dockmesh.facts.system import read_kernel_datapath, read_os_release, read_programs, read_units
from dockmesh.facts.types import Docker, LinuxLink
from dockmesh.facts.underlay import find_underlay, read_default_device

INFO = json.dumps({"ServerVersion": "26.1.5", "LiveRestoreEnabled": True})
NO_BRIDGES = json.dumps([{"rows": []}] * 4)


def docker(network: object = None, containers: object = ()) -> Docker:
    return read_docker(INFO, json.dumps(network) if network else "", json.dumps(containers))


def network(*config: dict[str, str], **options: str) -> dict[str, object]:
    return {"IPAM": {"Config": list(config)}, "Options": options}


# iproute2


def test_the_empty_objects_of_an_older_iproute2_are_no_devices() -> None:
    assert read_links('[{},{"ifname":"eth0","mtu":1500,"flags":["UP"],"ifindex":2},{}]') == (
        LinuxLink(name="eth0", mtu=1500, up=True, mac="", index=2),
    )


def test_a_device_without_linkinfo_is_a_real_one() -> None:
    (eth0,) = read_links('[{"ifindex":2,"ifname":"eth0","flags":[],"mtu":9000,"address":"00:11:22:33:44:55"}]')

    assert (eth0.kind, eth0.up, eth0.mtu) == (None, False, 9000)


def test_linkinfo_without_details_is_read() -> None:
    (device,) = read_links('[{"ifindex":9,"ifname":"dummy0","flags":[],"mtu":1500,"linkinfo":{"info_kind":"dummy"}}]')

    assert (device.kind, device.stp) == ("dummy", False)


def test_lower_up_alone_is_not_up() -> None:
    (device,) = read_links('[{"ifindex":9,"ifname":"x","flags":["BROADCAST","LOWER_UP"],"mtu":1500}]')

    assert not device.up


def test_a_point_to_point_address_without_its_peer_is_read() -> None:
    (tunnel,) = read_links(
        '[{"ifindex":5,"ifname":"tun0","flags":["POINTOPOINT","UP"],"mtu":1400,"link_type":"none","addr_info":'
        '[{"family":"inet","local":"10.8.0.1","address":"10.8.0.2","prefixlen":32,"scope":"global"}]}]'
    )

    assert (tunnel.mac, tunnel.addresses) == ("", (IPv4Interface("10.8.0.1/32"),))


def test_no_answer_is_no_device() -> None:
    assert read_links("") == ()


# Open vSwitch


def test_a_switch_without_bridges_has_none() -> None:
    assert read_bridges(NO_BRIDGES) == ()


def test_a_switch_says_its_version_once_it_has_started() -> None:
    def switch(said: object) -> str:
        return json.dumps([*[{"rows": []}] * 3, {"rows": [{"ovs_version": said}]}])

    assert read_version(switch("3.5.0")) == "3.5.0"
    assert read_version(switch(["set", []])) is None


def bridges(external_ids: dict[str, str]) -> str:
    """A bridge with a bond of two and a trunk of two VLANs."""
    bridge = {
        "name": "br0",
        "ports": ["uuid", "p1"],
        "datapath_type": "",
        "rstp_enable": False,
        "stp_enable": True,
        "fail_mode": "secure",
        "other_config": ["map", []],
        "external_ids": ["map", [*external_ids.items()]],
        "rstp_status": ["map", []],
        "status": ["map", [["stp_root", "1"]]],
    }
    port = {
        "_uuid": ["uuid", "p1"],
        "name": "bond0",
        "interfaces": ["set", [["uuid", "i2"], ["uuid", "i1"]]],
        "tag": ["set", []],
        "vlan_mode": ["set", []],
        "rstp_status": ["map", []],
        "status": ["map", [["stp_state", "forwarding"]]],
    }
    interfaces = [
        {
            "_uuid": ["uuid", f"i{number}"],
            "name": f"eth{number}",
            "type": "",
            "options": ["map", []],
            "bfd": ["map", []],
            "bfd_status": ["map", []],
            "external_ids": ["map", []],
            "error": f"could not open network device eth{number}",
            "mtu_request": ["set", []],
        }
        for number in (1, 2)
    ]
    return json.dumps([{"rows": rows} for rows in ([bridge], [port], interfaces, [])], ensure_ascii=False)


def test_a_bond_has_all_its_interfaces() -> None:
    (bridge,) = read_bridges(bridges({}))

    assert [interface.name for interface in bridge.interfaces] == ["eth1", "eth2"]
    assert bridge.interfaces[0].error == "could not open network device eth1"


def test_stp_has_its_own_column_of_states() -> None:
    (bridge,) = read_bridges(bridges({}))

    assert bridge.tree_status == {"stp_root": "1"}
    assert bridge.interfaces[0].tree_status == {"stp_state": "forwarding"}


@pytest.mark.parametrize("odd", ["a\u2028b", "a\x85b", "", "☃", '"'])
def test_somebodys_odd_external_ids_are_read_as_they_are(odd: str) -> None:
    (bridge,) = read_bridges(bridges({"note": odd}))

    assert bridge.external_ids == {"note": odd}


# Docker


def test_a_daemon_with_its_defaults_has_a_prefix_and_no_pool() -> None:
    daemon = docker(network({"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}))

    assert (daemon.prefix, daemon.gateway) == (IPv4Network("172.17.0.0/16"), "172.17.0.1")
    assert (daemon.pool, daemon.mtu, daemon.live_restore) == (None, None, True)


def test_a_daemon_without_its_default_bridge_has_no_prefix() -> None:
    assert docker().prefix is None


@pytest.mark.parametrize("ipam", [None, {}, {"Config": None}, {"Config": []}])
def test_a_bridge_without_addresses_has_no_prefix(ipam: object) -> None:
    assert docker({"IPAM": ipam, "Options": None}).prefix is None


@pytest.mark.parametrize("ipv6_first", [True, False])
def test_a_default_bridge_with_ipv6_is_read_by_its_ipv4_side(ipv6_first: bool) -> None:
    four = {"Subnet": "172.17.0.0/16", "Gateway": "172.17.42.1", "IPRange": "172.17.64.0/18"}
    six = {"Subnet": "fd00:17::/64", "Gateway": "fd00:17::1"}

    daemon = docker(network(*((six, four) if ipv6_first else (four, six))))

    assert (daemon.gateway, daemon.pool) == ("172.17.42.1", IPv4Network("172.17.64.0/18"))


def test_containers_are_read_with_their_addresses_on_the_default_bridge() -> None:
    rows = [
        {"Id": "2", "Names": ["/web"], "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.64.0"}}}},
        {"Id": "1", "Names": ["/db"], "NetworkSettings": {"Networks": {"blue": {"IPAddress": "10.80.0.2"}}}},
        {"Id": "3", "Names": ["/tool"], "NetworkSettings": {"Networks": {"host": {"IPAddress": ""}}}},
    ]

    found = [(each.name, each.address) for each in docker(containers=rows).containers]

    assert found == [("db", None), ("tool", None), ("web", "172.17.64.0")]


def test_a_container_with_an_alias_of_a_legacy_link_goes_by_its_own_name() -> None:
    (container,) = docker(containers=[{"Id": "1", "Names": ["/web/db", "/db"]}]).containers

    assert container.name == "db"


@pytest.mark.parametrize("names", [None, []])
def test_a_container_that_lost_its_name_goes_by_its_id(names: object) -> None:
    (container,) = docker(containers=[{"Id": "0123456789abcdef", "Names": names}]).containers

    assert container.name == "0123456789ab"


# The system


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('PRETTY_NAME="Ubuntu 24.04.1 LTS"\nNAME="Ubuntu"\n', "Ubuntu 24.04.1 LTS"),
        ("NAME=Fedora\nPRETTY_NAME='Fedora Linux 41'\n", "Fedora Linux 41"),
        ("PRETTY_NAME=Alpine\n", "Alpine"),
        ("", "unknown"),
    ],
)
def test_the_system_goes_by_its_pretty_name(text: str, name: str) -> None:
    assert read_os_release(text) == name


def test_a_unit_that_is_not_there_is_read_as_systemd_says_it() -> None:
    units = read_units("Id=dockmesh.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n\n")

    assert units == {"dockmesh.service": {"LoadState": "not-found", "ActiveState": "inactive", "UnitFileState": ""}}


def test_no_systemd_is_no_unit() -> None:
    assert read_units("") == {}


def test_programs_go_by_their_names() -> None:
    assert read_programs("/usr/sbin/ip\n/usr/bin/python3\n") == {"ip", "python3"}


@pytest.mark.parametrize(
    ("modules", "loadable", "there"),
    [
        ("openvswitch 245760 5 - Live 0x0\n", False, True),
        ("vport_gre 16384 1 openvswitch, Live 0x0\n", False, False),
        ("", True, True),
        ("", False, False),
    ],
)
def test_the_kernel_datapath_is_loaded_or_loadable(modules: str, loadable: bool, there: bool) -> None:
    assert read_kernel_datapath(modules, loadable=loadable) is there


# The underlay


def link(name: str, *addresses: str, mtu: int = 1500) -> LinuxLink:
    return LinuxLink(name, mtu, True, "", addresses=tuple(map(IPv4Interface, addresses)))


LINKS = (link("docker0", "172.17.0.1/16"), link("eth0", "10.0.0.1/24"), link("eth1", "10.1.0.1/24", mtu=9000))


def test_the_address_that_ssh_came_to_is_the_underlay() -> None:
    found = find_underlay(LINKS, "10.1.0.1", "eth0")

    assert found is not None
    assert (found.address, found.mtu, found.device) == (IPv4Address("10.1.0.1"), 9000, "eth1")


def test_where_ssh_came_by_ipv6_the_default_route_tells() -> None:
    found = find_underlay(LINKS, "2001:db8::1", "eth0")

    assert found is not None
    assert found.address == IPv4Address("10.0.0.1")


def test_an_ipv6_address_is_the_underlay_where_it_is_asked_for_or_where_there_is_no_other() -> None:
    six = IPv6Interface("2001:db8::1/64")
    both, alone = (
        LinuxLink("eth0", 1500, True, "", addresses=four, addresses6=(six,)) for four in (LINKS[1].addresses, ())
    )

    asked = find_underlay((both,), "2001:db8::1", "eth0", given=True)
    found = [find_underlay((each,), "2001:db8::1", "eth0") for each in (both, alone)]

    assert asked is not None
    assert asked.address == six.ip
    assert [str(each.address) for each in found if each] == ["10.0.0.1", "2001:db8::1"]


def test_ipv6_addresses_are_read_without_link_local_ones() -> None:
    rows = (
        '{"family":"inet6","local":"fd00::1","prefixlen":64,"scope":"global"},'
        '{"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link"}'
    )

    (device,) = read_links(f'[{{"ifindex":2,"ifname":"eth0","flags":[],"mtu":1500,"addr_info":[{rows}]}}]')

    assert device.addresses6 == (IPv6Interface("fd00::1/64"),)
    assert device.has(IPv6Address("fd00::1"))
    assert not device.has(IPv6Address("fe80::1"))


def test_of_several_addresses_none_is_guessed() -> None:
    assert find_underlay(LINKS, None, None) is None
    assert find_underlay((link("eth0", "10.0.0.1/24", "10.0.0.2/24"),), None, "eth0") is None


def test_loopback_link_local_and_docker_are_no_underlay() -> None:
    links = (link("lo", "127.0.0.1/8"), link("eth0", "169.254.7.7/16"), link("docker0", "172.17.0.1/16"))

    assert find_underlay(links, None, None) is None


@pytest.mark.parametrize(
    ("answer", "device"),
    [
        ('[{"dst":"default","gateway":"10.0.0.254","dev":"eth0","flags":[]}]', "eth0"),
        ("[]", None),
        ("[{}]", None),
        ("", None),
        ('[{"dst":"default","flags":[],"nexthops":[{"via":{"host":"10.0.0.2"},"dev":"eth1","weight":1}]}]', None),
    ],
)
def test_the_device_of_the_default_route(answer: str, device: str | None) -> None:
    assert read_default_device(answer) == device


def test_a_version_of_docker_that_is_too_long_to_be_one_is_refused() -> None:
    with pytest.raises(ValueError, match="a version of 5000 characters"):
        read_docker(json.dumps({"ServerVersion": "9" * 5000}), "", "[]")


def test_a_version_of_docker_without_a_number_keeps_nothing_apart() -> None:
    assert not read_docker(json.dumps({"ServerVersion": "²"}), "", "[]").keeps_ipv6_apart
