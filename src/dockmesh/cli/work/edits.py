"""An edit of the mesh file: written, and shown with what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

from dockmesh.cli import options
from dockmesh.cli.show import err, out, print_json
from dockmesh.cli.work.mesh_file import flag, replace_file, with_room
from dockmesh.model import Cluster, Host, Network, Seat
from dockmesh.plan.build import build
from dockmesh.plan.effect import Effect, effect
from dockmesh.plan.remarks import remarks
from dockmesh.plan.room import room_of
from dockmesh.spec.excerpt import shown
from dockmesh.spec.load import parse

NAMED = 4


@dataclass(frozen=True, slots=True)
class Edit:
    file: Path
    before: bytes
    after: bytes
    old: Cluster
    new: Cluster
    effect: Effect

    @property
    def gone(self) -> list[str]:
        staying = {host.name for host in self.new.hosts}
        return [host.name for host in self.old.hosts if host.name not in staying]

    @property
    def came(self) -> list[Host]:
        known = {host.name for host in self.old.hosts}
        return [host for host in self.new.hosts if host.name not in known]

    @property
    def networks_gone(self) -> list[Network]:
        return [network for network in self.old.further if network.name not in _names(self.new)]

    @property
    def networks_came(self) -> list[Network]:
        return [network for network in self.new.further if network.name not in _names(self.old)]


def _names(cluster: Cluster) -> set[str]:
    return {network.name for network in cluster.networks}


def edited(file: Path, before: bytes, after: bytes) -> Edit:
    """The comment that `dockmesh init` wrote on the room left is kept true, if it is."""
    old, new = parse(str(file), before), parse(str(file), after)
    after = with_room(after, room_of(old), room_of(new))
    return Edit(file, before, after, old, new, effect(build(old), build(new)))


def carry_out(edit: Edit, ssh_config: Path | None, *, dry_run: bool, json: bool) -> None:
    """Write the file, unless it is a dry run, and show what became of it."""
    if not dry_run:
        replace_file(edit.file, edit.before, edit.after)
    if json:
        print_json(edit_json(edit, written=not dry_run))
        return
    for line in _difference(edit):
        out.print(line, markup=False, style={"+": "green", "-": "red", "@": "dim"}.get(line[:1]))
    for text in _effect_lines(edit.effect):
        out.print(text, markup=False)
    for text in _network_lines(edit):
        out.print(text, markup=False)
    if edit.gone:
        verb = "is" if len(edit.gone) == 1 else "are"
        out.print(f"{', '.join(edit.gone)} {verb} not contacted. Once applied, the others take no tunnel from there.")
        if edit.old.docker_api is not None:
            hosts = " ".join(f"--host {name}" for name in edit.gone)
            out.print(
                f"The certificate for Docker's API that is there stays good until it ends. `dockmesh destroy {hosts}` "
                "takes it away, by the file of before; `dockmesh access rotate` ends it with all others.",
                markup=False,
            )
    elif edit.came or edit.networks_came:
        out.print(room_of(edit.new).text, markup=False)
    for text in remarks(edit.networks_came):
        err.print(f"[bold yellow]![/] {text}")
    if dry_run:
        out.print("Nothing was written.")
        return
    named = None if edit.file == options.DEFAULT_FILE else edit.file
    out.print(f"Next: `dockmesh apply{flag('-f', named)}{flag('--ssh-config', ssh_config)}` makes it real.")


def _difference(edit: Edit) -> list[str]:
    """As `diff -u` shows it, with one line around each change."""
    old, new = (content.decode("utf-8").splitlines() for content in (edit.before, edit.after))
    return [shown(line) for line in list(unified_diff(old, new, lineterm="", n=1))[2:]]


def _effect_lines(caused: Effect) -> list[str]:
    lines = _tunnel_lines(caused)
    if caused.mtu[0] != caused.mtu[1]:
        lines.append(f"! The MTU of the mesh goes from {caused.mtu[0]} to {caused.mtu[1]}.")
    if caused.docker_restarts:
        lines.append(f"! Docker restarts on {', '.join(caused.docker_restarts)}, with the containers there.")
    before, after = caused.root
    if before and after and before != after:
        lines.append(f"! The root of the spanning tree moves from {before} to {after}.")
    if caused.bridge_anew:
        lines.append(
            f"! br0 is made anew on {', '.join(caused.bridge_anew)}: "
            "until their tunnels are up again, they are cut off from the others."
        )
    return lines


def _network_lines(edit: Edit) -> list[str]:
    lines = []
    for network in edit.networks_came:
        hosts = [host.name for host in edit.new.hosts if network.has(host.name)]
        kind = "An internal network" if network.internal else "A network"
        lines.append(
            f"{kind} more on {_listed(hosts)}: {network.name}, {_prefixes(network)}, VLAN {network.vlan}. "
            "Nothing of the others changes"
            + (", and no container restarts." if not edit.effect.docker_restarts else ".")
        )
    for network in edit.networks_gone:
        hosts = [host.name for host in edit.old.hosts if network.has(host.name)]
        lines.append(
            f"The network {network.name} goes from {_listed(hosts)}. Nothing of the others changes.\n"
            "Containers that run on it must have left it by then: apply names them and goes no further."
        )
    return lines


def _prefixes(network: Network) -> str:
    return f"{network.prefix}" if network.prefix6 is None else f"{network.prefix} and {network.prefix6}"


def _tunnel_lines(caused: Effect) -> list[str]:
    """Hosts to which the same happens in one line; only numbers where these would be many lines."""
    more, fewer = dict(caused.more), dict(caused.fewer)
    alike: dict[tuple[str, ...], list[str]] = {}
    for host in dict.fromkeys((*more, *fewer)):
        parts = (_tunnels(more.get(host, ()), "more"), _tunnels(fewer.get(host, ()), "fewer"))
        alike.setdefault(tuple(part for part in parts if part), []).append(host)
    if len(alike) > NAMED:
        added, gone = (sum(len(peers) for peers in each.values()) for each in (more, fewer))
        return [f"On {len({*more, *fewer})} hosts: {added} tunnels more, {gone} fewer."]
    return [f"On {_listed(hosts)}: {', '.join(parts)}." for parts, hosts in alike.items()]


def _tunnels(peers: Sequence[str], word: str) -> str:
    if not peers:
        return ""
    return f"{'a tunnel' if len(peers) == 1 else 'tunnels'} to {', '.join(peers)} {word}"


def _listed(hosts: list[str]) -> str:
    return ", ".join(hosts) if len(hosts) <= NAMED else f"{len(hosts)} hosts"


def edit_json(edit: Edit, *, written: bool) -> dict[str, Any]:
    """Under stable names; docs/reference/json.md describes them."""
    room = room_of(edit.new)
    return {
        "file": str(edit.file),
        "written": written,
        "added": [_host_json(host) for host in edit.came],
        "removed": edit.gone,
        "networks_added": [_network_json(network) for network in edit.networks_came],
        "networks_removed": [network.name for network in edit.networks_gone],
        "difference": _difference(edit),
        "more_tunnels": {host: list(peers) for host, peers in edit.effect.more},
        "fewer_tunnels": {host: list(peers) for host, peers in edit.effect.fewer},
        "docker_restarts": list(edit.effect.docker_restarts),
        "bridge_made_anew": list(edit.effect.bridge_anew),
        "room": room.hosts,
        "room_in": room.narrowest.name,
        "room_pools": list(room.pools),
    }


def _network_json(network: Network) -> dict[str, Any]:
    return {
        "name": network.name,
        "prefix": str(network.prefix),
        "vlan": network.vlan,
        "internal": network.internal,
        "hosts": None if network.hosts is None else list(network.hosts),
        **({"prefix6": str(network.prefix6)} if network.prefix6 else {}),
    }


def _host_json(host: Host) -> dict[str, Any]:
    return {
        "name": host.name,
        "underlay": str(host.underlay),
        "underlay_mtu": host.underlay_mtu,
        "address": str(host.address),
        "pool": str(host.pool),
        "networks": {seat.network: _seat_json(seat) for seat in host.seats},
    }


def _seat_json(seat: Seat) -> dict[str, Any]:
    six = {"address6": str(seat.address6), "pool6": str(seat.pool6)} if seat.address6 else {}
    return {"address": str(seat.address), "pool": str(seat.pool), **six}
