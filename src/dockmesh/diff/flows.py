"""Flows and groups that are not as they should be, and what puts them right: pure."""

from collections.abc import Iterator
from dataclasses import replace

from dockmesh.diff.subject import FLOWS as SUBJECT
from dockmesh.diff.subject import Desired
from dockmesh.diff.types import Change
from dockmesh.facts.types import FlowState, HostFacts
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.render.paths import FLOWS
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Exec

PLANNED = "as planned"
# One bundle: the switch takes all of it at once, or nothing.
INSTALL = Exec(("ovs-ofctl", "-O", "OpenFlow15", "bundle", FABRIC_BRIDGE, FLOWS), timeout_s=30)
WHY = {
    True: "they are the fabric: frames go by them, and without them nowhere",
    False: "they keep containers from sending with addresses of other hosts",
}


def desired(config: HostConfig) -> Desired:
    return Desired(SUBJECT, PLANNED, WHY[not config.forwarding.has_tree])


def flow_change(config: HostConfig, facts: HostFacts, *, recreated: bool) -> Change | None:
    """`recreated`: the bridge is made, so it has none."""
    there = desired(config)
    change = Change(config.host, there.subject, None, there.value, there.reason)
    if recreated:
        return change.following(f"{FABRIC_BRIDGE} is recreated")
    actual = "could not be read" if facts.flows is None else said(facts.flows)
    if not actual:
        return None
    state, file = facts.files.get(FLOWS), next(file for file in config.files if file.path == FLOWS)
    if state is not None and state.text != file.text:
        actual = "of the plan before"  # each text has marks of its own, so all flows would count
    change = replace(change, actual=actual)
    written = state is None or (state.text, state.mode) != (file.text, file.mode)
    return change.following("they stand in that file") if written else change


def said(state: FlowState) -> str:
    """What is not as it should be, in half a line; "" if all is."""
    return ", ".join(_said(state))


def _said(state: FlowState) -> Iterator[str]:
    for what, missing, extra, changed in (
        ("flow", len(state.missing), len(state.extra), 0),
        ("group", len(state.groups_missing), 0, len(state.groups_changed)),
    ):
        for number, word in ((missing, "missing"), (extra, "too many"), (changed, "changed")):
            if number:
                yield f"{number} {what}{'s' if number > 1 else ''} {word}"
