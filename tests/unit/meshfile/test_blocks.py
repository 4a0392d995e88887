"""Free blocks of a prefix, and pools that hold an address."""

from ipaddress import IPv4Network

from dockmesh.meshfile.blocks import free_blocks

PREFIX = IPv4Network("172.17.0.0/16")


def networks(*texts: str) -> list[IPv4Network]:
    return [IPv4Network(text) for text in texts]


def test_the_gap_between_two_pools_is_free() -> None:
    taken = networks("172.17.0.0/18", "172.17.64.0/18", "172.17.192.0/18")

    assert free_blocks(PREFIX, taken) == networks("172.17.128.0/18")


def test_an_empty_prefix_is_one_free_block() -> None:
    assert free_blocks(PREFIX, []) == [PREFIX]


def test_a_full_prefix_has_no_free_block() -> None:
    assert free_blocks(PREFIX, networks("172.17.0.0/17", "172.17.128.0/17")) == []


def test_what_is_taken_outside_the_prefix_takes_nothing_of_it() -> None:
    assert free_blocks(PREFIX, networks("172.16.0.0/16", "172.18.0.0/16")) == [PREFIX]


def test_a_larger_pool_around_the_prefix_takes_all_of_it() -> None:
    assert free_blocks(PREFIX, networks("172.16.0.0/12")) == []


def test_an_address_splits_its_block_and_the_largest_pieces_are_named() -> None:
    taken = networks("172.17.64.0/18", "172.17.128.0/17", "172.17.42.1/32")

    assert free_blocks(PREFIX, taken, count=2) == networks("172.17.0.0/19", "172.17.48.0/20")


def test_an_end_of_the_prefix_alone_is_no_block() -> None:
    assert free_blocks(IPv4Network("10.0.0.0/30"), networks("10.0.0.1/32", "10.0.0.2/32")) == []
