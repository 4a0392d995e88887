"""What Docker changes of a host's IPv6 by its rules, and does not take back: kept beforehand, put back afterwards."""

import json

from dockmesh.diff.daemon_json import keeps_ipv6
from dockmesh.facts.types import HostFacts
from dockmesh.record.paths import IPV6, STATE
from dockmesh.render.docker import DAEMON_JSON
from dockmesh.render.types import HostConfig
from dockmesh.transport.demand import demand
from dockmesh.transport.requests import Exec, Get, Put, Remove, Transport
from dockmesh.undo.docker_rules import RESTORES, SAVES, without_docker
from dockmesh.undo.restore_docker import has_rules6

FORWARDING = "/proc/sys/net/ipv6/conf/all/forwarding"
NO_FORWARDING = Exec(("sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=0"))
SAVE, RESTORE = SAVES[1], RESTORES[1]
MODE = 0o600


async def remember(host: Transport, config: HostConfig) -> None:
    """Once, before the first network with IPv6: whether the host forwards, and what it does with what it need not.

    Raises CommandError and ConnectError.
    """
    if not config.daemon.ip6tables:
        return
    present, forwarding, rules = await host.ask(Get(IPV6), Get(FORWARDING), Exec(SAVE), together=True)
    if present.ok:
        return
    content = {"forwarded": forwarding.out.strip() != "0", "policy": "DROP" if ":FORWARD DROP" in rules.out else None}
    folder = Exec(("install", "-d", "-m", "0700", STATE))
    await demand(host, "could not record its current state", folder, Put(IPV6, json.dumps(content) + "\n", MODE))


def leaves(facts: HostFacts, after: str | None) -> bool:
    """Whether Docker has its rules by us, and will not have them by what its file says then."""
    return keeps_ipv6(facts.file(DAEMON_JSON)) and not has_rules6(facts, after)


async def forget_at_last(host: Transport, facts: HostFacts, after: str | None) -> None:
    """Also what a run left that was rolled back after Docker had its rules.

    Raises CommandError and ConnectError.
    """
    (present,) = await host.ask(Get(IPV6))
    if leaves(facts, after) or (present.ok and not has_rules6(facts, after)):
        await forget(host)


async def forget(host: Transport) -> None:
    """Docker's rules go, when it has no more of them itself; then the host is what it was.

    Raises CommandError and ConnectError.
    """
    present, saved = await host.ask(Get(IPV6), Exec(SAVE), together=True)
    known = json.loads(present.out) if present.ok else {}
    switched_off = not known.get("forwarded", True)
    if switched_off:
        await demand(host, "could not switch the forwarding of IPv6 off", NO_FORWARDING)
    # With what it was not known the policy stays: it is the safe one of the two.
    forwarded = not known or known.get("policy") is not None
    script = without_docker(saved.out, forwarded=forwarded) if saved.ok else ""
    if script:
        await demand(host, "could not remove Docker's rules for IPv6", Exec(RESTORE, stdin=script))
    if present.ok:
        await demand(host, "could not remove the record of what it was", Remove(IPV6))
