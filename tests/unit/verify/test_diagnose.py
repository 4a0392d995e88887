"""One thing broken, and what is said of it."""

from dataclasses import replace
from ipaddress import IPv4Interface, IPv4Network

import pytest

from dockmesh.errors import ConnectError
from dockmesh.facts.iptables import Fate, Seen
from dockmesh.facts.types import Container, Place
from dockmesh.plan.types import Plan
from dockmesh.verify.diagnose import diagnose
from dockmesh.verify.evidence import Echo, Measured, MeshEvidence, Owners, Transfer
from dockmesh.verify.judge import judge
from dockmesh.verify.types import Cause, CauseKind, Probe, ProbeKind, Verdict
from tests.unit.verify import worlds

PLAN = worlds.plan()
DOWN = {"bfd_status": {"state": "down", "forwarding": "false"}}


def look(evidence: MeshEvidence, plan: Plan = PLAN) -> tuple[tuple[Probe, ...], tuple[Cause, ...]]:
    return diagnose(plan, evidence, judge(plan, evidence))


def faults(evidence: MeshEvidence, plan: Plan = PLAN) -> list[CauseKind]:
    return [cause.fault for cause in look(evidence, plan)[1]]


def verdicts(probes: tuple[Probe, ...], kind: ProbeKind) -> dict[tuple[str, str], Verdict]:
    return {(probe.source, probe.target): probe.verdict for probe in probes if probe.kind is kind}


def test_a_mesh_as_planned_passes_whole() -> None:
    for plan in (PLAN, worlds.plan(5), worlds.plan(4, worlds.chain("h1", "h2", "h3", "h4"))):
        probes, causes = look(worlds.healthy(plan), plan)

        assert {probe.verdict for probe in probes} == {Verdict.PASS}
        assert causes == ()


def test_a_deleted_tunnel_is_found_though_every_ping_passes() -> None:
    probes, causes = look(worlds.changed_port(worlds.healthy(PLAN), "h2", "h3", gone=True))

    assert [cause.seen for cause in causes] == ["h2 has no tunnel to h3"]
    assert verdicts(probes, ProbeKind.TUNNEL)["h2", "h3"] is Verdict.FAIL


def test_a_filter_that_lets_gre_through_one_way_is_named_with_its_direction() -> None:
    evidence = worlds.changed_port(worlds.healthy(PLAN), "h1", "h2", bfd_status={"state": "init"})
    evidence = worlds.changed_port(evidence, "h2", "h1", **DOWN)

    (cause,) = look(evidence)[1]

    assert cause.fault is CauseKind.TUNNEL_FILTERED
    assert "no GRE from h1 arrives at h2" in cause.seen


@pytest.mark.parametrize(
    ("options", "words"),
    [({"key": "7"}, "its key is 7, not none"), ({"remote_ip": "192.0.2.77"}, "leads to 192.0.2.77, not to 192.0.2.2")],
)
def test_a_tunnel_with_another_key_or_peer_is_named(options: dict[str, str], words: str) -> None:
    changed = {"remote_ip": "192.0.2.2"} | options
    evidence = worlds.changed_port(worlds.healthy(PLAN), "h1", "h2", options=changed, **DOWN)

    (cause,) = look(evidence)[1]

    assert cause.fault is CauseKind.TUNNEL_WRONG
    assert words in cause.seen


def test_a_switch_that_floods_nothing_beside_a_spanning_tree_is_named() -> None:
    """One that was upgraded beneath the mesh; a fresh one is refused."""
    others = [(one, other) for one, other in (("h1", "h2"), ("h2", "h1"), ("h2", "h3"), ("h3", "h2"))]
    silent = worlds.silent(worlds.healthy(PLAN), *others)

    (cause,) = look(worlds.changed_facts(silent, "h2", switch_version="4.0.0"))[1]

    assert cause.fault is CauseKind.TREE
    assert cause.seen.startswith("Open vSwitch 4.0.0 floods nothing to a host")
    assert cause.do == "set `forwarding: direct` in the file and run `dockmesh apply`"


