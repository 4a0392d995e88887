"""A host behind a NAT, noticed by where SSH goes here and where it arrives there."""

from ipaddress import ip_address

import pytest

from dockmesh.cli.work.hidden import read_endpoint
from dockmesh.model.encryption import HostEndpoint

FAR = ip_address("203.0.113.7")


@pytest.mark.parametrize(
    ("dialled", "port", "arrived", "endpoint"),
    [
        (["203.0.113.7"], 22, ("10.0.0.5", 22), HostEndpoint(FAR)),
        (["203.0.113.7"], 2222, ("10.0.0.5", 22), HostEndpoint()),
        (["2001:db8::7", "203.0.113.7"], 22, ("10.0.0.5", 22), HostEndpoint(FAR)),
        (["10.0.0.5"], 22, ("10.0.0.5", 22), None),
        (["10.0.0.6"], 22, ("10.0.0.5", 22), None),
        (["2001:db8::7"], 22, ("10.0.0.5", 22), None),
        (["127.0.0.1"], 2222, ("10.0.0.5", 22), None),
        ([], 22, ("10.0.0.5", 22), None),
        (["203.0.113.7"], 22, ("10.9.9.9", 22), None),
    ],
    ids=["one to one", "a port of a router", "both families", "itself", "its other address", "other family", "local",
         "nobody knows", "no device has it"],
)  # fmt: skip
def test_it_is_hidden_where_ssh_arrives_at_another_address_than_it_went_to(
    dialled: list[str], port: int, arrived: tuple[str, int], endpoint: HostEndpoint | None
) -> None:
    own = [ip_address(each) for each in ("10.0.0.5", "10.0.0.6", "fd00::5")]

    assert read_endpoint([*map(ip_address, dialled)], port, *arrived, own) == endpoint
