"""A host's disk: what of it differs from the image, laid down before its first boot."""

import shutil
from pathlib import Path
from uuid import uuid4

from dockmesh.lab.keys import make_key
from dockmesh.lab.model import Lab, LabHost

ADMIN_UID = 1000
HOST_KEY = "etc/ssh/ssh_host_ed25519_key"


def ensure_disk(lab: Lab, host: LabHost) -> None:
    """An overlay's upper folder with the host's own files, and a plain folder for Docker.

    Docker keeps its layers in an overlay of its own, and the kernel refuses an overlay on an overlay.
    """
    state = lab.state_of(host)
    if (state / "upper").exists():
        return
    shutil.rmtree(state, ignore_errors=True)
    for folder in ("work", "root", "docker"):
        (state / folder).mkdir(parents=True)
    new = state / "upper.new"
    write_own_files(lab, host, new)
    new.rename(state / "upper")


def host_key(lab: Lab, host: LabHost) -> Path:
    """The public half of the host's SSH key, kept beside its disk."""
    return lab.state_of(host) / "host_key.pub"


def write_own_files(lab: Lab, host: LabHost, folder: Path) -> None:
    """What a host has that no other has, as it lies from the root of its disk."""
    names = "".join(f"{other.address} {other.name}\n" for other in lab.hosts)
    texts = {
        "etc/hostname": f"{host.name}\n",
        "etc/hosts": f"127.0.0.1 localhost\n{names}",
        "etc/machine-id": f"{uuid4().hex}\n",
        "etc/resolv.conf": "# no name server: a lab has no way out\n",
        "etc/apt/sources.list.d/lab.list": f"deb [trusted=yes] http://{lab.switch_address}/{host.release}/ ./\n",
        "etc/dockmesh-lab/underlay": _underlay(lab, host),
    }
    if lab.in_bridge:
        texts["etc/dockmesh-lab/br-phy"] = ""
        if lab.ipv6:
            texts["etc/systemd/system/dockmesh-lab-br-phy.service.d/ipv6.conf"] = _move_ipv6(lab, host)
    for file, text in texts.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    for home, uid in (("root", 0), ("home/admin", ADMIN_UID)):
        _authorize(folder / home, lab.key.with_suffix(".pub").read_text(), uid)
    key = folder / HOST_KEY
    key.parent.mkdir()
    make_key(key, comment=host.name)
    shutil.copyfile(key.with_suffix(".pub"), host_key(lab, host))


def _underlay(lab: Lab, host: LabHost) -> str:
    """As shells read it."""
    ipv6 = f"ADDRESS6={lab.underlay_of(host)}/{lab.subnet6.prefixlen}\n" if lab.ipv6 else ""
    subnet = lab.hidden_subnet if host.nat else lab.subnet
    return f"ADDRESS={lab.address_of(host)}/{subnet.prefixlen}\n{ipv6}"


def _move_ipv6(lab: Lab, host: LabHost) -> str:
    """The IPv6 address goes where the unit of the image takes the IPv4 one, and back."""
    address = f"{lab.underlay_of(host)}/{lab.subnet6.prefixlen}"
    return (
        "[Service]\n"
        f"ExecStart=ip address replace {address} dev br-phy nodad\n"
        f"ExecStart=-ip address delete {address} dev eth0\n"
        f"ExecStop=ip address replace {address} dev eth0 nodad\n"
        f"ExecStop=-ip address delete {address} dev br-phy\n"
    )


def _authorize(home: Path, public_key: str, uid: int) -> None:
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/authorized_keys").write_text(public_key)
    for path in (home, home / ".ssh", home / ".ssh/authorized_keys"):
        shutil.chown(path, uid, uid)
        path.chmod(0o600 if path.is_file() else 0o700)
