"""The headers of tunnels, read by hand out of captured bytes: nothing of dockmesh's or Open vSwitch's is believed."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

TRANSPARENT_ETHERNET = 0x6558


@dataclass(frozen=True, slots=True)
class Outer:
    """A packet on the underlay, and what it carries."""

    source: IPv4Address | IPv6Address
    target: IPv4Address | IPv6Address
    size: int  # of the IP packet
    whole: bool  # it is no fragment, and may not become one
    kind: str
    key: int | None  # GRE's, or the VNI
    checksum_right: bool  # of UDP; none at all is right for IPv4
    frame: bytes  # the inner one

    @property
    def inner_size(self) -> int:
        """Of the IP packet inside; 0 for what is no IPv4."""
        return int(struct.unpack("!H", self.frame[16:18])[0]) if self.frame[12:14] == b"\x08\x00" else 0


def packets(capture: bytes) -> Iterator[bytes]:
    """The frames of a pcap file (draft-ietf-opsawg-pcap), in microseconds and the byte order of a PC."""
    assert capture[:4] == b"\xd4\xc3\xb2\xa1", capture[:60]
    place = 24
    while place + 16 <= len(capture):
        length = struct.unpack("<I", capture[place + 8 : place + 12])[0]
        yield capture[place + 16 : place + 16 + length]
        place += 16 + length


def read_outer(frame: bytes) -> Outer | None:
    """None for what carries no tunnel."""
    match struct.unpack("!H", frame[12:14])[0]:
        case 0x0800:
            return _read_ipv4(frame[14:])
        case 0x86DD:
            return _read_ipv6(frame[14:])
    return None


@dataclass(frozen=True, slots=True)
class _Packet:
    """An IP packet behind its header."""

    source: bytes
    target: bytes
    size: int  # with its header
    whole: bool
    protocol: int
    payload: bytes
    pseudo: bytes  # the header that UDP's checksum takes in (RFC 768, RFC 8200)


def _read_ipv4(packet: bytes) -> Outer | None:
    header = (packet[0] & 0x0F) * 4
    size, fragment, protocol = struct.unpack("!2xHxxHxB", packet[:10])
    assert _sum(packet[:header]) == 0xFFFF, "the checksum of the IPv4 header"
    whole = fragment == 0x4000  # DF, no more fragments, offset 0
    pseudo = packet[12:20] + struct.pack("!HH", protocol, size - header)
    return _read(_Packet(packet[12:16], packet[16:20], size, whole, protocol, packet[header:size], pseudo))


def _read_ipv6(packet: bytes) -> Outer | None:
    """A fragment would have a header of its own in between, and carry no tunnel then; routers make none."""
    length, following = struct.unpack("!4xHB", packet[:7])
    pseudo = packet[8:40] + struct.pack("!II", length, following)
    payload = packet[40 : 40 + length]
    return _read(_Packet(packet[8:24], packet[24:40], 40 + length, True, following, payload, pseudo))


def _read(ip: _Packet) -> Outer | None:
    right = True
    match ip.protocol:
        case 47:
            kind, key, frame = "gre", *_read_gre(ip.payload)
        case 17:
            port, length, checksum = struct.unpack("!2xHHH", ip.payload[:8])
            if port not in OVER_UDP:
                return None
            assert length == len(ip.payload)
            right = _sum(ip.pseudo + ip.payload) == 0xFFFF if checksum else len(ip.source) == 4
            kind, reader = OVER_UDP[port]
            key, frame = reader(ip.payload[8:])
        case _:
            return None
    return Outer(ip_address(ip.source), ip_address(ip.target), ip.size, ip.whole, kind, key, right, frame)


def _read_gre(payload: bytes) -> tuple[int | None, bytes]:
    """RFC 2784 and RFC 2890: a bit for a checksum, one for a key, one for a number; all else is zero."""
    flags, protocol = struct.unpack("!HH", payload[:4])
    assert protocol == TRANSPARENT_ETHERNET
    assert flags in (0, 0x2000), hex(flags)
    return (struct.unpack("!I", payload[4:8])[0], payload[8:]) if flags else (None, payload[4:])


def _read_vxlan(payload: bytes) -> tuple[int, bytes]:
    """RFC 7348: the flag of a valid VNI, and the VNI in the upper 24 bits of the second word."""
    flags, vni = struct.unpack("!II", payload[:8])
    assert flags == 0x08000000
    assert vni & 0xFF == 0
    return vni >> 8, payload[8:]


def _read_geneve(payload: bytes) -> tuple[int, bytes]:
    """RFC 8926: version 0, no options, neither critical nor control, Ethernet inside."""
    first, flags, protocol, vni = struct.unpack("!BBHI", payload[:8])
    assert (first, flags, protocol) == (0, 0, TRANSPARENT_ETHERNET)
    return vni >> 8, payload[8:]


# IANA's ports.
OVER_UDP: dict[int, tuple[str, Callable[[bytes], tuple[int, bytes]]]] = {
    4789: ("vxlan", _read_vxlan),
    6081: ("geneve", _read_geneve),
}


def _sum(message: bytes) -> int:
    """RFC 1071."""
    padded = message + b"\0" * (len(message) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total
