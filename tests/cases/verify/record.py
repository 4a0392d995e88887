"""Record what real hosts answer to `dockmesh verify` while their mesh is broken: the JSON files beside this one.

    .venv/bin/python -m tests.cases.verify.record     (as root, in a lab of its own; some minutes)

Nobody edits them: a case is a function below, and its file is what the hosts said to the command line's own `verify`.
Left out are answers that `healthy.json` has for the same question, and web addresses in os-release.
"""

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dockmesh.cli.work.verify import verify_fleet
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.transport.fleet import Fleet, fleet
from dockmesh.transport.requests import Answer, Exec, Request, Transport
from tests.cases.facts.record import WEB_ADDRESS
from tests.lab.mesh import DOCKMESH, Mesh, run, wait_until

FOLDER = Path(__file__).parent
HOSTS = ("host1", "host2", "host3")
ROLES = ("begin", "measure", "finish")
RSTP = ("spanning-tree-off",)  # these have a mesh file of their own, dockmesh-rstp.yaml
NO_GUARD = "systemctl stop dockmesh-flows; "


def healthy(mesh: Mesh) -> None:
    """Nothing is wrong."""


def address_on_two_hosts(mesh: Mesh) -> None:
    mesh.on("host3", "ip address add 172.17.42.2/32 dev docker0")


def br0_out_of_docker0(mesh: Mesh) -> None:
    mesh.on("host3", "ip link set br0 nomaster")


def docker_stopped(mesh: Mesh) -> None:
    mesh.on("host2", "systemctl stop docker.socket docker.service")


def docker0_at_1500(mesh: Mesh) -> None:
    mesh.on("host2", "ip link set docker0 mtu 1500")


def gre_filtered(mesh: Mesh) -> None:
    mesh.lab("cut", "host1", "host2", "--protocol", "gre")


def host_down(mesh: Mesh) -> None:
    mesh.lab("crash", "host3")


def names_stopped(mesh: Mesh) -> None:
    mesh.on("host2", "systemctl stop dockmesh-names")


def plain_switch(mesh: Mesh) -> None:
    """The frames of a direct mesh would loop."""
    mesh.on("host2", f"{NO_GUARD}ovs-ofctl -O OpenFlow15 add-flow br0 priority=1,actions=NORMAL")


def spanning_tree_off(mesh: Mesh) -> None:
    mesh.on("host2", "ovs-vsctl set bridge br0 rstp_enable=false")


def tunnel_deleted(mesh: Mesh) -> None:
    mesh.on("host2", "ovs-vsctl del-port br0 gre1")


def underlay_cut(mesh: Mesh) -> None:
    mesh.lab("cut", "host1", "host2")


# healthy is first: what it answers is left out of the others.
HARMS: tuple[Callable[[Mesh], None], ...] = (
    healthy,
    address_on_two_hosts,
    br0_out_of_docker0,
    docker_stopped,
    docker0_at_1500,
    gre_filtered,
    host_down,
    names_stopped,
    plain_switch,
    tunnel_deleted,
    underlay_cut,
    spanning_tree_off,
)


def name_of(harm: Callable[[Mesh], None]) -> str:
    return harm.__name__.replace("_", "-")


def mesh_file(case: str) -> Path:
    return FOLDER / ("dockmesh-rstp.yaml" if case in RSTP else "dockmesh.yaml")


Said = list[Any]  # an answer's code, output and errors


@dataclass
class Listener:
    """A host whose answers are kept. Facts are asked for again until the fabric is settled: the last count."""

    host: Transport
    facts: dict[str, Said] = field(default_factory=dict)
    probes: dict[str, list[Said]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.host.name

    async def ask(
        self, *requests: Request, together: bool = False, until_failure: bool = False, within_s: float | None = None
    ) -> tuple[Answer, ...]:
        answers = await self.host.ask(*requests, together=together, until_failure=until_failure, within_s=within_s)
        said = [[answer.code, WEB_ADDRESS.sub("", answer.out), answer.err] for answer in answers]
        role = next((each.argv[-1] for each in requests if isinstance(each, Exec) and each.argv[-1] in ROLES), None)
        if role is None:
            self.facts |= {str(request): each for request, each in zip(requests, said, strict=True)}
        else:
            self.probes[role] = said
        return answers

    async def close(self) -> None:
        await self.host.close()


async def listen(mesh: Mesh) -> dict[str, Any]:
    """Run verify as the command line does."""
    plan = build(load(mesh.file))
    async with fleet(plan.hosts, mesh.ssh_config) as hosts:
        listeners = {name: Listener(host) for name, host in hosts.opened.items()}
        await verify_fleet(plan, Fleet(listeners, hosts.failed, hosts.config))  # type: ignore[arg-type]
        return {
            "hosts": {name: {"facts": each.facts, **each.probes} for name, each in sorted(listeners.items())},
            "unreachable": {name: asdict(error.report) for name, error in hosts.failed.items()},
        }


def without(recorded: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    """The facts that are not those of the healthy mesh, and all that the probes said."""
    hosts = {
        name: said
        | {"facts": {key: value for key, value in said["facts"].items() if usual[name]["facts"].get(key) != value}}
        for name, said in recorded["hosts"].items()
    }
    return recorded | {"hosts": hosts}


def record(mesh: Mesh, harm: Callable[[Mesh], None]) -> None:
    case = name_of(harm)
    forwarding = "rstp" if case in RSTP else "direct"
    if f"forwarding: {forwarding}" not in mesh.file.read_text():
        mesh.choose("forwarding", forwarding)
        mesh.apply()
    wait_until(lambda: mesh.dockmesh("status").code == 0, "all is well before the harm")
    harm(mesh)
    try:
        recorded = asyncio.run(listen(mesh))
    finally:
        mesh.lab("heal")
        if harm is host_down:
            mesh.lab("start", "host3")
        mesh.wait_for_apply("the harm is undone")
    if harm is not healthy:
        usual = json.loads((FOLDER / "healthy.json").read_text(encoding="utf-8"))["hosts"]
        recorded = without(recorded, usual)
    text = json.dumps(recorded, indent=1, ensure_ascii=False)
    (FOLDER / f"{case}.json").write_text(f"{text}\n", encoding="utf-8")
    shutil.copyfile(mesh.file, mesh_file(case))


def main() -> None:
    """All cases: each lab has addresses of its own, and the files have to be of one mesh."""
    folder = Path(tempfile.mkdtemp(prefix="dockmesh-record-"))
    mesh = Mesh(folder, HOSTS)
    try:
        made = run(*DOCKMESH, "lab", "up", "--dir", str(folder), "--hosts", str(len(HOSTS)), "--prepared")
        if made.code:
            raise SystemExit(made.err)
        mesh.apply()
        for harm in HARMS:
            record(mesh, harm)
            sys.stdout.write(f"{name_of(harm)}\n")
    finally:
        mesh.down()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
