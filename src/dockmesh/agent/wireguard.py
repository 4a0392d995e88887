"""Keeps the WireGuard device of this host, that all tunnels go through: makes it, and makes it again when it is lost.

First come two locks. A route makes the addresses inside unreachable but by the device, so that nothing is sent to them
in clear while there is none; and rules of nftables drop what comes or goes for them by any other way. The address
inside comes after them: tunnels end in it, and send nothing as long as it is not there. Where the kernel has no
WireGuard, wireguard-go runs as a child, on a device that outlives it.
At rest it sleeps. The kernel tells of each device, route and rule that changes, and of a child that ends.
Python's standard library only, Python 3.7 or later. Arguments: a file with its settings in JSON, below a line of marks;
the device and the prefix, which are locked even where that file cannot be read.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from dockmesh.agent.learned import LearnedEndpoints
from dockmesh.agent.netlink import LINKS, NETLINK_NETFILTER, NETLINK_ROUTE, POLICIES, ROUTES, RULES, monitor
from dockmesh.agent.preshared import Preshared, clear, read_handshakes
from dockmesh.agent.programs import run
from dockmesh.agent.telling import SAID, forget, say, say_once, tell_systemd
from dockmesh.agent.wireguard_device import is_ours, is_set_up, make
from dockmesh.agent.wireguard_locks import Locks, let_go
from dockmesh.agent.wireguard_settings import configuration, key_of, read_settings, without_key

KEYS = "/var/lib/dockmesh/keys"
# As long as one of these is there, a run may be rolled back (`commit_confirm`).
UNCONFIRMED = ("/var/lib/dockmesh/armed.json", "/var/lib/dockmesh/returning.json")
DEVICES = "/sys/class/net"
SOCKETS = "/run/wireguard"
REVERSE_PATH = "/proc/sys/net/ipv4/conf/{}/rp_filter"
# It is looked this often even if nothing was heard; and so long after something was, as changes come several at once.
LOOK_S, PENDING_S, AGAIN_S, CALM_S = 60.0, 5.0, 1.0, 0.05
PATIENCE_S, START_S, POLL_S = 10.0, 5.0, 0.02

if TYPE_CHECKING:
    from typing import Any


class DeviceKeeper:
    """The device, as the file says it is to be."""

    def __init__(self, path: str, device: str, prefix: str) -> None:
        self.path = path
        # Until the file was read it is known what to lock, and no more.
        self.settings: dict[str, Any] = {"device": device, "prefix": prefix}
        self.locks = Locks()
        self.encrypting = False  # whether the device was as it should be when it was looked last
        self.child: subprocess.Popen[bytes] | None = None
        self.childs_end: int | None = None  # a pipe that nobody writes to, and that ends with the child
        self.given: str | None = None  # what the device has been told; None: it must be told
        self.preshared = Preshared(KEYS)
        self.learned = LearnedEndpoints()
        self.forgot = False  # the device is another than that which learned them

    @property
    def device(self) -> str:
        return str(self.settings["device"])

    def look(self) -> bool:
        """Put right what is not as it should be; whether all is well. If not, it must be tried again."""
        try:
            with open(self.path, encoding="utf-8") as file:
                self.settings = read_settings(file)
        except (OSError, ValueError, TypeError) as error:
            # What was read before, or the arguments, still say what to lock.
            say_once(f"cannot read {self.path}: {error}; run `dockmesh apply`")
            self.locks.close(self.settings)
            self.encrypting = self.encrypting and os.path.exists(os.path.join(DEVICES, self.device))
            return False
        # Nothing is taken in clear meanwhile. Without the rules the device is kept all the same.
        guarded = self.locks.close(self.settings)
        self.encrypting = self.locks.closed and self.there() and self.tell() and self.address()
        well = self.encrypting and guarded
        if not any(map(os.path.exists, UNCONFIRMED)):
            clear(KEYS, time.time())
        if well:
            forget()
            self.remember()
        return well

    def state(self, well: bool) -> str:
        """For systemd, and for `dockmesh status`, which reads it (verify/encryption.py)."""
        why = " ".join(SAID[-1].split()) if SAID else "not yet"
        if not self.encrypting:
            return f"not encrypting: {why}"
        names = without_key(self.settings, self.preshared)
        keyless = f"; no key with: {', '.join(names)}" if names else ""
        return f"encrypting{keyless}" if well else f"encrypting{keyless}; trouble: {why}"

    def remember(self) -> None:
        peers = self.settings["peers"]
        if any("endpoint" not in peer for peer in peers):
            self.learned.remember(run("wg", "show", self.device, "endpoints") or "", peers)

    @property
    def wait_s(self) -> float:
        """For how long it may sleep where all is well."""
        peers = self.settings.get("peers", ())
        return PENDING_S if self.preshared.pending(peer["name"] for peer in peers) else LOOK_S

    def there(self) -> bool:
        """The device, and who encrypts at it."""
        here = os.path.join(DEVICES, self.device)
        if not os.path.exists(here):
            self.given, self.forgot = None, True
            if self.child is not None:
                self.end_child()
            if not make(self.device):
                return False
        elif not is_ours(here):
            say_once(f"a device {self.device} is not dockmesh's: rename it, `ip link set {self.device} down name NEW`")
            return False
        if not os.path.exists(os.path.join(here, "tun_flags")):
            return True
        return (self.child is not None and self.child.poll() is None) or self.start()

    def start(self) -> bool:
        """A socket that a dead one left would take what is told, and nobody would hear it."""
        self.given, self.forgot = None, True
        self.end_child()
        path = os.path.join(SOCKETS, f"{self.device}.sock")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.childs_end, held = os.pipe()
        try:
            self.child = subprocess.Popen(
                ("wireguard-go", "--foreground", self.device),
                env={**os.environ, "LOG_LEVEL": "error"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(held,),
            )
        except OSError as error:
            say_once(f"the kernel has no WireGuard, and wireguard-go does not start: {error}")
            self.end_child()  # else the end of its pipe would be heard at once, for ever
            return False
        finally:
            os.close(held)
        end = time.monotonic() + START_S
        while not os.path.exists(path):
            if self.child.poll() is not None or time.monotonic() > end:
                say_once("wireguard-go does not listen")
                self.end_child()
                return False
            time.sleep(POLL_S)
        return True

    def end_child(self) -> None:
        if self.childs_end is not None:
            os.close(self.childs_end)
            self.childs_end = None
        if self.child is not None:
            self.child.terminate()
            try:
                self.child.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
            self.child = None

    def tell(self) -> bool:
        """Its keys and peers: by standard input, where nobody sees them."""
        peers = {peer["name"]: peer["public"] for peer in self.settings["peers"]}
        if self.preshared.pending(peers):
            said = run("wg", "show", self.device, "latest-handshakes") or ""
            own = key_of("public", KEYS) or ""
            self.preshared.choose(own, peers, read_handshakes(said), time.time())
        wanted = configuration(self.settings, self.preshared)
        if wanted is None:
            say_once("this host has no private key: run `dockmesh apply`")
            return False
        if wanted == self.given:
            self.preshared.told(time.time())
            return True
        if run("wg", "syncconf", self.device, "/dev/stdin", text=wanted, secret=True) is None:
            return False
        self.preshared.told(time.time())
        for name in without_key(self.settings, self.preshared):
            say(f"no preshared key with {name}, so it is no peer: run `dockmesh apply` with both hosts")
        self.given = wanted
        if self.forgot:
            self.forgot = False
            for arguments in self.learned.arguments():
                run("wg", "set", self.device, *arguments)
        return True

    def address(self) -> bool:
        """After each start of wireguard-go, too, which gives its device another MTU."""
        device, address, prefix = self.device, self.settings["address"], self.settings["prefix"]
        up = (
            "ip",
            "link",
            "set",
            "dev",
            device,
            "mtu",
            str(self.settings["mtu"]),
            "alias",
            self.settings["alias"],
            "up",
        )
        if is_set_up(os.path.join(DEVICES, device), self.settings):
            return let_go(self.settings)
        try:
            # Strict, the kernel drops what comes in where two devices take turns; loose, where one has no address.
            with open(REVERSE_PATH.format(device), "w", encoding="ascii") as file:
                file.write("0")
        except OSError as error:
            say_once(f"cannot set rp_filter of {device}: {error}")
        return (
            run(*up) is not None
            and run("ip", "address", "replace", f"{address}/32", "dev", device) is not None
            and run("ip", "route", "replace", prefix, "dev", device, "src", address) is not None
            and let_go(self.settings)
        )


def quiet(heard: list[socket.socket], child: int | None, wait_s: float) -> bool:
    """Wait so long; whether nothing was heard. What was is not read: it is looked, whatever it says."""
    waited: list[socket.socket | int] = [*heard, *([] if child is None else [child])]
    ready, _, _ = select.select(waited, [], [], wait_s)
    for each in (each for each in ready if isinstance(each, socket.socket)):
        with contextlib.suppress(OSError):  # all of it was read, or so much came that some was lost
            while each.recv(1 << 16):
                pass
    return not ready


def end(*_: object) -> None:
    sys.exit(0)


def main(path: str, device: str, prefix: str) -> None:
    """See the module. At its end the device stays: what goes through it goes on, where the kernel encrypts."""
    signal.signal(signal.SIGTERM, end)
    keeper = DeviceKeeper(path, device, prefix)
    told, tells = socket.socketpair()
    told.setblocking(False)
    tells.setblocking(False)
    signal.signal(signal.SIGHUP, lambda *_: None)
    signal.set_wakeup_fd(tells.fileno())
    # It listens before it looks: what changes in between is heard.
    heard = [monitor(NETLINK_ROUTE, LINKS | ROUTES | POLICIES), monitor(NETLINK_NETFILTER, RULES), told]
    try:
        while True:
            well = keeper.look()
            # Who waits for it may send to the addresses inside from then on.
            ready = "READY=1\n" if keeper.locks.closed else ""
            tell_systemd(f"{ready}WATCHDOG=1\nSTATUS={keeper.state(well)}")
            if quiet(heard, keeper.childs_end, keeper.wait_s if well else AGAIN_S):
                # What somebody told the device nobody hears of. It keeps its sessions.
                keeper.given = None
            else:
                until = time.monotonic() + 10 * CALM_S
                while time.monotonic() < until and not quiet(heard, None, CALM_S):
                    pass
    finally:
        keeper.end_child()
