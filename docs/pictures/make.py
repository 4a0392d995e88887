"""Make the pictures of this folder: run dockmesh in a lab, in a terminal of our own, and draw what the terminal shows.

    .venv/bin/python docs/pictures/make.py            as root; a lab of three bare hosts, about a minute

Nothing in the pictures is written by hand. `--text DIR` also leaves each picture's text there.
"""

import argparse
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

FOLDER = Path(__file__).parent
COLUMNS, LINES = 100, 60
PROMPT = "\x1b[1;32m$\x1b[0m "
# rich would have every viewer fetch a font from a server; any monospace font will do.
REMOTE_FONT = re.compile(r"\n *@font-face \{.*?\n *\}", re.DOTALL)
# ESC [ parameters letter: the only kind of sequence that rich and typer send.
SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")


class Screen:
    """As much of a terminal as a progress display needs: carriage return, cursor up, erase line, and colours."""

    def __init__(self) -> None:
        self.lines: list[list[str]] = [[]]  # cells, each a character with the colours that it was written in
        self.row = self.column = 0
        self._style = ""

    def feed(self, text: str) -> None:
        place = 0
        while place < len(text):
            if found := SEQUENCE.match(text, place):
                self._sequence(found[1], found[2])
                place = found.end()
            else:
                self._character(text[place])
                place += 1

    def _character(self, character: str) -> None:
        match character:
            case "\r":
                self.column = 0
            case "\n":
                self.row += 1
                self.column = 0
                while len(self.lines) <= self.row:
                    self.lines.append([])
            case _ if character >= " ":
                line = self.lines[self.row]
                line += [" "] * (self.column + 1 - len(line))
                line[self.column] = f"{self._style}{character}\x1b[0m" if self._style else character
                self.column += 1

    def _sequence(self, parameters: str, letter: str) -> None:
        match letter:
            case "m":
                self._style = "" if parameters in ("", "0") else f"{self._style}\x1b[{parameters}m"
            case "A":
                self.row = max(0, self.row - int(parameters or 1))
            case "K":
                line = self.lines[self.row]
                self.lines[self.row] = [] if parameters == "2" else line[: self.column]

    def text(self) -> str:
        return "\n".join("".join(line).rstrip() for line in self.lines).strip("\n")


def watch(argv: Sequence[str], folder: Path, answers: dict[str, str] | None = None) -> str:
    """Run a command in a terminal, say `answers` to its questions, and return what the screen shows at the end."""
    screen, left = Screen(), dict(answers or {})
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        os.execvpe(argv[0], list(argv), environment)  # noqa: S606 — a list, and no shell is wanted
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    heard = b""
    while chunk := _read(terminal):
        heard += chunk
        for question in [question for question in left if question.encode() in heard]:
            os.write(terminal, f"{left.pop(question)}\n".encode())
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    screen.feed(heard.decode())
    if status:
        sys.exit(f"{' '.join(argv)} failed:\n{screen.text()}")
    return screen.text()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the last writer is gone
        return b""


def draw(session: Sequence[tuple[str, str]], target: Path, title: str, text_folder: Path | None) -> None:
    """Commands and what they showed, as SVG."""
    shown = "\n\n".join(f"{PROMPT}{command}\n{output}" for command, output in session)
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere)
        console.print(Text.from_ansi(shown))
        plain = console.export_text(clear=False, styles=False)
        # A fixed id, so that the same screen gives the same file.
        svg = REMOTE_FONT.sub("", console.export_svg(title=title, unique_id=target.stem))
    target.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")
    if text_folder:
        text_folder.mkdir(parents=True, exist_ok=True)
        (text_folder / f"{target.stem}.txt").write_text(plain)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the pictures in docs/pictures (as root).")
    parser.add_argument("--text", type=Path, metavar="DIR", help="also leave each picture's text here")
    text_folder = parser.parse_args().text
    dockmesh = (sys.executable, "-m", "dockmesh")
    with tempfile.TemporaryDirectory(prefix="dockmesh-pictures-") as name:
        folder = Path(name)
        lab = folder / "lab"
        subprocess.run((*dockmesh, "lab", "up", "--name", "pictures", "--dir", str(lab)), check=True)
        try:
            # So that the commands are those for real servers: there, too, ssh_config says how to log in.
            (folder / ".ssh").mkdir(mode=0o700)
            (folder / ".ssh/config").symlink_to(lab / "ssh_config")
            hosts = ("host1", "host2", "host3")
            init = watch((*dockmesh, "init", *hosts), folder)
            plan = watch((*dockmesh, "plan"), folder)
            applied = watch((*dockmesh, "apply"), folder, {"Make these changes?": "y"})
            again = watch((*dockmesh, "apply"), folder)
            words = f"dockmesh init {' '.join(hosts)}"
            draw([(words, init), ("dockmesh plan", plan)], FOLDER / "plan.svg", "one file", text_folder)
            draw(
                [("dockmesh apply", applied), ("dockmesh apply", again)],
                FOLDER / "apply.svg",
                "one command",
                text_folder,
            )
        finally:
            subprocess.run((*dockmesh, "lab", "down", "--name", "pictures", "--dir", str(lab)), check=True)


if __name__ == "__main__":
    main()
