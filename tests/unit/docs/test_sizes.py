"""How long modules and functions may be, which are longer for a reason, and that each class has its own name."""

import ast
from collections import defaultdict
from pathlib import Path

from tests.unit.docs.pages import ROOT, parsed

SOURCE = ROOT / "src/dockmesh"
MODULES = sorted(SOURCE.rglob("*.py"))
MODULE_LINES, FUNCTION_LINES = 300, 60
# By module, or by module and function, why it may be longer.
LONGER = {
    "cli/verbs/lab.py:up": "one parameter an option, with its help",
    "undo/rollback.py:rollback": "one table: the parts of a rollback, in their order",
}
# By name, why classes of several packages have it.
SHARED = {
    "Container": "what Docker, a resolver and a list of containers each know of one",
    "DockerNetwork": "as facts read it, and as preflight reads it of a host without a mesh",
    "Evidence": "what a judge of that package judges",
    "HostEvidence": "what a judge of that package judges, of one host",
    "Network": "of a mesh, and what a resolver on a host is told of one",
    "Order": "what is to be done, of one kind of work each",
    "Origin": "of a difference, and of a host",
    "Place": "in a file, in a network, and in a queue",
    "Progress": "what that package tells of its steps",
    "Record": "of a run, and of DNS",
    "Report": "of an error, and of what preflight found",
    "Run": "a run of dockmesh, and a request to run a command",
    "Screen": "of a drill, and of all others",
    "Step": "of a change, and of a measurement",
    "Owner": "of a block of addresses, and who answers for an address",
    "Asked": "what somebody asked a resolver, and a person a lab",
    "_HostRun": "one host's part of a run",
}


def name_of(module: Path) -> str:
    return str(module.relative_to(SOURCE))


def test_modules_and_functions_are_short() -> None:
    modules = {name_of(module) for module in MODULES if len(module.read_text().splitlines()) > MODULE_LINES}
    functions = {
        f"{name_of(module)}:{node.name}"
        for module in MODULES
        for node in ast.walk(parsed(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES
    }

    assert modules | functions == set(LONGER)


def test_no_two_classes_share_a_name_without_a_reason() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for module in MODULES:
        for node in ast.walk(parsed(module)):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(name_of(module))

    assert {name: places for name, places in found.items() if len(places) > 1 and name not in SHARED} == {}
