"""JSON Schema of a mesh file, as `dockmesh schema` prints it and editors use it."""

from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.types import Schema


def json_schema() -> Schema:
    """Draft 2020-12."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **MeshSection.schema()}
