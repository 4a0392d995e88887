"""The first program of a virtual machine: a static busybox and a few modules that find the disk and the network."""

import lzma
import shutil
import tempfile
from pathlib import Path

from dockmesh.errors import LabError
from dockmesh.lab.command import run
from dockmesh.lab.vm import cpio

# What stands between Debian's cloud kernel and a virtio disk and network; ext4 and virtio's bus are built in.
MODULES = ("virtio_blk", "virtio_net")
# Printed by a guest that shall only show that it boots: see accelerator.py.
PROOF = "dockmesh-lab: this guest boots"
PROVE = "dockmesh.prove"

# Like a server's installer or its cloud, this leaves a configured eth0, and then the distribution's own init begins.
INIT = f"""#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
if grep -q {PROVE} /proc/cmdline; then echo "{PROOF}"; poweroff -f; fi
for module in $(cat /modules/order); do insmod "/modules/$module"; done
mount -t ext4 -o noatime /dev/vda /root || exec sh
# The host's own files, at its first boot. The mark comes last: a power cut in between only means once more.
if [ ! -e /root/etc/dockmesh-lab/laid-down ]; then
    cp -a /own/. /root/
    touch /root/etc/dockmesh-lab/laid-down
    sync
fi
. /root/etc/dockmesh-lab/underlay
ip link set eth0 up
ip address add "$ADDRESS" broadcast + dev eth0
if [ -n "$ADDRESS6" ]; then
    # Nobody else has it, and to ask around would take a second.
    echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad
    ip -6 address add "$ADDRESS6" dev eth0
fi
umount /proc
exec switch_root /root /sbin/init
"""


def make_initrd(tree: Path, busybox: Path, target: Path) -> None:
    """Write the initrd of all hosts: of the tree's kernel, with the busybox of a Debian package."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        run(("dpkg-deb", "-x", str(busybox), str(root / "package")), f"unpack {busybox}")
        for name in ("bin", "dev", "proc", "root", "modules", "own"):
            (root / "initrd" / name).mkdir(parents=True)
        shutil.copy(root / "package/usr/bin/busybox", root / "initrd/bin/busybox")
        (root / "initrd/init").write_text(INIT)
        (root / "initrd/init").chmod(0o755)
        _copy_modules(tree, root / "initrd/modules")
        target.write_bytes(cpio.pack(root / "initrd"))


def kernel_release(tree: Path) -> str:
    """Of the one kernel in the tree."""
    found = [path.name for path in (tree / "usr/lib/modules").iterdir()]
    if len(found) != 1:
        raise LabError(f"the image must have one kernel, not {len(found)}", answered=" ".join(found))
    return found[0]


def load_order(modules_dep: str, wanted: tuple[str, ...]) -> list[str]:
    """Pure: the files to load, each after those that it needs, by depmod's table."""
    needs = {}
    for line in modules_dep.splitlines():
        name, _, others = line.partition(":")
        needs[name] = others.split()
    by_name = {Path(file).name.partition(".")[0].replace("-", "_"): file for file in needs}
    order: list[str] = []
    for file in (by_name[name] for name in wanted if name in by_name):  # what is built in is in no table
        # depmod lists what is needed first at the right.
        order += [each for each in (*reversed(needs[file]), file) if each not in order]
    return order


def _copy_modules(tree: Path, folder: Path) -> None:
    base = tree / "usr/lib/modules" / kernel_release(tree)
    files = load_order((base / "modules.dep").read_text(), MODULES)
    for file in files:
        packed = (base / file).read_bytes()
        name = Path(file).name.removesuffix(".xz")
        (folder / name).write_bytes(lzma.decompress(packed) if file.endswith(".xz") else packed)
    (folder / "order").write_text("".join(f"{Path(file).name.removesuffix('.xz')}\n" for file in files))
