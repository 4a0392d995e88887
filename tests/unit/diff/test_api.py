"""Docker's API in the mesh: what is written, what takes it, and what stays open meanwhile."""

import io
from dataclasses import replace

from dockmesh.debian.deb import read_deb
from dockmesh.diff.host import diff
from dockmesh.diff.origin import explain
from dockmesh.diff.types import Change, HostDiff, Origin, StepName
from dockmesh.facts.types import Packages
from dockmesh.plan.secrets import Access
from dockmesh.render.paths import API_CA, API_CERTIFICATE, API_FILES, API_KEY, API_PEMS, API_REVOKED, API_UNIT
from dockmesh.transport.requests import Exec, Request
from tests.support import access
from tests.support.debs import deb_bytes
from tests.support.fake_host import FakeHost, applied
from tests.support.plans import config_of

KNOWN = access.access()
OPEN = access.config(KNOWN)
SHUT = config_of(replace(access.mesh(), docker_api=None))
RENEWED = access.access(until="2027-05-26 12:00:00")


def of(host: FakeHost, known: Access | None) -> HostDiff:
    plan = access.plan(known)
    config = access.config(known)
    facts = host.facts()
    return explain(plan, config, facts, diff(config, facts))


def changes(found: HostDiff) -> dict[str, Change]:
    return {str(change.subject): change for change in found.changes}


def requests(found: HostDiff) -> tuple[Request, ...]:
    return tuple(request for step in found.steps for request in step.requests)


def test_to_open_it_is_one_package_its_files_and_a_unit_and_no_restart_of_docker() -> None:
    host = applied(SHUT)
    host.programs.discard("stunnel")

    found = of(host, KNOWN)

    assert [step.name for step in found.steps] == [StepName.INSTALL, StepName.FILES, StepName.ATTACH]
    assert found.steps[0].packages == ("stunnel4",)
    assert set(changes(found)) == {"stunnel4", *API_FILES, API_UNIT}
    assert Exec(("systemctl", "start", API_UNIT)) in requests(found)
    assert not any("docker.service" in str(request) for request in requests(found))


def test_a_change_says_what_a_file_is_and_never_what_is_in_it() -> None:
    found = changes(of(applied(SHUT), KNOWN))

    assert found[API_CERTIFICATE].text() == (
        f"{API_CERTIFICATE}: Certificate of host1 in mesh prod, until 2027-02-25 12:00:00 UTC, serial 1f"
    )
    assert found[API_REVOKED].expected == "Revoked: none; list 1"
    assert not any("BEGIN" in change.text() for change in found.values())


def test_a_host_where_it_is_open_has_nothing_to_change() -> None:
    assert of(applied(OPEN), KNOWN).steps == ()


def test_a_renewed_certificate_is_taken_while_streams_go_on() -> None:
    found = of(applied(OPEN), RENEWED)

    assert set(changes(found)) == {API_CERTIFICATE, API_KEY}
    assert {change.origin for change in found.changes} == {Origin.CERTIFICATES}
    assert requests(found)[-1] == Exec(("systemctl", "try-reload-or-restart", API_UNIT))


def test_who_was_shut_out_stays_on_no_open_connection() -> None:
    found = of(applied(OPEN), access.access(revoked="1 certificate; list 2"))

    assert (
        changes(found)[API_REVOKED].text() == f"{API_REVOKED}: Revoked: none; list 1 → Revoked: 1 certificate; list 2"
    )
    assert requests(found)[-1] == Exec(("systemctl", "try-restart", API_UNIT))


def test_a_hand_on_the_files_and_the_unit_is_drift() -> None:
    host = applied(OPEN)
    del host.files[API_REVOKED]
    host.files[API_KEY] = (host.files[API_KEY][0], 0o644)
    host.units[API_UNIT]["ActiveState"] = "failed"

    found = of(host, KNOWN)

    told = {subject: (change.origin, change.because) for subject, change in changes(found).items()}
    assert told == {
        API_REVOKED: (Origin.DRIFT, "removed by hand"),
        API_KEY: (Origin.DRIFT, "changed by hand"),
        API_UNIT: (Origin.DRIFT, "stopped"),
    }
    assert changes(found)[API_KEY].text() == f"{API_KEY}: mode 0644 → mode 0600"


def test_to_shut_it_shuts_the_port_first_and_leaves_nothing() -> None:
    found = diff(SHUT, applied(OPEN).facts())

    (step,) = found.steps
    assert step.requests[0] == Exec(("systemctl", "disable", "--now", API_UNIT))
    assert {str(change.subject): change.expected for change in step.changes} == dict.fromkeys(API_FILES)


def test_what_another_machine_knows_is_not_judged_here() -> None:
    host = applied(OPEN)
    del host.files[API_CA]

    assert of(host, None).steps == ()
    assert set(API_PEMS) - {API_CA} <= set(host.files)


def test_a_docker0_that_is_made_anew_is_bound_anew() -> None:
    host = applied(OPEN)
    del host.devices["docker0"]

    assert Exec(("systemctl", "restart", API_UNIT)) in requests(of(host, KNOWN))


def test_its_package_is_carried_where_the_mesh_brings_it() -> None:
    deb = read_deb(io.BytesIO(deb_bytes("stunnel4", "3:5.74-2")), "stunnel4.deb")
    host = applied(SHUT)
    host.programs.discard("stunnel")
    config = replace(OPEN, debs=(deb,))

    (install, *_) = diff(config, replace(host.facts(), packages=Packages("amd64", {}))).steps

    assert (install.name, install.packages, install.debs) == (StepName.INSTALL, (), (deb,))
