"""Containers of all hosts by name: seen, read and entered from where dockmesh is."""

import os
import pty
import select
import subprocess
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.lab.mesh import BUILD_IMAGE, DOCKMESH, IMAGE, Mesh, run, wait_until

BOX = "/bin/busybox"  # all that is in the image
TALK = "sh -c 'echo first; echo wrong >&2; echo last; exec sleep 1000000'"


@pytest.fixture(scope="module")
def busy(mesh: Mesh) -> Mesh:
    """`web` on host1 and host2, `db` on host2 only, and one on host3 that has ended."""
    mesh.on_all(lambda host: mesh.on(host, BUILD_IMAGE))
    for host, name, options in (("host1", "web", "-p 8080:80"), ("host2", "web", ""), ("host2", "db", "")):
        mesh.on(host, f"docker run -d --name {name} --stop-signal KILL {options} {IMAGE} {TALK}")
    mesh.on("host3", f"docker run --name job {IMAGE} sh -c 'echo gone; exit 5' || true")
    return mesh


def rows(mesh: Mesh, *options: str) -> dict[str, dict[str, Any]]:
    answer = mesh.dockmesh("ps", "--json", *options).json()
    return {
        f"{container['name']}.{host['name']}": container for host in answer["hosts"] for container in host["containers"]
    }


def call(mesh: Mesh, verb: str, *words: str) -> tuple[str, ...]:
    return (*DOCKMESH, verb, "--file", str(mesh.file), "--ssh-config", str(mesh.ssh_config), *words)


def test_ps_shows_the_containers_of_all_hosts_with_their_addresses(busy: Mesh) -> None:
    found, everything = rows(busy), rows(busy, "--all")

    assert list(found) == ["web.host1", "db.host2", "web.host2"]
    assert set(everything) - set(found) == {"job.host3"}
    assert found["db.host2"]["addresses"] == [busy.container_address("host2", "db")]
    assert found["web.host1"]["ports"] == [{"address": None, "host_port": 8080, "port": 80, "protocol": "tcp"}]
    assert everything["job.host3"]["state"] == "exited"
    assert [line.split()[:2] for line in busy.dockmesh("ps").out.splitlines()[1:]] == [
        ["host1", "web"],
        ["host2", "db"],
        ["host2", "web"],
    ]


def test_logs_come_on_the_stream_that_they_were_written_to(busy: Mesh) -> None:
    done, ended = busy.dockmesh("logs", "db"), busy.dockmesh("logs", "job", "--tail", "1")

    assert (done.code, done.out, done.err) == (0, "first\nlast\n", "wrong\n")
    assert (ended.code, ended.out) == (0, "gone\n")


def test_a_name_that_two_hosts_have_is_refused_and_goes_with_its_host(busy: Mesh) -> None:
    refused = busy.dockmesh("exec", "web", "--", BOX, "hostname")
    by_name = busy.dockmesh("exec", "web.host2", "--", BOX, "hostname")
    by_option = busy.dockmesh("exec", "--host", "host2", "web", BOX, "hostname")
    by_id = busy.dockmesh("exec", by_name.out.strip(), BOX, "hostname")

    assert refused.code == 2
    assert "web.host1 (" in refused.err
    assert "web.host2 (" in refused.err
    assert by_name.code == 0
    assert by_name.out == by_option.out == by_id.out
    assert rows(busy)["web.host2"]["id"].startswith(by_name.out.strip())


def test_a_command_has_its_argv_its_streams_and_its_exit_code(busy: Mesh) -> None:
    odd = ("a b", "'", "$HOME", "\\", "", "*", "-it")
    said = busy.dockmesh("exec", "db", "--", BOX, "sh", "-c", 'for i; do echo "<$i>"; done; exit 42', "sh", *odd)
    read = subprocess.run(
        call(busy, "exec", "-i", "db", BOX, "cat"), input="in", capture_output=True, text=True, check=True
    )

    assert (said.code, said.err) == (42, "")
    assert said.out.splitlines() == [f"<{word}>" for word in odd]
    assert (read.stdout, read.stderr) == ("in", "")
    assert busy.dockmesh("exec", "db", "--", "no-such-program").code in (126, 127)
    assert "job.host3 does not run: Exited (5)" in busy.dockmesh("exec", "job", "ls").err


