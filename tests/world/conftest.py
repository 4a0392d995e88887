"""What tools/world.py is told of a run."""

import json
import os
from pathlib import Path

import pytest

# Without a row there is nothing to run.
collect_ignore = [] if "DOCKMESH_WORLD" in os.environ else ["test_way.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if file := os.environ.get("DOCKMESH_WORLD_COUNTS"):
        kinds = ("passed", "failed", "error", "skipped")
        Path(file).write_text(json.dumps({kind: len(terminalreporter.stats.get(kind, ())) for kind in kinds}))
