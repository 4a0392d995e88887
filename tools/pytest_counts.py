"""A plugin of pytest for tools/long_tests.py: write how each file of tests ended, as soon as it has.

`DOCKMESH_COUNTS` names the file that gets one line of JSON for each. An interrupted file gets none.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.skips import allowed, reason_of


class FileCounts:
    """The tests of the file at work."""

    def __init__(self, into: Path, root: Path) -> None:
        self._into = into
        self._root = root
        self._worst: dict[str, str] = {}
        self._begun = time.monotonic()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed or (report.skipped and not allowed(reason_of(report.longrepr))):
            self._worst[report.nodeid] = "failed"
        elif report.skipped:
            self._worst.setdefault(report.nodeid, "skipped")
        elif report.when == "call":
            self._worst.setdefault(report.nodeid, "passed")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        answer = yield
        # The fixtures of the module have ended by now, too.
        if nextitem is None or nextitem.path != item.path:
            counts = Counter(self._worst.values())
            line = {
                "file": str(item.path.relative_to(self._root)),
                **{kind: counts[kind] for kind in ("passed", "failed", "skipped")},
                "seconds": round(time.monotonic() - self._begun),
            }
            with self._into.open("a") as lines:
                lines.write(json.dumps(line) + "\n")
            self._worst, self._begun = {}, time.monotonic()
        return answer


def pytest_configure(config: pytest.Config) -> None:
    if into := os.environ.get("DOCKMESH_COUNTS"):
        config.pluginmanager.register(FileCounts(Path(into), config.rootpath))
