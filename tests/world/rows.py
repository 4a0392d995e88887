"""The worlds that dockmesh is run in: a table in which every two values of any two columns meet at least once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations, product

# What each column can be; the first is the default of the lab or of `dockmesh init`.
COLUMNS: dict[str, tuple[str, ...]] = {
    "release": ("trixie", "bookworm", "forky", "mixed"),
    "forwarding": ("direct", "rstp", "stp"),
    "tunnel": ("gre", "vxlan", "geneve"),
    "underlay": ("ipv4", "ipv6"),
    "renderer": ("systemd", "ifupdown"),
    "iptables": ("nft", "legacy"),
    "live_restore": ("off", "on"),
    "userland_proxy": ("on", "off"),
}
MIXED = "host1=bookworm,host2=trixie,host3=forky"
# Open vSwitch 4.0.0 floods nothing to a host beside a spanning tree; dockmesh refuses that: src/dockmesh/defects.py.
WITHOUT_A_TREE = ("forky", "mixed")

Values = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One world. Virtual machines run their release's own kernel, and containers that of this machine."""

    release: str
    forwarding: str
    tunnel: str
    underlay: str
    renderer: str
    iptables: str
    live_restore: str
    userland_proxy: str
    kind: str = "container"

    @property
    def name(self) -> str:
        differs = [
            value
            for value, column in zip(self.values[1:], list(COLUMNS)[1:], strict=True)
            if value != COLUMNS[column][0]
        ]
        marked = {"on": "live-restore", "off": "no-proxy"}
        words = [marked.get(value, value) for value in differs]
        return "-".join((*(("vm",) if self.kind == "vm" else ()), self.release, *(words or ["default"])))

    @property
    def values(self) -> Values:
        return tuple(getattr(self, column) for column in COLUMNS)

    @property
    def releases(self) -> str:
        """As `lab up --release` takes it."""
        return MIXED if self.release == "mixed" else self.release


def possible(values: Values) -> bool:
    return values[0] not in WITHOUT_A_TREE or values[1] == "direct"


def _pairs(values: Values) -> set[tuple[int, str, int, str]]:
    return {(a, values[a], b, values[b]) for a, b in combinations(range(len(values)), 2)}


def _containers() -> Iterator[Row]:
    """The default of each release first; then always the row in which most pairs meet that have not met yet."""
    every = [values for values in product(*COLUMNS.values()) if possible(values)]
    missing = set().union(*map(_pairs, every))
    defaults = [(release, *(values[0] for values in list(COLUMNS.values())[1:])) for release in COLUMNS["release"]]
    for values in defaults:
        missing -= _pairs(values)
        yield Row(*values)
    while missing:
        best = max(every, key=lambda values: len(missing & _pairs(values)))
        missing -= _pairs(best)
        yield Row(*best)


def rows() -> tuple[Row, ...]:
    """All, in the order of the table."""
    default = [values[0] for values in COLUMNS.values()][1:]
    machines = [replace(Row(release, *default), kind="vm") for release in ("bookworm", "trixie", "forky")]
    others = [
        Row("bookworm", "rstp", "vxlan", "ipv4", "systemd", "nft", "off", "on", "vm"),
        Row("trixie", "direct", "geneve", "ipv6", "ifupdown", "nft", "off", "on", "vm"),
        Row("forky", "direct", "vxlan", "ipv4", "ifupdown", "nft", "on", "on", "vm"),
    ]
    return (*_containers(), *machines, *others)
