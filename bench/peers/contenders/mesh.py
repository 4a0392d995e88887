"""dockmesh itself, by its own command line, as anybody would use it."""

import re
import subprocess
import sys
from dataclasses import dataclass

from bench.peers.docker import start_containers
from bench.peers.site import Seats, Site
from bench.peers.types import About
from dockmesh import __version__
from dockmesh.errors import LabError
from dockmesh.lab.model import Lab
from dockmesh.meshfile.load import load
from dockmesh.model.mesh import Forwarding
from dockmesh.plan.build import build

APPLIED_WITHIN_S = 300
TITLES = {Forwarding.RSTP: "dockmesh, rstp", Forwarding.DIRECT: "dockmesh, direct", Forwarding.STP: "dockmesh, stp"}


@dataclass(frozen=True, slots=True)
class Dockmesh:
    forwarding: Forwarding
    packages: tuple[str, ...] = ()
    shown: tuple[str, ...] = ("openvswitch-switch", "docker.io")
    watch_s: float | None = None

    def about(self, lab: Lab) -> About:
        plan = build(load(lab.mesh_file))
        fabric, root = plan.fabric, plan.tree.root if plan.tree else lab.hosts[0].name
        return About(
            name=f"dockmesh-{self.forwarding}",
            title=TITLES[self.forwarding],
            datapath=f"Open vSwitch, {lab.datapath}",
            encrypts=False,
            centre=root,
            centre_is="no more than the others" if not self.forwarding.has_tree else "the root of the tree",
            settings=(
                f"dockmesh {__version__}, `dockmesh apply --no-verify` of the lab's own file",
                f"forwarding {self.forwarding}, {fabric.tunnel}, full mesh, "
                f"BFD {fabric.bfd.interval_ms} ms × {fabric.bfd.multiplier}",
            ),
        )

    def set_up(self, site: Site) -> None:
        """The lab's file with this forwarding, applied by a process of its own."""
        lab = site.lab
        text = re.sub(r"forwarding: \w+", f"forwarding: {self.forwarding}", lab.mesh_file.read_text())
        lab.mesh_file.write_text(text)
        words = ("apply", "--yes", "--no-verify", "-f", str(lab.mesh_file), "--ssh-config", str(lab.ssh_config))
        done = subprocess.run(
            (sys.executable, "-m", "dockmesh", *words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=APPLIED_WITHIN_S,
            check=False,
        )
        if done.returncode != 0:
            raise LabError("dockmesh apply failed", answered=(done.stderr or done.stdout).strip()[-2000:])

    def seats(self, site: Site) -> Seats:
        return start_containers(site)
