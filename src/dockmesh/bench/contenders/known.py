"""Who can be measured, in the order of the report."""

from collections.abc import Mapping

from dockmesh.bench.contender import Contender
from dockmesh.bench.contenders.hand import ByHand
from dockmesh.bench.contenders.mesh import Dockmesh
from dockmesh.bench.contenders.nebula import Nebula
from dockmesh.bench.contenders.ovn import Ovn
from dockmesh.bench.contenders.swarm import Swarm
from dockmesh.bench.contenders.tinc import Tinc
from dockmesh.bench.contenders.underlay import Underlay
from dockmesh.model import Forwarding

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
