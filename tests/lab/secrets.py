"""Where secrets are found: in command lines, environments, files, logs and outputs, of hosts and of the operator.

Programs and secrets go to a host by standard input: a command line that has a secret would be what is looked for.
"""

import base64
import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shlex import join

from dockmesh.transport.script import PYTHON
from tests.lab.mesh import Done, Mesh

FOLDERS = ("/etc", "/root", "/run", "/tmp", "/var/lib/dockmesh", "/var/log", "/var/tmp")
COMMANDS = (
    ("journalctl", "--no-pager", "--output=cat"),
    ("ovsdb-client", "dump"),
    ("docker", "info"),
    ("systemctl", "show", "*"),
    ("nft", "list", "ruleset"),
)
SEARCH = r"""
import json, os, stat, subprocess, sys

order = json.loads(sys.stdin.read())
secrets = {name: text.encode() for name, text in order["secrets"].items()}
found, files = [], 0

def look(place, content):
    found.extend([name, place] for name, secret in secrets.items() if secret in content)

for folder in order["folders"]:
    for path, _, names in os.walk(folder):
        for name in names:
            file = os.path.join(path, name)
            try:
                # What stands for a network namespace is no file that anybody can read.
                if not stat.S_ISREG(os.lstat(file).st_mode) or path.endswith("/netns"):
                    continue
                if file.startswith(tuple(order["belongs"])):
                    continue
                with open(file, "rb") as opened:
                    look(file, opened.read())
                files += 1
            except FileNotFoundError:
                pass  # gone in this moment
for pid in filter(str.isdigit, os.listdir("/proc")):
    for name in ("cmdline", "environ"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as opened:
                look(name, opened.read())
        except OSError:
            pass  # ended in this moment
for command in order["commands"]:
    look(command[0], subprocess.run(command, capture_output=True, check=True).stdout)
print(json.dumps({"found": found, "files": files}))
"""
WATCH = r"""
import json, os, select, sys

seen = set()
print("watching", flush=True)
while not select.select([sys.stdin], [], [], 0.002)[0]:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("cmdline", "environ"):
            try:
                with open(f"/proc/{pid}/{name}", "rb") as opened:
                    seen.add(opened.read())
            except OSError:
                pass  # ended in this moment
print(json.dumps([each.decode("latin-1") for each in seen]))
"""


def forms(secrets: Mapping[str, str]) -> dict[str, str]:
    """Keys of WireGuard, in base64, and in hexadecimal as the kernel's and wireguard-go's interfaces have them."""
    return {**secrets, **{f"{name} in hex": base64.b64decode(key).hex() for name, key in secrets.items()}}


def _start(mesh: Mesh, host: str, program: str) -> "subprocess.Popen[str]":
    argv = ("ssh", "-F", str(mesh.own_ssh_config), "-l", "root", host, join(PYTHON))
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(f"{json.dumps(program)}\n")
    process.stdin.flush()
    return process


def search(mesh: Mesh, host: str, secrets: Mapping[str, str], belongs: Collection[str]) -> set[tuple[str, str]]:
    """Name of each secret that is on the host, and the place; but for paths that begin with one of `belongs`.

    A command that fails fails the search.
    """
    order = {"secrets": secrets, "belongs": list(belongs), "folders": FOLDERS, "commands": COMMANDS}
    out, err = _start(mesh, host, SEARCH).communicate(json.dumps(order), timeout=120)
    assert out, err
    said = json.loads(out)
    assert said["files"] > 100, "hardly a file was read"
    return {(name, place) for name, place in said["found"]}


@dataclass
class Watched:
    """What was seen while something ran."""

    command_lines: dict[str, str] = field(default_factory=dict)  # with environments, by host
    files: dict[str, set[str]] = field(default_factory=dict)  # of the operator's temporary folder, by name
    left: list[str] = field(default_factory=list)  # there, at the end
    environment: dict[str, str] = field(default_factory=dict)  # for commands of the operator's

    def found(self, secrets: Mapping[str, str]) -> set[tuple[str, str]]:
        texts = {**self.command_lines, **{name: "\n".join(seen) for name, seen in self.files.items()}}
        return {(name, place) for name, secret in secrets.items() for place, text in texts.items() if secret in text}


@contextlib.contextmanager
def watched(mesh: Mesh, temporary: Path) -> Iterator[Watched]:
    """Command lines on all hosts, and the operator's TMPDIR, for as long as the block runs."""
    seen = Watched(environment={**os.environ, "TMPDIR": str(temporary)})
    over = threading.Event()
    watching = {host: _start(mesh, host, WATCH) for host in mesh.hosts}
    thread = threading.Thread(target=_watch_files, args=(temporary, seen.files, over))
    thread.start()
    try:
        for process in watching.values():
            assert process.stdout is not None
            assert process.stdout.readline() == "watching\n"
        yield seen
    finally:
        over.set()
        thread.join()
        for host, process in watching.items():
            out, _ = process.communicate(timeout=60)
            seen.command_lines[host] = "\n".join(json.loads(out or "[]"))
    seen.left = [str(path) for path in temporary.rglob("*")]


def _watch_files(folder: Path, seen: dict[str, set[str]], over: threading.Event) -> None:
    while not over.wait(0.002):
        with contextlib.suppress(OSError):  # what is gone in this moment
            for path in folder.rglob("*"):
                if path.is_file():
                    seen.setdefault(path.name, set()).add(path.read_text(errors="replace"))


@contextlib.contextmanager
def planted(mesh: Mesh, host: str, secret: str) -> Iterator[set[str]]:
    """Something that is no secret, at places where the search must find it; these places."""
    file = "/var/lib/dockmesh/planted"
    mesh.on(host, f"echo {secret} > {file}; logger {secret}")
    mesh.on(host, f"systemd-run --quiet --unit=planted sh -c 'sleep 600; :' {secret}")
    try:
        yield {file, "journalctl", "cmdline", "systemctl"}
    finally:
        mesh.on(host, f"systemctl stop planted; rm -f {file}")


def in_outputs(secrets: Mapping[str, str], *done: Done) -> set[str]:
    """Names of the secrets that these commands printed."""
    return {name for each in done for name, secret in secrets.items() if secret in each.out + each.err}
