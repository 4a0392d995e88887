"""The device that encrypts: whose it is, how it is made, and whether it is set up.

Python's standard library only, Python 3.7 or later.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from dockmesh.agent.programs import run

MARK = "dockmesh="  # before the mesh, in the alias of a device that is a mesh's

if TYPE_CHECKING:
    from typing import Any


def is_ours(device: str) -> bool:
    """By its folder in sysfs: whether a mesh has it, or it was made for one and nobody has come to say so yet."""
    alias = read_line(os.path.join(device, "ifalias"))
    encrypts = os.path.exists(os.path.join(device, "tun_flags")) or (
        read_line(os.path.join(device, "uevent")) == "DEVTYPE=wireguard"
    )
    return encrypts and (not alias or alias.startswith(MARK))


def read_line(path: str) -> str:
    """The first one, without its end; empty where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""


def make(device: str) -> bool:
    """The kernel's, or one for wireguard-go; whether it is there."""
    if run("ip", "link", "add", "dev", device, "type", "wireguard", may_fail=True) is not None:
        return True
    return run("ip", "tuntap", "add", "dev", device, "mode", "tun", "vnet_hdr") is not None


def is_set_up(here: str, settings: dict[str, Any]) -> bool:
    """Whether it has its address, route, MTU and alias, and is up. `here`: its folder in sysfs.

    What is set again is heard as a change, and looked at again: so nothing may look wrong that is right. The alias
    comes from sysfs, as `ip -json -4 address` leaves it out (seen with Debian 13's iproute2).
    """
    device = settings["device"]
    if read_line(os.path.join(here, "ifalias")) != settings["alias"]:
        return False
    links = json.loads(run("ip", "-json", "-4", "address", "show", "dev", device) or "[]")
    route = run("ip", "-4", "route", "show", "exact", settings["prefix"], "dev", device)
    return bool(route) and any(
        link.get("mtu") == settings["mtu"]
        and "UP" in link.get("flags", ())
        and any(each.get("local") == settings["address"] for each in link.get("addr_info", ()))
        for link in links
    )
