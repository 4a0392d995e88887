"""Open vSwitch's database, by its own protocol (RFC 7047 encodes sets and maps as tagged pairs)."""

import json
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from dockmesh.facts.fact import Fact
from dockmesh.facts.types import OvsBridge, OvsInterface
from dockmesh.transport.requests import Answer, Transact

_COLUMNS = {
    "Bridge": "name,ports,datapath_type,rstp_enable,stp_enable,fail_mode,other_config,external_ids,rstp_status,status",
    "Port": "_uuid,name,interfaces,tag,vlan_mode,other_config,rstp_status,status",
    "Interface": "_uuid,name,type,options,bfd,bfd_status,external_ids,error,mtu_request,ofport,ofport_request",
    "Open_vSwitch": "ovs_version",
}
# Where Debian's and most others' packages have it, and Open vSwitch's own build by default.
SOCKETS = ("/run/openvswitch/db.sock", "/usr/local/var/run/openvswitch/db.sock")
DATABASE = Transact(
    SOCKETS,
    (
        "Open_vSwitch",
        *(
            {"op": "select", "table": table, "where": [], "columns": columns.split(",")}
            for table, columns in _COLUMNS.items()
        ),
    ),
)

Row = dict[str, Any]


def read_bridges(answer: str) -> tuple[OvsBridge, ...]:
    """The bridges with their ports, sorted by name; ports by name."""
    bridges, ports, interfaces, _ = _tables(answer)
    port_by_id = {row["_uuid"]: row for row in ports}
    interface_by_id = {row["_uuid"]: row for row in interfaces}
    return tuple(sorted((_bridge(row, port_by_id, interface_by_id) for row in bridges), key=attrgetter("name")))


def read_version(answer: str) -> str | None:
    """Of Open vSwitch; None where it has not said it yet, which it does when it is first started."""
    *_, switches = _tables(answer)
    return next((row["ovs_version"] for row in switches), None)


def _tables(answer: str) -> list[list[Row]]:
    return [
        [{name: _value(cell) for name, cell in row.items()} for row in table["rows"]] for table in json.loads(answer)
    ]


def _value(cell: Any) -> Any:
    """A set of one is that one, an empty set is None, a larger set a tuple, a map a dict, a uuid its text."""
    match cell:
        case ["set", []]:
            return None
        case ["set", [*members]]:
            return tuple(_value(member) for member in members)
        case ["map", [*pairs]]:
            return {str(_value(key)): str(_value(value)) for key, value in pairs}
        case ["uuid" | "named-uuid", text]:
            return text
    return cell


def _many(cell: Any) -> tuple[Any, ...]:
    return cell if isinstance(cell, tuple) else () if cell is None else (cell,)


def _bridge(row: Row, ports: Mapping[str, Row], interfaces: Mapping[str, Row]) -> OvsBridge:
    rstp = bool(row["rstp_enable"])
    members = [
        _interface(ports[port], interfaces[interface], rstp=rstp)
        for port in _many(row["ports"])
        for interface in _many(ports[port]["interfaces"])
    ]
    return OvsBridge(
        name=row["name"],
        datapath_type=row["datapath_type"],
        rstp=rstp,
        stp=bool(row["stp_enable"]),
        fail_mode=row["fail_mode"],
        other_config=row["other_config"],
        external_ids=row["external_ids"],
        tree_status=row["rstp_status"] if rstp else row["status"],
        interfaces=tuple(sorted(members, key=attrgetter("name"))),
    )


def _interface(port: Row, interface: Row, *, rstp: bool) -> OvsInterface:
    return OvsInterface(
        name=interface["name"],
        type=interface["type"],
        options=interface["options"],
        bfd=interface["bfd"],
        bfd_status=interface["bfd_status"],
        external_ids=interface["external_ids"],
        error=interface["error"],
        mtu_request=interface["mtu_request"],
        ofport=interface.get("ofport"),
        ofport_request=interface.get("ofport_request"),
        tag=port["tag"],
        vlan_mode=port["vlan_mode"],
        other_config=port.get("other_config") or {},
        tree_status=port["rstp_status"] if rstp else port["status"],
    )


def _read(database: Answer) -> Mapping[str, object]:
    if not database.ok:
        return {"ovs": None, "switch_version": None}
    return {"ovs": read_bridges(database.out), "switch_version": read_version(database.out)}


FACT = Fact((DATABASE,), _read)
