"""Links of the underlay cut and healed, by the switch's own firewall."""

import json

from dockmesh.lab.command import run, try_run
from dockmesh.lab.model import Lab
from dockmesh.lab.underlay import inside

# Pairs of ports in sets, not rules: to add what a set has, or to take out what was put in just before, is no error, so
# both verbs may be repeated. A host that reboots gets a new port of the same name, so a cut outlives the reboot.
TABLE = """
table bridge cut {
    set links { typeof iifname . oifname; }
    set protocols { typeof iifname . oifname . meta l4proto; }
    chain forward {
        type filter hook forward priority 0; policy accept;
        iifname . oifname @links drop
        ether type { ip, ip6 } iifname . oifname . meta l4proto @protocols drop
    }
}
"""


def ensure_firewall(lab: Lab) -> None:
    if not try_run(inside(lab.switch_netns, "nft", "list", "table", "bridge", "cut")):
        _nft(lab, [TABLE], "give the switch its firewall")


def cut(lab: Lab, a: str, b: str, *, protocol: str | None = None, one_way: bool = False) -> None:
    """Nothing passes between the two hosts any more, or nothing of one IP protocol ("gre", "icmp", "47")."""
    pairs = _pairs(lab, a, b)[: 1 if one_way else 2]
    if protocol is None:
        lines = [f"add element bridge cut links {{ {pair} }}" for pair in pairs]
    else:
        lines = [f"add element bridge cut protocols {{ {pair} . {protocol} }}" for pair in pairs]
    _nft(lab, lines, f"cut {a} from {b}")


def heal(lab: Lab, a: str, b: str) -> None:
    """All passes again between the two hosts, both ways."""
    pairs = _pairs(lab, a, b)
    lines = []
    for pair in pairs:
        lines += [f"{verb} element bridge cut links {{ {pair} }}" for verb in ("add", "delete")]
    for source, target, protocol in _filtered(lab):
        element = f'"{source}" . "{target}"'
        if element in pairs:
            lines.append(f"delete element bridge cut protocols {{ {element} . {protocol} }}")
    _nft(lab, lines, f"heal the link of {a} and {b}")


def heal_all(lab: Lab) -> None:
    _nft(lab, ["flush set bridge cut links", "flush set bridge cut protocols"], "heal all links")


def _pairs(lab: Lab, a: str, b: str) -> list[str]:
    first, second = lab.host(a).name, lab.host(b).name
    return [f'"{first}" . "{second}"', f'"{second}" . "{first}"']


def _filtered(lab: Lab) -> list[tuple[str, str, str]]:
    answer = run(
        inside(lab.switch_netns, "nft", "--json", "list", "set", "bridge", "cut", "protocols"),
        "read which protocols are cut",
    )
    found = next(item["set"] for item in json.loads(answer)["nftables"] if "set" in item)
    return [
        (source, target, str(protocol))
        for source, target, protocol in (element["concat"] for element in found.get("elem", ()))
    ]


def _nft(lab: Lab, lines: list[str], what: str) -> None:
    """All of it in one transaction."""
    run(inside(lab.switch_netns, "nft", "-f", "-"), what, text="\n".join(lines))
