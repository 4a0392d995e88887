"""Where images are kept, and what makes one image another."""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from dockmesh.lab.release import Release

# Count this up when the same names and files would give another image.
RECIPE = 3

# A server after its installation: neither Open vSwitch nor Docker nor bridge-utils.
BARE_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "udev", "openssh-server", "sudo", "ifupdown", "ca-certificates"),
    *("iproute2", "iputils-ping", "iputils-arping", "nftables", "ethtool", "python3", "procps", "kmod", "less"),
)

# What a bare host can install, and a prepared one has.
OFFERED_PACKAGES = (
    *("openvswitch-switch", "docker.io", "docker-cli", "iptables", "bridge-utils", "python3-dnslib"),
    *("stunnel4", "iperf3", "busybox-static", "tcpdump", "wireguard-tools", "wireguard-go"),
)

# Names that a release does not know: there the daemon's package has the client.
NOT_YET = {Release.BOOKWORM: ("docker-cli",)}

IMAGE_FILES = Path(__file__).parent / "image_files"


def image_files() -> dict[str, str]:
    """The lab's own files of the image: path from its root, text."""
    paths = (path for path in IMAGE_FILES.rglob("*") if path.is_file())
    return {str(path.relative_to(IMAGE_FILES)): path.read_text() for path in sorted(paths)}


def offered_packages(release: Release) -> tuple[str, ...]:
    """What a bare host of this release can install."""
    return tuple(name for name in OFFERED_PACKAGES if name not in NOT_YET.get(release, ()))


def image_key(release: Release) -> str:
    made_of = [RECIPE, release, os.uname().machine, BARE_PACKAGES, offered_packages(release), image_files()]
    return sha256(json.dumps(made_of).encode()).hexdigest()[:12]


def cache_folder(release: Release) -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "dockmesh" / "lab" / image_key(release)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold a lock that ends with this process, however that ends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def ensure_folder(folder: Path, build: Callable[[Path], None]) -> Path:
    """Build the folder unless it is there. It is there only when complete: a killed build leaves `….new`."""
    if folder.exists():
        return folder
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not folder.exists():
            new = folder.with_name(f"{folder.name}.new")
            shutil.rmtree(new, ignore_errors=True)
            build(new)
            new.rename(folder)
    return folder
