"""For all tests."""

import signal
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.skips import ALLOWED_SKIPS, allowed, reason_of

# The reasons that are no feature which the machine lacks for a test or two: whoever has such a machine has no lab.
NO_LAB = "no lab on this machine"

# A busy machine is no failure: no test here measures time, and Hypothesis' deadline and its check of speed would.
BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# In `make check` and `make test` the same examples in every run: what one person sees pass, passes for the next.
for name, examples in (("dockmesh", 5), ("longer", 40)):
    settings.register_profile(name, BUSY, max_examples=examples, derandomize=True)
# In `make test-long` other examples each time, and how to see a failure again is printed with it.
settings.register_profile("exploring", BUSY, max_examples=200, print_blob=True)
settings.load_profile("dockmesh")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--must-run", type=int, default=0, metavar="N", help="fail if fewer tests than N were run")


def pytest_configure() -> None:
    """Let Ctrl-C reach what the tests start: a run in the background of a script is started with it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skip is a test that nobody ran: only those that the list names let the run pass."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:  # a worker of xdist's: its controller looks
        return
    for report in reporter.stats.get("skipped", ()):
        reason = reason_of(report.longrepr)
        if not allowed(reason):
            reporter.write_line(f"\nnot allowed to be skipped, by {ALLOWED_SKIPS.name}: {report.nodeid}: {reason}")
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
    count_run(session, reporter)


def count_run(session: pytest.Session, reporter: Any) -> None:
    """A run that skips nearly everything proves nothing, however good each reason is.

    Skipped tests whose reason names a feature that this kernel lacks count as accounted for; having no lab does not.
    """
    least = session.config.getoption("--must-run")
    if not least or session.config.getoption("collectonly"):
        return
    ran = sum(len(reporter.stats.get(outcome, ())) for outcome in ("passed", "failed"))
    reasons = Counter(
        reason_of(report.longrepr).removeprefix("Skipped: ") for report in reporter.stats.get("skipped", ())
    )
    lacking = {why: number for why, number in reasons.items() if not why.startswith(NO_LAB)}
    for why, number in sorted(reasons.items()):
        reporter.write_line(f"not run: {number} × {why}")
    reporter.write_line(f"{ran} tests were run, and {least} must be")
    if ran + sum(lacking.values()) < least:
        reporter.write_line("what this machine can do without a lab is `make check`")
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
