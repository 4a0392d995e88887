"""A lab in JSON; docs/reference/json.md describes it."""

from typing import Any

from dockmesh.lab import power
from dockmesh.lab.model import Lab, UnderlayPlace


def lab_json(lab: Lab) -> dict[str, Any]:
    return {
        "name": lab.name,
        "hash": lab.hash,
        "directory": str(lab.directory),
        "prepared": lab.prepared,
        "kind": str(lab.kind),
        "accelerator": lab.accelerator and str(lab.accelerator),
        "datapath": str(lab.datapath),
        "underlay": str(UnderlayPlace.BRIDGE if lab.in_bridge else UnderlayPlace.DEVICE),
        "ssh_config": str(lab.ssh_config),
        "file": str(lab.mesh_file),
        "hosts": [
            {
                "name": host.name,
                "underlay": str(lab.underlay_of(host)),
                "nat": host.nat,
                "mtu": host.mtu,
                "release": str(host.release),
                "running": power.is_running(lab, host),
            }
            for host in lab.hosts
        ],
    }
