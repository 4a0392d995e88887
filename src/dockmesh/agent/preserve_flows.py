"""Runs a command that restarts Open vSwitch, and then puts the OpenFlow rules of every bridge back.

The database outlives a restart, flows and groups do not; Debian's package does not save them. It is done here and not
from afar, so that a lost connection loses no flow.
Python's standard library only, Python 3.7 or later: this text is sent to hosts that have nothing of ours.
Arguments: the command. Its exit code is ours; 1 if it went well and the flows could not be put back.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

SAVE = "/usr/share/openvswitch/scripts/ovs-save"
PATIENCE_S = 30.0
# A bridge whose flows stand in this file has a guard that is faster, and the two would be in each other's way.
GUARDED, FLOWS = "br0", "/etc/dockmesh/flows"


def ask(argv: list[str]) -> str | None:
    """What it printed, or None if it failed."""
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode() if done.returncode == 0 else None


def has_flows(bridge: str) -> bool:
    """Whether there is more than the one rule that a bridge makes for itself, or a group."""
    flows = ask(["ovs-ofctl", "--no-stats", "dump-flows", bridge])
    groups = ask(["ovs-ofctl", "-O", "OpenFlow13", "dump-groups", bridge])
    return not (is_default(flows or "") and len((groups or "").splitlines()) <= 1)


def is_default(flows: str) -> bool:
    lines = [line.strip() for line in flows.splitlines() if "actions=" in line]
    return lines in ([], ["priority=0 actions=NORMAL"])


def bridges() -> list[str]:
    """Those that have flows to lose."""
    if not os.access(SAVE, os.X_OK):
        return []
    names = (ask(["ovs-vsctl", "--timeout=10", "list-br"]) or "").split()
    return [name for name in names if not (name == GUARDED and os.path.exists(FLOWS)) and has_flows(name)]


def answers(names: list[str]) -> bool:
    return all(ask(["ovs-ofctl", "show", name]) is not None for name in names)


def put_back(script: str, names: list[str]) -> bool:
    end = time.monotonic() + PATIENCE_S
    while not answers(names):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return subprocess.run(["sh", "-e"], input=script.encode(), check=False).returncode == 0


def main(argv: list[str]) -> int:
    names = bridges()
    script = ask([SAVE, "save-flows", *names]) if names else None
    if names and script is None:
        sys.stderr.write(f"could not save the flows of {', '.join(names)}\n")
        return 1
    code = subprocess.run(argv, check=False).returncode
    if script is not None and not put_back(script, names):
        sys.stderr.write(f"could not put back the flows of {', '.join(names)}\n")
        return code or 1
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
