"""Templates, and the files that they make."""

from functools import cache
from shlex import join
from typing import Any

import jinja2

from dockmesh.agent.texts import text_of
from dockmesh.facts.docker import SOCKET
from dockmesh.model.mesh import API_PORT
from dockmesh.model.network import ENCRYPTING_DEVICE
from dockmesh.record.paths import ARMED, DEADLINE, RETURNING, STAY_OUT
from dockmesh.render import names, paths, ports, wireguard
from dockmesh.render.types import File

_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("dockmesh.render"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 — these are no web pages
)
_templates.filters["argv"] = join
# What is the same on every host.
_templates.globals |= {
    "mark": paths.MARK,
    "unit": paths.UNIT,
    "up": paths.UP,
    "deadline_s": paths.BOOT_DEADLINE_S,
    "armed": ARMED,
    "returning": RETURNING,
    "deadline": DEADLINE,
    "stay_out": STAY_OUT,
    "flows_unit": paths.FLOWS_UNIT,
    "flows_file": paths.FLOWS,
    "guard": paths.GUARD,
    "ports_unit": ports.UNIT,
    "attach_program": paths.ATTACH_PROGRAM,
    "program": names.PROGRAM,
    "names_file": names.SETTINGS,
    "names_unit": names.UNIT,
    "api_settings": paths.API_SETTINGS,
    "api_ca": paths.API_CA,
    "api_revoked": paths.API_REVOKED,
    "api_certificate": paths.API_CERTIFICATE,
    "api_key": paths.API_KEY,
    "api_port": API_PORT,
    "api_limit": join(paths.API_LIMIT),
    "socket": SOCKET,
    "wireguard_program": wireguard.PROGRAM,
    "wireguard_settings": wireguard.SETTINGS,
    "wireguard_device": ENCRYPTING_DEVICE,
    "text_of": cache(text_of),
}

Words = dict[str, Any]


def from_template(template: str, path: str, words: Words) -> File:
    return File(path, _templates.get_template(template).render(words))


@cache
def program(path: str, made: str, about: str, main: str, modules: tuple[tuple[str, str], ...]) -> File:
    """A program that is one file on a host, all or nothing, and several modules here.

    `about` is a sentence on it, `main` the module whose function of that name gets the program's arguments, `modules`
    all by name with their texts, packages among them.
    """
    words = {"made": made, "about": about, "main": main, "modules": modules}
    return from_template("program.py.j2", path, words)
