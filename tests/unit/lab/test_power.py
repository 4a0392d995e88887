"""Whether a host is up again, by the command that it is asked with; and what to do where it is not."""

import os
import subprocess
from pathlib import Path

import pytest

from dockmesh.lab.power import BOOT_ID, BOOTED_AGAIN, what_to_do


@pytest.fixture
def degraded(tmp_path: Path) -> dict[str, str]:
    """A system on which something did not start."""
    systemctl = tmp_path / "systemctl"
    systemctl.write_text("#!/bin/sh\necho degraded\nexit 1\n")
    systemctl.chmod(0o755)
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


def booted_again(old: str, environment: dict[str, str]) -> bool:
    asked = subprocess.run(("sh", "-c", BOOTED_AGAIN, "sh", old), env=environment, capture_output=True, check=False)
    return asked.returncode == 0


def test_a_host_that_has_not_gone_down_yet_is_not_up_again(degraded: dict[str, str]) -> None:
    now = subprocess.run(BOOT_ID, capture_output=True, text=True, check=True).stdout.strip()

    assert not booted_again(now, degraded)


def test_a_host_on_which_something_did_not_start_is_up(degraded: dict[str, str]) -> None:
    assert booted_again("none", degraded)


def test_a_machine_that_has_too_few_instances_of_inotify_is_told_how_to_have_more() -> None:
    console = "Failed to create control group inotify object: Too many open files\nExiting PID 1..."

    assert what_to_do(console, "host15").startswith("sysctl fs.inotify.max_user_instances=1024")
    assert what_to_do("nothing", "host15") == "dockmesh lab crash host15, then dockmesh lab start host15"
