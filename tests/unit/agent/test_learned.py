from dockmesh.agent.learned import LearnedEndpoints

PEERS = [{"public": "B2="}, {"public": "B3="}, {"public": "B4=", "endpoint": "192.0.2.14:51820"}]


def test_of_peers_without_an_endpoint_it_is_kept_where_they_were_heard_last() -> None:
    learned = LearnedEndpoints()
    learned.remember("B2=\t203.0.113.7:40001\nB3=\t(none)\nB4=\t192.0.2.14:51820\n", PEERS)
    learned.remember("B2=\t(none)\nB3=\t[2001:db8::3]:9\n", PEERS)

    assert learned.arguments() == [
        ("peer", "B2=", "endpoint", "203.0.113.7:40001"),
        ("peer", "B3=", "endpoint", "[2001:db8::3]:9"),
    ]


def test_whoever_is_no_peer_any_more_or_is_found_otherwise_now_is_forgotten() -> None:
    learned = LearnedEndpoints()
    learned.remember("B2=\t203.0.113.7:40001\nB3=\t203.0.113.8:1\n", PEERS)
    learned.remember("", [{"public": "B2=", "endpoint": "192.0.2.12:51820"}])

    assert learned.arguments() == []


def test_whatever_is_said_breaks_nothing() -> None:
    learned = LearnedEndpoints()
    learned.remember("\nB2=\nB3= a b c\n", PEERS)

    assert learned.arguments() == []
