"""X25519 against the vectors of RFC 7748 and against a library."""

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from dockmesh.agent.curve25519 import clamped, ladder, public_key


def number(text: str) -> int:
    return int.from_bytes(bytes.fromhex(text), "little")


def test_the_vector_of_rfc_7748_section_5_2() -> None:
    key = bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
    point = number("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")

    assert ladder(key, point).hex() == "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"


def test_the_public_keys_of_rfc_7748_section_6_1() -> None:
    alice = "77076d0a7318a57d3c16c17251b26645df4c2f92ebc099ab1d5b3a2d4c4f7f2a"
    bob = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"

    assert public_key(bytes.fromhex(bob)).hex() == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
    assert ladder(bytes.fromhex(bob), int.from_bytes(public_key(bytes.fromhex(alice)), "little")) == ladder(
        bytes.fromhex(alice), int.from_bytes(public_key(bytes.fromhex(bob)), "little")
    )


@given(st.binary(min_size=32, max_size=32))
def test_it_is_what_a_library_says(key: bytes) -> None:
    expected = X25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()

    assert public_key(key) == public_key(clamped(key)) == expected
