"""The hosts' images and the package folder that serves them, built once."""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from pathlib import Path

from dockmesh.lab.cache import (
    BARE_PACKAGES,
    IMAGE_FILES,
    cache_folder,
    ensure_folder,
    image_files,
    offered_packages,
)
from dockmesh.lab.command import run
from dockmesh.lab.model import Image
from dockmesh.lab.release import Release

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
# Each is a process at every boot and every reload of systemd. ifupdown and Open vSwitch have none.
MASKED_GENERATORS = (
    *("systemd-debug-generator", "systemd-getty-generator", "systemd-gpt-auto-generator", "systemd-run-generator"),
    *("systemd-factory-reset-generator", "systemd-hibernate-resume-generator", "systemd-rc-local-generator"),
    *("systemd-ssh-generator", "systemd-system-update-generator", "systemd-tpm2-generator"),
)


def ensure_image(release: Release, *, prepared: bool, say: Say) -> Image:
    """The image and the package folder, from the cache or built now."""
    offered = offered_packages(release)
    with ThreadPoolExecutor() as pool:
        wanted = pool.submit(_ensure_tree, release, "prepared", (*BARE_PACKAGES, *offered), say) if prepared else None
        bare = _ensure_tree(release, "bare", BARE_PACKAGES, say)
        download = partial(_download, tree=bare, packages=offered, say=say)
        packages = ensure_folder(cache_folder(release) / "packages", download)
        return Image(root=wanted.result() if wanted else bare, packages=packages)


def ensure_offers(tree: Path, packages: tuple[str, ...], say: Say) -> Path:
    """A folder with other packages, for hosts of this image, from the cache or downloaded now."""
    key = sha256(json.dumps([tree.name, packages]).encode()).hexdigest()[:8]
    folder = tree.parent / f"packages-{key}"
    return ensure_folder(folder, partial(_download, tree=tree, packages=packages, say=say))


def _ensure_tree(release: Release, flavour: str, packages: tuple[str, ...], say: Say) -> Path:
    build = partial(bootstrap, release=release, flavour=flavour, packages=packages, say=say)
    return ensure_folder(cache_folder(release) / flavour, build)


def bootstrap(tree: Path, release: Release, flavour: str, packages: tuple[str, ...], say: Say) -> None:
    """A Debian tree of these packages, made a lab host."""
    say(f"building the {flavour} image: Debian {release}, {len(packages)} packages and what they depend on (once)")
    sources = _write_sources(tree.with_suffix(".sources"), release)
    # No initrd for the kernel that a tree may have: it would take a minute, and the lab makes its own.
    run(
        (
            *("env", "INITRD=No", *LEASH),
            *("mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory"),
            *(f"--aptopt={setting}" for setting in _apt_settings()),
            f"--include={','.join(packages)}",
            *(release, str(tree), *map(str, sources)),
        ),
        f"build the {flavour} image",
        do="check that `apt-get update` works on this machine",
    )
    _furnish(tree)
    say(f"the {flavour} image is ready")


def _write_sources(folder: Path, release: Release) -> list[Path]:
    """Files with this machine's own sources, of this release; without any mmdebstrap takes Debian's."""
    parts = APT_SOURCES / "sources.list.d"
    candidates = [APT_SOURCES / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))]
    texts = {file.name: file.read_text() for file in candidates if file.is_file()}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    written = sources_of(texts, release)
    for name, text in written.items():
        (folder / name).write_text(text)
    return [folder / name for name in written]


def sources_of(texts: Mapping[str, str], release: Release) -> dict[str, str]:
    """Pure: those of apt's files that name the release; if none does, those of another release, with its name."""
    if named := {name: text for name, text in texts.items() if re.search(rf"\b{release}\b", text)}:
        return named
    any_release = re.compile(rf"\b({'|'.join(Release)})\b")
    return {name: any_release.sub(release, text) for name, text in texts.items() if any_release.search(text)}


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
    generators = tree / "etc/systemd/system-generators"
    generators.mkdir(exist_ok=True)
    for generator in MASKED_GENERATORS:
        (generators / generator).symlink_to("/dev/null")
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
        *("Dir::Etc::preferences=/dev/null", "Dir::Etc::preferencesparts=/dev/null"),  # pins are this machine's
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
