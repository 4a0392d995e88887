"""Makes probes (`measure`) and answers them (`serve`): on a host, and in a container with the host's own Python.

Python's standard library only, Python 3.9 or later: this text is sent to hosts that have nothing of ours.
Every wait has a deadline. What it says is JSON; what that means is decided elsewhere.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import select
import socket
import struct
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Result = dict[str, Any]

# Linux's numbers; Python's socket module does not have them all.
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER = 10, 23
IPV6_DONTFRAG = 62
IP_PMTUDISC_PROBE = 3  # DF is set, and the device's MTU is the only limit: what a router once said does not count
ETH_P_ARP = 0x0806
SIOCGIFMTU = 0x8921  # netdevice(7)
SO_MAX_PACING_RATE = 47  # tcp(7); bytes a second

IP_HEADER, IPV6_HEADER, ICMP_HEADER = 20, 40, 8
ECHO_REQUEST, ECHO_REPLY = 8, 0
ECHO_REQUEST_6, ECHO_REPLY_6 = 128, 129
ARP_REQUEST, ARP_REPLY = 1, 2
NOBODY = "0.0.0.0"  # noqa: S104  the sender of an ARP probe (RFC 5227): answers to it are ours alone, not the kernel's

SMALL_PACKET = 64  # bytes
PING_DEADLINE_S = 3.0  # the first packet may wait for ARP
SIZE_DEADLINE_S = 1.5
BULK_DEADLINE_S = 5.0
# A transfer takes so long, and no less: one as fast as it can be fills queues on its way, and then others lose packets.
BULK_S = 0.7
ARP_DEADLINE_S = 3.0
NAME_DEADLINE_S = 3.0
DNS_PORT = 53
PAUSE_S = 0.3  # how long an echo or an ARP probe is waited for before the next is sent
SECOND_OWNER_S = 0.15  # how long a second answer to an ARP probe is waited for
WATCH_S = 1.0  # how often a listener looks whether it is still wanted
TOLD_AT_MOST = 5  # lines about one broadcast: in a storm there are thousands
THREADS = 128


def checksum(message: bytes) -> int:
    """RFC 1071: the complement of the one's complement sum of the 16-bit words."""
    padded = message + b"\0" * (len(message) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo_request(ident: int, sequence: int, packet_size: int, *, version: int = 4) -> bytes:
    """An ICMP echo request that makes an IP packet of `packet_size` bytes. ICMPv6's checksum is the kernel's work."""
    header = IP_HEADER if version == 4 else IPV6_HEADER
    payload = bytes(index & 0xFF for index in range(packet_size - header - ICMP_HEADER))
    if version == 6:
        return struct.pack("!BBHHH", ECHO_REQUEST_6, 0, 0, ident, sequence) + payload
    head = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, ident, sequence)
    return struct.pack("!BBHHH", ECHO_REQUEST, 0, checksum(head + payload), ident, sequence) + payload


def is_reply(packet: bytes, ident: int, sequence: int, *, version: int = 4) -> bool:
    """Whether a packet is the answer to that echo request: a raw socket is shown all ICMP of its peer.

    IPv4's come with their IP header, IPv6's without (ipv6(7)).
    """
    start = (packet[0] & 0x0F) * 4 if version == 4 else 0
    if len(packet) < start + ICMP_HEADER:
        return False
    kind, code, _, its_ident, its_sequence = struct.unpack("!BBHHH", packet[start : start + ICMP_HEADER])
    return bool(
        (kind, code, its_ident, its_sequence) == (ECHO_REPLY if version == 4 else ECHO_REPLY_6, 0, ident, sequence)
    )


def version_of(address: str) -> int:
    return 6 if ":" in address else 4


def open_icmp(address: str) -> socket.socket:
    if version_of(address) == 4:
        opened = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        opened.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
    else:
        opened = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        opened.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, IP_PMTUDISC_PROBE)
        opened.setsockopt(socket.IPPROTO_IPV6, IPV6_DONTFRAG, 1)
    opened.connect((address, 0))
    return opened


