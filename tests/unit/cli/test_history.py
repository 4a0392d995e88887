from pathlib import Path

from dockmesh.history.store import HostRecord, Record, save
from tests.unit.cli.conftest import Dockmesh


def keep(file: Path, run: str, ended: str, text: str | None = None) -> None:
    hosts = {
        "host1": HostRecord(("docker0 MTU: 1500 → 1462", "tunnel gre1: to host2 at 3.3.3.2"), "confirmed"),
        "host2": HostRecord((), "it is as it was before this run", "could not build the fabric"),
    }
    save(file, Record(run, "ann", "2026-01-02T03:04:05Z", "apply", ended, text or file.read_text(), hosts))


def test_a_file_without_a_run_says_so(dockmesh: Dockmesh, mesh_file: Path) -> None:
    ran = dockmesh("history")

    assert (ran.code, ran.out) == (0, "no run has changed a host from this file\n")


def test_every_run_is_a_line(dockmesh: Dockmesh, mesh_file: Path) -> None:
    keep(mesh_file, "20260102T030405Z-abcd", "failed")

    ran = dockmesh("history")

    words = [line.split() for line in ran.out.splitlines()]
    assert words[0] == ["run", "when", "who", "what", "ended", "changes"]
    assert words[1][:5] == ["20260102T030405Z-abcd", "2026-01-02", "03:04:05", "UTC", "ann"]
    assert words[1][5:] == ["apply", "failed", "2", "on", "1", "host"]


def test_a_run_whose_proof_failed_says_so(dockmesh: Dockmesh, mesh_file: Path) -> None:
    keep(mesh_file, "20260102T030405Z-abcd", "done, not proven")

    assert " apply  done, not proven  2 on 1 host\n" in dockmesh("history").out


def test_one_run_is_told_whole(dockmesh: Dockmesh, mesh_file: Path) -> None:
    keep(mesh_file, "20260102T030405Z-abcd", "failed")

    ran = dockmesh("history", "20260102")

    assert "  tunnel gre1: to host2 at 3.3.3.2\n" in ran.out
    assert "host2  it is as it was before this run\n  could not build the fabric\n" in ran.out


def test_an_unknown_run_is_2(dockmesh: Dockmesh, mesh_file: Path) -> None:
    ran = dockmesh("history", "2026")

    assert ran.code == 2
    assert "there is no run 2026" in ran.err


def test_a_rollback_that_is_not_carried_out_leaves_the_file_as_it_was(dockmesh: Dockmesh, mesh_file: Path) -> None:
    text = mesh_file.read_text()
    keep(mesh_file, "r1", "done", "hosts: {a: 1}\n")
    keep(mesh_file, "r2", "done")

    ran = dockmesh("rollback", "--yes")

    assert ran.code == 2  # what that run took is refused today
    assert mesh_file.read_text() == text


def test_a_rollback_that_nobody_says_yes_to_leaves_the_file_byte_for_byte(dockmesh: Dockmesh, mesh_file: Path) -> None:
    earlier = mesh_file.read_text()
    content = earlier.replace("interval_ms: 100", "interval_ms: 200").replace("\n", "\r\n").encode() + b"# now\r\n"
    mesh_file.write_bytes(content)
    keep(mesh_file, "r1", "done", earlier)
    keep(mesh_file, "r2", "done")

    nowhere = mesh_file.with_name("ssh_config")  # no packet leaves this machine
    nowhere.write_text("Host *\n    ProxyCommand false\n")

    ran = dockmesh("rollback", "--json", "--ssh-config", str(nowhere))

    assert ran.code != 0
    assert mesh_file.read_bytes() == content


def test_a_run_and_a_host_do_not_go_together(dockmesh: Dockmesh, mesh_file: Path) -> None:
    assert dockmesh("history", "r1", "--host", "host1").code == 2


def test_a_rollback_without_an_earlier_run_says_so(dockmesh: Dockmesh, mesh_file: Path) -> None:
    keep(mesh_file, "r1", "done")

    ran = dockmesh("rollback", "--yes")

    assert ran.code == 1
    assert "there is no earlier run to return to" in ran.err
