"""The program between a shell and its verbs: streams that fail, what is loaded, what is said of words nobody knows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dockmesh.cli.command import first_paragraph
from dockmesh.cli.program import GROUPS, HINTS, VERBS, build, complete, verb
from dockmesh.meshfile.load import load
from tests.support.meshes import MESH_FILE
from tests.unit.cli.conftest import Dockmesh

# It starts processes: too many for `make check`.
pytestmark = pytest.mark.exhaustive

PROGRAM = f"{sys.executable} -m dockmesh"
FULL = "error: cannot write to standard output: no space left on device"
# With one verb of each kind: texts, JSON, typer's echo, a help, a line of its own.
SAYING: tuple[list[str], ...] = (
    ["plan"],
    ["plan", "--json"],
    ["schema"],
    ["--help"],
    ["--version"],
    ["host", "add", "d=9.9.9.9", "--offline"],
    [],
)
# What is slow to load: the shell and the signatures of verbs do without. Typer itself loads pydantic to read a value.
SLOW = {"rich", "jinja2", "cryptography", "ruamel", "asyncio", "dockmesh.meshfile.load", "dockmesh.plan.build"}
LOADED = (
    "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
    "from dockmesh.cli.main import run; run()"
)


def in_shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line.replace("dockmesh ", f"{PROGRAM} ")],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.exhaustive
@pytest.mark.parametrize("words", SAYING, ids=" ".join)
def test_a_full_disk_is_told_and_no_bug(mesh_file: Path, tmp_path: Path, words: list[str]) -> None:
    done = in_shell(tmp_path, f"dockmesh {' '.join(words)} >/dev/full")

    assert done.returncode == 1
    assert done.stderr.startswith(FULL)
    assert "Traceback" not in done.stderr


def test_a_closed_output_is_told_and_no_file_of_ours_takes_its_place(mesh_file: Path, tmp_path: Path) -> None:
    done = in_shell(tmp_path, "dockmesh host add d=9.9.9.9 --offline >&-")

    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        "error: cannot write to standard output: bad file descriptor",
    )
    assert [host.name for host in load(mesh_file).hosts] == ["host1", "host2", "host3", "d"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("words", ["plan", "schema", "--help"])
def test_who_read_enough_ends_us_as_other_programs(mesh_file: Path, tmp_path: Path, words: str) -> None:
    done = in_shell(tmp_path, f"dockmesh {words} | true; echo ${{PIPESTATUS[0]}}")

    assert (done.stdout, done.stderr) == ("141\n", "")


@pytest.mark.exhaustive
@pytest.mark.parametrize("stream", ["2>&-", "2>/dev/full"])
def test_whoever_wants_to_hear_of_no_error_gets_the_exit_code(mesh_file: Path, tmp_path: Path, stream: str) -> None:
    assert in_shell(tmp_path, f"dockmesh plan --nosuch {stream}").returncode == 2
    assert in_shell(tmp_path, f"dockmesh plan {stream}").returncode == 0


def test_a_closed_input_is_an_empty_one(mesh_file: Path, tmp_path: Path) -> None:
    done = in_shell(tmp_path, "dockmesh plan -f - <&-")

    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "standard input: the file is empty")


def loaded_by(folder: Path, *words: str, **environment: str) -> tuple[set[str], str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return slow_of(done.stderr.split("\n")[-2]), done.stdout


def slow_of(modules: str) -> set[str]:
    return {name for name in modules.split() if name in SLOW or name.partition(".")[0] in SLOW}


def at_tab(folder: Path, line: str) -> tuple[set[str], list[str]]:
    """What bash is offered at the end of this line, and what was loaded for it."""
    words = line.split(" ")
    slow, said = loaded_by(folder, _DOCKMESH_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1))
    return slow, said.split()


def test_the_version_loads_nothing_slow(tmp_path: Path) -> None:
    assert loaded_by(tmp_path, "--version")[0] == set()
    assert loaded_by(tmp_path, "--help")[0] == set()


def test_what_a_verb_takes_is_known_before_its_work_is_loaded(tmp_path: Path) -> None:
    imports = ", ".join(f"dockmesh.cli.verbs.{name}" for name in VERBS)

    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {imports}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert slow_of(done.stdout) == set()


def test_a_tab_in_a_verb_loads_nothing_slow(tmp_path: Path) -> None:
    assert at_tab(tmp_path, "dockmesh apply --dr") == (set(), ["--dry-run"])


def test_a_tab_offers_verbs_without_loading_them(tmp_path: Path) -> None:
    assert at_tab(tmp_path, "dockmesh h") == (set(), ["host", "history"])


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("dockmesh apply --host ", ["host1", "host2", "host3"]),
        ("dockmesh status --host host3,", ["host3,host1", "host3,host2"]),
        ("dockmesh host remove ", ["host1", "host2", "host3"]),
        ("dockmesh unlock host2", ["host2"]),
        ("dockmesh network remove ", ["blue"]),
        ("dockmesh rollback ", ["20261126-2", "20261126-1"]),
        ("dockmesh history 20261126-1", ["20261126-1"]),
        ("dockmesh logs ", ["db", "web.host1", "web.host2"]),
        ("dockmesh exec -it d", ["db"]),
        ("dockmesh logs --file other.yaml ", []),
        ("dockmesh apply -f broken.yaml --host ", []),
        ("dockmesh plan -f - ", []),
    ],
)
def test_a_tab_knows_the_names_of_the_file_and_of_what_is_kept_beside_it(
    tmp_path: Path, mesh_file: Path, line: str, offered: list[str]
) -> None:
    network = "networks:\n  - {name: blue, prefix: 10.80.0.0/16, vlan: 20}\n"
    mesh_file.write_text(MESH_FILE.replace("networks:\n", network))  # what the loader refuses is offered all the same
    (tmp_path / "broken.yaml").write_text("hosts: [")
    kept = tmp_path / ".dockmesh" / "dockmesh.yaml"
    kept.mkdir(parents=True)
    for run in ("20261126-1", "20261126-2"):
        (kept / f"{run}.json").touch()
    (kept / "containers").write_text("db.host3\nweb.host1\nweb.host2\n")

    assert at_tab(tmp_path, line)[1] == offered


@pytest.mark.exhaustive
def test_nothing_that_a_shell_would_obey_is_offered(tmp_path: Path, mesh_file: Path) -> None:
    odd = "x$(touch pwned)"
    mesh_file.write_text(MESH_FILE.replace("host2:", f"'{odd}':"))
    kept = tmp_path / ".dockmesh" / "dockmesh.yaml"
    kept.mkdir(parents=True)
    (kept / f"{odd}.json").touch()
    (kept / "containers").write_text("a\\.host1\n`id`.host1\nweb.host1\n")

    assert at_tab(tmp_path, "dockmesh apply --host ")[1] == ["host1", "host3"]
    assert at_tab(tmp_path, "dockmesh rollback ")[1] == []
    assert at_tab(tmp_path, "dockmesh logs ")[1] == ["web"]


def test_what_the_overview_says_of_a_verb_is_what_the_verb_says() -> None:
    assert {name: first_paragraph(verb(name).help) for name in VERBS} == dict(VERBS)


def test_the_overview_has_the_verbs_of_every_day_first_and_each_below_a_heading(dockmesh: Dockmesh) -> None:
    text = dockmesh("--help").out

    headings = [text.index(f"\n{title}:\n") for title in (*GROUPS, "Options")]
    assert headings == sorted(headings)
    assert text.index("Every day:") < text.index("  status ") < text.index("Containers:") < text.index("  ps ")


def test_every_text_of_a_hint_names_commands_that_there_are() -> None:
    root = complete()
    for hint in HINTS.values():
        for command in hint.split("`")[1::2]:
            _, *words = command.split()
            found = root.commands.get(words[0]) if not words[0].startswith("-") else root
            assert found is not None, command
            if len(words) > 1 and words[1].islower() and hasattr(found, "commands"):
                assert words[1] in found.commands, command


@pytest.mark.parametrize("word", HINTS)
def test_a_word_of_other_programs_gets_a_hint(dockmesh: Dockmesh, word: str) -> None:
    ran = dockmesh(word)

    assert (ran.code, ran.out) == (2, "")
    assert f"there is no command {word}\n   do        {HINTS[word]}" in ran.err


def test_a_misspelt_verb_or_option_is_told_with_the_nearest(dockmesh: Dockmesh, mesh_file: Path) -> None:
    assert "no such command 'aply'. Did you mean 'apply'?" in dockmesh("aply").err
    assert "--json" in dockmesh("plan", "--jsn").err


def test_ls_and_rm_are_list_and_remove(dockmesh: Dockmesh, mesh_file: Path) -> None:
    assert dockmesh("access", "ls").code == 0
    assert dockmesh("host", "rm", "host3", "--yes").code == 0
    assert [host.name for host in load(mesh_file).hosts] == ["host1", "host2"]


@pytest.mark.parametrize("words", [["-o", "json"], ["-ojson"], ["--output=json"], ["--output", "json"], ["--json"]])
def test_json_is_had_as_elsewhere(dockmesh: Dockmesh, mesh_file: Path, words: list[str]) -> None:
    assert dockmesh("plan", *words).json()["name"] == "prod"


def test_another_format_is_refused(dockmesh: Dockmesh, mesh_file: Path) -> None:
    ran = dockmesh("plan", "-o", "yaml")

    assert (ran.code, ran.out) == (2, "")
    assert "-o yaml: there is no such format" in ran.err


def test_where_o_is_a_folder_it_stays_one(dockmesh: Dockmesh, mesh_file: Path) -> None:
    assert dockmesh("render", "-o", "json").code == 0
    assert Path("json/host1").is_dir()


def test_the_file_is_named_by_the_environment(
    dockmesh: Dockmesh, mesh_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh_file.rename(mesh_file.with_name("other.yaml"))
    monkeypatch.setenv("DOCKMESH_FILE", "other.yaml")

    assert dockmesh("plan").code == 0
    assert dockmesh("plan", "-f", "dockmesh.yaml").code == 2
    assert "dockmesh plan -f other.yaml" in dockmesh().out


@pytest.mark.parametrize(
    "words", [["apply"], ["host", "remove", "host1"], ["init", "a", "b"], ["rollback"], ["access", "ls"]]
)
def test_standard_input_is_no_file_that_is_written_or_kept_beside(dockmesh: Dockmesh, words: list[str]) -> None:
    ran = dockmesh(*words, "-f", "-")

    assert (ran.code, ran.out) == (2, "")
    assert "the mesh file cannot come from standard input here" in ran.err


@pytest.mark.exhaustive
def test_the_file_comes_from_standard_input(tmp_path: Path) -> None:
    (tmp_path / "some.yaml").write_text(MESH_FILE)

    done = in_shell(tmp_path, "dockmesh plan -f - <some.yaml")
    wrong = in_shell(tmp_path, "echo 'name: [' | dockmesh plan -f -")

    assert "3 hosts in 172.17.0.0/16" in done.stdout
    assert wrong.stderr.startswith("standard input:")


def test_several_hosts_in_one_option(dockmesh: Dockmesh, mesh_file: Path) -> None:
    assert "the file has no host nope, nor" in dockmesh("status", "--host", "host1,nope,nor").err


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_help_loses_no_name_on_any_terminal(dockmesh: Dockmesh, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))

    text = dockmesh("apply", "--help").out

    assert all(name in text for name in ("--confirm-timeout", "--no-preflight", "--ssh-config", "-f FILE, --file FILE"))
    assert not {"<bool>", "{", "<path>"} & set(text.split())
    assert "default: 60" in text


def test_more_and_less_is_said_of_progress_by_one_of_two(dockmesh: Dockmesh, mesh_file: Path) -> None:
    assert "--quiet and --verbose do not go together" in dockmesh("verify", "-q", "-v").err


def test_every_verb_of_the_overview_is_there() -> None:
    assert list(build().commands) == list(VERBS)


def test_who_names_the_file_with_f_as_before_is_told_what_f_is_in_logs(dockmesh: Dockmesh, mesh_file: Path) -> None:
    ran = dockmesh("logs", "-f", "dockmesh.yaml", "web")

    assert (ran.code, ran.out) == (2, "")
    assert "-f is --follow here, and the mesh file is named by --file" in ran.err
    assert "[OTHERS" not in dockmesh("logs", "--help").out


@pytest.mark.parametrize("words", [["-f", "other.yaml", "plan"], ["--json", "plan"]])
def test_an_option_before_the_verb_is_told_where_it_stands(dockmesh: Dockmesh, words: list[str]) -> None:
    assert "options go after the command" in dockmesh(*words).err


@pytest.mark.parametrize(
    ("words", "said"), [(["host", "ls"], "`dockmesh plan` shows"), (["context", "list"], "`docker context ls` shows")]
)
def test_where_there_is_no_list_it_is_said_what_shows_the_same(dockmesh: Dockmesh, words: list[str], said: str) -> None:
    ran = dockmesh(*words)

    assert f"there is no `dockmesh {' '.join(words)}`" in ran.err
    assert said in ran.err


def test_init_asks_hosts_and_nobody_else_without_a_terminal(tmp_path: Path) -> None:
    """By a session of its own there is no terminal to open, either, as from cron; `ssh` here is a script."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "Host key verification failed." >&2\nexit 255\n')
    program.chmod(0o755)

    done = subprocess.run(
        [sys.executable, "-m", "dockmesh", "init", "a=root@192.0.2.1", "b=root@192.0.2.2"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{program.parent}:/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("answered  Host key verification failed.") == 2
    assert not (tmp_path / "dockmesh.yaml").exists()


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["plan", "-f"], "dockmesh plan"),
        (["plan", "--json=3"], "dockmesh plan"),
        (["plan", "--nosuch"], "dockmesh plan"),
        (["host", "add"], "dockmesh host add"),
        (["network", "add", "x", "--vlan", "9999"], "dockmesh network add"),
        (["host", "nosuch"], "dockmesh host"),
        (["nosuch"], "dockmesh"),
    ],
)
def test_a_wrong_line_leads_to_the_help_of_its_own_command(dockmesh: Dockmesh, words: list[str], command: str) -> None:
    assert dockmesh(*words).err.endswith(f"\n   do        `{command} --help` shows what it takes\n")
