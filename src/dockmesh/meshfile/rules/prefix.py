"""Rules about prefixes: the whole range of a container network."""

from collections.abc import Iterator
from itertools import combinations

from dockmesh.meshfile.blocks import RESERVED, RESERVED_6
from dockmesh.meshfile.excerpt import listed
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.keys.network import NetworkSection
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.rules.view import NetworkView, views
from dockmesh.meshfile.slots6 import LARGEST, SMALLEST

PRIVATE = {
    4: "Expected a private range that nothing else uses, such as 172.17.0.0/16 or 10.80.0.0/16 (RFC 1918).",
    6: "Expected a range that nothing else uses, such as a /64 of an fd… prefix drawn at random (RFC 4193).",
}
EXAMPLE = {4: ", such as 10.80.0.0/16", 6: ""}


def check_range(view: NetworkView) -> Iterator[Problem]:
    prefix = view.prefix.value
    uses = RESERVED if view.version == 4 else RESERVED_6
    if overlapped := [use for use in uses if prefix.overlaps(use.network)]:
        what = f"{view.the_prefix} overlaps {listed([use.shown for use in overlapped], limit=5)}"
        whys = " ".join(f"{use.shown} is {use.why}." for use in overlapped)
        yield Problem(what, f"{whys} {PRIVATE[prefix.version]}", view.prefix.span)


def check_size(view: NetworkView) -> Iterator[Problem]:
    """Every host needs an address for its bridge and one for a container; two addresses serve nobody."""
    prefix, hosts = view.prefix.value, len(view.members)
    needed = 2 * hosts + 2
    if view.version == 6 and not LARGEST <= prefix.prefixlen <= SMALLEST:
        size = "large" if prefix.prefixlen < LARGEST else "small"
        hint = f"Expected a prefix length from {LARGEST} to {SMALLEST}; /{LARGEST} is what others expect of a link."
        yield Problem(f"{view.the_prefix} is too {size}", hint, view.prefix.span)
    elif prefix.num_addresses < needed:
        hint = (
            f"It has {prefix.num_addresses} addresses; {hosts} hosts need {needed} at the least: one for each "
            f"{view.bridge}, one for a container on each, and two that serve nobody."
        )
        yield Problem(f"{view.the_prefix} is too small for {hosts} hosts", hint, view.prefix.span)


def check_underlays(mesh: MeshSection) -> Iterator[Problem]:
    """Also of hosts that are not on the network: the others reach them over the underlay."""
    for view in views(mesh):
        prefix = view.prefix.value
        inside = [(host, host.underlay) for host in mesh.every_host if host.underlay and host.underlay.value in prefix]
        if inside:
            names, first = listed([host.label.value for host, _ in inside]), inside[0][1]
            hint = (
                f"{first.value} is in line {first.line}. The way to the other hosts would lead into {view.bridge}. "
                f"{PRIVATE[prefix.version]}"
            )
            yield Problem(f"{view.the_prefix} contains the underlay of {names}", hint, view.prefix.span)


def check_apart(mesh: MeshSection) -> Iterator[Problem]:
    for key in (NetworkSection.prefix, NetworkSection.prefix6):
        given = [(network, found) for network in mesh.every_network if (found := network.values.get(key.name))]
        for (first, before), (second, prefix) in combinations(given, 2):
            if before.value.overlaps(prefix.value):
                example = EXAMPLE[prefix.value.version]
                hint = f"{before.value} is in line {before.line}. Each network has addresses of its own{example}."
                what = f"{key.name} of {second.shown} overlaps the {key.name} of {first.shown}"
                yield Problem(what, hint, prefix.span)


RULES = (check_underlays, check_apart)
