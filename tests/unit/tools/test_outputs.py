"""What the pages show is what the program says; of hosts' outputs as far as that can be known without hosts."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from tests.unit.docs.pages import FENCE, PAGES, ROOT, name_of
from tools.lab_outputs import PRELUDE, SHOWN, TOKEN, TUTORIAL, Shown, pages_of_scenes, run_page
from tools.outputs import MARK, filled, of_hosts, page, part, paths

SOURCE = ROOT / "src/dockmesh"
# Drawings, and a piece of a Compose file: no program prints them.
DRAWN = {
    *("docs/architecture.md", "docs/reference/on-a-host.md", "docs/explanation/forwarding.md"),
    *("docs/howto/compose.md", "docs/explanation/encryption.md"),
}
SHOWS_A_FILE = ("fabric: {tunnel", "hosts:\n", "networks:\n")
# What other programs say, which the tutorial shows as well.
FOREIGN = ("PING ", "[ ID]", "1442 bytes", "    Bridge", "longest gap", "172.17.64.0\n")
# Names, numbers and marks: what is in an output and in no text of the program.
DOCKERS = re.compile(r"\b(Up|Exited) .*?(?=  )")  # how it says since when
DATA = re.compile(r"[^a-z]*|.*\d.*|host|web|gre|br|root|vm|ann|mesh|prod|lab|api|job|store|page|inet|guard|.*[/_.-].*")


# It plans meshes of hundreds of hosts.
LONG = ("docs/howto/choose-a-topology.md",)
READ = [pytest.param(each, marks=[pytest.mark.exhaustive] if name_of(each) in LONG else []) for each in paths()]


@pytest.mark.parametrize("path", READ, ids=name_of)
def test_a_page_shows_what_the_program_says(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert page(text) == text, "run `make docs`"


@pytest.mark.parametrize("path", [each for each in PAGES if name_of(each) not in DRAWN], ids=name_of)
def test_every_output_in_a_page_is_made_by_a_script(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for block in FENCE.finditer(text):
        language, shown = block.groups()
        if not language and not shown.startswith(SHOWS_A_FILE):
            assert text[: block.start()].splitlines()[-1].startswith("<!-- output "), shown


def test_every_scene_is_shown_and_every_shown_scene_is_there() -> None:
    shown = {mark["name"] for path in pages_of_scenes() for mark in of_hosts(path.read_text(encoding="utf-8"))}

    assert shown == {scene.name for scene in SHOWN}


def test_a_part_of_an_output_goes_from_line_to_line() -> None:
    assert part("a\nb1 \nc\nb2\nd\n", "b", "b2") == "b1\nc\nb2\n"
    assert part("aa\na\n", "a$", None) == "a\n"
    with pytest.raises(ValueError, match="no line begins with"):
        part("a\n", "b", None)


def test_a_block_is_filled_and_its_mark_stays() -> None:
    (mark,) = MARK.finditer('<!-- output `x` from "b" -->\n```\nold\n```')

    assert filled(mark, "a\nb\n") == '<!-- output `x` from "b" -->\n```\nb\n```'


class Recorder:
    """In place of a shell: notes what is typed."""

    def __init__(self) -> None:
        self.typed: list[str] = []

    def run(self, commands: str) -> str:
        self.typed.append(commands)
        return f"said {len(self.typed)}\n"


PAGE = """\
# A page

    first
    second

<!-- output of hosts `the commands above` -->
```
old
```

<!-- not run -->

    never

<!-- run `hidden` -->

```json
    no command
```

<!-- output of hosts `another` from "said" -->
```yaml
old
```

<!-- output `dockmesh plan` -->
```
stays
```
"""


def test_a_page_is_typed_as_it_stands() -> None:
    shell = Recorder()

    made = run_page(PAGE, shell)

    assert [commands.strip() for commands in shell.typed] == ["first\nsecond", "hidden", "another"]
    assert made == PAGE.replace("old", "said 1", 1).replace("old", "said 3", 1)


def test_no_command_of_the_tutorial_is_lost_and_none_for_other_servers_is_typed() -> None:
    shell = Recorder()
    text = TUTORIAL.read_text(encoding="utf-8")

    run_page(re.sub(r' (?:from|to) "[^"]*"', "", text), shell)

    typed = "".join(shell.typed)
    assert all(f"dockmesh {verb}" in typed for verb in ("lab up", "init", "apply", "verify", "drill run", "lab down"))
    assert not [word for word in ("HostName", "make setup", ".ssh/config.new") if word in typed]
    assert sum(bool(token["typed"]) for token in TOKEN.finditer(text)) > 20


@pytest.mark.parametrize("scene", SHOWN, ids=lambda scene: scene.name)
def test_bash_can_read_every_scene(scene: Shown) -> None:
    text = f"{PRELUDE}\n{{ {scene.before}\n{scene.command}\n{scene.after}\n}} </dev/null\n"

    assert subprocess.run(("bash", "-n"), input=text, text=True, capture_output=True, check=False).stderr == ""


def test_bash_can_read_what_the_tutorial_types() -> None:
    shell = Recorder()
    run_page(re.sub(r' (?:from|to) "[^"]*"', "", TUTORIAL.read_text(encoding="utf-8")), shell)

    for commands in shell.typed:
        text = f"{{ {commands.strip()}\n}} </dev/null\n"
        assert subprocess.run(("bash", "-n"), input=text, text=True, capture_output=True, check=False).stderr == ""


@cache
def phrases() -> frozenset[str]:
    """Every two neighbours in the texts of the program, and what is a text by itself."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words = plain(node.value)
                found |= {" ".join(pair) for pair in pairwise(words)} | ({*words} if len(words) == 1 else set())
    return frozenset(found)


def plain(text: str) -> list[str]:
    return re.findall(r"[^\s`()\[\]{},:;…]+", text)


def unknown_phrases(text: str) -> Iterator[str]:
    """Three words in a row of which the program knows no two neighbours: data among them is not counted."""
    for line in text.splitlines():
        for cell in re.split(r"  +|[,:;()]|\. ", DOCKERS.sub("", line)):
            words = [word.rstrip(".") for word in plain(cell)]
            for three in zip(words, words[1:], words[2:], strict=False):
                data = [word for word in three if DATA.fullmatch(word) or word in phrases()]
                if not data and not phrases() & {" ".join(pair) for pair in pairwise(three)}:
                    yield " ".join(three)


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", [*pages_of_scenes(), TUTORIAL], ids=name_of)
def test_outputs_of_hosts_say_nothing_that_the_program_says_no_more(path: Path) -> None:
    for mark in of_hosts(path.read_text(encoding="utf-8")):
        if not mark["text"].startswith(FOREIGN) and not mark["language"]:
            assert list(unknown_phrases(mark["text"])) == [], f"run `make docs-lab`: {mark['name']}"
