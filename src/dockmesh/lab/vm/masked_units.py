"""What a virtual machine of the lab is spared: work at boot that costs emulation seconds and serves no server here.

What serves one is left alone: udev, the journal, sysctl, ifupdown, Open vSwitch, Docker and the order among them.
"""

from pathlib import Path

MASKED_UNITS = (
    # There is no terminal, and root logs in by SSH only.
    *("getty@.service", "serial-getty@.service", "getty-static.service", "systemd-logind.service"),
    *("systemd-ask-password-console.path", "systemd-ask-password-wall.path"),
    # What belongs to an installation or an upgrade; the image is both.
    *("ldconfig.service", "systemd-hwdb-update.service", "systemd-journal-catalog-update.service"),
    *("systemd-sysusers.service", "systemd-update-done.service", "systemd-machine-id-commit.service"),
    # File systems that nothing here looks into, and the modules behind them.
    *("sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount", "dev-mqueue.mount"),
    *("sys-fs-fuse-connections.mount", "dev-hugepages.mount", "proc-sys-fs-binfmt_misc.automount"),
    *("modprobe@configfs.service", "modprobe@drm.service", "modprobe@efi_pstore.service", "modprobe@fuse.service"),
    *("systemd-pstore.service", "systemd-binfmt.service"),
    # The initrd mounts the disk for writing, and the processor gives random numbers.
    *("systemd-remount-fs.service", "systemd-random-seed.service", "systemd-udev-load-credentials.service"),
    *("systemd-creds.socket", "systemd-hostnamed.socket", "systemd-initctl.socket", "systemd-sysext.socket"),
    *("uuidd.socket", "uuidd.service"),
)
FILES = {
    # Of all devices only these: there are hundreds of terminals, each a question to all rules.
    "etc/systemd/system/systemd-udev-trigger.service.d/dockmesh-lab.conf": (
        "[Service]\nExecStart=\nExecStart=udevadm trigger --action=add "
        "--subsystem-match=block --subsystem-match=net --subsystem-match=misc\n"
    ),
}

# containerd's part for Kubernetes, which Docker does not use, and which Docker's own packages switch off as well.
CONTAINERD = "etc/containerd/config.toml"
WITHOUT_CRI = 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n'


def spare(tree: Path) -> None:
    for name in MASKED_UNITS:
        path = tree / "etc/systemd/system" / name
        path.unlink(missing_ok=True)
        path.symlink_to("/dev/null")
    for file, text in FILES.items():
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        (tree / file).write_text(text)
    if (tree / CONTAINERD).exists():
        (tree / CONTAINERD).write_text(WITHOUT_CRI)
