"""Open vSwitch's database in memory: as much of ovs-vsctl as dockmesh says to it."""

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from dockmesh.facts.ovs import DATABASE

Value = str | dict[str, str]
MAPS = ("other_config", "external_ids", "options", "bfd", "bfd_status", "rstp_status", "status")
NUMBERS = ("tag", "mtu_request", "ofport", "ofport_request")
TRUTHS = ("rstp_enable", "stp_enable")
HEADINGS: list[list[str]] = [each["columns"] for each in DATABASE.operations[1:]]


@dataclass
class Port:
    port: dict[str, Value] = field(default_factory=dict)
    interface: dict[str, Value] = field(default_factory=dict)


@dataclass
class Bridge:
    columns: dict[str, Value] = field(default_factory=dict)
    ports: dict[str, Port] = field(default_factory=dict)

    def record(self, table: str, name: str) -> dict[str, Value]:
        if table == "bridge":
            return self.columns
        return self.ports[name].port if table == "port" else self.ports[name].interface


class FakeOvs:
    def __init__(self) -> None:
        self.bridges: dict[str, Bridge] = {}

    def ports(self) -> set[str]:
        """Of all bridges."""
        return {name for bridge in self.bridges.values() for name in bridge.ports}

    def transact(self, words: tuple[str, ...]) -> str | None:
        """Carry out one command line; what is wrong with it, if anything."""
        clauses: list[list[str]] = []
        for word in words:
            if word == "--":
                clauses.append([])
            elif clauses:
                clauses[-1].append(word)
        for clause in clauses:
            if wrong := self._do([word for word in clause if not word.startswith("--")]):
                return wrong
        return None

    def _do(self, clause: list[str]) -> str | None:
        match clause:
            case ["add-br", name]:
                local = Port(interface={"type": "internal"})
                self.bridges.setdefault(name, Bridge(ports={name: local}))
            case ["del-br", name]:
                self.bridges.pop(name, None)
            case ["add-port", bridge, port]:
                owner = next((name for name, each in self.bridges.items() if port in each.ports), bridge)
                if owner != bridge:
                    return f"ovs-vsctl: port {port} is on bridge {owner}, not {bridge}"
                self.bridges[bridge].ports.setdefault(port, Port())
            case ["del-port", bridge, port]:
                # As with --if-exists: where there is no such port, the bridge is no matter.
                if bridge in self.bridges:
                    self.bridges[bridge].ports.pop(port, None)
            case ["remove", table, name, column, key]:
                owning = next(each for each in self.bridges.values() if name in each.ports)
                values = owning.record(table, name)[column]
                assert isinstance(values, dict)
                values.pop(key, None)
            case ["set", table, name, *assignments]:
                owning = next(each for each in self.bridges.values() if name in each.ports)
                for assignment in assignments:
                    assign(owning.record(table, name), assignment)
            case _:
                return f"ovs-vsctl: unknown command {clause}"
        return None

    def tables(self) -> str:
        """What DATABASE answers."""
        number = count(1)
        rows: dict[str, list[list[Any]]] = defaultdict(list)
        for name, bridge in self.bridges.items():
            port_ids = []
            for port_name, port in bridge.ports.items():
                port_id, interface_id = (["uuid", f"00000000-{next(number):012}"] for _ in range(2))
                port_ids.append(port_id)
                row = _row(HEADINGS[1], port.port, _uuid=port_id, name=port_name, interfaces=interface_id)
                rows["port"].append(row)
                rows["interface"].append(_row(HEADINGS[2], port.interface, _uuid=interface_id, name=port_name))
            rows["bridge"].append(_row(HEADINGS[0], bridge.columns, name=name, ports=["set", port_ids]))
        rows["version"].append(["3.5.0"])
        return json.dumps(
            [
                {"rows": [dict(zip(headings, row, strict=True)) for row in rows[table]]}
                for table, headings in zip(("bridge", "port", "interface", "version"), HEADINGS, strict=True)
            ]
        )


def assign(record: dict[str, Value], assignment: str) -> None:
    column, value = assignment.split("=", 1)
    column, _, key = column.partition(":")
    value = value.strip('"')
    if value == "[]":
        record.pop(column, None)
    elif value.startswith("{"):
        pairs = re.findall(r'"([^"]*)"="([^"]*)"', value)
        record[column] = dict(pairs)
    elif key:
        old = record.get(column)
        record[column] = {**(old if isinstance(old, dict) else {}), key: value}
    else:
        record[column] = value


def _row(headings: list[str], columns: dict[str, Value], **given: Any) -> list[Any]:
    return [given.get(name) or _cell(name, columns.get(name)) for name in headings]


def _cell(column: str, value: Value | None) -> Any:
    if column in MAPS:
        return ["map", [list(pair) for pair in value.items()] if isinstance(value, dict) else []]
    if column in TRUTHS:
        return value == "true"
    if value is None:
        return "" if column in ("type", "datapath_type") else ["set", []]
    return int(str(value)) if column in NUMBERS else value
