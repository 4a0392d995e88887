"""Large plans, made without any host."""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.rows import Row
from bench.world import measured
from dockmesh.meshfile.write import write_mesh
from dockmesh.model.mesh import Degree, Fabric, Forwarding, Host, Mesh
from dockmesh.model.network import Allocation, Network
from dockmesh.plan.address import assign


def large_plans(runs: int) -> list[Row]:
    rows = []
    with TemporaryDirectory() as folder:
        for count in (100, 300, 1000):
            file = Path(folder) / f"{count}.yaml"
            file.write_text(write_mesh(large_mesh(count)))
            found = [measured("render", "-f", str(file), "-o", str(Path(folder) / f"out-{count}")) for _ in range(runs)]
            target = (2.0, 300.0) if count == 1000 else (None, None)
            what = f"plan and render of {count} hosts at degree 8, files written"
            rows.append(Row(what, tuple(seconds for seconds, _ in found), "s", target[0]))
            rows.append(Row(f"{what}: peak memory", tuple(mib for _, mib in found), "MiB", target[1]))
        for degree in (4, 8):
            file = Path(folder) / f"direct-{degree}.yaml"
            fabric = Fabric(topology=Degree(degree), forwarding=Forwarding.DIRECT)
            file.write_text(write_mesh(large_mesh(100, fabric)))
            found = [measured("render", "-f", str(file), "-o", str(Path(folder) / file.stem)) for _ in range(runs)]
            what = f"plan and render of 100 hosts at degree {degree}, direct, files written"
            rows.append(Row(what, tuple(seconds for seconds, _ in found), "s"))
            rows.append(Row(f"{what}: peak memory", tuple(mib for _, mib in found), "MiB"))
    return rows


def large_mesh(count: int, fabric: Fabric | None = None) -> Mesh:
    prefix = IPv4Network("10.0.0.0/8")
    first = int(IPv4Address("192.168.0.1"))
    hosts = (
        Host(f"host{number}", IPv4Address(first + number), (Allocation("docker0", slot.address, slot.pool),))
        for number, slot in enumerate(assign(prefix, count).slots)
    )
    return Mesh("large", fabric or Fabric(topology=Degree(8)), (Network("docker0", prefix),), tuple(hosts))
