"""Rules that hold between values of a mesh file. Each is a function from the draft to the problems it finds."""

from collections.abc import Callable, Iterator

from dockmesh.model import Tunnel
from dockmesh.mtu import VLAN_TAG, overlay_mtu
from dockmesh.spec.draft import Draft
from dockmesh.spec.problems import Problem
from dockmesh.spec.rules.addresses import (
    check_addresses_against_pools,
    check_addresses_in_prefix,
    check_domain,
    check_names_differ,
    check_same_address,
    check_same_ssh,
    check_same_underlay,
    check_ssh_users,
    check_underlay_family,
    check_underlay_range,
)
from dockmesh.spec.rules.attach import check_attached_addresses, check_attached_hosts, check_attached_interfaces
from dockmesh.spec.rules.networks import (
    check_hosts_of_networks,
    check_list,
    check_names,
    check_prefixes_apart,
    check_seats,
    check_vlans,
)
from dockmesh.spec.rules.pools import check_pool_holds_a_container, check_pools_apart, check_pools_in_prefix
from dockmesh.spec.rules.prefix import check_prefix_range, check_prefix_size, check_prefix_underlays
from dockmesh.spec.rules.prefix6 import (
    check_addresses6,
    check_docker0_has_none,
    check_pools6,
    check_prefixes6,
    check_prefixes6_apart,
    check_seats6,
)
from dockmesh.spec.rules.sites import check_sites
from dockmesh.spec.rules.topology import (
    check_degree,
    check_direct,
    check_links,
    check_ring,
    check_star,
    check_tunnel_count,
)

# RFC 791: what every IPv4 network carries; RFC 8200 section 5: what every IPv6 link carries.
IPV4_MIN_MTU, IPV6_MIN_MTU = 576, 1280

Rule = Callable[[Draft], Iterator[Problem]]


def check(draft: Draft) -> list[Problem]:
    """Every problem that every rule finds."""
    of_networks = list(draft.of_each_network())
    return [
        *(problem for rule in RULES for problem in rule(draft)),
        *(problem for rule in RULES_OF_NETWORKS for each in of_networks for problem in rule(each)),
    ]


def check_host_count(draft: Draft) -> Iterator[Problem]:
    if draft.hosts_given == 0:
        yield Problem("there is no host", "A mesh joins two hosts or more.", draft.hosts_span)
    if draft.hosts_given == 1:
        what = f"{draft.hosts[0].shown} is the only host"
        yield Problem(what, "A mesh joins two hosts or more.", draft.hosts[0].name.span)


def check_key(draft: Draft) -> Iterator[Problem]:
    if draft.tunnel is None or draft.key is None or draft.key.value <= draft.tunnel.largest_key:
        return
    most = draft.tunnel.largest_key
    what = f"key is {draft.key.value}, which is too large for {draft.tunnel}"
    hint = f"{draft.tunnel} takes 1 to {most}, a VNI of 24 bits; gre takes up to {Tunnel.GRE.largest_key}."
    yield Problem(what, hint, draft.key.span)


def check_mtu(draft: Draft) -> Iterator[Problem]:
    for host in draft.hosts:
        if host.underlay_mtu is None or draft.tunnel is None:
            continue
        version = host.underlay.value.version if host.underlay else 4
        taken = overlay_mtu(host.underlay_mtu.value, draft.tunnel, version, key=draft.key is not None)
        tag = (("VLAN tag", VLAN_TAG),) if len(draft.networks) > 1 else ()
        parts = (*taken.parts, *tag)
        left = taken.underlay - sum(size for _, size in parts)
        if left >= IPV6_MIN_MTU:
            continue
        sizes = " ".join(f"− {size} ({name})" for name, size in parts)
        what = f"underlay_mtu of {host.shown} leaves {left} bytes for a packet of a container"
        need = (
            f"IPv4 needs {IPV4_MIN_MTU}."
            if left < IPV4_MIN_MTU
            else f"IPv6 needs {IPV6_MIN_MTU}, and every container has a link-local IPv6 address."
        )
        least = host.underlay_mtu.value - left + IPV6_MIN_MTU
        yield Problem(
            what, f"{taken.underlay} {sizes} = {left}. {need} Expected {least} or more.", host.underlay_mtu.span
        )


# Each looks at the prefix of one network, and at what its hosts have there.
RULES_OF_NETWORKS: tuple[Rule, ...] = (
    check_prefix_range,
    check_prefix_size,
    check_same_address,
    check_addresses_in_prefix,
    check_addresses_against_pools,
    check_pools_in_prefix,
    check_pools_apart,
    check_pool_holds_a_container,
    check_attached_addresses,
)
RULES: tuple[Rule, ...] = (
    check_list,
    check_names,
    check_vlans,
    check_prefixes_apart,
    check_hosts_of_networks,
    check_seats,
    check_docker0_has_none,
    check_prefixes6,
    check_prefixes6_apart,
    check_seats6,
    check_addresses6,
    check_pools6,
    check_attached_hosts,
    check_attached_interfaces,
    check_host_count,
    check_prefix_underlays,
    check_names_differ,
    check_domain,
    check_same_underlay,
    check_same_ssh,
    check_ssh_users,
    check_underlay_family,
    check_underlay_range,
    check_ring,
    check_direct,
    check_star,
    check_degree,
    check_sites,
    check_links,
    check_tunnel_count,
    check_key,
    check_mtu,
)
