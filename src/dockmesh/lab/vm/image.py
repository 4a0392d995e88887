"""The virtual machines' image: a disk, the distribution's kernel, and an initrd. Built once, kept beside the others."""

import json
import shutil
from functools import partial
from hashlib import sha256
from pathlib import Path

from dockmesh.lab.cache import BARE_PACKAGES, cache_folder, ensure_folder, offered_packages
from dockmesh.lab.command import run
from dockmesh.lab.image import Say, bootstrap, ensure_image
from dockmesh.lab.model import Image
from dockmesh.lab.release import Release
from dockmesh.lab.vm.initrd import INIT, MODULES, kernel_release, make_initrd
from dockmesh.lab.vm.masked_units import FILES, MASKED_UNITS, WITHOUT_CRI, spare

# Count this up when the same names and files would give another image.
RECIPE = 1
KERNEL_PACKAGE = "linux-image-cloud-amd64"
DISK_SIZE = "4G"  # as the host sees it; the file is sparse
DISK, KERNEL, INITRD = "disk.raw", "vmlinuz", "initrd"


def ensure_vm_image(release: Release, *, prepared: bool, say: Say) -> Image:
    """The folder with disk, kernel and initrd, and the package folder, from the cache or built now."""
    packages = ensure_image(release, prepared=False, say=say).packages
    flavour = "prepared" if prepared else "bare"
    folder = cache_folder(release) / f"vm-{flavour}-{_key()}"
    build = partial(_build, release=release, prepared=prepared, packages=packages, say=say)
    return Image(ensure_folder(folder, build), packages)


def _key() -> str:
    """Of what is not in the key of the folder that this lies in."""
    made_of = [RECIPE, KERNEL_PACKAGE, DISK_SIZE, MASKED_UNITS, FILES, WITHOUT_CRI, MODULES, INIT]
    return sha256(json.dumps(made_of).encode()).hexdigest()[:8]


def _build(folder: Path, release: Release, prepared: bool, packages: Path, say: Say) -> None:
    tree = folder.with_name(f"{folder.name}.tree")
    shutil.rmtree(tree, ignore_errors=True)
    offered = offered_packages(release) if prepared else ()
    flavour = f"{'prepared' if prepared else 'bare'} virtual machine"
    bootstrap(tree, release, flavour, (*BARE_PACKAGES, *offered, KERNEL_PACKAGE), say)
    spare(tree)
    say(f"writing the disk of the {flavour} (once)")
    folder.mkdir()
    shutil.copy(tree / "boot" / f"vmlinuz-{kernel_release(tree)}", folder / KERNEL)
    (busybox,) = packages.glob("busybox-static_*.deb")
    make_initrd(tree, busybox, folder / INITRD)
    run(
        ("mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", str(tree), str(folder / DISK), DISK_SIZE),
        f"write the disk of the {flavour}",
    )
    shutil.rmtree(tree)
