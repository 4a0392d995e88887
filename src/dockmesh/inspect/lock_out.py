"""What would cut off the person who applies it, and is known beforehand."""

from ipaddress import IPv4Address, ip_address

from dockmesh.errors import ConflictError
from dockmesh.plan.types import Plan


def refuse_lock_out(plan: Plan, host: str, reached_from: str | None) -> None:
    """Whatever the prefix of the encryption has in it leads into the mesh, and nowhere else.

    `reached_from`: the address that the SSH connection comes from, as the host sees it.
    Raises ConflictError.
    """
    encryption = plan.fabric.encryption
    if encryption is None or reached_from is None:
        return
    address = ip_address(reached_from)
    if not isinstance(address, IPv4Address):
        # sshd writes an IPv4 client of a socket for both as it is; one that a proxy maps is unwrapped here.
        mapped = address.ipv4_mapped
        if mapped is None:
            return
        address = mapped
    # A host of the mesh reaches the others there.
    if address in encryption.prefix and address not in {each.inside for each in plan.hosts}:
        raise ConflictError(
            f"your connection comes from {address}, and the encryption would take that address away from it: its "
            f"prefix is {encryption.prefix}",
            host=host,
            now="nothing was changed on this host",
            do="set a prefix under `fabric` that no machine of yours is in: `encryption: {kind: wireguard, prefix: …}`",
        )
