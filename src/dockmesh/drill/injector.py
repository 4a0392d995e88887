"""Who does a fault and undoes it: in a lab, or on real hosts."""

from typing import Protocol

from dockmesh.drill.types import Fault


class FaultInjector(Protocol):
    async def leftovers(self) -> tuple[str, ...]:
        """Undo what an earlier drill left because it was killed, and say in words what that was."""

    async def inject(self, fault: Fault, lasts_s: float) -> None:
        """Do it. It is to last `lasts_s` seconds, then `heal` will be called."""

    async def lacks(self, fault: Fault) -> str | None:
        """While it lasts: why it is no fault, as far as that is to be seen."""

    async def heal(self, fault: Fault) -> None:
        """Undo it, whatever of it was done, and wait until hosts that were away are there. May be repeated."""
