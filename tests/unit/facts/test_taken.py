from ipaddress import IPv4Interface, IPv4Network

from dockmesh.facts.types import LinuxLink
from dockmesh.facts.underlay import read_taken

ROUTES = """[
 {"dst": "default", "gateway": "10.0.0.1", "dev": "eth0"},
 {"dst": "10.0.0.0/24", "dev": "eth0"},
 {"dst": "198.18.0.0/16", "dev": "dmw-1"},
 {"type": "unreachable", "dst": "198.18.0.0/16", "protocol": "83"},
 {"type": "blackhole", "dst": "10.8.0.0/13"},
 {"dst": "100.64.0.7", "dev": "tailscale0", "table": "52"}
]"""


def link(name: str, address: str) -> LinuxLink:
    return LinuxLink(name, 1500, up=True, mac="", addresses=(IPv4Interface(address),))


def test_what_a_host_has_addresses_in_and_routes_to_is_taken_but_for_an_encryption_of_ours() -> None:
    links = (link("eth1", "192.168.4.1/24"), link("dmw-1", "198.18.42.1/32"))

    assert read_taken(links, ROUTES) == tuple(
        map(IPv4Network, ("10.0.0.0/24", "10.8.0.0/13", "100.64.0.7/32", "192.168.4.0/24"))
    )
