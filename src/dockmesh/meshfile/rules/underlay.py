"""Rules about the underlay: an address and an MTU of each host."""

from collections.abc import Iterator

from dockmesh.meshfile.blocks import reserved_use
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.rules.repeated import repeated
from dockmesh.model.tunnel import Tunnel, overlay_mtu

# RFC 791: what every IPv4 network carries; RFC 8200 section 5: what every IPv6 link carries.
IPV4_MIN_MTU, IPV6_MIN_MTU = 576, 1280


def check_same(mesh: MeshSection) -> Iterator[Problem]:
    """Behind NATs hosts may have equal ones, as long as nobody goes there; where they are found is looked at."""
    for host, first in repeated(mesh.every_host, lambda host: host.underlay):
        if host.underlay and first.underlay and not (host.endpoint and first.endpoint):
            where = f"{first.shown} (line {first.label.line}) is reached at that address."
            what = f"{host.underlay.subject} is also the {first.underlay.subject}"
            yield Problem(what, f"{where} Every host has its own.", host.underlay.span)


def check_range(mesh: MeshSection) -> Iterator[Problem]:
    for host in mesh.every_host:
        if host.underlay and (use := reserved_use(host.underlay.value)):
            hint = f"{use.shown} is {use.why}. Expected the address at which the other hosts reach {host.shown}."
            yield Problem(f"{host.underlay.subject} is {use.article_name}", hint, host.underlay.span)


def check_family(mesh: MeshSection) -> Iterator[Problem]:
    given = [(host.shown, host.underlay) for host in mesh.every_host if host.underlay]
    for _, underlay in given[1:]:
        first, of_first = given[0]
        if underlay.value.version != of_first.value.version:
            hint = (
                f"{first} has {of_first.value} (line {of_first.line}). All tunnels of a mesh run over one family: give "
                "every host an address of the same."
            )
            what = f"{underlay.subject} is IPv{underlay.value.version}, and that of {first} is not"
            yield Problem(what, hint, underlay.span)


def check_mtu(mesh: MeshSection) -> Iterator[Problem]:
    tunnel = mesh.fabric.tunnel
    for host in mesh.every_host:
        if not host.underlay_mtu or not tunnel:
            continue
        version = host.underlay.value.version if host.underlay else 4
        key, tagged = mesh.fabric.key is not None, len(mesh.every_network) > 1
        encrypted = bool(mesh.fabric.encryption and mesh.fabric.encryption.value)
        taken = overlay_mtu(host.underlay_mtu.value, tunnel.value, version, key=key, tagged=tagged, encrypted=encrypted)
        left = taken.mtu
        if left >= IPV6_MIN_MTU:
            continue
        sizes = " ".join(f"− {size} ({name})" for name, size in taken.parts)
        need = (
            f"IPv4 needs {IPV4_MIN_MTU}."
            if left < IPV4_MIN_MTU
            else f"IPv6 needs {IPV6_MIN_MTU}, and every container has a link-local IPv6 address."
        )
        hint = f"{taken.underlay} {sizes} = {left}. {need} Expected {taken.underlay - left + IPV6_MIN_MTU} or more."
        what = f"{host.underlay_mtu.subject} leaves {left} bytes for a packet of a container"
        yield Problem(what, hint, host.underlay_mtu.span)


def check_key(mesh: MeshSection) -> Iterator[Problem]:
    tunnel, key = mesh.fabric.tunnel, mesh.fabric.key
    if tunnel and key and key.value > (most := tunnel.value.encapsulation.largest_key):
        of_gre = Tunnel.GRE.encapsulation.largest_key
        hint = f"{tunnel.value} takes 1 to {most}, a VNI of 24 bits; gre takes up to {of_gre}."
        yield Problem(f"key is {key.value}, which is too large for {tunnel.value}", hint, key.span)


RULES = (check_same, check_range, check_family, check_mtu, check_key)
