"""The JSON Schema for editors, and the reference file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from dockmesh.spec.load import load
from dockmesh.spec.schema import json_schema

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference" / "dockmesh.yaml"
CASES = ROOT / "tests" / "cases" / "spec"


def schema_properties() -> Iterator[tuple[str, dict[str, Any]]]:
    schema = json_schema()
    for section in (schema, *schema["$defs"].values()):
        yield from section.get("properties", {}).items()


def errors(text: str) -> list[str]:
    data = YAML(typ="safe", pure=True).load(text)
    return [error.json_path for error in Draft202012Validator(json_schema()).iter_errors(data)]


def test_the_schema_is_a_schema_and_is_json() -> None:
    schema = json_schema()

    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


def test_every_key_has_a_description_for_the_editor() -> None:
    schema = json_schema()

    for name, field in schema_properties():
        section = schema["$defs"][field["$ref"].rpartition("/")[2]] if "$ref" in field else {}
        assert "description" in field or "description" in section, name


def test_the_reference_file_loads_and_fits_the_schema() -> None:
    assert len(load(REFERENCE).hosts) == 4
    assert errors(REFERENCE.read_text()) == []


def test_the_reference_file_has_every_key_of_the_schema() -> None:
    text = REFERENCE.read_text()

    for name, _ in schema_properties():
        assert f"{name}:" in text, name


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