def test_underlay_that_is_dead_between_two_is_told_from_a_dead_host() -> None:
    link, host = worlds.healthy(PLAN), worlds.healthy(PLAN)
    for source, target in (("h2", "h3"), ("h3", "h2")):
        link = worlds.silent_underlay(worlds.changed_port(link, source, target, **DOWN), source, target)
    for source, target in (("h2", "h3"), ("h3", "h2"), ("h1", "h3"), ("h3", "h1")):
        host = worlds.silent_underlay(worlds.changed_port(host, source, target, **DOWN), source, target)

    assert [(cause.fault, cause.hosts) for cause in look(link)[1]] == [(CauseKind.UNDERLAY_DOWN, ("h2", "h3"))]
    assert (CauseKind.UNDERLAY_DOWN, ("h3",)) in [(cause.fault, cause.hosts) for cause in look(host)[1]]


def test_pairs_behind_a_broken_link_are_told_of_that_link() -> None:
    plan = worlds.plan(4, worlds.chain("h1", "h2", "h3", "h4"))
    evidence = worlds.changed_port(worlds.healthy(plan), "h2", "h3", gone=True)
    cut = [(a, b) for a in ("h1", "h2") for b in ("h3", "h4")]
    evidence = worlds.silent(evidence, *cut, *((b, a) for a, b in cut))

    probes, causes = look(evidence, plan)

    assert CauseKind.UNEXPLAINED not in [cause.fault for cause in causes]
    (far,) = [
        probe for probe in probes if (probe.kind, probe.source, probe.target) == (ProbeKind.HOST_PING, "h1", "h4")
    ]
    assert far.reason == "h2 has no tunnel to h3"


def test_docker0_with_another_mtu_is_named_with_both_numbers() -> None:
    evidence = worlds.healthy(PLAN)
    br0, docker0 = evidence.hosts["h1"].facts.links
    evidence = worlds.changed_facts(evidence, "h1", links=(br0, replace(docker0, mtu=1500)))

    (cause,) = look(evidence)[1]

    assert (cause.fault, cause.seen) == (CauseKind.MTU, "docker0 has MTU 1500, planned is 1462")


def test_an_underlay_narrower_than_the_file_says_is_named() -> None:
    evidence = worlds.healthy(PLAN)
    known = evidence.hosts["h1"]
    narrow = replace(worlds.ANSWERED, full=Echo(None, 5, None))
    lossy = replace(narrow, transfer=Transfer(None, "timed out"))
    evidence = worlds.changed(
        evidence,
        "h1",
        from_host=replace(known.from_host, underlay={"h2": narrow, "h3": worlds.ANSWERED}),
        from_container=replace(known.from_container, targets={"h2": lossy, "h3": worlds.ANSWERED}),
    )

    probes, causes = look(evidence)

    assert [cause.fault for cause in causes] == [CauseKind.UNDERLAY_MTU]
    assert verdicts(probes, ProbeKind.CONTAINER_SIZE)["h1", "h2"] is Verdict.FAIL


def test_a_larger_packet_must_be_refused_at_the_source() -> None:
    evidence = worlds.healthy(PLAN)
    known = evidence.hosts["h1"]
    lax = replace(worlds.ANSWERED, refused=False)
    inside = replace(known.from_container, targets={"h2": lax, "h3": lax}, mtus={"eth0": 1500})

    probes, causes = look(worlds.changed(evidence, "h1", from_container=inside))

    assert [cause.fault for cause in causes] == [CauseKind.MTU]
    assert verdicts(probes, ProbeKind.CONTAINER_SIZE)["h1", "h2"] is Verdict.FAIL
    assert verdicts(probes, ProbeKind.DOCKER)["h1", "h1"] is Verdict.FAIL


def test_two_containers_with_one_address_are_found_where_arp_is_blind() -> None:
    evidence = worlds.healthy(PLAN)
    for host in ("h1", "h2"):
        docker = evidence.hosts[host].facts.docker
        assert docker is not None
        twin = Container("d" * 64, f"web-{host}", "10.9.1.7")
        evidence = worlds.changed_facts(evidence, host, docker=replace(docker, containers=(twin,)))

    probes, (cause,) = look(evidence)

    assert cause.fault is CauseKind.ADDRESS_TAKEN
    assert cause.seen == "10.9.1.7 belongs to container web-h1 on h1 and to container web-h2 on h2"
    assert cause.do == "run `docker restart web-h2` on h2; 10.9.1.7 is h1's"
    assert verdicts(probes, ProbeKind.ADDRESS)["h3", "h1"] is Verdict.FAIL


