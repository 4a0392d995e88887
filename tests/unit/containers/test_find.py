"""Which container a name means, on whatever host."""

import pytest

from dockmesh.containers.find import find, host_in, missing
from dockmesh.containers.types import Container
from dockmesh.errors import UsageError
from tests.unit.containers.worlds import container

WEB1, WEB2 = container("web", "host1", "a1" * 32), container("web", "host2", "b2" * 32)
DB = container("db", "host2", "a2" * 32)
ALL = [WEB1, WEB2, DB]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("db", DB),
        ("db.host2", DB),
        ("web.host2", WEB2),
        ("b2b2", WEB2),
        ("b2.host2", WEB2),
        ("a2" * 32, DB),
        ("db.host1", None),
        ("d", None),
        ("", None),
    ],
)
def test_a_name_means_one_container(name: str, meant: Container | None) -> None:
    assert find(name, ALL, verb="logs") is meant


@pytest.mark.parametrize("name", ["web", "a"])
def test_a_name_that_means_several_is_refused_with_all_of_them(name: str) -> None:
    with pytest.raises(UsageError) as error:
        find(name, ALL, verb="exec")

    assert f"{name} may mean 2 containers: web.host1 (a1a1a1a1a1a1), " in str(error.value)
    assert "`dockmesh exec web.host1`" in str(error.value)


def test_a_name_comes_before_the_beginning_of_an_identifier() -> None:
    named = container("a1", "host2", "c3" * 32)

    assert find("a1", [*ALL, named], verb="logs") is named


def test_where_one_runs_only_that_can_be_meant_by_a_command() -> None:
    stopped = container("web", "host3", "c3" * 32, "exited")

    assert find("web", [WEB1, stopped], verb="exec", running=True) is WEB1
    assert find("web", [stopped], verb="exec", running=True) is stopped


def test_a_name_with_a_dot_that_reads_in_two_ways_is_refused_and_the_advice_is_no_third() -> None:
    dotted = container("web.host1", "host2", "c3" * 32)

    with pytest.raises(UsageError, match="may mean 2 containers") as error:
        find("web.host1", [WEB1, dotted], verb="logs")

    assert error.value.report.do == "say which, for example `dockmesh logs a1a1a1a1a1a1`"


def test_of_many_only_some_are_listed() -> None:
    many = [container("web", f"host{number}", f"{number:064}") for number in range(1, 31)]

    with pytest.raises(UsageError, match=r"may mean 30 containers: .* and 20 more"):
        find("web", many, verb="logs")


def test_a_name_that_nobody_has_is_told_with_who_did_not_answer_and_what_is_like_it() -> None:
    error = missing("wbe", ALL, silent=["host3"])

    assert error.report.what == "no container is called wbe on the hosts that answer; host3 did not"
    assert error.report.do == "`dockmesh ps --all` shows them all. Did you mean `web`?"


def test_the_longest_host_is_the_one_that_a_name_ends_in() -> None:
    assert host_in("web.a.b", ["b", "a.b", "c"]) == "a.b"
    assert host_in("web", ["web"]) is None
