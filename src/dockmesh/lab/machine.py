"""One boot of one host: its disk mounted, then this process becomes systemd-nspawn.

Run as `python -m dockmesh.lab.machine DIRECTORY HOST` in a mount namespace of its own: all mounts of the host end with
the last process in it, however that ends, so there is nothing to clean up.
"""

import os
import sys
from pathlib import Path

from dockmesh.lab import cgroup
from dockmesh.lab.command import run
from dockmesh.lab.model import Lab, LabHost
from dockmesh.lab.store import load
from dockmesh.lab.underlay import NETNS_FOLDER

# nspawn's exit status after a `reboot` inside, by its manual.
REBOOTED = 133
# Locks and mounts that nspawn makes here and, when killed, leaves: they would refuse the next start.
NSPAWN_STATE = Path("/run/systemd/nspawn")


def machine_argv(directory: Path, host: str) -> tuple[str, ...]:
    # "slave": a network namespace deleted outside must not live on in a mount in here.
    return ("unshare", "--mount", "--propagation=slave", sys.executable, "-m", __name__, str(directory), host)


def nspawn_argv(lab: Lab, host: LabHost) -> tuple[str, ...]:
    state = lab.state_of(host)
    return (
        *("systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--notify-ready=no"),
        *(f"--machine={lab.mark}-{host.name}", f"--hostname={host.name}", f"--directory={state}/root"),
        f"--network-namespace-path={NETNS_FOLDER / lab.netns_of(host)}",
        # Docker and Open vSwitch on the host are root's: capabilities, key rings (runc), BPF (device rules of cgroup2).
        *("--capability=all", "--system-call-filter=add_key keyctl bpf"),
        *("--bind=/dev/net/tun", f"--bind={state}/docker:/var/lib/docker"),
        *("--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=read-only"),
    )


def nspawn_environment() -> dict[str, str]:
    own = {"SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"}  # /proc/sys/net is the host's own
    if cgroup.is_mixed():
        own |= {"SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE": "1", "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
    return {"PATH": os.environ["PATH"], **own}


def main() -> None:
    lab = load(Path(sys.argv[1]))
    host = lab.host(sys.argv[2])
    state = lab.state_of(host)
    cgroup.enter(cgroup.machine_of(lab, host))
    options = f"lowerdir={lab.image_of(host).root},upperdir={state}/upper,workdir={state}/work"
    run(("mount", "-t", "overlay", "overlay", "-o", options, f"{state}/root"), f"mount the disk of {host.name}")
    NSPAWN_STATE.mkdir(parents=True, exist_ok=True)
    run(("mount", "-t", "tmpfs", "tmpfs", str(NSPAWN_STATE)), "give nspawn a place for its state")
    argv = nspawn_argv(lab, host)
    os.execvpe(argv[0], argv, nspawn_environment())  # noqa: S606  a list, and no shell is wanted


if __name__ == "__main__":
    main()
