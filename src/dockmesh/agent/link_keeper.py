"""Keeps interfaces that are attached to networks up, and in Open vSwitch's hands.

At boot, when an interface comes later, and when it goes and comes again. Open vSwitch takes in by itself what comes
under the name of one of its ports; but its datapath in userspace does not see that it is another one than before, so
there the port is recreated. At rest this sleeps: the kernel tells of each device that changes (rtnetlink(7)).
Python's standard library only, Python 3.7 or later. Arguments: the interfaces; with `=BRIDGE` behind it where the
datapath is in userspace.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys

NETLINK_ROUTE, RTMGRP_LINK = 0, 1
IFF_UP = 1
DEVICES = "/sys/class/net"
VSCTL = ("ovs-vsctl", "--timeout=10")
# It is looked this often even if nothing was heard; and so long after something was, as changes come several at once.
LOOK_S, AGAIN_S, CALM_S = 60.0, 1.0, 0.05
SAID: list[str] = []


def number(name: str, what: str, base: int) -> int | None:
    """What the kernel says of a device; None where it is not there."""
    try:
        with open(os.path.join(DEVICES, name, what), encoding="ascii") as file:
            return int(file.read(), base)
    except (OSError, ValueError):
        return None


def run(*argv: str) -> str | None:
    """What it printed; None if it failed, which is told once."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        tell(f"{' '.join(argv)}: {error}")
        return None
    if done.returncode != 0:
        tell(f"{' '.join(argv)}: {done.stderr.strip()}")
        return None
    return done.stdout.strip()


def tell(text: str) -> None:
    if text not in SAID:
        SAID.append(text)
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def put_in_again(interface: str, bridge: str) -> bool:
    """Out and in with what it had, in two transactions: in one Open vSwitch would see no change."""
    marks = run(*VSCTL, "get", "interface", interface, "external_ids")
    mode = run(*VSCTL, "get", "port", interface, "vlan_mode")
    if marks is None or mode is None or run(*VSCTL, "del-port", bridge, interface) is None:
        return False
    added = ("--", "--may-exist", "add-port", bridge, interface, "--", "set", "port", interface, f"vlan_mode={mode}")
    return run(*VSCTL, *added, "--", "set", "interface", interface, f"external_ids={marks}") is not None


class Keeper:
    """Interfaces, and the number that each had when it was seen last."""

    def __init__(self, wanted: list[str]) -> None:
        self.wanted = dict(each.partition("=")[::2] for each in wanted)
        self.seen: dict[str, int] = {}

    def look(self) -> bool:
        """Whether all is well; if not, it must be tried again."""
        return [self.keep(*each) for each in self.wanted.items()].count(False) == 0

    def keep(self, interface: str, bridge: str) -> bool:
        now = number(interface, "ifindex", 10)
        flags = number(interface, "flags", 16)
        if now is None or flags is None:
            return True
        well = bool(flags & IFF_UP) or run("ip", "link", "set", "dev", interface, "up") is not None
        if bridge and self.seen.get(interface, now) != now:
            well = put_in_again(interface, bridge) and well
        if well:
            self.seen[interface] = now
        return well


def main(wanted: list[str]) -> None:
    keeper = Keeper(wanted)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE) as monitor:
        # It listens before it looks: what changes in between is heard.
        monitor.bind((0, RTMGRP_LINK))
        monitor.setblocking(False)
        while True:
            wait_s = LOOK_S if keeper.look() else AGAIN_S
            if select.select([monitor], [], [], wait_s)[0]:
                while select.select([monitor], [], [], CALM_S)[0]:
                    try:
                        monitor.recv(1 << 16)
                    except OSError:
                        break  # so much that some of it was lost: it is looked at once


if __name__ == "__main__":
    main(sys.argv[1:])
