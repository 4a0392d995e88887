"""How long pings are silent when a link is cut and healed, and when a host dies and comes back."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dockmesh.bench.read import is_calm, longest_gap_ms, read_stamps
from dockmesh.bench.site import LoadGauge, Seats, Site
from dockmesh.bench.types import Healing, Pair, Silence
from dockmesh.errors import LabError
from dockmesh.lab import cut as cutting
from dockmesh.lab import power
from dockmesh.lab.pings import Pinging, pinging

# What comes late is seen, too: a spanning tree may take up a link, and be silent, 2 s after it came back.
LEAST_S = 5.0
WELL_WITHIN_S = 60.0
LOOK_S = 0.2


def healing(site: Site, seats: Seats, centre: str, cut_watch_s: float, watch_s: float) -> Healing:
    """Cut and heal the link between the centre, or the first host, and another; then crash and start the centre.

    Raises LabError where no ping passes before anything is harmed.
    """
    lab = site.lab
    a, b, *_ = (site.names[0], *reversed(site.names[1:]))
    left, right, *_ = (name for name in site.names if name != centre)
    with _pings(site, seats, Pair(a, b)) as pings:
        cut = _watch(pings, Pair(a, b), lambda: cutting.cut(lab, a, b), cut_watch_s)
        heal = _watch(pings, Pair(a, b), lambda: cutting.heal(lab, a, b), watch_s)
    with _pings(site, seats, Pair(left, right)) as pings:
        crash = _watch(pings, Pair(left, right), lambda: power.crash(lab, centre), watch_s)
        back = _watch(pings, Pair(left, right), lambda: power.start(lab, centre), watch_s)
    return Healing(cut, heal, crash, back)


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
            stamps = read_stamps(pings.output.read_text(errors="replace"))
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
