"""Which release each host of a lab gets, and where its packages come from."""

import pytest

from dockmesh.errors import LabError
from dockmesh.lab.image import sources_of
from dockmesh.lab.release import Release, parse_releases, releases_of

B, T, F = Release.BOOKWORM, Release.TRIXIE, Release.FORKY
NAMES = ("host1", "host2", "host3")
OURS = "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie trixie-updates\n"


def test_one_release_is_that_of_all_hosts() -> None:
    assert releases_of(NAMES, parse_releases("forky"), {}) == (F, F, F)


def test_a_mixture_names_hosts_and_the_others_have_the_default() -> None:
    assert releases_of(NAMES, parse_releases("host1=bookworm, host3=forky"), {}) == (B, T, F)


def test_what_is_there_stays_and_what_comes_is_as_the_others() -> None:
    assert releases_of(NAMES, None, {"host1": B, "host2": B}) == (B, B, B)
    assert releases_of(NAMES, None, {"host1": B, "host2": F}) == (B, F, T)
    assert releases_of(NAMES, {"host3": F}, {"host1": B, "host2": B}) == (B, B, F)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("sid", "the lab has no release 'sid'"),
        ("host1=jammy", "the lab has no release 'jammy'"),
        ("", "the lab has no release ''"),
        ("host1=trixie,forky", "'forky' is not HOST=RELEASE"),
        ("host1=trixie,,", "'' is not HOST=RELEASE"),
        ("host1=trixie,host1=forky", "host1 is given twice"),
    ],
)
def test_what_is_no_release_is_refused(text: str, error: str) -> None:
    with pytest.raises(LabError, match=error):
        parse_releases(text)


def test_a_mixture_that_names_a_host_that_is_not_there_is_refused() -> None:
    with pytest.raises(LabError, match="--release names host7, but the hosts are host1 to host3"):
        releases_of(NAMES, {"host7": B}, {})


def test_another_release_comes_from_this_machines_own_mirror() -> None:
    others = {"debian.sources": OURS, "vendor.list": "deb http://vendor.example stable main\n"}

    assert sources_of(others, T) == {"debian.sources": OURS}
    assert sources_of(others, B) == {"debian.sources": OURS.replace("trixie", "bookworm")}
    assert sources_of({}, B) == {}


def test_a_machine_that_has_the_release_itself_gives_that_alone() -> None:
    both = {"old.sources": OURS.replace("trixie", "bookworm"), "debian.sources": OURS}

    assert sources_of(both, B) == {"old.sources": both["old.sources"]}
