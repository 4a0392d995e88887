"""Record what a real host answers to every question of facts/, for the tests beside this file. Reads only.

Nobody edits what it wrote. It leaves out one thing itself: the web addresses of the distribution in os-release.

python tests/cases/facts/record.py SSH_CONFIG HOST FOLDER
"""

import asyncio
import re
import sys
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from dockmesh.facts.gather import Inquiry
from dockmesh.model.mesh import Ssh
from dockmesh.transport.fleet import fleet

NAMES = (
    *(
        "links.json",
        "routers.txt",
        "gro.txt",
        "ovs.json",
        "units.txt",
        "which.txt",
        "library.txt",
        "modprobe.txt",
        "modules.txt",
        "os-release",
    ),
    *("docker-info.json", "docker-network.json", "docker-containers.json", "docker-networks.json"),
)
WEB_ADDRESS = re.compile(r"^\w+_URL=.*\n", re.MULTILINE)


@dataclass(frozen=True)
class Target:
    name: str
    ssh: Ssh = field(default_factory=Ssh)
    underlay: IPv4Address | None = None


async def ask(ssh_config: Path, host: str) -> dict[str, str]:
    async with fleet([Target(host)], ssh_config) as hosts:
        answers = await hosts.opened[host].ask(*Inquiry().requests, together=True)
    return {name: answer.out for name, answer in zip(NAMES, answers, strict=True)}


def record(ssh_config: Path, host: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in asyncio.run(ask(ssh_config, host)).items():
        kept = WEB_ADDRESS.sub("", text) if name == "os-release" else text
        (folder / name).write_text(kept, encoding="utf-8")


if __name__ == "__main__":
    record(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
