from dockmesh.facts.types import Container, Place
from dockmesh.undo.containers import in_order


def at(name: str, *addresses: str, docker0: str | None = None) -> Container:
    return Container(name, name, docker0, tuple(Place("blue", each) for each in addresses))


def test_containers_are_started_in_the_order_of_their_addresses() -> None:
    """Docker gives each the first address that is free, and lists them the newest first."""
    listed = [
        at("none"),
        at("tenth", docker0="172.17.64.10"),
        at("blue", "10.80.64.3"),
        at("third", "10.80.64.9", docker0="172.17.64.3"),
        at("second", docker0="172.17.64.2"),
    ]

    assert [each.name for each in in_order(listed)] == ["blue", "second", "third", "tenth", "none"]
