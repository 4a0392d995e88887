"""What iperf3 and ping say, read. Pure."""

import json
import re
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from bench.peers.types import Rtt
from dockmesh.errors import LabError
from dockmesh.pings.log import longest_silence_ms

INTERVAL_S = 0.01
TIME = re.compile(r"icmp_seq=\d+ .*time=([\d.]+) ms")
SENT = re.compile(r"(\d+) packets transmitted")
# The kernel's own word for a packet larger than a known way, and a router's for one that it could not pass on.
PATH_MTU = re.compile(r"mtu ?= ?(\d+)")
# A contender is well again when so many of a hundred pings a second were answered in the last second.
CALM_S, CALM_ANSWERS = 1.0, 50


@dataclass(frozen=True, slots=True)
class Received:
    """What arrived at the receiver."""

    bytes: int
    packets: int  # of UDP
    seconds: float

    @property
    def mbit(self) -> float:
        """Mbit/s."""
        return self.bytes * 8 / self.seconds / 1e6

    @property
    def packets_per_second(self) -> float:
        return self.packets / self.seconds


def refusal(output: str) -> str | None:
    """Why iperf3 has no figure, if so."""
    try:
        answer = json.loads(output)
    except ValueError:
        return "iperf3 gave no JSON"
    return str(answer["error"]) if "error" in answer else None


def read_iperf(output: str) -> Received:
    """The client's `--json`; the receiver's side of it.

    Raises LabError where iperf3 has no figure.
    """
    if (why := refusal(output)) is not None:
        raise LabError("iperf3 measured nothing", answered=why)
    received: dict[str, Any] = json.loads(output)["end"]["sum_received"]
    packets = received.get("packets", 0) - received.get("lost_packets", 0)
    return Received(int(received["bytes"]), int(packets), float(received["seconds"]))


def read_rtt(output: str) -> Rtt:
    """The lines of `ping -i 0.01`.

    Raises LabError if hardly any was answered: a percentile of two answers says nothing.
    """
    times = [float(time) for time in TIME.findall(output)]
    sent = SENT.search(output)
    if len(times) < 20:
        raise LabError("hardly any ping was answered", answered=f"{len(times)} answers")
    return Rtt(median(times), quantiles(times, n=20)[-1], int(sent[1]) if sent else len(times), len(times))


def read_path_mtu(output: str) -> int | None:
    """What a ping that must not be fragmented was told of the largest packet that passes."""
    found = [int(mtu) for mtu in PATH_MTU.findall(output)]
    return min(found, default=None)


def is_calm(stamps: tuple[float, ...], now: float) -> bool:
    """Whether answers come as if nothing were."""
    return sum(at > now - CALM_S for at in stamps) >= CALM_ANSWERS


def longest_gap_ms(stamps: tuple[float, ...], since: float) -> float | None:
    """The longest silence since then, in milliseconds, less the interval; None: no answer came.

    What was silent before counts from `since`.
    """
    after = [at for at in stamps if at > since]
    if not after:
        return None
    begin = max((since - INTERVAL_S, *(at for at in stamps if at <= since)))
    return longest_silence_ms((begin, *after), INTERVAL_S * 1000)
