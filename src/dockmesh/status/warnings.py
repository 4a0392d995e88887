"""What is well and will not stay so by itself."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from dockmesh.plan.types import Plan
from dockmesh.status import api, attached, names
from dockmesh.status.types import HostStatus, StatusFinding


def find(plan: Plan, hosts: Sequence[HostStatus], now: datetime) -> Iterator[StatusFinding]:
    yield from api.warnings(plan, hosts, now)
    for host in hosts:
        yield from names.warnings(host)
        yield from attached.warnings(plan, host)
        for pool in host.pools:
            if pool.nearly_full and not pool.full:
                what = f"its {pool.shown} is nearly full: {pool.used:,} of {pool.total:,} addresses are taken"
                do = "remove containers that nobody needs, start new ones on other hosts, or give it a larger pool"
                yield StatusFinding((host.name,), what, do)
