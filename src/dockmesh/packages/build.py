"""Building .debs on a host: from the distribution's source package, or from a tree that the user has.

In a fresh folder, in a unit of systemd's, so that it ends with everything it started. What had to be installed for it
goes again, and nothing else.
"""

import asyncio
import re
import tarfile
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from dockmesh.debian.deb import Deb, DebError, read_deb
from dockmesh.errors import CommandError, HostError, UsageError
from dockmesh.facts.gather import gather_packages
from dockmesh.packages.carry import get_file, put_file
from dockmesh.transport.demand import demand
from dockmesh.transport.pieces import read_new
from dockmesh.transport.requests import Exec, Transport

WORK = "/var/tmp/dockmesh-build-XXXXXX"  # noqa: S108  mktemp(1) makes it, for root alone
LOG, TREE = "build.log", "tree"
APT_TIMEOUT_S = 1800
UNPACK_TIMEOUT_S = 600
BUILD_TIMEOUT_S = 6 * 3600
STOP_S = 120.0  # after that, for systemd to end what does not end by itself
POLL_S = 1.0
# What a host may send: Open vSwitch's packages with their debug symbols are 30 MiB, and its build's log is 2 MiB.
MOST_DEBS, MOST_OF_A_DEB, MOST_OF_ALL = 256, 1 << 30, 4 << 30
MOST_OF_THE_LOG = 64 << 20
# Names, versions and architectures as Debian Policy has them (5.6.1, 5.6.8, 5.6.12), with `_` between them.
DEB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~_-]*\.deb")
DIGITS = 18  # of a size
SHOWN = 100  # characters of a line of the log: a compiler says much
APT = ("apt-get", "--yes", "--option", "DPkg::Lock::Timeout=300", "--option", "Acquire::Retries=2")

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What to build and how. Without a `tree` it is the source package of that name."""

    package: str
    tree: Path | None = None
    options: tuple[str, ...] = ()  # of DEB_BUILD_OPTIONS, beside ours
    check: bool = False  # run the package's own tests
    keep: bool = False  # leave installed what the build needed


@dataclass(frozen=True, slots=True)
class Built:
    debs: tuple[Deb, ...]
    log: Path
    installed: tuple[str, ...]  # for the build, and gone again unless they were to be kept


def check_tree(tree: Path) -> None:
    """Raises UsageError where it is not a source tree of a Debian package."""
    if (tree / "debian/control").is_file():
        return
    do = "name the folder that has debian/control in it"
    if (tree / "debian/control.in").is_file():
        do = "its debian/control is made by its own build: in Open vSwitch `./boot.sh && ./configure && make debian`"
    raise UsageError(f"{tree} is not a source tree of a Debian package: it has no debian/control", do=do)


async def build(host: Transport, order: Order, target: Path, told: Told) -> Built:
    """Build on `host`; the .debs and the log come into the folder `target`. `told` hears what is done, line by line.

    Raises HostError and ConnectError.
    """
    log = _new_log(target)
    before = await gather_packages(host)
    if before is None:
        raise HostError("has no dpkg, so nothing can be built there", host=host.name, do="name a Debian or Ubuntu host")
    work = (await demand(host, "could not make a folder", Exec(("mktemp", "--directory", WORK))))[0].out.strip()
    new: tuple[str, ...] = ()
    try:
        tree = f"{work}/{TREE}"
        if order.tree is None:
            await _fetch_source(host, order.package, work, told)
        else:
            await _send_source(host, order.tree, work, told)
        told("installing what the build needs")
        needs = Exec((*APT, "build-dep", "--no-install-recommends", tree), timeout_s=APT_TIMEOUT_S)
        await demand(host, "could not install what the build needs", needs, do=SOURCES)
        after = await gather_packages(host)
        new = tuple(sorted(set(after.installed if after else ()) - set(before.installed)))
        told(f"installed {len(new)} packages for the build")
        await _compile(host, order, work, log, told)
        return Built(await _fetch_debs(host, work, target, told), log, new)
    finally:
        if new and not order.keep:
            told(f"removing the {len(new)} packages that the build needed")
            await host.ask(Exec((*APT, "purge", *new), timeout_s=APT_TIMEOUT_S))
        await host.ask(Exec(("rm", "--recursive", "--force", work), timeout_s=UNPACK_TIMEOUT_S))


SOURCES = "check that `apt-get update` works there and that its sources have what debian/control names"
DEB_SRC = (
    "add sources of the type deb-src to /etc/apt/sources.list.d there and run `apt-get update`, "
    "or give a source tree with --source"
)


async def _fetch_source(host: Transport, package: str, work: str, told: Told) -> None:
    told(f"fetching the source package {package}")
    update = Exec((*APT, "update"), timeout_s=APT_TIMEOUT_S)
    # dpkg-source unpacks it; a server need not have it.
    tools = Exec((*APT, "install", "--no-install-recommends", "dpkg-dev"), timeout_s=APT_TIMEOUT_S)
    await demand(host, "could not install dpkg-dev", update, tools, do=SOURCES)
    into = ("env", f"--chdir={work}")
    fetch = Exec((*into, *APT, "source", "--download-only", package), timeout_s=APT_TIMEOUT_S)
    await demand(host, f"could not fetch the source package {package}", fetch, do=DEB_SRC)
    (found,) = await demand(host, "could not look", Exec(("find", work, "-maxdepth", "1", "-name", "*.dsc")))
    unpack = Exec((*into, "dpkg-source", "--extract", *found.out.split(), TREE), timeout_s=UNPACK_TIMEOUT_S)
    await demand(host, f"could not unpack the source package {package}", unpack)


async def _send_source(host: Transport, tree: Path, work: str, told: Told) -> None:
    told(f"sending {tree}")
    with tempfile.TemporaryDirectory(prefix="dockmesh-") as folder:
        packed = Path(folder) / "source.tar.gz"
        with tarfile.open(packed, "w:gz", compresslevel=1) as tar:
            tar.add(tree, arcname=TREE, filter=_no_history)
        await put_file(host, packed, f"{work}/source.tar.gz")
    unpack = ("tar", "--extract", f"--file={work}/source.tar.gz", f"--directory={work}", "--no-same-owner")
    await demand(host, "could not unpack the source", Exec(unpack, timeout_s=UNPACK_TIMEOUT_S))
    await demand(
        host, "could not read the package sources", Exec((*APT, "update"), timeout_s=APT_TIMEOUT_S), do=SOURCES
    )


def _no_history(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if Path(member.name).name == ".git" else member


async def _compile(host: Transport, order: Order, work: str, log: Path, told: Told) -> None:
    (cores,) = await demand(host, "could not count cores", Exec(("nproc",)))
    no_check = () if order.check else ("nocheck",)
    options = " ".join((*no_check, "noautodbgsym", f"parallel={int(cores.out)}", *order.options))
    unit = f"{work.rpartition('/')[2]}.service"
    start = (
        *("systemd-run", "--quiet", f"--unit={unit}", f"--property=RuntimeMaxSec={BUILD_TIMEOUT_S}"),
        *(f"--property=StandardOutput=append:{work}/{LOG}", f"--property=StandardError=append:{work}/{LOG}"),
        *(f"--working-directory={work}/{TREE}", f"--setenv=DEB_BUILD_OPTIONS={options}", f"--setenv=HOME={work}"),
        *("--setenv=LC_ALL=C.UTF-8", "dpkg-buildpackage", "--build=binary", "--no-sign"),
    )
    told(f"building, with DEB_BUILD_OPTIONS={options}")
    end = time.monotonic() + BUILD_TIMEOUT_S + STOP_S
    async with _unit(host, unit, start):
        copied = 0
        while await _runs(host, unit):
            if time.monotonic() > end:
                raise _endless(host, f"a build that runs after {BUILD_TIMEOUT_S // 3600} h, when systemd ends it", unit)
            copied = await _copy_log(host, f"{work}/{LOG}", copied, log, told)
            await asyncio.sleep(POLL_S)
    await _copy_log(host, f"{work}/{LOG}", copied, log, told)
    (made,) = await demand(host, "could not look", Exec(("find", work, "-maxdepth", "1", "-name", "*.changes")))
    if not made.out.strip():  # dpkg-buildpackage writes it last
        raise CommandError(
            "the build failed",
            host=host.name,
            ran="dpkg-buildpackage --build=binary --no-sign",
            answered=_end(log),
            do="fix what the log says, then run it again",
            now=f"the whole log is in {log}",
        )


@asynccontextmanager
async def _unit(host: Transport, unit: str, start: tuple[str, ...]) -> AsyncIterator[None]:
    await demand(host, "could not start the build", Exec(start))
    try:
        yield
    finally:
        await host.ask(Exec(("systemctl", "stop", unit)), Exec(("systemctl", "reset-failed", unit)))


async def _runs(host: Transport, unit: str) -> bool:
    (state,) = await host.ask(Exec(("systemctl", "show", "--property=ActiveState", "--value", unit)))
    return state.out.strip() in ("active", "activating")


async def _copy_log(host: Transport, remote: str, copied: int, log: Path, told: Told) -> int:
    """Append here what is new in the log there. Returns how many bytes of it are here now."""
    new = await read_new(host, remote, copied, MOST_OF_THE_LOG)
    if not new:
        return copied
    _append(log, new)
    if lines := new.decode(errors="replace").split("\n")[:-1]:
        told(lines[-1].strip()[:SHOWN])
    return copied + len(new)


def _new_log(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / LOG
    log.write_bytes(b"")
    return log


def _append(log: Path, piece: bytes) -> None:
    with log.open("ab") as file:
        file.write(piece)


def _end(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-8:]) or "nothing"


async def _fetch_debs(host: Transport, work: str, target: Path, told: Told) -> tuple[Deb, ...]:
    names = Exec(("find", work, "-maxdepth", "1", "-name", "*.deb", "-printf", r"%f %s\n"))
    (found,) = await demand(host, "could not look", names)
    sizes = _read_sizes(host, found.out)
    debs = []
    for name, size in sorted(sizes.items()):
        told(f"fetching {name}")
        debs.append(await _fetch_deb(host, f"{work}/{name}", target / name, size))
    return tuple(debs)


def _read_sizes(host: Transport, answer: str) -> dict[str, int]:
    """Name and size of each package. Raises HostError for a list that is not to be fetched."""
    rows = [line.rpartition(" ") for line in answer.splitlines()]
    sizes = {_checked(host, name): int(size[:DIGITS]) for name, _, size in rows}
    if len(rows) > MOST_DEBS:
        raise _endless(host, f"more packages than {MOST_DEBS}", f"{len(rows)} packages")
    for name, size in sizes.items():
        if size > MOST_OF_A_DEB:
            raise _endless(host, f"a package larger than {MOST_OF_A_DEB >> 30} GiB", f"{size} bytes of {name}")
    if sum(sizes.values()) > MOST_OF_ALL:
        raise _endless(host, f"packages of more than {MOST_OF_ALL >> 30} GiB", f"{sum(sizes.values())} bytes")
    return sizes


def _endless(host: Transport, what: str, answered: str) -> HostError:
    return HostError(
        f"reports {what}", host=host.name, answered=answered, do="find out on the host what makes or says that"
    )


def _checked(host: Transport, name: str) -> str:
    """What a host calls a file becomes one here: only what can be nothing but the name of a package's file.

    Raises HostError.
    """
    if DEB_NAME.fullmatch(name):
        return name
    raise HostError(
        "reports a package with an invalid name, so nothing of it was fetched",
        host=host.name,
        answered=ascii(name[:SHOWN]),
        do="trust nothing that comes from this host until you know why it says so",
    )


async def _fetch_deb(host: Transport, path: str, target: Path, size: int) -> Deb:
    """It gets its name when it was read and found good; until then nobody takes it for a package.

    Raises HostError and ConnectError.
    """
    fetched = target.with_name(f".{target.name}.new")
    fetched.unlink(missing_ok=True)  # what an interrupted run left; and a link is not written through
    try:
        await get_file(host, path, fetched, size)
        with fetched.open("rb") as file:
            deb = read_deb(file, str(target))
        fetched.replace(target)
    except DebError as error:
        raise HostError(
            f"built {target.name}, which cannot be used: {error}",
            host=host.name,
            do="check that the source tree builds packages that this dockmesh can read; the log lies beside them",
        ) from error
    finally:
        fetched.unlink(missing_ok=True)
    return deb
