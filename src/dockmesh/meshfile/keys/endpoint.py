"""Where the others find a host that is behind a NAT, or whose address changes."""

import re

from dockmesh.meshfile.excerpt import quoted
from dockmesh.meshfile.explain import WrongValueError
from dockmesh.meshfile.types import Text
from dockmesh.meshfile.values import ADDRESS_PATTERN, read_underlay
from dockmesh.model.encryption import DYNAMIC, HostEndpoint

LAST_PORT = 65535
EXPECTED = "dynamic, or an address such as 203.0.113.7 or 203.0.113.7:51821"
# An IPv6 address stands in brackets before a port, as in a URL (RFC 3986, 3.2.2).
IN_BRACKETS = r"\[(?P<address6>[0-9A-Fa-f:.]+)\](:(?P<port6>[0-9]+))?"
WITH_PORT = r"(?P<address>[^:\[\]]+):(?P<port>[0-9]+)"


def read_endpoint(value: str) -> HostEndpoint:
    if value == DYNAMIC:
        return HostEndpoint()
    found = re.fullmatch(f"{IN_BRACKETS}|{WITH_PORT}", value)
    address = (found["address6"] or found["address"]) if found else value
    port = (found["port6"] or found["port"]) if found else None
    if not re.fullmatch(r"[0-9.]+|[0-9A-Fa-f:]+(:[0-9.]+)?", address):
        raise WrongValueError(f"is {quoted(value)}, which is no place", f"Expected {EXPECTED}.")
    if port is not None and not 1 <= int(port) <= LAST_PORT:
        raise WrongValueError(f"is {quoted(value)}, whose port does not exist", f"Expected 1 to {LAST_PORT}.")
    return HostEndpoint(read_underlay(address), int(port) if port else None)


ENDPOINT = Text(
    r"`dynamic` \| address \| address:port",
    EXPECTED,
    read_endpoint,
    described={
        "type": "string",
        "anyOf": [
            {"const": DYNAMIC},
            {"pattern": f"^{ADDRESS_PATTERN}(:[0-9]{{1,5}})?$"},
            {"pattern": r"^(\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$"},
        ],
    },
)