def echo(address: str, packet_size: int, deadline_s: float) -> Result:
    """Ping with DF until one answer is there. `ms` None: no answer; `error`: why the last packet did not leave."""
    end = time.monotonic() + deadline_s
    ident, sequence, error = int.from_bytes(os.urandom(2), "big"), 0, None
    with open_icmp(address) as icmp:
        while time.monotonic() < end:
            sequence += 1
            sent_at = time.monotonic()
            try:
                icmp.send(echo_request(ident, sequence, packet_size, version=version_of(address)))
                error = None
                if wait_for_reply(icmp, ident, sequence, min(end, sent_at + PAUSE_S), version=version_of(address)):
                    return {"ms": (time.monotonic() - sent_at) * 1000, "sent": sequence, "error": None}
            except OSError as failure:  # no neighbour, no route: it may come; too long will not change
                error = errno.errorcode.get(failure.errno or 0, str(failure))
                if failure.errno == errno.EMSGSIZE:
                    break
                select.select([], [], [], PAUSE_S)
    return {"ms": None, "sent": sequence, "error": error}


def wait_for_reply(icmp: socket.socket, ident: int, sequence: int, end: float, *, version: int) -> bool:
    while (left := end - time.monotonic()) > 0:
        icmp.settimeout(left)
        try:
            if is_reply(icmp.recv(65535), ident, sequence, version=version):
                return True
        except socket.timeout:  # noqa: UP041  not yet TimeoutError in Python 3.9
            return False
    return False


def is_refused(address: str, packet_size: int) -> bool:
    """Whether this machine itself says that the packet is too long, as it must for TCP to choose its segments."""
    with open_icmp(address) as icmp:
        try:
            icmp.send(echo_request(1, 1, packet_size, version=version_of(address)))
        except OSError as failure:
            return failure.errno == errno.EMSGSIZE
    return False


def upload(address: str, port: int, token: str, payload: bytes, digest: bytes) -> Result:
    """Send full segments over TCP, evenly; the other side answers with the SHA-256 of what it got."""
    began = time.monotonic()
    try:
        with socket.create_connection((address, port), timeout=BULK_DEADLINE_S / 2) as stream:
            stream.settimeout(BULK_DEADLINE_S)
            stream.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, max(1, int(len(payload) / BULK_S)))
            stream.sendall(token.encode() + payload)
            stream.shutdown(socket.SHUT_WR)
            answer = b""
            while part := stream.recv(64):
                answer += part
    except OSError as failure:
        return {"mbit": None, "error": str(failure) or type(failure).__name__}
    if answer != digest:
        return {"mbit": None, "error": "what arrived is not what was sent: its checksum differs"}
    return {"mbit": len(payload) * 8 / 1e6 / (time.monotonic() - began), "error": None}


def reach(target: Result) -> Result:
    """Small packets, the largest one, one too large."""
    address, size = target["address"], target["size"]
    try:
        result: Result = {"name": target["name"], "ping": echo(address, SMALL_PACKET, PING_DEADLINE_S)}
        if result["ping"]["ms"] is not None:
            again = echo(address, SMALL_PACKET, PAUSE_S)["ms"]  # the first had to wait for ARP
            result["ping"]["ms"] = min(result["ping"]["ms"], again or result["ping"]["ms"])
            result["full"] = echo(address, size, SIZE_DEADLINE_S)
            result["refused"] = is_refused(address, size + 1)
    except OSError as failure:  # what keeps one target from being measured keeps no other
        return {"name": target["name"], "ping": {"ms": None, "sent": 0, "error": str(failure)}}
    return result


def arp_probe(mac: bytes, address: str) -> bytes:
    """An Ethernet frame that asks who has the address, in nobody's name."""
    head = b"\xff" * 6 + mac + struct.pack("!HHHBBH", ETH_P_ARP, 1, 0x0800, 6, 4, ARP_REQUEST)
    return head + mac + socket.inet_aton(NOBODY) + b"\0" * 6 + socket.inet_aton(address)


