"""Docker's API in the mesh: its unit, its settings, and the certificates that it cannot start without."""

from dockmesh.plan.types import HostPlan, Plan
from dockmesh.render.paths import (
    API_CA,
    API_CERTIFICATE,
    API_KEY,
    API_PEMS,
    API_REVOKED,
    API_SETTINGS,
    API_UNIT_FILE,
    SECRET_MODE,
)
from dockmesh.render.template import Words, from_template
from dockmesh.render.types import File


def files(plan: Plan, host: HostPlan, words: Words) -> tuple[File, ...]:
    return (
        from_template("api.service.j2", API_UNIT_FILE, words),
        from_template("api.conf.j2", API_SETTINGS, words),
        *_pems(plan, host),
    )


def unknown(plan: Plan, host: HostPlan) -> tuple[str, ...]:
    """The paths of certificates that this machine does not know."""
    return API_PEMS if plan.docker_api and not _pems(plan, host) else ()


def _pems(plan: Plan, host: HostPlan) -> tuple[File, ...]:
    """The key of the authority is not among them."""
    access = plan.access
    own = access.hosts.get(host.name) if access else None
    if access is None or own is None:
        return ()
    return (
        File(API_CA, access.ca),
        File(API_REVOKED, access.revoked),
        File(API_CERTIFICATE, own.certificate),
        File(API_KEY, own.key, SECRET_MODE),
    )
