"""What this machine keeps after somebody was let in or shut out, and before an apply brings it to the hosts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from dockmesh.access.certificates import (
    Authority,
    issue_client,
    issue_host,
    make_authority,
    revocation_list,
)
from dockmesh.access.lifetimes import CA_LIFE, HOST_LIFE, in_last_third
from dockmesh.access.store import HostEntry, Kept, client_folder
from dockmesh.plan.secrets import Client, HostCertificate
from dockmesh.plan.types import Plan
from dockmesh.render.paths import MARK


@dataclass(frozen=True, slots=True, repr=False)
class LetIn:
    """What one who is let in needs, in PEM."""

    ca: str
    certificate: str
    key: str


def begin(mesh: str, now: datetime) -> Kept:
    """A new authority, which has let nobody in."""
    now, until = _second(now), _second(now + CA_LIFE)
    made = make_authority(mesh, now, until)
    ca = _headed(f"The authority of Docker's API in mesh {mesh}, until {_day(until)}.", made.certificate)
    kept = Kept(ca=ca, key=made.key, ca_made=now, ca_until=until, revoked="", number=0)
    return _with_list(kept)


def with_hosts(kept: Kept, plan: Plan, now: datetime) -> Kept:
    """A certificate for every host of the plan: its own one, where it fits and its last third has not begun.

    Hosts that are no more lose theirs.
    """
    now = _second(now)
    hosts, certificates = {}, {}
    for host in plan.hosts:
        addresses = (str(host.address.ip),)
        entry, own = kept.hosts.get(host.name), kept.certificates.get(host.name)
        if entry is None or own is None or not _serves(entry, addresses, now):
            entry, own = _issue_host(kept, plan.name, host.name, addresses, now)
        hosts[host.name], certificates[host.name] = entry, own
    return replace(kept, hosts=hosts, certificates=certificates)


def _serves(entry: HostEntry, addresses: tuple[str, ...], now: datetime) -> bool:
    return entry.addresses == addresses and not in_last_third(entry.made, entry.until, now)


def _issue_host(
    kept: Kept, mesh: str, name: str, addresses: tuple[str, ...], now: datetime
) -> tuple[HostEntry, HostCertificate]:
    until = min(now + HOST_LIFE, kept.ca_until)
    issued = issue_host(_authority(kept), name, map(IPv4Address, addresses), now, until)
    words = f"of {name} in mesh {mesh}, until {_day(until)}, serial {issued.serial:x}."
    own = HostCertificate(
        _headed(f"Certificate {words}", issued.certificate), _headed(f"Private key {words}", issued.key)
    )
    return HostEntry(issued.serial, now, until, addresses), own


def let_in(kept: Kept, name: str, now: datetime, life: timedelta, folder: Path) -> tuple[Kept, LetIn]:
    """One certificate more for this name; those that it has are as good as before."""
    now = _second(now)
    until = min(now + life, kept.ca_until)
    issued = issue_client(_authority(kept), name, now, until)
    client = Client(name, issued.serial, now, until, folder=str(folder))
    return replace(kept, clients=(*kept.clients, client)), LetIn(kept.ca, issued.certificate, issued.key)


def shut_out(kept: Kept, name: str, now: datetime) -> Kept:
    """All certificates of this name, those that ended too: a clock may be wrong."""
    now = _second(now)
    clients = tuple(
        replace(each, revoked=now) if each.name == name and each.revoked is None else each for each in kept.clients
    )
    return _with_list(replace(kept, clients=clients))


def rotate(file: Path, mesh: str, kept: Kept | None, now: datetime) -> tuple[Kept, Mapping[str, LetIn]]:
    """A new authority; who was let in by the old one is let in again, to the same day, by name what they need.

    Only where their folder is ours: who has their certificate elsewhere must fetch another one.
    """
    new = replace(begin(mesh, now), meant=True)
    reissued: dict[str, LetIn] = {}
    for client in valid_clients(kept.clients if kept else (), now):
        own = client_folder(file, client.name)
        if Path(client.folder) == own and client.name not in reissued:
            new, reissued[client.name] = let_in(new, client.name, now, client.until - now, own)
    return new, reissued


def valid_clients(clients: Iterable[Client], now: datetime) -> list[Client]:
    """Those that get in, the one that lasts longest first."""
    valid = (each for each in clients if each.revoked is None and each.until > now)
    return sorted(valid, key=lambda each: each.until, reverse=True)


def _with_list(kept: Kept) -> Kept:
    number = kept.number + 1
    rows = [(each.serial, each.revoked) for each in kept.clients if each.revoked is not None]
    text = revocation_list(_authority(kept), number, rows, kept.ca_until)
    what = f"{len(rows)} certificate{'' if len(rows) == 1 else 's'}" if rows else "none"
    return replace(kept, number=number, revoked=_headed(f"Revoked: {what}; list {number}.", text))


def _authority(kept: Kept) -> Authority:
    return Authority(kept.ca, kept.key)


def _headed(words: str, pem: str) -> str:
    """What stands before the first BEGIN nobody reads but people, and `dockmesh status`."""
    return f"{MARK}\n# {words}\n{pem}"


def _day(until: datetime) -> str:
    return f"{until:%Y-%m-%d %H:%M:%S} UTC"


def _second(when: datetime) -> datetime:
    return when.replace(microsecond=0)
