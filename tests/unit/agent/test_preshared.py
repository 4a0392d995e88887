"""Which of two preshared keys is used, by the time of the last handshake."""

import os
from pathlib import Path

import pytest

from dockmesh.agent.preshared import Preshared, read_handshakes

PEERS = {"host2": "B=", "host3": "C="}
WRITTEN = 1_000_000.0


@pytest.fixture
def preshared(tmp_path: Path) -> Preshared:
    """host2's key was changed at WRITTEN, host3's never."""
    for name in ("before-host2", "preshared-host2", "preshared-host3"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (WRITTEN, WRITTEN))
    return Preshared(str(tmp_path))


def names(preshared: Preshared) -> list[str]:
    return [preshared.name(peer) for peer in PEERS]


def test_a_handshake_with_the_new_key_is_the_end_of_the_old_one(preshared: Preshared) -> None:
    preshared.choose(PEERS, {"B=": WRITTEN - 50}, WRITTEN + 1)
    assert (names(preshared), preshared.pending(PEERS)) == (["preshared-host2", "preshared-host3"], ["host2"])

    preshared.choose(PEERS, {"B=": WRITTEN + 70}, WRITTEN + 71)

    assert (names(preshared), preshared.pending(PEERS)) == (["preshared-host2", "preshared-host3"], [])


def test_without_one_the_old_key_is_tried_before_the_session_ends_and_kept_if_it_is_answered(
    preshared: Preshared,
) -> None:
    last = WRITTEN - 100
    preshared.choose(PEERS, {"B=": last}, last + 134)
    assert preshared.name("host2") == "preshared-host2"
    preshared.choose(PEERS, {"B=": last}, last + 136)
    assert names(preshared) == ["before-host2", "preshared-host3"]

    for after in (5, 60, 119):
        preshared.choose(PEERS, {"B=": last + 140}, last + 140 + after)

    assert (preshared.name("host2"), preshared.pending(PEERS)) == ("before-host2", ["host2"])


def test_while_neither_is_answered_both_are_tried_in_turn(preshared: Preshared) -> None:
    used = []
    for second in range(140, 200, 5):
        preshared.choose(PEERS, {}, WRITTEN + second)
        used.append(preshared.name("host2"))

    assert used[:9] == ["before-host2"] * 3 + ["preshared-host2"] * 3 + ["before-host2"] * 3


def test_a_newer_key_is_tried_first_again(preshared: Preshared) -> None:
    preshared.choose(PEERS, {}, WRITTEN + 140)
    assert preshared.name("host2") == "before-host2"
    os.utime(preshared.path("host2"), (WRITTEN + 150, WRITTEN + 150))

    preshared.choose(PEERS, {"B=": WRITTEN + 141}, WRITTEN + 151)

    assert preshared.name("host2") == "preshared-host2"


def test_handshakes_are_read_and_nonsense_is_none() -> None:
    assert read_handshakes("B=\t1796139775\nC=\t0\nnonsense\nD=\tx\n") == {"B=": 1796139775.0, "C=": 0.0}
