"""Who can be measured, in the order of the report."""

from collections.abc import Mapping

from bench.peers.contender import Contender
from bench.peers.contenders.hand import ByHand
from bench.peers.contenders.mesh import Dockmesh
from bench.peers.contenders.nebula import Nebula
from bench.peers.contenders.ovn import Ovn
from bench.peers.contenders.swarm import Swarm
from bench.peers.contenders.tinc import Tinc
from bench.peers.contenders.underlay import Underlay
from dockmesh.model.mesh import Forwarding

CONTENDERS: Mapping[str, Contender] = {
    "underlay": Underlay(),
    "dockmesh-direct": Dockmesh(Forwarding.DIRECT),
    "dockmesh-rstp": Dockmesh(Forwarding.RSTP),
    "by-hand": ByHand(),
    "swarm": Swarm(),
    "tinc": Tinc(),
    "nebula": Nebula(),
    "ovn": Ovn(),
}
