"""Certificates as those who use them see them: by handshakes of Python's TLS, in memory."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dockmesh.access.keep import LetIn, begin, let_in, rotate, shut_out, with_hosts
from dockmesh.access.lifetimes import HOST_LIFE
from dockmesh.access.store import Kept, client_folder
from dockmesh.plan.build import build
from tests.support.access import mesh
from tests.support.meshes import moved, without

PLAN = build(mesh())
NOW = datetime.now(UTC).replace(microsecond=0)  # TLS looks at the clock
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def kept() -> Kept:
    return with_hosts(begin("prod", NOW), PLAN, NOW)


def gets_in(folder: Path, kept: Kept, given: LetIn, *, host: str = "host1", address: str = "172.17.42.1") -> bool:
    """Whether host and client take each other's certificates, as stunnel and Docker's clients look at them."""
    paths = {}
    own = kept.certificates[host]
    texts = {"ca": kept.ca, "list": kept.revoked, "host": own.certificate + own.key}
    for name, text in {**texts, "client": given.certificate + given.key, "known": given.ca}.items():
        paths[name] = folder / f"{name}.pem"
        paths[name].write_text(text)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(paths["host"])
    server.load_verify_locations(paths["ca"])
    server.load_verify_locations(paths["list"])
    server.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    server.verify_mode = ssl.CERT_REQUIRED
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # Python's own default since 3.13
    client.load_cert_chain(paths["client"])
    client.load_verify_locations(paths["known"])
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server, server_hostname=address),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    done: set[int] = set()
    while len(done) < len(ends):
        for number, end in enumerate(ends):
            try:
                end.do_handshake()
                done.add(number)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                return False
    return True


def test_who_was_let_in_gets_in_at_each_hosts_own_address(kept: Kept, tmp_path: Path) -> None:
    kept, given = let_in(kept, "ann", NOW, DAY, tmp_path)

    assert gets_in(tmp_path, kept, given)
    assert gets_in(tmp_path, kept, given, host="host2", address="172.17.42.2")
    assert not gets_in(tmp_path, kept, given, host="host2", address="172.17.42.1")


def test_who_was_shut_out_does_not_get_in_and_others_do(kept: Kept, tmp_path: Path) -> None:
    kept, ann = let_in(kept, "ann", NOW, DAY, tmp_path)
    kept, second = let_in(kept, "ann", NOW, DAY, tmp_path)
    kept, bob = let_in(kept, "bob", NOW, DAY, tmp_path)

    kept = shut_out(kept, "ann", NOW)

    assert [gets_in(tmp_path, kept, given) for given in (ann, second, bob)] == [False, False, True]
    assert kept.revoked.splitlines()[1] == "# Revoked: 2 certificates; list 2."


def test_a_certificate_that_ended_is_good_for_nothing(kept: Kept, tmp_path: Path) -> None:
    kept, given = let_in(kept, "ann", NOW - 3 * DAY, DAY, tmp_path)

    assert not gets_in(tmp_path, kept, given)


def test_a_host_whose_clock_is_behind_takes_what_is_new(tmp_path: Path) -> None:
    """Made here ten hours from now, and looked at now: a clock that was not set from its time zone."""
    ahead = NOW + timedelta(hours=10)
    kept, ann = let_in(with_hosts(begin("prod", ahead), PLAN, ahead), "ann", ahead, DAY, tmp_path)
    kept, bob = let_in(shut_out(kept, "ann", ahead), "bob", ahead, DAY, tmp_path)

    assert [gets_in(tmp_path, kept, given) for given in (ann, bob)] == [False, True]


def test_a_later_list_is_taken_wherever_the_authority_is(tmp_path: Path) -> None:
    kept, ann = let_in(with_hosts(begin("prod", NOW), PLAN, NOW), "ann", NOW, DAY, tmp_path)
    kept, bob = let_in(shut_out(kept, "ann", NOW + 9 * DAY), "bob", NOW, DAY, tmp_path)

    assert [gets_in(tmp_path, kept, given) for given in (ann, bob)] == [False, True]


def test_a_certificate_of_another_authority_is_good_for_nothing(kept: Kept, tmp_path: Path) -> None:
    _, given = let_in(begin("prod", NOW), "ann", NOW, DAY, tmp_path)

    assert not gets_in(tmp_path, kept, replace_ca(given, kept))


def replace_ca(given: LetIn, kept: Kept) -> LetIn:
    """One who knows the right authority, and has no certificate of it."""
    return LetIn(kept.ca, given.certificate, given.key)


def test_with_what_a_host_has_nobody_gets_in_to_another(kept: Kept, tmp_path: Path) -> None:
    own = kept.certificates["host2"]

    assert not gets_in(tmp_path, kept, LetIn(kept.ca, own.certificate, own.key))


def test_a_host_keeps_its_certificate_until_the_last_third_of_its_life(kept: Kept) -> None:
    before, after = NOW + HOST_LIFE * 2 / 3 - DAY, NOW + HOST_LIFE * 2 / 3

    assert with_hosts(kept, PLAN, before).certificates == kept.certificates
    assert not set(with_hosts(kept, PLAN, after).certificates.values()) & set(kept.certificates.values())


def test_a_host_with_another_address_gets_another_certificate(kept: Kept) -> None:
    first, *others = mesh().hosts
    other = replace(mesh(), hosts=(moved(first, "172.17.42.9"), *others))

    found = with_hosts(kept, build(other), NOW)

    assert {name for name, own in found.certificates.items() if own != kept.certificates[name]} == {"host1"}


def test_a_host_that_left_loses_its_certificate(kept: Kept) -> None:
    fewer = build(without(mesh(), "host3"))

    assert set(with_hosts(kept, fewer, NOW).certificates) == {"host1", "host2"}


def test_nothing_outlives_the_authority(kept: Kept, tmp_path: Path) -> None:
    late = kept.ca_until - DAY

    kept, _ = let_in(with_hosts(kept, PLAN, late), "ann", late, 90 * DAY, tmp_path)

    assert {entry.until for entry in kept.hosts.values()} == {kept.ca_until}
    assert kept.clients[-1].until == kept.ca_until


def test_a_new_authority_lets_in_whom_the_old_one_did_where_their_folder_is_ours(kept: Kept, tmp_path: Path) -> None:
    file = tmp_path / "dockmesh.yaml"
    kept, old = let_in(kept, "ann", NOW, DAY, client_folder(file, "ann"))
    kept, _ = let_in(kept, "bob", NOW, DAY, tmp_path / "elsewhere")

    new, reissued = rotate(file, "prod", kept, NOW)
    new = with_hosts(new, PLAN, NOW)

    assert set(reissued) == {"ann"}
    assert gets_in(tmp_path, new, reissued["ann"])
    assert not gets_in(tmp_path, new, replace_ca(old, new))
    assert new.meant


def test_no_key_is_in_what_python_prints(kept: Kept, tmp_path: Path) -> None:
    kept, given = let_in(kept, "ann", NOW, DAY, tmp_path)

    assert "KEY" not in repr((kept, kept.access, kept.certificates, given, replace(PLAN, access=kept.access)))
