"""Networks into a mesh file and out of it: pure, and nothing else of the text changes.

What comes out is read again, and must be the mesh that was there with the network more or less; else it is refused.
"""

from collections.abc import Mapping
from dataclasses import replace

from dockmesh.errors import UsageError
from dockmesh.model import DOCKER_BRIDGE, Host, Network, Seat
from dockmesh.spec.edit import UNCHANGED, by_hand, checked, hosts_of
from dockmesh.spec.excerpt import listed
from dockmesh.spec.imitate import network_lines, seat_lines
from dockmesh.spec.load import parse
from dockmesh.spec.outline import Piece, outline
from dockmesh.spec.source import LINE_BREAK, decode
from dockmesh.spec.splice import LayoutError, append, column, remove

WHAT = "its networks or hosts"


def add_network(file: str, content: bytes, network: Network, seats: Mapping[str, Seat]) -> bytes:
    """The content with the network after those that it has, and what each host on it has there, by the host's name.

    Raises UsageError when the mesh would not hold, or when the layout is one that is not edited here.
    """
    cluster = parse(file, content)
    text = decode(file, content).text
    if network.name in {each.name for each in cluster.networks}:
        raise UsageError(
            f"there is a network {network.name} already",
            answered=_place(file, text, network.name),
            now=UNCHANGED,
            do=f"give the new one another name, or take that one out first: dockmesh network remove {network.name}"
            if network.name != DOCKER_BRIDGE
            else "give the new one another name",
        )
    what = f"cannot put the network {network.name} into {file}"
    try:
        networks = _networks(text)
        text = append(text, networks, network_lines(text, networks, network))
        for name, seat in seats.items():
            text = _with_seat(text, name, seat)
    except LayoutError:
        raise by_hand(file, what, WHAT) from None
    hosts = (
        replace(host, seats=(*host.seats, seats[host.name])) if host.name in seats else host for host in cluster.hosts
    )
    wanted = replace(cluster, further=(*cluster.further, network), hosts=tuple(hosts))
    return checked(file, content, text, wanted, what=what, parts=WHAT)


def _place(file: str, text: str, name: str) -> str | None:
    for each in getattr(outline(text).get("networks"), "items", ()):
        found = each.get("name")
        if found is not None and found.text == name:
            line = len(LINE_BREAK.findall(text[: found.start])) + 1
            return f"in {file}:{line}:{column(text, found.start) + 1}"
    return None


def remove_network(file: str, content: bytes, name: str) -> bytes:
    """The content without the network, and without what hosts have there.

    Raises UsageError for docker0, for a name that the file has not, and when the layout is one that is not edited here.
    """
    cluster = parse(file, content)
    known = [network.name for network in cluster.further]
    if name == DOCKER_BRIDGE:
        raise UsageError(
            f"{DOCKER_BRIDGE} is Docker's own network, and stays as long as the mesh does",
            now=UNCHANGED,
            do="`dockmesh destroy` takes the whole mesh down",
        )
    if name not in known:
        has = f"it has {DOCKER_BRIDGE} and {listed(known, limit=20)}" if known else f"it has {DOCKER_BRIDGE} alone"
        raise UsageError(f"{file} has no network {name}", do=f"choose one that it has: {has}")
    text = decode(file, content).text
    what = f"cannot take the network {name} out of {file}"
    try:
        text = remove(text, _networks(text), 1 + known.index(name))
        for host in cluster.hosts:
            if name in [seat.network for seat in host.seats]:
                text = _without_seat(text, host.name, name)
    except LayoutError:
        raise by_hand(file, what, WHAT) from None
    wanted = replace(
        cluster,
        further=tuple(network for network in cluster.further if network.name != name),
        hosts=tuple(_without(host, name) for host in cluster.hosts),
    )
    return checked(file, content, text, wanted, what=what, parts=WHAT)


def _without(host: Host, name: str) -> Host:
    return replace(host, seats=tuple(seat for seat in host.seats if seat.network != name))


def _networks(text: str) -> Piece:
    networks = outline(text).get("networks")
    if networks is None or not all(item.keys for item in networks.items):
        raise LayoutError
    return networks


def _host(text: str, name: str) -> Piece:
    host = hosts_of(text).get(name)
    if host is None or not host.keys:
        raise LayoutError
    return host


def _with_seat(text: str, name: str, seat: Seat) -> str:
    host = _host(text, name)
    networks = host.get("networks")
    if networks is None:
        return append(text, host, seat_lines(text, host, seat, key="networks"))
    if not networks.keys:
        raise LayoutError
    return append(text, networks, seat_lines(text, networks, seat))


def _without_seat(text: str, name: str, network: str) -> str:
    """With the last entry of a host its key goes, too."""
    host = _host(text, name)
    networks = host.get("networks")
    if networks is None or not networks.keys:
        raise LayoutError
    if len(networks.keys) == 1:
        return remove(text, host, [key.text for key in host.keys].index("networks"))
    return remove(text, networks, [key.text for key in networks.keys].index(network))
