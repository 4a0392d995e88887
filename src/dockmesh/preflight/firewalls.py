"""Who makes firewall rules on a host, and what they do with our packets."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address

from dockmesh.facts import nftables
from dockmesh.facts.iptables import BRIDGED, GRE_NAMES, Fate, Packet, Seen, walk
from dockmesh.preflight.types import Check, Finding, HostEvidence, Level

NAMES = {
    "firewalld.service": "firewalld",
    "nftables.service": "nftables.service",
    "netfilter-persistent.service": "netfilter-persistent",
}


def judge(evidence: HostEvidence) -> Iterator[Finding]:
    name, around = (evidence.facts.name,), evidence.around
    yield _forwarding(evidence, name)
    if around.iptables_kind == "nf_tables" and around.legacy_tables:
        what = f"rules of iptables-legacy are loaded beside those of nftables: tables {', '.join(around.legacy_tables)}"
        do = "look with `iptables-legacy-save`, and flush them if nobody wants them: both are asked for each packet"
        yield Finding(Check.FIREWALL, Level.WARNING, name, what, do)
        return
    managers = find_managers(evidence)
    kind = f"iptables ({around.iptables_kind})" if around.iptables_kind else "no iptables yet"
    what = f"{' and '.join(managers)}, {kind}" if managers else f"no firewall manager, {kind}"
    yield Finding(Check.FIREWALL, Level.FINE, name, what)


def find_managers(evidence: HostEvidence) -> list[str]:
    units = evidence.around.units
    found = ["ufw"] if evidence.around.ufw else []  # its unit is active whether it is enabled or not
    return found + [name for unit, name in NAMES.items() if units.get(unit, {}).get("ActiveState") == "active"]


def _forwarding(evidence: HostEvidence, name: tuple[str, ...]) -> Finding:
    """Only what stays after apply: Docker sets forwarding and its own rules at each start."""
    around, runs = evidence.around, evidence.facts.docker is not None
    if runs and not around.ip_forward:
        do = "run `sysctl -w net.ipv4.ip_forward=1`; Docker sets it only when it starts"
        what = "ip_forward is 0: containers reach nothing outside their bridge"
        return Finding(Check.FORWARDING, Level.WARNING, name, what, do)
    if runs and around.bridge_netfilter and around.iptables is not None:
        seen = walk(around.iptables, "FORWARD", BRIDGED)
        if seen.fate in (Fate.RULE, Fate.POLICY):
            what = f"frames between members of docker0 pass iptables (br_netfilter) and are {seen.fate}: {seen.rule}"
            do = "let them pass: `iptables -I FORWARD -i docker0 -o docker0 -j ACCEPT`, or restart Docker"
            return Finding(Check.FORWARDING, Level.BLOCKER, name, what, do)
    state = "bridged frames pass iptables" if around.bridge_netfilter else "iptables does not see bridged frames"
    return Finding(Check.FORWARDING, Level.FINE, name, f"{state}, and nothing there drops them")


def find_guilty(evidence: HostEvidence, device: str, source: IPv4Address) -> Seen:
    """Which rule drops GRE that comes in on `device` from a peer; PASSES where none is seen that does."""
    packet = Packet(came_in=device, protocols=GRE_NAMES, source=source, to_host=True)
    around = evidence.around
    for hook, chain in (("prerouting", ""), ("input", "INPUT")):
        found = [walk(around.iptables, chain, packet)] if chain and around.iptables else []
        found += [nftables.walk(around.nftables, hook, packet)] if around.nftables else []
        for seen in found:
            if seen.fate in (Fate.RULE, Fate.POLICY):
                return seen
    return Seen(Fate.PASSES)


def how_to_open(evidence: HostEvidence, sources: Sequence[IPv4Address], seen: Seen) -> str:
    """In the words of who manages the rules there."""
    managers = find_managers(evidence)
    if "ufw" in managers:
        return "; ".join(f"`ufw allow proto gre from {source}`" for source in sources)
    if "firewalld" in managers:
        return "`firewall-cmd --permanent --add-protocol=gre`, then `firewall-cmd --reload`"
    if seen.chain:
        accept = f"ip saddr {{ {', '.join(map(str, sources))} }} ip protocol gre accept"
        keep = ", and in /etc/nftables.conf, to keep it" if "nftables.service" in managers else ""
        return f"`nft 'insert rule {seen.chain} {accept}'`{keep}"
    return (
        f"`iptables -I INPUT -p gre -s {','.join(map(str, sources))} -j ACCEPT`, or its like where its rules are kept"
    )
