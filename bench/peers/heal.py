"""How long pings are silent when a link is cut and healed, and when a host dies and comes back."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.peers.read import is_calm, longest_gap_ms
from bench.peers.site import LoadGauge, Seats, Site
from bench.peers.types import Pair, Silence
from dockmesh.errors import LabError
from dockmesh.lab import cut as cutting
from dockmesh.lab import power
from dockmesh.lab.pings import Pinging, pinging
from dockmesh.pings.log import arrivals

# What comes late is seen, too: a spanning tree may take up a link, and be silent, 2 s after it came back.
LEAST_S = 5.0
WELL_WITHIN_S = 60.0
LOOK_S = 0.2


def cut_and_heal(site: Site, seats: Seats, cut_watch_s: float, watch_s: float) -> tuple[Silence, Silence]:
    """The link of the underlay between the first host and the last: every contender's pings between these go by it.

    Raises LabError where no ping passes before anything is harmed.
    """
    pair = Pair(site.names[0], site.names[-1])
    ends = (site.lab, pair.source, pair.target)
    with _pings(site, seats, pair) as pings:
        cut = _watch(pings, pair, lambda: cutting.cut(*ends), cut_watch_s)
        return cut, _watch(pings, pair, lambda: cutting.heal(*ends), watch_s)


def crash_and_start(site: Site, seats: Seats, centre: str, watch_s: float) -> tuple[Silence, Silence]:
    """The centre dies and comes back, between two others.

    Raises LabError where no ping passes before anything is harmed.
    """
    pair = Pair(*[name for name in site.names if name != centre][:2])
    with _pings(site, seats, pair) as pings:
        crash = _watch(pings, pair, lambda: power.crash(site.lab, centre), watch_s)
        return crash, _watch(pings, pair, lambda: power.start(site.lab, centre), watch_s)


@contextmanager
def _pings(site: Site, seats: Seats, pair: Pair) -> Iterator[Pinging]:
    """Pings from one seat to another that are known to pass."""
    source = seats[pair.source]
    with pinging(site.lab, site.lab.host(source.host), seats[pair.target].address, source.container) as pings:
        if not pings.wait_for_answers(100, WELL_WITHIN_S):
            raise LabError(f"no ping passes between {pair}, before anything was harmed")
        yield pings


def _watch(pings: Pinging, pair: Pair, event: Callable[[], None], watch_s: float) -> Silence:
    """From the event until the answers come as before for a while, or have been watched for long enough."""
    with LoadGauge() as load:
        since = time.time()
        event()
        settled = time.time()
        while True:
            stamps = arrivals(pings.pings())
            now = time.time()
            calm = is_calm(stamps, now)
            if calm and now - settled >= LEAST_S:
                return Silence(pair, longest_gap_ms(stamps, since), now - since, load.read())
            if not calm and now - settled >= watch_s:
                # Single answers from before the cut took hold are none.
                late = tuple(at for at in stamps if at > now - watch_s / 2)
                gap = longest_gap_ms(stamps, since) if late else None
                return Silence(pair, gap, now - since, load.read())
            time.sleep(LOOK_S)
