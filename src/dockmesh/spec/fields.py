"""Single values of a mesh file: strict readers that never guess, and their JSON Schema.

A reader takes what YAML gave and returns the value, or raises PydanticCustomError of one of two types: `WRONG_VALUE`
with the rest of a sentence that starts with the field's name, `WRONG_KIND` with what was expected instead.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, TypeVar
from unicodedata import combining, normalize

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from dockmesh.model import Datapath, Forwarding, Listen, Renderer, Tunnel, UnderlayAddress
from dockmesh.spec.excerpt import clipped, quoted
from dockmesh.spec.nearest import did_you_mean
from dockmesh.spec.public_names import why_not

WRONG_VALUE = "wrong_value"
WRONG_KIND = "wrong_kind"

# RFC 1035 section 2.3.1 and RFC 1123 section 2.1; lower case, as names are compared byte for byte in places.
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
# Programs read these as an address: `ssh 10` goes to 0.0.0.10 (inet_aton(3)).
LOOKS_LIKE_ADDRESS = r"([0-9]+|0x[0-9a-f]*)"
# Its last label begins with a letter: no program takes it for an address. It leaves room for names before it.
DOMAIN = rf"({LABEL}\.)*[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?"
MAX_DOMAIN = 100
OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
ADDRESS = rf"({OCTET}\.){{3}}{OCTET}"
# What an IPv6 address is made of; whether it is one is looked at by `read_underlay`.
ADDRESS6 = r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"
NETWORK = rf"{ADDRESS}/(3[0-2]|[12]?[0-9])"
NETWORK6 = rf"{ADDRESS6}/(12[0-8]|1[01][0-9]|[1-9]?[0-9])"
SSH_USER = r"[^\s:\x00-\x1f-][^\s:\x00-\x1f]{0,63}"
SSH_HOST = r"[A-Za-z0-9_:.%-]{1,253}"

# What Linux takes for the name of an interface (net/core/dev.c, dev_valid_name), and no program for an option.
INTERFACE = r"(?!\.{1,2}$)[A-Za-z0-9_.][A-Za-z0-9_.@-]{0,14}"

# The longest path of Linux (limits.h, PATH_MAX) holds 4095 bytes.
MAX_PATH = 4095

LABEL_RULE = (
    "A name has 1 to 63 lower-case letters, digits or hyphens, and begins and ends with no hyphen (a DNS label)."
)


def wrong_value(says: str, hint: str) -> PydanticCustomError:
    return PydanticCustomError(WRONG_VALUE, "{says}", {"says": says, "hint": hint})


def wrong_kind(expected: str, *, text: bool) -> PydanticCustomError:
    """`text`: quotes would make a valid value of an unquoted number or truth value."""
    return PydanticCustomError(WRONG_KIND, "{expected}", {"expected": expected, "text": text})


def read_label(value: object) -> str:
    if not isinstance(value, str):
        raise wrong_kind("a name of letters, digits and hyphens", text=True)
    if not re.fullmatch(LABEL, value):
        raise wrong_value(f"is {quoted(value)}, which is no valid name", LABEL_RULE + _label_instead(value))
    if re.fullmatch(LOOKS_LIKE_ADDRESS, value):
        raise wrong_value(
            f"is {quoted(value)}, which programs read as an address",
            f"Put a letter before it: `host{value.removeprefix('0x')}`.",
        )
    return value


def _label_instead(value: str) -> str:
    # Decomposed, an accent is a character of its own and can be left out: "höst" is nearest to "host".
    bare = "".join(char for char in normalize("NFKD", value.lower()) if not combining(char))
    instead = re.sub(r"[^a-z0-9]+", "-", bare)[:63].strip("-")
    return f" Nearest: `{instead}`." if re.fullmatch(LABEL, instead) else ""


def read_domain(value: object) -> str | None:
    """A domain name in lower case, or None for `false`."""
    if value is False:
        return None
    if not isinstance(value, str):
        raise wrong_kind("a domain such as mesh, or false for no names", text=False)
    if not re.fullmatch(DOMAIN, value) or len(value) > MAX_DOMAIN:
        raise wrong_value(
            f"is {quoted(value)}, which is no domain",
            f"Expected labels of lower-case letters, digits and hyphens with dots between them, such as mesh or "
            f"mesh.example.com, {MAX_DOMAIN} characters at most; or false for no names.",
        )
    if against := why_not(value):
        raise wrong_value(
            f"is {quoted(value)}, {against}",
            "Take a name that nobody else has, such as mesh or mesh.example.com; or write false for no names.",
        )
    return value


def read_address(value: object) -> IPv4Address:
    if not isinstance(value, str):
        raise wrong_kind("an IPv4 address such as 192.0.2.1", text=False)
    try:
        address = ip_address(value)
    except ValueError:
        raise wrong_value(f"is {quoted(value)}, which is no IPv4 address", _address_instead(value)) from None
    if isinstance(address, IPv6Address):
        raise wrong_value("is an IPv6 address", "This version takes IPv4 only, such as 192.0.2.1.")
    return address


def read_underlay(value: object) -> UnderlayAddress:
    """Of either family."""
    if not isinstance(value, str) or ":" not in value:
        return read_address(value)
    try:
        address = IPv6Address(value)
    except ValueError:
        raise wrong_value(f"is {quoted(value)}, which is no IPv6 address", _address6_instead(value)) from None
    if address.scope_id:
        raise wrong_value(f"is {quoted(value)}, which has a zone", "Expected an address that other hosts know, too.")
    return address


def _address6_instead(value: str) -> str:
    bare = value.partition("/")[0].removeprefix("[").removesuffix("]")
    try:
        return f"An address stands here alone: {IPv6Address(bare)}."
    except ValueError:
        return "Expected the address itself, such as 2001:db8::1."


def _address_instead(value: str) -> str:
    bare, slash, _ = value.partition("/")
    if slash and re.fullmatch(ADDRESS, bare):
        return f"An address stands here without a prefix length: {bare}."
    without_zeros = ".".join(part.lstrip("0") or "0" for part in value.split("."))
    if re.fullmatch(r"[0-9.]{7,30}", value) and re.fullmatch(ADDRESS, without_zeros):
        return f"Some programs read a leading zero as octal. Write {without_zeros}."
    if re.fullmatch(r"[0-9.]+", value):
        return "Expected four numbers from 0 to 255, such as 192.0.2.1."
    return "Expected the address itself, such as 192.0.2.1: names are not looked up."


def read_network(value: object) -> IPv4Network:
    if not isinstance(value, str):
        raise wrong_kind("a network such as 172.17.0.0/16", text=False)
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        raise wrong_value(
            f"is {quoted(value)}, which is no network",
            "Expected an IPv4 address, a slash and a prefix length from 0 to 32, such as 172.17.0.0/16.",
        ) from None
    if isinstance(network, IPv6Network):
        raise wrong_value("is an IPv6 network", "This version takes IPv4 only, such as 172.17.0.0/16.")
    if "/" not in value:
        raise wrong_value(
            f"is {quoted(value)}, which has no prefix length", "Expected a network such as 172.17.0.0/16."
        )
    if not re.fullmatch(NETWORK, value):
        raise wrong_value(f"is {quoted(value)}, which has no plain prefix length", f"Write {network}.")
    if str(network) != value:
        raise wrong_value(
            f"is {quoted(value)}, which is an address inside a network",
            f"The network of that size around it is {network}.",
        )
    return network


def read_address6(value: object) -> IPv6Address:
    if not isinstance(value, str):
        raise wrong_kind("an IPv6 address such as fd00:80::1", text=False)
    try:
        address = IPv6Address(value)
    except ValueError:
        raise wrong_value(f"is {quoted(value)}, which is no IPv6 address", _address6_instead(value)) from None
    if address.scope_id:
        raise wrong_value(f"is {quoted(value)}, which has a zone", "Expected an address that other hosts know, too.")
    return address


def read_network6(value: object) -> IPv6Network:
    """In whatever way it is written: one address has many in IPv6 (RFC 5952)."""
    if not isinstance(value, str):
        raise wrong_kind("an IPv6 network such as fd00:80::/64", text=False)
    try:
        network = IPv6Network(value, strict=False)
    except ValueError:
        raise wrong_value(
            f"is {quoted(value)}, which is no IPv6 network",
            "Expected an IPv6 address, a slash and a prefix length from 0 to 128, such as fd00:80::/64.",
        ) from None
    if "/" not in value:
        raise wrong_value(f"is {quoted(value)}, which has no prefix length", "Expected a network such as fd00:80::/64.")
    if not re.fullmatch(NETWORK6, value):
        raise wrong_value(f"is {quoted(value)}, which has no plain prefix length", f"Write {network}.")
    if IPv6Address(value.partition("/")[0]) != network.network_address:
        raise wrong_value(
            f"is {quoted(value)}, which is an address inside a network",
            f"The network of that size around it is {network}.",
        )
    return network


def read_ssh_user(value: object) -> str:
    if not isinstance(value, str):
        raise wrong_kind("a user's name such as root", text=True)
    if not re.fullmatch(SSH_USER, value) or not value.isprintable():
        raise wrong_value(
            f"is {quoted(value)}, which is no user's name",
            "A user has up to 64 characters without spaces and colons, and does not begin with a hyphen.",
        )
    return value


def read_ssh_host(value: object) -> str:
    if not isinstance(value, str):
        raise wrong_kind("a host name, an address or a Host of ssh_config", text=True)
    if "@" in value:
        user, _, host = value.rpartition("@")
        raise wrong_value(
            f"is {quoted(value)}, which holds a user", f"Write {{user: {clipped(user)}, host: {clipped(host)}}}."
        )
    if not re.fullmatch(SSH_HOST, value) or value.startswith("-"):
        raise wrong_value(
            f"is {quoted(value)}, which is no host name",
            "Expected a host name, an address or a Host of ssh_config: letters, digits and `. _ - : %`.",
        )
    return value


def read_interface(value: object) -> str:
    if not isinstance(value, str):
        raise wrong_kind("an interface such as eth1", text=True)
    if not re.fullmatch(INTERFACE, value):
        raise wrong_value(
            f"is {quoted(value)}, which is no interface's name",
            "Expected up to 15 letters, digits and `. _ - @`, as `ip link` shows them, such as eth1.",
        )
    return value


def read_paths(value: object) -> tuple[str, ...]:
    """One path, or a list of them."""
    given = value if isinstance(value, list) else [value]
    paths = [path for path in given if isinstance(path, str)]
    if not paths or len(paths) < len(given):
        raise wrong_kind("a folder of .deb files such as debs, or a list of .deb files", text=True)
    for path in paths:
        if not path or len(path) > MAX_PATH or not path.isprintable():
            raise wrong_value(f"is {quoted(path)}, which is no path", "Expected a folder of .deb files such as debs.")
    return tuple(paths)


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A reader of whole numbers from `low` to `high`, both allowed; `unit` is for people."""

    low: int
    high: int
    unit: str

    def __call__(self, value: object) -> int:
        # `bool` is an `int` to Python and never to a person.
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong_kind(f"{self}, in plain decimal digits", text=False)
        if not self.low <= value <= self.high:
            size = "small" if value < self.low else "large"
            raise wrong_value(f"is {value}, which is too {size}", f"Expected {self}.")
        return value

    def __str__(self) -> str:
        return f"a whole number from {self.low} to {self.high}{self.unit}"

    def schema(self) -> WithJsonSchema:
        return WithJsonSchema({"type": "integer", "minimum": self.low, "maximum": self.high})


