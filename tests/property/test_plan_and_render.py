from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from dockmesh.diff.adopt import adopt
from dockmesh.model.mesh import Mesh
from dockmesh.plan.build import build
from dockmesh.render.host import render
from tests.support.fake_host import applied
from tests.support.meshes import meshes
from tests.support.plans import configs


@given(meshes(), st.randoms(use_true_random=False))
def test_plan_does_not_depend_on_the_order_of_the_hosts_in_the_file(mesh: Mesh, random: Random) -> None:
    hosts = list(mesh.hosts)
    random.shuffle(hosts)

    assert build(replace(mesh, hosts=tuple(hosts))) == build(mesh)


@given(meshes(), st.randoms(use_true_random=False))
def test_rendered_files_do_not_depend_on_the_order_of_the_hosts(mesh: Mesh, random: Random) -> None:
    hosts = list(mesh.hosts)
    random.shuffle(hosts)

    assert configs(replace(mesh, hosts=tuple(hosts))) == configs(mesh)


@given(meshes())
def test_both_ends_of_a_link_point_at_each_other(mesh: Mesh) -> None:
    plan = build(mesh)

    ends = {(host.name, end.peer): end.remote for host in plan.hosts for end in host.tunnels}

    assert set(ends) == {pair for link in plan.links for pair in ((link.a, link.b), (link.b, link.a))}
    assert all(remote == plan.host(peer).underlay for (_, peer), remote in ends.items())


@given(meshes())
def test_no_mac_address_is_given_twice(mesh: Mesh) -> None:
    macs = [mac for host in build(mesh).hosts for mac in (host.docker0.bridge_mac, host.docker0.switch_mac)]

    assert len(set(macs)) == 2 * len(mesh.hosts)


@given(meshes())
def test_every_file_opens_with_the_mark(mesh: Mesh) -> None:
    for config in configs(mesh).values():
        for file in config.files:
            assert file.text.startswith("# Managed by dockmesh.\n# Made for ")
            assert file.text.endswith("\n")


@st.composite
def changed(draw: st.DrawFn) -> tuple[Mesh, Mesh]:
    """A mesh, and another one that its file may become: hosts gone, new, with other underlays, or otherwise linked."""
    before, after = draw(meshes()), draw(meshes())
    addresses = [host.underlay for host in after.hosts]
    shuffled = draw(st.permutations(addresses))
    hosts = (replace(host, underlay=underlay) for host, underlay in zip(after.hosts, shuffled, strict=True))
    return before, replace(after, hosts=tuple(hosts))


@given(changed())
def test_no_two_tunnels_get_one_port(meshes: tuple[Mesh, Mesh]) -> None:
    before, after = meshes
    living = applied(configs(before)["host1"])

    ports = [tunnel.port for tunnel in adopt(build(after).host("host1"), living.facts()).tunnels]

    assert len(set(ports)) == len(ports)


@given(changed())
def test_a_port_that_leads_to_its_peer_already_keeps_its_name(meshes: tuple[Mesh, Mesh]) -> None:
    before, after = meshes
    config = configs(before)["host1"]
    living = {tunnel.remote: tunnel.port for tunnel in config.tunnels}

    adopted = adopt(build(after).host("host1"), applied(config).facts())

    if before.fabric.tunnel is after.fabric.tunnel:
        assert all(living.get(tunnel.remote, tunnel.port) == tunnel.port for tunnel in adopted.tunnels)
    else:
        assert all(tunnel.port.startswith(after.fabric.tunnel) for tunnel in adopted.tunnels)


@given(meshes())
def test_adopting_what_was_rendered_changes_nothing(mesh: Mesh) -> None:
    plan = build(mesh)

    for host in plan.hosts:
        facts = applied(render(plan, host)).facts()
        assert adopt(host, facts) == host
