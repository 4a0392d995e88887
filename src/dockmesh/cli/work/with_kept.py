"""The plan with what the files beside the mesh file say: who gets in to Docker's API, and hosts' public keys."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from dockmesh.errors import DockmeshError
from dockmesh.plan.secrets import MeshKeys
from dockmesh.plan.types import Plan


def with_kept(plan: Plan, file: Path) -> Plan:
    """To look with. On a machine that let nobody in the certificates are not judged, nor keys where none is known.

    Raises UsageError for files that cannot be read.
    """
    return _with_access(replace(plan, keys=MeshKeys(public_keys(plan, file))), file)


def public_keys(plan: Plan, file: Path) -> Mapping[str, str]:
    """By host, as they are known here.

    Raises UsageError for files that cannot be read.
    """
    if plan.fabric.encryption is None:
        return {}
    from dockmesh.history.public_keys import load

    return load(file)


def keep_keys(plan: Plan, file: Path) -> None:
    """For whoever looks later. Raises UsageError where they cannot be written."""
    if plan.fabric.encryption is not None:
        from dockmesh.history.public_keys import save

        save(file, plan.keys.public)


def _with_access(plan: Plan, file: Path) -> Plan:
    if plan.docker_api is None:
        return plan
    from dockmesh.access import store

    kept = store.load(file)
    return replace(plan, access=kept.access) if kept else plan


def prepared(plan: Plan, file: Path) -> tuple[Plan, Callable[[], None]]:
    """To apply with: with a certificate for each host, some of them new; and what keeps these, once it is meant.

    Raises UsageError for files that cannot be read.
    """
    if plan.docker_api is None:
        return plan, lambda: None
    from dockmesh.access import store
    from dockmesh.access.keep import begin, with_hosts

    now = datetime.now(UTC)
    kept = store.load(file)
    new = with_hosts(kept or begin(plan.name, now), plan, now)

    def keep() -> None:
        # Somebody may have been let in or shut out since: what is about clients is theirs.
        with store.held(file) as books:
            current = books.kept or new
            if current.ca != new.ca or current.number != new.number:
                raise DockmeshError("access to Docker's API was changed meanwhile", do="run the command again")
            books.save(replace(current, hosts=new.hosts, certificates=new.certificates, meant=True))

    return replace(plan, access=new.access), keep