Choice = TypeVar("Choice", bound=StrEnum)


def read_choice(value: object, choices: type[Choice]) -> Choice:
    """The member of `choices` that has this name."""
    names = [choice.value for choice in choices]
    has = f"This version has {_joined(names, 'and')}."
    if not isinstance(value, str):
        raise wrong_kind(_joined(names, "or"), text=False)
    if value not in names:
        raise wrong_value(f"is {quoted(value)}, which does not exist", has + did_you_mean(value, names))
    return choices(value)


def _joined(names: list[str], word: str) -> str:
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last


# RFC 791: no IPv4 network carries less than 576 bytes whole; an IPv4 packet's length has 16 bits.
UNDERLAY_MTU = WholeNumber(576, 65535, " bytes")
PORT = WholeNumber(1, 65535, "")
# The larger of the two, the GRE key; what a kind of tunnel has room for is a rule of its own. 0 would be no key to Open
# vSwitch (ovs-vswitchd.conf.db(5), `options:in_key`).
KEY = WholeNumber(1, Tunnel.GRE.largest_key, "")
# Open vSwitch takes 1 ms and up (vswitch.xml, `bfd:min_tx`). Its BFD is software: under 10 ms a busy host calls living
# links dead, and past 10 s a user waits half a minute for what BFD is there to notice at once.
BFD_INTERVAL_MS = WholeNumber(10, 10_000, " milliseconds")
# Open vSwitch takes 1 to 255 (vswitch.xml, `bfd:mult`; one octet in RFC 5880 section 4.1) and makes 3 of anything else
# without a word. With 1 a single lost packet cuts a link.
BFD_MULTIPLIER = WholeNumber(2, 255, "")
# A host has at most as many tunnels as RSTP has ports in Open vSwitch (lib/rstp.h).
DEGREE = WholeNumber(1, 4095, "")


