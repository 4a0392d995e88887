"""The resolvers, as status tells of them."""

from dockmesh.render.names import UNIT
from dockmesh.status.types import Names, StatusFinding
from tests.unit.status import worlds

WELL = "names: 7; Docker: followed; silent: none; elsewhere: none"


def world(**states: dict[str, str]) -> worlds.World:
    """By host what systemd says of its resolver beside that it is active."""
    made = worlds.well()
    for host, found in made.items():
        units = {**found.facts.units, UNIT: {"ActiveState": "active", "StatusText": WELL, **states.get(host, {})}}
        worlds.change_units(made, host, units)
    return made


def texts(found: tuple[StatusFinding, ...]) -> list[tuple[tuple[str, ...], str]]:
    return [(each.hosts, each.what) for each in found]


def test_it_is_told_how_many_names_a_host_answers() -> None:
    found = worlds.status_of(world())

    assert [host.names for host in found.hosts] == [Names("active", 7)] * len(found.hosts)
    assert (found.findings, found.warnings) == ((), ())


def test_one_that_does_not_run_is_not_right() -> None:
    found = worlds.status_of(world(host2={"ActiveState": "failed", "StatusText": ""}))

    assert (("host2",), f"nobody answers names: {UNIT} is failed") in texts(found.findings)


def test_a_resolver_that_another_does_not_hear_is_told_and_a_host_that_is_down_is_told_once() -> None:
    deaf = world(host1={"StatusText": "names: 7; Docker: followed; silent: host2; elsewhere: none"})

    found = worlds.status_of(deaf)
    gone = worlds.status_of(deaf, worlds.silence(deaf, "host2"))

    text = "the resolver of host1 gets no answer from that of host2"
    assert (("host1", "host2"), text) in texts(found.findings)
    assert all(each.what != text for each in gone.findings)


def test_containers_that_are_older_than_names_are_told_with_what_to_do() -> None:
    old = world(host1={"StatusText": "names: 7; Docker: followed; silent: none; elsewhere: db, web"})

    (warning,) = worlds.status_of(old).warnings

    assert warning.hosts == ("host1",)
    assert warning.what.endswith("ask other servers: db, web")
    assert warning.do == "restart them, on host1: `docker restart db web`"
