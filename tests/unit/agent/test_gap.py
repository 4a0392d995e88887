"""The listener that measures gaps, without a network: what it hears and what it says of it."""

import struct

from dockmesh.agent.gap import INTERVAL_S, Target, checksum, read_reply, request


def test_the_longest_silence_is_told_without_the_pause_between_two_pings() -> None:
    target = Target("172.17.42.2", 7)
    target.sent = 4

    for sequence, at in ((1, 10.0), (2, 10.02), (4, 12.02)):
        target.hear(sequence, at)

    told = target.told(12.03)
    assert told["longest_ms"] == round((2.0 - INTERVAL_S) * 1000)
    assert (told["sent"], told["answered"], told["silent_ms"]) == (4, 3, 10)


def test_a_silence_that_lasts_counts() -> None:
    target = Target("172.17.42.2", 7)
    target.hear(1, 10.0)

    assert target.told(15.0)["longest_ms"] == target.told(15.0)["silent_ms"] == 5000


def test_who_never_answered_has_no_gap() -> None:
    assert Target("172.17.42.2", 7).told(15.0)["silent_ms"] is None


def test_a_second_answer_to_one_ping_is_counted_apart() -> None:
    target = Target("172.17.42.2", 7)

    target.hear(1, 10.0)
    target.hear(1, 10.5)

    assert (target.twice, target.longest_s) == (1, 0.0)


def test_only_answers_to_an_echo_are_heard() -> None:
    header = b"\x45" + bytes(19)

    assert read_reply(header + struct.pack("!BBHHH", 0, 0, 0, 7, 3)) == (7, 3)
    assert read_reply(header + request(7, 3)) is None
    assert read_reply(header) is None
    assert checksum(request(7, 3)) == 0
