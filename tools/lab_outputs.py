"""What hosts say, in the pages that show it: the blocks behind `<!-- output of hosts … -->`, made by `make docs-lab`.

    .venv/bin/python tools/lab_outputs.py [tutorial] [pages]     as root; two labs of three hosts, some minutes each

The tutorial is run as it stands: each indented line is typed, but for the block behind `<!-- not run -->`; lines of
`<!-- run … -->` are typed and not shown; a block behind `<!-- output of hosts `the commands above` -->` gets what came
out of the typed lines before it, or of another command that stands in its mark. All other pages get what the
table `SHOWN` says, made in a lab of its own with the mesh that `dockmesh init` writes.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from dockmesh.lab.model import subnet_of
from tools.outputs import MARK, ROOT, filled, of_hosts

TUTORIAL = ROOT / "docs/tutorial.md"
ABOVE = "the commands above"
HOME = "/home/me"  # as which the folder of a run is shown
NET = "10.77.240."  # as which the lab's own is shown, and typed: each lab has another
# What a page has that means something to a run of it, in the order in which it stands there.
TOKEN = re.compile(
    rf"(?P<mark>{MARK.pattern})|^<!-- run `(?P<run>[^\n]+)` -->$|^<!-- not run -->\n+(?P<skip>(?:    [^\n]*\n|\n)+)"
    r"|^```\w*\n(?P<fence>.*?)^```$|^(?P<typed>(?:    [^\n]*\n)(?:(?:    [^\n]*)?\n)*)",
    re.MULTILINE | re.DOTALL,
)
# As on a machine whose ~/.ssh/config leads to the hosts, and where somebody says yes to what is asked.
PRELUDE = """\
ssh() { command ssh -F "$LAB/ssh_config" -o LogLevel=ERROR "$@"; }
dockmesh() {
  case "$1" in
    lab) command dockmesh "$@" ;;
    apply) command dockmesh apply --yes "${@:2}" ;;
    *) command dockmesh "$@" ;;
  esac
}
settled() {
  for _ in $(seq 60); do command dockmesh status >/dev/null 2>&1 && return; sleep 1; done
  echo "it does not settle" >&2
}
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A scene: what is done beforehand, the command whose output is shown, and what puts all back."""

    name: str
    command: str
    before: str = ""
    after: str = ""


BUSYBOX = (
    "DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet busybox-static >/dev/null && "
    "tar -C /usr -c bin/busybox | docker import - busybox >/dev/null"
)
START = "docker run --detach --stop-signal KILL"
# In this order, in one lab.
SHOWN = (
    Shown(
        "a filtered tunnel",
        "dockmesh preflight",
        before='dockmesh lab cut --dir "$LAB" host1 host2 --protocol gre; '
        "ssh host3 ip route add 172.17.5.0/24 dev eth0",
        after='dockmesh lab heal --dir "$LAB"; ssh host3 ip route del 172.17.5.0/24 dev eth0; dockmesh apply',
    ),
    Shown(
        "containers",
        "dockmesh ps --all",
        before=f"for host in host1 host2 host3; do ssh $host '{BUSYBOX}'; done\n"
        f"ssh host1 {START} --name web --publish 8080:80 busybox /bin/busybox sleep 100000\n"
        f"ssh host1 {START} --name api busybox /bin/busybox sleep 100000\n"
        f"ssh host2 {START} --name web --publish 127.0.0.1:5353:53/udp busybox /bin/busybox sleep 100000\n"
        f"ssh host3 {START} --name job busybox /bin/busybox false; sleep 125",
    ),
    Shown("a name of two containers", "dockmesh exec web true"),
    Shown("a measurement", "dockmesh measure --yes"),
    Shown(
        "drift",
        "dockmesh diff",
        before="ssh host1 'ovs-vsctl del-port br0 gre2; ip link set dev docker0 mtu 1500'\n"
        "ssh host2 'sed -i s/1462/1500/ /etc/docker/daemon.json; systemctl disable --quiet dockmesh.service'\n"
        "sed -i 's/multiplier: 3/multiplier: 5/' dockmesh.yaml",
        after="sed -i 's/multiplier: 5/multiplier: 3/' dockmesh.yaml; dockmesh apply; settled",
    ),
    Shown(
        "two faults",
        "dockmesh verify",
        before="ssh host2 ovs-vsctl del-port br0 gre2; ssh host3 ip link set dev docker0 mtu 1500",
        after="dockmesh apply; settled",
    ),
    Shown(
        "a cut link",
        "dockmesh status",
        before='dockmesh lab cut --dir "$LAB" host1 host3; ssh host2 ip link set dev docker0 mtu 1500; sleep 2',
        after='dockmesh lab heal --dir "$LAB"; dockmesh apply; settled',
    ),
    Shown("a drill", 'dockmesh drill run --dir "$LAB" -f dockmesh.yaml cut:host1,host2', after="settled"),
    Shown(
        "somebody let in",
        "dockmesh access create ann",
        before="echo 'docker_api: {listen: mesh}' >> dockmesh.yaml; dockmesh apply",
    ),
    Shown(
        "an API that is shut",
        "dockmesh status",
        before="ssh host3 'rm /etc/dockmesh/api-revoked.pem; systemctl restart dockmesh-api.service'; sleep 2",
        after="dockmesh apply; settled",
    ),
    Shown(
        "a pool that another host has",
        "dockmesh apply --host host1",
        before="cp dockmesh.yaml kept.yaml\n"
        "sed -i -e '/host1:/s/172.17.64.0/172.17.200.0/; /host2:/s/172.17.128.0/172.17.64.0/; "
        "/host1:/s/172.17.200.0/172.17.128.0/' dockmesh.yaml",
        after="mv kept.yaml dockmesh.yaml",
    ),
    Shown(
        "another host key",
        # Without what ssh itself says: no text of ours.
        "dockmesh diff --host host3 2>&1 | sed '/^   answered/,/^   do/ { /^   do/ !d }'",
        before='cp "$LAB/known_hosts" kept\n'
        'ssh-keygen -q -t ed25519 -N "" -f new; key=$(cut -d" " -f1,2 new.pub)\n'
        'sed -i "/host3/s|ssh-ed25519 [^ ]*|$key|" "$LAB/known_hosts"',
        after='mv kept "$LAB/known_hosts"',
    ),
)


def net_of(lab: Path) -> str:
    """The first three numbers of the addresses of the lab in that folder, which need not be there yet."""
    return str(subnet_of(lab).network_address).removesuffix("0")


@contextmanager
def home_with(lab: str) -> Iterator[Path]:
    """A folder whose lab, below it, has addresses as long as those that are shown: tables stay straight."""
    while True:
        with tempfile.TemporaryDirectory(prefix="dockmesh-docs-") as name:
            if len(net_of(Path(name) / lab)) == len(NET):
                yield Path(name)
                return


class Typing(Protocol):
    def run(self, commands: str) -> str:
        """What they print."""
        ...


class Shell:
    """One bash for all commands of a page, as a person has it; both streams together."""

    def __init__(self, folder: Path, lab: Path) -> None:
        program = folder / "bin/dockmesh"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m dockmesh "$@"\n')
        program.chmod(0o755)
        # dockmesh reads this in place of the configuration of whoever runs us.
        (folder / ".ssh").mkdir(mode=0o700)
        (folder / ".ssh/config").symlink_to(lab / "ssh_config")
        environment = {"HOME": str(folder), "PATH": f"{program.parent}:{os.environ['PATH']}", "LANG": "C.UTF-8"}
        self._folder, self._net = str(folder), net_of(lab)
        self._bash = subprocess.Popen(
            ("bash", "--norc"),
            cwd=folder,
            env=environment | {"LAB": str(lab)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        self.run(PRELUDE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bash.communicate()

    def run(self, commands: str) -> str:
        """What they print, once all have ended, with the home and the addresses of the pages."""
        end = "the end of these commands"
        commands = commands.replace(NET, self._net)
        if self._bash.stdin is None or self._bash.stdout is None:
            raise ValueError("bash was started without pipes")
        sys.stderr.write("".join(f"$ {line}\n" for line in commands.splitlines() if commands != PRELUDE))
        # Its own standard input is the list of commands: no program of theirs may read it.
        self._bash.stdin.write(f"{{ {commands.strip()}\n}} </dev/null\necho '{end}'\n")
        self._bash.stdin.flush()
        lines: list[str] = []
        while (line := self._bash.stdout.readline()) and line.strip() != end:
            lines.append(line)
        return "".join(lines).replace(self._folder, HOME).replace(self._net, NET)


def run_page(page: str, shell: Typing) -> str:
    """The page with what its commands say, typed one after another."""
    parts, at, above = [], 0, ""
    for token in TOKEN.finditer(page):
        if token["typed"]:
            commands = "".join(line.removeprefix("    ") for line in token["typed"].splitlines(keepends=True))
            above = shell.run(commands)
        elif token["run"]:
            shell.run(token["run"])
        elif token["mark"] and token["of"]:
            text = above if token["name"] == ABOVE else shell.run(token["name"])
            parts += [page[at : token.start()], filled(token, text)]
            at = token.end()
    return "".join([*parts, page[at:]])


def with_scenes(page: str, texts: Mapping[str, str]) -> str:
    return MARK.sub(lambda mark: filled(mark, texts[mark["name"]]) if mark["of"] else mark[0], page)


def play(shell: Shell) -> dict[str, str]:
    """All scenes, by their names."""
    shell.run("dockmesh init --name prod --encryption off host1 host2 host3")
    texts = {}
    for scene in SHOWN:
        for commands in (scene.before, scene.command, scene.after):
            said = shell.run(commands) if commands else ""
            if commands is scene.command:
                texts[scene.name] = said
    return texts


def pages_of_scenes() -> Iterator[Path]:
    """All but the tutorial."""
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        if path != TUTORIAL and any(of_hosts(path.read_text(encoding="utf-8"))):
            yield path


def main(wanted: list[str]) -> None:
    if "tutorial" in wanted:
        with home_with(".dockmesh-lab/lab") as folder, Shell(folder, folder / ".dockmesh-lab/lab") as shell:
            shutil.copytree(ROOT / "examples", folder / "examples")
            try:
                made = run_page(TUTORIAL.read_text(encoding="utf-8"), shell)
            finally:
                shell.run("dockmesh lab down")
        TUTORIAL.write_text(made, encoding="utf-8")
    if "pages" in wanted:
        with home_with("lab") as folder, Shell(folder, folder / "lab") as shell:
            shell.run('dockmesh lab up --prepared --name docs --dir "$LAB"')
            try:
                texts = play(shell)
            finally:
                shell.run('dockmesh lab down --dir "$LAB"')
        pages = {path: with_scenes(path.read_text(encoding="utf-8"), texts) for path in pages_of_scenes()}
        for path, text in pages.items():
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:] or ["tutorial", "pages"])
