"""What a host's unit says of its encryption."""

import re
from dataclasses import dataclass

from dockmesh.facts.types import HostFacts
from dockmesh.plan.types import TunnelEnd
from dockmesh.render.wireguard import UNIT

# The form of the text is agent/wireguard.py's, `DeviceKeeper.state`.
SAID = re.compile(r"encrypting(?:; no key with: (?P<keyless>[^;]+))?(?:; trouble: (?P<trouble>.*))?", re.DOTALL)
NOT_ENCRYPTING = "not encrypting: "
NOT_YET = "its unit has not said so yet"
BOTH = "run `dockmesh apply` with both hosts: it gives the pair a key"


@dataclass(frozen=True, slots=True)
class EncryptionState:
    """One host's."""

    unit: str  # the state of its unit: active, failed, …
    works: bool | None = None  # None: the unit does not run, so nobody knows
    why: str = ""  # it does not work, or what is not as it should be although it does
    without_key: tuple[str, ...] = ()  # the peers that it has no preshared key for: no frame goes to them

    @property
    def problem(self) -> str:
        """Of the host as a whole, in words; empty where all is well."""
        if self.works is None:
            return f"nothing keeps its encryption: {UNIT} is {self.unit}"
        if not self.works:
            return f"the host does not encrypt: {self.why}"
        return f"its encryption works, but not all that guards it: {self.why}" if self.why else ""


def read(facts: HostFacts) -> EncryptionState:
    states = facts.units.get(UNIT, {})
    unit, said = states.get("ActiveState") or "inactive", states.get("StatusText", "")
    if unit != "active":
        return EncryptionState(unit)
    if found := SAID.fullmatch(said):
        keyless = found["keyless"].split(", ") if found["keyless"] else ()
        return EncryptionState(unit, works=True, why=found["trouble"] or "", without_key=tuple(keyless))
    return EncryptionState(unit, works=False, why=said.removeprefix(NOT_ENCRYPTING) or NOT_YET)


def advice(host: str) -> str:
    """For what `problem` says."""
    return f"run `dockmesh apply`: it sets this right; if it does not, see `journalctl --unit={UNIT}` on {host}"


def keeps_down(facts: HostFacts, end: TunnelEnd) -> tuple[str, str] | None:
    """Why a tunnel that BFD calls down passes nothing, and what to do, where encryption is why."""
    found = read(facts)
    if not found.works:
        return found.problem, advice(facts.name)
    return (f"no preshared key with {end.peer}", BOTH) if end.peer in found.without_key else None