def test_two_macs_alike_fail_the_addresses_of_their_hosts() -> None:
    evidence = worlds.healthy(PLAN)
    for host, own in (("h1", "10.9.1.7"), ("h2", "10.9.2.7")):
        docker = evidence.hosts[host].facts.docker
        assert docker is not None
        twin = Container("d" * 64, "web", own, (Place("bridge", own, "02:42:00:00:00:07"),))
        evidence = worlds.changed_facts(evidence, host, docker=replace(docker, containers=(twin,)))

    probes, (cause,) = look(evidence)

    assert cause.fault is CauseKind.MAC_TAKEN
    assert "container web on h1 and container web on h2 have the same MAC address 02:42:00:00:00:07" in cause.seen
    failed = {pair for pair, verdict in verdicts(probes, ProbeKind.ADDRESS).items() if verdict is Verdict.FAIL}
    assert failed == {("h2", "h1"), ("h3", "h1"), ("h1", "h2"), ("h3", "h2")}


def test_a_container_outside_the_pool_fails_the_docker_of_its_host() -> None:
    evidence = worlds.healthy(PLAN)
    docker = evidence.hosts["h1"].facts.docker
    assert docker is not None
    stray = Container("d" * 64, "web", "10.9.77.7", (Place("bridge", "10.9.77.7"),))
    evidence = worlds.changed_facts(evidence, "h1", docker=replace(docker, containers=(stray,)))

    probes, (cause,) = look(evidence)

    assert cause.fault is CauseKind.OUTSIDE_POOL
    assert cause.seen.endswith("another host may give out the same address: web (10.9.77.7)")
    assert verdicts(probes, ProbeKind.DOCKER)["h1", "h1"] is Verdict.FAIL


def test_a_pool_without_room_for_the_probe_is_why_it_did_not_start() -> None:
    plan = worlds.plan()
    one = replace(plan.hosts[0].networks[0], pool=IPv4Network("10.9.1.7/32"), containers=1)
    plan = replace(plan, hosts=(replace(plan.hosts[0], networks=(one,)), *plan.hosts[1:]))
    evidence = worlds.healthy(plan)
    docker = evidence.hosts["h1"].facts.docker
    assert docker is not None
    place = Place("bridge", "10.9.1.7", worlds.container(plan.hosts[0]).mac)
    web = Container("d" * 64, "web", "10.9.1.7", (place,))
    full = worlds.changed_facts(evidence, "h1", docker=replace(docker, containers=(web,)))
    why = "no available IPv4 addresses on this network's address pools: bridge"
    full = worlds.changed(full, "h1", container=None, container_error=why, from_container=Measured(error=why))

    fault = next(cause for cause in look(full, plan)[1] if cause.hosts == ("h1",))

    assert fault.fault is CauseKind.POOL_FULL
    assert "10.9.1.7/32, is full: its one address is taken" in fault.seen


def test_an_address_that_nobody_admits_to_is_named_by_its_mac() -> None:
    evidence = worlds.healthy(PLAN)
    known = evidence.hosts["h3"].from_container
    both = Owners(1, (PLAN.host("h1").docker0.bridge_mac, "00:11:22:33:44:55"))
    measured = replace(known, owners={**known.owners, "10.9.0.1": both})

    (cause,) = look(worlds.changed(evidence, "h3", from_container=measured))[1]

    assert cause.seen == "10.9.0.1 belongs to docker0 of h1 and to a device with the MAC address 00:11:22:33:44:55"


def test_an_address_that_went_over_to_another_host_is_taken() -> None:
    evidence = worlds.healthy(PLAN)
    br0, docker0 = evidence.hosts["h3"].facts.links
    more = replace(docker0, addresses=(*docker0.addresses, IPv4Interface("10.9.0.2/16")))
    evidence = worlds.changed_facts(evidence, "h3", links=(br0, more))
    br0, docker0 = evidence.hosts["h2"].facts.links
    evidence = worlds.changed_facts(evidence, "h2", links=(br0, replace(docker0, addresses=())))

    assert faults(evidence) == [CauseKind.ADDRESS_TAKEN, CauseKind.DOCKER_BRIDGE]


