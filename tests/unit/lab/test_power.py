"""Whether a host is up again, by the command that it is asked with."""

import os
import subprocess
from pathlib import Path

import pytest

from dockmesh.lab.power import BOOT_ID, BOOTED_ANEW


@pytest.fixture
def degraded(tmp_path: Path) -> dict[str, str]:
    """A system on which something did not start."""
    systemctl = tmp_path / "systemctl"
    systemctl.write_text("#!/bin/sh\necho degraded\nexit 1\n")
    systemctl.chmod(0o755)
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


def booted_anew(old: str, environment: dict[str, str]) -> bool:
    asked = subprocess.run(("sh", "-c", BOOTED_ANEW, "sh", old), env=environment, capture_output=True, check=False)
    return asked.returncode == 0


def test_a_host_that_has_not_gone_down_yet_is_not_up_again(degraded: dict[str, str]) -> None:
    now = subprocess.run(BOOT_ID, capture_output=True, text=True, check=True).stdout.strip()

    assert not booted_anew(now, degraded)


def test_a_host_on_which_something_did_not_start_is_up(degraded: dict[str, str]) -> None:
    assert booted_anew("none", degraded)
