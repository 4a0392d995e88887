"""X25519 (RFC 7748, section 5): the public key that belongs to a private one of WireGuard's.

A host makes its key before anything is installed there, so with what every Python has. It takes another time for other
keys; it runs once in a key's life, and on the host alone that holds it.

Python's standard library only, Python 3.7 or later.
"""

from __future__ import annotations

PRIME = 2**255 - 19
A24 = 121665
BASE_POINT = 9
BYTES = 32


def clamped(key: bytes) -> bytes:
    """A private key out of 32 random bytes."""
    return bytes((key[0] & 248, *key[1:31], key[31] & 127 | 64))


def public_key(private: bytes) -> bytes:
    """Of a private key of 32 bytes."""
    return ladder(private, BASE_POINT)


def ladder(key: bytes, point: int) -> bytes:
    """The function X25519 of RFC 7748, by its Montgomery ladder and its names."""
    k = int.from_bytes(clamped(key), "little")
    x1, x2, z2, x3, z3 = point % PRIME, 1, 0, point % PRIME, 1
    swap = 0
    for bit in range(254, -1, -1):
        k_t = k >> bit & 1
        if swap ^ k_t:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = k_t
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % PRIME, b * b % PRIME, d * a % PRIME, c * b % PRIME
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % PRIME, x1 * (da - cb) ** 2 % PRIME
        x2, z2 = aa * bb % PRIME, e * (aa + A24 * e) % PRIME
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, PRIME - 2, PRIME) % PRIME).to_bytes(BYTES, "little")
