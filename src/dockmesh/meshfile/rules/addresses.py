"""Rules about the addresses of bridges: in the prefix, each host its own, and in nobody's pool."""

from collections.abc import Iterator

from dockmesh.meshfile.blocks import Blocks
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.rules.repeated import repeated
from dockmesh.meshfile.rules.view import NetworkView


def check_same(view: NetworkView) -> Iterator[Problem]:
    for member, first in repeated(view.members, lambda member: member.address):
        if member.address and first.address:
            line = first.host.label.line
            hint = f"{first.shown} is in line {line}. Two {view.bridge} with one address answer for each other."
            yield Problem(f"{member.address.subject} is also the {first.address.subject}", hint, member.address.span)


def check_in_prefix(view: NetworkView) -> Iterator[Problem]:
    prefix, line = view.prefix.value, view.prefix.line
    for found in [member.address for member in view.members if member.address]:
        if found.value not in prefix:
            hint = f"The {view.key} is {prefix} (line {line}); every {view.bridge} has its address in it."
            yield Problem(f"{found.subject} is outside {view.the_prefix}", hint, found.span)
        elif found.value == prefix.network_address and view.version == 6:
            hint = f"{found.value} stands for any router of {prefix} (RFC 4291). Expected any other address in it."
            yield Problem(f"{found.subject} is the address of all routers", hint, found.span)
        elif prefix.num_addresses > 2 and view.version == 4 and found.value in (prefix[0], prefix[-1]):
            which = "network" if found.value == prefix[0] else "broadcast"
            hint = f"{found.value} stands for all of {prefix} (line {line}). Expected any other address in it."
            yield Problem(f"{found.subject} is the {which} address of {view.the_prefix}", hint, found.span)


def check_against_pools(view: NetworkView) -> Iterator[Problem]:
    pools = Blocks.of_pools(view.members)
    for member in view.members:
        if not member.address:
            continue
        owners = [owner for owner in pools.owners_of(member.address.value) if owner is not member]
        if owners and (pool := owners[0].pool):
            hint = (
                f"{owners[0].shown} gives {pool.value} (line {pool.line}) to its containers, and one of them would get "
                f"{member.address.value}."
            )
            yield Problem(f"{member.address.subject} lies in the {pool.subject}", hint, member.address.span)
