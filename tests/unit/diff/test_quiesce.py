"""What is let go before the new comes: mixes of two plans are walked, for the reason why it is needed at all."""

from collections.abc import Iterator, Mapping
from itertools import product

import pytest

from dockmesh.diff.host import diff
from dockmesh.diff.quiesce import without_changing
from dockmesh.diff.subject import OLD_FLOWS, TUNNELS
from dockmesh.diff.types import StepName
from dockmesh.facts.types import FileState
from dockmesh.model.mesh import Fabric, Forwarding, Mesh, Ring, Topology
from dockmesh.plan.build import build
from dockmesh.render.host import render
from dockmesh.render.paths import FLOWS
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Put
from tests.support.fake_host import applied
from tests.support.meshes import TREE, mesh_of, without
from tests.support.plans import config_of

Arc = tuple[str, str]
DIRECT = Fabric(forwarding=Forwarding.DIRECT)


def direct(hosts: int, topology: Topology | None = None) -> Mesh:
    return mesh_of(hosts, fabric=Fabric(forwarding=Forwarding.DIRECT, topology=topology or DIRECT.topology))


def test_rows_of_others_that_change_are_gone_and_the_own_stay() -> None:
    small, large = (config_of(without(direct(5), "host1"), "host3"), config_of(direct(5), "host3"))
    facts = applied(small).facts(small.flows)

    text = without_changing(large, facts)

    assert text is not None
    gone = set(facts.files[FLOWS].text.splitlines()) - set(text.splitlines())
    assert gone
    assert all("in_port=LOCAL" not in line for line in gone)
    assert sum(line.startswith("flow delete_strict table=") for line in text.splitlines()) == len(gone)
    assert "cookie" not in next(line for line in text.splitlines() if "delete_strict" in line)


def test_nothing_goes_where_nothing_changes() -> None:
    config = config_of(direct(4))

    assert without_changing(config, applied(config).facts(config.flows)) is None
    assert diff(config, applied(config).facts(config.flows)).step(StepName.QUIESCE) is None


def test_the_file_says_what_is_left_so_that_the_guard_keeps_it_so() -> None:
    small, large = config_of(direct(4, Ring())), config_of(direct(4))
    host = applied(small)

    step = diff(large, host.facts(large.flows)).step(StepName.QUIESCE)

    assert step is not None
    assert [change.subject for change in step.changes] == [OLD_FLOWS]
    put, install = step.requests
    assert isinstance(put, Put)
    assert put.path == FLOWS
    assert "bundle" in str(install)


@pytest.mark.parametrize(("old", "new"), [(Forwarding.RSTP, Forwarding.DIRECT), (Forwarding.DIRECT, Forwarding.RSTP)])
def test_tunnels_go_first_where_the_way_of_forwarding_changes(old: Forwarding, new: Forwarding) -> None:
    wanted = config_of(mesh_of(3, fabric=Fabric(forwarding=new)))
    host = applied(config_of(mesh_of(3, fabric=Fabric(forwarding=old))))

    step = diff(wanted, host.facts(wanted.flows)).step(StepName.QUIESCE)

    assert step is not None
    assert [change.subject for change in step.changes] == [TUNNELS]
    assert [str(each).count("del-port") for each in step.requests] == [2]


def test_between_two_spanning_trees_nothing_goes_first() -> None:
    wanted = config_of(mesh_of(3, fabric=Fabric(forwarding=Forwarding.STP)))

    assert diff(wanted, applied(config_of(mesh_of(3, fabric=TREE))).facts()).step(StepName.QUIESCE) is None


# By the mesh of before and the one of after.
CHANGES = {
    "a first host joins": (without(direct(5), "host1"), direct(5)),
    "a first host leaves": (direct(5), without(direct(5), "host1")),
    "a middle host joins": (without(direct(5), "host3"), direct(5)),
    "a ring becomes a full mesh": (direct(5, Ring()), direct(5)),
    "a full mesh becomes a ring": (direct(5), direct(5, Ring())),
}


def rows(text: str) -> dict[str, str]:
    """Of the table that forwards: by match the actions, for frames of other hosts and those that come back."""
    found = {}
    for line in text.splitlines():
        if line.startswith("flow add ") and ",table=7,priority=100," in line:
            match, _, actions = line.partition(",table=7,priority=100,")[2].partition(",actions=")
            if "in_port=LOCAL" not in match:
                found[match] = actions
    return found


