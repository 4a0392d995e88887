"""Rules about hosts: how many, what they are called, and where SSH goes."""

from collections.abc import Iterator

from dockmesh.meshfile.excerpt import clipped
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.rules.repeated import repeated
from dockmesh.meshfile.types import Located
from dockmesh.model.mesh import DOMAIN


def check_count(mesh: MeshSection) -> Iterator[Problem]:
    """A name that stands twice counts as two: what is to be done about it is told by itself."""
    hint, hosts = "A mesh joins two hosts or more.", mesh.every_host
    if mesh.hosts and not hosts and mesh.hosts.whole and mesh.hosts.under:
        yield Problem("there is no host", hint, mesh.hosts.under.span)
    if mesh.hosts and len(hosts) == 1 and (mesh.hosts.whole or not hosts[0].whole):
        yield Problem(f"{hosts[0].shown} is the only host", hint, hosts[0].label.span)


def check_names_differ(mesh: MeshSection) -> Iterator[Problem]:
    """Names equal but for case are one name to DNS; names that are quite equal are one key, and never come here."""
    for host, first in repeated(mesh.every_host, lambda host: Located(host.label.value.lower(), host.label.span)):
        what = f"{host.shown} differs from {first.shown} only in upper and lower case"
        hint = f"{first.shown} is in line {first.label.line}. To DNS both are one name."
        yield Problem(what, hint, host.label.span)


def check_domain(mesh: MeshSection) -> Iterator[Problem]:
    """NAME.HOST of one and NAME of another would be one name."""
    for host in mesh.every_host:
        if not mesh.domain or mesh.domain.value != host.label.value:
            continue
        if mesh.domain.given:
            where = f"{host.shown} is in line {host.label.line}."
            hint = f"{where} Take another, such as {DOMAIN}, or false for no names."
            yield Problem(f"domain is the name of the host {host.shown}", hint, mesh.domain.span)
        else:
            hint = f"Give the host another name, or write a domain that is not {DOMAIN}, such as `domain: containers`."
            yield Problem(f"host {host.shown} has the name of the default domain", hint, host.label.span)


def check_same_ssh(mesh: MeshSection) -> Iterator[Problem]:
    for host, first in repeated(mesh.every_host, lambda host: host.ssh_target):
        what = f"ssh of {host.shown} has the same target as the ssh of {first.shown}"
        hint = f"{first.shown} is in line {first.label.line}. Both would be set up on one host, one over the other."
        yield Problem(what, hint, host.ssh_target.span)


def check_ssh_users(mesh: MeshSection) -> Iterator[Problem]:
    """Some directories have users with an @ in their names; nobody is called after a host of this file, or root."""
    names = {name for host in mesh.every_host for name in (host.label.value, host.ssh_target.value[0])}
    for found in [name for host in mesh.every_host if (name := host.ssh.user) and "@" in name.value]:
        user, _, behind = found.value.rpartition("@")
        if user == "root" or behind in names:
            hint = f"Write {{user: {clipped(user)}, host: {clipped(behind)}}}."
            yield Problem(f"{found.subject} holds a host", hint, found.span)


RULES = (check_count, check_names_differ, check_domain, check_same_ssh, check_ssh_users)
