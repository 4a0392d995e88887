"""With real signals to a real process, as a kernel and a terminal send them."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

WAITS = """\
import asyncio, signal, sys
from dockmesh.cli.signals import take_as_ctrl_c

async def work():
    print("at work", flush=True)
    try:
        await asyncio.sleep(60)
    finally:
        print("taken back", flush=True)
        open(sys.argv[1], 'w').close()

signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the tests were started with
if "nohup" not in sys.argv:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
take_as_ctrl_c()
try:
    asyncio.run(work())
except KeyboardInterrupt:
    sys.exit(130)
"""


def program(path: Path, *before: str) -> list[str]:
    return [*before, sys.executable, "-c", WAITS, str(path), *before]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_was_begun_is_taken_back_before_it_ends(number: signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "back"
    with subprocess.Popen(program(path), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        process.send_signal(number)
        assert process.stdout.read() == "taken back\n"

    assert process.returncode == 130
    assert path.exists()


def test_a_terminal_that_is_closed_keeps_nothing_from_being_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "back"
    ours, its = pty.openpty()
    with subprocess.Popen(program(path), stdin=its, stdout=its, stderr=its, start_new_session=True) as process:
        os.close(its)
        said = b""
        while not said.endswith(b"\n"):  # a terminal takes a line in pieces
            said += os.read(ours, 100)
        os.close(ours)
        process.send_signal(signal.SIGHUP)

    assert process.returncode == 130
    assert path.exists()


def test_nohup_is_respected(tmp_path: Path) -> None:
    path = tmp_path / "back"
    with subprocess.Popen(program(path, "nohup"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"at work\n"
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)

        assert process.stdout.readline() == b"taken back\n"
    assert process.returncode == 130
