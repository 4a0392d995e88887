"""Building packages on a host: a small source tree goes the way that Open vSwitch goes."""

import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from dockmesh.lab import store
from tests.lab.conftest import MakeMesh
from tests.lab.mesh import DOCKMESH, Mesh, run

pytestmark = pytest.mark.long  # a compiler is installed for it

TOOLS = "build-essential"
SOURCE = {
    "debian/control": "Source: dockmesh-small\nMaintainer: Nobody <nobody@example.com>\nBuild-Depends: bc\n\n"
    "Package: dockmesh-small\nArchitecture: any\nDescription: small\n",
    "debian/changelog": "dockmesh-small (1.0-1) unstable; urgency=low\n\n  * First.\n\n"
    " -- Nobody <nobody@example.com>  Thu, 01 Jan 2015 00:00:00 +0000\n",
    "debian/rules": "#!/usr/bin/make -f\nclean build:\n\techo 6*7 | bc\n"
    "binary:\n\tmkdir -p debian/tmp/DEBIAN\n\tdpkg-gencontrol\n\tdpkg-deb --root-owner-group --build debian/tmp ..\n",
}


def write_source(folder: Path, **changed: str) -> Path:
    for name, text in {**SOURCE, **changed}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "debian/rules").chmod(0o755)
    return folder


def download_tools(mesh: Mesh, folder: Path) -> None:
    """A folder with an index: what a bare host needs to build anything, from this machine's sources."""
    lab = store.load(mesh.directory)
    bare = lab.image_of(lab.hosts[0]).root
    (folder / "partial").mkdir(parents=True)
    settings = (
        f"Dir::State::status={bare}/var/lib/dpkg/status",
        f"Dir::Cache::archives={folder}",
        "Debug::NoLocking=1",
    )
    options = [f"--option={setting}" for setting in (*settings, "APT::Sandbox::User=root")]
    fetch = (
        "apt-get",
        *options,
        "--quiet",
        "--yes",
        "--no-install-recommends",
        "--download-only",
        "install",
        TOOLS,
        "bc",
    )
    subprocess.run(fetch, check=True, stdout=subprocess.DEVNULL)
    for source in _still_elsewhere((*fetch, "--print-uris")):
        shutil.copy(source, folder)
    index = subprocess.run(("dpkg-scanpackages", "."), cwd=folder, check=True, capture_output=True).stdout
    (folder / "Packages").write_bytes(index)


def _still_elsewhere(fetch: tuple[str, ...]) -> list[Path]:
    """What apt has in a folder of this machine, it does not download."""
    told = subprocess.run(fetch, check=True, capture_output=True, text=True).stdout
    urls = [line.split("'")[1] for line in told.splitlines() if line.startswith("'file:")]
    return [Path(unquote(url.removeprefix("file:"))) for url in urls]


@pytest.fixture(scope="module")
def builder(make_mesh: MakeMesh, tmp_path_factory: pytest.TempPathFactory) -> Mesh:
    """A bare host whose only package source is a folder of its own, with a compiler in it."""
    mesh = make_mesh(hosts=1)
    folder = tmp_path_factory.mktemp("tools")
    download_tools(mesh, folder)
    into = ("ssh", "-F", str(mesh.ssh_config), "host1", "mkdir -p /srv/tools && tar --extract --directory=/srv/tools")
    with subprocess.Popen(("tar", "--create", f"--directory={folder}", "."), stdout=subprocess.PIPE) as pack:
        subprocess.run(into, stdin=pack.stdout, check=True)
    assert pack.returncode == 0
    mesh.on("host1", "echo 'deb [trusted=yes] file:/srv/tools ./' > /etc/apt/sources.list.d/tools.list")
    return mesh


def build(mesh: Mesh, source: Path, to: Path) -> subprocess.CompletedProcess[str]:
    argv = (*DOCKMESH, "packages", "build", "--on", "host1", "--source", str(source), "--to", str(to), "--json")
    done = run(*argv, "--ssh-config", str(mesh.ssh_config), "-f", str(to / "no-mesh-file"))
    return subprocess.CompletedProcess(argv, done.code, done.out, done.err)


def left_on(mesh: Mesh) -> str:
    return mesh.on("host1", "dpkg-query --show; ls -A /var/tmp; systemctl list-units --all --plain 'dockmesh-build*'")


def test_a_source_tree_becomes_packages_and_the_host_is_as_before(builder: Mesh, tmp_path: Path) -> None:
    before = left_on(builder)

    done = build(builder, write_source(tmp_path / "small"), tmp_path / "debs")

    assert done.returncode == 0, done.stderr
    (deb,) = (tmp_path / "debs").glob("*.deb")
    assert deb.name.startswith("dockmesh-small_1.0-1_")
    told = subprocess.run(("dpkg-deb", "--field", str(deb), "Version"), check=True, capture_output=True, text=True)
    assert told.stdout == "1.0-1\n"
    assert "\n42\n" in (tmp_path / "debs/build.log").read_text()
    assert "fetching" in done.stderr
    assert left_on(builder) == before


def test_a_build_that_fails_keeps_its_log_and_leaves_nothing_behind(builder: Mesh, tmp_path: Path) -> None:
    before = left_on(builder)
    broken = SOURCE["debian/rules"].replace("bc\n", "bc\n\techo it is broken; exit 3\n", 1)

    done = build(builder, write_source(tmp_path / "small", **{"debian/rules": broken}), tmp_path / "debs")

    assert done.returncode == 1
    assert "the build failed" in done.stderr
    assert "it is broken" in (tmp_path / "debs/build.log").read_text()
    assert left_on(builder) == before
