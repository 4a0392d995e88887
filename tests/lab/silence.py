"""How long pings were silent, and how long they may be.

The bound is what the plan promises of a cut link, and the longest silence of pairs that nothing was done to in the same
run: what a busy machine misses by itself.
"""

from collections.abc import Iterable
from contextlib import ExitStack

from dockmesh.lab.pings import pinging
from dockmesh.lab.store import load as load_lab
from dockmesh.meshfile.load import load
from dockmesh.pings.log import PingStats
from dockmesh.plan.resilience import healing
from tests.lab.mesh import Mesh
from tests.lab.quiet import answered

DEADLINE_S = 60


def silence_ms(pings: PingStats) -> float:
    """The longest time between two answers. Without an answer nothing was measured."""
    assert pings.longest_ms is not None, f"no ping was answered: {pings}"
    return pings.longest_ms


def lost(pings: PingStats) -> int:
    assert pings.answered > 0, f"no ping was answered: {pings}"
    return pings.sent - pings.answered


def healing_ms(mesh: Mesh) -> int:
    """What `dockmesh plan` says at most of a cut link: BFD's detection time, and that of the next path."""
    fabric = load(mesh.file).fabric
    return sum(term.most for term in healing(fabric.forwarding, fabric.bfd))


def assert_cut_was_healed_in_time(mesh: Mesh, cut: Iterable[PingStats], control: Iterable[PingStats]) -> None:
    """`cut` are pairs whose link was cut, `control` those of other links."""
    allowed, noise = healing_ms(mesh), max(map(silence_ms, control))
    longest = max(map(silence_ms, cut))
    bfd = load(mesh.file).fabric.bfd

    assert longest <= allowed + noise, f"silent for {longest:.0f} ms; {allowed} ms promised, {noise:.0f} ms of noise"
    # Else nothing was cut. BFD counts from the last packet, which came up to an interval before the cut.
    assert longest > bfd.interval_ms * (bfd.multiplier - 2), f"silent for {longest:.0f} ms only: was the link cut?"


def assert_cut_is_gone_round(mesh: Mesh) -> None:
    """Cut the link of host1 and host2 while hosts ping each other. The pairs of host3 are the control."""
    lab = load_lab(mesh.directory)
    pairs = (("host1", "host2"), ("host2", "host1"), ("host1", "host3"), ("host2", "host3"))
    with ExitStack() as stack:
        running = {pair: stack.enter_context(pinging(lab, lab.host(pair[0]), mesh.address(pair[1]))) for pair in pairs}
        assert answered(running, 20, DEADLINE_S) == list(pairs)
        mesh.lab("cut", "host1", "host2")
        assert answered(running, 100, DEADLINE_S) == list(pairs)
        heard = [each.heard() for each in running.values()]
    mesh.lab("heal")

    assert_cut_was_healed_in_time(mesh, heard[:2], heard[2:])