def test_a_terminal_is_one_in_the_container_too(busy: Mesh) -> None:
    ours, theirs = pty.openpty()
    argv = call(busy, "exec", "-it", "db", "--", BOX, "sh", "-c", "/bin/busybox tty && read -r word && exit $word")
    with subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        said = _read_until(ours, "/dev/pts/")
        os.write(ours, b"7\r")
        code = process.wait(60)
    os.close(ours)

    assert "/dev/pts/" in said
    assert code == 7


def _read_until(terminal: int, wanted: str, deadline_s: float = 60) -> str:
    said, end = "", time.monotonic() + deadline_s
    while wanted not in said:
        assert time.monotonic() < end, said
        if select.select([terminal], [], [], 1)[0]:
            said += os.read(terminal, 4096).decode(errors="replace")
    return said


def test_followed_logs_end_with_us_and_leave_nothing_on_the_host(busy: Mesh) -> None:
    with subprocess.Popen(call(busy, "logs", "--follow", "db"), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = [process.stdout.readline(), process.stdout.readline()]
        followed = busy.ssh("host2", "pgrep -f 'docker logs --follow'").code
        process.terminate()
        code = process.wait(60)

    assert first == ["first\n", "last\n"]
    assert (followed, code) == (0, 0)
    wait_until(lambda: busy.ssh("host2", "pgrep -fx 'docker logs --follow .*'").code == 1, "nobody follows any more")


@pytest.mark.long
def test_a_host_that_is_down_is_told_and_the_others_answer(busy: Mesh) -> None:
    busy.lab("crash", "host3")

    orders = (("ps", "--json"), ("exec", "db", "--", BOX, "echo", "hello"), ("logs", "db.host2"), ("logs", "job"))
    with ThreadPoolExecutor(len(orders)) as together:  # each waits for the host that is down
        seen, entered, named, unknown = together.map(lambda words: busy.dockmesh(*words), orders)
    busy.lab("start", "host3")

    assert seen.code == 1
    assert [bool(host["error"]) for host in seen.json()["hosts"]] == [False, False, True]
    assert (entered.code, entered.out) == (0, "hello\n")
    assert "host3: no SSH connection" in entered.err
    assert (named.code, named.out, named.err) == (0, "first\nlast\n", "wrong\n")
    assert unknown.code == 1
    assert "no container is called job on the hosts that answer; host3 did not" in unknown.err


def put(mesh: Mesh, host: str, path: str, text: str, mode: str) -> None:
    encoded = b64encode(text.encode()).decode()
    mesh.on(host, f"mkdir -p $(dirname {path}); echo {encoded} | base64 -d > {path}; chmod {mode} {path}")


def test_dockers_own_command_line_works_by_the_contexts(busy: Mesh, tmp_path: Path) -> None:
    """Called on host1, with a ~/.ssh there: this machine need not have Docker, nor a route to the hosts."""
    here = ("--file", str(busy.file), "--ssh-config", str(busy.ssh_config))
    environment = {**os.environ, "DOCKER_CONFIG": str(tmp_path)}
    made = run(*DOCKMESH, "context", "create", *here, environment=environment)
    known = (busy.directory / "known_hosts").read_text()
    key = (busy.directory / "key").read_text()
    underlay = {host["name"]: host["underlay"] for host in busy.plan()["hosts"]}
    config = "".join(f"Host {host}\n  HostName {underlay[host]}\n" for host in busy.hosts)
    for name, text, mode in (("known_hosts", known, "644"), ("id_ed25519", key, "600"), ("config", config, "600")):
        put(busy, "host1", f"/root/.ssh/{name}", text, mode)
    for path in tmp_path.rglob("meta.json"):
        put(busy, "host1", f"/root/.docker/{path.relative_to(tmp_path)}", path.read_text(), "644")

    names = busy.on("host1", "docker context ls --format '{{.Name}} {{.Description}}'").splitlines()
    listed = busy.on("host1", "docker --context lab-host2 ps --format '{{.Names}}'")
    removed = run(*DOCKMESH, "context", "remove", "-f", str(busy.file), environment=environment)

    assert made.code == 0
    assert f'Include "{busy.ssh_config}"' in made.err
    assert "lab-host2 host2 of the mesh lab" in names
    assert sorted(listed.split()) == ["db", "web"]
    assert removed.code == 0
    assert not list(tmp_path.rglob("meta.json"))
