"""What stands in for a host's hardware: a machine that reboots is started again, one that powers off is not.

Run as `python -m dockmesh.lab.supervise DIRECTORY HOST`, away from the terminal.
"""

import subprocess
import sys
from pathlib import Path

from dockmesh.lab import cgroup, underlay
from dockmesh.lab.kinds import machines_of
from dockmesh.lab.model import Lab, LabHost
from dockmesh.lab.store import load


def start_supervisor(lab: Lab, host: LabHost) -> None:
    """Start it as nobody's child: it outlives the command line, and a test run leaves no zombie."""
    with (lab.state_of(host) / "console.log").open("ab") as log:
        argv = ("setsid", "--fork", sys.executable, "-m", __name__, str(lab.directory), host.name)
        subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", check=True)


def supervise(lab: Lab, host: LabHost) -> None:
    cgroup.enter(cgroup.supervisor_of(lab, host))
    machines = machines_of(lab)
    rebooted = True
    while rebooted:
        machines.plug(lab, host)
        status = subprocess.run(machines.boot_argv(lab, host), stdin=subprocess.DEVNULL, check=False).returncode
        rebooted = machines.rebooted(status)
        underlay.unplug(lab, host)
        cgroup.remove(cgroup.machine_of(lab, host))


if __name__ == "__main__":
    _lab = load(Path(sys.argv[1]))
    supervise(_lab, _lab.host(sys.argv[2]))
