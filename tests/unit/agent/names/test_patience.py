"""How long another host is waited for, with a clock in hand."""

from dockmesh.agent.names.patience import FAR_S, LOOK_S, NEAR_S, START_S, SUSPECT_S, Peer


def test_a_host_that_misses_a_question_is_doubted_and_then_silent() -> None:
    peer = Peer("host2", "172.17.42.2")

    peer.missed(100.0)

    assert not peer.is_silent(100.0 + SUSPECT_S / 2)
    assert peer.is_silent(100.0 + SUSPECT_S)


def test_it_is_silent_from_the_first_question_that_it_missed() -> None:
    peer = Peer("host2", "172.17.42.2")

    peer.missed(100.0)
    peer.missed(100.0 + SUSPECT_S * 0.9)

    assert peer.is_silent(100.0 + SUSPECT_S)


def test_a_host_whose_kernel_takes_connections_is_doubted_while_its_resolver_may_be_starting() -> None:
    peer = Peer("host2", "172.17.42.2")
    peer.missed(100.0)

    peer.listened = 110.0
    assert not peer.is_silent(110.0 + SUSPECT_S / 2)
    assert peer.is_silent(110.0 + SUSPECT_S)

    peer.listened = 200.0
    assert not peer.is_silent(100.0 + START_S)
    assert peer.is_silent(100.0 + START_S + SUSPECT_S)


def test_a_connection_of_old_times_says_nothing() -> None:
    peer = Peer("host2", "172.17.42.2")
    peer.listened = 50.0

    peer.missed(100.0)

    assert not peer.is_silent(100.0 + SUSPECT_S / 2)
    assert peer.is_silent(100.0 + SUSPECT_S)


def test_one_answer_brings_it_back() -> None:
    peer = Peer("host2", "172.17.42.2")
    peer.missed(100.0)

    peer.answered(0.001)

    assert not peer.is_silent(200.0)


def test_all_of_it_takes_less_than_a_second_for_a_host_that_dies() -> None:
    assert NEAR_S + SUSPECT_S < 1
    assert 2 * LOOK_S < SUSPECT_S  # a lost packet is not yet a death
    assert NEAR_S < 0.1


def test_a_host_behind_a_long_way_gets_the_time_that_it_needs() -> None:
    peer = Peer("host2", "172.17.42.2")

    for _ in range(20):
        peer.answered(0.2)

    assert 0.2 < peer.patience_s < 0.4
    for _ in range(20):
        peer.answered(5.0)
    assert peer.patience_s == FAR_S


def test_a_near_host_gets_no_less_than_a_busy_one_may_need() -> None:
    peer = Peer("host2", "172.17.42.2")

    for _ in range(20):
        peer.answered(0.0002)

    assert peer.patience_s == NEAR_S
