"""What the program says, in the pages that show it: the blocks behind `<!-- output … -->`, made by `make docs`.

A mark names a command line, which is run in a fresh folder. The mesh file there is the last one that the page shows
before, or else that of the README; nobody is contacted. `from "…"` and `to "…"` leave out what stands before the first
line that begins so, and behind the next one that begins so; with a `$` at its end the line ends there, too. Outputs of
hosts have the mark `<!-- output of hosts … -->` and are made by tools/lab_outputs.py.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = {"PYTHONPATH": str(ROOT / "src")}
MARK = re.compile(
    r"^<!-- output (?P<of>of hosts )?`(?P<name>[^`]+)`"
    r"(?: from \"(?P<since>[^\"]*)\")?(?: to \"(?P<until>[^\"]*)\")? -->\n"
    r"```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
YAML = re.compile(r"^```yaml\n(name: .*?)^```$", re.MULTILINE | re.DOTALL)


def paths() -> Iterator[Path]:
    """Every page that shows what the program says without any host."""
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        if any(not mark["of"] for mark in MARK.finditer(path.read_text(encoding="utf-8"))):
            yield path


def page(text: str) -> str:
    """The page with its blocks recreated; all else is written by hand."""

    def made(mark: re.Match[str]) -> str:
        if mark["of"]:
            return mark[0]
        files = YAML.findall(text[: mark.start()]) or YAML.findall((ROOT / "README.md").read_text(encoding="utf-8"))
        return filled(mark, said(mark["name"], files[-1]))

    return MARK.sub(made, text)


def filled(mark: re.Match[str], text: str) -> str:
    """The block with another text in it, or the part of it that the mark asks for."""
    head, language = mark[0].partition("\n")[0], mark["language"]
    return f"{head}\n```{language}\n{part(text, mark['since'], mark['until'])}```"


def part(text: str, since: str | None, until: str | None) -> str:
    """Lines without spaces at their ends.

    Raises ValueError if what the mark names is not there any more.
    """
    lines = [line.rstrip() for line in text.rstrip("\n").splitlines()]
    if since is not None:
        lines = lines[_place(lines, since) :]
    if until is not None:
        lines = lines[: _place(lines, until) + 1]
    return "".join(f"{line}\n" for line in lines)


def _place(lines: list[str], start: str) -> int:
    for place, line in enumerate(lines):
        if line == start.removesuffix("$") if start.endswith("$") else line.startswith(start):
            return place
    raise ValueError(f"no line begins with {start!r}:\n" + "\n".join(lines))


def said(command: str, file: str) -> str:
    """Both streams of a command line of bash, in a folder with this mesh file."""
    with tempfile.TemporaryDirectory(prefix="dockmesh-docs-") as name:
        folder = Path(name)
        (folder / "dockmesh.yaml").write_text(file, encoding="utf-8")
        program = folder / "bin/dockmesh"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m dockmesh "$@"\n')
        program.chmod(0o755)
        done = subprocess.run(
            ("bash", "-c", command),
            cwd=folder,
            env={"PATH": f"{program.parent}:/usr/bin:/bin", "HOME": name, "LANG": "C.UTF-8"} | SOURCE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        return done.stdout


def of_hosts(text: str) -> Iterator[re.Match[str]]:
    return (mark for mark in MARK.finditer(text) if mark["of"])
