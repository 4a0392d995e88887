"""What a build asks of its host, on a host in memory; tests/lab/test_packages_build.py has a real one."""

import asyncio
import base64
from pathlib import Path

import pytest

from dockmesh.errors import CommandError, HostError, UsageError
from dockmesh.packages.build import BUILD_TIMEOUT_S, Built, Order, build, check_tree
from dockmesh.transport.pieces import PIECE
from dockmesh.transport.requests import Answer, GetBytes, Request
from tests.support.builder import WORK, Builder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "small/debian").mkdir(parents=True)
    (tmp_path / "small/debian/control").write_text("Source: small\n")
    return tmp_path / "small"


def run(host: Builder, order: Order, to: Path) -> Built:
    return asyncio.run(build(host, order, to, host.told.append))


def test_a_tree_becomes_packages_beside_their_log(tree: Path, tmp_path: Path) -> None:
    host = Builder("builder")

    built = run(host, Order("small", tree, ("nodpdk",)), tmp_path / "debs")

    assert [(deb.package, deb.version, deb.path) for deb in built.debs] == [
        ("small", "1", str(tmp_path / "debs/small_1_amd64.deb"))
    ]
    assert built.log.read_bytes() == host.log
    assert "all done" in host.told
    assert "building, with DEB_BUILD_OPTIONS=nocheck noautodbgsym parallel=4 nodpdk" in host.told


def test_what_the_build_needed_goes_again_and_nothing_else(tree: Path, tmp_path: Path) -> None:
    host = Builder("builder", packages={"bash": "5", "make": "1"})

    built = run(host, Order("small", tree), tmp_path)

    assert built.installed == ("gcc",)
    assert host.packages == {"bash": "5", "make": "1"}
    assert f"rm --recursive --force {WORK}" in host.writes()


def test_what_the_build_needed_may_stay(tree: Path, tmp_path: Path) -> None:
    host = Builder("builder")

    run(host, Order("small", tree, keep=True), tmp_path)

    assert set(host.packages) == {"gcc", "make"}


def test_a_failed_build_shows_the_end_of_its_log_and_cleans_up(tree: Path, tmp_path: Path) -> None:
    host = Builder("builder", makes=False, log=b"one\ntwo\nerror: it is broken\n")

    with pytest.raises(CommandError) as failed:
        run(host, Order("small", tree), tmp_path)

    assert failed.value.report.answered == "one\ntwo\nerror: it is broken"
    assert failed.value.report.now == f"the whole log is in {tmp_path / 'build.log'}"
    assert host.packages == {}


@pytest.mark.parametrize(
    "name",
    [
        "../../.bashrc",
        "../small_1_amd64.deb",
        "/nowhere/small.deb",
        "..",
        ".profile.deb",
        "-rf.deb",
        "small.deb/../../x.deb",
        "small\x1b]52;c;AAAA\x07.deb",
        "small\x00.deb",
        "small.txt",
        ".deb",
    ],
)
def test_a_host_that_names_a_file_of_ours_writes_none(tree: Path, tmp_path: Path, name: str) -> None:
    host = Builder("builder", made=name)
    to = tmp_path / "home/debs"
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    with pytest.raises(HostError, match="a package with an invalid name") as refused:
        run(host, Order("small", tree), to)

    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before | {to / "build.log": host.log}
    assert "\x1b" not in str(refused.value)


def test_a_package_gets_its_name_when_it_was_found_good(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "debs").mkdir()
    (tmp_path / "debs/small_1_amd64.deb").write_text("an earlier one")
    host = Builder("builder", package=b"!<arch>\nno package")

    with pytest.raises(HostError, match="which cannot be used"):
        run(host, Order("small", tree), tmp_path / "debs")

    assert (tmp_path / "debs/small_1_amd64.deb").read_text() == "an earlier one"
    assert sorted(path.name for path in (tmp_path / "debs").iterdir()) == ["build.log", "small_1_amd64.deb"]


def test_a_link_where_a_package_goes_is_not_written_through(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "debs").mkdir()
    (tmp_path / "mine").write_text("mine")
    for name in ("small_1_amd64.deb", ".small_1_amd64.deb.new"):
        (tmp_path / "debs" / name).symlink_to(tmp_path / "mine")

    run(Builder("builder"), Order("small", tree), tmp_path / "debs")

    assert (tmp_path / "mine").read_text() == "mine"


