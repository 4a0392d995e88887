"""Who sees what, and from whom."""

import asyncio
from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network

import pytest
from dnslib import EDNS0, DNSHeader, DNSQuestion, DNSRecord

from dockmesh.agent.names import resolver
from dockmesh.agent.names.message import ask
from dockmesh.agent.names.zone import Endpoint
from tests.unit.agent.names.worlds import BLUE, CONFIG, RED, VAULT, container, world

DB = "10.80.64.3"


@pytest.mark.parametrize("name", ["web", "WEB", "web.mesh", "web.host1", "web.host1.mesh", "web.MESH."])
def test_a_container_of_this_host_is_found_without_asking_anybody(name: str) -> None:
    there = world()

    assert there.find(name) == ["172.17.64.1"]
    assert there.red.asked == []


@pytest.mark.parametrize("name", ["far", "far.mesh"])
def test_a_container_of_another_host_is_found_by_asking_all(name: str) -> None:
    there = world()

    assert there.find(name) == ["172.17.128.1"]
    assert there.red.asked == [("far", None)]


@pytest.mark.parametrize("name", ["far.host2", "far.host2.mesh"])
def test_with_a_host_in_its_name_that_host_is_asked_alone(name: str) -> None:
    there = world()

    assert there.find(name) == ["172.17.128.1"]
    assert there.red.asked == [("far.host2", "host2")]


def test_a_name_behind_this_host_is_nobody_elses() -> None:
    there = world()

    assert there.code("far.host1.mesh") == "NXDOMAIN"
    assert there.red.asked == []


def test_a_name_that_nobody_has_is_not_there_in_our_domain_and_goes_out_without_it() -> None:
    there = world()

    assert there.code("nothing.mesh") == "NXDOMAIN"
    assert there.upstream.asked == []
    assert there.ask("nothing") == b"from outside, as it is"


def test_without_anybody_outside_a_name_that_nobody_has_is_not_there() -> None:
    there = world()
    there.upstream.servers = []

    assert there.code("nothing") == "NXDOMAIN"


def test_while_a_host_does_not_answer_nobody_says_that_a_name_is_gone() -> None:
    there = world()
    there.red.unsure = True

    assert there.code("nothing.mesh") == "SERVFAIL"
    assert there.code("nothing") == "SERVFAIL"
    assert there.find("far") == ["172.17.128.1"]


@pytest.mark.parametrize(
    ("name", "address"), [("host1", RED.address), ("host2.mesh", "172.17.42.2"), ("host2", "172.17.42.2")]
)
def test_hosts_have_names_too(name: str, address: str) -> None:
    assert world().find(name) == [address]


def test_a_container_that_is_called_like_a_host_comes_first() -> None:
    there = world()
    there.red.known["host2"]["host2"] = ["172.17.128.7"]

    assert there.find("host2") == ["172.17.128.7"]


def test_a_known_name_without_an_address_of_this_kind_has_an_empty_answer() -> None:
    there = world()

    assert there.find("web", "AAAA") == []
    assert there.find("far.mesh", "AAAA") == []
    assert there.find("host2", "AAAA") == []
    assert there.find("web.mesh", "MX") == []


def test_an_address_of_ipv6_is_told_only_where_the_network_has_such() -> None:
    there = world()

    assert there.find("db", "AAAA", source="10.80.64.2", at=BLUE) == []
    assert replace(BLUE, prefix6=IPv6Network("fd80::/64")).has("fd80::3")


def test_with_ipv6_names_have_such_addresses_and_these_have_names() -> None:
    there = world()
    six = replace(BLUE, prefix6=IPv6Network("fd80::/64"), address6="fd80::1", peers6={"host2": "fd80::2"})
    there.config = replace(CONFIG, networks=(RED, six))
    there.blue.known["host2"][IPv6Address("fd80::d").reverse_pointer] = ["deep.host2.mesh"]

    def find(name: str, kind: str = "AAAA") -> list[str]:
        return [
            str(IPv6Address(each)) if kind == "AAAA" else each for each in there.find(name, kind, source=DB, at=six)
        ]

    assert find("db") == ["fd80::3"]
    assert find("host1") == ["fd80::1"]
    assert find("host2.mesh") == ["fd80::2"]
    assert find("host2", "A") == ["10.80.42.2"]
    assert find(IPv6Address("fd80::3").reverse_pointer, "PTR") == ["db.host1.mesh"]
    assert find(IPv6Address("fd80::2").reverse_pointer, "PTR") == ["host2.mesh"]
    assert find(IPv6Address("fd80::d").reverse_pointer, "PTR") == ["deep.host2.mesh"]


