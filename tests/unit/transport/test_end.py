import asyncio
from typing import Any, cast

import pytest

from dockmesh.transport import ssh
from dockmesh.transport.ssh import SshHost


class EndsWhenKilled:
    """An ssh that ends by itself at the moment when it is to be killed."""

    stdin = None
    ended = False

    async def wait(self) -> int:
        if not self.ended:
            await asyncio.Event().wait()
        return 255

    def kill(self) -> None:
        self.ended = True
        raise ProcessLookupError


def test_a_connection_that_ends_as_it_is_given_up_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "END_WITHIN_S", 0)
    process = EndsWhenKilled()

    asyncio.run(SshHost("host1", cast("Any", process), None).close())

    assert process.ended
