import subprocess
from dataclasses import replace

from dockmesh.model.mesh import Renderer
from dockmesh.render import ovs
from dockmesh.render.paths import INTERFACES
from dockmesh.render.types import HostConfig
from tests.support.meshes import TREE, mesh_of
from tests.support.plans import config_of

# As Debian's /usr/share/openvswitch/scripts/ifupdown.sh has it (openvswitch-switch 3.5.0).
IFUPDOWN_SH = r"""
eval OVS_EXTRA=\"${IF_OVS_EXTRA}\"
printf '%s\n' ${OVS_EXTRA+-- $OVS_EXTRA}
"""


def config() -> HostConfig:
    return config_of(mesh_of(3, fabric=replace(TREE, renderer=Renderer.IFUPDOWN)))


def extras(interface: str) -> list[str]:
    """The words that ovs-vsctl is given for the ovs_extra of an interface."""
    text = next(file.text for file in config().files if file.path == INTERFACES)
    stanza = text.split(f"iface {interface} ")[1].split("\niface ")[0]
    extra = next(line.split("ovs_extra ")[1] for line in stanza.splitlines() if "ovs_extra" in line)
    shell = subprocess.run(["sh", "-c", IFUPDOWN_SH], env={"IF_OVS_EXTRA": extra}, capture_output=True, check=True)
    return shell.stdout.decode().splitlines()


def test_debians_script_gives_ovs_vsctl_the_settings_of_the_bridge_as_they_are() -> None:
    wanted = [each for each in config().settings if each.record == "br0"]

    assert extras("br0") == list(ovs.set_words(wanted))


def test_debians_script_gives_ovs_vsctl_the_settings_of_a_tunnel_as_they_are() -> None:
    wanted = [each for each in config().settings if each.record == "gre1" and each.column not in ("type", "options")]

    assert extras("gre1") == list(ovs.set_words(wanted))
