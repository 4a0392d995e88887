"""The default settings on the distribution's own kernel, in small: two virtual machines. tests/lab_vm has the rest."""

from collections.abc import Iterator

import pytest

from dockmesh.lab.model import HostKind
from tests.lab.conftest import labs, skip_without
from tests.lab.mesh import PATIENT_BFD, Mesh, assert_all_pass

TUNNEL_TYPES = "ovs-vsctl --bare --columns=type find interface bfd:enable=true"


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    skip_without(HostKind.VM)
    with labs(tmp_path_factory, HostKind.VM) as make:
        mesh = make("--prepared", hosts=2)
        mesh.edit(*PATIENT_BFD)
        yield mesh


@pytest.fixture(scope="module")
def applied(mesh: Mesh) -> Mesh:
    done = mesh.dockmesh("apply", "--yes", "--json", "--confirm-timeout", "600")

    proof = done.json()["verify"]
    assert_all_pass(proof)
    assert done.code == 0, done.err
    assert {probe["kind"] for probe in proof["probes"]} >= {"container-ping", "container-size", "name", "broadcast"}
    mesh.on_all(lambda host: mesh.start_container(host, "web", "--restart always"))
    return mesh


def test_apply_and_verify_prove_it_and_containers_ping_each_other_by_the_kernel(applied: Mesh) -> None:
    """Each of ten pings arrives, both ways. It is the kernel's datapath and Open vSwitch's GRE that carry them."""
    applied.assert_proven()

    for host, other in (("host1", "host2"), ("host2", "host1")):
        target = applied.container_address(other)
        said = applied.on(host, f"docker exec web /bin/busybox ping -c 10 -W 5 {target}")
        assert "10 packets received" in said
        assert applied.on(host, "ovs-appctl dpctl/show").startswith("system@ovs-system")
        assert applied.on(host, TUNNEL_TYPES) == "gre"
        assert "gre_sys" in applied.on(host, "ovs-appctl dpctl/show")
    assert "datapath: system" in applied.file.read_text()


def test_second_apply_touches_nothing(applied: Mesh) -> None:
    assert not applied.apply()["changed"]


def test_a_host_comes_back_from_a_reboot_by_itself(applied: Mesh) -> None:
    applied.lab("reboot", "host2")

    applied.wait_for_containers()
