"""A number for each host that no other has, and that no host which comes or goes moves."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network

# Open vSwitch takes requests for OpenFlow ports from 1 on and below 0xff00 (ovs-vswitchd.conf.db(5), ofport_request).
MOST = 0xFEFF


def numbers(addresses: Iterable[IPv4Address], prefix: IPv4Network) -> dict[IPv4Address, int]:
    """By bridge address its place in the prefix, which is unique where that has up to 65,279 addresses.

    In larger ones two may meet; then the second, in the order of the addresses, takes the next free number.
    """
    found: dict[IPv4Address, int] = {}
    taken: set[int] = set()
    for address in sorted(addresses):
        number = (int(address) - int(prefix.network_address) - 1) % MOST + 1
        while number in taken:
            number = number % MOST + 1
        taken.add(number)
        found[address] = number
    return found