def test_a_broadcast_that_comes_twice_fails_and_one_that_is_lost_does_not() -> None:
    evidence = worlds.healthy(PLAN)
    twice = worlds.changed(evidence, "h3", heard=(("h1", "1"), ("h1", "1"), ("h2", "1")))
    lost_one = worlds.changed(evidence, "h3", heard=(("h1", "2"), ("h2", "1")))

    assert verdicts(look(twice)[0], ProbeKind.BROADCAST)["h1", "h3"] is Verdict.FAIL
    assert {probe.verdict for probe in look(lost_one)[0]} == {Verdict.PASS}


def test_a_circle_of_forwarding_links_is_a_loop() -> None:
    evidence = worlds.healthy(PLAN)
    for host, peer in (("h2", "h3"), ("h3", "h2")):
        open_port = {"rstp_port_state": "Forwarding", "rstp_port_role": "Designated"}
        evidence = worlds.changed_port(evidence, host, peer, tree_status=open_port)

    (cause,) = look(evidence)[1]

    assert (cause.fault, set(cause.hosts)) == (CauseKind.LOOP, {"h1", "h2", "h3"})


def test_a_host_with_another_root_is_named() -> None:
    evidence = worlds.healthy(PLAN)
    (bridge,) = evidence.hosts["h3"].facts.ovs or ()
    own = {"rstp_root_id": "8.000." + PLAN.host("h3").docker0.switch_mac.replace(":", "")}
    evidence = worlds.changed_facts(evidence, "h3", ovs=(replace(bridge, tree_status=own),))

    (cause,) = look(evidence)[1]

    assert (cause.fault, cause.hosts, cause.seen) == (CauseKind.TREE, ("h3",), "it takes h3 for the root instead of h1")


def test_a_firewall_is_guilty_only_of_what_fails() -> None:
    strict = worlds.changed(worlds.healthy(PLAN), "h2", bridged=Seen(Fate.POLICY, "-P FORWARD DROP"))
    cut = worlds.silent(strict, ("h1", "h2"))

    assert faults(strict) == []
    assert CauseKind.BRIDGE_NETFILTER in faults(cut)


def test_docker_that_is_down_leaves_its_containers_unknown_and_the_rest_measured() -> None:
    evidence = worlds.changed_facts(worlds.healthy(PLAN), "h1", docker=None)
    known = evidence.hosts["h2"]
    without = replace(known.from_container, targets={"h3": worlds.ANSWERED})
    evidence = worlds.changed(evidence, "h2", from_container=without)
    evidence = worlds.changed(evidence, "h1", container=None, container_error="Docker is not running", heard=None)

    probes, causes = look(evidence)

    assert [cause.fault for cause in causes] == [CauseKind.DOCKER_DOWN]
    assert verdicts(probes, ProbeKind.CONTAINER_PING)["h2", "h1"] is Verdict.UNKNOWN
    assert verdicts(probes, ProbeKind.CONTAINER_PING)["h2", "h3"] is Verdict.PASS
    assert set(verdicts(probes, ProbeKind.HOST_PING).values()) == {Verdict.PASS}


def test_a_host_nobody_reached_is_unknown_with_its_reason() -> None:
    evidence = worlds.healthy(PLAN)
    rest = {name: host for name, host in evidence.hosts.items() if name != "h2"}
    error = ConnectError("no SSH connection", host="h2", answered="timed out", do="try it by hand")

    probes, causes = look(MeshEvidence(rest, {"h2": error}))

    assert [(cause.fault, cause.hosts, cause.do) for cause in causes] == [
        (CauseKind.UNREACHABLE, ("h2",), "try it by hand")
    ]
    assert {probe.verdict for probe in probes if probe.source == "h2"} == {Verdict.UNKNOWN}
    assert verdicts(probes, ProbeKind.HOST_PING)["h1", "h3"] is Verdict.PASS


def test_a_failure_without_a_cause_says_so_and_where_to_look() -> None:
    probes, (*_, cause) = look(worlds.silent(worlds.healthy(PLAN), ("h1", "h2")))

    assert cause.fault is CauseKind.UNEXPLAINED
    assert "tcpdump" in cause.do
    assert [probe for probe in probes if probe.verdict is not Verdict.PASS and not probe.reason] == []