@pytest.mark.parametrize("name", ["1.ip6.arpa", "ip6.arpa", f"g.{'0.' * 31}ip6.arpa", "fd80::1.ip6.arpa"])
def test_what_is_no_whole_address_is_no_reverse_name(name: str) -> None:
    assert resolver.reverse_address(name) is None


def test_two_networks_do_not_see_each_others_names() -> None:
    there = world()

    assert there.code("db.mesh") == "NXDOMAIN"
    assert there.code("deep.mesh") == "NXDOMAIN"
    assert there.code("web.mesh", source="10.80.64.3", at=BLUE) == "NXDOMAIN"
    assert there.code("far.mesh", source="10.80.64.3", at=BLUE) == "NXDOMAIN"
    assert there.find("deep", source="10.80.64.3", at=BLUE) == ["10.80.128.1"]


def test_who_is_on_two_networks_sees_both_wherever_it_asks() -> None:
    there = world()

    for at in (RED, BLUE):
        assert there.find("web", source="172.17.64.2", at=at) == ["172.17.64.1"]
        assert there.find("sql", source="172.17.64.2", at=at) == ["10.80.64.3"]
        assert there.find("deep", source="10.80.64.2", at=at) == ["10.80.128.1"]
    assert there.find("api", source="172.17.64.2") == ["10.80.64.2", "172.17.64.2"]


def test_several_containers_of_one_name_are_all_told_in_any_order() -> None:
    there = world()
    for number in range(10, 18):
        there.zone.put(replace(container("db", ("blue", f"10.80.64.{number}")), id=f"{number:064}"))

    orders = {
        tuple(str(each.rdata) for each in DNSRecord.parse(there.ask("db", source="10.80.64.3", at=BLUE)).rr)
        for _ in range(50)
    }

    assert {len(order) for order in orders} == {9}
    assert len(orders) > 1


def test_a_container_of_no_network_of_the_mesh_sees_the_outside_only() -> None:
    there = world()

    assert there.code("web.mesh", source="172.18.0.2") == "NXDOMAIN"
    assert there.red.asked == []
    assert there.ask("web", source="172.18.0.2") == b"from outside, as it is"


def test_the_host_itself_sees_the_network_that_it_asks_in() -> None:
    there = world()

    assert there.find("web", source="192.0.2.1") == ["172.17.64.1"]
    assert there.find("deep", source="192.0.2.1", at=BLUE) == ["10.80.128.1"]


def test_strangers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "WAIT_S", 0)

    for source in ("192.0.2.99", "172.17.128.1", "10.80.128.9"):
        assert world().code("web", source=source) == "REFUSED"
        assert world().code("www.example.com", source=source) == "REFUSED"


def test_a_build_is_served_by_its_address_though_docker_does_not_tell_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "WAIT_S", 0)

    assert world().find("web", source="172.17.64.77") == ["172.17.64.1"]
    assert world().ask("www.example.com", source="172.17.64.77") == b"from outside, as it is"


def test_what_comes_by_a_bridge_of_this_host_sees_the_outside_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "WAIT_S", 0)

    assert world().code("web.mesh", source="172.19.0.3") == "NXDOMAIN"
    assert world().ask("www.example.com", source="172.19.0.3") == b"from outside, as it is"


def test_who_asks_before_docker_told_of_it_is_waited_for() -> None:
    there = world()

    async def asked() -> bytes:
        made = there.resolver
        reply = made.answer(bytes(DNSRecord.question("web").pack()), "172.17.64.9", RED, udp=True)
        assert not isinstance(reply, bytes)
        assert reply is not None
        waiting = asyncio.ensure_future(reply)
        await asyncio.sleep(0)
        there.zone.put(container("new", ("bridge", "172.17.64.9")))
        made.changed()
        found = await waiting
        assert found is not None
        return found

    assert str(DNSRecord.parse(asyncio.run(asked())).rr[0].rdata) == "172.17.64.1"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("172.17.64.1", "web.host1.mesh"),
        ("172.17.42.1", "host1.mesh"),
        ("172.17.42.2", "host2.mesh"),
    ],
)
def test_addresses_have_names(address: str, name: str) -> None:
    there = world()

    assert there.find(_reverse(address), "PTR") == [name]
    if name.count(".") == 2:
        assert there.find(name) == [address]


