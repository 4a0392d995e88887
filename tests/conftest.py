"""For all tests."""

import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.support.skips import ALLOWED_SKIPS, allowed, reason_of

# A busy machine is no failure: no test here measures time, and Hypothesis' deadline and its check of speed would.
# The same examples in every run: what one person sees pass, passes for the next.
for name, examples in (("dockmesh", 5), ("longer", 40)):  # for `make check` and `make test`
    settings.register_profile(
        name,
        deadline=None,
        max_examples=examples,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
# `pytest --hypothesis-profile=thorough tests/property` looks longer, and at other examples each time.
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile("dockmesh")


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
