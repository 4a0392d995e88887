"""`dockmesh schema`."""


def schema() -> None:
    """Print the JSON Schema of dockmesh.yaml, for editors."""
    from dockmesh.cli.show import print_json
    from dockmesh.meshfile.schema import json_schema

    print_json(json_schema())
