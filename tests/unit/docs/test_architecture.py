"""The layers of docs/architecture.md, read out of the imports."""

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.unit.docs.pages import ROOT, parsed

SOURCE = ROOT / "src/dockmesh"
# Each imports from those before it only, never from itself's right.
ORDER = (
    "agent",
    "typed",
    "visible",
    "defects",
    "errors",
    "debian",
    "model",
    "meshfile",
    "plan",
    "transport",
    "pings",
    "facts",
    "record",
    "render",
    "diff",
    "inspect",
    "preflight",
    "packages",
    "undo",
    "apply",
    "verify",
    "history",
    "access",
    "status",
    "picture",
    "containers",
    "context",
    "measure",
    "lab",
    "drill",
    "cli",
)
# No machine is touched and nothing is waited for in these.
PURE = (
    "typed",
    "visible",
    "defects",
    "errors",
    "debian",
    "model",
    "meshfile",
    "plan",
    "facts",
    "record",
    "render",
    "diff",
    "inspect",
)
TOUCHES = {"subprocess", "socket", "asyncio", "selectors", "threading", "multiprocessing", "ssl", "http", "urllib"}
# What of the transport the stages may know: requests and answers as values, and the shape of who carries them.
REQUESTS = "dockmesh.transport.requests"
VALUES = (REQUESTS, "dockmesh.transport.script")  # which makes a request of a module of agent
MODULES = sorted(SOURCE.rglob("*.py"))
# Where it reads a file, and why it may: the mesh file itself, and the packages that it names.
READS_A_FILE = {"meshfile/source.py", "meshfile/load.py", "meshfile/packages.py"}


def name_of(module: Path) -> str:
    return str(module.relative_to(SOURCE))


def part_of(module: Path) -> str:
    """The package, or the module where there is no package."""
    return module.relative_to(SOURCE).parts[0].removesuffix(".py")


@cache
def imports(module: Path) -> tuple[str, ...]:
    found: list[str] = []
    for node in ast.walk(parsed(module)):
        match node:
            case ast.Import(names=names):
                found += (name.name for name in names)
            case ast.ImportFrom(module=str(source), level=0, names=names):
                found += (source, *(f"{source}.{name.name}" for name in names))
            case ast.ImportFrom(module=source) if module.parent.name == "names":
                found.append(f"dockmesh.agent.names.{source or ''}")  # on a host the package is called otherwise
            case ast.ImportFrom():
                pytest.fail(f"{name_of(module)} imports relatively")
    return tuple(found)


def parts_imported(module: Path) -> set[str]:
    found = (name.split(".") for name in imports(module))
    return {words[1] for words in found if words[0] == "dockmesh" and len(words) > 1}


def test_order_names_every_part() -> None:
    assert {part_of(module) for module in MODULES} - {"__init__", "__main__"} == set(ORDER)


def test_imports_go_one_way() -> None:
    for module in MODULES:
        if (part := part_of(module)) in ORDER:
            later = {*ORDER[ORDER.index(part) + 1 :]}
            assert not parts_imported(module) & later, name_of(module)


def test_apply_verify_and_lab_do_not_know_each_other() -> None:
    apart = {"apply", "verify", "lab"}
    for module in MODULES:
        if (part := part_of(module)) in apart:
            assert not parts_imported(module) & (apart - {part}), name_of(module)


def test_pure_stages_touch_no_machine() -> None:
    for module in (each for each in MODULES if part_of(each) in PURE):
        found = set(imports(module))
        carrying = {name for name in found if name.startswith("dockmesh.transport.")}
        assert not {name.split(".")[0] for name in found} & TOUCHES, name_of(module)
        assert not [name for name in carrying if name not in VALUES and name.rpartition(".")[0] not in VALUES], module
        assert "pathlib" not in found or name_of(module) in READS_A_FILE, name_of(module)


def test_agent_is_standard_library_only() -> None:
    for module in (each for each in MODULES if part_of(each) == "agent"):
        others = {name for name in imports(module) if not name.startswith("dockmesh.agent")} - {"dockmesh"}
        allowed = {"dnslib"} if module.parent.name == "names" else set()
        assert {name.split(".")[0] for name in others} <= sys.stdlib_module_names | allowed, name_of(module)


@pytest.mark.parametrize("room", ["screens", "json"])
def test_what_shows_does_no_work_and_work_does_not_know_its_verb(room: str) -> None:
    for module in (SOURCE / "cli" / room).glob("*.py"):
        others = {"dockmesh.cli.work", "dockmesh.cli.verbs", "dockmesh.cli.screens", "dockmesh.cli.json"}
        others.remove(f"dockmesh.cli.{room}")
        assert not [name for name in imports(module) if name.startswith(tuple(others))], name_of(module)


def test_only_cli_prints() -> None:
    for module in MODULES:
        if part_of(module) not in ("cli", "agent"):
            calls = [node for node in ast.walk(parsed(module)) if isinstance(node, ast.Call)]
            assert not [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
            assert not {"rich", "typer"} & {name.split(".")[0] for name in imports(module)}, name_of(module)


# What is done in one place, and who does it beside that, and why.
IMPORTED_IN = {
    "dockmesh.diff.adopt.adopt": {"inspect/host.py"},
    "dockmesh.diff.host.diff": {"inspect/host.py"},
    "dockmesh.render.host.render": {"inspect/host.py", "cli/work/render.py"},  # which contacts no host
}
WRITTEN_IN = {
    "return_exceptions": {"transport/fanout.py", "cli/work/connections.py"},  # which waits for what it has cancelled
    "os.replace(": {"agent/replace.py"},  # which is sent alone
}


@pytest.mark.parametrize("name", IMPORTED_IN)
def test_what_has_one_place_is_called_there(name: str) -> None:
    assert {name_of(module) for module in MODULES if name in imports(module)} == IMPORTED_IN[name]


@pytest.mark.parametrize("words", WRITTEN_IN)
def test_what_has_one_place_is_written_there(words: str) -> None:
    assert {name_of(module) for module in MODULES if words in module.read_text()} == WRITTEN_IN[words]
