from io import StringIO

import pytest

from dockmesh.cli.screens.progress import HostProgress
from dockmesh.cli.show import Screen


@pytest.mark.parametrize("text", ["[/red] undefined", "[bold]x", "a\x1b]52;c;AAAA\x07"])
def test_what_a_host_says_of_its_work_is_no_markup_and_no_command(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    terminal = Screen(file=StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr("dockmesh.cli.screens.progress.err", terminal)

    with HostProgress(("host1",)) as progress:
        progress.step("host1", text)

    assert isinstance(terminal.file, StringIO)
    assert text.partition("\x1b")[0] in terminal.file.getvalue()
    assert "\x1b]" not in terminal.file.getvalue()
