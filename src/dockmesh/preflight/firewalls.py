"""Who makes firewall rules on a host, and what they do with our packets."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address

from dockmesh.facts import nftables
from dockmesh.facts.iptables import BRIDGED, Fate, Packet, Seen, walk
from dockmesh.model.tunnel import Encapsulation
from dockmesh.preflight.types import Check, Finding, HostEvidence, Level

NAMES = {
    "firewalld.service": "firewalld",
    "nftables.service": "nftables.service",
    "netfilter-persistent.service": "netfilter-persistent",
}


Source = IPv4Address | IPv6Address | None  # None: it may be any


def judge(evidence: HostEvidence) -> Iterator[Finding]:
    name, around = (evidence.facts.name,), evidence.around
    yield _forwarding(evidence, name)
    if around.iptables_kind == "nf_tables" and around.legacy_tables:
        what = f"rules of iptables-legacy are loaded beside those of nftables: tables {', '.join(around.legacy_tables)}"
        do = "look with `iptables-legacy-save`, and flush them if nobody wants them: both are applied to each packet"
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


def find_guilty(evidence: HostEvidence, wire: Encapsulation, device: str, source: Source) -> Seen:
    """Which rule drops a tunnel's packet that comes in on `device` from a peer; PASSES where none is seen that does."""
    return who_drops(evidence, Packet(device, protocols=wire.protocols, port=wire.port, source=source, to_host=True))


def who_drops(evidence: HostEvidence, packet: Packet) -> Seen:
    """Which rule drops a packet to the host itself; PASSES where none is seen that does."""
    around = evidence.around
    is_4 = packet.source is None or packet.source.version == 4
    rules = around.iptables if is_4 else around.ip6tables
    for hook, chain in (("prerouting", ""), ("input", "INPUT")):
        found = [walk(rules, chain, packet)] if chain and rules else []
        found += [nftables.walk(around.nftables, hook, packet)] if around.nftables else []
        for seen in found:
            if seen.fate in (Fate.RULE, Fate.POLICY):
                return seen
    return Seen(Fate.PASSES)


def how_to_open(
    evidence: HostEvidence, wire: Encapsulation, sources: Sequence[Source], seen: Seen, *, version: int
) -> str:
    """In the words of who manages the rules there."""
    managers = find_managers(evidence)
    protocol, port = wire.protocols[0], wire.port
    if "ufw" in managers:
        to = f" to any port {port}" if port else ""
        froms = dict.fromkeys("any" if source is None else str(source) for source in sources)
        return "; ".join(f"`ufw allow proto {protocol} from {source}{to}`" for source in froms)
    if "firewalld" in managers:
        opened = f"--add-port={port}/udp" if port else f"--add-protocol={protocol}"
        return f"`firewall-cmd --permanent {opened}`, then `firewall-cmd --reload`"
    named, is_4 = "" if None in sources else ", ".join(map(str, sources)), version == 4
    if seen.chain:
        matched = f"udp dport {port}" if port else f"{'ip protocol' if is_4 else 'meta l4proto'} {protocol}"
        keep = ", and in /etc/nftables.conf, to keep it" if "nftables.service" in managers else ""
        whose = f"{'ip' if is_4 else 'ip6'} saddr {{ {named} }} " if named else ""
        return f"`nft 'insert rule {seen.chain} {whose}{matched} accept'`{keep}"
    matched = f"-p {protocol}{f' --dport {port}' if port else ''}"
    program = "iptables" if is_4 else "ip6tables"
    matched += f" -s {named.replace(' ', '')}" if named else ""
    return f"`{program} -I INPUT {matched} -j ACCEPT`, or the same where its rules are kept"
