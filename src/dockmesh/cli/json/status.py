"""The status of a mesh in JSON; docs/reference/json.md describes it."""

from typing import Any

from dockmesh.cli.json.comparison import applied_json
from dockmesh.cli.json.errors import error_json
from dockmesh.status.run_state import RunEntry
from dockmesh.status.types import Api, HostStatus, Names, Status, StatusFinding
from dockmesh.verify.encryption import EncryptionState
from dockmesh.verify.pools import PoolUse


def status_json(found: Status) -> dict[str, Any]:
    """The status under stable names; docs/reference/json.md describes them."""
    return {
        "name": found.name,
        "right": not found.findings,
        "forwarding": found.forwarding,
        "root": found.root,
        "hosts": [_host_json(host) for host in found.hosts],
        "tunnels": [
            {"host": end.host, "peer": end.peer, "port": end.port, "state": str(end.state), "wrong": end.wrong}
            for end in found.tunnels
        ],
        "ways": [{"a": way.a, "b": way.b, "hosts": list(way.hosts)} for way in found.ways],
        "findings": [_finding_json(finding) for finding in found.findings],
        "warnings": [_finding_json(warning) for warning in found.warnings],
    }


def _host_json(host: HostStatus) -> dict[str, Any]:
    return {
        "name": host.name,
        "error": error_json(host.error) if host.error else None,
        "system": host.system,
        "applied": applied_json(host.applied),
        "open_vswitch": host.switch,
        "datapath": host.datapath,
        "docker": host.docker,
        "containers": host.containers,
        "pools": [_pool_json(pool) for pool in host.pools],
        "names": _names_json(host.names),
        "docker_api": _api_json(host.api),
        "encryption": _encryption_json(host.encryption),
        "root": host.root,
        "dropped": dict(host.drop_counters),
        "differences": [
            {"subject": str(change.subject), "origin": str(change.origin), "because": change.because}
            for change in host.differences
        ],
        "refused": error_json(host.refused) if host.refused else None,
        "lock": _run_json(host.runs.lock),
        "not_confirmed": _run_json(host.runs.armed),
        "rolling_back": _run_json(host.runs.returning),
        "goes_back": _run_json(host.runs.returning),  # its name until 0.1.0
        "last_run": _run_json(host.runs.last),
    }


def _pool_json(pool: PoolUse) -> dict[str, Any]:
    six = {"version": 6} if pool.version == 6 else {}
    return {"network": pool.network, "used": pool.used, "total": pool.total, **six}


def _names_json(names: Names | None) -> dict[str, Any] | None:
    if names is None:
        return None
    return {
        "state": names.state,
        "names": names.count,
        "silent": list(names.silent),
        "asking_elsewhere": list(names.elsewhere),
    }


def _api_json(api: Api | None) -> dict[str, Any] | None:
    if api is None:
        return None
    until = api.until.isoformat() if api.until else None
    return {"address": api.address, "open": api.open, "certificate_until": until, "why": api.why}


def _encryption_json(found: EncryptionState | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"state": found.unit, "works": found.works, "why": found.why, "without_key": list(found.without_key)}


def _finding_json(finding: StatusFinding) -> dict[str, Any]:
    return {"hosts": list(finding.hosts), "what": finding.what, "do": finding.do}


def _run_json(run: RunEntry | None) -> dict[str, str] | None:
    if run is None:
        return None
    return {
        "run": run.run,
        "who": run.who,
        "from": run.come_from,
        "when": run.when,
        "what": run.what,
        "ended": run.ended,
    }
