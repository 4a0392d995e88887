"""The way in, Python, packages, disk, clock, and what apply would refuse: one host at a time."""

from collections.abc import Iterator

from dockmesh.diff.packages import packages_of
from dockmesh.errors import DockmeshError
from dockmesh.preflight.types import Check, Finding, HostEvidence, Level

PROBE_PYTHON = (3, 9)  # of the scripts that measure, here and in verify; what apply needs runs with 3.7
# Bytes. On a bare Debian 13 apt-get fetches 72 MB and unpacks 290 MB.
ROOM_FOR_PACKAGES, ROOM_FOR_FILES = 512 << 20, 32 << 20
SKEW_S = 5.0  # the mesh does not care, but people lay the logs of two hosts side by side


def unreachable(name: str, error: DockmeshError) -> Finding:
    report = error.report
    what = f"{report.what}: {report.answered}" if report.answered else report.what
    return Finding(Check.SSH, Level.BLOCKER, (name,), what, report.do or f"see why {name} does not answer")


def judge(evidence: HostEvidence) -> Iterator[Finding]:
    name = (evidence.facts.name,)
    yield Finding(Check.SSH, Level.FINE, name, "SSH, and root by itself or by sudo")
    yield _python(evidence, name)
    yield _packages(evidence, name)
    yield _disk(evidence, name)
    yield _clock(evidence, name)
    if refusal := evidence.refusal:
        report = refusal.report
        what = f"{report.what}: {report.answered}" if report.answered else report.what
        yield Finding(Check.REFUSED, Level.BLOCKER, name, what, report.do)


def _python(evidence: HostEvidence, name: tuple[str, ...]) -> Finding:
    version = evidence.around.python
    shown = ".".join(map(str, version))
    if not version:
        return Finding(Check.PYTHON, Level.UNKNOWN, name, "python3 does not say its version", "run `python3 --version`")
    if version < PROBE_PYTHON:
        do = "install Python 3.9 or later; `dockmesh apply` works without, `dockmesh verify` does not"
        return Finding(Check.PYTHON, Level.WARNING, name, f"Python {shown} is too old to measure with", do)
    return Finding(Check.PYTHON, Level.FINE, name, f"Python {shown}")


def _packages(evidence: HostEvidence, name: tuple[str, ...]) -> Finding:
    facts = evidence.facts
    missing = [
        package for program, package in packages_of(evidence.config, facts).items() if program not in facts.programs
    ]
    if not missing:
        return Finding(Check.PACKAGES, Level.FINE, name, "Open vSwitch and Docker are there")
    # Without apt-get that is what apply refuses, and it is said there.
    return Finding(Check.PACKAGES, Level.FINE, name, f"apply installs {', '.join(missing)}")


def _disk(evidence: HostEvidence, name: tuple[str, ...]) -> Finding:
    free = evidence.around.free
    if not free:
        return Finding(Check.DISK, Level.UNKNOWN, name, "df says nothing", "run `df /etc /var`")
    missing = any(program not in evidence.facts.programs for program in packages_of(evidence.config, evidence.facts))
    path, least = min(free.items(), key=lambda item: item[1])
    shown = f"{least / (1 << 20):,.0f} MiB free on the file system of {path}"
    do = f"make room there, for example with `apt-get clean`, or with `docker system prune` for {path}"
    if least < ROOM_FOR_FILES:
        return Finding(Check.DISK, Level.BLOCKER, name, f"only {shown}: writing a file could fail half-way", do)
    if missing and least < ROOM_FOR_PACKAGES:
        return Finding(Check.DISK, Level.WARNING, name, f"only {shown}: the packages may not fit", do)
    return Finding(Check.DISK, Level.FINE, name, shown)


def _clock(evidence: HostEvidence, name: tuple[str, ...]) -> Finding:
    """It was asked between two readings of ours, so the difference is known up to their distance."""
    seconds, asked = evidence.around.seconds, evidence.asked
    if seconds is None or asked is None:
        return Finding(Check.CLOCK, Level.UNKNOWN, name, "its clock could not be read", "run `date` there")
    ahead, behind = seconds - asked[1], asked[0] - seconds
    off = max(ahead, behind)
    if off < SKEW_S:
        return Finding(Check.CLOCK, Level.FINE, name, "its clock agrees with ours")
    where = "ahead of" if ahead > behind else "behind"
    do = "set it by NTP: `timedatectl set-ntp true`; package sources and certificates are refused with a wrong one"
    return Finding(Check.CLOCK, Level.WARNING, name, f"its clock is {off:,.0f} s {where} this machine's", do)