def groups(text: str) -> dict[str, list[str]]:
    """By action the ports that it may send to."""
    found = {}
    for line in text.splitlines():
        if line.startswith("group add_or_mod"):
            number = line.partition("group_id=")[2].partition(",")[0]
            actions = [bucket.rpartition("actions=")[2].rstrip(",") for bucket in line.split("bucket=")[1:]]
            found[f"group:{number}"] = actions
    return found


def arcs(config: HostConfig, text: str, numbers: Mapping[str, str], pair: tuple[str, str]) -> Iterator[tuple[Arc, Arc]]:
    """Which arc may follow which at one host, for the frames of one pair."""
    source, destination = pair
    known = groups(f"{config.flows}{text}")
    peers = {numbers[tunnel.peer]: tunnel.peer for tunnel in config.tunnels}
    for match, actions in rows(text).items():
        words = dict(word.split("=") for word in match.split(","))
        if words["reg0"] != numbers[destination] or words.get("reg1", numbers[source]) != numbers[source]:
            continue
        came = source if "reg2" in words else peers.get(words["in_port"])
        if came is None or came == config.host or (came != source and "reg2" in words):
            continue
        for action in known.get(actions, []):
            onward = came if action == "in_port" else peers.get(action.partition("output:")[2])
            if onward and destination != config.host:
                yield (came, config.host), (config.host, onward)


def circles(follows: Mapping[Arc, set[Arc]]) -> bool:
    seen: dict[Arc, int] = {}

    def visit(arc: Arc) -> bool:
        seen[arc] = 1
        for onward in follows.get(arc, ()):
            if seen.get(onward) == 1 or (onward not in seen and visit(onward)):
                return True
        seen[arc] = 2
        return False

    return any(visit(arc) for arc in follows if arc not in seen)


def mixes_circle(old: Mesh, new: Mesh, *, apart: bool) -> bool:
    """Whether any mix of hosts with the old and with the new flows could send a frame in a circle."""
    before, after = build(old), build(new)
    numbers = {host.name: str(host.number) for host in (*before.hosts, *after.hosts)}
    both = [host.name for host in before.hosts if host.name in {each.name for each in after.hosts}]
    texts: dict[str, list[tuple[HostConfig, str]]] = {}
    for name in both:
        one, other = render(before, before.host(name)), render(after, after.host(name))
        facts = applied(one).facts()
        kept = without_changing(other, facts) if apart else None
        texts[name] = [(one, kept or facts.files[FLOWS].text), (other, other.flows or "")]
    for name in [host.name for host in after.hosts if host.name not in both]:
        made = render(after, after.host(name))
        texts[name] = [(made, made.flows or "")]
    for pair in [(a, b) for a, b in product(both, both) if a != b]:
        options = {name: [list(arcs(*each, numbers, pair)) for each in found] for name, found in texts.items()}
        for chosen in product(*options.values()):
            follows: dict[Arc, set[Arc]] = {}
            for arc, onward in (each for rows_of in chosen for each in rows_of):
                follows.setdefault(arc, set()).add(onward)
            if circles(follows):
                return True
    return False


@pytest.mark.parametrize("change", CHANGES)
def test_no_mix_of_hosts_that_let_go_and_hosts_that_are_new_sends_a_frame_in_a_circle(change: str) -> None:
    assert not mixes_circle(*CHANGES[change], apart=True)


def test_without_it_a_mix_could() -> None:
    assert mixes_circle(*CHANGES["a first host joins"], apart=False)


def test_a_mode_of_the_file_is_kept() -> None:
    small, large = config_of(direct(4, Ring())), config_of(direct(4))
    host = applied(small)
    text, _ = host.files[FLOWS]
    host.files[FLOWS] = (text, 0o600)
    facts = host.facts(large.flows)
    assert facts.files[FLOWS] == FileState(text, 0o600)

    step = diff(large, facts).step(StepName.QUIESCE)

    assert step is not None
    assert isinstance(step.requests[0], Put)
    assert step.requests[0].mode == 0o600
