"""How many frames the flows of the fabric dropped on a host, and why: pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.render.openflow import HARMLESS, Counts, counts_of
from dockmesh.transport.requests import Answer, Exec

# Cookies whose lowest bits say that what passes is counted: all that are not 0, by three masks.
QUESTIONS = tuple(
    Exec(("ovs-ofctl", "-O", "OpenFlow15", "dump-flows", FABRIC_BRIDGE, f"cookie={cookie}"), timeout_s=10)
    for cookie in ("0x1/0x1", "0x2/0x3", "0x4/0x7")
)
FLOW = re.compile(r"cookie=0x([0-9a-f]+),.* n_packets=(\d+),")
LOOPED = "from an attached interface, with an address of a host: a loop, or somebody pretends"
WORDS = {
    Counts.STRANGE_PORT: "from a port that is not a tunnel of the mesh",
    Counts.SPOOFED: "with a source address of another host",
    Counts.OTHER: "neither IP nor ARP, or with a tag",
    Counts.NO_HOST: "to an address of no host",
    Counts.UNKNOWN_SOURCE: "from a tunnel, with a source address of no host",
    Counts.NO_WAY: "for which no live tunnel was left",
    Counts.LOOPED: LOOPED,
    Counts.OUTSIDE: "from an attached interface, and not from an address out there",
}


def read(answers: Iterable[Answer]) -> Mapping[str, int]:
    """By WORDS; what is 0 is left out."""
    found: Counter[str] = Counter()
    for answer in answers:
        for cookie, packets in FLOW.findall(answer.out):
            kind = counts_of(int(cookie, 16))
            if kind is not None and kind not in HARMLESS:
                found[WORDS[kind]] += int(packets)
    return {words: found[words] for words in WORDS.values() if found[words]}
