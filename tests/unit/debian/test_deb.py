import hashlib
import io
import lzma

import pytest

from dockmesh.debian import deb as module
from dockmesh.debian.deb import Deb, DebError, read_deb
from dockmesh.debian.relation import Wanted
from tests.support.debs import PACKERS, control_archive, deb_bytes, member


def read(content: bytes) -> Deb:
    return read_deb(io.BytesIO(content), "debs/a.deb")


@pytest.mark.parametrize("packed", ["", ".gz", ".xz"])
def test_a_deb_says_who_it_is_and_what_it_needs(packed: str) -> None:
    content = deb_bytes(
        "a", "2:1.0-1", packed=packed, Pre_Depends="init (>= 1)", Depends="b | c,\n d", Provides="virtual (= 1)"
    )

    found = read(content)

    assert (found.package, found.version, found.architecture) == ("a", "2:1.0-1", "amd64")
    assert found.depends == ((Wanted("init", ">=", "1"),), (Wanted("b"), Wanted("c")), (Wanted("d"),))
    assert found.provides == ((Wanted("virtual", "=", "1"),),)
    assert (found.size, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert found.file_name == "a.deb"


def archive(*members: tuple[str, bytes]) -> bytes:
    return b"!<arch>\n" + b"".join(member(name, content) for name, content in members)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "does not begin as one"),
        (b"PK\x03\x04 a zip", "does not begin as one"),
        (archive(("readme", b"hello")), "this is not a Debian package"),
        (archive(("debian-binary", b"2.0\n")), "it has no control archive"),
        (deb_bytes("a")[:100], "an entry of its archive cannot be read"),
        (archive(("debian-binary", b"2.0\n"), ("control.tar.xz", b"no xz")), "cannot be unpacked"),
        (archive(("debian-binary", b"2.0\n"), ("control.tar", b"no tar" * 200)), "cannot be read"),
        (archive(("debian-binary", b"2.0\n"), ("control.tar.br", b"")), "does not know: control.tar.br"),
        (archive(("debian-binary", b"2.0\n"), ("control.tar", control_archive("Package: a\n"))), "has no Version"),
        (deb_bytes("a", Depends="b (~ 1)"), "no relation: 'b (~ 1)'"),
    ],
)
def test_what_is_no_deb_is_refused_in_words(content: bytes, why: str) -> None:
    with pytest.raises(DebError) as refused:
        read(content)

    assert why in str(refused.value)


def test_zstd_without_a_reader_of_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ZSTD_MODULES", ("dockmesh.no_such_module",))
    content = archive(("debian-binary", b"2.0\n"), ("control.tar.zst", b"(\xb5/\xfd"))

    with pytest.raises(DebError, match=r"packed with zstd.*Python 3\.14"):
        read(content)


@pytest.mark.parametrize("packed", [".gz", ".xz"])
def test_an_archive_that_unpacks_to_far_more_is_refused(packed: str) -> None:
    content = archive(
        ("debian-binary", b"2.0\n"), (f"control.tar{packed}", PACKERS[packed](bytes(module.MAX_CONTROL + 1)))
    )

    with pytest.raises(DebError, match="larger than 16 MiB when it is unpacked"):
        read(content)


def test_an_archive_that_takes_too_much_memory_to_unpack_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}]
    unpacker = lzma.compress(b"small", filters=filters)

    with pytest.raises(DebError, match="cannot be unpacked"):
        read(archive(("debian-binary", b"2.0\n"), ("control.tar.xz", unpacker)))
