"""The runner as one text: its modules, and what loads them on a host that has nothing of ours."""

from importlib.resources import files

PACKAGE = "dockmesh.agent"
# Each after those that it imports.
MODULES = ("processes", "replace", "files", "services", "lock", "way", "runner")
LOAD = """
import sys, types

for name in ("dockmesh", "dockmesh.agent", *TEXTS):
    module = sys.modules[name] = types.ModuleType(name)
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], last, module)
    exec(compile(TEXTS.get(name, ""), name, "exec"), module.__dict__)
module.serve()
"""


def module_texts() -> dict[str, str]:
    """By module's name."""
    source = files(PACKAGE)
    return {name: source.joinpath(f"{name}.py").read_text(encoding="utf-8") for name in MODULES}


def runner_text() -> str:
    """Python 3.7 or later, the standard library only."""
    texts = {f"{PACKAGE}.{name}": text for name, text in module_texts().items()}
    return f"TEXTS = {texts!r}\n{LOAD}"
