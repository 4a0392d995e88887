"""The mesh file that a lab leaves, ready for `dockmesh apply`."""

from dataclasses import replace
from ipaddress import IPv4Network

from dockmesh.lab.model import Lab
from dockmesh.meshfile.write import write_mesh
from dockmesh.model.encryption import Encryption, HostEndpoint
from dockmesh.model.mesh import Datapath, Fabric, Host, Mesh, TunnelDevices
from dockmesh.model.network import DOCKER_BRIDGE, Allocation, Network
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.address import assign


def mesh_file_text(lab: Lab, prefix: IPv4Network) -> str:
    slots = assign(prefix, len(lab.hosts)).slots
    hosts = tuple(
        Host(
            host.name,
            underlay=lab.underlay_of(host),
            allocations=(Allocation(DOCKER_BRIDGE, slot.address, slot.pool),),
            underlay_mtu=host.mtu,
            endpoint=HostEndpoint() if host.nat else None,
        )
        for host, slot in zip(lab.hosts, slots, strict=True)
    )
    fabric = Fabric(datapath=lab.datapath)
    if lab.datapath is Datapath.NETDEV and not lab.in_bridge:
        fabric = replace(fabric, tunnel=Tunnel.VXLAN, tunnel_devices=TunnelDevices.KERNEL)
    if any(host.nat for host in lab.hosts):
        fabric = replace(fabric, encryption=Encryption())
    return write_mesh(Mesh(lab.name, fabric, (Network(DOCKER_BRIDGE, prefix),), hosts))
