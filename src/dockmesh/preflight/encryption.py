"""What a host has against a WireGuard device of ours: one host at a time."""

from collections.abc import Iterator

from dockmesh.model.network import ENCRYPTING_DEVICE
from dockmesh.plan.types import Plan
from dockmesh.preflight.types import Check, Finding, HostEvidence, Level
from dockmesh.render.tunnel_device import alias

OTHER_PREFIX = "set another prefix: `encryption: {kind: wireguard, prefix: 198.19.0.0/16}` under `fabric`"


def judge(plan: Plan, evidence: HostEvidence) -> Iterator[Finding]:
    """Its device's socket is the kernel's, or wireguard-go's."""
    name, encryption, links = (evidence.facts.name,), plan.fabric.encryption, evidence.facts.links
    if encryption is None:
        return
    ours = any(link.name == ENCRYPTING_DEVICE and link.alias == alias(plan.name) for link in links)
    if encryption.port in evidence.around.udp_ports and not ours:
        others = [link.name for link in links if link.kind == str(encryption.kind)]
        by = f"by {', '.join(others)}" if others else "by somebody else"
        what = f"its {plan.wire.protocol} is used already, {by}; WireGuard needs it"
        do = f"set another port: `encryption: {{kind: wireguard, port: {encryption.port + 1}}}` under `fabric`"
        yield Finding(Check.TUNNEL, Level.BLOCKER, name, what, do)
    own = next((link for link in links if link.name == ENCRYPTING_DEVICE and not ours), None)
    if own is not None:
        what = f"has a device {own.name} that dockmesh did not make, and encryption needs one of that name"
        yield Finding(Check.TUNNEL, Level.BLOCKER, name, what, f"rename it: `ip link set {own.name} down name NEW`")
    for route in evidence.around.routes:
        if route.network.overlaps(encryption.prefix) and route.device not in ("", ENCRYPTING_DEVICE):
            what = (
                f"the route {route.network} leads to {route.device}, and the encryption's prefix is {encryption.prefix}"
            )
            yield Finding(Check.TUNNEL, Level.BLOCKER, name, what, OTHER_PREFIX)
    for link in links:
        taken = [each for each in link.addresses if each.network.overlaps(encryption.prefix)]
        if taken and link.name != ENCRYPTING_DEVICE:
            what = f"{link.name} has {taken[0]}, which is in the prefix of the encryption, {encryption.prefix}"
            yield Finding(Check.TUNNEL, Level.BLOCKER, name, what, OTHER_PREFIX)
