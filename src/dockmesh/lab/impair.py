"""Links of the underlay impaired: packets lost by chance, or beyond a rate; by the switch's own firewall."""

from dockmesh.lab.command import run, try_run
from dockmesh.lab.model import Lab
from dockmesh.lab.underlay import inside

TABLE = "impair"
BURST_BYTES = 3000  # two full packets


def lose(lab: Lab, a: str, b: str, percent: int) -> None:
    """So many percent of the packets between the two are lost, each way."""
    _rules(lab, a, b, f"numgen random mod 100 < {percent} drop", f"lose packets between {a} and {b}")


def narrow(lab: Lab, a: str, b: str, kbit: int) -> None:
    """So many kbit/s pass between the two each way; what is more is lost. There is no queue."""
    what = f"slow the link between {a} and {b}"
    _rules(lab, a, b, f"limit rate over {max(1, kbit * 1000 // 8)} bytes/second burst {BURST_BYTES} bytes drop", what)


def mend(lab: Lab) -> None:
    """All links, and no error if none is impaired."""
    if try_run(inside(lab.switch_netns, "nft", "list", "table", "bridge", TABLE)):
        run(inside(lab.switch_netns, "nft", "delete", "table", "bridge", TABLE), "make the links good")


def _rules(lab: Lab, a: str, b: str, rule: str, what: str) -> None:
    """After those of cut: what is cut is not lost twice."""
    first, second = lab.host(a).name, lab.host(b).name
    lines = (
        f"add table bridge {TABLE}",
        f"add chain bridge {TABLE} forward {{ type filter hook forward priority 1; policy accept; }}",
        *(
            f'add rule bridge {TABLE} forward iifname "{source}" oifname "{target}" {rule}'
            for source, target in ((first, second), (second, first))
        ),
    )
    run(inside(lab.switch_netns, "nft", "-f", "-"), what, text="\n".join(lines))
