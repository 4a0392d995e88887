"""How long the other resolvers are waited for: pure, with the time as an argument, in seconds."""

from __future__ import annotations

# Nobody waits longer than this for a host that is near; a lost packet is sent again after a third of it.
NEAR_S = 0.08
FAR_S = 1.0  # nor longer than this for one that is far
# A host that does not answer is suspect for so long: its names are neither there nor gone. After that it is silent:
# not waited for, and none of its names are there.
SUSPECT_S = 0.8
# While its resolver is started again its kernel still takes connections, for systemd keeps the sockets. It is suspect
# as long as that is so, but no longer than this: on a host that runs no start takes so long, only at a slow one's boot.
START_S = 20.0
LOOK_S = 0.3  # so often that is looked at
PROBE_S = 0.1  # from then until it answers it is asked so often whether it is back
# RFC 6298
GAIN, GAIN_VARIATION = 0.125, 0.25


class Peer:
    """One other host in one network."""

    def __init__(self, host: str, address: str) -> None:
        self.host = host
        self.address = address
        self.round_trip_s: float | None = None  # smoothed
        self.variation_s = 0.0
        self.suspect_since: float | None = None
        self.listened = 0.0  # when its kernel last took a connection

    def answered(self, round_trip_s: float) -> None:
        self.suspect_since = None
        if self.round_trip_s is None:
            self.round_trip_s, self.variation_s = round_trip_s, round_trip_s / 2
            return
        difference = abs(self.round_trip_s - round_trip_s)
        self.variation_s += GAIN_VARIATION * (difference - self.variation_s)
        self.round_trip_s += GAIN * (round_trip_s - self.round_trip_s)

    def missed(self, now: float) -> None:
        """It did not answer a question in time."""
        if self.suspect_since is None:
            self.suspect_since = now

    def is_silent(self, now: float) -> bool:
        if self.suspect_since is None:
            return False
        return now >= max(self.suspect_since, min(self.listened, self.suspect_since + START_S)) + SUSPECT_S

    @property
    def patience_s(self) -> float:
        """A host behind a long way gets the time that its answers need: it would be silent for ever otherwise."""
        if self.round_trip_s is None:
            return NEAR_S
        return min(max(NEAR_S, 1.5 * self.round_trip_s + 4 * self.variation_s), FAR_S)
