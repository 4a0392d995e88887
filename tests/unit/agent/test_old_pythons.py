"""What runs on hosts runs with the Python that they have: no syntax that came later."""

import ast
import re
from pathlib import Path

import pytest

from dockmesh import agent

FOLDER = Path(agent.__path__[0])
# What measures goes to hosts and containers on purpose and not for good, and says that it needs this.
LATER = re.compile(r"Python 3\.9 or later")
NO_PROGRAM = ("texts.py", "__init__.py")
MODULES = sorted(
    path.relative_to(FOLDER) for path in FOLDER.rglob("*.py") if path.name not in ("texts.py", "__init__.py")
)


def version_of(text: str) -> tuple[int, int]:
    return (3, 9) if LATER.search(ast.get_docstring(ast.parse(text)) or "") else (3, 7)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_is_written_in_the_python_that_it_says(module: Path) -> None:
    text = (FOLDER / module).read_text(encoding="utf-8")

    tree = ast.parse(text, feature_version=version_of(text))

    assert tree.body


def test_what_came_later_is_found() -> None:
    with pytest.raises(SyntaxError):
        ast.parse("if (n := 1): pass", feature_version=(3, 7))


def test_what_stays_on_a_host_is_written_for_the_oldest() -> None:
    kept = {
        "runner",
        "back",
        "flow_guard",
        "port_guard",
        "link_keeper",
        "wireguard",
        "keys",
        "names/main",
        "after_dpkg",
    }

    assert {version_of((FOLDER / f"{name}.py").read_text(encoding="utf-8")) for name in kept} == {(3, 7)}
