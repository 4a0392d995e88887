"""The JSON Schema for editors, and the reference file."""

import ast
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.load import load
from dockmesh.meshfile.schema import json_schema
from dockmesh.meshfile.section import Key, Section

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference" / "dockmesh.yaml"
SPEC = ROOT / "src" / "dockmesh" / "meshfile"
# Of Docker's networks one is called so, of a regular expression a group, and in the reference a kind of value.
OTHER_WORDS = {"host", "key", "interface"}
CASES = ROOT / "tests" / "cases" / "meshfile"


def keys() -> Iterator[tuple[type[Section], Key[Any]]]:
    for section in MeshSection.inside():
        for key in section.keys.values():
            yield section, key


def errors(text: str) -> list[str]:
    data = YAML(typ="safe", pure=True).load(text)
    return [error.json_path for error in Draft202012Validator(json_schema()).iter_errors(data)]


def test_the_schema_is_a_schema_and_is_json() -> None:
    schema = json_schema()

    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


def test_every_key_has_a_sentence_and_every_map_of_keys_too() -> None:
    for section, key in keys():
        assert section.says().endswith("."), section
        assert key.says.endswith("."), key.name


def test_a_key_is_declared_once_and_named_nowhere_else() -> None:
    """Whoever reads, writes or explains a key takes it from its declaration."""
    declared = Counter(name for module in SPEC.glob("keys/*.py") for name in assigned_in_classes(module))
    others = [module for module in SPEC.rglob("*.py") if module.parent.name != "keys"]

    assert declared == Counter((section.__name__, key.name) for section, key in keys())
    assert {text for module in others for text in texts_of(module)} & {key.name for _, key in keys()} <= OTHER_WORDS


def assigned_in_classes(module: Path) -> Iterator[tuple[str, str]]:
    sections = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.ClassDef)]
    for section, part in [(each, part) for each in sections for part in each.body]:
        match part:
            case ast.Assign([ast.Name(name)], ast.Call(ast.Name("Key" | "Inner"))):
                yield section.name, name.rstrip("_")


def texts_of(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_the_reference_file_loads_and_fits_the_schema() -> None:
    assert len(load(REFERENCE).hosts) == 4
    assert errors(REFERENCE.read_text()) == []


def test_the_reference_file_has_every_key_of_the_schema() -> None:
    text = REFERENCE.read_text()

    for _, key in keys():
        assert f"{key.name}:" in text, key.name


@pytest.mark.parametrize(
    "case",
    [
        "bad-addresses",
        "bad-names",
        "bad-networks",
        "empty-values-below",
        "later-keys",
        "links-empty",
        "links-that-are-no-pairs",
        "missing-keys",
        "no-host",
        "no-network",
        "numbers-out-of-range",
        "one-host",
        "other-network",
        "several-networks",
        "sites-empty-one",
        "sites-none",
        "sites-one",
        "sites-that-are-a-list",
        "sites-that-are-no-lists",
        "star-without-a-name",
        "topology-with-two-forms",
        "topology-without-a-form",
        "unknown-choices",
        "unknown-keys",
        "wrong-types",
        "wrong-types-below",
    ],
)
def test_an_editor_marks_what_the_loader_refuses(case: str) -> None:
    assert errors((CASES / f"{case}.yaml").read_text()) != []
