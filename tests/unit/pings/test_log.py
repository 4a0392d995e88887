"""What a pinger says, without one: pings, outages and silences."""

import pytest

from dockmesh.pings.log import Ping, PingLog, PingStats, arrivals, longest_silence_ms, outages
from tests.unit.drill.worlds import FAULT_S, pings


def test_lines_of_a_pinger_become_pings() -> None:
    log = PingLog(("host2", "host3"), 10)

    log.take("R 1 1000000\nA 1 0 800\nR 2 1010000\nA 1 1 9")
    log.take("00\nA 2 1 1000\nR 3 2500000\n")

    assert [(ping.sent_s, ping.rtt_ms) for ping in log.pings("host2")] == [(1.0, 0.8), (1.01, None)]
    assert [(ping.sent_s, ping.rtt_ms) for ping in log.pings("host3")] == [(1.0, 0.9), (1.01, 1.0)]


def test_what_may_be_answered_yet_is_not_lost() -> None:
    log = PingLog(("host2",), 10)

    log.take("R 1 1000000\nA 1 0 800\nR 2 1010000\n")

    assert [ping.rtt_ms for ping in log.pings("host2")] == [0.8]


def test_an_answer_that_comes_late_is_none_where_that_is_wanted() -> None:
    log = PingLog(("host2",), 10, late_ms=1000)

    log.take("R 1 1000000\nA 1 0 1000001\nR 2 3000000\n")

    assert [ping.rtt_ms for ping in log.pings("host2")] == [None]


def test_another_clock_is_read_by_ours() -> None:
    log = PingLog(("host2",), 10, ahead_s=0.5)

    log.take("R 1 1500000\nA 1 0 100\n")

    assert [ping.sent_s for ping in log.pings("host2")] == [1.0]


def test_silence_is_since_the_last_answered_ping() -> None:
    log = PingLog(("host2", "host3"), 10)

    log.take("R 1 1000000\nA 1 0 100\nR 2 1010000\n")

    assert log.silent_ms("host2", 1.5) == 500
    assert log.silent_ms("host3", 1.5) is None


def test_lost_pings_second_answers_and_the_longest_silence_are_told() -> None:
    log = PingLog(("host2",), 10)

    log.take("R 1 1000000\nA 1 0 0\nR 2 1010000\nA 2 0 0\nA 2 0 100\nR 3 1020000\nR 4 1060000\nA 4 0 0\nR 5 2100000\n")

    stats = log.stats("host2")
    assert (stats.sent, stats.answered, stats.twice) == (4, 3, 1)
    assert round(stats.silent_ms or 0) == round(stats.longest_ms or 0) == 1040


def test_a_silence_is_the_time_between_two_answers_without_the_pause_between_two_pings() -> None:
    late = [Ping(1.0, 1.0), Ping(1.01, 501.0), Ping(1.02, 491.0)]

    assert round(longest_silence_ms(arrivals(late), 10)) == 500


def test_who_never_answered_has_no_silence_but_is_silent() -> None:
    log = PingLog(("host2",), 10)

    log.take("R 1 1000000\nR 2 3000000\n")

    assert log.stats("host2") == PingStats(1, 0, 0, None, None)


def test_a_outage_is_from_the_first_lost_ping_to_the_next_answered_one() -> None:
    (outage,) = outages(pings([(0.5, 0.8)]), 10)

    assert (round(outage.ms), outage.lost, outage.open) == (300, 30, False)


def test_a_outage_at_the_end_is_open() -> None:
    (outage,) = outages(pings([(8.5, 9)]), 10)

    assert outage.open


def test_pings_that_were_sent_late_are_no_outage() -> None:
    sent = [Ping(FAULT_S, 1.0), Ping(FAULT_S + 0.9, 1.0), Ping(FAULT_S + 0.91, 1.0)]

    assert outages(sent, 10) == ()


def test_a_host_that_was_away_measured_nothing() -> None:
    gone = [Ping(FAULT_S, None), Ping(FAULT_S + 5, 1.0)]

    (outage,) = outages(gone, 10)

    assert outage.open
    assert round(outage.ms) == 10


@pytest.mark.parametrize(
    "lie",
    [
        f"R 1 {'9' * 5000}",
        "R 1 ²",
        "R 1 -5",
        "A 0 0 100",  # of no round; the last one from behind, if Python is asked
        "A 2 0 100",
        f"A 1 {'9' * 17} 100",  # of no target
        "A 1 0 1e9",
        "",
        "R",
        "x" * 201,
    ],
)
def test_what_no_pinger_writes_is_refused(lie: str) -> None:
    log = PingLog(("host2",), 10)
    log.take("R 1 1000000\n")

    with pytest.raises(ValueError, match=r"line|number|unpack"):
        log.take(f"{lie}\n")


def test_a_line_without_end_is_refused_before_it_ends() -> None:
    log = PingLog(("host2",), 10)

    with pytest.raises(ValueError, match="without end"):
        log.take("9" * 1000)
