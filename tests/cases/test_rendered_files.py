"""What stands on host2 of the guide's mesh: the full text of every file, and no file more, for each way to make it.

`DOCKMESH_GOLDEN=write pytest tests/cases/test_rendered_files.py` writes the files again. Read every line of the diff as
the person who has to live with it on a server.
"""

import os
import shutil
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from itertools import product
from pathlib import Path

import pytest

from dockmesh.model.encryption import Encryption
from dockmesh.model.mesh import Datapath, Fabric, Forwarding, Guard, Listen, Mesh, Renderer
from dockmesh.model.network import Attachment
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.build import build
from dockmesh.plan.secrets import MeshKeys
from dockmesh.render import docker, ports, wireguard
from dockmesh.render.host import render
from dockmesh.render.names import PROGRAM
from dockmesh.render.paths import ATTACH_PROGRAM, GUARD
from tests.support.meshes import KERNEL, TREE, mesh_of, with_attachment, with_network


@dataclass(frozen=True)
class Case:
    fabric: Fabric
    underlay: str = "10.77.0.0"
    networks: bool = False  # two beside docker0, one of them on all hosts
    docker_api: Listen | None = None
    prefix6: bool = False  # one network beside docker0, with IPv6
    attach: bool = False  # two interfaces of host2, one of them with two networks
    docker: bool = False  # keys of host2's daemon.json

    def __str__(self) -> str:
        fabric = self.fabric
        tunnel = "" if fabric.tunnel is Tunnel.GRE and fabric.key is None else f"-{fabric.tunnel}"
        devices = "-kernel" if fabric.kernel_devices else ""
        key = "" if fabric.key is None else f"-{fabric.key}"
        family = "-ipv6" if ":" in self.underlay else ""
        api = "-docker-api" if self.docker_api else ""
        networks = "-networks" if self.networks else ""
        six = "-prefix6" if self.prefix6 else ""
        attach = "-attach" if self.attach else ""
        docker = "-docker" if self.docker else ""
        guard = "-guard" if fabric.guard is Guard.PEERS else ""
        encrypted = "-encrypted" if fabric.encryption else ""
        more = f"{networks}{six}{attach}{docker}{guard}{encrypted}"
        return f"{fabric.renderer}-{fabric.forwarding}-{fabric.datapath}{tunnel}{devices}{key}{family}{api}{more}"

    @property
    def mesh(self) -> Mesh:
        mesh = mesh_of(3, fabric=self.fabric, underlay=self.underlay)
        mesh = replace(mesh, docker_api=self.docker_api)
        if self.docker:
            keys = {"log-driver": "local", "log-opts": {"max-size": "10m"}}
            hosts = (replace(host, docker=keys) if host.name == "host2" else host for host in mesh.hosts)
            return replace(mesh, hosts=tuple(hosts))
        if self.prefix6:
            return with_network(mesh, prefix6="fd00:80::/64")
        if not self.networks:
            return mesh
        mesh = with_network(mesh, "vault", "10.81.0.0/16", vlan=30, internal=True, hosts=("host1", "host2"))
        mesh = with_network(mesh)
        if not self.attach:
            return mesh
        mesh = with_attachment(mesh, "docker0", Attachment("host2", "eth1"))
        mesh = with_attachment(mesh, "blue", Attachment("host2", "eth1", 30, IPv4Network("10.80.0.0/20")))
        return with_attachment(mesh, "vault", Attachment("host2", "enx00e04c680001"))


FABRICS = [
    Fabric(renderer=renderer, forwarding=forwarding, datapath=datapath)
    for renderer, forwarding, datapath in product(Renderer, Forwarding, Datapath)
] + [
    replace(TREE, renderer=renderer, tunnel=tunnel, key=key)
    for renderer, (tunnel, key) in product(
        Renderer, ((Tunnel.GRE, 4711), (Tunnel.VXLAN, None), (Tunnel.VXLAN, 4711), (Tunnel.GENEVE, 4711))
    )
]


CASES = [
    *map(Case, FABRICS),
    *(Case(replace(TREE, renderer=renderer, tunnel=Tunnel.GENEVE, key=4711), "fd77::") for renderer in Renderer),
    *(
        Case(Fabric(renderer=renderer, forwarding=forwarding), networks=True)
        for renderer, forwarding in product(Renderer, (Forwarding.RSTP, Forwarding.DIRECT))
    ),
    *(
        Case(Fabric(renderer=renderer, forwarding=forwarding), networks=True, attach=True)
        for renderer, forwarding in product(Renderer, (Forwarding.RSTP, Forwarding.DIRECT))
    ),
    *(Case(replace(TREE, renderer=renderer), docker_api=Listen.MESH) for renderer in Renderer),
    *(Case(replace(TREE, renderer=renderer), prefix6=True) for renderer in Renderer),
    *(
        Case(replace(KERNEL, renderer=renderer, forwarding=forwarding))
        for renderer, forwarding in product(Renderer, (Forwarding.DIRECT, Forwarding.RSTP))
    ),
    Case(replace(KERNEL, key=4711), "fd77::"),
    Case(Fabric(), prefix6=True),
    Case(Fabric(), docker=True),
    *(Case(Fabric(tunnel=tunnel, guard=Guard.PEERS)) for tunnel in Tunnel),
    *(Case(replace(fabric, encryption=Encryption())) for fabric in (Fabric(), KERNEL)),
]


PROGRAMS = (GUARD, PROGRAM, ATTACH_PROGRAM, ports.PROGRAM, wireguard.PROGRAM)
KEYS = MeshKeys({f"host{number}": f"{number}" * 43 + "=" for number in (1, 2, 3)})


def rendered(case: Case) -> dict[str, str]:
    plan = build(case.mesh)
    plan = replace(plan, keys=KEYS) if plan.fabric.encryption else plan
    config = render(plan, plan.host("host2"))
    files = (*config.files, docker.alone(config.daemon))
    # A program of ours beneath two lines of comment; tests/unit/agent has it.
    return {file.path: file.text for file in files if file.path not in PROGRAMS}


def read_tree(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {f"/{path.relative_to(folder)}": path.read_text(encoding="utf-8") for path in files}


def write_tree(folder: Path, files: dict[str, str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in files.items():
        target = folder / path.removeprefix("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_host_gets_these_files_and_no_others(case: Case) -> None:
    golden = Path(__file__).parent / "render" / str(case)

    files = rendered(case)

    if os.environ.get("DOCKMESH_GOLDEN") == "write":
        write_tree(golden, files)
    assert files == read_tree(golden)


def test_every_golden_folder_belongs_to_a_case() -> None:
    folders = {folder.name for folder in (Path(__file__).parent / "render").iterdir()}

    assert folders == {str(case) for case in CASES}
