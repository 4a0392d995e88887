"""What a change of the file means for the hosts that are in it before and after."""

from dataclasses import dataclass

from dockmesh.plan.types import HostPlan, Plan


@dataclass(frozen=True, slots=True)
class Effect:
    """On the hosts that stay, by name. Whoever is in none of these has nothing to do."""

    more: tuple[tuple[str, tuple[str, ...]], ...]  # a host, and the peers that it gets a tunnel to
    fewer: tuple[tuple[str, tuple[str, ...]], ...]  # a host, and the peers that it loses its tunnel to
    docker_restarts: tuple[str, ...]  # address, pool, prefix or MTU are others, or whether it has IPv6
    bridge_recreated: tuple[str, ...]  # forwarding, datapath, address or priority in the spanning tree are others
    root: tuple[str | None, str | None]  # before and after, where there is a spanning tree
    mtu: tuple[int, int]


def effect(before: Plan, after: Plan) -> Effect:
    staying = [(before.host(new.name), new) for new in after.hosts if new.name in {old.name for old in before.hosts}]
    peers = [(new.name, _peers(old), _peers(new)) for old, new in staying]
    fabric_moved = _kind(before) != _kind(after)
    return Effect(
        more=tuple((name, added) for name, old, new in peers if (added := tuple(p for p in new if p not in old))),
        fewer=tuple((name, gone) for name, old, new in peers if (gone := tuple(p for p in old if p not in new))),
        docker_restarts=tuple(
            new.name
            for old, new in staying
            if (old.address, old.pool, before.mtu, old.has_ipv6) != (new.address, new.pool, after.mtu, new.has_ipv6)
        ),
        bridge_recreated=tuple(
            new.name
            for old, new in staying
            if fabric_moved
            or (old.tree_priority, old.docker0.switch_mac) != (new.tree_priority, new.docker0.switch_mac)
        ),
        root=(before.root, after.root),
        mtu=(before.mtu, after.mtu),
    )


def _peers(host: HostPlan) -> tuple[str, ...]:
    return tuple(tunnel.peer for tunnel in host.tunnels)


def _kind(plan: Plan) -> tuple[str, str]:
    return str(plan.fabric.forwarding), str(plan.fabric.datapath)
