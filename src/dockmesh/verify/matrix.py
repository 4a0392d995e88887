"""The pairs of a report as a table: rows from, columns to."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from dockmesh.verify.types import CONTAINER_PAIRS, HOST_PAIRS, NETWORK_PAIRS, ProbeKind, Verdict, VerifyReport, worst

# One letter each, for cells with no room for words.
LETTERS = {
    ProbeKind.HOST_PING: "P",
    ProbeKind.HOST_SIZE: "S",
    ProbeKind.HOST_TRANSFER: "T",
    ProbeKind.CONTAINER_PING: "P",
    ProbeKind.CONTAINER_SIZE: "S",
    ProbeKind.CONTAINER_TRANSFER: "T",
    ProbeKind.ADDRESS: "A",
    ProbeKind.NAME: "N",
    ProbeKind.BROADCAST: "B",
    ProbeKind.NETWORK_PING: "P",
    ProbeKind.NETWORK_SIZE: "S",
    ProbeKind.NETWORK_PING6: "6",
    ProbeKind.NETWORK_SIZE6: "V",
}
MEANINGS = {
    "P": "ping",
    "S": "a packet of exactly the MTU",
    "T": "TCP transfer",
    "A": "one owner of each address",
    "N": "found by name",
    "B": "a broadcast arrives once",
    "6": "ping by IPv6",
    "V": "a packet of exactly the MTU by IPv6",
}
MATRICES = {"containers": CONTAINER_PAIRS, "hosts": HOST_PAIRS}


@dataclass(frozen=True, slots=True)
class Cell:
    """All probes of one pair together."""

    verdict: Verdict
    failed: str  # letters
    unknown: str
    ping: str  # how long one took, if it came back


@dataclass(frozen=True, slots=True)
class Matrix:
    title: str
    hosts: tuple[str, ...]
    cells: Mapping[tuple[str, str], Cell]


def matrices(report: VerifyReport) -> tuple[Matrix, ...]:
    """Of docker0's containers, of its hosts, and one of each further network, under the network's name."""
    networks = dict.fromkeys(probe.network for probe in report.probes if probe.kind in NETWORK_PAIRS)
    return (
        *(_matrix(report, title, kinds) for title, kinds in MATRICES.items()),
        *(_matrix(report, name, NETWORK_PAIRS, name) for name in networks),
    )


def _matrix(report: VerifyReport, title: str, kinds: tuple[ProbeKind, ...], network: str = "") -> Matrix:
    found = defaultdict(list)
    for probe in report.probes:
        if probe.kind in kinds and probe.network == network:
            found[probe.source, probe.target].append(probe)
    cells = {}
    for pair, probes in found.items():
        letters = {
            verdict: "".join(LETTERS[probe.kind] for probe in probes if probe.verdict is verdict) for verdict in Verdict
        }
        pings = (probe.measured for probe in probes if LETTERS[probe.kind] == "P" and probe.verdict is Verdict.PASS)
        cells[pair] = Cell(
            worst(probe.verdict for probe in probes), letters[Verdict.FAIL], letters[Verdict.UNKNOWN], next(pings, "")
        )
    return Matrix(title, report.hosts, cells)


def by_kind(report: VerifyReport) -> dict[ProbeKind, list[Verdict]]:
    found = defaultdict(list)
    for probe in report.probes:
        found[probe.kind].append(probe.verdict)
    return dict(found)
