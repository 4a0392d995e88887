"""One setting of Open vSwitch's, as it is and as it should be."""

from collections.abc import Iterable, Iterator

from dockmesh.diff.subject import Desired, Subject
from dockmesh.diff.types import Change
from dockmesh.facts.types import OvsBridge, OvsInterface
from dockmesh.render import ovs
from dockmesh.render.types import Setting

UNTIL_BOTH = "no frame passes this tunnel until both ends have it so"
# What a change of these settings costs; the others cost nothing.
COSTS = {
    "type": UNTIL_BOTH,
    "remote_ip": f"the peer is reached there: {UNTIL_BOTH}",
    ovs.KEY: UNTIL_BOTH,
    ovs.LOCAL: "the address that the peer takes packets from",
    ovs.PEER_MARK: "the peer is called so; nothing is cut",
}


def desired(thing: Subject, setting: Setting) -> Desired:
    """`thing` is what the setting's record is to people."""
    name = f"{setting.column}:{setting.key}" if setting.key else setting.column
    return Desired(thing.of(name), setting.value, COSTS.get(setting.key or setting.column, "a setting of the fabric"))


def setting_changes(
    host: str, thing: Subject, settings: Iterable[Setting], bridge: OvsBridge, interface: OvsInterface | None
) -> Iterator[Change]:
    for setting in settings:
        there, actual = desired(thing, setting), _actual(setting, bridge, interface)
        if actual != there.value:
            yield Change(host, there.subject, actual, there.value, there.reason)


def _actual(setting: Setting, bridge: OvsBridge, interface: OvsInterface | None) -> str | None:
    row = bridge if setting.table == "bridge" else interface
    if row is None:
        return None
    column = {"rstp_enable": "rstp", "stp_enable": "stp"}.get(setting.column, setting.column)
    value = getattr(row, column)
    if setting.key is not None:
        found: str | None = value.get(setting.key)
        return found
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
