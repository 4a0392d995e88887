"""Record what a real host answers to every question of preflight/, for tests/unit/preflight. Reads only.

python tests/cases/preflight/record.py SSH_CONFIG HOST FILE
"""

import asyncio
import json
import sys
from pathlib import Path

from dockmesh.preflight.questions import QUESTIONS
from dockmesh.transport.fleet import fleet
from tests.cases.facts.record import Target


async def ask(ssh_config: Path, host: str) -> dict[str, list[object]]:
    async with fleet([Target(host)], ssh_config) as hosts:
        answers = await hosts.opened[host].ask(*QUESTIONS.values(), together=True)
    return {name: [answer.code, answer.out] for name, answer in zip(QUESTIONS, answers, strict=True)}


if __name__ == "__main__":
    found = asyncio.run(ask(Path(sys.argv[1]), sys.argv[2]))
    Path(sys.argv[3]).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
