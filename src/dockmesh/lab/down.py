"""A lab taken away, its leftovers too if it was killed: found by mark, never by what they look like."""

import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

from dockmesh.lab import cgroup, store, underlay
from dockmesh.lab.cache import locked
from dockmesh.lab.model import PACKAGES, mark_of
from dockmesh.lab.release import Release
from dockmesh.lab.up import LOCK

# All that a lab writes into its directory; what else is there is somebody's, and stays.
FILES = ("ssh_config", "known_hosts", "key", "key.pub", "dockmesh.yaml", "packages.log", store.FILE, store.DRILL)


def down(directory: Path) -> None:
    """End the lab of this directory and remove its disks and files. Also if the directory itself is gone already."""
    directory = directory.resolve()
    if directory.is_dir():
        with locked(directory / LOCK):
            _stop(directory)
            shutil.rmtree(directory / "hosts", ignore_errors=True)
            for file in (*FILES, *(f"{PACKAGES}/{release}" for release in Release)):
                (directory / file).unlink(missing_ok=True)
            with suppress(OSError):
                (directory / PACKAGES).rmdir()
            (directory / LOCK).unlink()
        with suppress(OSError):  # not empty
            directory.rmdir()
    else:
        _stop(directory)


def _stop(directory: Path) -> None:
    mark = mark_of(directory)
    group = cgroup.root_of(mark)
    cgroup.kill(group)
    cgroup.remove(group)
    for netns in underlay.netns_of_mark(mark):
        # SSH connections of the controller are not in the lab's cgroup, and would keep the network alive.
        for pid in underlay.pids_in(netns):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        underlay.delete_netns(netns)
    store.unregister(directory)
