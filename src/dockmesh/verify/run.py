"""`verify`: collect, judge, diagnose."""

import time
from collections.abc import Mapping

from dockmesh.errors import DockmeshError
from dockmesh.plan.types import Plan
from dockmesh.transport.progress import Steps
from dockmesh.transport.requests import Transport
from dockmesh.verify.collect import collect
from dockmesh.verify.diagnose import diagnose
from dockmesh.verify.judge import judge
from dockmesh.verify.types import VerifyReport


async def verify(
    plan: Plan, hosts: Mapping[str, Transport], unreachable: Mapping[str, DockmeshError], progress: Steps
) -> VerifyReport:
    """Prove the mesh on the real thing. Hosts in `unreachable`, or in neither mapping, are not measured.

    Raises nothing that one host is to blame for: that is in the report.
    """
    began = time.monotonic()
    missing = {
        host.name: DockmeshError("it was left out", host=host.name)
        for host in plan.hosts
        if host.name not in hosts and host.name not in unreachable
    }
    evidence = await collect(plan, hosts, {**missing, **unreachable}, progress)
    probes, causes = diagnose(plan, evidence, judge(plan, evidence))
    return VerifyReport(tuple(host.name for host in plan.hosts), probes, causes, time.monotonic() - began)
