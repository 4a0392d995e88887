"""What a lab writes down of itself, and where labs are found."""

import json
from dataclasses import asdict
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from dockmesh.errors import LabError
from dockmesh.lab.model import Accelerator, HostKind, Image, Lab, LabHost, UnderlayPlace, hash_of
from dockmesh.lab.release import DEFAULT, Release
from dockmesh.model.mesh import Datapath

FILE = "lab.json"
DRILL = "drill.json"  # the fault that a drill has made and not healed yet
# A symbolic link a lab, from its hash to its directory. Like all else of a running lab it is gone after a reboot.
REGISTRY = Path("/run/dockmesh-lab")


def save(lab: Lab) -> None:
    text = json.dumps(asdict(lab), default=str, indent=2)
    new = lab.directory / f"{FILE}.new"
    new.write_text(text + "\n")
    new.rename(lab.directory / FILE)


def load(directory: Path) -> Lab:
    """The lab in this directory."""
    directory = directory.resolve()
    try:
        record = json.loads((directory / FILE).read_text())
    except FileNotFoundError:
        raise LabError(
            f"there is no lab in {directory}", do="run `dockmesh lab up`, or name one of `dockmesh lab list`"
        ) from None
    hosts = tuple(
        LabHost(
            host["name"],
            IPv4Address(host["address"]),
            host["mtu"],
            Release(host.get("release", DEFAULT)),
            host.get("nat", False),
        )
        for host in record["hosts"]
    )
    return Lab(
        name=record["name"],
        directory=directory,
        prepared=record["prepared"],
        datapath=Datapath(record["datapath"]),
        images=_images(record),
        hosts=hosts,
        ipv6=record.get("ipv6", False),
        kind=HostKind(record.get("kind", HostKind.CONTAINER)),
        accelerator=Accelerator(record["accelerator"]) if record.get("accelerator") else None,
        place=UnderlayPlace(record.get("place", UnderlayPlace.BRIDGE)),
    )


def _images(record: dict[str, Any]) -> dict[Release, Image]:
    if "images" not in record:  # a lab of 0.1.0, whose hosts had one release
        return {DEFAULT: Image(Path(record["layers"][0]), Path(record["packages"]))}
    return {
        Release(release): Image(Path(image["root"]), Path(image["packages"]))
        for release, image in record["images"].items()
    }


def register(lab: Lab) -> None:
    REGISTRY.mkdir(exist_ok=True)
    link = REGISTRY / lab.hash
    link.unlink(missing_ok=True)
    link.symlink_to(lab.directory)


def unregister(directory: Path) -> None:
    (REGISTRY / hash_of(directory)).unlink(missing_ok=True)


def registered() -> tuple[Path, ...]:
    """Directories of all labs that run, or ran and were killed, on this machine."""
    if not REGISTRY.is_dir():
        return ()
    return tuple(sorted(link.readlink() for link in REGISTRY.iterdir()))
