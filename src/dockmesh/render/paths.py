"""Where the files of ours stand on a host, and what their units are called."""

from dockmesh.model.mesh import API_PORT
from dockmesh.model.network import DOCKER_BRIDGE
from dockmesh.render import names, ports, wireguard

MARK = "# Managed by dockmesh."
UP = "/etc/dockmesh/up"
UNIT = "dockmesh.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
DOCKER_DROP_IN = "/etc/systemd/system/docker.service.d/dockmesh.conf"
INTERFACES = "/etc/network/interfaces.d/dockmesh"
# The flows, which make the fabric or guard it, and what puts them back.
FLOWS = "/etc/dockmesh/flows"
GUARD = "/etc/dockmesh/flow-guard.py"
FLOWS_UNIT = "dockmesh-flows.service"
FLOWS_UNIT_FILE = f"/etc/systemd/system/{FLOWS_UNIT}"
SWITCH_DROP_IN = "/etc/systemd/system/ovs-vswitchd.service.d/dockmesh.conf"
DATABASE_DROP_IN = "/etc/systemd/system/ovsdb-server.service.d/dockmesh.conf"
# What keeps attached interfaces up.
ATTACH_PROGRAM = "/etc/dockmesh/attach.py"
ATTACH_UNIT = "dockmesh-attach.service"
ATTACH_UNIT_FILE = f"/etc/systemd/system/{ATTACH_UNIT}"
# Docker's API for the mesh; the unit first, so that whoever removes them shuts the port first.
API_UNIT = "dockmesh-api.service"
API_UNIT_FILE = f"/etc/systemd/system/{API_UNIT}"
API_SETTINGS = "/etc/dockmesh/api.conf"
API_CA = "/etc/dockmesh/api-ca.pem"
API_REVOKED = "/etc/dockmesh/api-revoked.pem"
API_CERTIFICATE = "/etc/dockmesh/api-certificate.pem"
API_KEY = "/etc/dockmesh/api-key.pem"
API_PEMS = (API_CA, API_REVOKED, API_CERTIFICATE, API_KEY)
API_FILES = (API_UNIT_FILE, API_SETTINGS, *API_PEMS)
SECRET_MODE = 0o600
# The firewall's words for a connection too many from one address; the same on every host, so that one can be taken away
# by a unit that was recreated meanwhile.
API_LIMIT = (
    *("--in-interface", DOCKER_BRIDGE, "--protocol", "tcp", "--destination-port", str(API_PORT), "--syn"),
    *("--match", "connlimit", "--connlimit-above", "100", "--connlimit-mask", "32"),
    *("--match", "comment", "--comment", API_UNIT),
    *("--jump", "REJECT", "--reject-with", "tcp-reset"),
)
# Every path that a file of ours may have, whatever the renderer.
PATHS = (
    *(UP, UNIT_FILE, DOCKER_DROP_IN, INTERFACES, FLOWS, GUARD, FLOWS_UNIT_FILE, SWITCH_DROP_IN, DATABASE_DROP_IN),
    *API_FILES,
    *(names.PROGRAM, names.SETTINGS, names.UNIT_FILE),
    *ports.FILES,
    *(ATTACH_PROGRAM, ATTACH_UNIT_FILE),
    *wireguard.FILES,
)
UNITS = {
    UNIT_FILE: UNIT,
    FLOWS_UNIT_FILE: FLOWS_UNIT,
    API_UNIT_FILE: API_UNIT,
    names.UNIT_FILE: names.UNIT,
    ports.UNIT_FILE: ports.UNIT,
    ATTACH_UNIT_FILE: ATTACH_UNIT,
    wireguard.UNIT_FILE: wireguard.UNIT,
}
# How long a boot may wait for Open vSwitch before Docker starts without the mesh, in seconds.
BOOT_DEADLINE_S = 30
