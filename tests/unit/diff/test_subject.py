import pytest

from dockmesh.diff.subject import FLOWS, RESTART, RESTART_FOR_IPV6, Subject, Thing, tunnel


@pytest.mark.parametrize(
    ("subject", "shown", "key"),
    [
        (Subject(Thing.DEVICE, "docker0"), "docker0", "docker0"),
        (Subject(Thing.DEVICE, "docker0", "MTU"), "docker0 MTU", "docker0 MTU"),
        (Subject(Thing.BRIDGE, "br0"), "bridge br0", "bridge br0"),
        (Subject(Thing.BRIDGE, "br0", "rstp_enable"), "br0 rstp_enable", "br0 rstp_enable"),
        (Subject(Thing.PATCH, "dmp-blue"), "patch dmp-blue", "patch dmp-blue"),
        (Subject(Thing.FILE, "/etc/dockmesh/up"), "/etc/dockmesh/up", "/etc/dockmesh/up"),
        (tunnel("host2", "gre1"), "tunnel gre1", "tunnel to host2"),
        (tunnel("host2", "gre1").of("options:key"), "gre1 options:key", "tunnel to host2 options:key"),
        (tunnel(None, "gre9"), "tunnel gre9", "tunnel gre9"),
        (FLOWS, "br0 flows", "br0 flows"),
        (RESTART, "docker restart", "docker restart"),
        (RESTART_FOR_IPV6, "docker restart for IPv6", "docker restart for IPv6"),
    ],
)
def test_a_subject_has_a_name_for_people_and_one_for_records(subject: Subject, shown: str, key: str) -> None:
    assert (str(subject), subject.key) == (shown, key)


def test_a_tunnel_is_the_same_to_a_record_whatever_its_port() -> None:
    assert tunnel("host2", "gre1").key == tunnel("host2", "gre7").key
