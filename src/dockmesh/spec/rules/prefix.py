"""Rules about the prefix: the whole range of the container network."""

from collections.abc import Iterator

from dockmesh.spec.blocks import RESERVED
from dockmesh.spec.draft import Draft
from dockmesh.spec.excerpt import listed
from dockmesh.spec.problems import Problem

PRIVATE = "Expected a private range that nothing else uses, such as 172.17.0.0/16 or 10.80.0.0/16 (RFC 1918)."


def check_prefix_range(draft: Draft) -> Iterator[Problem]:
    if draft.prefix is None:
        return
    overlapped = [use for use in RESERVED if draft.prefix.value.overlaps(use.network)]
    if overlapped:
        what = f"{draft.the_prefix} overlaps {listed([str(use.network) for use in overlapped], limit=5)}"
        whys = " ".join(f"{use.network} is {use.why}." for use in overlapped)
        yield Problem(what, f"{whys} {PRIVATE}", draft.prefix.span)


def check_prefix_size(draft: Draft) -> Iterator[Problem]:
    """Every host needs an address for its bridge and one for a container; two addresses serve nobody."""
    if draft.prefix is None:
        return
    needed = 2 * len(draft.hosts) + 2
    if draft.prefix.value.num_addresses < needed:
        has = f"It has {draft.prefix.value.num_addresses} addresses"
        hint = (
            f"{has}; {len(draft.hosts)} hosts need {needed} at the least: "
            f"one for each {draft.bridge}, one for a container on each, and two that serve nobody."
        )
        yield Problem(f"{draft.the_prefix} is too small for {len(draft.hosts)} hosts", hint, draft.prefix.span)


def check_prefix_underlays(draft: Draft) -> Iterator[Problem]:
    """Also of hosts that are not on the network: the others reach them over the underlay."""
    for network in draft.of_each_network():
        if network.prefix is None:
            continue
        prefix = network.prefix.value
        inside = [host for host in draft.hosts if host.underlay is not None and host.underlay.value in prefix]
        if inside:
            names = listed([host.name.value for host in inside])
            first = inside[0].underlay
            where = f"{first.value} is in line {first.span.line}. " if first is not None else ""
            hint = f"{where}The way to the other hosts would lead into {network.bridge}. {PRIVATE}"
            yield Problem(f"{network.the_prefix} contains the underlay of {names}", hint, network.prefix.span)
