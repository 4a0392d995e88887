from dockmesh.drill.measure import Log


def test_lines_of_a_pinger_become_pings() -> None:
    log = Log(("host2", "host3"))

    log.take("R 1 1000000\nA 1 0 800\nR 2 1010000\nA 1 1 9")
    log.take("00\nA 2 1 1000\nR 3 2500000\n")

    assert [(ping.sent_s, ping.rtt_ms) for ping in log.pings("host2")] == [(1.0, 0.8), (1.01, None)]
    assert [(ping.sent_s, ping.rtt_ms) for ping in log.pings("host3")] == [(1.0, 0.9), (1.01, 1.0)]


def test_what_may_be_answered_yet_is_not_lost() -> None:
    log = Log(("host2",))

    log.take("R 1 1000000\nA 1 0 800\nR 2 1010000\n")

    assert [ping.rtt_ms for ping in log.pings("host2")] == [0.8]


def test_an_answer_after_a_second_is_none() -> None:
    log = Log(("host2",))

    log.take("R 1 1000000\nA 1 0 1000001\nR 2 3000000\n")

    assert [ping.rtt_ms for ping in log.pings("host2")] == [None]


def test_numbers_that_come_again_are_new_rounds() -> None:
    log = Log(("host2",))

    log.take("R 7 1000000\nA 7 0 100\nR 7 2000000\nA 7 0 200\n")

    assert [ping.rtt_ms for ping in log.pings("host2")] == [0.1, 0.2]


def test_another_clock_is_read_by_ours() -> None:
    log = Log(("host2",), ahead_s=0.5)

    log.take("R 1 1500000\nA 1 0 100\n")

    assert [ping.sent_s for ping in log.pings("host2")] == [1.0]


def test_silence_is_since_the_last_answered_ping() -> None:
    log = Log(("host2", "host3"))

    log.take("R 1 1000000\nA 1 0 100\nR 2 1010000\n")

    assert log.silent_ms("host2", 1.5) == 500
    assert log.silent_ms("host3", 1.5) is None
