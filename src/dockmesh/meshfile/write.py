"""A mesh as the text of a mesh file: what `dockmesh init` writes."""

from collections.abc import Mapping
from typing import Any

from dockmesh.meshfile.excerpt import shown
from dockmesh.meshfile.flow import flow, text
from dockmesh.meshfile.keys.fabric import FabricSection
from dockmesh.meshfile.keys.host import HostSection
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.keys.network import NetworkSection
from dockmesh.meshfile.section import Inner, Key
from dockmesh.meshfile.tree import Plain
from dockmesh.model.mesh import Fabric, Host, Mesh
from dockmesh.model.network import Network

HEAD = """\
# A mesh: the containers of these hosts share one network.
# `dockmesh plan` shows what follows from this file, `dockmesh apply` makes it real, `dockmesh verify` proves it.
"""
# Where the comments behind lines stand.
COMMENTS_AT = 29


def write_mesh(mesh: Mesh, *, notes: Mapping[str, str] | None = None) -> str:
    """The file, with comments; `load` makes the same Mesh of it.

    `notes` are comments to put above a part, by its path in the file: `fabric`, `networks`, `hosts`, `hosts.host1`.
    """
    said = notes or {}
    return "\n".join(
        [
            HEAD + f"name: {text(mesh.name)}",
            "",
            *_head(MeshSection.fabric, said),
            *_fabric_lines(mesh.fabric),
            "",
            *_head(MeshSection.networks, said),
            *_docker0_lines(mesh.docker0),
            *(f"  - {flow(NetworkSection.told(network))}" for network in mesh.further),
            "",
            *_domain_lines(mesh.domain),
            "# underlay: where the other hosts reach this one. address: of its docker0. pool: what its containers get.",
            *_head(MeshSection.hosts, said),
            *_host_lines(mesh.hosts, said),
            *_last_lines(MeshSection.packages, mesh.packages),
            *_last_lines(MeshSection.docker_api, mesh.docker_api),
            "",
        ]
    )


def _head(key: Key[Any], notes: Mapping[str, str]) -> list[str]:
    return [*_comment(notes, key.name, ""), f"{key.name}:"]


def _comment(notes: Mapping[str, str], path: str, indent: str) -> list[str]:
    return [f"{indent}# {shown(line)}".rstrip() for line in notes[path].splitlines()] if path in notes else []


def _line(start: str, key: Key[object]) -> str:
    """With the key's comment, in one column where the line is short enough."""
    return f"{start:<{COMMENTS_AT - 1}} # {key.note}" if key.note else start


def _fabric_lines(fabric: Fabric) -> list[str]:
    lines = []
    only_where_told = (FabricSection.tunnel_devices, FabricSection.guard)
    for name, value in FabricSection.told_whole(fabric).items():
        if any(name == key.name and getattr(fabric, name) is key.default for key in only_where_told):
            continue
        below = _below(value)
        lines += [_line(f"  {name}:" if below else f"  {name}: {flow(value)}", FabricSection.keys[name]), *below]
    return lines


def _below(value: Plain) -> list[str]:
    """The lines of a map with one list or map in it, which would be a long line."""
    match [*value.items()] if isinstance(value, dict) else []:
        case [(str(name), dict(names))]:
            return [f"    {name}:", *(f"      {text(each)}: {flow(listed)}" for each, listed in names.items())]
        case [(str(name), list(items))]:
            return [f"    {name}:", *(f"      - {flow(each)}" for each in items)]
        case _:
            return []


def _docker0_lines(network: Network) -> list[str]:
    told = [
        (NetworkSection.keys[name], f"{name}: {flow(value)}") for name, value in NetworkSection.told(network).items()
    ]
    return [_line(f"  {'-' if number == 0 else ' '} {line}", key) for number, (key, line) in enumerate(told)]


def _host_lines(hosts: tuple[Host, ...], notes: Mapping[str, str]) -> list[str]:
    """One line a host, with the values in columns."""
    told = [{key: f"{key}: {flow(value)}" for key, value in HostSection.told(host).items()} for host in hosts]
    names = [f"{text(host.name)}:" for host in hosts]
    name_width = max(map(len, names))
    widths = {key: max(len(keys[key]) for keys in told) + 1 for key in HostSection.required()}
    lines = []
    for host, name, keys in zip(hosts, names, told, strict=True):
        *first, last = (f"{value}," for value in keys.values())
        parts = [each.ljust(widths.get(key, 0)) for key, each in zip(keys, first, strict=False)]
        lines += _comment(notes, f"{MeshSection.hosts.name}.{host.name}", "  ")
        lines.append(f"  {name:<{name_width}} {{{' '.join([*parts, last[:-1]])}}}")
    return lines


def _domain_lines(domain: str | None) -> list[str]:
    """What differs from the default."""
    key = MeshSection.domain
    return [] if domain == key.default else [_line(f"{key.name}: {flow(key.type.told(domain))}", key), ""]


def _last_lines(key: Inner[Any], value: object) -> list[str]:
    """A map at the end, where it differs from the default."""
    if value == key.default:
        return []
    return ["", f"{key.name}:", *(f"  {name}: {flow(each)}" for name, each in key.section.told(value).items())]
