"""Docker's API in the mesh, as status tells it."""

from dataclasses import replace
from datetime import datetime, timedelta

from dockmesh.plan.secrets import Access, Client
from dockmesh.render.paths import API_REVOKED, API_UNIT
from dockmesh.status.judge import judge
from dockmesh.status.types import Status, StatusFinding
from tests.support import access
from tests.support.access import NOW
from tests.support.fake_host import FakeHost, applied
from tests.unit.status import worlds

KNOWN = access.access()
DAY = timedelta(days=1)


def status(*changed: FakeHost, known: Access | None = KNOWN, now: datetime = NOW) -> Status:
    plan = access.plan(known)
    hosts = {name: applied(access.config(KNOWN, name)) for name in ("host1", "host2", "host3")}
    hosts |= {host.name: host for host in changed}
    return judge(plan, {name: worlds.heard(plan, host) for name, host in hosts.items()}, {}, now)


def texts(found: tuple[StatusFinding, ...]) -> list[tuple[tuple[str, ...], str]]:
    return [(each.hosts, each.what) for each in found]


def test_it_is_told_with_the_end_of_its_certificate() -> None:
    found = status()

    (api, *_) = [host.api for host in found.hosts]
    assert api is not None
    assert (api.address, api.open, str(api.until)) == ("172.17.42.1:2376", True, "2027-02-25 12:00:00+00:00")
    assert (found.findings, found.warnings) == ((), ())


def test_why_it_is_shut_is_told() -> None:
    host = applied(access.config(KNOWN, "host2"))
    del host.files[API_REVOKED]
    host.units[API_UNIT]["ActiveState"] = "activating"

    found = status(host)

    assert texts(found.findings)[0] == (("host2",), f"Docker's API is shut: {API_REVOKED} is not there")


def test_a_certificate_in_its_last_third_is_warned_of_and_one_that_ended_is_not_right() -> None:
    soon, over = status(now=NOW + 61 * DAY), status(now=NOW + 91 * DAY)

    assert len(soon.warnings) == 3
    assert soon.findings == ()
    assert "ends 2027-02-25 12:00 UTC" in soon.warnings[0].what
    assert [each.what for each in over.findings] == [
        "its certificate for Docker's API ended 2027-02-25 12:00 UTC: clients refuse it"
    ] * 3


def test_certificates_of_clients_are_warned_of_by_their_last_one() -> None:
    def client(name: str, days: int, *, revoked: bool = False) -> Client:
        return Client(name, 1, NOW - 60 * DAY, NOW + days * DAY, NOW if revoked else None)

    clients = (client("ann", 5), client("bob", 5), client("bob", 90), client("eve", 5, revoked=True), client("old", -5))

    found = status(known=replace(KNOWN, clients=clients))

    assert texts(found.warnings) == [(("prod",), "ann's certificate for Docker's API ends 2026-12-02 12:00 UTC")]


def test_an_authority_that_ends_is_warned_of_in_time() -> None:
    (warning,) = status(known=replace(KNOWN, ca_until=NOW + 100 * DAY)).warnings

    assert "the authority of Docker's API ends 2027-03-07" in warning.what
    assert "dockmesh access rotate" in warning.do


def test_on_another_machine_the_hosts_are_told_all_the_same() -> None:
    found = status(known=None)

    assert found.findings == ()
    assert [host.api.open for host in found.hosts if host.api] == [True] * 3
