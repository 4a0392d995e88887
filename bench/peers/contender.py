"""What every contender is to the bench."""

from typing import Protocol

from bench.peers.site import Seats, Site
from bench.peers.types import About
from dockmesh.lab.model import Lab


class Contender(Protocol):
    """One way to join the hosts."""

    @property
    def packages(self) -> tuple[str, ...]:
        """Of the distribution, beside those of a prepared host."""
        ...

    @property
    def shown(self) -> tuple[str, ...]:
        """Packages whose versions the report names."""
        ...

    @property
    def watch_s(self) -> float | None:
        """How long a cut is watched at most, where it is known beforehand that nothing heals it."""
        ...

    def about(self, lab: Lab) -> About: ...

    def set_up(self, site: Site) -> None:
        """All that joins the hosts; packages are installed by then. This is timed."""
        ...

    def seats(self, site: Site) -> Seats:
        """A place to measure from on each host, by host: a container is started there, where it needs one."""
        ...
