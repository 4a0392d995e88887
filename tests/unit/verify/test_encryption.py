"""What is said of a host that does not encrypt, of what guards it, and of a pair without a key."""

from dataclasses import replace

import pytest

from dockmesh.facts.iptables import Fate, Seen
from dockmesh.facts.types import HostFacts
from dockmesh.plan.build import build
from dockmesh.render.wireguard import UNIT
from dockmesh.verify import encryption
from dockmesh.verify.diagnose import diagnose
from dockmesh.verify.encryption import EncryptionState
from dockmesh.verify.evidence import MeshEvidence, ProbedHost
from dockmesh.verify.judge import judge
from dockmesh.verify.tunnel import TunnelState, read_end
from dockmesh.verify.types import Cause, CauseKind, ProbeKind, Verdict
from tests.support.fake_host import applied
from tests.support.meshes import ENCRYPTED, mesh_of
from tests.support.plans import config_of, configs
from tests.unit.status.worlds import alive

PLAN = build(mesh_of(2, fabric=ENCRYPTED))
END = PLAN.hosts[0].tunnels[0]
WELL = {"ActiveState": "active", "StatusText": "encrypting"}


def facts(unit: dict[str, str], state: str = "down") -> HostFacts:
    host = applied(config_of(mesh_of(2, fabric=ENCRYPTED)))
    assert host.ovs is not None
    host.ovs.bridges["br0"].ports[END.port].interface["bfd_status"] = {"state": state, "forwarding": "true"}
    found = host.facts()
    return replace(found, units={**found.units, UNIT: unit})


def active(text: str) -> dict[str, str]:
    return {"ActiveState": "active", "StatusText": text}


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ({}, EncryptionState("inactive")),
        ({"ActiveState": "failed", "StatusText": "encrypting"}, EncryptionState("failed")),
        (WELL, EncryptionState("active", works=True)),
        (active(""), EncryptionState("active", works=False, why="its unit has not said so yet")),
        (active("not encrypting: wg: no; such key"), EncryptionState("active", works=False, why="wg: no; such key")),
        (
            active("encrypting; no key with: host2, host3"),
            EncryptionState("active", works=True, without_key=("host2", "host3")),
        ),
        (active("encrypting; trouble: nft: gone; why"), EncryptionState("active", works=True, why="nft: gone; why")),
        (
            active("encrypting; no key with: host2; trouble: a\nb"),
            EncryptionState("active", works=True, why="a\nb", without_key=("host2",)),
        ),
        # A text of somebody else is nothing to rely on.
        (active("encrypting, or so"), EncryptionState("active", works=False, why="encrypting, or so")),
    ],
)
def test_the_unit_s_own_words_are_read(unit: dict[str, str], expected: EncryptionState) -> None:
    assert encryption.read(facts(unit)) == expected


@pytest.mark.parametrize(
    ("unit", "why"),
    [
        (
            {"ActiveState": "inactive"},
            "nothing keeps its encryption: dockmesh-wireguard.service is inactive",
        ),
        (
            active("not encrypting: wg syncconf: Address already in use"),
            "the host does not encrypt: wg syncconf: Address already in use",
        ),
    ],
)
def test_a_tunnel_that_is_down_names_the_host_that_does_not_encrypt(unit: dict[str, str], why: str) -> None:
    end = read_end(PLAN, facts(unit), END)

    assert (end.state, end.wrong) == (TunnelState.BROKEN, why)
    assert "journalctl --unit=dockmesh-wireguard.service` on host1" in end.do


def test_a_pair_without_a_key_has_a_tunnel_that_says_so_and_no_other_has() -> None:
    end = read_end(PLAN, facts(active("encrypting; no key with: host2")), END)
    other = read_end(PLAN, facts(active("encrypting; no key with: host22")), END)

    assert (end.state, end.wrong) == (TunnelState.BROKEN, "no preshared key with host2")
    assert "`dockmesh apply`" in end.do
    assert other.state is TunnelState.DOWN


def test_one_that_does_is_left_alone_and_so_is_a_tunnel_that_is_up() -> None:
    assert read_end(PLAN, facts(WELL), END).state is TunnelState.DOWN
    assert read_end(PLAN, facts({}, state="up"), END).state is TunnelState.UP


MESH = mesh_of(3, fabric=ENCRYPTED)


def verified(unit: dict[str, str]) -> tuple[dict[str, tuple[Verdict, str]], list[Cause]]:
    """Of a mesh that is well but for host2's unit: the probes of encryption, and the causes of it."""
    plan, known = build(MESH), {}
    for name, config in configs(MESH).items():
        found = alive(plan, applied(config).facts(config.flows))
        found = replace(found, units={**found.units, UNIT: unit if name == "host2" else WELL})
        known[name] = ProbedHost(found, Seen(Fate.PASSES))
    evidence = MeshEvidence(known, {})
    probes, causes = diagnose(plan, evidence, judge(plan, evidence))
    of_it = {each.source: (each.verdict, each.measured) for each in probes if each.kind is ProbeKind.ENCRYPTION}
    return of_it, [each for each in causes if each.fault is CauseKind.ENCRYPTION]


def test_verify_has_a_probe_of_it_on_each_host() -> None:
    probes, causes = verified(WELL)

    assert probes["host1"] == (Verdict.PASS, "with host2, host3")
    assert {verdict for verdict, _ in probes.values()} == {Verdict.PASS}
    assert len(probes) == 3
    assert causes == []


@pytest.mark.parametrize(
    ("unit", "measured", "keeps_pairs"),
    [
        ({}, "nothing keeps its encryption: dockmesh-wireguard.service is inactive", True),
        (active("not encrypting: wg: no"), "the host does not encrypt: wg: no", True),
        (active("encrypting; trouble: no nft"), "its encryption works, but not all that guards it: no nft", False),
        (active("encrypting; no key with: host1"), "no preshared key with host1", False),
    ],
)
def test_verify_names_the_host_the_reason_and_what_to_do(
    unit: dict[str, str], measured: str, keeps_pairs: bool
) -> None:
    probes, causes = verified(unit)

    assert probes["host2"] == (Verdict.FAIL, measured)
    assert [(each.hosts, each.seen) for each in causes] == [(("host2",), measured)]
    assert "`dockmesh apply`" in causes[0].do
    assert (ProbeKind.CONTAINER_PING in causes[0].explains) is keeps_pairs


def test_a_mesh_in_clear_has_no_such_probe() -> None:
    plan = build(mesh_of(2))

    assert not [each for each in judge(plan, MeshEvidence({}, {})) if each.kind is ProbeKind.ENCRYPTION]
