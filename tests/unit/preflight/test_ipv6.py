"""What stands in the way of IPv6 is said before anything is changed."""

from dataclasses import replace
from ipaddress import IPv6Interface, IPv6Network

from dockmesh.facts.types import DockerNetwork, LinuxLink
from dockmesh.plan.build import build
from dockmesh.preflight import questions
from dockmesh.preflight.types import Check, Level, Route6
from tests.support.meshes import mesh_of, with_network
from tests.unit.preflight.worlds import only, ready, trouble, with_around, with_facts

PLAN = build(with_network(mesh_of(3), prefix6="fd00:80::/64"))
BY_ROUTER = (Route6(IPv6Network("::/0"), "eth0", by_router=True),)


def test_hosts_that_are_ready_for_it_are_fine() -> None:
    assert trouble(PLAN, ready(PLAN)) == []


def test_a_host_without_ipv6_cannot_be_on_such_a_network() -> None:
    found = only(PLAN, with_around(ready(PLAN), "host2", ipv6_off=True))

    assert (found.check, found.level, found.hosts) == (Check.ROUTES, Level.BLOCKER, ("host2",))


def test_a_host_whose_routes_come_from_routers_would_lose_them() -> None:
    loses = with_around(ready(PLAN), "host1", routes6=BY_ROUTER, accept_ra={"eth0": 1})
    keeps = with_around(ready(PLAN), "host1", routes6=BY_ROUTER, accept_ra={"eth0": 2})

    assert "accept_ra to 2" in str(only(PLAN, loses).do)
    assert trouble(PLAN, keeps) == []


def test_a_router_of_others_is_told_that_docker_will_drop_theirs() -> None:
    found = only(PLAN, with_around(ready(PLAN), "host1", ipv6_forward=True))

    assert (found.check, found.level) == (Check.FORWARDING, Level.WARNING)


def test_other_networks_of_dockers_get_its_rules_too_and_that_is_said() -> None:
    evidence = ready(PLAN)
    docker = evidence.hosts["host1"].facts.docker
    assert docker is not None
    theirs = DockerNetwork("theirs", "bridge", False, (), None, None, None, None, ipv6=True)

    found = only(PLAN, with_facts(evidence, "host1", docker=replace(docker, networks=(theirs,))))

    assert (found.check, found.level) == (Check.DOCKER_NETWORKS, Level.WARNING)


def test_an_address_or_a_route_in_the_prefix_is_in_the_way() -> None:
    evidence = ready(PLAN)
    links = evidence.hosts["host1"].facts.links
    other = LinuxLink("wg0", 1420, up=True, mac="", addresses6=(IPv6Interface("fd00:80::99/64"),))
    route = Route6(IPv6Network("fd00:80:0:0:7::/80"), "wg0", by_router=False)

    assert only(PLAN, with_facts(evidence, "host1", links=(*links, other))).level is Level.BLOCKER
    assert only(PLAN, with_around(evidence, "host1", routes6=(route,))).level is Level.BLOCKER


def test_a_mesh_without_ipv6_does_not_ask() -> None:
    plan = build(with_network(mesh_of(3)))

    assert trouble(plan, with_around(ready(plan), "host1", ipv6_off=True, routes6=BY_ROUTER)) == []


def test_routes_and_settings_are_read() -> None:
    routes = '[{"dst":"default","dev":"eth0","protocol":"ra"},{"dst":"fe80::/64","dev":"eth0","protocol":"kernel"},'
    routes += '{"dst":"2001:db8::/64","dev":"eth0","protocol":"kernel"}]'

    assert tuple(questions.read_routes6(routes)) == (
        *BY_ROUTER,
        Route6(IPv6Network("2001:db8::/64"), "eth0", by_router=False),
    )
    assert dict(questions.read_accept_ra("/proc/sys/net/ipv6/conf/eth0.20/accept_ra:2\nnonsense\n")) == {"eth0.20": 2}