# IEEE 802.1Q has 12 bits, of which 0 and 4095 mean something else; and 1 is what many a switch means by no tag.
VLAN = WholeNumber(2, 4094, "")
# Of somebody else's network, where 1 is a tag like any other.
OTHERS_VLAN = WholeNumber(1, 4094, "")


def read_truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise wrong_kind("true or false", text=False)
    return value


def _tunnel(value: object) -> Tunnel:
    return read_choice(value, Tunnel)


def _forwarding(value: object) -> Forwarding:
    return read_choice(value, Forwarding)


def _datapath(value: object) -> Datapath:
    return read_choice(value, Datapath)


def _renderer(value: object) -> Renderer:
    return read_choice(value, Renderer)


def _listen(value: object) -> Listen:
    return read_choice(value, Listen)


def _pattern(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


LabelField = Annotated[str, PlainValidator(read_label), _pattern(f"(?!{LOOKS_LIKE_ADDRESS}$){LABEL}")]
DomainField = Annotated[
    str | None,
    PlainValidator(read_domain),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": f"^{DOMAIN}$", "maxLength": MAX_DOMAIN}, {"const": False}]}
    ),
]
UnderlayField = Annotated[
    UnderlayAddress,
    PlainValidator(read_underlay),
    WithJsonSchema({"type": "string", "anyOf": [{"pattern": f"^{ADDRESS}$"}, {"pattern": f"^{ADDRESS6}$"}]}),
]
AddressField = Annotated[IPv4Address, PlainValidator(read_address), _pattern(ADDRESS)]
NetworkField = Annotated[IPv4Network, PlainValidator(read_network), _pattern(NETWORK)]
Address6Field = Annotated[IPv6Address | None, PlainValidator(read_address6), _pattern(ADDRESS6)]
Network6Field = Annotated[IPv6Network | None, PlainValidator(read_network6), _pattern(NETWORK6)]
OptionalNetworkField = Annotated[IPv4Network | None, PlainValidator(read_network), _pattern(NETWORK)]
SshUserField = Annotated[str | None, PlainValidator(read_ssh_user), _pattern(SSH_USER)]
SshHostField = Annotated[str | None, PlainValidator(read_ssh_host), _pattern(f"(?!-){SSH_HOST}")]
InterfaceField = Annotated[str, PlainValidator(read_interface), _pattern(INTERFACE)]
TunnelField = Annotated[Tunnel, BeforeValidator(_tunnel)]
ForwardingField = Annotated[Forwarding, BeforeValidator(_forwarding)]
DatapathField = Annotated[Datapath, BeforeValidator(_datapath)]
RendererField = Annotated[Renderer, BeforeValidator(_renderer)]
ListenField = Annotated[Listen, BeforeValidator(_listen)]
PathsField = Annotated[
    tuple[str, ...],
    PlainValidator(read_paths),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]},
    ),
]
UnderlayMtuField = Annotated[int, PlainValidator(UNDERLAY_MTU), UNDERLAY_MTU.schema()]
PortField = Annotated[int | None, PlainValidator(PORT), PORT.schema()]
KeyField = Annotated[int | None, PlainValidator(KEY), KEY.schema()]
BfdIntervalField = Annotated[int, PlainValidator(BFD_INTERVAL_MS), BFD_INTERVAL_MS.schema()]
BfdMultiplierField = Annotated[int, PlainValidator(BFD_MULTIPLIER), BFD_MULTIPLIER.schema()]
DegreeField = Annotated[int, PlainValidator(DEGREE), DEGREE.schema()]
VlanField = Annotated[int | None, PlainValidator(VLAN), VLAN.schema()]
OthersVlanField = Annotated[int | None, PlainValidator(OTHERS_VLAN), OTHERS_VLAN.schema()]
TruthField = Annotated[bool, PlainValidator(read_truth), WithJsonSchema({"type": "boolean"})]
