"""Record what a real host answers to every question of facts/, for the tests beside this file. Reads only.

    python tests/cases/facts/record.py SSH_CONFIG HOST FOLDER
"""

import asyncio
import sys
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from dockmesh.facts.gather import questions
from dockmesh.model import Ssh
from dockmesh.remote.fleet import fleet

NAMES = (
    *("links.json", "ovs.jsonl", "units.txt", "which.txt", "modprobe.txt", "modules.txt", "os-release"),
    *("docker-info.json", "docker-network.json", "docker-containers.json"),
)


@dataclass(frozen=True)
class Target:
    name: str
    ssh: Ssh = field(default_factory=Ssh)
    underlay: IPv4Address | None = None


async def record(ssh_config: Path, host: str, folder: Path) -> None:
    async with fleet([Target(host)], ssh_config) as hosts:
        answers = await hosts.opened[host].ask(*questions(()), together=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name, answer in zip(NAMES, answers, strict=True):
        (folder / name).write_text(answer.out, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(record(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
