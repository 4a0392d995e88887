"""How an edit of the mesh file looks: its lines, and what it means for the hosts."""

from collections.abc import Sequence

from dockmesh.cli.edit import Edit
from dockmesh.model.network import Network
from dockmesh.plan.effect import Effect

NAMED = 4


def effect_lines(caused: Effect) -> list[str]:
    lines = _tunnel_lines(caused)
    if caused.mtu[0] != caused.mtu[1]:
        lines.append(f"! The MTU of the mesh goes from {caused.mtu[0]} to {caused.mtu[1]}.")
    if caused.docker_restarts:
        lines.append(f"! Docker restarts on {', '.join(caused.docker_restarts)}, with the containers there.")
    before, after = caused.root
    if before and after and before != after:
        lines.append(f"! The root of the spanning tree moves from {before} to {after}.")
    if caused.bridge_recreated:
        lines.append(
            f"! br0 is recreated on {', '.join(caused.bridge_recreated)}: "
            "until their tunnels are up again, they are cut off from the others."
        )
    return lines


def network_lines(edit: Edit) -> list[str]:
    lines = []
    for network in edit.networks_came:
        hosts = [host.name for host in edit.new.hosts if network.has(host.name)]
        kind = "New internal network" if network.internal else "New network"
        lines.append(
            f"{kind} {network.name} on {_listed(hosts)}: {_prefixes(network)}, VLAN {network.vlan}. "
            "Other networks do not change"
            + (", and no container restarts." if not edit.effect.docker_restarts else ".")
        )
    for network in edit.networks_gone:
        hosts = [host.name for host in edit.old.hosts if network.has(host.name)]
        lines.append(
            f"Network {network.name} is removed from {_listed(hosts)}. Other networks do not change.\n"
            "Containers must leave it first: apply names those that still run on it, and stops."
        )
    return lines


def _prefixes(network: Network) -> str:
    return f"{network.prefix}" if network.prefix6 is None else f"{network.prefix} and {network.prefix6}"


def _tunnel_lines(caused: Effect) -> list[str]:
    """Hosts to which the same happens in one line; only numbers where these would be many lines."""
    more, fewer = dict(caused.more), dict(caused.fewer)
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for host in dict.fromkeys((*more, *fewer)):
        alike.setdefault((more.get(host, ()), fewer.get(host, ())), []).append(host)
    if len(alike) > NAMED:
        added, gone = (sum(len(peers) for peers in each.values()) for each in (more, fewer))
        return [f"{len({*more, *fewer})} hosts gain {added} tunnels and lose {gone}."]
    return [f"{_listed(hosts)} {_gains_and_losses(len(hosts), *peers)}." for peers, hosts in alike.items()]


def _gains_and_losses(hosts: int, more: Sequence[str], fewer: Sequence[str]) -> str:
    ending = "s" if hosts == 1 else ""
    parts = [f"gain{ending} {_tunnels(more)}"] if more else []
    parts += [f"lose{ending} {_tunnels(fewer)}"] if fewer else []
    return " and ".join(parts)


def _tunnels(peers: Sequence[str]) -> str:
    return f"{'a tunnel' if len(peers) == 1 else 'tunnels'} to {', '.join(peers)}"


def _listed(hosts: list[str]) -> str:
    return ", ".join(hosts) if len(hosts) <= NAMED else f"{len(hosts)} hosts"
