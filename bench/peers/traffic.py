"""Latency, TCP and small packets between seats, with ping and iperf3 of the distribution."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from bench.peers.read import INTERVAL_S, Received, read_iperf, read_path_mtu, read_rtt, refusal
from bench.peers.site import LoadGauge, Seat, Seats, Site
from bench.peers.types import Goodput, Latency, Mtu, Packets, Pair, Rtt, Turns
from dockmesh.errors import LabError
from dockmesh.transport.requests import Exec

FIRST_PORT = 5201  # iperf3's own
SLACK_S = 30  # for log-in and iperf3's farewell on a busy machine
LISTENS_WITHIN_S = 10
DATAGRAM_BYTES = 64
ICMP_AND_IP = 28
CONNECTS_WITHIN_MS = "5000"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Traffic:
    """Seats to measure between; servers must have been started. `seconds`: how long each figure is taken."""

    site: Site
    seats: Seats
    seconds: int

    def start_servers(self, tag: str) -> None:
        """On each host one server for each other host, as a unit of systemd's: it ends with the host."""
        self.site.carry_out(
            "start the servers of iperf3",
            lambda host: tuple(
                Exec(
                    (
                        *("systemd-run", "--quiet", "--collect", f"--unit=bench-{tag}-{peer.name}"),
                        *(*self.seats[host.name].enter, "iperf3", "--server", "--port", str(self._port(peer.name))),
                    )
                )
                for peer in self.site.peers(host)
            ),
        )

    def rtt(self, pair: Pair) -> Rtt:
        """Pings at 10 ms while nothing else is sent."""
        count = str(max(30, round(self.seconds / INTERVAL_S)))
        words = ("ping", "-n", "-i", str(INTERVAL_S), "-c", count, "-W", "1", self._target(pair).address)
        return read_rtt(self.site.answer(self.seats[pair.source], *words, timeout_s=self.seconds * 3 + SLACK_S))

    def tcp(self, pair: Pair) -> Received:
        return self._iperf(pair)

    def udp(self, pair: Pair) -> Received:
        """Datagrams as fast as iperf3 sends; what arrives of them."""
        return self._iperf(pair, "--udp", "--length", str(DATAGRAM_BYTES), "--bitrate", "0")

    def mtu(self, pair: Pair) -> Mtu:
        """Of the interface that leads to the other, and of the way."""
        source, target = self.seats[pair.source], self._target(pair).address
        device = _field(self.site.answer(source, "ip", "-json", "route", "get", target), "dev")
        inside = int(_field(self.site.answer(source, "ip", "-json", "link", "show", "dev", device), "mtu"))
        # Twice: the first may be what finds out. The second is refused at once then, with the size that passes.
        words = ("ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", "-M", "do", "-s", str(inside - ICMP_AND_IP), target)
        said = self.site.answer(source, *words)
        return Mtu(inside, read_path_mtu(said) or (inside if "bytes from" in said else None))

    def _iperf(self, pair: Pair, *words: str) -> Received:
        """One run of the client; a server that does not listen yet is waited for.

        Raises LabError where there is no figure.
        """
        target = self._target(pair)
        command = ("iperf3", "--json", "--connect-timeout", CONNECTS_WITHIN_MS, "--time", str(self.seconds), *words)
        to = ("--client", target.address, "--port", str(self._port(pair.source)))
        end = time.monotonic() + LISTENS_WITHIN_S
        while True:
            said = self.site.answer(self.seats[pair.source], *command, *to, timeout_s=self.seconds + SLACK_S)
            why = refusal(said)
            if why is None or not re.search("refused|busy", why) or time.monotonic() > end:
                return read_iperf(said)
            time.sleep(0.1)

    def _target(self, pair: Pair) -> Seat:
        return self.seats[pair.target]

    def _port(self, source: str) -> int:
        return FIRST_PORT + self.site.names.index(source)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """A contender and the underlay below it, in turns."""

    site: Site
    own: Traffic
    underlay: Traffic
    runs: int

    def latency(self, pair: Pair) -> Latency:
        with LoadGauge() as load:
            below = self.underlay.rtt(pair)
            return Latency(pair, self.own.rtt(pair), below, load.read())

    def goodput(self, pair: Pair) -> Goodput:
        return self._goodput(pair, lambda traffic: _and_cpu(self.site, lambda: (traffic.tcp(pair),)))

    def all_pairs(self) -> Goodput:
        """Every host to every other at once."""
        pairs = self.site.ordered_pairs()

        def all_of(traffic: Traffic) -> tuple[float, float]:
            with ThreadPoolExecutor(len(pairs)) as pool:
                return _and_cpu(self.site, lambda: tuple(pool.map(traffic.tcp, pairs)))

        return self._goodput(None, all_of)

    def packets(self, pair: Pair) -> Packets:
        with LoadGauge() as load:
            turns = self._turns(lambda traffic: traffic.udp(pair).packets_per_second)
            return Packets(pair, _split(turns, lambda rate: rate), load.read())

    def _goodput(self, pair: Pair | None, measure: Callable[[Traffic], tuple[float, float]]) -> Goodput:
        with LoadGauge() as load:
            turns = self._turns(measure)
            return Goodput(pair, _split(turns, lambda each: each[0]), _split(turns, lambda each: each[1]), load.read())

    def _turns(self, measure: Callable[[Traffic], T]) -> tuple[list[T], list[T]]:
        own, underlay = [], [measure(self.underlay)]
        for _ in range(self.runs):
            own.append(measure(self.own))
            underlay.append(measure(self.underlay))
        return own, underlay


def _split(turns: tuple[list[T], list[T]], figure: Callable[[T], float]) -> Turns:
    own, underlay = turns
    return Turns(tuple(map(figure, own)), tuple(map(figure, underlay)))


def _and_cpu(site: Site, send: Callable[[], tuple[Received, ...]]) -> tuple[float, float]:
    """Mbit/s, and the processor seconds of all hosts a gigabit.

    Raises LabError where nothing arrived.
    """
    before = site.cpu_s()
    received = send()
    used = site.cpu_s() - before
    gigabits = sum(each.bytes for each in received) * 8 / 1e9
    if not gigabits:
        raise LabError("not one byte of TCP arrived")
    return sum(each.mbit for each in received), used / gigabits


def _field(json_text: str, name: str) -> str:
    """One field of what `ip -json` says of one thing.

    Raises LabError if it is not there.
    """
    if (found := re.search(rf'"{name}":"?([\w.@-]+)', json_text)) is None:
        raise LabError(f"ip does not say {name}", answered=json_text.strip()[-200:])
    return found[1]
