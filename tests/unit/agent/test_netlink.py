"""What the kernel says by netlink, and what it never would."""

from collections.abc import Callable

import pytest

from dockmesh.agent import netlink


def test_the_kernels_own_answer_is_understood() -> None:
    names = {each.name: each for each in netlink.links()}

    assert names["lo"].mac == "00:00:00:00:00:00"
    assert names["lo"].index == 1


@pytest.mark.parametrize("read", [netlink.messages, netlink.attributes])
@pytest.mark.parametrize("data", [b"", b"\1", bytes(3), bytes(16), b"\xff" * 16, b"\x05\0\x01\0"])
def test_what_the_kernel_never_says_ends_as_well(read: Callable[[bytes], object], data: bytes) -> None:
    assert len(list(read(data))) <= 1  # type: ignore[call-overload]
