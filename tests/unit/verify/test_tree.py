"""The spanning tree: loops in what forwards, and when it is too dangerous to send anything."""

from dataclasses import replace
from itertools import combinations

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from dockmesh.facts.types import HostFacts
from dockmesh.plan.types import Link, Plan
from dockmesh.verify import tree
from tests.support.plans import tree_of
from tests.unit.verify import worlds

EVERY_LINK = worlds.plan(6).links


@given(st.sets(st.sampled_from(EVERY_LINK)))
def test_a_loop_is_found_exactly_where_there_is_one(links: set[Link]) -> None:
    circle = tree.find_loop(worlds.plan(6), sorted(links, key=str))

    graph: nx.Graph[str] = nx.Graph((link.a, link.b) for link in links)
    assert bool(circle) == (len(graph.edges) > 0 and not nx.is_forest(graph))
    if circle:
        assert all(graph.has_edge(a, b) for a, b in zip(circle, (*circle[1:], circle[0]), strict=True))


def facts_of(plan: Plan, *without_tree: str) -> dict[str, HostFacts]:
    facts = {host.name: worlds.facts(plan, host) for host in plan.hosts}
    for name in without_tree:
        (bridge,) = facts[name].ovs or ()
        facts[name] = replace(facts[name], ovs=(replace(bridge, rstp=False, tree_status={}),))
    return facts


def test_a_spanning_tree_that_is_off_is_a_danger_only_where_links_form_a_circle() -> None:
    mesh, chain = worlds.plan(3), worlds.plan(3, worlds.chain("h1", "h2", "h3"))

    assert tree.loop_danger(mesh, facts_of(mesh)) == ()
    assert tree.loop_danger(mesh, facts_of(mesh, "h2")) == ("h2",)
    assert tree.loop_danger(chain, facts_of(chain, "h2")) == ()


def test_the_deputy_is_the_right_root_while_the_root_is_away() -> None:
    plan = worlds.plan(3)
    views = tree.read_views(plan, facts_of(plan))

    assert tree.expected_root(plan, views) == tree_of(plan).root
    assert (
        tree.expected_root(plan, {name: views[name] for name in views if name != tree_of(plan).root})
        == tree_of(plan).backup_root
    )


def test_a_port_that_is_yet_to_forward_is_waited_for() -> None:
    plan = worlds.plan(3)
    facts = facts_of(plan)
    (bridge,) = facts["h1"].ovs or ()
    late = tuple(
        replace(port, tree_status={"rstp_port_state": "Learning", "rstp_port_role": "Designated"})
        for port in bridge.interfaces
    )

    assert not tree.coming_up(plan, facts)
    assert tree.coming_up(plan, facts | {"h1": replace(facts["h1"], ovs=(replace(bridge, interfaces=late),))})


def test_the_forwarding_links_of_a_settled_mesh_are_the_plans_tree() -> None:
    for size in range(2, 7):
        plan = worlds.plan(size)
        facts = facts_of(plan)

        links = tree.forwarding_links(plan, tree.read_views(plan, facts), facts)

        assert set(links) == set(tree_of(plan).links)
        assert len(links) == len(list(combinations(range(size), 1))) - 1


def test_a_root_port_that_was_deleted_and_is_kept_is_named() -> None:
    plan = worlds.plan(3)
    root = tree_of(plan).root
    facts = facts_of(plan)
    name = next(each for each in facts if each != root)
    (bridge,) = facts[name].ovs or ()
    others = tuple(each for each in bridge.interfaces if each.external_ids["dockmesh-peer"] != root)
    kept = facts | {name: replace(facts[name], ovs=(replace(bridge, interfaces=others),))}

    assert tree.problems(plan, facts) == {}
    ((host, (wrong,)),) = tree.problems(plan, kept).items()
    assert host == name
    assert "it still uses a deleted one" in wrong
