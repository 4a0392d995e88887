"""Programs of ours as text: modules of this package, and what loads them on a host that has nothing of ours."""

from functools import cache
from importlib.resources import files

PACKAGE = "dockmesh.agent"
# Each after those that it imports.
RUNNER = ("processes", "replace", "files", "services", "offloads", "lock", "commit_confirm", "runner")
PROBE = ("echo", "arp", "lookup", "transfer", "probe")
# These stay on a host, each as one file (render/template.py): the last module's `main` is what runs.
FLOW_GUARD = ("telling", "flow_guard")
PORT_GUARD = ("telling", "netlink", "port_guard")
WIREGUARD = (
    *("telling", "programs", "netlink", "preshared", "learned", "wireguard_settings", "wireguard_locks"),
    *("wireguard_device", "wireguard"),
)
# Of the keys of a host, sent when they are wanted.
KEYS = ("telling", "curve25519", "preshared", "wireguard_settings", "keys")
LOAD = """
import sys, types

for name in ("dockmesh", "dockmesh.agent", *TEXTS):
    module = sys.modules[name] = types.ModuleType(name)
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], last, module)
    exec(compile(TEXTS.get(name, ""), name, "exec"), module.__dict__)
"""


def text_of(name: str) -> str:
    """Of one module."""
    return files(PACKAGE).joinpath(f"{name}.py").read_text(encoding="utf-8")


def module_texts() -> dict[str, str]:
    """The runner's, by module's name."""
    return {name: text_of(name) for name in RUNNER}


def runner_text() -> str:
    """Python 3.7 or later, the standard library only."""
    return _bundle(RUNNER, "module.serve()")


def probe_text() -> str:
    """Python 3.9 or later, the standard library only. Its arguments are those of `probe.main`."""
    return _bundle(PROBE, "module.main(sys.argv[1:])")


def keys_text() -> str:
    """Python 3.7 or later, the standard library only. Its order comes as JSON on standard input."""
    return _bundle(KEYS, "module.main()")


@cache
def modules_of(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Of such a program the modules with their texts, by their full names; first the packages, empty on a host."""
    found = ((f"{PACKAGE}.{name}", text_of(name).rstrip("\n")) for name in names)
    return ((PACKAGE.partition(".")[0], ""), (PACKAGE, ""), *found)


def _bundle(names: tuple[str, ...], call: str) -> str:
    """One text that loads these modules and then runs `call`, for which `module` is the last of them."""
    texts = {f"{PACKAGE}.{name}": text_of(name) for name in names}
    return f"TEXTS = {texts!r}\n{LOAD}{call}\n"
