"""Every host is asked once; one that does not answer is told."""

import asyncio
import json
from dataclasses import dataclass, field

from dockmesh.containers.collect import collect
from dockmesh.errors import ConnectError
from dockmesh.transport.requests import Answer, Ask, Request
from tests.unit.containers.worlds import row
from tests.unit.status.worlds import PLAN


@dataclass
class Host:
    name: str
    answer: Answer
    asked: list[Request] = field(default_factory=list)
    reached_from: str | None = None

    async def ask(
        self, *requests: Request, together: bool = False, until_failure: bool = False, within_s: float | None = None
    ) -> tuple[Answer, ...]:
        self.asked += requests
        return tuple(self.answer for _ in requests)

    async def close(self) -> None:
        pass


def test_the_containers_of_all_hosts_and_why_there_are_none_of_others() -> None:
    hosts = {
        "host1": Host("host1", Answer(0, json.dumps([row()]))),
        "host2": Host("host2", Answer(3, err="docker.service is not active")),
    }

    found, gone = asyncio.run(collect(PLAN, hosts, {"host3": ConnectError("no SSH connection")}, stopped=True))

    assert [each.full_name for each in found["host1"]] == ["web.host1"]
    assert set(gone) == {"host2", "host3"}
    assert gone["host2"].report.answered == "docker.service is not active"
    (question,) = hosts["host1"].asked
    assert isinstance(question, Ask)
    assert question.url == "/containers/json?all=1"