def read_arp_answer(frame: bytes) -> tuple[str, str] | None:
    """Address and MAC of an answer to an ARP probe, else None."""
    if len(frame) < 42 or struct.unpack("!H", frame[20:22])[0] != ARP_REPLY:
        return None
    if socket.inet_ntoa(frame[38:42]) != NOBODY:
        return None
    return socket.inet_ntoa(frame[28:32]), ":".join(f"{byte:02x}" for byte in frame[22:28])


def find_owners(addresses: list[str], device: str) -> list[Result]:
    """Who answers for each address: one question each, and more where nobody does, as any frame may be lost."""
    if not addresses:
        return []
    answers: dict[str, list[str]] = {address: [] for address in addresses}
    asked = dict.fromkeys(addresses, 0)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP)) as packets:
        packets.bind((device, ETH_P_ARP))
        mac = packets.getsockname()[4]
        deadline = time.monotonic() + ARP_DEADLINE_S
        while not all(answers.values()) and time.monotonic() < deadline:
            for address in addresses:
                if not answers[address]:
                    packets.send(arp_probe(mac, address))
                    asked[address] += 1
            pause = time.monotonic() + PAUSE_S
            while not all(answers.values()) and (left := pause - time.monotonic()) > 0:
                hear_arp(packets, answers, left)
        end = time.monotonic() + SECOND_OWNER_S
        while (left := end - time.monotonic()) > 0:
            hear_arp(packets, answers, left)
    return [{"address": address, "asked": asked[address], "macs": answers[address]} for address in addresses]


def hear_arp(packets: socket.socket, answers: dict[str, list[str]], wait_s: float) -> None:
    if select.select([packets], [], [], wait_s)[0]:
        heard = read_arp_answer(packets.recv(2048))
        if heard and heard[0] in answers:
            answers[heard[0]].append(heard[1])


def question(name: str, number: int) -> bytes:
    """A DNS message (RFC 1035, section 4.1) that asks for the IPv4 addresses of a name."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, 1, 1)


def read_addresses(answer: bytes, asked: bytes) -> list[str]:
    """The addresses of an answer that is not larger than 512 bytes, whose names are pointers to the question's."""
    count, place, found = struct.unpack("!H", answer[6:8])[0], len(asked), []
    for _ in range(count):
        kind, _, _, length = struct.unpack("!HHIH", answer[place + 2 : place + 12])
        if kind == 1 and length == 4:
            found.append(socket.inet_ntoa(answer[place + 12 : place + 16]))
        place += 12 + length
    return found


def look_up(server: str, name: str) -> Result:
    """Ask until the name is there: its container has just been started, and a message may be lost."""
    end, error = time.monotonic() + NAME_DEADLINE_S, None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect((server, DNS_PORT))
        except OSError as failure:
            return {"addresses": [], "error": str(failure)}
        while time.monotonic() < end:
            message = question(name, int.from_bytes(os.urandom(2), "big"))
            asking.settimeout(PAUSE_S)
            try:
                asking.send(message)
                answer = asking.recv(512)
                if answer[:2] == message[:2] and len(answer) >= len(message):
                    addresses = read_addresses(answer, message)
                    if addresses:
                        return {"addresses": addresses, "error": None}
                    code = answer[3] & 15
                    error = {0: "it has no address", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}.get(
                        code, f"code {code}"
                    )
                    time.sleep(PAUSE_S / 3)
            except socket.timeout:  # noqa: UP041
                error = "no answer"
            except (OSError, struct.error) as failure:
                error = str(failure)
                time.sleep(PAUSE_S)
    return {"addresses": [], "error": error}


def send_broadcast(order: Result, number: int) -> None:
    """A datagram that every container of the mesh should hear exactly once."""
    if order["broadcast_port"]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            text = f"{order['token']} {order['source']} {number}"
            datagrams.sendto(text.encode(), ("255.255.255.255", order["broadcast_port"]))


