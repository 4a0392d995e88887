"""What is said of tunnels where a host does not encrypt."""

from dataclasses import replace

import pytest

from dockmesh.facts.types import HostFacts
from dockmesh.plan.build import build
from dockmesh.render.wireguard import UNIT
from dockmesh.verify.tunnel import TunnelState, read_end
from tests.support.fake_host import applied
from tests.support.meshes import ENCRYPTED, mesh_of
from tests.support.plans import config_of

PLAN = build(mesh_of(2, fabric=ENCRYPTED))
END = PLAN.hosts[0].tunnels[0]


def facts(unit: dict[str, str], state: str = "down") -> HostFacts:
    host = applied(config_of(mesh_of(2, fabric=ENCRYPTED)))
    assert host.ovs is not None
    host.ovs.bridges["br0"].ports[END.port].interface["bfd_status"] = {"state": state, "forwarding": "true"}
    found = host.facts()
    return replace(found, units={**found.units, UNIT: unit})


@pytest.mark.parametrize(
    ("unit", "why"),
    [
        ({"ActiveState": "inactive"}, "the host does not encrypt: dockmesh-wireguard.service does not run"),
        (
            {"ActiveState": "active", "StatusText": "not encrypting: wg syncconf: Address already in use"},
            "the host does not encrypt: wg syncconf: Address already in use",
        ),
    ],
)
def test_a_host_that_does_not_encrypt_is_named_with_the_reason(unit: dict[str, str], why: str) -> None:
    end = read_end(PLAN, facts(unit), END)

    assert (end.state, end.wrong) == (TunnelState.BROKEN, why)
    assert "journalctl --unit=dockmesh-wireguard.service` on host1" in end.do


def test_one_that_does_is_left_alone_and_so_is_a_tunnel_that_is_up() -> None:
    well = {"ActiveState": "active", "StatusText": "encrypting"}

    assert read_end(PLAN, facts(well), END).state is TunnelState.DOWN
    assert read_end(PLAN, facts({}, state="up"), END).state is TunnelState.UP