GIB = 1 << 30


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        (f"a.deb {GIB + 1}\n", "a package larger than 1 GiB"),
        (f"a.deb {'9' * 5000}\n", "a package larger than 1 GiB"),
        ("".join(f"{name}.deb {GIB}\n" for name in "abcde"), "packages of more than 4 GiB"),
        ("".join(f"{number}.deb 1\n" for number in range(257)), "more packages than 256"),
    ],
)
def test_a_host_that_lists_too_much_sends_nothing_of_it(tree: Path, tmp_path: Path, lists: str, said: str) -> None:
    host = Builder("builder", lists=lists)

    with pytest.raises(HostError, match=f"builder: reports {said}"):
        run(host, Order("small", tree), tmp_path / "debs")

    assert [path.name for path in (tmp_path / "debs").iterdir()] == ["build.log"]


class Endless(Builder):
    """Each file of it goes on for ever, in pieces of `piece` bytes."""

    piece = PIECE

    def answer(self, request: Request) -> Answer:
        match request:
            case GetBytes(path, _, length) if path.endswith(".log") or self.piece != PIECE:
                return Answer(0, base64.b64encode(bytes(min(self.piece, 2 * length))).decode())
        return super().answer(request)


def test_a_log_without_end_is_that_hosts_error(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"builder: has a file .*build.log that does not end: more than 64 MiB"):
        run(Endless("builder"), Order("small", tree), tmp_path / "debs")


@pytest.mark.parametrize(
    ("piece", "said"), [(0, "did not send all of"), (1, "did not send all of"), (1 << 21, "sent ")]
)
def test_a_package_of_another_size_than_was_listed_is_not_taken(
    tree: Path, tmp_path: Path, piece: int, said: str
) -> None:
    host = Endless("builder", log=b"")
    host.piece = piece
    host.fails = lambda request: Answer(2) if isinstance(request, GetBytes) and ".log" in request.path else None

    with pytest.raises(HostError, match=f"builder: {said}"):
        run(host, Order("small", tree), tmp_path / "debs")

    assert [path.name for path in (tmp_path / "debs").iterdir()] == ["build.log"]


def test_a_build_that_never_ends_is_given_up(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dockmesh.packages.build.POLL_S", 0)
    monkeypatch.setattr("dockmesh.packages.build.STOP_S", 0.1 - BUILD_TIMEOUT_S)
    host = Builder("builder", goes_on=True)

    with pytest.raises(HostError, match="builder: reports a build that runs after 6 h"):
        run(host, Order("small", tree), tmp_path / "debs")

    assert "systemctl stop dockmesh-build-AbCdEf.service" in host.writes()


def test_a_source_package_that_is_not_to_be_had_says_what_is_missing(tmp_path: Path) -> None:
    host = Builder("builder")
    host.fails = lambda request: Answer(100, err="E: no deb-src") if " source " in str(request) else None

    with pytest.raises(CommandError) as failed:
        run(host, Order("openvswitch"), tmp_path)

    assert failed.value.report.what == "could not fetch the source package openvswitch"
    assert "deb-src" in (failed.value.report.do or "")


def test_a_host_without_dpkg_builds_nothing(tmp_path: Path) -> None:
    host = Builder("builder")
    host.fails = lambda request: Answer(127) if str(request).startswith("dpkg") else None

    with pytest.raises(HostError, match="has no dpkg"):
        run(host, Order("openvswitch"), tmp_path)


def test_a_folder_that_is_no_source_tree_is_refused_with_the_way_out(tmp_path: Path, tree: Path) -> None:
    check_tree(tree)
    (tmp_path / "upstream/debian").mkdir(parents=True)
    (tmp_path / "upstream/debian/control.in").touch()

    with pytest.raises(UsageError) as other:
        check_tree(tmp_path)
    with pytest.raises(UsageError) as upstream:
        check_tree(tmp_path / "upstream")

    assert other.value.report.do == "name the folder that has debian/control in it"
    assert "./boot.sh" in (upstream.value.report.do or "")
