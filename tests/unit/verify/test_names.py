"""Names, as verify asks for them and judges what is said."""

import struct
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
