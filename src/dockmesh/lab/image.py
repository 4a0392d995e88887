"""The hosts' images and the package folder that serves them, built once."""

import json
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from dockmesh.lab.cache import (
    BARE_PACKAGES,
    IMAGE_FILES,
    OFFERED_PACKAGES,
    SUITE,
    cache_folder,
    ensure_folder,
    image_files,
)
from dockmesh.lab.command import run

Say = Callable[[str], None]

APT_SOURCES = Path("/etc/apt")
# Of this machine's apt settings these are needed to reach its sources, whatever they are.
APT_SETTINGS = re.compile(r'^Acquire::(?:Check-|Retries|https?::).* "[^"]+";$')

# mmdebstrap dies with us, children included, and so do its mounts: removing a half-built tree must not meet them.
LEASH = (
    *("setpriv", "--pdeathsig=KILL"),
    *("unshare", "--mount", "--propagation=slave", "--pid", "--mount-proc", "--fork", "--kill-child"),
)

# Work that a server in a lab need not do.
MASKED_UNITS = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer"),
    *("console-getty.service", "sshd-keygen.service", "systemd-firstboot.service"),
)


@dataclass(frozen=True, slots=True)
class Image:
    root: Path
    packages: Path


def ensure_image(*, prepared: bool, say: Say) -> Image:
    """The image and the package folder, from the cache or built now."""
    folder = cache_folder()
    with ThreadPoolExecutor() as pool:
        wanted = pool.submit(_ensure_tree, "prepared", (*BARE_PACKAGES, *OFFERED_PACKAGES), say) if prepared else None
        bare = _ensure_tree("bare", BARE_PACKAGES, say)
        packages = ensure_folder(folder / "packages", partial(_download, tree=bare, packages=OFFERED_PACKAGES, say=say))
        return Image(root=wanted.result() if wanted else bare, packages=packages)


def ensure_offers(tree: Path, packages: tuple[str, ...], say: Say) -> Path:
    """A folder with other packages, for hosts of this image, from the cache or downloaded now."""
    key = sha256(json.dumps([tree.name, packages]).encode()).hexdigest()[:8]
    folder = tree.parent / f"packages-{key}"
    return ensure_folder(folder, partial(_download, tree=tree, packages=packages, say=say))


def _ensure_tree(flavour: str, packages: tuple[str, ...], say: Say) -> Path:
    return ensure_folder(cache_folder() / flavour, partial(bootstrap, flavour=flavour, packages=packages, say=say))


def bootstrap(tree: Path, flavour: str, packages: tuple[str, ...], say: Say) -> None:
    """A Debian tree of these packages, made a lab host."""
    say(f"building the {flavour} image: Debian {SUITE}, {len(packages)} packages and what they depend on (once)")
    # No initrd for the kernel that a tree may have: it would take a minute, and the lab makes its own.
    run(
        (
            *("env", "INITRD=No", *LEASH),
            *("mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory"),
            *(f"--aptopt={setting}" for setting in _apt_settings()),
            f"--include={','.join(packages)}",
            *(SUITE, str(tree), *map(str, _apt_sources())),
        ),
        f"build the {flavour} image",
        do="look whether `apt-get update` works on this machine",
    )
    _furnish(tree)
    say(f"the {flavour} image is ready")


def _apt_sources() -> list[Path]:
    """This machine's own sources of the suite; without any mmdebstrap takes Debian's."""
    folder = APT_SOURCES / "sources.list.d"
    candidates = [APT_SOURCES / "sources.list", *sorted(folder.glob("*.list")), *sorted(folder.glob("*.sources"))]
    return [file for file in candidates if file.is_file() and re.search(rf"\b{SUITE}\b", file.read_text())]


def _apt_settings() -> list[str]:
    dump = run(("apt-config", "dump", "--format", '%f "%v";%n'), "read this machine's apt settings")
    return [line for line in dump.splitlines() if APT_SETTINGS.match(line)]


def _furnish(tree: Path) -> None:
    """Make a Debian tree a lab host: our files, our user, nothing that every host would share or that leads out."""
    # The sources move aside, to where `_download` finds them: a host has only the lab's.
    apt = tree / "etc/apt"
    shutil.move(apt / "sources.list.d", tree / "sources")
    (apt / "sources.list.d").mkdir()
    if (apt / "sources.list").exists():
        shutil.move(apt / "sources.list", tree / "sources" / "sources.list")
    (apt / "apt.conf.d/99mmdebstrap").unlink(missing_ok=True)
    for file in image_files():
        target = tree / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(IMAGE_FILES / file, target)
        target.chmod(0o755 if file.startswith("usr/local/lib/") else 0o440 if "sudoers" in file else 0o644)
    for key in (tree / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (tree / "etc/machine-id").write_text("")
    units = tree / "etc/systemd/system"
    for unit in MASKED_UNITS:
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    wants = units / "ovs-vswitchd.service.wants"
    wants.mkdir(exist_ok=True)
    (wants / "dockmesh-lab-br-phy.service").symlink_to("../dockmesh-lab-br-phy.service")
    run(("useradd", "--root", str(tree), "--create-home", "--shell", "/bin/bash", "admin"), "add the image's sudo user")


def _download(folder: Path, tree: Path, packages: tuple[str, ...], say: Say) -> None:
    """The packages that a host lacks, by apt of this machine on the tree's list of what is installed."""
    say(f"downloading what the hosts may install: {', '.join(packages)} (once)")
    work = folder.with_suffix(".apt")
    shutil.rmtree(work, ignore_errors=True)
    for part in ("lists/partial", "cache/archives/partial"):
        (work / part).mkdir(parents=True)
    settings = (
        f"Dir::Etc::sourcelist={tree}/sources/sources.list",
        f"Dir::Etc::sourceparts={tree}/sources",
        f"Dir::State::lists={work}/lists",
        f"Dir::State::status={tree}/var/lib/dpkg/status",
        f"Dir::Cache={work}/cache",
        "APT::Install-Recommends=false",
        "APT::Sandbox::User=root",
        "Debug::NoLocking=true",
    )
    apt_get = ("apt-get", "--quiet", "--yes", *(f"--option={setting}" for setting in settings))
    run((*apt_get, "update"), "read the package lists")
    run((*apt_get, "--download-only", "install", *packages), "download the hosts' packages")
    archives = work / "cache/archives"
    shutil.rmtree(archives / "partial")
    (archives / "lock").unlink(missing_ok=True)
    _index(archives)
    archives.rename(folder)
    shutil.rmtree(work)


def _index(archives: Path) -> None:
    """A flat repository: a Packages file, and the Release without which apt warns at every update."""
    index = run(
        ("env", f"--chdir={archives}", "dpkg-scanpackages", "--multiversion", "."), "index the packages"
    ).encode()
    (archives / "Packages").write_bytes(index)
    (archives / "Release").write_text(
        # apt wants some date; this one never changes.
        "Suite: lab\nDate: Thu, 01 Jan 1970 00:00:00 UTC\n"
        f"SHA256:\n {sha256(index).hexdigest()} {len(index)} Packages\n"
    )
