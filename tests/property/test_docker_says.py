"""Whatever Docker answers: it is read, or it is as if it had not been said."""

from ipaddress import ip_address
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dockmesh.agent.names.zone import Zone, as_listed, read_inspected, read_listed

KEYS = ("Id", "Name", "Names", "State", "Running", "Pid", "NetworkSettings", "Networks", "bridge", "blue")
MORE = ("IPAddress", "GlobalIPv6Address", "DNSNames", "Aliases")
TEXTS = st.one_of(st.text(max_size=20), st.sampled_from(("1" * 64, "/web", "172.17.64.1", "fd80::1", "WEB")))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.sampled_from(KEYS + MORE), TEXTS), inner, max_size=6)
    ),
    max_leaves=30,
)
ENDPOINTS = st.fixed_dictionaries(dict.fromkeys(MORE, JSON))
CONTAINERS = st.fixed_dictionaries(
    {
        "Id": st.one_of(st.just("1" * 64), JSON),
        "Name": JSON,
        "Names": JSON,
        "State": st.one_of(st.fixed_dictionaries({"Running": st.booleans(), "Pid": JSON}), JSON),
        "NetworkSettings": st.fixed_dictionaries(
            {"Networks": st.one_of(st.dictionaries(st.sampled_from(("bridge", "blue")), ENDPOINTS), JSON)}
        ),
    }
)


@given(st.one_of(JSON, CONTAINERS))
def test_what_is_read_of_a_container_can_be_named_and_asked_for(said: Any) -> None:
    for read in (read_inspected, read_listed):
        found = read(said)
        if found is None:
            continue
        zone = Zone(("bridge", "blue"))
        zone.put(found)

        assert as_listed(as_listed(found)) == as_listed(found)
        for endpoint in found.endpoints:
            for address in filter(None, (endpoint.address, endpoint.address6)):
                assert str(ip_address(address)) == address
                assert zone.owner(address) == found
                zone.name_of(endpoint.network, address)
            known = endpoint.network in zone.networks
            assert all(bool(zone.find(endpoint.network, name)) == known for name in endpoint.names)
        zone.drop(found.id)
        assert zone.size == 0