def test_the_owner_of_an_address_is_asked_for() -> None:
    there = world()
    there.red.known["host2"][_reverse("172.17.128.1")] = ["far.host2.mesh"]

    assert there.find(_reverse("172.17.128.1"), "PTR") == ["far.host2.mesh"]
    assert there.code(_reverse("172.17.128.9"), "PTR") == "NXDOMAIN"


def test_addresses_of_other_networks_have_no_name_and_those_outside_go_out() -> None:
    there = world()

    assert there.code(_reverse("10.80.64.3"), "PTR") == "NXDOMAIN"
    assert there.ask(_reverse("192.0.2.7"), "PTR") == b"from outside, as it is"


def _reverse(address: str) -> str:
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


def test_another_host_is_told_what_is_here_in_the_network_where_it_asks() -> None:
    there = world()

    def told(name: str, at: object = RED, source: str = "172.17.42.2") -> list[str]:
        question = ask(7, name, 1, b"eightbyt")
        reply = DNSRecord.parse(there.ask_message(question, source=source, at=at))  # type: ignore[arg-type]
        assert reply.header.id == 7
        assert bytes(reply.ar[0].rdata[0].data) == b"eightbyt"
        return [str(each.rdata) for each in reply.rr]

    assert told("web") == ["172.17.64.1"]
    assert told("web.host1") == ["172.17.64.1"]
    assert told("db") == []
    assert told("db", BLUE, "10.80.42.2") == ["10.80.64.3"]
    assert told("far") == []
    assert told("www.example.com") == []
    assert (there.red.asked, there.upstream.asked) == ([], [])


def test_what_is_no_plain_question_goes_out_as_it_is() -> None:
    there = world()
    update = DNSRecord(DNSHeader(opcode=5), questions=[DNSQuestion("mesh", 6)]).pack()
    chaos = DNSRecord(questions=[DNSQuestion("version.bind", 16, 3)]).pack()
    dotted = DNSRecord(questions=[DNSQuestion([b"a.b", b"mesh"])]).pack()

    for question in (update, chaos, dotted):
        assert there.ask_message(bytes(question)) == b"from outside, as it is"
    assert [asked for asked, _ in there.upstream.asked] == [update, chaos, dotted]


OUTER = ("www.example.com", "7.2.0.192.in-addr.arpa", "secret.tunnel.example.com")


@pytest.mark.parametrize("source", ["10.81.64.1", "10.81.64.2", "10.81.64.77", "192.0.2.1"])
@pytest.mark.parametrize("name", OUTER)
def test_no_question_leaves_an_internal_network(monkeypatch: pytest.MonkeyPatch, name: str, source: str) -> None:
    monkeypatch.setattr(resolver, "WAIT_S", 0)
    there = world()
    chaos = bytes(DNSRecord(questions=[DNSQuestion("version.bind", 16, 3)]).pack())

    assert there.code(name, source=source, at=VAULT) == "REFUSED"
    assert there.code(name, "TXT", source=source, at=VAULT) == "REFUSED"
    assert DNSRecord.parse(there.ask_message(chaos, source=source, at=VAULT)).header.rcode == 5
    assert there.code("nas", source=source, at=VAULT) == "NXDOMAIN"
    assert there.upstream.asked == []


def test_an_internal_network_has_no_way_out_by_the_address_of_another_either() -> None:
    there = world()

    assert there.code("www.example.com", source="10.81.64.1", at=RED) == "REFUSED"
    assert there.code("www.example.com", source="10.81.64.2", at=RED) == "REFUSED"
    assert there.upstream.asked == []


def test_who_is_on_an_internal_network_finds_its_names_and_by_another_the_outside() -> None:
    there = world()

    assert there.find("safe", source="10.81.64.2", at=VAULT) == ["10.81.64.1"]
    assert there.find("host2.mesh", source="10.81.64.1", at=VAULT) == ["10.81.42.2"]
    assert there.ask("www.example.com", source="10.80.64.9") == b"from outside, as it is"


