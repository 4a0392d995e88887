"""What every host lets go of before any host gets what takes its place, so that old and new never meet: pure.

Two things could send frames in a circle where some hosts have the old and some the new: a bridge that goes by flows
beside one with a spanning tree, and flows of two plans. So there is a step before all hosts wait for all. Where the way
of forwarding changes, they delete their tunnels in it. Where flows change, they delete those for frames of others that
the new ones do not have: what each host has then is a part of the old and of the new, and neither makes circles. What
stays is what only says whose an address is, where the new ones say nothing else of it.
"""

from collections.abc import Iterable

from dockmesh.diff.flows import INSTALL
from dockmesh.diff.meanings import Meanings
from dockmesh.diff.recreate import must_be_recreated
from dockmesh.diff.subject import OLD_FLOWS, TUNNELS
from dockmesh.diff.types import Change, Step, StepName
from dockmesh.facts.types import HostFacts, OvsBridge
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.render import ovs
from dockmesh.render.flows import DESTINATION, FORWARD, SOURCE, STRAIGHT, TAG
from dockmesh.render.paths import FLOWS
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Exec, Put

TIMEOUT_S = 20
ADD = "flow add "
FOR_OTHERS = tuple(f"table={table}," for table in (TAG, DESTINATION, SOURCE, STRAIGHT, FORWARD))


def quiesce_step(config: HostConfig, facts: HostFacts) -> Step | None:
    bridge = facts.bridge(FABRIC_BRIDGE)
    if bridge is None or ovs.MARK not in bridge.external_ids:
        return None
    if switches(config, bridge):
        return _let_go(config, bridge)
    text = without_changing(config, facts)
    return None if text is None else _fewer_flows(config, facts, text)


def switches(config: HostConfig, bridge: OvsBridge) -> bool:
    """Between flows and a spanning tree, one way or the other."""
    return must_be_recreated(config, bridge) and is_direct(bridge) != (not config.forwarding.has_tree)


def is_direct(bridge: OvsBridge) -> bool:
    return bridge.fail_mode == "secure" and not (bridge.rstp or bridge.stp)


def _let_go(config: HostConfig, bridge: OvsBridge) -> Step | None:
    ports = [port.name for port in bridge.interfaces if ovs.MARK in port.external_ids]
    if not ports:
        return None
    change = Change(
        config.host,
        TUNNELS,
        str(len(ports)),
        "none for a moment",
        "flows and a spanning tree must never meet: all hosts delete their tunnels before any is recreated, "
        "and none reaches another until all are",
    ).following(f"{FABRIC_BRIDGE} is recreated")
    words = [word for port in ports for word in ("--", "--if-exists", "del-port", bridge.name, port)]
    return Step(StepName.QUIESCE, (change,), (Exec(ovs.make_sure_argv(tuple(words), TIMEOUT_S)),))


def _fewer_flows(config: HostConfig, facts: HostFacts, text: str) -> Step:
    fewer = len(_added(facts.files[FLOWS].text)) - len(_added(text))
    change = Change(
        config.host,
        OLD_FLOWS,
        f"{fewer} that change",
        "gone before any host gets new ones",
        "frames could loop between two plans; pairs of hosts whose paths do not change lose nothing",
    ).following("the flows change")
    return Step(StepName.QUIESCE, (change,), (Put(FLOWS, text, facts.files[FLOWS].mode), INSTALL))


def without_changing(config: HostConfig, facts: HostFacts) -> str | None:
    """The present flows without those for frames of others that the wanted ones change; None: they change none.

    Deleted by their matches, for they have the cookie of those that stay.
    """
    state = facts.files.get(FLOWS)
    if config.forwarding.has_tree or state is None:
        return None
    wanted = set(_added(config.flows).values())
    changing = {
        line: words
        for line, words in _added(state.text).items()
        if words.startswith(FOR_OTHERS) and "in_port=LOCAL," not in words and words not in wanted
    }
    meanings = Meanings(wanted if changing else ())
    gone = {line: words for line, words in changing.items() if not meanings.agree(words)}
    if not gone:
        return None
    kept = [line for line in state.text.splitlines() if line not in gone]
    deleted = [f"flow delete_strict {words.partition(',actions=')[0]}" for words in gone.values()]
    return "\n".join([*kept, *deleted]) + "\n"


def _added(bundle: str) -> dict[str, str]:
    """By line the flow without its cookie, which is another for each text."""
    lines: Iterable[str] = (line for line in bundle.splitlines() if line.startswith(ADD))
    return {line: line.removeprefix(ADD).partition(",")[2] for line in lines}
