"""The addresses where the resolver listens.

systemd keeps the sockets, and what waits in them, while the resolver is started again:

sd_notify(3), sd_listen_fds(3).
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Iterable

PORT = 53
FIRST_FD = 3
# ip(7): bind before the address is there. Python has no name for it.
IP_FREEBIND = 15
# The others look whether this host listens while nobody accepts (tcp(7), net.core.somaxconn: the kernel's own limit).
BACKLOG = 4096
KINDS = (socket.SOCK_DGRAM, socket.SOCK_STREAM)


def tell_systemd(text: str, *sockets: socket.socket) -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    descriptors = array.array("i", [each.fileno() for each in sockets])
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors.tobytes())] if sockets else []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, contextlib.suppress(OSError):
        notify.sendmsg([text.encode()], rights, 0, "\0" + address[1:] if address[0] == "@" else address)


def kept() -> list[socket.socket]:
    """Those that systemd kept for us."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    return [socket.socket(fileno=FIRST_FD + number) for number in range(int(os.environ.get("LISTEN_FDS", "0")))]


# A question has no more bytes (`message.LARGEST_QUESTION`); as the kernel counts, with the header of UDP before it.
LARGEST_DATAGRAM = 4096 + 8
# asm-generic/socket.h; Python has no name for it.
SO_ATTACH_FILTER = 26
# linux/bpf_common.h: load the length, leap if it is greater, return.
LENGTH, IF_GREATER, RETURN = 0x80, 0x25, 0x06
# The kernel gives what it may (net.core.rmem_max, doubled).
ROOM = 4 << 20


def _take_questions_only(udp: socket.socket) -> None:
    """One socket is everybody's: four datagrams of 60 kB would fill it, and the kernel drop the questions of others.

    So it drops the large ones itself (socket(7)), and keeps more of the small ones.
    """
    program = ((LENGTH, 0, 0, 0), (IF_GREATER, 0, 1, LARGEST_DATAGRAM), (RETURN, 0, 0, 0), (RETURN, 0, 0, 0xFFFFFFFF))
    code = array.array("B", b"".join(struct.pack("HBBI", *each) for each in program))
    with contextlib.suppress(OSError):  # what comes through is looked at all the same
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        udp.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(program), code.buffer_info()[0]))


def listen(addresses: Iterable[str], old: Iterable[socket.socket] = ()) -> list[socket.socket]:
    """A socket for UDP and one for TCP at each address; out of the old ones where they are among them.

    Raises OSError, with the address in its words, where somebody else listens.
    """
    found = {(each.type, each.getsockname()[0]): each for each in old if each.family == socket.AF_INET}
    wanted = [(kind, address) for address in addresses for kind in KINDS]
    for key in set(found) - set(wanted):
        found.pop(key).close()
    for kind, address in wanted:
        if (kind, address) not in found:
            found[kind, address] = _bound(kind, address)
        if kind == socket.SOCK_DGRAM:
            _take_questions_only(found[kind, address])
    return [found[key] for key in wanted]


def _bound(kind: socket.SocketKind, address: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, kind)
    try:
        made.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        if kind == socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, PORT))
        if kind == socket.SOCK_STREAM:
            made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise OSError(error.errno, f"{address} port {PORT}: {error.strerror}") from error
    return made


def asking(address: str) -> socket.socket:
    """A socket to ask others from, at this address and any port."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    made.bind((address, 0))
    return made


async def listens(source: str, address: str, patience_s: float) -> bool:
    """Whether a connection to port 53 there comes about. The kernel alone does that; a host that is dead does not."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
            probe.bind((source, 0))
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(probe, (address, PORT)), patience_s)
        except (OSError, asyncio.TimeoutError):
            return False
        return True
