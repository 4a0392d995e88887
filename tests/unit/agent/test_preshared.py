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


def look(here: Preshared, handshakes: dict[str, float], now: float, own: str = "A=") -> str:
    """As the keeper does, with a device that takes at once what it is told: the key that is used towards host2."""
    here.choose(own, PEERS, handshakes, now)
    here.told(now)
    return here.name("host2")


def test_a_handshake_with_the_new_key_is_the_end_of_the_old_one(preshared: Preshared) -> None:
    assert look(preshared, {"B=": WRITTEN - 50}, WRITTEN + 1) == "preshared-host2"
    assert preshared.pending(PEERS) == ["host2"]

    assert look(preshared, {"B=": WRITTEN + 70}, WRITTEN + 71) == "preshared-host2"

    assert preshared.pending(PEERS) == []
    assert preshared.name("host3") == "preshared-host3"


def test_one_before_the_device_has_the_new_key_is_none(preshared: Preshared) -> None:
    """What tells the device may be held up: until then every handshake is by the old key."""
    preshared.choose("A=", PEERS, {"B=": WRITTEN + 20}, WRITTEN + 21)
    assert preshared.pending(PEERS) == ["host2"]

    preshared.told(WRITTEN + 30)
    look(preshared, {"B=": WRITTEN + 29}, WRITTEN + 31)
    assert preshared.pending(PEERS) == ["host2"]

    look(preshared, {"B=": WRITTEN + 34}, WRITTEN + 35)
    assert preshared.pending(PEERS) == []


def test_without_one_the_old_key_is_tried_before_the_session_ends_and_kept_if_it_is_answered(
    preshared: Preshared,
) -> None:
    last = WRITTEN - 100
    look(preshared, {"B=": last}, WRITTEN)
    assert look(preshared, {"B=": last}, last + 134) == "preshared-host2"
    assert look(preshared, {"B=": last}, last + 136) == "before-host2"
    assert preshared.name("host3") == "preshared-host3"

    for after in (5, 60, 119):
        look(preshared, {"B=": last + 140}, last + 140 + after)

    assert (preshared.name("host2"), preshared.pending(PEERS)) == ("before-host2", ["host2"])


def test_while_neither_is_answered_both_are_tried_in_turn(preshared: Preshared) -> None:
    look(preshared, {}, WRITTEN)
    used = [look(preshared, {}, WRITTEN + second) for second in range(140, 200, 5)]

    assert used[:9] == ["before-host2"] * 3 + ["preshared-host2"] * 3 + ["before-host2"] * 3


@pytest.mark.parametrize("phase", range(0, 55, 5))
def test_two_ends_that_both_look_for_the_key_meet_whenever_they_began(tmp_path: Path, phase: int) -> None:
    """One has the newer key by name of what is the other's older one, so that they have but one in common."""
    keys = {"a": {"preshared": "K2", "before": "K0"}, "b": {"preshared": "K0", "before": "K1"}}
    ends = {}
    for name, peer in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        for kind in keys[name]:
            (tmp_path / name / f"{kind}-{peer}").touch()
            os.utime(tmp_path / name / f"{kind}-{peer}", (WRITTEN, WRITTEN))
        ends[name] = Preshared(str(tmp_path / name))
    public = {"a": "A=", "b": "B="}
    in_common, longest = 0, 0
    for second in range(0, 600, 5):
        used = []
        for name, peer, began in (("a", "b", 0), ("b", "a", phase)):
            if second >= began:
                ends[name].choose(public[name], {peer: public[peer]}, {}, WRITTEN + 140 + second)
                ends[name].told(WRITTEN + 140 + second)
            used.append(keys[name][ends[name].name(peer).partition("-")[0]])
        in_common = in_common + 5 if used[0] == used[1] else 0
        longest = max(longest, in_common)

    assert longest >= 10  # two of WireGuard's own tries


def test_a_newer_key_is_tried_first_again(preshared: Preshared) -> None:
    look(preshared, {}, WRITTEN)
    assert look(preshared, {}, WRITTEN + 140) == "before-host2"
    os.utime(preshared.path("host2"), (WRITTEN + 150, WRITTEN + 150))

    assert look(preshared, {"B=": WRITTEN + 141}, WRITTEN + 151) == "preshared-host2"


def test_handshakes_are_read_and_nonsense_is_none() -> None:
    assert read_handshakes("B=\t1796139775\nC=\t0\nnonsense\nD=\tx\n") == {"B=": 1796139775.0, "C=": 0.0}
