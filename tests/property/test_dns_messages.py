"""What must be true of every message, whatever its bytes are."""

from ipaddress import IPv4Address, IPv6Address

from dnslib import AAAA, EDNS0, QTYPE, RR, A, DNSHeader, DNSLabel, DNSQuestion, DNSRecord, EDNSOption
from hypothesis import example, given
from hypothesis import strategies as st

from dockmesh.agent.names import message
from dockmesh.agent.names.walk import BadMessageError
from tests.support.dns import HOSTILE

LABELS = st.lists(st.binary(min_size=1, max_size=63), max_size=8).filter(lambda each: len(b".".join(each)) < 250)
COOKIES = st.one_of(st.none(), st.binary(min_size=8, max_size=8))


@given(st.binary(max_size=600))
@example(HOSTILE["an answer"])
def test_bytes_are_a_message_or_a_mistake_and_a_question_can_be_answered(data: bytes) -> None:
    for read in (message.read_reply, message.read_question):
        try:
            found = read(data)
        except BadMessageError:
            continue
        if isinstance(found, message.Question):
            answer = message.answer(found, ("172.17.64.1", "fd80::1", "web.host1.mesh"))
            asked = sum(map(len, found.labels)) + len(found.labels) + 5 if found.header.questions else 0
            assert answer[:2] + answer[12 : 12 + asked] == data[:2] + data[12 : 12 + asked]
            assert len(answer) <= message.PLAIN_UDP


@given(LABELS, st.integers(0, 255), st.integers(0, 0xFFFF), COOKIES, st.integers(0, 0xFFFF))
def test_a_question_that_the_library_writes_is_read_as_it_was_meant(
    labels: list[bytes], kind: int, identifier: int, cookie: bytes | None, size: int
) -> None:
    written = DNSRecord(DNSHeader(id=identifier, rd=1), questions=[DNSQuestion(DNSLabel(labels), kind)])
    if cookie is not None:
        written.add_ar(EDNS0(udp_len=size, opts=[EDNSOption(message.COOKIE, cookie)]))

    read = message.read_question(bytes(written.pack()))

    assert (list(read.labels), read.type, read.header.id, read.header.recursive) == (labels, kind, identifier, True)
    assert read.edns == (None if cookie is None else message.Edns(size, cookie))


@given(
    st.lists(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), max_size=50),
    st.sampled_from(["A", "AAAA", "ANY"]),
    st.sampled_from([0, 2, 3]),
)
def test_what_the_library_writes_for_another_host_is_read_as_it_was_meant(
    addresses: list[IPv4Address | IPv6Address], kind: str, code: int
) -> None:
    written = DNSRecord(DNSHeader(qr=1, rcode=code), questions=[DNSQuestion("db.host2", getattr(QTYPE, kind))])
    for address in addresses:
        value, number = (A(str(address)), 1) if address.version == 4 else (AAAA(str(address)), 28)
        written.add_answer(RR("db.host2", number, rdata=value))

    read = message.read_reply(bytes(written.pack()))

    wanted = [str(each) for each in addresses if kind == "ANY" or (kind == "A") == (each.version == 4)]
    assert (read.name, list(map(_one_form, read.values))) == ("db.host2", list(map(_one_form, wanted)))
    assert (read.known, read.unsure) == (code == 0, code == 2)


def _one_form(address: str) -> str:
    return IPv6Address(address).exploded if ":" in address else address
