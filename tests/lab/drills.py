"""Drills by the real command line, as tests talk of them."""

import json
from typing import Any

from tests.lab.mesh import DOCKMESH, Mesh, run


def drill(mesh: Mesh, *words: str, verb: str = "run") -> Any:
    """Its record; whatever the verdict."""
    done = run(*DOCKMESH, "drill", verb, *words, "--dir", str(mesh.directory), "--json")
    assert done.out.startswith(("{", "[")), done.err
    assert verb != "run" or done.code == (0 if done.json()["verdict"] == "pass" else 1)
    return done.json()


def passing(mesh: Mesh, *words: str) -> Any:
    """Its record, of one that passes."""
    made = drill(mesh, *words)
    assert made["verdict"] == "pass", wrong(made)
    return made


def wrong(made: Any) -> str:
    return json.dumps(
        [
            (fault["fault"], fault["lacks"], fault["noise_ms"], pair["source"], pair["target"], phase["why"])
            for fault in made["faults"]
            for pair in fault["pairs"] or [{"source": "", "target": "", "during": {"why": ""}}]
            for phase in (pair["during"], pair.get("after", {"why": ""}))
            if phase["why"] or fault["lacks"]
        ],
        ensure_ascii=False,
    )


def pair(made: Any, source: str, target: str, fault: int = 0) -> Any:
    pairs = made["faults"][fault]["pairs"]
    return next(each for each in pairs if (each["source"], each["target"]) == (source, target))
