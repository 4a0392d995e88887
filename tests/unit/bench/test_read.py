"""What iperf3 3.18 and ping of iputils said in a lab, read."""

from pathlib import Path

import pytest

from bench.peers.read import is_calm, longest_gap_ms, read_iperf, read_path_mtu, read_rtt, refusal
from dockmesh.errors import LabError

CASES = Path(__file__).parents[2] / "cases/bench"


def case(name: str) -> str:
    return (CASES / name).read_text()


def answers(*spans: tuple[float, float]) -> tuple[float, ...]:
    """One every 10 ms from each start to before each end."""
    return tuple(round(start + place / 100, 2) for start, end in spans for place in range(round((end - start) * 100)))


def test_tcp_is_what_the_receiver_got() -> None:
    assert read_iperf(case("tcp.json")).mbit == pytest.approx(181.9, abs=0.1)


def test_datagrams_that_were_lost_do_not_count() -> None:
    assert read_iperf(case("udp.json")).packets_per_second == pytest.approx((75536 - 49312) / 1.041597, abs=0.1)


def test_a_server_that_does_not_listen_is_told_as_iperf_tells_it() -> None:
    assert "Connection refused" in (refusal(case("refused.json")) or "")
    with pytest.raises(LabError, match="iperf3 measured nothing"):
        read_iperf(case("refused.json"))


def test_an_iperf_that_died_has_no_figure() -> None:
    assert refusal("Killed") == "iperf3 gave no JSON"


def test_round_trips_have_median_and_percentile() -> None:
    rtt = read_rtt(case("ping.txt"))

    assert (rtt.sent, rtt.answered) == (30, 30)
    assert rtt.median_ms == pytest.approx(0.807, abs=0.001)
    assert 5 < rtt.p95_ms < 6


def test_hardly_any_answer_is_no_latency() -> None:
    with pytest.raises(LabError, match="hardly any ping"):
        read_rtt("64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=1.10 ms\n")


@pytest.mark.parametrize(
    ("said", "mtu"),
    [
        ("ping: sendmsg: Message too long", None),
        ("ping: local error: message too long, mtu=1442", 1442),
        ("From 10.0.0.1 icmp_seq=1 Frag needed and DF set (mtu = 1437)", 1437),
        ("64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=1.10 ms", None),
    ],
)
def test_what_passes_is_read_from_who_refuses(said: str, mtu: int | None) -> None:
    assert read_path_mtu(said) == mtu


def test_a_gap_is_the_silence_less_the_interval() -> None:
    assert longest_gap_ms(answers((10, 12), (12.3, 14)), since=11.995) == pytest.approx(300, abs=1)


def test_a_silence_of_before_counts_from_the_event() -> None:
    assert longest_gap_ms(answers((0, 2), (50.2, 52)), since=50) == pytest.approx(200, abs=1)


def test_without_an_answer_there_is_no_gap_but_silence() -> None:
    assert longest_gap_ms(answers((0, 2)), since=50) is None


def test_an_event_that_nobody_notices_has_no_gap() -> None:
    assert longest_gap_ms(answers((0, 10)), since=5) == pytest.approx(0, abs=0.01)


def test_calm_is_when_most_pings_of_the_last_second_are_answered() -> None:
    assert is_calm(answers((0, 10)), now=10)
    assert not is_calm(answers((0, 9.3)), now=10)
