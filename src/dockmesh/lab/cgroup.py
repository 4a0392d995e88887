"""The lab's processes, held in cgroups of its own.

A cgroup is the record of what belongs to whom: the kernel keeps it, whoever is killed in between, and a process
that has only the same number as one of ours is not in it. Writing to `cgroup.kill` (Linux 5.14) ends all of a
subtree at once, forks included.

    dm-<hash>/
    ├── packages
    └── host1/
        ├── supervisor    our process that starts the machine again when it reboots
        └── machine       systemd-nspawn and, below, all that runs on the host
"""

import os
from contextlib import suppress
from pathlib import Path

from dockmesh.errors import LabError
from dockmesh.lab.model import Lab, LabHost
from dockmesh.lab.wait import holds_within

GONE_WITHIN_S = 20


def hierarchies() -> dict[str, list[Path]]:
    """Where cgroup file systems are mounted, by type: `cgroup2` once, `cgroup` once a v1 controller."""
    found: dict[str, list[Path]] = {"cgroup2": [], "cgroup": []}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind in found:
            found[kind].append(Path(place))
    return found


def is_mixed() -> bool:
    """Whether cgroup v1 is in use beside v2; systemd-nspawn then wants to be told which to use."""
    return Path("/sys/fs/cgroup") not in hierarchies()["cgroup2"]


def root_of(mark: str) -> Path:
    v2 = hierarchies()["cgroup2"]
    if not v2:
        raise LabError(
            "no cgroup2 file system is mounted here",
            do="mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified",
        )
    return v2[0] / mark


def supervisor_of(lab: Lab, host: LabHost) -> Path:
    return root_of(lab.mark) / host.name / "supervisor"


def machine_of(lab: Lab, host: LabHost) -> Path:
    return root_of(lab.mark) / host.name / "machine"


def make(group: Path) -> None:
    """Make the group with all controllers that there are: dockerd wants them for its containers.

    Which controllers a v2 hierarchy has depends on what v1 took; none is fine too.
    """
    group.mkdir(parents=True, exist_ok=True)
    top = next(path for path in (group, *group.parents) if path.parent in hierarchies()["cgroup2"])
    between = [path for path in (group.parent, *group.parents) if path == top or top in path.parents]
    for parent in reversed(between):
        for controller in (parent / "cgroup.controllers").read_text().split():
            with suppress(OSError):
                (parent / "cgroup.subtree_control").write_text(f"+{controller}")


def enter(group: Path) -> None:
    """Put this process, and so its children, into the group."""
    make(group)
    (group / "cgroup.procs").write_text(str(os.getpid()))


def is_alive(group: Path) -> bool:
    try:
        return "populated 1" in (group / "cgroup.events").read_text()
    except (FileNotFoundError, OSError):  # the second: removed between open and read
        return False


def kill(group: Path) -> None:
    """SIGKILL for all of the subtree at once, and wait until the last is gone."""
    with suppress(FileNotFoundError):
        (group / "cgroup.kill").write_text("1")
    if not holds_within(lambda: not is_alive(group), GONE_WITHIN_S, interval_s=0.01):
        raise LabError(f"processes in {group} outlive SIGKILL", do=f"look at them: cat {group}/cgroup.procs")


def remove(group: Path) -> None:
    """Remove the empty group, and the shadow of it that systemd-nspawn leaves in v1 hierarchies."""
    mounted = hierarchies()
    below = group.relative_to(mounted["cgroup2"][0])
    for hierarchy in (*mounted["cgroup2"], *mounted["cgroup"]):
        _remove_tree(hierarchy / below)


def _remove_tree(group: Path) -> None:
    with suppress(FileNotFoundError):
        for child in group.iterdir():
            if child.is_dir():
                _remove_tree(child)
        group.rmdir()
