"""What a command loads before it reaches hosts is waited for; what it loads meanwhile is not."""

import asyncio
import subprocess
import sys

import pytest

from dockmesh.cli.loading import load_modules

HEAVY = {
    "rich.console",
    "jinja2",
    "cryptography",
    "dockmesh.access.store",
    "dockmesh.diff.host",
    "dockmesh.verify.tree",
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("verb", ["status", "diff", "ps", "logs", "exec"])
def test_a_look_reaches_for_hosts_before_it_loads_what_it_shows_them_with(verb: str) -> None:
    program = f"import sys; import dockmesh.cli.work.{verb}; print(*sys.modules)"

    done = subprocess.run((sys.executable, "-c", program), capture_output=True, text=True, check=True)

    assert not HEAVY & set(done.stdout.split())


def test_modules_are_loaded_one_by_one_and_others_have_their_turn_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    seen: list[bool] = []

    async def both() -> None:
        loading = asyncio.ensure_future(load_modules("colorsys", "no_such_module"))
        while not loading.done():
            seen.append("colorsys" in sys.modules)
            await asyncio.sleep(0)
        with pytest.raises(ModuleNotFoundError):
            loading.result()

    asyncio.run(both())

    assert seen[0] is False
    assert seen[-1] is True
