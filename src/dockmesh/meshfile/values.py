"""Single values of a mesh file: strict readers that never guess.

A reader takes text and returns the value, or raises `WrongValueError` with the rest of a sentence that begins with what
the value is called.
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from unicodedata import combining, normalize

from dockmesh.meshfile.excerpt import clipped, quoted
from dockmesh.meshfile.explain import LOOKS_LIKE_ADDRESS, Place, WrongValueError, wrong_kind, wrong_value
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.public_names import why_not
from dockmesh.meshfile.tree import Kind, Node, Plain, Scalar, Sequence
from dockmesh.meshfile.types import Located, OrFalse, Schema, Text, Truth, Type, WholeNumber
from dockmesh.model.mesh import UnderlayAddress
from dockmesh.model.tunnel import Tunnel

# RFC 1035 section 2.3.1 and RFC 1123 section 2.1; lower case, as names are compared byte for byte in places.
LABEL_PATTERN = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
# Its last label begins with a letter: no program takes it for an address. It leaves room for names before it.
DOMAIN_PATTERN = rf"({LABEL_PATTERN}\.)*[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?"
MAX_DOMAIN = 100
OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
ADDRESS_PATTERN = rf"({OCTET}\.){{3}}{OCTET}"
# What an IPv6 address is made of; whether it is one is looked at by the reader.
ADDRESS6_PATTERN = r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"
NETWORK_PATTERN = rf"{ADDRESS_PATTERN}/(3[0-2]|[12]?[0-9])"
NETWORK6_PATTERN = rf"{ADDRESS6_PATTERN}/(12[0-8]|1[01][0-9]|[1-9]?[0-9])"
SSH_USER_PATTERN = r"[^\s:\x00-\x1f-][^\s:\x00-\x1f]{0,63}"
SSH_HOST_PATTERN = r"[A-Za-z0-9_:.%-]{1,253}"
# What Linux takes for the name of an interface (net/core/dev.c, dev_valid_name), and no program for an option.
INTERFACE_PATTERN = r"(?!\.{1,2}$)[A-Za-z0-9_.][A-Za-z0-9_.@-]{0,14}"
# The longest path of Linux (limits.h, PATH_MAX) holds 4095 bytes.
MAX_PATH = 4095

LABEL_RULE = (
    "A name has 1 to 63 lower-case letters, digits or hyphens, and begins and ends with no hyphen (a DNS label)."
)


def read_label(value: str) -> str:
    if not re.fullmatch(LABEL_PATTERN, value):
        raise WrongValueError(f"is {quoted(value)}, which is not a valid name", LABEL_RULE + _label_instead(value))
    if re.fullmatch(LOOKS_LIKE_ADDRESS, value):
        raise WrongValueError(
            f"is {quoted(value)}, which programs read as an address",
            f"Put a letter before it: `host{value.removeprefix('0x')}`.",
        )
    return value


def _label_instead(value: str) -> str:
    # Decomposed, an accent is a character of its own and can be left out: "höst" is nearest to "host".
    bare = "".join(char for char in normalize("NFKD", value.lower()) if not combining(char))
    instead = re.sub(r"[^a-z0-9]+", "-", bare)[:63].strip("-")
    return f" Nearest: `{instead}`." if re.fullmatch(LABEL_PATTERN, instead) else ""


def read_domain(value: str) -> str:
    if not re.fullmatch(DOMAIN_PATTERN, value) or len(value) > MAX_DOMAIN:
        raise WrongValueError(
            f"is {quoted(value)}, which is not a domain",
            f"Expected labels of lower-case letters, digits and hyphens with dots between them, such as mesh or "
            f"mesh.example.com, {MAX_DOMAIN} characters at most; or false for no names.",
        )
    if against := why_not(value):
        raise WrongValueError(
            f"is {quoted(value)}, {against}",
            "Take a name that nobody else has, such as mesh or mesh.example.com; or write false for no names.",
        )
    return value


def read_address(value: str) -> IPv4Address:
    try:
        address = ip_address(value)
    except ValueError:
        raise WrongValueError(f"is {quoted(value)}, which is not an IPv4 address", _address_instead(value)) from None
    if isinstance(address, IPv6Address):
        raise WrongValueError("is an IPv6 address", "This version takes IPv4 only, such as 192.0.2.1.")
    return address


def read_address6(value: str) -> IPv6Address:
    try:
        address = IPv6Address(value)
    except ValueError:
        raise WrongValueError(f"is {quoted(value)}, which is not an IPv6 address", _address6_instead(value)) from None
    if address.scope_id:
        raise WrongValueError(
            f"is {quoted(value)}, which has a zone", "Expected an address that other hosts know, too."
        )
    return address


def read_underlay(value: str) -> UnderlayAddress:
    """Of either family."""
    return read_address6(value) if ":" in value else read_address(value)


def _address6_instead(value: str) -> str:
    bare = value.partition("/")[0].removeprefix("[").removesuffix("]")
    try:
        return f"Expected the address alone: {IPv6Address(bare)}."
    except ValueError:
        return "Expected the address itself, such as 2001:db8::1."


def _address_instead(value: str) -> str:
    bare, slash, _ = value.partition("/")
    if slash and re.fullmatch(ADDRESS_PATTERN, bare):
        return f"Expected the address without a prefix length: {bare}."
    without_zeros = ".".join(part.lstrip("0") or "0" for part in value.split("."))
    if re.fullmatch(r"[0-9.]{7,30}", value) and re.fullmatch(ADDRESS_PATTERN, without_zeros):
        return f"Some programs read a leading zero as octal. Write {without_zeros}."
    if re.fullmatch(r"[0-9.]+", value):
        return "Expected four numbers from 0 to 255, such as 192.0.2.1."
    return "Expected the address itself, such as 192.0.2.1: names are not looked up."


def read_network(value: str) -> IPv4Network:
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        raise WrongValueError(
            f"is {quoted(value)}, which is not a network",
            "Expected an IPv4 address, a slash and a prefix length from 0 to 32, such as 172.17.0.0/16.",
        ) from None
    if isinstance(network, IPv6Network):
        raise WrongValueError("is an IPv6 network", "This version takes IPv4 only, such as 172.17.0.0/16.")
    _refuse_part(value, network, NETWORK_PATTERN, "172.17.0.0/16")
    return network


def read_network6(value: str) -> IPv6Network:
    """In whatever way it is written: one address has many in IPv6 (RFC 5952)."""
    try:
        network = IPv6Network(value, strict=False)
    except ValueError:
        raise WrongValueError(
            f"is {quoted(value)}, which is not an IPv6 network",
            "Expected an IPv6 address, a slash and a prefix length from 0 to 128, such as fd00:80::/64.",
        ) from None
    _refuse_part(value, network, NETWORK6_PATTERN, "fd00:80::/64")
    return network


def _refuse_part(value: str, network: IPv4Network | IPv6Network, pattern: str, example: str) -> None:
    address, slash, _ = value.partition("/")
    if not slash:
        raise WrongValueError(
            f"is {quoted(value)}, which has no prefix length", f"Expected a network such as {example}."
        )
    if not re.fullmatch(pattern, value):
        raise WrongValueError(f"is {quoted(value)}, which has no plain prefix length", f"Write {network}.")
    if ip_address(address) != network.network_address:
        raise WrongValueError(
            f"is {quoted(value)}, which is an address inside a network",
            f"The network of that size around it is {network}.",
        )


def read_ssh_user(value: str) -> str:
    if not re.fullmatch(SSH_USER_PATTERN, value) or not value.isprintable():
        raise WrongValueError(
            f"is {quoted(value)}, which is not a user name",
            "A user has up to 64 characters without spaces and colons, and does not begin with a hyphen.",
        )
    return value


def read_ssh_host(value: str) -> str:
    if "@" in value:
        user, _, host = value.rpartition("@")
        raise WrongValueError(
            f"is {quoted(value)}, which holds a user", f"Write {{user: {clipped(user)}, host: {clipped(host)}}}."
        )
    if not re.fullmatch(SSH_HOST_PATTERN, value) or value.startswith("-"):
        raise WrongValueError(
            f"is {quoted(value)}, which is not a host name",
            "Expected a host name, an address or a Host of ssh_config: letters, digits and `. _ - : %`.",
        )
    return value


def read_interface(value: str) -> str:
    if not re.fullmatch(INTERFACE_PATTERN, value):
        raise WrongValueError(
            f"is {quoted(value)}, which is not an interface name",
            "Expected up to 15 letters, digits and `. _ - @`, as `ip link` shows them, such as eth1.",
        )
    return value


class Paths(Type[Located[tuple[Located[str], ...]]]):
    """One path, or a list of them."""

    shown = "path, or list of paths"

    def read(self, node: Node, place: Place, problems: list[Problem]) -> Located[tuple[Located[str], ...]] | None:
        nodes = [each.value for each in node.items] if isinstance(node, Sequence) else [node]
        paths = tuple(
            Located(each.text, each.span) for each in nodes if isinstance(each, Scalar) and each.kind is Kind.TEXT
        )
        if not paths or len(paths) < len(nodes):
            expected = "a folder of .deb files such as debs, or a list of .deb files"
            problems.append(wrong_kind(place, node, expected, quotable=True))
            return None
        for path in (each.value for each in paths):
            if not path or len(path) > MAX_PATH or not path.isprintable():
                hint = "Expected a folder of .deb files such as debs."
                wrong = WrongValueError(f"is {quoted(path)}, which is not a path", hint)
                problems.append(wrong_value(place, wrong, place.span_of(node)))
                return None
        return Located(paths, place.span_of(node), place.subject)

    def made(self, found: Located[tuple[Located[str], ...]]) -> tuple[str, ...]:
        return tuple(path.value for path in found.value)

    def told(self, value: tuple[str, ...]) -> Plain:
        return value[0] if len(value) == 1 else [*value]

    def schema(self) -> Schema:
        paths = {"type": "array", "items": {"type": "string"}, "minItems": 1}
        return {"anyOf": [{"type": "string"}, paths]}


LABEL = Text(
    "name (DNS label)",
    "a name of letters, digits and hyphens",
    read_label,
    f"(?!{LOOKS_LIKE_ADDRESS}$){LABEL_PATTERN}",
    quotable=True,
)
DOMAIN = OrFalse(
    Text(
        "domain name",
        "a domain such as mesh, or false for no names",
        read_domain,
        described={"type": "string", "pattern": f"^{DOMAIN_PATTERN}$", "maxLength": MAX_DOMAIN},
    ),
    "domain name, or `false`",
)
ADDRESS = Text("IPv4 address", "an IPv4 address such as 192.0.2.1", read_address, ADDRESS_PATTERN)
ADDRESS6 = Text("IPv6 address", "an IPv6 address such as fd00:80::1", read_address6, ADDRESS6_PATTERN)
UNDERLAY: Text[UnderlayAddress] = Text(
    "IPv4 or IPv6 address",
    "an IPv4 address such as 192.0.2.1",
    read_underlay,
    described={"type": "string", "anyOf": [{"pattern": f"^{each}$"} for each in (ADDRESS_PATTERN, ADDRESS6_PATTERN)]},
)
NETWORK = Text("IPv4 network", "a network such as 172.17.0.0/16", read_network, NETWORK_PATTERN)
NETWORK6 = Text("IPv6 network", "an IPv6 network such as fd00:80::/64", read_network6, NETWORK6_PATTERN)
SSH_USER = Text("user name", "a user's name such as root", read_ssh_user, SSH_USER_PATTERN, quotable=True)
SSH_HOST = Text(
    "host name or address",
    "a host name, an address or a Host of ssh_config",
    read_ssh_host,
    f"(?!-){SSH_HOST_PATTERN}",
    quotable=True,
)
INTERFACE = Text("interface", "an interface such as eth1", read_interface, INTERFACE_PATTERN, quotable=True)
PATHS = Paths()
TRUTH = Truth()

# RFC 791: no IPv4 network carries less than 576 bytes whole; an IPv4 packet's length has 16 bits.
MTU = WholeNumber(576, 65535, " bytes")
PORT = WholeNumber(1, 65535)
# The larger of the two, the GRE key; what a kind of tunnel has room for is a rule of its own. 0 would be no key to Open
# vSwitch (ovs-vswitchd.conf.db(5), `options:in_key`).
TUNNEL_KEY = WholeNumber(1, Tunnel.GRE.encapsulation.largest_key)
# Open vSwitch takes 1 ms and up (vswitch.xml, `bfd:min_tx`). Its BFD is software: under 10 ms a busy host calls living
# links dead, and past 10 s a user waits half a minute for what BFD is there to notice at once.
BFD_INTERVAL_MS = WholeNumber(10, 10_000, " milliseconds")
# Open vSwitch takes 1 to 255 (vswitch.xml, `bfd:mult`; one octet in RFC 5880 section 4.1) and makes 3 of anything else
# without a word. With 1 a single lost packet cuts a link.
BFD_MULTIPLIER = WholeNumber(2, 255)
# A host has at most as many tunnels as RSTP has ports in Open vSwitch (lib/rstp.h).
DEGREE = WholeNumber(1, 4095)
# IEEE 802.1Q has 12 bits, of which 0 and 4095 mean something else; and 1 is what many a switch means by no tag.
VLAN = WholeNumber(2, 4094)
# Of somebody else's network, where 1 is a tag like any other.
OTHERS_VLAN = WholeNumber(1, 4094)
