import io

from dockmesh.debian.deb import Deb, read_deb
from dockmesh.debian.select import Installed, Selection, select
from tests.support.debs import deb_bytes


def deb(package: str, version: str = "1", **fields: str) -> Deb:
    return read_deb(io.BytesIO(deb_bytes(package, version, **fields)), f"debs/{package}.deb")


def names(selection: Selection) -> list[str]:
    return [each.package for each in selection.debs]


def test_what_is_needed_comes_along_and_nothing_else() -> None:
    switch = deb("switch", Depends="common (= 1), libc6 (>= 2.38)")
    offered = (switch, deb("common", Depends="uuid"), deb("uuid"), deb("tcpdump"))

    selection = select((switch,), offered, {"libc6": Installed("2.41")})

    assert names(selection) == ["switch", "common", "uuid"]
    assert selection.because == {"common": "switch", "uuid": "common"}
    assert selection.unmet == ()


def test_what_is_installed_and_good_enough_stays() -> None:
    switch = deb("switch", Depends="libc6 (>= 2.38)")

    selection = select((switch,), (switch, deb("libc6", "2.38")), {"libc6": Installed("2.41")})

    assert names(selection) == ["switch"]


def test_what_is_installed_and_too_old_is_replaced() -> None:
    switch = deb("switch", "2", Depends="common (= 2)")

    selection = select((switch,), (switch, deb("common", "2")), {"common": Installed("1"), "switch": Installed("1")})

    assert names(selection) == ["switch", "common"]


def test_what_nobody_has_is_named_with_who_needs_it() -> None:
    switch = deb("switch", Depends="common, gone, libunbound8 (>= 1.8.0) | libunbound2")

    selection = select((switch,), (switch, deb("common", Depends="gone")), {"libunbound8": Installed("1.2")})

    assert [str(each) for each in selection.unmet] == [
        "gone, on which switch and common depend",
        "libunbound8 (>= 1.8.0) | libunbound2, on which switch depends",
    ]


def test_an_upgrade_takes_away_what_the_old_version_provided() -> None:
    switch = deb("switch", "2", Depends="abi (= 1)")

    selection = select((switch,), (switch,), {"switch": Installed("1", deb("x", Provides="abi (= 1)").provides)})

    assert [each.packages for each in selection.unmet] == [("switch",)]


def test_packages_that_need_each_other_end() -> None:
    a, b = deb("a", Depends="b"), deb("b", Depends="a")

    assert names(select((a,), (a, b), {})) == ["a", "b"]
