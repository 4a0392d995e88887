"""`dockmesh plan`."""

from pathlib import Path

from dockmesh.cli.json.plan import plan_json
from dockmesh.cli.screens.plan import show_plan
from dockmesh.cli.show import print_json
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.plan.resilience import resilience


def plan(file: Path, picture: Path | None, *, json: bool) -> None:
    planned = build(load(file))
    found = resilience(planned)
    if json:
        print_json(plan_json(planned, found))
    else:
        show_plan(planned, found)
    if picture is not None:
        from dockmesh.cli.work.picture import write_picture
        from dockmesh.picture.of_plan import picture_of_plan

        write_picture(picture_of_plan(planned), picture)
