"""Names, as verify asks for them and judges what is said."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from dnslib import RR, A, DNSRecord

from dockmesh.agent import lookup
from dockmesh.render.names import UNIT
from dockmesh.verify.diagnose import diagnose
from dockmesh.verify.evidence import MeshEvidence, Named
from dockmesh.verify.judge import judge
from dockmesh.verify.types import CauseKind, ProbeKind, Verdict
from tests.unit.verify import worlds

PLAN = worlds.plan()


def said(evidence: MeshEvidence, source: str, target: str) -> tuple[Verdict, str]:
    (found,) = [
        each
        for each in judge(PLAN, evidence)
        if (each.kind, each.source, each.target) == (ProbeKind.NAME, source, target)
    ]
    return found.verdict, found.measured


def told(named: Named) -> MeshEvidence:
    """h1's resolver says this of the container of h2."""
    evidence = worlds.healthy(PLAN)
    measured = evidence.hosts["h1"].from_container
    return worlds.changed(evidence, "h1", from_container=replace(measured, names={**measured.names, "h2": named}))


def test_a_question_is_one_of_dns_and_its_answer_is_read() -> None:
    message = lookup.question("web.host2.mesh", 7)
    reply = DNSRecord.parse(message).reply()
    reply.add_answer(RR("web.host2.mesh", rdata=A("172.17.128.0"), ttl=0), RR("web.host2.mesh", rdata=A("10.0.0.1")))

    assert str(DNSRecord.parse(message).q.qname) == "web.host2.mesh."
    assert lookup.read_addresses(bytes(reply.pack()), message) == ["172.17.128.0", "10.0.0.1"]


def test_an_answer_that_is_cut_off_is_an_error_and_no_address() -> None:
    message = lookup.question("web.mesh", 7)
    reply = DNSRecord.parse(message).reply()
    reply.add_answer(RR("web.mesh", rdata=A("172.17.128.0")))

    with pytest.raises(struct.error):
        lookup.read_addresses(bytes(reply.pack())[:-6], message)


@contextlib.contextmanager
def resolver(monkeypatch: pytest.MonkeyPatch, answer: Callable[[int, bytes], bytes | None]) -> Iterator[str]:
    """One at 127.0.0.1: `answer` gets the number of a question and its bytes, and says nothing with None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        monkeypatch.setattr(lookup, "DNS_PORT", listening.getsockname()[1])

        def serve() -> None:
            with contextlib.suppress(OSError):
                for number in range(1000):
                    message, asker = listening.recvfrom(512)
                    if not message:
                        return
                    if (reply := answer(number, message)) is not None:
                        listening.sendto(reply, asker)

        thread = threading.Thread(target=serve)
        thread.start()
        yield "127.0.0.1"
        listening.sendto(b"", listening.getsockname())
        thread.join()


def found(message: bytes) -> bytes:
    reply = DNSRecord.parse(message).reply()
    reply.add_answer(RR("web.mesh", rdata=A("172.17.128.0")))
    return bytes(reply.pack())


def unknown(message: bytes) -> bytes:
    reply = DNSRecord.parse(message).reply()
    reply.header.rcode = 3
    return bytes(reply.pack())


def test_an_answer_counts_that_comes_when_it_was_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a resolver that takes longer for each than it is asked again after."""
    monkeypatch.setattr(lookup, "PAUSE_S", 0.05)

    def slow(_: int, message: bytes) -> bytes:
        time.sleep(3 * lookup.PAUSE_S)
        return found(message)

    with resolver(monkeypatch, slow) as server:
        assert lookup.look_up(server, "web.mesh") == {"addresses": ["172.17.128.0"], "error": None}


def test_one_that_is_silent_is_asked_for_longer_than_one_that_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("PAUSE_S", 0.01), ("NAME_DEADLINE_S", 0.2), ("SILENCE_DEADLINE_S", 1)):
        monkeypatch.setattr(lookup, name, seconds)
    starting = time.monotonic() + 0.5

    def starts(_: int, message: bytes) -> bytes | None:
        return found(message) if time.monotonic() > starting else None

    def refuses(_: int, message: bytes) -> bytes:
        return found(message) if time.monotonic() > starting else unknown(message)

    with resolver(monkeypatch, starts) as server:
        assert lookup.look_up(server, "web.mesh")["addresses"] == ["172.17.128.0"]
    starting = time.monotonic() + 0.5
    with resolver(monkeypatch, refuses) as server:
        assert lookup.look_up(server, "web.mesh") == {"addresses": [], "error": "NXDOMAIN"}
    with resolver(monkeypatch, lambda *_: None) as server:
        assert lookup.look_up(server, "web.mesh") == {"addresses": [], "error": "no answer"}


def test_a_container_that_is_found_at_its_address_passes() -> None:
    assert said(worlds.healthy(PLAN), "h1", "h2") == (Verdict.PASS, "10.9.2.0")


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (Named((), "NXDOMAIN"), "NXDOMAIN"),
        (Named((), "no answer"), "no answer"),
        (Named(("10.9.9.9",)), "10.9.9.9"),
        (Named(("10.9.2.0", "10.9.9.9")), "10.9.2.0, 10.9.9.9"),
    ],
)
def test_one_that_is_not_or_elsewhere_fails_with_what_was_said(named: Named, words: str) -> None:
    verdict, measured = said(told(named), "h1", "h2")

    assert verdict is Verdict.FAIL
    assert measured.endswith(words)


def test_a_resolver_that_does_not_run_is_named() -> None:
    evidence = worlds.changed_facts(told(Named((), "no answer")), "h1", units={UNIT: {"ActiveState": "failed"}})

    _, (cause,) = diagnose(PLAN, evidence, judge(PLAN, evidence))

    assert (cause.fault, cause.hosts) == (CauseKind.NAMES, ("h1",))
    assert cause.seen == f"its resolver does not run: {UNIT} is failed"


def test_without_names_nothing_is_asked_for() -> None:
    plan = replace(PLAN, domain=None)

    assert [each for each in judge(plan, worlds.healthy(plan)) if each.kind is ProbeKind.NAME] == []