def device_mtus() -> dict[str, int]:
    """Asked of the kernel itself: a container's /sys may be mounted from elsewhere, and tell of other devices."""
    mtus = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for _, name in socket.if_nameindex():
            request = struct.pack("16si20x", name.encode(), 0)
            try:
                answer = fcntl.ioctl(any_socket, SIOCGIFMTU, request)
            except OSError:
                continue  # gone in this moment
            mtus[name] = struct.unpack("16si20x", answer)[1]
    return mtus


def measure(order: Result) -> Result:
    """All that is asked, at once. The second broadcast is for the case that the first was lost as any datagram may."""
    payload = os.urandom(order["bulk_bytes"])
    digest = hashlib.sha256(payload).digest()
    broadcast_error = None
    try:
        send_broadcast(order, 1)
    except OSError as failure:
        broadcast_error = str(failure)
    targets = order["targets"]
    owned, arp_error = [], None
    wanted = order.get("names") or {"server": "", "of": {}}
    with ThreadPoolExecutor(max(1, min(THREADS, len(targets) + 1 + len(wanted["of"])))) as pool:
        names = {host: pool.submit(look_up, wanted["server"], name) for host, name in wanted["of"].items()}
        owners = pool.submit(find_owners, order["owners_of"], order["device"])
        results = list(pool.map(reach, targets))
        try:
            owned = owners.result()
        except OSError as failure:
            arp_error = str(failure)
        # Only now the transfers: in their company no ping would tell the time, and ARP would get lost.
        ports = [
            target["port"] if result["ping"]["ms"] is not None else 0
            for target, result in zip(targets, results)  # noqa: B905  not yet in Python 3.9
        ]
        uploads = [
            pool.submit(upload, target["address"], port, order["token"], payload, digest) if port else None
            for target, port in zip(targets, ports)  # noqa: B905
        ]
        for result, running in zip(results, uploads):  # noqa: B905
            result["bulk"] = running.result() if running else None
    if broadcast_error is None:
        send_broadcast(order, 2)
    return {
        "targets": results,
        "owners": owned,
        "arp_error": arp_error,
        "broadcast_error": broadcast_error,
        "mtus": device_mtus(),
        "names": {host: found.result() for host, found in names.items()},
    }


def take_upload(stream: socket.socket, token: bytes) -> None:
    """Answer with the checksum of what comes, if it begins with the token."""
    with stream:
        stream.settimeout(BULK_DEADLINE_S)
        try:
            start = b""
            while len(start) < len(token):
                part = stream.recv(len(token) - len(start))
                if not part:
                    return
                start += part
            if start != token:
                return
            digest = hashlib.sha256()
            while part := stream.recv(65536):
                digest.update(part)
            stream.sendall(digest.digest())
        except OSError:
            return  # the other side sees it, and tells


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def is_alive(pid: int | None) -> bool:
    return pid is None or os.path.exists(f"/proc/{pid}")


def serve(order: Result) -> None:
    """Say `ready PORT`, take uploads, and say `heard SOURCE NUMBER` for each broadcast.

    Ends when the time is up, or with the process `for_pid`.
    """
    end = time.monotonic() + order["lifetime_s"]
    token = order["token"].encode()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((order["bind"], 0))
    listener.listen(128)
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind((order["bind"], order["broadcast_port"]))
    told: dict[bytes, int] = {}
    say(f"ready {listener.getsockname()[1]}")
    while time.monotonic() < end and is_alive(order["for_pid"]):
        for ready in select.select([listener, datagrams], [], [], WATCH_S)[0]:
            if ready is listener:
                stream = listener.accept()[0]
                threading.Thread(target=take_upload, args=(stream, token), daemon=True).start()
                continue
            words = datagrams.recv(2048).split(b" ")
            if len(words) == 3 and words[0] == token and told.get(words[1] + words[2], 0) < TOLD_AT_MOST:
                told[words[1] + words[2]] = told.get(words[1] + words[2], 0) + 1
                say(f"heard {words[1].decode()} {words[2].decode()}")


def main(role: str, order: Result) -> None:
    if role == "serve":
        serve(order)
    else:
        say(json.dumps(measure(order)))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2] if len(sys.argv) > 2 else sys.stdin.read()))
