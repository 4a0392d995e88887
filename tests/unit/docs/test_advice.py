"""Every advice has its place in the table of advices, and names only commands that there are."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.advice import TABLE, MadeBy, NotMade, made
from tests.unit.docs.pages import ROOT

SOURCE = ROOT / "src/dockmesh"
MODULES = (
    *(path for folder in ("verify", "status", "preflight") for path in sorted((SOURCE / folder).glob("*.py"))),
    SOURCE / "diff/attached_interfaces.py",
)
NAMED = ("Cause", "Finding", "StatusFinding")
# Functions that say what and what to do as a pair; others only have such a pair.
SAYING = "tuple[str, str]"
NOT_SAYING = {"preflight.managers._keys", "preflight.questions.read_managed"}
FINE = "Level.FINE"


def sites(path: Path) -> Iterator[str]:
    """The places that name a cause, by their functions."""
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{path.parent.name}.{path.stem}.{function.name}"
            says = function.returns is not None and SAYING in ast.unparse(function.returns) and name not in NOT_SAYING
            for node in ast.walk(function):
                if _names_a_cause(node) or (says and _is_a_pair(node)):
                    yield name


def _names_a_cause(node: ast.AST) -> bool:
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NAMED
    return called and FINE not in ast.unparse(node)


def _is_a_pair(node: ast.AST) -> bool:
    return isinstance(node, ast.Return | ast.Yield) and isinstance(node.value, ast.Tuple)


def test_every_cause_that_can_be_named_is_in_the_table() -> None:
    """Whoever adds one adds how it is made and how its advice is followed, in its place."""
    found: dict[str, int] = {}
    for path in MODULES:
        for name in sites(path):
            found[name] = found.get(name, 0) + 1

    assert {name: len(entries) for name, entries in TABLE.items()} == found


def test_what_is_not_made_says_why_and_names_tests_that_there_are() -> None:
    for entries in TABLE.values():
        for entry in entries:
            if isinstance(entry, NotMade):
                assert entry.why
                for path in re.findall(r"tests/[\w/]+(?:\.py)?", entry.why):
                    assert (ROOT / path).exists(), path


OTHERS = [(name, entry) for name, entries in TABLE.items() for entry in entries if isinstance(entry, MadeBy)]


@pytest.mark.parametrize(("name", "entry"), OTHERS, ids=[entry.test.rpartition(":")[2] for _, entry in OTHERS])
def test_what_another_test_makes_has_its_advice_checked_there(name: str, entry: MadeBy) -> None:
    """The words are those of the source, and in an assertion of that test."""
    folder, module, function = name.split(".")
    file, _, test = entry.test.partition("::")
    checked = [node for node in ast.walk(function_of(ROOT / file, test)) if isinstance(node, ast.Assert)]
    module_text = (SOURCE / folder / f"{module}.py").read_text()

    assert any(_holds(node, entry.words) for node in checked), f"{entry.test} does not assert {entry.words!r}"
    assert _holds(function_of(SOURCE / folder / f"{module}.py", function), entry.words) or any(
        _holds(node, entry.words) for node in ast.parse(module_text).body if isinstance(node, ast.Assign)
    ), f"{name} does not say {entry.words!r}"


def function_of(path: Path, name: str) -> ast.AST:
    functions = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))
    return next(node for node in functions if node.name == name)


def _holds(node: ast.AST, words: str) -> bool:
    return any(words in (_text(each) or "") for each in ast.walk(node))


def test_each_harm_has_a_name_of_its_own() -> None:
    names = [each.name for entries in TABLE.values() for entry in entries for each in made(entry)]

    assert len(set(names)) == len(names)


def advised() -> list[str]:
    """Every command of ours that a text of dockmesh names, with … for what it fills in."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            text = _text(node)
            if text is not None:
                found |= set(re.findall(r"`(dockmesh [a-z][^`]+)`", text))
    return sorted(found)


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return None


def verbs() -> dict[str, set[str]]:
    """By verb its options, out of the page that is made of the command line itself."""
    page = (ROOT / "docs/reference/commands.md").read_text()
    return {
        name: set(re.findall(r"`(--?[\w-]+)", text))
        for name, text in re.findall(r"^### (dockmesh[^\n]*)\n(.*?)(?=^#{2,3} |\Z)", page, re.MULTILINE | re.DOTALL)
    }


@pytest.mark.parametrize("words", advised())
def test_a_command_that_is_advised_is_there_with_its_options(words: str) -> None:
    known = verbs()
    ours = words.replace("…", " … ").partition(" -- ")[0]
    verb = max((each for each in known if f"{ours} ".startswith(f"{each} ")), key=len)
    rest = [word for word in ours.removeprefix(verb).split() if word != "…"]

    assert verb != "dockmesh" or all(word.startswith("-") for word in rest)
    assert {each for word in rest if word.startswith("-") for each in options(word)} <= known[verb] | {"--help"}


def options(word: str) -> list[str]:
    """`-it` is two."""
    return [word.partition("=")[0]] if word.startswith("--") else [f"-{letter}" for letter in word[1:]]