@pytest.mark.parametrize("name", ["github.com", "localhost", "a.localhost"])
def test_a_container_does_not_take_a_name_from_outside(name: str) -> None:
    there = world()
    there.zone.put(container(name, ("bridge", "172.17.64.66")))
    there.red.known["host2"][name] = ["172.17.128.66"]

    assert there.ask(name) == b"from outside, as it is"
    assert there.find(f"{name}.mesh") == ["172.17.64.66"]
    assert there.find(f"{name}.host1") == ["172.17.64.66"]


def test_the_outside_is_asked_the_same_way() -> None:
    there = world()
    question = bytes(DNSRecord.question("www.example.com", "TXT").pack())

    there.ask_message(question, udp=False)

    assert there.upstream.asked == [(question, True)]


def test_rubbish_is_answered_with_its_number_or_not_at_all() -> None:
    there = world()
    question = bytes(DNSRecord.question("web").pack())

    broken = DNSRecord.parse(there.ask_message(question[:-3]))
    answered = there.resolver.answer(bytes(DNSRecord.parse(there.ask("web")).pack()), "172.17.64.1", RED, udp=True)
    short = there.resolver.answer(question[:5], "172.17.64.1", RED, udp=True)

    assert (broken.header.rcode, broken.header.id) == (1, DNSRecord.parse(question).header.id)
    assert answered is None
    assert short is None


def test_an_answer_that_is_too_large_for_udp_says_so_and_tcp_has_it_all() -> None:
    there = world()
    for number in range(10, 110):
        there.zone.put(replace(container("many", ("bridge", f"172.17.64.{number}")), id=f"{number:064}"))
    plain = bytes(DNSRecord.question("many").pack())
    roomy = DNSRecord.question("many")
    roomy.add_ar(EDNS0(udp_len=4096))

    by_udp = there.ask_message(plain)
    with_room = there.ask_message(bytes(roomy.pack()))
    by_tcp = DNSRecord.parse(there.ask_message(plain, udp=False))
    by_peer = DNSRecord.parse(there.ask_message(ask(7, "many", 1, b"eightbyt"), source="172.17.42.2"))

    assert 400 < len(by_udp) <= 512
    assert 1100 < len(with_room) <= 1232  # whoever offers to take more gets no more
    assert [DNSRecord.parse(each).header.tc for each in (by_udp, with_room)] == [1, 1]
    assert [(len(each.rr), each.header.tc) for each in (by_tcp, by_peer)] == [(100, 0), (100, 0)]


def test_a_name_that_very_many_have_is_told_with_a_thousand_addresses() -> None:
    there = world()
    endpoints = tuple(Endpoint("bridge", str(RED.prefix[number]), "", frozenset(("many",))) for number in range(5000))
    there.zone.put(replace(container("many"), endpoints=endpoints))
    there.zone._named["bridge", "many"] = {str(number): each for number, each in enumerate(endpoints)}
    question = bytes(DNSRecord.question("many").pack())

    assert len(DNSRecord.parse(there.ask_message(question, udp=False)).rr) == 1000
    assert len(there.ask_message(question)) <= 512


@pytest.mark.parametrize("kind", ["A", "MX", "TXT", "AAAA"])
def test_an_address_has_a_name_and_nothing_else(kind: str) -> None:
    there = world()

    assert there.find(_reverse("172.17.64.1"), kind) == []
    assert there.find(_reverse("172.17.42.2"), kind) == []
    assert there.find(_reverse("172.17.64.1"), "ANY") == ["web.host1.mesh"]


def test_the_settings_name_every_resolver_of_the_mesh() -> None:
    assert CONFIG.addresses == {f"{network}.42.{host}" for network in ("172.17", "10.80", "10.81") for host in (1, 2)}


@pytest.mark.parametrize(
    ("name", "kind", "source"),
    [
        ("gone.mesh", "A", "172.17.64.1"),
        ("gone", "A", "172.17.64.1"),
        ("gone", "A", "172.17.42.2"),
        ("9.64.17.172.in-addr.arpa", "PTR", "172.17.64.1"),
    ],
    ids=["with the domain", "without it", "asked by another host", "an address"],
)
def test_until_dockers_list_is_read_nothing_is_said_not_to_be(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: str, source: str
) -> None:
    monkeypatch.setattr(resolver, "WAIT_S", 0.01)
    there = world()
    there.syncing = True

    assert there.code(name, kind, source=source) == "SERVFAIL"
    assert there.find("web.mesh") == ["172.17.64.1"]
    assert there.find("far.mesh") == ["172.17.128.1"]
