"""Whether the kernel merges packets that came in (generic receive offload) before whoever reads a device sees them.

Neither sysfs nor iproute2 tells; ethtool(8) does, a process a device, and the call that it makes is this one.
"""

from __future__ import annotations

import array
import fcntl
import os
import socket
import struct

from dockmesh.agent.processes import answer

DEVICES = "/sys/class/net"
SIOCETHTOOL = 0x8946  # linux/sockios.h
ETHTOOL_GGRO = 0x2B  # linux/ethtool.h
IFREQ_BYTES = 40  # linux/if.h: a name of 16 bytes, then a union; on 32 bits it is shorter, and the kernel reads no more

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def gro(prefix: str) -> dict[str, Any]:
    """`NAME on` or `NAME off`, a line for each device whose name begins so; one that goes meanwhile is left out."""
    names = sorted(name for name in os.listdir(DEVICES) if name.startswith(prefix))
    if not names:
        return answer(0)
    lines = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kernel:
        for name in names:
            try:
                lines.append(f"{name} {'on' if is_on(kernel, name) else 'off'}\n")
            except OSError:
                continue
    return answer(0, "".join(lines))


def is_on(kernel: socket.socket, name: str) -> bool:
    """Struct ethtool_value is a command and a number, which the kernel writes."""
    value = array.array("I", (ETHTOOL_GGRO, 0))
    request = struct.pack("16sP", name.encode(), value.buffer_info()[0])
    fcntl.ioctl(kernel, SIOCETHTOOL, request.ljust(IFREQ_BYTES, b"\0"))
    return bool(value[1])
