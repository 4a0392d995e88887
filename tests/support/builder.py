"""A host in memory that builds packages."""

from dataclasses import dataclass, field

from dockmesh.transport.requests import Answer, Exec, Request
from tests.support.debs import deb_bytes
from tests.support.fake_host import FakeHost

WORK = "/var/tmp/dockmesh-build-AbCdEf"


@dataclass
class Builder(FakeHost):
    """It builds one package, in no time, and says two lines while it does."""

    makes: bool = True
    log: bytes = b"dpkg-buildpackage: info\nall done\n"
    told: list[str] = field(default_factory=list)
    made: str = "small_1_amd64.deb"  # what it calls the package
    package: bytes = field(default_factory=lambda: deb_bytes("small"))
    lists: str | None = None  # in place of its packages and their sizes
    goes_on: bool = False  # for ever

    def answer(self, request: Request) -> Answer:
        match request:
            case Exec(("mktemp", *_)):
                return Answer(0, f"{WORK}\n")
            case Exec(("nproc",)):
                return Answer(0, "4\n")
            case Exec(("apt-get", *_, "build-dep", "--no-install-recommends", _)):
                self.packages |= {"gcc": "1", "make": "1"}
                return Answer(0)
            case Exec(argv) if "purge" in argv:
                self.packages = {name: version for name, version in self.packages.items() if name not in argv}
                return Answer(0)
            case Exec(("systemd-run", *_)):
                self.blobs[f"{WORK}/build.log"] = self.log
                self.blobs[f"{WORK}/{self.made}"] = self.package
                return Answer(0)
            case Exec(("tar", "--extract", f, d, "--no-same-owner")):
                assert (f, d) == (f"--file={WORK}/source.tar.gz", f"--directory={WORK}")
                return Answer(0)
            case Exec(("systemctl", "reset-failed", "dockmesh-build-AbCdEf.service")):
                return Answer(0)
            case Exec(("systemctl", "show", *_)):
                return Answer(0, "active\n" if self.goes_on else "inactive\n")
            case Exec(("find", _, _, _, _, "*.changes")):
                return Answer(0, f"{WORK}/small.changes\n" if self.makes else "")
            case Exec(("find", _, _, _, _, "*.deb", *_)):
                return Answer(0, self.lists or f"{self.made} {len(self.package)}\n")
        return super().answer(request)
